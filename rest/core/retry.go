package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Defaults of RetryOptions.
const (
	DefaultMaxRetries    = 3
	DefaultRetryDelay    = 800 * time.Millisecond
	DefaultMaxRetryDelay = 60 * time.Second
)

// RetryOptions say when and how a request is repeated. An answer's own
// Retry-After (retry-after-ms, x-ms-retry-after-ms, seconds or a date) goes
// before the delays here; one that asks for more than MaxRetryDelay ends the
// tries, and the answer is returned.
type RetryOptions struct {
	// MaxRetries is how often a request is repeated after the first try.
	// Zero: 3. Negative: never.
	MaxRetries int
	// RetryDelay is the pause before the first repetition; it doubles with each
	// further one and varies by -20 to +30 %. Zero: 800 ms. Negative: none.
	RetryDelay time.Duration
	// MaxRetryDelay is the longest pause. Zero: 60 s. Negative: no limit.
	MaxRetryDelay time.Duration
	// TryTimeout is how long one try may take. Zero: as long as the context.
	TryTimeout time.Duration
	// StatusCodes are those that are tried again. Nil: 408, 429, 500, 502, 503
	// and 504. Empty: none.
	StatusCodes []int
	// ShouldRetry decides instead of StatusCodes; one of its parameters is nil.
	// It is not asked about errors that cannot get better.
	ShouldRetry func(resp *http.Response, err error) bool
}

func (o RetryOptions) withDefaults() RetryOptions {
	switch {
	case o.MaxRetries == 0:
		o.MaxRetries = DefaultMaxRetries
	case o.MaxRetries < 0:
		o.MaxRetries = 0
	}
	switch {
	case o.RetryDelay == 0:
		o.RetryDelay = DefaultRetryDelay
	case o.RetryDelay < 0:
		o.RetryDelay = 0
	}
	switch {
	case o.MaxRetryDelay == 0:
		o.MaxRetryDelay = DefaultMaxRetryDelay
	case o.MaxRetryDelay < 0:
		o.MaxRetryDelay = 1<<63 - 1
	}
	if o.StatusCodes == nil {
		o.StatusCodes = []int{
			http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		}
	}
	return o
}

// NonRetriable wraps an error so that the request that met it is not repeated.
// errors.Is and errors.As see through it.
func NonRetriable(err error) error {
	if err == nil {
		return nil
	}
	return &finalError{err: err}
}

type finalError struct {
	err error
}

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

type retryPolicy struct {
	options RetryOptions
	jitter  func() float64 // 0 ≤ x < 1
}

func newRetryPolicy(options RetryOptions) *retryPolicy {
	return &retryPolicy{options: options.withDefaults(), jitter: rand.Float64}
}

// Do sends the request until it succeeds, cannot get better or was tried often
// enough.
func (p *retryPolicy) Do(req *Request) (*http.Response, error) {
	ctx := req.raw.Context()
	for try := 0; ; try++ {
		resp, err := p.try(ctx, req, try)
		if try >= p.options.MaxRetries || ctx.Err() != nil || !p.again(resp, err) {
			return resp, err
		}
		delay, ok := p.delay(resp, try)
		if !ok {
			return resp, err
		}
		cause := err
		if cause == nil {
			cause = fmt.Errorf("status %d", resp.StatusCode)
		}
		drop(resp)
		if err := sleep(ctx, delay); err != nil {
			return nil, fmt.Errorf("core: wait to repeat the request after %w: %w", cause, err)
		}
	}
}

// try sends the request once, under the limit of a try.
func (p *retryPolicy) try(ctx context.Context, req *Request, try int) (*http.Response, error) {
	if p.options.TryTimeout <= 0 {
		return req.forTry(ctx, try).Next()
	}
	tryCtx, cancel := context.WithTimeout(ctx, p.options.TryTimeout)
	resp, err := req.forTry(tryCtx, try).Next()
	if err != nil {
		cancel()
		return nil, err
	}
	if _, inMemory := resp.Body.(*payload); inMemory {
		cancel()
		return resp, nil
	}
	// The caller reads the body: the limit counts until it is closed.
	resp.Body = &cancellingBody{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

type cancellingBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancellingBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// again tells whether another try may do better.
func (p *retryPolicy) again(resp *http.Response, err error) bool {
	var final *finalError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &final), errors.As(err, &certificate), errors.Is(err, context.Canceled):
		return false
	case p.options.ShouldRetry != nil:
		return p.options.ShouldRetry(resp, err)
	case err != nil:
		return true
	default:
		return slices.Contains(p.options.StatusCodes, resp.StatusCode)
	}
}

// delay returns the pause before the next try, and false when the service asks
// for a longer one than the options allow.
func (p *retryPolicy) delay(resp *http.Response, try int) (time.Duration, bool) {
	if wait, ok := RetryAfter(resp); ok {
		return wait, wait <= p.options.MaxRetryDelay
	}
	delay := p.options.RetryDelay
	for range try {
		if delay >= p.options.MaxRetryDelay/2 {
			delay = p.options.MaxRetryDelay
			break
		}
		delay *= 2
	}
	varied := float64(delay) * (0.8 + 0.5*p.jitter())
	if varied >= float64(p.options.MaxRetryDelay) {
		return p.options.MaxRetryDelay, true
	}
	return time.Duration(varied), true
}

// RetryAfter returns the pause that an answer asks for: retry-after-ms or
// x-ms-retry-after-ms in milliseconds, else Retry-After in seconds or as a date
// (RFC 9110 10.2.3). It reports false when there is none that can be read; a
// date in the past is a pause of zero. resp may be nil.
func RetryAfter(resp *http.Response) (time.Duration, bool) {
	if resp == nil {
		return 0, false
	}
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if d, ok := parseCount(resp.Header.Get(name), time.Millisecond); ok {
			return d, true
		}
	}
	value := resp.Header.Get(acswire.HeaderRetryAfter)
	if d, ok := parseCount(value, time.Second); ok {
		return d, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}

func parseCount(s string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	if n > int64((1<<63-1)/unit) {
		return 1<<63 - 1, true
	}
	return time.Duration(n) * unit, true
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
