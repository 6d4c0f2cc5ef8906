package front

import (
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Error is an answer that is not a success. It is written in the form that
// the area and the contract have for errors.
type Error struct {
	Status int
	// Code and Target are the contract's; Message is for a person.
	Code, Message, Target string
	// Details are the single errors of a summary.
	Details []acswire.Error
	// Inner is a more exact error under this one.
	Inner *acswire.Error
	// Header holds further headers of the answer, such as Retry-After.
	Header http.Header
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) body() any {
	return acswire.ErrorResponse{Error: acswire.Error{
		Code: e.Code, Message: e.Message, Target: e.Target, Details: e.Details, InnerError: e.Inner,
	}}
}

func unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: acswire.CodeDenied, Message: message}
}

func badBody(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message}
}
