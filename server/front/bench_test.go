package front_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// sink is a ResponseWriter without a connection.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkFront is what the door costs a signed request with a small body,
// beside its handler.
func BenchmarkFront(b *testing.B) {
	f := open(b, front.Options{Observer: &discard{}}, route{method: http.MethodPost, path: "/identities/{id}/:issueAccessToken", handle: ok})
	const body = `{"scopes":["chat"]}`
	req := httptest.NewRequest(http.MethodPost, "http://res.example/identities/8%3Aacs%3Aa_b/:issueAccessToken"+version, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.RequestURI = req.URL.RequestURI()
	if err := acswire.Sign(req, local.PrimaryKey, []byte(body), time.Now()); err != nil {
		b.Fatal(err)
	}
	w := &sink{h: http.Header{}}
	u := *req.URL
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		req.Body = readCloser{strings.NewReader(body)}
		req.URL = &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
		f.ServeHTTP(w, req)
	}
	if w.h.Get("X-Ms-Error-Code") != "" {
		b.Fatal(w.h)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

type discard struct{}

func (discard) ObserveRequest(string, string, int, time.Duration) {}
