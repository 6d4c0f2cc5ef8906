package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/dispatch"
	"github.com/parley-rtc/parley/signaling"
)

// CallAgentOptions describes one signed-in endpoint.
type CallAgentOptions struct {
	// DisplayName is shown to those called. Empty: none.
	DisplayName string
	// DeviceID tells this device from the user's other ones and stays the same
	// over restarts, so that a restarted application replaces its own old
	// connection. Empty: a random one.
	DeviceID string
	// ShareAddressEarly lets callers see this device's network addresses while
	// it still rings; the path is then found a little earlier. It takes effect
	// in calls whose caller has set it too. False: addresses stay hidden until
	// Accept, and until then only the relay is used.
	ShareAddressEarly bool
	// Events are the agent's handlers.
	Events CallAgentEvents
}

// maxRinging is how many calls may ring at one agent at a time. Each has a
// media session; further callers are told that the user is busy.
const maxRinging = 16

// CallAgent is a signed-in endpoint: it receives and places calls. Its methods
// are safe for many goroutines and may be called from handlers.
type CallAgent struct {
	client  *Client
	options CallAgentOptions
	cred    TokenCredential
	logger  *slog.Logger
	sig     *signaling.Client
	events  *dispatch.Dispatcher

	// welcomed is closed when the service has greeted, or the agent was abandoned.
	welcomed chan struct{}
	self     Identifier // set before welcomed is closed

	mu      sync.Mutex // guards what follows
	state   ConnectionState
	closing bool
	// tokenless: the credential gave no good token when it was asked last.
	tokenless bool
	calls     []*Call // placed and accepted, oldest first
	ringing   []*IncomingCall
	byID      map[CallID]*Call // both of them
	active    *Call            // the one that is not to be put on hold
	relay     *signaling.RelayServers
	torn      sync.WaitGroup // one for each call until its goroutines have ended
}

func newCallAgent(c *Client, cred TokenCredential, options *CallAgentOptions) (*CallAgent, error) {
	a := &CallAgent{
		client:   c,
		options:  *options,
		cred:     cred,
		logger:   c.logger,
		events:   dispatch.New(),
		welcomed: make(chan struct{}),
		byID:     map[CallID]*Call{},
		state:    ConnectionStateReconnecting,
	}
	sig, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer:       c.dialer,
		Token:        a.token,
		DeviceID:     options.DeviceID,
		UserAgent:    c.options.UserAgent,
		DisplayName:  options.DisplayName,
		Handler:      a.handle,
		StateChanged: a.signalingChanged,
		Logger:       c.options.Logger,
	})
	if err != nil {
		a.events.Close()
		return nil, fmt.Errorf("engine: %w", err)
	}
	a.sig = sig
	return a, nil
}

// signIn connects for the first time.
func (a *CallAgent) signIn(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("engine: sign in: %w", context.Cause(ctx))
	}
	welcome, err := a.sig.Start(ctx)
	if err != nil {
		return signInError(err)
	}
	self, err := ParseIdentifier(welcome.UserID)
	if err != nil {
		return fmt.Errorf("engine: the service's greeting: %w", err)
	}
	a.mu.Lock()
	a.self = self
	a.relay = welcome.Relay
	a.state = ConnectionStateConnected
	a.mu.Unlock()
	close(a.welcomed)
	// Calls of this device that the service still knows are from before a crash.
	a.reconcile(nil, nil)
	return nil
}

// signInError tells a refused token from other failures.
func signInError(err error) error {
	if unauthorized(err) {
		return fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	return fmt.Errorf("engine: sign in: %w", err)
}

func unauthorized(err error) bool {
	var goodbye *signaling.GoodbyeError
	if errors.As(err, &goodbye) {
		return goodbye.Code.NeedsToken() || goodbye.Code == signaling.CodeTokenInvalid
	}
	return errors.Is(err, ErrUnauthorized)
}

// abandon undoes newCallAgent when the sign-in failed.
func (a *CallAgent) abandon() {
	a.mu.Lock()
	a.closing = true
	a.state = ConnectionStateDisconnected
	a.mu.Unlock()
	close(a.welcomed)
	a.client.forget(a)
	// It only fails when it was closed before.
	_ = a.sig.Close()
	a.events.Close()
}

// token gives signaling a token that has not expired. That there is none is
// told to the app once, until there is one again.
func (a *CallAgent) token(ctx context.Context) (string, error) {
	token, err := a.cred.GetToken(ctx)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: the credential gave no token: %w", ErrUnauthorized, err)
	case !token.ExpiresOn.IsZero() && !time.Now().Before(token.ExpiresOn):
		err = fmt.Errorf("%w: the credential gave a token that has expired", ErrUnauthorized)
	}
	a.mu.Lock()
	state := a.state
	tell := err != nil && !a.tokenless && a.self != nil && ctx.Err() == nil
	a.tokenless = err != nil
	a.mu.Unlock()
	if tell {
		a.emitState(state, state, err)
	}
	return token.Token, err
}

