package front

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/resource"
)

// Request is a request that passed the checks.
type Request struct {
	// Resource is the resource that the request is for; nil for operations of
	// the resource manager.
	Resource *resource.Resource
	// Version is the api-version asked for, Contract the specification that
	// answers it.
	Version, Contract acswire.Version
	// Operation is the operation, not to be changed.
	Operation *acswire.Operation
	// Body is the whole body; its hash was verified when there was one. Nil
	// when the body is in BodyFile.
	Body []byte
	// BodyFile is a body larger than acswire.MaxBuffered, at its beginning; it
	// is gone when the handler returns. Nil otherwise.
	BodyFile *BodyFile
	// Principal is who sent it.
	Principal Principal
	// Bearer is the token of an AuthExchange operation, unchecked: a secret.
	Bearer string

	http   *http.Request
	query  url.Values // nil until it is asked for
	values []pathValue
	claim  *repeat.Claim // nil for a request that comes once
	kept   bool          // the handler has stored the answer
}

// Response is a success.
type Response struct {
	Status int
	// Body is written as JSON; nil writes nothing.
	Body any
	// Header holds further headers; may be nil.
	Header http.Header
	// Stream is written instead of Body, with the Content-Type of Header, and
	// closed if it can be.
	Stream io.Reader
}

// Param returns a value of the path, decoded. It is empty when the path's
// value is not well encoded.
func (r *Request) Param(name string) string {
	for i := range r.values {
		if r.values[i].name != name {
			continue
		}
		value, err := url.PathUnescape(r.values[i].value)
		if err != nil || !isText(value) {
			return ""
		}
		return value
	}
	return ""
}

// isText tells whether s can be kept as text: PostgreSQL keeps U+0000 in none.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// checkQuery refuses a query that is not text.
func checkQuery(r *http.Request, query url.Values) error {
	if strings.IndexByte(r.URL.RawQuery, '%') < 0 && isText(r.URL.RawQuery) {
		return nil
	}
	for name, values := range query {
		for _, text := range append(values, name) {
			if !isText(text) {
				return badBody("The query is not UTF-8, or holds the character U+0000.")
			}
		}
	}
	return nil
}

// Query returns the values of the query.
func (r *Request) Query() url.Values {
	if r.query == nil {
		r.query = r.http.URL.Query()
	}
	return r.query
}

// Header returns the first value of a header.
func (r *Request) Header(name string) string { return r.http.Header.Get(name) }

// URL returns the absolute URL of an escaped path at the host that was asked.
func (r *Request) URL(path string) string { return BaseURL(r.http) + path }

// BaseURL returns the scheme and the host that a request was sent to.
func BaseURL(r *http.Request) string {
	scheme := "https"
	// A proxy in front may have ended TLS. Whoever claims so wrongly gets a
	// link that does not work for himself.
	if r.TLS == nil && !strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "http"
	}
	return scheme + "://" + singlePort(r.Host)
}
