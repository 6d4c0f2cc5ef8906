package mobile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"runtime/debug"
	"strconv"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// Codes of errors, see FailureOf. Methods that return a number return one of
// these as a negative number. A code keeps its meaning for ever.
const (
	// ErrorCodeUnknown is a failure that has no code of its own, such as an
	// exception that the application threw in a callback.
	ErrorCodeUnknown int32 = 1
	// ErrorCodeInternal is a bug in the library, caught at its border.
	ErrorCodeInternal int32 = 2
	// ErrorCodeInvalidArgument is an argument that cannot be: nothing, empty,
	// out of range, malformed.
	ErrorCodeInvalidArgument int32 = 3
	// ErrorCodeClosed is a method of something that was closed.
	ErrorCodeClosed int32 = 4
	// ErrorCodeTimeout is an operation that took longer than ClientOptions.TimeLimit.
	ErrorCodeTimeout int32 = 5
	// ErrorCodeCanceled is an operation that its Canceler has canceled.
	ErrorCodeCanceled int32 = 6
	// ErrorCodeUnauthorized is a token that the service refuses, or a credential
	// that gives none.
	ErrorCodeUnauthorized int32 = 7
	// ErrorCodeNetwork is a service that was not reached.
	ErrorCodeNetwork int32 = 8
	// ErrorCodeUnsupported is what the two ends of a call have no common way for.
	ErrorCodeUnsupported int32 = 9
	// ErrorCodeForbidden is what the service does not let this user do.
	ErrorCodeForbidden int32 = 10
	// ErrorCodeNotFound is something that the service does not have.
	ErrorCodeNotFound int32 = 11
	// ErrorCodeTooLarge is a message over its limit.
	ErrorCodeTooLarge int32 = 12
	// ErrorCodeTooManyRequests is a service that asks to slow down.
	ErrorCodeTooManyRequests int32 = 13
	// ErrorCodeService is any other refusal of the service, see HTTPStatus.
	ErrorCodeService int32 = 14
	// ErrorCodeStorage is a file that cannot be read or written.
	ErrorCodeStorage int32 = 15
	// ErrorCodeInvalidState is an operation that the call's state does not allow,
	// or one that needs Start before.
	ErrorCodeInvalidState int32 = 20
	// ErrorCodeCallEnded is an operation on a call that has ended.
	ErrorCodeCallEnded int32 = 21
	// ErrorCodeCallFailed is a call or an operation that was refused or failed,
	// see CallCode and CallSubcode.
	ErrorCodeCallFailed int32 = 22
	// ErrorCodeTrackInUse is a second video of one call.
	ErrorCodeTrackInUse int32 = 23
	// ErrorCodeNoSuchTrack is a video that the call does not send or receive.
	ErrorCodeNoSuchTrack int32 = 24
)

// Failure says what an error was. It is a value: changing it changes nothing.
type Failure struct {
	// Code is one of the ErrorCode constants.
	Code int32
	// CallCode and CallSubcode are those of Azure Communication Services, with
	// ErrorCodeCallFailed; otherwise zero.
	CallCode    int32
	CallSubcode int32
	// HTTPStatus is what the service answered; zero when it was not asked.
	HTTPStatus int32
	// ServiceCode is the service's own word for it, "Forbidden" for example; may
	// be empty.
	ServiceCode string
	// Message is a sentence for a developer.
	Message string
}

// failureError is an error as it crosses the border.
type failureError struct {
	failure Failure
	cause   error
}

// Error returns the code and the sentence; FailureOf reads it.
func (e *failureError) Error() string {
	if e.failure.Code == ErrorCodeCallFailed {
		return fmt.Sprintf("parley %d %d/%d: %s", e.failure.Code, e.failure.CallCode, e.failure.CallSubcode, e.failure.Message)
	}
	return fmt.Sprintf("parley %d: %s", e.failure.Code, e.failure.Message)
}

// Unwrap returns what it was made of.
func (e *failureError) Unwrap() error { return e.cause }

// Causes of operations that ended early.
var (
	errTimeout  = errors.New("mobile: the time limit was reached")
	errCanceled = errors.New("mobile: canceled")
	errClosed   = errors.New("mobile: closed")
	errArgument = errors.New("mobile: invalid argument")
	errState    = errors.New("mobile: not possible in this state")
	errPanic    = errors.New("mobile: internal error")
)

// ErrorCode returns the ErrorCode constant of an error that this library
// returned, ErrorCodeUnknown for any other, and zero without an error.
func ErrorCode(err error) int32 {
	if err == nil {
		return 0
	}
	return FailureOf(err).Code
}

// FailureOf says what an error of this library was; nothing without an error.
// An error of somebody else has ErrorCodeUnknown.
func FailureOf(err error) (failure *Failure) {
	if err == nil {
		return nil
	}
	defer func() {
		// The error may be an object of the application.
		if recover() != nil {
			failure = &Failure{Code: ErrorCodeUnknown}
		}
	}()
	var own *failureError
	if errors.As(err, &own) {
		f := own.failure
		return &f
	}
	f := classify(err)
	if f.Code == ErrorCodeUnknown {
		// A binding may have kept the text alone.
		if parsed := failureOfText(f.Message); parsed != nil {
			return parsed
		}
	}
	return &f
}

