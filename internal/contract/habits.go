package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrHabit says that an answer lacks what every answer of its kind has, though
// no specification says so.
var ErrHabit = errors.New("contract: an answer is unlike its kind")

// habits holds the headers of an answer against what ACS does everywhere: its
// specifications leave them out, its SDKs need them.
func habits(x *acswire.RecordedExchange) error {
	kind := x.Header[acswire.HeaderContentType]
	switch {
	case len(x.Body) > 0 && !strings.HasPrefix(kind, "application/json"):
		return fmt.Errorf("%w: JSON as %q", ErrHabit, kind)
	case x.Status >= http.StatusBadRequest:
		return errorHabits(x)
	}
	operation, version, known := lookUp(x)
	if !known {
		return fmt.Errorf("%w: %s is no operation of %s/%s", ErrHabit, x.Operation, x.Area, x.Version)
	}
	if operation.LongRunning && (x.Status == http.StatusCreated || x.Status == http.StatusAccepted) {
		if x.Header[acswire.HeaderLocation] == "" && x.Header[acswire.HeaderOperationLocation] == "" && x.Header[acswire.HeaderAsyncOperation] == "" {
			return fmt.Errorf("%w: no link to the work that has begun", ErrHabit)
		}
	}
	if operation.Area != acswire.AreaResourceManager && x.Header[acswire.HeaderSupportedVersions] == "" {
		return fmt.Errorf("%w: no %s", ErrHabit, acswire.HeaderSupportedVersions)
	}
	if notice := x.Header[acswire.HeaderDeprecation] != "" && x.Header[acswire.HeaderSunset] != ""; notice != !version.Sunset.IsZero() {
		return fmt.Errorf("%w: notice of the end of %s: %v", ErrHabit, x.Version, notice)
	}
	return nil
}

// errorHabits wants the code of an error in the header too.
func errorHabits(x *acswire.RecordedExchange) error {
	e, err := errorOf(x)
	if err != nil || e.Code == "" || e.Message == "" {
		return fmt.Errorf("%w: no code or message: %.200s", ErrHabit, x.Body)
	}
	if code := x.Header[acswire.HeaderErrorCode]; code != e.Code {
		return fmt.Errorf("%w: the header says %q, the body %q", ErrHabit, code, e.Code)
	}
	return nil
}

// errorOf reads an error in the form that its contract has.
func errorOf(x *acswire.RecordedExchange) (acswire.Error, error) {
	if capital(x) {
		var body acswire.ChatErrorResponse
		err := strict(x.Body, &body)
		return acswire.Error{Code: body.CommunicationError.Code, Message: body.CommunicationError.Message}, err
	}
	if x.Area == acswire.AreaChat.String() && x.Contract == acswire.VersionChatFirst().String() {
		var body acswire.Error
		err := strict(x.Body, &body)
		return body, err
	}
	var body acswire.ErrorResponse
	err := json.Unmarshal(x.Body, &body)
	return body.Error, err
}

func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// capital tells whether an answer is an error in chat's own envelope: so the
// service was recorded, though its specifications say otherwise.
func capital(x *acswire.RecordedExchange) bool {
	v, err := acswire.ParseVersion(x.Contract)
	return err == nil && x.Status >= http.StatusBadRequest && x.Area == acswire.AreaChat.String() &&
		v != acswire.VersionChatFirst() && v.Compare(acswire.VersionChatErrors()) < 0
}

func lookUp(x *acswire.RecordedExchange) (acswire.Operation, acswire.ServedVersion, bool) {
	asked, err := acswire.ParseVersion(x.Version)
	if err != nil {
		return acswire.Operation{}, acswire.ServedVersion{}, false
	}
	for _, a := range acswire.Areas() {
		if a.String() != x.Area {
			continue
		}
		version, err := acswire.ResolveVersion(a, asked)
		if err != nil {
			return acswire.Operation{}, version, false
		}
		operation, ok := acswire.FindOperation(a, x.Operation, version)
		return operation, version, ok
	}
	return acswire.Operation{}, acswire.ServedVersion{}, false
}
