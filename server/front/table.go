package front

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	supportedValue        []string // never changed
	shape                 ErrorShape
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
	method     string
	operations []operation
	// siblings are the endpoints of the same route, this one too.
	siblings []*endpoint
}

type operation struct {
	acswire.Operation
	handle Handler
}

// add routes the operations of an area.
func (f *Front) add(a *Area) error {
	t := newTable(a)
	handlers := make(map[string]bool, len(a.Handlers))
	var added []*endpoint
	for _, o := range a.operations() {
		handle := a.Handlers[o.ID]
		if handle == nil {
			return fmt.Errorf("%w: %s has no handler", ErrTable, o.ID)
		}
		handlers[o.ID] = true
		if a.Area == acswire.AreaResourceManager {
			f.foldRoute(o.Route)
		}
		e := f.endpoints[place{o.Method, o.Route}]
		if e != nil && e.table != t {
			return fmt.Errorf("%w: two areas have %s %s", ErrTable, o.Method, o.Route)
		}
		if e == nil {
			e = &endpoint{table: t, route: o.Route, method: o.Method}
			added = append(added, e)
			f.routes[o.Route] = append(f.routes[o.Route], e)
			f.endpoints[place{o.Method, o.Route}] = e
			f.mux.Method(o.Method, o.Route, http.NotFoundHandler()) // never called; it marks the place
		}
		e.operations = append(e.operations, operation{Operation: o, handle: handle})
	}
	for _, e := range added {
		e.siblings = f.routes[e.route]
	}
	for id := range a.Handlers {
		if !handlers[id] {
			return fmt.Errorf("%w: no operation is named %s", ErrTable, id)
		}
	}
	return nil
}

func newTable(a *Area) *table {
	t := &table{versions: map[string]resolved{}, set: acswire.NewVersionSet(a.Area), shape: a.Errors}
	if t.shape == nil {
		t.shape = usualShape
	}
	var supported, deprecated []string
	for _, v := range t.set.All() {
		t.versions[v.Version.String()] = withHeaders(v)
		switch {
		case v.State == acswire.VersionDeprecated: // notice, whatever else is listed
			deprecated = append(deprecated, v.Version.String())
		case v.Listed:
			supported = append(supported, v.Version.String())
		}
	}
	t.supported, t.deprecated = strings.Join(supported, ", "), strings.Join(deprecated, ", ")
	t.supportedValue = []string{t.supported}
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

// known finds a version of the table in a query that has nothing else, as most
// do.
func (t *table) known(query string) (resolved, bool) {
	asked, ok := strings.CutPrefix(query, acswire.QueryAPIVersion+"=")
	if !ok {
		return resolved{}, false
	}
	v, ok := t.versions[asked]
	return v, ok
}

// resolve finds what answers the api-version that a request asks for.
func (t *table) resolve(asked []string) (resolved, error) {
	if len(asked) > 1 {
		asked = slices.Compact(slices.Clone(asked)) // a link that was followed may say it twice
	}
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

// find returns the operation that the version has here.
func (e *endpoint) find(v acswire.ServedVersion) (*operation, error) {
	if o := e.at(v); o != nil {
		return o, nil
	}
	var allow []string
	for _, other := range e.siblings {
		if other.at(v) != nil {
			allow = append(allow, other.method)
		}
	}
	if len(allow) > 0 {
		return nil, notAllowed(allow)
	}
	return nil, unsupported(v.Version)
}

func (e *endpoint) at(v acswire.ServedVersion) *operation {
	for i := range e.operations {
		if o := &e.operations[i]; o.In(v) {
			return o
		}
	}
	return nil
}
