package core

import (
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

// defaultTransport uses the connections that the process shares. It does not
// follow redirects: see the package comment.
func defaultTransport() Transporter {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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
