package core

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
)

// Transporter sends one HTTP request and returns its answer. *http.Client is
// one, and so are the fakes of the clients. It must be safe for many
// goroutines.
type Transporter interface {
	Do(req *http.Request) (*http.Response, error)
}

// TransportOptions configure NewTransport; nil is the zero value.
type TransportOptions struct {
	// RootCAs are the authorities whose certificates are trusted: for a service
	// with one of its own, that of caFile in connection.json. Nil: the system's.
	RootCAs *x509.CertPool
}

// NewTransport returns what clients use by themselves, with a choice of
// authorities: it follows no redirect (see the package comment). Several clients
// may share one; without RootCAs it has the connections of the whole process.
// Whoever ends using it calls CloseIdleConnections.
func NewTransport(options *TransportOptions) *http.Client {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if options == nil || options.RootCAs == nil {
		return c
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if shared, ok := http.DefaultTransport.(*http.Transport); ok {
		t = shared.Clone()
	}
	t.TLSClientConfig = &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12}
	c.Transport = t
	return c
}

// transportPolicy ends every pipeline.
type transportPolicy struct {
	transport Transporter
}

func (p transportPolicy) Do(req *Request) (*http.Response, error) {
	resp, err := p.transport.Do(req.raw)
	if err != nil {
		// The error of net/http repeats the URL with its query, which may hold
		// what must not be logged.
		var u *url.Error
		if errors.As(err, &u) {
			return nil, u.Err
		}
		return nil, err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	if resp.Request == nil {
		resp.Request = req.raw
	}
	return resp, nil
}
