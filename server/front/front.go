package front

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/resource"
)

// Resources finds the resource that a request is for.
type Resources interface {
	ForRequest(r *http.Request) *resource.Resource
}

// Observer hears of every request that was answered.
type Observer interface {
	ObserveRequest(route, method string, status int, took time.Duration)
}

// Handler answers a request that passed all checks. An error that is an
// *Error is answered as it says, any other as an internal error that is logged.
type Handler func(ctx context.Context, r *Request) (*Response, error)

// Area is one area of the contract and what answers its operations.
type Area struct {
	// Area names it; its operations and versions are those of acswire.
	Area acswire.Area
	// Operations replaces the operations of acswire; nil is those.
	Operations []acswire.Operation
	// Handlers has one for the ID of every operation.
	Handlers map[string]Handler
	// Errors makes the bodies of its errors; nil is the usual form.
	Errors ErrorShape
}

func (a *Area) operations() []acswire.Operation {
	if a.Operations != nil {
		return a.Operations
	}
	return acswire.Operations(a.Area)
}

// Exchange is one request and its answer, as a Recorder sees it. Nothing in
// it may be kept that is a secret: it is not redacted.
type Exchange struct {
	// Operation is the operation that was found; its ID is empty when none was.
	Operation acswire.Operation
	// Version is the api-version asked for, Contract the one that answered.
	Version, Contract acswire.Version
	// Request is the request; its body is RequestBody.
	Request     *http.Request
	RequestBody []byte
	// Status, Header and Body are the answer's. Body is nil for a stream.
	Status int
	Header http.Header
	Body   []byte
}

// Options configure a Front.
type Options struct {
	// Resources finds the resource of a request. Required.
	Resources Resources
	// Authenticators check bearer tokens; those that are nil refuse all.
	Authenticators Authenticators
	// Limits refuse requests that come too fast; nil lets all pass.
	Limits *limits.Limiter
	// Repeats keeps the answers of requests that may come twice; nil handles
	// each of them as if it were the only one.
	Repeats *repeat.Store
	// PublicHost is a further host that clients may have signed, when a proxy
	// replaces the Host header; may be empty.
	PublicHost string
	// TempDir is where bodies over acswire.MaxBuffered wait; empty is the
	// system's.
	TempDir string
	// Now is the clock of the signature's window; nil is time.Now.
	Now func() time.Time
	// Logger hears of failures within the service; nil is silent.
	Logger *slog.Logger
	// Observer hears of every request; nil is nobody.
	Observer Observer
	// Recorder is called with every exchange, after the answer was written, on
	// the goroutine of the request. A hook for tests; nil costs nothing.
	Recorder func(Exchange)
}

// Front is an http.Handler.
type Front struct {
	options Options
	mux     *chi.Mux
	exposed string
	routes  map[string][]*endpoint // by path
	// endpoints are those of the areas. They are called past the mux, which
	// would copy the request for each.
	endpoints map[place]*endpoint
	contexts  sync.Pool // of *chi.Context
	// folded are the fixed segments of the resource manager's routes by their
	// lower case; firsts are those that its paths begin with.
	folded map[string]string
	firsts []string
	// Values of headers that many answers share; never changed.
	noStore, json, jsonError []string
	dates                    dates
}

// New returns a front with the operations of the areas. It fails when an
// operation has no handler, or a handler no operation.
func New(options Options, areas ...Area) (*Front, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Front{
		options: options, mux: chi.NewMux(), exposed: exposed(areas), routes: map[string][]*endpoint{}, endpoints: map[place]*endpoint{}, folded: map[string]string{},
		noStore: []string{"no-store"}, json: []string{acswire.ContentTypeJSON}, jsonError: []string{"application/json"},
	}
	f.contexts.New = func() any { return chi.NewRouteContext() }
	// Values of the path may hold an encoded slash: the path is matched as it
	// was sent and its values are decoded one by one.
	f.mux.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			chi.RouteContext(r.Context()).RoutePath = f.fold(r.URL.EscapedPath())
			next.ServeHTTP(w, r)
		})
	})
	f.mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		f.outside(w, r, &Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no such path."})
	})
	f.mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { f.outside(w, r, f.wrongMethod(r)) })
	for i := range areas {
		if err := f.add(&areas[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Handle serves a path outside the contract, such as health checks.
func (f *Front) Handle(method, pattern string, handler http.Handler) {
	f.mux.Method(method, pattern, handler)
}

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.cors(w, r) {
		return
	}
	if e, values := f.find(r); e != nil {
		f.serve(w, r, e, values)
		return
	}
	f.mux.ServeHTTP(w, r)
}

// place is where an endpoint stands.
type place struct{ method, route string }

// pathValue is a value of the path as it was sent.
type pathValue struct{ name, value string }

// find returns the endpoint of a request; nil when it is none of an area's.
func (f *Front) find(r *http.Request) (*endpoint, []pathValue) {
	route := f.contexts.Get().(*chi.Context) // the pool has nothing else
	defer f.contexts.Put(route)
	route.Reset()
	e := f.endpoints[place{r.Method, f.mux.Find(route, r.Method, f.fold(r.URL.EscapedPath()))}]
	if e == nil || len(route.URLParams.Keys) == 0 {
		return e, nil
	}
	values := make([]pathValue, len(route.URLParams.Keys))
	for i, name := range route.URLParams.Keys {
		values[i] = pathValue{name, route.URLParams.Values[i]}
	}
	return e, values
}

// Refuse answers a request with an error without looking at it, as a service
// does that is being stopped.
func (f *Front) Refuse(w http.ResponseWriter, r *http.Request, err *Error) {
	if !f.cors(w, r) {
		f.outside(w, r, err)
	}
}

// wrongMethod refuses a method, naming those that the path takes (RFC 9110
// 15.5.6).
func (f *Front) wrongMethod(r *http.Request) *Error {
	allow := make([]string, 0, 4)
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if f.mux.Match(chi.NewRouteContext(), method, f.fold(r.URL.EscapedPath())) {
			allow = append(allow, method)
		}
	}
	return notAllowed(allow)
}

func notAllowed(allow []string) *Error {
	return &Error{
		Status: http.StatusMethodNotAllowed, Code: acswire.CodeMethodNotAllowed, Message: "The path does not take this method.",
		Header: http.Header{"Allow": {strings.Join(allow, ", ")}},
	}
}
