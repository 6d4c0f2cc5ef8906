package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrorDetail is one error among the details of a ResponseError.
type ErrorDetail struct {
	// Code is the error code; may be empty.
	Code string
	// Message is a sentence for a person; may be empty.
	Message string
	// Target names the input at fault; may be empty.
	Target string
	// Details are the single errors of a summary.
	Details []ErrorDetail
	// InnerError is a more exact error under this one; nil when there is none.
	InnerError *ErrorDetail
}

// ResponseError is an answer that is not a success. Clients return it for
// every status that the operation does not name as one, and for an operation
// that ended as failed. Find it with errors.As.
type ResponseError struct {
	// ErrorCode is the code of the service: that of the x-ms-error-code header
	// or of the body; empty when there is neither.
	ErrorCode string
	// StatusCode is the HTTP status.
	StatusCode int
	// Message is the sentence of the service; may be empty.
	Message string
	// Target names the input at fault; may be empty.
	Target string
	// Details are the single errors of a summary.
	Details []ErrorDetail
	// InnerError is a more exact error under this one; nil when there is none.
	InnerError *ErrorDetail
	// RawResponse is the answer; its body can be read, and Payload reads it any
	// number of times. Nil in an error that was made by hand, for a fake.
	RawResponse *http.Response
}

// NewResponseError reads an answer as an error: the body {"error":{…}} of most
// areas, {"CommunicationError":{…}} of chat, a bare {"code","message"}, or a
// problem (RFC 9457). What cannot be read leaves its fields empty. It returns a
// *ResponseError.
func NewResponseError(resp *http.Response) error {
	e := &ResponseError{StatusCode: resp.StatusCode, RawResponse: resp}
	if data, err := Payload(resp); err == nil {
		e.read(data)
	}
	if code := resp.Header.Get(acswire.HeaderErrorCode); code != "" {
		e.ErrorCode = code
	}
	return e
}

// errorBody is every form that an error's body has. The names match in any
// case, so that Code and code are the same, as encoding/json does it.
type errorBody struct {
	Error              json.RawMessage `json:"error"`
	CommunicationError json.RawMessage `json:"CommunicationError"`
	Title              string          `json:"title"`
	Detail             string          `json:"detail"`
}

func (e *ResponseError) read(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var body errorBody
	var bare acswire.Error
	// A member of another type than expected leaves the others readable.
	_ = json.Unmarshal(data, &body)
	_ = json.Unmarshal(data, &bare)
	for _, envelope := range []json.RawMessage{body.Error, body.CommunicationError} {
		var inner acswire.Error
		if len(envelope) > 0 && readError(envelope, &inner) {
			e.take(inner)
			return
		}
	}
	if bare.Message == "" {
		bare.Message = strings.Trim(body.Title+": "+body.Detail, ": ")
	}
	e.take(bare)
}

// readError reports whether there was anything in the envelope. Some services
// put a sentence where the object should be.
func readError(data []byte, into *acswire.Error) bool {
	var text string
	if json.Unmarshal(data, &text) == nil {
		into.Code = text
		return text != ""
	}
	_ = json.Unmarshal(data, into)
	return into.Code != "" || into.Message != "" || into.Target != "" || len(into.Details) > 0 || into.InnerError != nil
}

func (e *ResponseError) take(w acswire.Error) {
	d := detailOf(w)
	e.ErrorCode, e.Message, e.Target, e.Details, e.InnerError = d.Code, d.Message, d.Target, d.Details, d.InnerError
}

func detailOf(w acswire.Error) ErrorDetail {
	d := ErrorDetail{Code: w.Code, Message: w.Message, Target: w.Target}
	for _, one := range w.Details {
		d.Details = append(d.Details, detailOf(one))
	}
	if w.InnerError != nil {
		inner := detailOf(*w.InnerError)
		d.InnerError = &inner
	}
	return d
}

// Error returns the request's method and address without its query, the
// status, the code and the message, in one line.
func (e *ResponseError) Error() string {
	var b strings.Builder
	b.WriteString("core: ")
	if e.RawResponse != nil && e.RawResponse.Request != nil && e.RawResponse.Request.URL != nil {
		b.WriteString(e.RawResponse.Request.Method + " " + redactedURL(e.RawResponse.Request.URL) + ": ")
	}
	fmt.Fprintf(&b, "status %d", e.StatusCode)
	if e.ErrorCode != "" {
		b.WriteString(", code " + e.ErrorCode)
	}
	if e.Target != "" {
		fmt.Fprintf(&b, ", target %q", e.Target)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %q", e.Message)
	}
	return b.String()
}

// HasCode tells whether err is a ResponseError with one of the codes. The
// constants of the contract's codes stand with the client that meets them.
func HasCode(err error, codes ...string) bool {
	var e *ResponseError
	return errors.As(err, &e) && slices.Contains(codes, e.ErrorCode)
}
