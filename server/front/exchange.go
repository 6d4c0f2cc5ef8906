package front

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/store"
)

const (
	maxClientID    = 128
	repeatAccepted = "accepted"
	repeatRejected = "rejected"
	// countedBody is the longest body whose length the server finds out itself.
	countedBody = 1024
	// blockTime is how long a client may take to read 32 KiB of a long answer.
	blockTime = time.Minute
)

// exchange is one request on its way through.
type exchange struct {
	front *Front
	table *table // nil when no operation is known
	w     http.ResponseWriter
	r     *http.Request
	began time.Time
	route string
	id    guid.GUID // the x-ms-request-id
	// values are those of the path.
	values []pathValue

	operation *operation // nil until it is found
	version   resolved
	request   *Request
	spooled   *BodyFile // nil without a large body
	status    int       // 0 until something is written
	answered  []byte    // kept for the recorder only
}

// serve runs an exchange with an endpoint.
func (f *Front) serve(w http.ResponseWriter, r *http.Request, e *endpoint, values []pathValue) {
	x := &exchange{front: f, table: e.table, w: w, r: r, began: time.Now(), route: e.route, id: guid.New(), values: values}
	defer x.done()
	a, err := x.run(r.Context(), e)
	if err != nil {
		x.refuse(err)
		return
	}
	x.write(a)
}

// outside refuses a request that no operation was found for.
func (f *Front) outside(w http.ResponseWriter, r *http.Request, err *Error) {
	x := &exchange{front: f, w: w, r: r, began: time.Now(), route: "none", id: guid.New()}
	defer x.done()
	x.refuse(err)
}

// answer is what is written.
type answer struct {
	status int
	header http.Header
	body   []byte
	stream io.Reader // instead of body
	typ    []string  // of the body; nil is JSON
}

// run checks the request and calls the handler.
func (x *exchange) run(ctx context.Context, e *endpoint) (answer, error) {
	h := x.w.Header()
	if x.table.supported != "" {
		h[acswire.HeaderSupportedVersions] = x.table.supportedValue
	}
	if x.table.deprecated != "" {
		h.Set(acswire.HeaderDeprecatedVersions, x.table.deprecated)
	}
	var query url.Values
	var simple bool
	var err error
	if x.version, simple = x.table.known(x.r.URL.RawQuery); !simple {
		query = x.r.URL.Query()
		if x.version, err = x.table.resolve(query[acswire.QueryAPIVersion]); err != nil {
			return answer{}, err
		}
	}
	if x.version.deprecation != "" {
		h.Set(acswire.HeaderDeprecation, x.version.deprecation)
	}
	if x.version.sunset != "" {
		h.Set(acswire.HeaderSunset, x.version.sunset)
	}
	if x.operation, err = e.find(x.version.ServedVersion); err != nil {
		return answer{}, err
	}
	if err := checkQuery(x.r, query); err != nil {
		return answer{}, err
	}
	x.request = &Request{
		Version: x.version.Version, Contract: x.version.Contract, Operation: &x.operation.Operation,
		http: x.r, query: query, values: x.values,
	}
	if err := x.admit(ctx); err != nil {
		return answer{}, err
	}
	if x.operation.Repeatability != acswire.RepeatNone {
		return x.repeatable(ctx)
	}
	return x.handle(ctx)
}

// admit checks who asks, how often, and the body.
func (x *exchange) admit(ctx context.Context) error {
	f, request := x.front, x.request
	if x.operation.Auth != acswire.AuthManagement {
		if request.Resource = f.options.Resources.ForRequest(x.r); request.Resource == nil {
			return &Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no resource at this host."}
		}
	}
	// Who is over the limit costs no signature and no body. Only a request that
	// was found good counts, so strangers cannot use a resource's limit up.
	if err := x.limit(f.options.Limits.Look); err != nil {
		return err
	}
	if err := f.authenticate(ctx, request); err != nil {
		return err
	}
	if err := x.readBody(request); err != nil {
		return err
	}
	if err := request.checkType(); err != nil {
		return err
	}
	return x.limit(f.options.Limits.Take)
}

func (x *exchange) limit(by func(limits.Call) *limits.Refusal) error {
	if x.front.options.Limits == nil {
		return nil
	}
	request := x.request
	call := limits.Call{Operation: x.operation.ID, User: request.Principal.User.RawID, Param: request.Param, Body: request.Body}
	if request.Resource != nil {
		call.ResourceID = request.Resource.ID
	}
	refused := by(call)
	if refused == nil {
		return nil
	}
	return &Error{
		Status: http.StatusTooManyRequests, Code: acswire.CodeTooManyRequests, Message: refused.Message(),
		Header: http.Header{acswire.HeaderRetryAfter: {strconv.Itoa(refused.Seconds())}},
	}
}

// handle calls the handler.
func (x *exchange) handle(ctx context.Context) (answer, error) {
	response, err := x.operation.handle(ctx, x.request)
	if err != nil {
		return answer{}, err
	}
	return response.answer()
}

// answer writes the body out.
func (r *Response) answer() (answer, error) {
	a := answer{status: r.Status, header: r.Header, stream: r.Stream}
	if r.Body == nil || r.Stream != nil {
		return a, nil
	}
	var err error
	a.body, err = json.Marshal(r.Body)
	return a, err
}

