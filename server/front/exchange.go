package front

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
)

// exchange is one request on its way through.
type exchange struct {
	front *Front
	w     http.ResponseWriter
	r     *http.Request
	began time.Time
	route string

	operation *operation // nil until it is found
	version   resolved
	requested []byte
	status    int
	answered  []byte // kept for the recorder only
}

// run checks the request and calls the handler.
func (x *exchange) run(e *endpoint) (*Response, error) {
	t := e.table
	h := x.w.Header()
	if t.supported != "" {
		h.Set(acswire.HeaderSupportedVersions, t.supported)
	}
	if t.deprecated != "" {
		h.Set(acswire.HeaderDeprecatedVersions, t.deprecated)
	}
	var err error
	if x.version, err = t.resolve(x.r); err != nil {
		return nil, err
	}
	if x.version.deprecation != "" {
		h.Set(acswire.HeaderDeprecation, x.version.deprecation)
	}
	if x.version.sunset != "" {
		h.Set(acswire.HeaderSunset, x.version.sunset)
	}
	if x.operation, err = e.find(x.version.ServedVersion); err != nil {
		return nil, err
	}
	request := &Request{
		Version: x.version.Version, Contract: x.version.Contract, Operation: &x.operation.Operation, http: x.r,
	}
	if err := x.admit(request); err != nil {
		return nil, err
	}
	x.requested = request.Body
	return x.operation.handle(x.r.Context(), request)
}

// admit reads the body and checks who asks.
func (x *exchange) admit(request *Request) error {
	f, auth := x.front, x.operation.Auth
	if auth != acswire.AuthManagement {
		if request.Resource = f.options.Resources.ForHost(x.r.Host); request.Resource == nil {
			return &Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no resource at this host."}
		}
	}
	// Cheaper than reading a body that nobody vouches for.
	credential, err := credentialOf(x.r, auth)
	if err != nil {
		return err
	}
	if request.Body, err = readBody(x.w, x.r); err != nil {
		return err
	}
	return f.authorize(request, credential)
}

// answer writes a success.
func (x *exchange) answer(response *Response) {
	h := x.w.Header()
	for name, values := range response.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if response.Stream != nil {
		x.stream(response)
		return
	}
	x.write(response.Status, response.Body, acswire.ContentTypeJSON)
}

func (x *exchange) stream(response *Response) {
	x.common()
	x.status = response.Status
	x.w.WriteHeader(response.Status)
	// A client that is gone notices by itself.
	_, _ = io.Copy(x.w, response.Stream)
	if c, ok := response.Stream.(io.Closer); ok {
		_ = c.Close()
	}
}

// refuse writes an error.
func (x *exchange) refuse(err error) {
	var refused *Error
	if !errors.As(err, &refused) {
		if x.r.Context().Err() != nil {
			return // the client is gone
		}
		x.front.options.Logger.Error("request failed", "route", x.route, "method", x.r.Method, "error", err)
		refused = &Error{
			Status: http.StatusInternalServerError, Code: acswire.CodeInternalError,
			Message: "The service could not do this. Try again.",
		}
	}
	h := x.w.Header()
	for name, values := range refused.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	h.Set(acswire.HeaderErrorCode, refused.Code)
	x.write(refused.Status, refused.body(), "application/json")
}

// common sets the headers of every answer.
func (x *exchange) common() {
	h := x.w.Header()
	h.Set(acswire.HeaderRequestID, guid.New().String())
	if id := x.r.Header.Get(acswire.HeaderClientRequestID); id != "" && len(id) <= 128 {
		h.Set(acswire.HeaderClientRequestID, id)
	}
	// Tokens are in here.
	h.Set("Cache-Control", "no-store")
}

func (x *exchange) write(status int, body any, contentType string) {
	x.common()
	x.status = status
	if body == nil {
		x.w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		x.front.options.Logger.Error("answer is no JSON", "route", x.route, "error", err)
		x.status = http.StatusInternalServerError
		x.w.WriteHeader(x.status)
		return
	}
	h := x.w.Header()
	h.Set(acswire.HeaderContentType, contentType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	x.w.WriteHeader(status)
	x.answered = data
	// A client that is gone notices by itself.
	_, _ = x.w.Write(data)
}

// done tells those who watch.
func (x *exchange) done() {
	o := &x.front.options
	if o.Observer != nil {
		o.Observer.ObserveRequest(x.route, x.r.Method, x.status, time.Since(x.began))
	}
	if o.Recorder == nil {
		return
	}
	seen := Exchange{
		Version: x.version.Version, Contract: x.version.Contract,
		Request: x.r, RequestBody: x.requested, Status: x.status, Header: x.w.Header().Clone(), Body: x.answered,
	}
	if x.operation != nil {
		seen.Operation = x.operation.Operation
	}
	o.Recorder(seen)
}
