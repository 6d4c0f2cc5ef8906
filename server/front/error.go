package front

import (
	"errors"
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

// ErrorShape makes the body of an error, for an area whose form is not the
// usual one. version is the zero value when the request had no good one.
type ErrorShape func(e *Error, version acswire.ServedVersion) any

// usualShape is the form that most areas have (acs-rest 1.1).
func usualShape(e *Error, _ acswire.ServedVersion) any {
	return acswire.ErrorResponse{Error: acswire.Error{
		Code: e.Code, Message: e.Message, Target: e.Target, Details: e.Details, InnerError: e.Inner,
	}}
}

// unauthorized refuses a credential with the code that the area has for it:
// the resource provider's own front door says Denied, the areas that take user
// access tokens Unauthorized, and the resource manager has its own words.
func (r *Request) unauthorized(message string) *Error {
	e := &Error{Status: http.StatusUnauthorized, Code: acswire.CodeDenied, Message: message, Header: http.Header{}}
	challenge := "Bearer"
	switch r.Operation.Auth {
	case acswire.AuthNone:
	case acswire.AuthService:
		challenge = acswire.SchemeHMAC + ", Bearer"
	case acswire.AuthUser, acswire.AuthExchange:
		e.Code = acswire.CodeUnauthorized
	case acswire.AuthManagement:
		e.Code = acswire.CodeAuthenticationFailed
	}
	e.Header.Set("WWW-Authenticate", challenge)
	return e
}

// badToken refuses a bearer token, saying why (RFC 6750 3.1).
func (r *Request) badToken(err error) *Error {
	expired := errors.Is(err, ErrTokenExpired)
	message, description := "The token is not valid.", "invalid"
	if expired {
		message, description = "The token is past its time.", "expired"
	}
	e := r.unauthorized(message)
	if r.Operation.Auth == acswire.AuthManagement {
		e.Code = acswire.CodeInvalidAuthenticationToken
		if expired {
			e.Code = acswire.CodeExpiredAuthenticationToken
		}
	}
	e.Header.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+description+`"`)
	return e
}

func badBody(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message}
}
