package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ErrNoTransport is returned by Request.Next when a pipeline ends without a
// policy that sends the request.
var ErrNoTransport = errors.New("core: the pipeline has no policy left to send the request")

// Request is an HTTP request on its way through a pipeline. One goroutine at a
// time may use it.
type Request struct {
	raw      *http.Request
	body     []byte
	policies []Policy
	try      int
	stream   bool
}

// NewRequest makes a request without a body. target is an absolute URL, its
// path and query already escaped. Clients use Client.NewRequest, which adds
// the endpoint and the api-version.
func NewRequest(ctx context.Context, method, target string) (*Request, error) {
	raw, err := http.NewRequestWithContext(ctx, method, target, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("core: make a request: %w", err)
	}
	if raw.URL.Host == "" || (raw.URL.Scheme != "https" && raw.URL.Scheme != "http") {
		return nil, fmt.Errorf("%w: the URL of a request must be absolute, http or https", ErrInvalidParameter)
	}
	return &Request{raw: raw}, nil
}

// Raw returns the HTTP request below, for its method, URL, header and context.
// Its body is set by SetBody only.
func (r *Request) Raw() *http.Request { return r.raw }

// Body returns the bytes that the request carries; nil when there are none.
// They must not be changed.
func (r *Request) Body() []byte { return r.body }

// SetBody makes the request carry data, which must not be changed afterwards.
func (r *Request) SetBody(data []byte, contentType string) {
	r.body = data
	if contentType != "" {
		r.raw.Header.Set("Content-Type", contentType)
	}
	r.rewind()
}

// SetJSON makes the request carry v as JSON. It fails when v cannot be written
// as JSON.
func (r *Request) SetJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("core: write the body: %w", err)
	}
	r.SetBody(data, "application/json")
	return nil
}

// StreamResponse leaves the body of a successful answer unread: the caller
// reads and closes it. An answer that breaks off is then not repeated.
func (r *Request) StreamResponse() { r.stream = true }

// Next hands the request to the next policy and returns the answer.
func (r *Request) Next() (*http.Response, error) {
	if len(r.policies) == 0 {
		return nil, ErrNoTransport
	}
	next := *r
	next.policies = r.policies[1:]
	return r.policies[0].Do(&next)
}

// forTry returns a copy for one try, whose headers may be changed without a
// trace in later tries, with the body at its start.
func (r *Request) forTry(ctx context.Context, try int) *Request {
	c := *r
	c.raw = r.raw.Clone(ctx)
	c.try = try
	c.rewind()
	return &c
}

func (r *Request) rewind() {
	r.raw.ContentLength = int64(len(r.body))
	if len(r.body) == 0 {
		r.raw.Body, r.raw.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
		return
	}
	data := r.body
	r.raw.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	r.raw.Body = io.NopCloser(bytes.NewReader(data))
}
