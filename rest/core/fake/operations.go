package fake

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// Operation is what a fake answers where a client begins an operation that
// takes longer than one request.
type Operation[T any] struct {
	// Polls is how often a poller finds it running. Zero: it is done when it is
	// looked at first.
	Polls int
	// Result is what it comes to.
	Result T
	// Header is added to the answer that has the result; may be nil.
	Header http.Header
	// Failure, when it is not nil, is how it fails: a *core.ResponseError whose
	// status is one of 4xx; another error, and another status, count as 409.
	Failure error
}

// operationRoute is where pollers look. It is no path of the services.
const operationRoute = "/fake/operations/{operation}"

// Operations keeps the operations that a fake has begun. Its zero value is
// ready; it is safe for many goroutines and must not be copied.
type Operations struct {
	mu    sync.Mutex
	begun []*running
}

type running struct {
	polls  int
	answer *Response
	err    error
}

// Begin writes an operation down and returns the answer to the request that
// begins it: 202, with a Location to look at. begin is the function of the fake,
// called with the request's context.
func Begin[T any](o *Operations, r *Request, begin func(ctx context.Context) (Operation[T], error)) (*Response, error) {
	op, err := begin(r.Raw.Context())
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = append(o.begun, &running{polls: op.Polls, answer: &Response{Header: op.Header, Body: op.Result}, err: failure(op.Failure)})
	return o.look(len(o.begun) - 1), nil
}

// failure gives a failure a status that ends the operation.
func failure(err error) error {
	if err == nil {
		return nil
	}
	refused, ok := err.(*core.ResponseError) //nolint:errorlint // a wrapped one has no status of its own
	if !ok {
		return &core.ResponseError{StatusCode: http.StatusConflict, Message: err.Error()}
	}
	ended := *refused
	if ended.StatusCode < 400 || ended.StatusCode >= 500 {
		ended.StatusCode = http.StatusConflict
	}
	return &ended
}

// look is the answer as long as the operation runs.
func (o *Operations) look(id int) *Response {
	header := http.Header{}
	header.Set(acswire.HeaderLocation, "/fake/operations/"+strconv.Itoa(id))
	header.Set(acswire.HeaderRetryAfter, "0")
	return &Response{Status: http.StatusAccepted, Header: header}
}

// Route is the route at which pollers look, for Serve.
func (o *Operations) Route() Route {
	return Route{Method: http.MethodGet, Pattern: operationRoute, Handle: o.poll}
}

func (o *Operations) poll(r *Request) (*Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, err := strconv.Atoi(r.Param("operation"))
	if err != nil || id < 0 || id >= len(o.begun) {
		return nil, &core.ResponseError{StatusCode: http.StatusNotFound, ErrorCode: acswire.CodeNotFound, Message: "no such operation"}
	}
	op := o.begun[id]
	if op.polls > 0 {
		op.polls--
		return o.look(id), nil
	}
	return op.answer, op.err
}
