// Package fake answers the requests of a client without a network. The fakes of
// the clients are made of it: each is a struct of functions, one an operation,
// that serves as the Transporter of the client's options.
//
//	server := fake.Server{
//		GetUser: func(ctx context.Context, user common.CommunicationUserIdentifier, options *identity.ClientGetUserOptions) (identity.ClientGetUserResponse, error) {
//			return identity.ClientGetUserResponse{}, &core.ResponseError{StatusCode: 404, ErrorCode: "NotFound"}
//		},
//	}
//	client, err := identity.NewClientWithKey("https://fake", key, &identity.ClientOptions{
//		ClientOptions: core.ClientOptions{Transport: &server},
//	})
//
// A function that returns a *core.ResponseError makes the service refuse with
// its status, code and message, and the client sees what it would see of a real
// service, repetitions included. Any other error is one of the network.
//
// Whoever writes a fake calls Serve with the routes of the service. It may be
// called from many goroutines if the functions may.
package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// ErrNotFaked says that the fake has no function for an operation. It is not
// repeated.
var ErrNotFaked = errors.New("fake: the operation has no function")

// Route is one operation.
type Route struct {
	// Method is the HTTP method.
	Method string
	// Pattern is the path, with {name} where a value stands.
	Pattern string
	// Handle answers; nil is ErrNotFaked.
	Handle func(r *Request) (*Response, error)
}

// Request is a request that matched a route.
type Request struct {
	// Raw is the HTTP request; its body was read.
	Raw *http.Request
	// Body is the whole body.
	Body []byte

	params map[string]string
}

// Param returns the value that stands for {name} in the pattern, not escaped.
func (r *Request) Param(name string) string { return r.params[name] }

// Decode reads the body as JSON. An empty body leaves into alone. The error is
// a refusal with status 400.
func (r *Request) Decode(into any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return &core.ResponseError{StatusCode: http.StatusBadRequest, ErrorCode: acswire.CodeBadRequest, Message: err.Error()}
	}
	return nil
}

// Response is an answer.
type Response struct {
	// Status is the HTTP status; zero is 200.
	Status int
	// Header is added to the answer; may be nil.
	Header http.Header
	// Body is written as JSON; nil writes nothing.
	Body any
	// Data is written as it is when Body is nil; Header has its media type.
	Data []byte
}

// Serve answers a request with the first route that fits it. It is what the Do
// of a fake calls.
func Serve(req *http.Request, routes []Route) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	r := &Request{Raw: req}
	if req.Body != nil {
		var err error
		if r.Body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("fake: read the body: %w", err)
		}
		if err := req.Body.Close(); err != nil {
			return nil, fmt.Errorf("fake: close the body: %w", err)
		}
	}
	for _, route := range routes {
		params, ok := match(route.Pattern, req.URL.EscapedPath())
		if !ok || route.Method != req.Method {
			continue
		}
		if route.Handle == nil {
			break
		}
		r.params = params
		answer, err := route.Handle(r)
		if err != nil {
			return refuse(req, err)
		}
		return write(req, answer)
	}
	return nil, NotFaked(req.Method + " " + req.URL.EscapedPath())
}

// NotFaked returns the error of an operation that has no function: it wraps
// ErrNotFaked.
func NotFaked(operation string) error {
	return core.NonRetriable(fmt.Errorf("%w: %s", ErrNotFaked, operation))
}

// match compares segment by segment, on the path as it was sent.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			if segment != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// refuse turns an error into the answer of a service that refuses.
func refuse(req *http.Request, err error) (*http.Response, error) {
	var refused *core.ResponseError
	if !errors.As(err, &refused) {
		return nil, err
	}
	status := refused.StatusCode
	if status == 0 {
		status = http.StatusInternalServerError
	}
	header := http.Header{}
	if refused.RawResponse != nil {
		header = refused.RawResponse.Header.Clone()
	}
	if refused.ErrorCode != "" {
		header.Set(acswire.HeaderErrorCode, refused.ErrorCode)
	}
	body := acswire.ErrorResponse{Error: wire(core.ErrorDetail{
		Code: refused.ErrorCode, Message: refused.Message, Target: refused.Target,
		Details: refused.Details, InnerError: refused.InnerError,
	})}
	return write(req, &Response{Status: status, Header: header, Body: body})
}

func wire(d core.ErrorDetail) acswire.Error {
	w := acswire.Error{Code: d.Code, Message: d.Message, Target: d.Target}
	for _, one := range d.Details {
		w.Details = append(w.Details, wire(one))
	}
	if d.InnerError != nil {
		inner := wire(*d.InnerError)
		w.InnerError = &inner
	}
	return w
}

func write(req *http.Request, answer *Response) (*http.Response, error) {
	if answer == nil {
		answer = &Response{}
	}
	status := answer.Status
	if status == 0 {
		status = http.StatusOK
	}
	header := http.Header{}
	for name, values := range answer.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	data := answer.Data
	if answer.Body != nil {
		var err error
		if data, err = json.Marshal(answer.Body); err != nil {
			return nil, core.NonRetriable(fmt.Errorf("fake: write the answer: %w", err))
		}
		header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(bytes.NewReader(data)), ContentLength: int64(len(data)), Request: req,
	}, nil
}
