package operations

import (
	"net/http"
	"strconv"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Dialect is how an area tells of operations (acs-rest 1.6).
type Dialect uint8

// Dialects of operations.
const (
	// PhoneNumbers has the states as they are named here, Operation-Location and
	// the header operation-id.
	PhoneNumbers Dialect = iota + 1
	// Mail has the states with a capital, and Operation-Location.
	Mail
	// ResourceManager has the states with a capital, Azure-AsyncOperation, and
	// Location where the client is to find the result. What has not begun is
	// Running.
	ResourceManager
)

// HeaderOperationID is the id of an operation in answers of the phone numbers.
const HeaderOperationID = "Operation-Id"

// Status is the word for a state.
func (d Dialect) Status(s State) string {
	switch d {
	case PhoneNumbers:
		return string(s)
	case ResourceManager:
		if s == StateNotStarted {
			return "Running"
		}
	case Mail:
	}
	switch s {
	case StateNotStarted:
		return "NotStarted"
	case StateRunning:
		return "Running"
	case StateSucceeded:
		return "Succeeded"
	case StateFailed:
		return "Failed"
	case StateCanceled:
		return "Canceled"
	}
	return string(s)
}

// Links are where a client finds an operation. What is empty is left out.
type Links struct {
	// ID of the operation.
	ID string
	// Status is where its state is found: an absolute URL, or an escaped path for
	// PhoneNumbers. Result is where its result lies when it has succeeded.
	Status, Result string
	// RetryAfter is in how many seconds to ask again; zero leaves it to the
	// client.
	RetryAfter int
}

// Header returns the headers of the answer that accepts an operation.
func (d Dialect) Header(l Links) http.Header {
	h := http.Header{}
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	switch d {
	case PhoneNumbers:
		set(acswire.HeaderOperationLocation, l.Status)
		set(HeaderOperationID, l.ID)
	case Mail:
		set(acswire.HeaderOperationLocation, l.Status)
	case ResourceManager:
		set(acswire.HeaderAsyncOperation, l.Status)
	}
	set(acswire.HeaderLocation, l.Result)
	if l.RetryAfter > 0 {
		h.Set(acswire.HeaderRetryAfter, strconv.Itoa(l.RetryAfter))
	}
	return h
}