// write sends an answer.
func (x *exchange) write(a answer) {
	h := x.w.Header()
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	h.Set(acswire.HeaderRequestID, x.id.String())
	if id := x.r.Header.Get(acswire.HeaderClientRequestID); id != "" && len(id) <= maxClientID {
		h.Set(acswire.HeaderClientRequestID, id)
	}
	// Tokens are in here.
	h["Cache-Control"] = x.front.noStore
	x.status = a.status
	switch {
	case a.stream != nil:
		x.w.WriteHeader(a.status)
		// A client that is gone notices by itself.
		_, _ = io.Copy(&steady{w: x.w, control: http.NewResponseController(x.w)}, a.stream)
		if c, ok := a.stream.(io.Closer); ok {
			_ = c.Close()
		}
	case a.body != nil:
		h[acswire.HeaderContentType] = a.typ
		if a.typ == nil {
			h[acswire.HeaderContentType] = x.front.json
		}
		if len(a.body) > countedBody {
			h.Set("Content-Length", strconv.Itoa(len(a.body)))
		}
		x.w.WriteHeader(a.status)
		x.answered = a.body
		_, _ = x.w.Write(a.body)
	default:
		x.w.WriteHeader(a.status)
	}
}

// steady gives a long answer as much time as it needs while its reader goes on
// reading.
type steady struct {
	w       io.Writer
	control *http.ResponseController
}

func (s *steady) Write(p []byte) (int, error) {
	// Not every writer can.
	_ = s.control.SetWriteDeadline(time.Now().Add(blockTime))
	return s.w.Write(p)
}

// refuse writes an error.
func (x *exchange) refuse(err error) {
	var refused *Error
	if !errors.As(err, &refused) {
		if x.r.Context().Err() != nil {
			return // the client is gone
		}
		x.front.options.Logger.Error("request failed", "route", x.route, "method", x.r.Method, "request_id", x.id.String(), "error", err)
		refused = failed(err)
	}
	shape := usualShape
	if x.table != nil {
		shape = x.table.shape
	}
	body, err := json.Marshal(shape(refused, x.version.ServedVersion))
	if err != nil {
		x.front.options.Logger.Error("error is no JSON", "route", x.route, "request_id", x.id.String(), "error", err)
	}
	x.w.Header().Set(acswire.HeaderErrorCode, refused.Code)
	x.write(answer{status: refused.Status, header: refused.Header, body: body, typ: x.front.jsonError})
}

// failed is the answer to a failure of the service itself.
func failed(err error) *Error {
	if errors.Is(err, store.ErrUnavailable) {
		return &Error{
			Status: http.StatusServiceUnavailable, Code: acswire.CodeServiceUnavailable,
			Message: "The database does not answer. Try again.", Header: http.Header{"Retry-After": {"1"}},
		}
	}
	return &Error{
		Status: http.StatusInternalServerError, Code: acswire.CodeInternalError,
		Message: "The service could not do this. Try again.",
	}
}

// done cleans up and tells those who watch. A handler that panics is a bug of
// ours, which must not take its neighbors along, and whose client shall know.
func (x *exchange) done() {
	if p := recover(); p != nil {
		x.front.options.Logger.Error("request panicked", "route", x.route, "method", x.r.Method, "request_id", x.id.String(),
			"panic", p, "stack", string(debug.Stack()))
		if x.status == 0 {
			x.refuse(&Error{
				Status: http.StatusInternalServerError, Code: acswire.CodeInternalError,
				Message: "The service could not do this.",
			})
		}
	}
	o := &x.front.options
	if x.spooled != nil {
		if err := x.spooled.remove(); err != nil {
			o.Logger.Warn("body not removed", "error", err)
		}
	}
	if o.Observer != nil {
		o.Observer.ObserveRequest(x.route, x.r.Method, x.status, time.Since(x.began))
	}
	if o.Recorder != nil {
		o.Recorder(x.seen())
	}
}

func (x *exchange) seen() Exchange {
	seen := Exchange{
		Version: x.version.Version, Contract: x.version.Contract, Request: x.r,
		Status: x.status, Header: x.w.Header().Clone(), Body: x.answered,
	}
	if x.operation != nil {
		seen.Operation = x.operation.Operation
	}
	if x.request != nil {
		seen.RequestBody = x.request.Body
	}
	return seen
}

// repeatable handles a request that may come twice, once.
func (x *exchange) repeatable(ctx context.Context) (answer, error) {
	key, marked, err := x.repeatKey()
	if err != nil {
		return answer{}, err
	}
	if !marked {
		return x.handle(ctx)
	}
	claim, err := x.front.options.Repeats.Begin(ctx, key, x.fingerprint())
	if err != nil {
		if errors.Is(err, repeat.ErrOtherRequest) {
			return answer{}, rejected("The id of the request belongs to another request.")
		}
		return answer{}, err
	}
	// Nobody waits longer than the handler runs, whatever becomes of it.
	defer claim.Done()
	var a answer
	if old := claim.Answer(); old != nil {
		a = answer{status: old.Status, header: old.Header, body: old.Body}
		if len(a.body) == 0 {
			a.body = nil
		}
	} else if a, err = x.claimed(ctx, claim); err != nil {
		return answer{}, err
	}
	if x.operation.Repeatability == acswire.RepeatPair {
		x.w.Header().Set(acswire.HeaderRepeatabilityResult, repeatAccepted)
	}
	return a, nil
}

// claimed calls the handler and keeps its answer.
func (x *exchange) claimed(ctx context.Context, claim *repeat.Claim) (answer, error) {
	x.request.claim = claim
	a, err := x.handle(ctx)
	switch {
	case errors.Is(err, repeat.ErrLost):
		return answer{}, &Error{Status: http.StatusServiceUnavailable, Code: acswire.CodeServiceUnavailable, Message: "The request took too long. Try again."}
	case err != nil:
		if abandon := claim.Abandon(ctx); abandon != nil {
			x.front.options.Logger.Warn("claim of a request not given up", "request_id", x.id.String(), "error", abandon)
		}
		return answer{}, err
	case x.request.kept:
		return a, nil
	}
	return a, claim.Finish(ctx, repeat.Answer{Status: a.status, Header: a.header, Body: a.body})
}
