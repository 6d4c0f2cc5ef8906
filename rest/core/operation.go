package core

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	operationVersion = 1
	maxResumeToken   = 32 << 10
	stateSucceeded   = "succeeded"
	stateFailed      = "failed"
	stateRunning     = "running"
	stateCanceled    = "canceled"
	// Not as specified, but met.
	stateCancelledToo = "cancelled"
	stateCompleted    = "completed"
)

// pattern is how an operation tells its state.
type pattern string

const (
	patternAsync     pattern = "async"     // Azure-AsyncOperation: a status in the body
	patternOperation pattern = "operation" // Operation-Location: the same
	patternLocation  pattern = "location"  // Location: 202 until it is done
	patternResource  pattern = "resource"  // the resource's own provisioning state
)

// operation is the state of an operation, and as JSON its resume token. URLs
// are kept as path and query: a token can never lead a credential elsewhere.
type operation struct {
	Version    int        `json:"version"`
	Operation  string     `json:"operation,omitempty"`
	Pattern    pattern    `json:"pattern"`
	Method     string     `json:"method"`
	Original   string     `json:"original"`
	Poll       string     `json:"poll"`
	Location   string     `json:"location,omitempty"`
	Resource   string     `json:"resource,omitempty"`
	Status     string     `json:"status"`
	FinalState FinalState `json:"finalState,omitempty"`
}

func (o *operation) done() bool {
	switch strings.ToLower(o.Status) {
	case stateSucceeded, stateCompleted, stateFailed, stateCanceled, stateCancelledToo:
		return true
	default:
		return false
	}
}

func (o *operation) succeeded() bool {
	return strings.EqualFold(o.Status, stateSucceeded) || strings.EqualFold(o.Status, stateCompleted)
}

// failsWith tells whether a refusal is how the operation says that it failed:
// one that has no body to say so in, and one that is not about the caller.
func (o *operation) failsWith(status int) bool {
	if o.Pattern != patternLocation || status < 400 || status >= 500 {
		return false
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return true
	}
}

// begin reads the first answer.
func (o *operation) begin(client *Client, resp *http.Response) error {
	if resp == nil || resp.Request == nil || resp.Request.URL == nil {
		return fmt.Errorf("%w: no answer", ErrInvalidOperation)
	}
	o.Method = resp.Request.Method
	o.Original = resp.Request.URL.RequestURI()
	o.Status = stateRunning
	if err := o.setLocation(client, resp); err != nil {
		return err
	}
	for _, one := range []struct {
		header  string
		pattern pattern
	}{{acswire.HeaderAsyncOperation, patternAsync}, {acswire.HeaderOperationLocation, patternOperation}, {acswire.HeaderLocation, patternLocation}} {
		link := resp.Header.Get(one.header)
		if link == "" || (one.pattern == patternLocation && resp.StatusCode != http.StatusAccepted) {
			continue
		}
		target, err := client.resolve(link)
		if err != nil {
			return err
		}
		o.Pattern, o.Poll = one.pattern, target
		return nil
	}
	o.Pattern, o.Poll = patternResource, o.Original
	if o.Method != http.MethodPut && o.Method != http.MethodPatch {
		// Only a resource can be asked for its state.
		o.Status = stateSucceeded
		return nil
	}
	if resp.StatusCode == http.StatusCreated {
		// Made; without a word about being ready it is asked for one.
		return o.updateByStatus(resp, stateRunning)
	}
	return o.updateByStatus(resp, stateSucceeded)
}

// update reads a later answer.
func (o *operation) update(client *Client, resp *http.Response) error {
	if err := o.setLocation(client, resp); err != nil {
		return err
	}
	switch o.Pattern {
	case patternAsync:
		return o.updateByBody(client, resp, acswire.HeaderAsyncOperation)
	case patternOperation:
		return o.updateByBody(client, resp, acswire.HeaderOperationLocation)
	case patternLocation:
		o.Poll = o.Location
		return o.updateByStatus(resp, stateSucceeded)
	case patternResource:
		return o.updateByStatus(resp, stateSucceeded)
	default:
		return fmt.Errorf("%w: unknown pattern", ErrInvalidOperation)
	}
}

