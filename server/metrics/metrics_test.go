package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/metrics"
)

func TestMetrics(t *testing.T) {
	m := metrics.New()
	m.ObserveRequest("/identities", http.MethodPost, http.StatusCreated, 3*time.Millisecond)
	m.ObserveRequest("none", "BREW", http.StatusNotFound, 0)
	m.ObserveRequest("none", "STEEP", http.StatusNotFound, 0)
	value := 7.0
	m.Gauge("calls", "Calls.", func() float64 { return value })
	m.Counter("calls_total", "Calls.", func() float64 { return value })
	scrape := func() string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	text := scrape()
	for _, want := range []string{
		`parley_http_requests_total{method="POST",route="/identities",status="201"} 1`,
		`parley_http_requests_total{method="other",route="none",status="404"} 2`,
		`parley_http_request_duration_seconds_bucket{route="/identities",le="0.004"} 1`,
		"\nparley_calls 7\n", "\nparley_calls_total 7\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if value = 8; !strings.Contains(scrape(), "\nparley_calls 8\n") {
		t.Error("the gauge stands still")
	}
}
