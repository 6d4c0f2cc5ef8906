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
)

// MaxBody is the largest body that is taken.
const MaxBody = 1 << 20

// Error is an answer that is not a success.
type Error struct {
	Status int
	// Code and Target are the contract's; Message is for a person.
	Code, Message, Target string
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: acswire.CodeDenied, Message: message}
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

func badBody(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message}
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
