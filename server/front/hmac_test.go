package front_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// TestHMAC_Hosts tries every way to write the host that SDKs and proxies
// have, against every one that may be signed.
func TestHMAC_Hosts(t *testing.T) {
	f := open(t, front.Options{PublicHost: "203.0.113.7:8443"}, route{method: "GET", path: "/x", handle: ok})
	for _, test := range []struct {
		received, signed string
		status           int
	}{
		{"localhost:8080", "localhost:8080", 200},
		{"localhost:8080", "localhost:8080:8080", 200},
		{"localhost:8080:8080", "localhost:8080:8080", 200},
		{"localhost:8080:8080", "localhost:8080", 200},
		{"res.example", "res.example", 200},
		{"[::1]:8080", "[::1]:8080", 200},
		{"[::1]:8080", "[::1]:8080:8080", 200},
		{"[::1]:8080:8080", "[::1]:8080", 200},
		{"[::1]", "[::1]", 200},
		{"inner:80", "203.0.113.7:8443", 200},
		{"inner:80", "203.0.113.7:8443:8443", 200},
		{"localhost:8080", "localhost:80", 401},
		{"localhost:8080", "localhost", 401},
		{"localhost:8080", "localhost:8080:8080:8080", 401},
		{"localhost:8080:9090", "localhost:8080", 401},
		{"localhost:8080", "localhost:8080:9090", 401},
		{"res.example", "evil.example", 401},
		{"res.example", "", 401},
	} {
		req := request("GET", "/x"+version, "")
		req.Host = test.signed
		hash := acswire.ContentHash(nil)
		date := time.Now().UTC().Format(http.TimeFormat)
		req.Header.Set("x-ms-date", date)
		req.Header.Set("x-ms-content-sha256", hash)
		text := acswire.StringToSign("GET", "/x"+version, []string{date, test.signed, hash})
		req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+
			base64.StdEncoding.EncodeToString(acswire.Signature([]byte("two"), text)))
		req.Host = test.received
		if w := call(t, f, req, "", ""); w.Code != test.status {
			t.Errorf("received %s, signed %s: %d %s", test.received, test.signed, w.Code, w.Body)
		}
	}
}

// FuzzHMAC looks for headers that panic, or that get through although nobody
// who knows a key has signed them.
func FuzzHMAC(f *testing.F) {
	handled := false
	fr := open(f, front.Options{PublicHost: "203.0.113.7:8443"}, route{method: "POST", path: "/x", handle: func(context.Context, *front.Request) (*front.Response, error) {
		handled = true
		return &front.Response{Status: http.StatusOK}, nil
	}})
	f.Fuzz(func(t *testing.T, authorization, date, msDate, hash, host, body string) {
		req := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/x", RawQuery: "api-version=2023-10-01"}, RequestURI: "/x?api-version=2023-10-01",
			Host: host, Body: http.NoBody, Header: http.Header{},
		}
		for name, value := range map[string]string{"Authorization": authorization, "Date": date, "X-Ms-Date": msDate, "X-Ms-Content-Sha256": hash} {
			if value != "-" {
				req.Header[name] = strings.Split(value, "\n")
			}
		}
		handled = false
		w := httptest.NewRecorder()
		fr.ServeHTTP(w, req)
		if handled || w.Code != http.StatusUnauthorized || w.Header().Get("X-Ms-Error-Code") != "Denied" {
			t.Errorf("%q: status %d, handled %v", authorization, w.Code, handled)
		}
		if strings.Contains(w.Body.String(), hash) && len(hash) > 20 {
			t.Error("the answer repeats the hash")
		}
	})
}
