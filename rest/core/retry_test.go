package core_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/rest/core"
)

// transportFunc is a Transporter made of a function.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func newClient(t testing.TB, transport core.Transporter, options core.ClientOptions) *core.Client {
	t.Helper()
	options.Transport = transport
	c, err := core.NewClient(core.ClientConfig{Module: "test", Version: "v1", Endpoint: "https://contoso.example", APIVersion: "2025-06-30"}, &options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tries sends one request against answers in turn and returns when each try came.
func tries(t *testing.T, options core.RetryOptions, answers ...func() (*http.Response, error)) (at []time.Duration, resp *http.Response, err error) {
	t.Helper()
	start := time.Now()
	c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(req.Body)
		if err != nil || string(data) != `"body"` {
			t.Errorf("try %d carries %q, %v", len(at), data, err)
		}
		at = append(at, time.Since(start))
		return answers[min(len(at), len(answers))-1]()
	}), core.ClientOptions{Retry: options})
	resp, err = c.Call(t.Context(), core.Call{Method: http.MethodPost, Path: "/x", Body: "body"})
	return at, resp, err
}

func status(code int, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return answer(code, "", headers...), nil }
}

func broken(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

func TestRetry_Statuses(t *testing.T) {
	for code, want := range map[int]int{
		200: 1, 201: 1, 400: 1, 401: 1, 403: 1, 404: 1, 409: 1, 412: 1, 501: 1, 505: 1,
		408: 4, 429: 4, 500: 4, 502: 4, 503: 4, 504: 4,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at, _, err := tries(t, core.RetryOptions{}, status(code))
				if len(at) != want {
					t.Errorf("%d tries, want %d", len(at), want)
				}
				var refused *core.ResponseError
				if code >= 300 && (!errors.As(err, &refused) || refused.StatusCode != code) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestRetry_Delays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options core.RetryOptions
		pauses  []time.Duration // before the variation
	}{
		{"default", core.RetryOptions{}, []time.Duration{800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond}},
		{"none", core.RetryOptions{MaxRetries: -1}, nil},
		{"one", core.RetryOptions{MaxRetries: 1, RetryDelay: time.Second}, []time.Duration{time.Second}},
		{"no pause", core.RetryOptions{MaxRetries: 2, RetryDelay: -1}, []time.Duration{0, 0}},
		{"capped", core.RetryOptions{MaxRetries: 9}, []time.Duration{
			800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond, 6400 * time.Millisecond,
			12800 * time.Millisecond, 25600 * time.Millisecond, 51200 * time.Millisecond, time.Minute, time.Minute,
		}},
		{"no cap", core.RetryOptions{MaxRetries: 3, RetryDelay: time.Minute, MaxRetryDelay: -1}, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at, _, _ := tries(t, tt.options, status(503))
				if len(at) != len(tt.pauses)+1 {
					t.Fatalf("%d tries, want %d", len(at), len(tt.pauses)+1)
				}
				for i, want := range tt.pauses {
					got := at[i+1] - at[i]
					low, high := want*8/10, want*13/10
					if tt.options.MaxRetryDelay == 0 {
						high = min(high, time.Minute)
					}
					if got < low || got > high {
						t.Errorf("pause %d is %v, want %v to %v", i, got, low, high)
					}
				}
			})
		})
	}
}

func TestRetry_RetryAfterFirst(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers func() []string
		want    time.Duration
	}{
		{"seconds", func() []string { return []string{"Retry-After", "7"} }, 7 * time.Second},
		{"date", func() []string {
			return []string{"Retry-After", time.Now().Add(11 * time.Second).UTC().Format(http.TimeFormat)}
		}, 11 * time.Second},
		{"date in the past", func() []string { return []string{"Retry-After", "Sat, 21 Nov 1998 00:20:00 GMT"} }, 0},
		{"milliseconds", func() []string { return []string{"retry-after-ms", "250", "Retry-After", "7"} }, 250 * time.Millisecond},
		{"the other milliseconds", func() []string { return []string{"x-ms-retry-after-ms", "50"} }, 50 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at, _, err := tries(t, core.RetryOptions{}, func() (*http.Response, error) { return answer(429, "", tt.headers()...), nil }, status(200))
				if err != nil || len(at) != 2 || at[1]-at[0] != tt.want {
					t.Errorf("tries at %v, %v; want a pause of %v", at, err, tt.want)
				}
			})
		})
	}
}

func TestRetry_RetryAfterTooLong_ReturnsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, value := range []string{"61", "99999999999999999"} {
			at, _, err := tries(t, core.RetryOptions{}, status(429, "Retry-After", value))
			var refused *core.ResponseError
			if len(at) != 1 || !errors.As(err, &refused) || refused.StatusCode != http.StatusTooManyRequests {
				t.Errorf("%s: tries at %v, %v", value, at, err)
			}
		}
	})
}

