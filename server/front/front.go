package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

// Resources finds the resource that a request is for.
type Resources interface {
	ForHost(host string) *resource.Resource
}

// Observer hears of every request that was answered.
type Observer interface {
	ObserveRequest(route, method string, status int, took time.Duration)
}

// Handler answers a request that passed all checks. An error that is an
// *Error is answered as it says, any other as an internal error that is logged.
type Handler func(ctx context.Context, r *Request) (*Response, error)

// Area is the routes of one area of the contract, which share their versions.
type Area struct {
	// Versions are the supported api-versions as the header lists them.
	Versions []string
	Routes   []Route
}

// Route is one operation. Its requests are authorized by an access key.
type Route struct {
	Method string
	// Pattern has {name} where a percent-encoded value stands.
	Pattern string
	Handle  Handler
}

// Request is a request that passed the checks.
type Request struct {
	// Resource is the resource that the request is for.
	Resource *resource.Resource
	// Version is the api-version asked for.
	Version acswire.Version
	// Body is the whole body; its hash was verified.
	Body []byte

	http *http.Request
}

// Response is a success.
type Response struct {
	Status int
	// Body is written as JSON; nil writes nothing.
	Body any
}

// Options configure a Front.
type Options struct {
	Resources Resources
	// PublicHost is a further host that clients may have signed, when a proxy
	// replaces the Host header; may be empty.
	PublicHost string
	// Now is the clock of the signature's window; nil is time.Now.
	Now      func() time.Time
	Logger   *slog.Logger
	Observer Observer
}

// Front is an http.Handler.
type Front struct {
	options Options
	mux     *chi.Mux
}

// New returns a front with the routes of the areas.
func New(options Options, areas ...Area) *Front {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Front{options: options, mux: chi.NewMux()}
	// Values in paths are percent-encoded and may hold any character, so the
	// path is matched as it was sent and its values are decoded one by one.
	f.mux.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			chi.RouteContext(r.Context()).RoutePath = r.URL.EscapedPath()
			next.ServeHTTP(w, r)
		})
	})
	f.mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		f.refuse(w, r, &Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no such path."}, "none")
	})
	f.mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		f.refuse(w, r, &Error{Status: http.StatusMethodNotAllowed, Code: acswire.CodeMethodNotAllowed, Message: "The path does not take this method."}, "none")
	})
	for _, a := range areas {
		supported := strings.Join(a.Versions, ", ")
		for _, route := range a.Routes {
			f.mux.Method(route.Method, route.Pattern, f.operation(route, supported))
		}
	}
	return f
}

// Handle serves a path outside the contract, such as health checks.
func (f *Front) Handle(method, pattern string, handler http.Handler) {
	f.mux.Method(method, pattern, handler)
}

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// operation wraps the handler of a route with the checks.
func (f *Front) operation(route Route, supported string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(acswire.HeaderSupportedVersions, supported)
		start := time.Now()
		response, err := f.run(w, r, route)
		if err != nil {
			f.refuse(w, r, err, route.Pattern)
			return
		}
		f.answer(w, r, response.Status, response.Body, acswire.ContentTypeJSON)
		f.observe(route.Pattern, r.Method, response.Status, time.Since(start))
	})
}

func (f *Front) run(w http.ResponseWriter, r *http.Request, route Route) (*Response, error) {
	version, err := apiVersion(r)
	if err != nil {
		return nil, err
	}
	res := f.options.Resources.ForHost(r.Host)
	if res == nil {
		return nil, &Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no resource at this host."}
	}
	// Cheaper than reading a body that nobody signed.
	if !acswire.IsAccessKey(r.Header.Get(acswire.HeaderAuthorization)) {
		return nil, unauthorized("The request carries no access key signature.")
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if err := f.verify(r, res, body); err != nil {
		return nil, err
	}
	return route.Handle(r.Context(), &Request{Resource: res, Version: version, Body: body, http: r})
}

// apiVersion reads the api-version. Which contract a version gets is the
// handler's business.
func apiVersion(r *http.Request) (acswire.Version, error) {
	values := r.URL.Query()[acswire.QueryAPIVersion]
	if len(values) == 0 || values[0] == "" {
		return acswire.Version{}, &Error{
			Status: http.StatusBadRequest, Code: acswire.CodeAPIVersionUnspecified,
			Message: "An API version is required, but was not specified.",
		}
	}
	version, err := acswire.ParseVersion(values[0])
	if err != nil || len(values) > 1 {
		return acswire.Version{}, &Error{
			Status: http.StatusBadRequest, Code: acswire.CodeInvalidAPIVersion,
			Message: "The HTTP resource that matches the request does not support an API version of this form.",
		}
	}
	return version, nil
}

// refuse answers an error.
func (f *Front) refuse(w http.ResponseWriter, r *http.Request, err error, route string) {
	var refused *Error
	if !errors.As(err, &refused) {
		if r.Context().Err() != nil {
			return // the client is gone
		}
		f.options.Logger.Error("request failed", "route", route, "method", r.Method, "error", err)
		refused = &Error{
			Status: http.StatusInternalServerError, Code: acswire.CodeInternalError,
			Message: "The service could not do this. Try again.",
		}
	}
	w.Header().Set(acswire.HeaderErrorCode, refused.Code)
	f.answer(w, r, refused.Status, acswire.ErrorResponse{Error: acswire.Error{
		Code: refused.Code, Message: refused.Message, Target: refused.Target,
	}}, "application/json")
	f.observe(route, r.Method, refused.Status, 0)
}

func (f *Front) answer(w http.ResponseWriter, r *http.Request, status int, body any, contentType string) {
	h := w.Header()
	h.Set(acswire.HeaderRequestID, guid.New().String())
	if id := r.Header.Get(acswire.HeaderClientRequestID); id != "" && len(id) <= 128 {
		h.Set(acswire.HeaderClientRequestID, id)
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		f.options.Logger.Error("answer is no JSON", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set(acswire.HeaderContentType, contentType)
	h.Set("Content-Length", fmt.Sprint(len(data)))
	// Tokens are in here.
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that is gone notices by itself.
	_, _ = w.Write(data)
}

func (f *Front) observe(route, method string, status int, took time.Duration) {
	if f.options.Observer != nil {
		f.options.Observer.ObserveRequest(route, method, status, took)
	}
}
