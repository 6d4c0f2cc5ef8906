package core_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
)

func TestNewTransport_OwnAuthority(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	for _, tt := range []struct {
		path    string
		options *core.TransportOptions
		status  int // of a refusal; 0: none, -1: not trusted
	}{
		{"/", &core.TransportOptions{RootCAs: pool}, 0},
		{"/moved", &core.TransportOptions{RootCAs: pool}, http.StatusFound},
		{"/", &core.TransportOptions{RootCAs: x509.NewCertPool()}, -1},
		{"/", &core.TransportOptions{}, -1},
		{"/", nil, -1},
	} {
		transport := core.NewTransport(tt.options)
		c, err := core.NewClient(core.ClientConfig{Endpoint: srv.URL}, &core.ClientOptions{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Call(t.Context(), core.Call{Method: http.MethodGet, Path: tt.path})
		var refused *core.ResponseError
		var untrusted *tls.CertificateVerificationError
		switch {
		case tt.status == 0:
			if err != nil {
				t.Error(err)
			}
		case tt.status < 0:
			if !errors.As(err, &untrusted) {
				t.Errorf("not trusted: %v", err)
			}
		case !errors.As(err, &refused) || refused.StatusCode != tt.status:
			t.Errorf("%v", err)
		}
		transport.CloseIdleConnections()
	}
}
