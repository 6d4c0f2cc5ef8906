package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

func TestLoad_Figures(t *testing.T) {
	l := load{took: 2 * time.Second, busy: 500 * time.Millisecond}
	for i := range 100 {
		l.times = append(l.times, time.Duration(i+1)*time.Millisecond)
	}
	if got := l.rate(); got != 50 {
		t.Errorf("rate %v", got)
	}
	if got := l.perCore(); got != 200 {
		t.Errorf("per core %v", got)
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := l.at(q); got != want {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	if got := (&load{}).at(0.5); !math.IsNaN(got) {
		t.Errorf("quantile of nothing: %v", got)
	}
}

// TestPress_CountsAndTimes drives a server of this process; its processor time
// is that of the test.
func TestPress_CountsAndTimes(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	var mu sync.Mutex
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path] = true
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	tg := &target{
		process: &process{cmd: &exec.Cmd{Process: self}}, want: http.StatusTeapot,
		request: func(ctx context.Context, n int) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/%d", server.URL, n), nil)
		},
	}
	// At a fixed rate each request is due once, whoever sends it.
	l, err := tg.press(t.Context(), 3, 200*time.Millisecond, 500)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.times) != 100 || len(seen) != 100 {
		t.Errorf("%d requests, %d different ones, want 100", len(l.times), len(seen))
	}
	tg.want = http.StatusOK
	if _, err := tg.press(t.Context(), 1, time.Second, 0); err == nil {
		t.Error("a wrong answer counted")
	}
}