func (o *operation) setLocation(client *Client, resp *http.Response) error {
	link := resp.Header.Get(acswire.HeaderLocation)
	if link == "" {
		return nil
	}
	target, err := client.resolve(link)
	if err != nil {
		return err
	}
	o.Location = target
	return nil
}

// operationBody is what the states of operations and of resources look like.
type operationBody struct {
	Status           string `json:"status"`
	ResourceLocation string `json:"resourceLocation"`
	Properties       struct {
		ProvisioningState string `json:"provisioningState"`
	} `json:"properties"`
}

// updateByBody reads a status from the body.
func (o *operation) updateByBody(client *Client, resp *http.Response, header string) error {
	if link := resp.Header.Get(header); link != "" {
		target, err := client.resolve(link)
		if err != nil {
			return err
		}
		o.Poll = target
	}
	if resp.StatusCode == http.StatusNoContent {
		o.Status = stateSucceeded
		return nil
	}
	var body operationBody
	if err := UnmarshalJSON(resp, &body); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidOperation, err)
	}
	if body.Status == "" {
		return fmt.Errorf("%w: no status", ErrInvalidOperation)
	}
	if body.ResourceLocation != "" {
		target, err := client.resolve(body.ResourceLocation)
		if err != nil {
			return err
		}
		o.Resource = target
	}
	o.Status = body.Status
	return nil
}

// updateByStatus reads the HTTP status, and the provisioning state when the
// body is a resource that has one; silent is the status of one that has none.
func (o *operation) updateByStatus(resp *http.Response, silent string) error {
	if resp.StatusCode == http.StatusAccepted {
		o.Status = stateRunning
		return nil
	}
	o.Status = silent
	data, err := Payload(resp)
	if err != nil {
		return err
	}
	var body operationBody
	if json.Unmarshal(data, &body) == nil && body.Properties.ProvisioningState != "" {
		o.Status = body.Properties.ProvisioningState
	}
	return nil
}

// resultTarget returns path and query of the result, or "" when the last answer
// has it.
func (o *operation) resultTarget() string {
	switch o.FinalState {
	case FinalStateOperation:
		return "" // The last answer has it.
	case FinalStateLocation:
		return o.Location
	case FinalStateOriginal:
		return o.Original
	case FinalStateAuto:
	}
	hasStatus := o.Pattern == patternAsync || o.Pattern == patternOperation
	replaces := o.Method == http.MethodPut || o.Method == http.MethodPatch
	switch {
	case !hasStatus, o.Method == http.MethodDelete:
		return "" // The last answer has it.
	case o.Resource != "":
		return o.Resource
	case o.Pattern == patternAsync && replaces:
		return o.Original
	case o.Location != "":
		return o.Location
	case replaces:
		return o.Original
	default:
		return "" // The last answer has it.
	}
}

// parseResumeToken reads a token; its links must be paths.
func parseResumeToken(client *Client, token string) (operation, error) {
	var o operation
	if len(token) > maxResumeToken {
		return o, fmt.Errorf("%w: it is too long", ErrInvalidResumeToken)
	}
	if err := json.Unmarshal([]byte(token), &o); err != nil {
		return o, fmt.Errorf("%w: it cannot be read", ErrInvalidResumeToken)
	}
	if o.Version != operationVersion || o.Status == "" || o.done() || o.Method == "" || o.Original == "" || o.Poll == "" {
		return operation{}, fmt.Errorf("%w: it has not what it takes", ErrInvalidResumeToken)
	}
	if !slices.Contains([]pattern{patternAsync, patternOperation, patternLocation, patternResource}, o.Pattern) ||
		!slices.Contains(PossibleFinalStateValues(), o.FinalState) {
		return operation{}, fmt.Errorf("%w: unknown pattern", ErrInvalidResumeToken)
	}
	for _, target := range []*string{&o.Original, &o.Poll, &o.Location, &o.Resource} {
		if *target == "" {
			continue
		}
		resolved, err := client.resolve(*target)
		if err != nil || !strings.HasPrefix(*target, "/") {
			return operation{}, fmt.Errorf("%w: a link leads elsewhere", ErrInvalidResumeToken)
		}
		*target = resolved
	}
	return o, nil
}
