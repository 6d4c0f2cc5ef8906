package front

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrTable says that the operations of an area and its handlers do not match.
var ErrTable = errors.New("front: operations and handlers do not match")

// table is what is known of an area, made once.
type table struct {
	versions map[string]resolved // those of the table
	set      *acswire.VersionSet
	// supported and deprecated are the headers of every answer; may be empty.
	supported, deprecated string
}

// resolved is an api-version and the headers that come with it.
type resolved struct {
	acswire.ServedVersion
	deprecation, sunset string
}

// endpoint is a method and a route, with the operations that share them.
type endpoint struct {
	table      *table
	route      string
	operations []operation
}

type operation struct {
	acswire.Operation
	handle Handler
}

// add routes the operations of an area.
func (f *Front) add(a Area) error {
	t := newTable(a.Area)
	handlers := make(map[string]bool, len(a.Handlers))
	endpoints := map[[2]string]*endpoint{}
	operations := a.Operations
	if operations == nil {
		operations = acswire.Operations(a.Area)
	}
	for _, o := range operations {
		handle := a.Handlers[o.ID]
		if handle == nil {
			return fmt.Errorf("%w: %s has no handler", ErrTable, o.ID)
		}
		handlers[o.ID] = true
		key := [2]string{o.Method, o.Route}
		e := endpoints[key]
		if e == nil {
			e = &endpoint{table: t, route: o.Route}
			endpoints[key] = e
			f.mux.Method(o.Method, o.Route, f.serve(e))
		}
		e.operations = append(e.operations, operation{Operation: o, handle: handle})
	}
	for id := range a.Handlers {
		if !handlers[id] {
			return fmt.Errorf("%w: no operation is named %s", ErrTable, id)
		}
	}
	return nil
}

func newTable(a acswire.Area) *table {
	t := &table{versions: map[string]resolved{}, set: acswire.NewVersionSet(a)}
	var supported, deprecated []string
	for _, v := range t.set.All() {
		t.versions[v.Version.String()] = withHeaders(v)
		switch {
		case !v.Listed:
		case v.State == acswire.VersionDeprecated:
			deprecated = append(deprecated, v.Version.String())
		default:
			supported = append(supported, v.Version.String())
		}
	}
	t.supported, t.deprecated = strings.Join(supported, ", "), strings.Join(deprecated, ", ")
	return t
}

func withHeaders(v acswire.ServedVersion) resolved {
	r := resolved{ServedVersion: v}
	if !v.Deprecated.IsZero() {
		r.deprecation = fmt.Sprintf("@%d", v.Deprecated.Unix()) // RFC 9745 2
	}
	if !v.Sunset.IsZero() {
		r.sunset = v.Sunset.UTC().Format(http.TimeFormat) // RFC 8594 3
	}
	return r
}

// resolve finds what answers the api-version that a request asks for.
func (t *table) resolve(r *http.Request) (resolved, error) {
	asked := r.URL.Query()[acswire.QueryAPIVersion]
	asked = slices.Compact(slices.Clone(asked)) // a link that was followed may say it twice
	if len(asked) == 0 || asked[0] == "" {
		return resolved{}, &Error{
			Status: http.StatusBadRequest, Code: acswire.CodeAPIVersionUnspecified,
			Message: "An API version is required, but was not specified.",
		}
	}
	if known, ok := t.versions[asked[0]]; ok && len(asked) == 1 {
		return known, nil
	}
	version, err := acswire.ParseVersion(asked[0])
	if err != nil || len(asked) > 1 {
		return resolved{}, &Error{
			Status: http.StatusBadRequest, Code: acswire.CodeInvalidAPIVersion,
			Message: "The HTTP resource that matches the request does not support an API version of this form.",
		}
	}
	served, err := t.set.Resolve(version)
	if err != nil {
		return resolved{}, unsupported(version)
	}
	return withHeaders(served), nil
}

func unsupported(version acswire.Version) *Error {
	return &Error{
		Status: http.StatusBadRequest, Code: acswire.CodeUnsupportedAPIVersion,
		Message: "The HTTP resource that matches the request does not support the API version '" + version.String() + "'.",
	}
}

// find returns the operation that the contract has here.
func (e *endpoint) find(v acswire.ServedVersion) (*operation, error) {
	for i := range e.operations {
		if o := &e.operations[i]; o.In(v) {
			return o, nil
		}
	}
	return nil, unsupported(v.Version)
}

func (f *Front) serve(e *endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{front: f, w: w, r: r, began: time.Now(), route: e.route}
		response, err := x.run(e)
		if err != nil {
			x.refuse(err)
		} else {
			x.answer(response)
		}
		x.done()
	}
}