// StartCall calls the targets and returns when the service has taken the call;
// it then is Connecting or Ringing. Today a call has exactly one target, a
// communication user; others give ErrInvalidTarget. A call of this agent that
// is active is put on hold first. Canceling ctx before StartCall returns
// abandons the attempt. A call that the service refuses gives a *CallError.
func (a *CallAgent) StartCall(ctx context.Context, targets []Identifier, options *StartCallOptions) (*Call, error) {
	if len(targets) != 1 {
		return nil, fmt.Errorf("%w: %d targets", ErrInvalidTarget, len(targets))
	}
	to, ok := targets[0].(CommunicationUserIdentifier)
	if !ok || to.ID == "" {
		return nil, fmt.Errorf("%w: not a communication user", ErrInvalidTarget)
	}
	if options == nil {
		options = &StartCallOptions{}
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	c := newCall(a, callfsm.NewCallID(), CallDirectionOutgoing, callfsm.NewMachine(callfsm.Config{
		Direction:   callfsm.Outgoing,
		From:        a.self.RawID(),
		To:          to.RawID(),
		DisplayName: a.options.DisplayName,
		Media:       options.media(),
		Muted:       options.Muted,
		TakesMedia:  callfsm.MediaAudio | callfsm.MediaVideo,
		Timeouts:    a.client.options.Timeouts,
	}))
	if err := a.add(c); err != nil {
		c.discard()
		return nil, err
	}
	if err := a.activate(ctx, c); err != nil {
		c.abort()
		return nil, err
	}
	return c.start(ctx, to, options)
}

// Calls returns the agent's calls that have not ended, oldest first.
func (a *CallAgent) Calls() []*Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// IncomingCalls returns the calls that ring here and were not answered yet,
// oldest first.
func (a *CallAgent) IncomingCalls() []*IncomingCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.ringing)
}

// Identifier returns who is signed in.
func (a *CallAgent) Identifier() Identifier { return a.self }

// ConnectionState returns the state of the connection to the service.
func (a *CallAgent) ConnectionState() ConnectionState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// NetworkChanged tells the agent that the device's network has changed (the
// operating system said so), so that it reconnects at once instead of noticing
// by silence.
func (a *CallAgent) NetworkChanged() {
	a.sig.NetworkChanged()
	for _, c := range a.all() {
		c.post(c.networkChanged)
	}
}

// Shutdown hangs all calls up, signs out, delivers what is queued to handlers
// and returns. When ctx ends first, the rest is closed at once and the
// context's error is returned. Called from a handler it does not wait for that
// handler and those after it.
func (a *CallAgent) Shutdown(ctx context.Context) error {
	a.mu.Lock()
	first := !a.closing
	a.closing = true
	calls := slices.Clone(a.calls)
	a.mu.Unlock()
	if !first {
		return a.wait(ctx)
	}
	var wg sync.WaitGroup
	for _, c := range calls {
		wg.Go(func() {
			if err := c.HangUp(ctx, nil); err != nil {
				c.logger.Debug("call not hung up in time", "error", err)
			}
		})
	}
	wg.Wait()
	var errs []error
	if err := a.sig.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("engine: sign out: %w", err))
	}
	a.end()
	if err := a.events.Drain(ctx); err != nil {
		errs = append(errs, fmt.Errorf("engine: deliver events: %w", err))
	}
	if err := a.wait(ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close ends all calls and signs out at once. It is idempotent, may be called
// from a handler and never waits for handlers.
func (a *CallAgent) Close() error {
	a.mu.Lock()
	first := !a.closing
	a.closing = true
	calls := slices.Clone(a.calls)
	a.mu.Unlock()
	a.events.Close()
	if first {
		for _, c := range calls {
			c.sendHangUp()
		}
	}
	a.end()
	// It only fails when it was closed before.
	_ = a.sig.Close()
	return nil
}

// end ends what is left of the agent here, without the service.
func (a *CallAgent) end() {
	a.mu.Lock()
	from := a.state
	a.state = ConnectionStateDisconnected
	a.mu.Unlock()
	for _, c := range a.all() {
		c.abort()
	}
	a.client.forget(a)
	if from != ConnectionStateDisconnected {
		a.emitState(from, ConnectionStateDisconnected, nil)
	}
}

// wait waits until the goroutines of all calls have ended.
func (a *CallAgent) wait(ctx context.Context) error {
	if a.events.InHandler() {
		// A call may wait for this handler.
		return nil
	}
	torn := make(chan struct{})
	go func() {
		a.torn.Wait()
		close(torn)
	}()
	select {
	case <-torn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("engine: wait for calls: %w", context.Cause(ctx))
	}
}
