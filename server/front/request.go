package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/resource"
)

// MaxBody is the largest body that is held in memory.
const MaxBody = acswire.MaxBuffered

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

	http *http.Request
}

// BodyFile is a large body.
type BodyFile struct {
	io.ReadSeeker
	// Size is its length.
	Size int64
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
	value, err := url.PathUnescape(chi.URLParam(r.http, name))
	if err != nil || !utf8.ValidString(value) {
		return ""
	}
	return value
}

// Query returns the values of the query.
func (r *Request) Query() url.Values { return r.http.URL.Query() }

// Header returns the first value of a header.
func (r *Request) Header(name string) string { return r.http.Header.Get(name) }

// URL returns the absolute URL of an escaped path at the host that was asked.
func (r *Request) URL(path string) string {
	scheme := "https"
	if r.http.TLS == nil {
		scheme = "http"
	}
	return scheme + "://" + r.http.Host + path
}

// Decode reads the body as JSON into v, which stays as it is when there is no
// body. Unknown members are ignored, as ACS does. The error is an *Error.
func (r *Request) Decode(v any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil
	}
	if !utf8.Valid(r.Body) {
		return badBody("The body is not UTF-8.")
	}
	if err := json.Unmarshal(r.Body, v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return &Error{
				Status: http.StatusBadRequest, Code: acswire.CodeValidationError,
				Message: "The member has the wrong type.", Target: wrong.Field,
			}
		}
		return badBody("The body is not well-formed JSON.")
	}
	return nil
}

// readBody reads the whole body, up to MaxBody.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &Error{
			Status: http.StatusRequestEntityTooLarge, Code: acswire.CodePayloadTooLarge,
			Message: "The body is larger than 1 MiB.",
		}
	}
	return nil, badBody("The body could not be read.")
}