// failurePattern allows for the name of a class before the text.
var failurePattern = regexp.MustCompile(`^(?:.{0,64}: ?)?parley (\d{1,5})(?: (\d{1,6})/(\d{1,6}))?: (?s:(.*))$`)

// failureOfText reads what failureError.Error has written.
func failureOfText(text string) *Failure {
	m := failurePattern.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	number := func(s string) int32 {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return 0
		}
		return int32(n)
	}
	return &Failure{Code: number(m[1]), CallCode: number(m[2]), CallSubcode: number(m[3]), Message: m[4]}
}

// classify finds the code of an error of the packages below.
func classify(err error) Failure {
	f := Failure{Code: ErrorCodeUnknown, Message: err.Error()}
	var call *engine.CallError
	var response *core.ResponseError
	var refused *chat.RefusedError
	switch {
	case errors.As(err, &call):
		f.Code, f.CallCode, f.CallSubcode, f.Message = ErrorCodeCallFailed, int32(call.Code), int32(call.Subcode), call.Message
	case errors.As(err, &response):
		f.Code, f.HTTPStatus, f.ServiceCode = statusCode(response.StatusCode), int32(response.StatusCode), response.ErrorCode
		if response.Message != "" {
			f.Message = response.Message
		}
	case errors.As(err, &refused):
		f.Code, f.HTTPStatus = statusCode(refused.StatusCode), int32(refused.StatusCode)
	default:
		f.Code = sentinelCode(err)
	}
	return f
}

// statusCode turns an HTTP status into a code.
func statusCode(status int) int32 {
	switch status {
	case 400:
		return ErrorCodeInvalidArgument
	case 401:
		return ErrorCodeUnauthorized
	case 403:
		return ErrorCodeForbidden
	case 404:
		return ErrorCodeNotFound
	case 413:
		return ErrorCodeTooLarge
	case 429:
		return ErrorCodeTooManyRequests
	default:
		return ErrorCodeService
	}
}

// sentinelCode finds the code of an error that is a variable below.
func sentinelCode(err error) int32 {
	// The first that fits counts: why an operation ended early is told before
	// what it then ran into.
	for _, known := range []struct {
		err  error
		code int32
	}{
		{errTimeout, ErrorCodeTimeout},
		{errCanceled, ErrorCodeCanceled},
		{errClosed, ErrorCodeClosed},
		{errArgument, ErrorCodeInvalidArgument},
		{errState, ErrorCodeInvalidState},
		{errPanic, ErrorCodeInternal},
		{engine.ErrUnauthorized, ErrorCodeUnauthorized},
		{engine.ErrClosed, ErrorCodeClosed},
		{engine.ErrInvalidOptions, ErrorCodeInvalidArgument},
		{engine.ErrInvalidTarget, ErrorCodeInvalidArgument},
		{engine.ErrInvalidChannelID, ErrorCodeInvalidArgument},
		{engine.ErrInvalidTones, ErrorCodeInvalidArgument},
		{engine.ErrInvalidState, ErrorCodeInvalidState},
		{engine.ErrCallEnded, ErrorCodeCallEnded},
		{engine.ErrMessageTooLarge, ErrorCodeTooLarge},
		{engine.ErrTrackInUse, ErrorCodeTrackInUse},
		{engine.ErrNoSuchTrack, ErrorCodeNoSuchTrack},
		{engine.ErrUnsupported, ErrorCodeUnsupported},
		{chat.ErrClosed, ErrorCodeClosed},
		{chat.ErrNotStarted, ErrorCodeInvalidState},
		{chat.ErrStarted, ErrorCodeInvalidState},
		{core.ErrInvalidParameter, ErrorCodeInvalidArgument},
		{core.ErrInvalidEndpoint, ErrorCodeInvalidArgument},
		{core.ErrPlainHTTP, ErrorCodeInvalidArgument},
		{core.ErrTokenExpired, ErrorCodeUnauthorized},
		{common.ErrInvalidIdentifier, ErrorCodeInvalidArgument},
		{common.ErrInvalidToken, ErrorCodeInvalidArgument},
		{context.DeadlineExceeded, ErrorCodeTimeout},
		{context.Canceled, ErrorCodeCanceled},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	var file *fs.PathError
	switch {
	case isNetwork(err):
		return ErrorCodeNetwork
	case errors.As(err, &file):
		return ErrorCodeStorage
	}
	return ErrorCodeUnknown
}

// guard ends every exported method that returns an error: a panic becomes an
// error, and an error gets its code. To be deferred.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v\n%s", errPanic, r, debug.Stack())
	}
	if *err == nil {
		return
	}
	var own *failureError
	if !errors.As(*err, &own) {
		*err = &failureError{failure: classify(*err), cause: *err}
	}
}

// quiet ends every other exported method: a panic becomes the zero result. To
// be deferred.
func quiet() { _ = recover() }
