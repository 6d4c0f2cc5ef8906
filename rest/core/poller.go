package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Errors of pollers.
var (
	// ErrNotDone says that an operation is still running.
	ErrNotDone = errors.New("core: the operation is not done")
	// ErrInvalidResumeToken says that a text is not a resume token, or one of
	// another operation.
	ErrInvalidResumeToken = errors.New("core: invalid resume token")
	// ErrInvalidOperation says that an answer does not tell the state of its
	// operation.
	ErrInvalidOperation = errors.New("core: the answer does not tell the state of the operation")
)

// DefaultPollFrequency is the pause between two looks at an operation when the
// service asks for none.
const DefaultPollFrequency = 2 * time.Second

// FinalState says where the result of an operation is found.
type FinalState string

// Where results are found.
const (
	// FinalStateAuto looks where the service points: the resourceLocation of the
	// operation, its Location header, the resource itself after PUT and PATCH,
	// else the last answer.
	FinalStateAuto FinalState = ""
	// FinalStateOperation takes the last answer of the operation itself.
	FinalStateOperation FinalState = "operation"
	// FinalStateLocation gets what the Location header names.
	FinalStateLocation FinalState = "location"
	// FinalStateOriginal gets the URL that the operation was begun with.
	FinalStateOriginal FinalState = "original"
)

// PossibleFinalStateValues returns all values of FinalState.
func PossibleFinalStateValues() []FinalState {
	return []FinalState{FinalStateAuto, FinalStateOperation, FinalStateLocation, FinalStateOriginal}
}

// PollerOptions say how an operation is followed.
type PollerOptions[T any] struct {
	// Operation names the operation in its resume tokens; one of another
	// operation is refused. Required for tokens to be told apart.
	Operation string
	// FinalState says where the result is.
	FinalState FinalState
	// Result reads the result from the answer that has it. Nil: its JSON, or the
	// zero T when the answer is empty.
	Result func(resp *http.Response) (T, error)
}

// Poller follows an operation that takes longer than one request. It belongs to
// one goroutine at a time. Giving it up leaves the operation running.
type Poller[T any] struct {
	client  *Client
	options PollerOptions[T]
	state   operation
	last    *http.Response
	result  *T
}

// NewPoller follows the operation that resp is the first answer of: the
// headers Azure-AsyncOperation, Operation-Location or Location say where it is,
// or the body is the resource with its provisioning state; an answer with none
// of these is an operation that is already done. options may be nil. The error
// wraps ErrForeignLink or ErrInvalidOperation.
func NewPoller[T any](client *Client, resp *http.Response, options *PollerOptions[T]) (*Poller[T], error) {
	p := &Poller[T]{client: client, last: resp}
	if options != nil {
		p.options = *options
	}
	if err := p.state.begin(client, resp); err != nil {
		return nil, err
	}
	p.state.Version = operationVersion
	p.state.Operation = p.options.Operation
	p.state.FinalState = p.options.FinalState
	return p, nil
}

// NewPollerFromResumeToken follows an operation that another poller, maybe of
// another process, followed before. options may be nil, and must name the same
// operation. Nothing is sent. The error wraps ErrInvalidResumeToken.
func NewPollerFromResumeToken[T any](client *Client, token string, options *PollerOptions[T]) (*Poller[T], error) {
	p := &Poller[T]{client: client}
	if options != nil {
		p.options = *options
	}
	state, err := parseResumeToken(client, token)
	if err != nil {
		return nil, err
	}
	if state.Operation != p.options.Operation {
		return nil, fmt.Errorf("%w: it is of operation %q", ErrInvalidResumeToken, state.Operation)
	}
	p.state = state
	return p, nil
}

// Done tells whether the operation has ended, well or not.
func (p *Poller[T]) Done() bool { return p.state.done() }

// Poll looks at the operation once and returns the answer. On a poller that is
// done it returns the last answer. An operation that failed is not an error
// here but of Result.
func (p *Poller[T]) Poll(ctx context.Context) (*http.Response, error) {
	if p.Done() {
		return p.last, nil
	}
	resp, err := p.get(ctx, p.state.Poll)
	var refused *ResponseError
	if errors.As(err, &refused) && p.state.failsWith(refused.StatusCode) {
		p.state.Status = stateFailed
		p.last = refused.RawResponse
		return p.last, nil
	}
	if err != nil {
		return nil, err
	}
	if err := p.state.update(p.client, resp); err != nil {
		return nil, err
	}
	p.last = resp
	return resp, nil
}

// Result returns the result of an operation that is done. The error is
// ErrNotDone before that, and a *ResponseError when the operation failed or was
// canceled.
func (p *Poller[T]) Result(ctx context.Context) (T, error) {
	var zero T
	switch {
	case p.result != nil:
		return *p.result, nil
	case !p.Done():
		return zero, ErrNotDone
	case !p.state.succeeded():
		return zero, NewResponseError(p.last)
	}
	resp := p.last
	if target := p.state.resultTarget(); target != "" {
		var err error
		if resp, err = p.get(ctx, target); err != nil {
			return zero, err
		}
	}
	read := p.options.Result
	if read == nil {
		read = readResult[T]
	}
	result, err := read(resp)
	if err != nil {
		return zero, err
	}
	p.result = &result
	return result, nil
}

func readResult[T any](resp *http.Response) (T, error) {
	var result T
	data, err := Payload(resp)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return result, err
	}
	return result, UnmarshalJSON(resp, &result)
}

func (p *Poller[T]) get(ctx context.Context, target string) (*http.Response, error) {
	req, err := p.client.followOperation(ctx, target)
	if err != nil {
		return nil, err
	}
	return p.client.Do(req, http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent)
}

// PollUntilDoneOptions configure PollUntilDone.
type PollUntilDoneOptions struct {
	// Frequency is the pause between two looks when the service asks for none.
	// Zero: 2 s.
	Frequency time.Duration
}

// PollUntilDone waits for the end of the operation and returns its result as
// Result does. options may be nil. When ctx ends it returns; the operation
// itself goes on, and the poller can be used again.
func (p *Poller[T]) PollUntilDone(ctx context.Context, options *PollUntilDoneOptions) (T, error) {
	var zero T
	frequency := DefaultPollFrequency
	if options != nil && options.Frequency > 0 {
		frequency = options.Frequency
	}
	for first := p.last == nil; !p.Done(); first = false {
		pause, asked := RetryAfter(p.last)
		if !asked {
			pause = frequency
		}
		// A resumed poller knows nothing of the last look: it looks at once.
		if !first {
			if err := sleep(ctx, pause); err != nil {
				return zero, fmt.Errorf("core: wait for the operation: %w", err)
			}
		}
		if _, err := p.Poll(ctx); err != nil {
			return zero, err
		}
	}
	return p.Result(ctx)
}

// ResumeToken returns a text from which NewPollerFromResumeToken goes on, on
// any client of the same resource. It holds no secret. The error says that the
// operation is done.
func (p *Poller[T]) ResumeToken() (string, error) {
	if p.Done() {
		return "", errors.New("core: the operation is done, there is nothing to resume")
	}
	data, err := json.Marshal(p.state)
	if err != nil {
		return "", fmt.Errorf("core: write the resume token: %w", err)
	}
	return string(data), nil
}