func TestRetry_BrokenRetryAfter_IsIgnored(t *testing.T) {
	for _, value := range []string{"", "-1", "soon", "1.5", "99999999999999999999999"} {
		if d, ok := core.RetryAfter(answer(429, "", "Retry-After", value, "Retry-After-Ms", value)); ok {
			t.Errorf("%q is a pause of %v", value, d)
		}
	}
	if _, ok := core.RetryAfter(nil); ok {
		t.Error("no answer asks for a pause")
	}
}

func TestRetry_Errors(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"network", io.ErrUnexpectedEOF, 4},
		{"marked", core.NonRetriable(io.ErrUnexpectedEOF), 1},
		{"canceled", context.Canceled, 1},
		{"certificate", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at, _, err := tries(t, core.RetryOptions{}, broken(tt.err))
				if len(at) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%d tries, %v", len(at), err)
				}
			})
		})
	}
	if core.NonRetriable(nil) != nil {
		t.Error("no error became one")
	}
}

func TestRetry_Recovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, resp, err := tries(t, core.RetryOptions{}, broken(io.EOF), status(500), status(503), status(201))
		if err != nil || len(at) != 4 || resp.StatusCode != http.StatusCreated {
			t.Errorf("%d tries, %v", len(at), err)
		}
	})
}

func TestRetry_ShouldRetryDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := core.RetryOptions{ShouldRetry: func(resp *http.Response, err error) bool { return err == nil && resp.StatusCode == http.StatusNotFound }}
		if at, _, _ := tries(t, options, status(404)); len(at) != 4 {
			t.Errorf("404: %d tries", len(at))
		}
		if at, _, _ := tries(t, options, status(503)); len(at) != 1 {
			t.Errorf("503: %d tries", len(at))
		}
		if at, _, _ := tries(t, core.RetryOptions{StatusCodes: []int{}}, status(503)); len(at) != 1 {
			t.Errorf("no status codes: %d tries", len(at))
		}
	})
}

func TestRetry_ContextEndsWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := 0
		c := newClient(t, transportFunc(func(*http.Request) (*http.Response, error) {
			n++
			return answer(503, "", "Retry-After", "30"), nil
		}), core.ClientOptions{})
		start := time.Now()
		_, err := c.Call(ctx, core.Call{Method: http.MethodGet, Path: "/x"})
		if !errors.Is(err, context.DeadlineExceeded) || n != 1 || time.Since(start) != time.Second {
			t.Errorf("%d tries, %v after %v", n, err, time.Since(start))
		}
	})
}

func TestRetry_TryTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			if n++; n < 3 {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return answer(200, `"ok"`), nil
		}), core.ClientOptions{Retry: core.RetryOptions{TryTimeout: time.Second}})
		var got string
		if _, err := c.Call(t.Context(), core.Call{Method: http.MethodGet, Path: "/x", Into: &got}); err != nil || got != "ok" || n != 3 {
			t.Errorf("%d tries, %q, %v", n, got, err)
		}
	})
}

func TestRetry_TryTimeout_StreamLivesUntilClosed(t *testing.T) {
	var ctx context.Context
	c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		ctx = req.Context()
		return answer(200, "stream"), nil
	}), core.ClientOptions{Retry: core.RetryOptions{TryTimeout: time.Hour}})
	req, err := c.NewRequest(t.Context(), http.MethodGet, "/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.StreamResponse()
	resp, err := c.Do(req)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	if data, err := io.ReadAll(resp.Body); err != nil || string(data) != "stream" {
		t.Errorf("%q, %v", data, err)
	}
	if err := resp.Body.Close(); err != nil || ctx.Err() == nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

// A real server breaks off its first answers in the middle of the body.
func TestRetry_BrokenBody_RealServer(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil || string(data) != `"body"` || r.ContentLength != 6 {
			t.Errorf("body %q of %d, %v", data, r.ContentLength, err)
		}
		if n++; n < 3 {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `"o`)
			return
		}
		_, _ = io.WriteString(w, `"ok"`)
	}))
	defer srv.Close()
	c, err := core.NewClient(core.ClientConfig{Endpoint: srv.URL}, &core.ClientOptions{Retry: core.RetryOptions{RetryDelay: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if _, err := c.Call(t.Context(), core.Call{Method: http.MethodPut, Path: "/x", Body: "body", Into: &got}); err != nil || got != "ok" || n != 3 {
		t.Errorf("%d tries, %q, %v", n, got, err)
	}
}
