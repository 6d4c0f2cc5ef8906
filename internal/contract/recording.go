package contract

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Result is what came of a recording.
type Result struct {
	// Checked counts the exchanges held against a specification, by
	// "area/contract METHOD route status".
	Checked map[string]int
	// Unspecified counts those that no specification has: operations known from
	// recordings and clients only.
	Unspecified map[string]int
	// Problems says what does not match; each once.
	Problems []string
}

// maxLine bounds a line of a recording.
const maxLine = 8 << 20

// CheckRecording holds a recording against the specifications under root.
func CheckRecording(root string, recording io.Reader) (*Result, error) {
	r := &Result{Checked: map[string]int{}, Unspecified: map[string]int{}}
	loaded := map[string]*Contract{}
	lines := bufio.NewScanner(recording)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		var x acswire.RecordedExchange
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return nil, fmt.Errorf("contract: recording: %w", err)
		}
		c, err := nearest(root, loaded, x.Area, x.Contract)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%s/%s %s %s %d", x.Area, x.Contract, x.Method, x.Route, x.Status)
		err = c.Check(x.Method, x.Route, x.Status, x.Body)
		switch {
		case err == nil:
			r.Checked[key]++
		case capital(&x):
			r.Unspecified[key]++ // its form is held against the habit
		case errors.Is(err, ErrNotSpecified) && beyond(&x), errors.Is(err, ErrUndeclared) && further(&x, err):
			r.Unspecified[key]++
		default:
			r.problem(key, err)
		}
		if err := habits(&x); err != nil {
			r.problem(key, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("contract: recording: %w", err)
	}
	return r, nil
}

func (r *Result) problem(key string, err error) {
	if problem := key + ": " + err.Error(); !slices.Contains(r.Problems, problem) {
		r.Problems = append(r.Problems, problem)
	}
}

// nearest loads the specification of a contract; one that was never specified
// (a preview) is held against the last one before it.
func nearest(root string, loaded map[string]*Contract, area, version string) (*Contract, error) {
	versions, err := Versions(root, area)
	if err != nil {
		return nil, err
	}
	asked, err := acswire.ParseVersion(version)
	if err != nil {
		return nil, fmt.Errorf("contract: recording: %q: %w", version, err)
	}
	var best acswire.Version
	found := ""
	for _, name := range versions {
		v, err := acswire.ParseVersion(name)
		if err == nil && v.Compare(asked) <= 0 && (found == "" || v.Compare(best) > 0) {
			best, found = v, name
		}
	}
	if found == "" {
		return nil, fmt.Errorf("%w: nothing before %s/%s", ErrSpecification, area, version)
	}
	if c := loaded[area+"/"+found]; c != nil {
		return c, nil
	}
	c, err := Load(root, area, found)
	if err == nil {
		loaded[area+"/"+found] = c
	}
	return c, err
}

// beyond tells whether an operation is known to be in none of the specifications
// at hand; that of identity 2025-03-02-preview is not among them.
func beyond(x *acswire.RecordedExchange) bool {
	switch x.Operation {
	case acswire.OpIdentityGet, acswire.OpIdentityExchangeEntra,
		acswire.OpEntraAssignmentsList, acswire.OpEntraAssignmentsUpdate,
		acswire.OpEntraAssignmentGet, acswire.OpEntraAssignmentUpsert, acswire.OpEntraAssignmentDelete:
		return true
	// Specified from 2025-06-30 on, and for the preview before it.
	case acswire.OpTeamsExtensionExchange, acswire.OpTeamsExtensionGet, acswire.OpTeamsExtensionUpsert, acswire.OpTeamsExtensionDelete:
		return x.Contract == acswire.VersionCustomID().String()
	}
	// Links of attachments are asked for with any version that shows them.
	return strings.HasPrefix(x.Operation, "OperationStatuses_") || x.Operation == acswire.OpChatGetImage
}

// further tells whether the members that the specification does not have are
// known from the recordings: those of an identity with an id of the caller's
// own, from 2025-03-02-preview on.
func further(x *acswire.RecordedExchange, err error) bool {
	if x.Operation != acswire.OpIdentityCreate {
		return false
	}
	_, list, _ := strings.Cut(err.Error(), " "+strconv.Itoa(x.Status)+": ")
	for name := range strings.SplitSeq(list, ", ") {
		if name != ".identity.customId" && name != ".identity.lastTokenIssuedAt" {
			return false
		}
	}
	return true
}
