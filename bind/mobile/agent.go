package mobile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/parley-rtc/parley/engine"
)

// CallAgentOptions describe one signed-in endpoint. They are read once.
type CallAgentOptions struct {
	// DisplayName is shown to those called. Empty: none.
	DisplayName string
	// DeviceID tells this device from the user's other ones; keep it over
	// restarts of the application. Empty: a random one.
	DeviceID string
	// ShareAddressEarly lets callers see this device's network addresses while it
	// rings. False: they stay hidden until the call is accepted.
	ShareAddressEarly bool
	// Canceler cancels the sign-in. Nothing: only the time limit ends it.
	Canceler *Canceler
}

// The states of a connection to the service.
const (
	// ConnectionStateConnected means that calls come and go.
	ConnectionStateConnected int32 = 1
	// ConnectionStateReconnecting means that the connection was lost and is being
	// restored; calls go on.
	ConnectionStateReconnecting int32 = 2
	// ConnectionStateDisconnected is final.
	ConnectionStateDisconnected int32 = 3
)

// CallAgentListener hears what happens to an agent. Its methods, and those of
// the listeners of the agent's calls, are called one at a time, in order, on a
// thread of the library; they may call any method but Shutdown.
type CallAgentListener interface {
	// OnIncomingCall is called when somebody calls this user.
	OnIncomingCall(call *IncomingCall)
	// OnIncomingCallEnded is called when a call rings here no more and was not
	// taken here: 487/10003 when another device answered, 487/0 when the caller
	// gave up, 487/10004 when nobody answered.
	OnIncomingCallEnded(call *IncomingCall, reason *EndReason)
	// OnConnectionStateChanged is called when the connection to the service is
	// lost, comes back or is over. failure says why, or is nothing; one with
	// ErrorCodeUnauthorized asks for a new sign-in.
	OnConnectionStateChanged(state int32, failure *Failure)
}

// EndReason says why a call ended: a code and subcode of Azure Communication
// Services, 0/0 for the ordinary end, and a sentence for a developer.
type EndReason struct {
	Code    int32
	Subcode int32
	Message string
}

func endReason(r engine.EndReason) *EndReason {
	return &EndReason{Code: int32(r.Code), Subcode: int32(r.Subcode), Message: r.Message}
}

// CallAgent is a signed-in endpoint: it receives and places calls. Its methods
// may be called from any thread.
type CallAgent struct {
	client   *Client
	listener slot[CallAgentListener]
	agent    *engine.CallAgent
	ready    chan struct{} // closed when agent is set, or never will be

	mu      sync.Mutex
	closed  bool
	calls   []*Call
	ringing []*IncomingCall
	changed chan struct{} // closed and replaced when a call begins to ring
}

func newCallAgent(c *Client) *CallAgent {
	return &CallAgent{client: c, ready: make(chan struct{}), changed: make(chan struct{})}
}

func (a *CallAgent) engineOptions(options *CallAgentOptions) *engine.CallAgentOptions {
	return &engine.CallAgentOptions{
		DisplayName: options.DisplayName, DeviceID: options.DeviceID, ShareAddressEarly: options.ShareAddressEarly,
		Events: engine.CallAgentEvents{
			IncomingCall: func(e engine.IncomingCallReceived) {
				incoming := a.rings(e.Call)
				a.tell(func(l CallAgentListener) { l.OnIncomingCall(incoming) })
			},
			IncomingCallEnded: func(e engine.IncomingCallEnded) {
				incoming := a.rings(e.Call)
				a.silence(incoming)
				reason := endReason(e.Reason)
				a.tell(func(l CallAgentListener) { l.OnIncomingCallEnded(incoming, reason) })
			},
			ConnectionStateChanged: func(e engine.AgentConnectionStateChanged) {
				failure := FailureOf(e.Err)
				a.tell(func(l CallAgentListener) { l.OnConnectionStateChanged(int32(e.To), failure) })
			},
		},
	}
}

// tell calls the listener, if there is one. Events may come while the sign-in
// has not returned yet.
func (a *CallAgent) tell(event func(CallAgentListener)) {
	<-a.ready
	if l, ok := a.listener.get(); ok {
		a.client.scope.call(func() { event(l) })
	}
}

// rings returns the one object of a call that rings.
func (a *CallAgent) rings(i *engine.IncomingCall) *IncomingCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, known := range a.ringing {
		if known.incoming == i {
			return known
		}
	}
	incoming := &IncomingCall{agent: a, incoming: i}
	a.ringing = append(a.ringing, incoming)
	close(a.changed)
	a.changed = make(chan struct{})
	return incoming
}

// silence forgets a call that rings no more.
func (a *CallAgent) silence(i *IncomingCall) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ringing = slices.DeleteFunc(a.ringing, func(o *IncomingCall) bool { return o == i })
}

// Identifier returns the raw id of who is signed in, "8:acs:…".
func (a *CallAgent) Identifier() string {
	defer quiet()
	return a.agent.Identifier().RawID()
}

// ConnectionState returns one of the ConnectionState constants.
func (a *CallAgent) ConnectionState() int32 {
	defer quiet()
	return int32(a.agent.ConnectionState())
}

// StartCall calls a user, a raw id "8:acs:…", and returns when the service has
// taken the call; it then is Connecting or Ringing. options and listener may be
// nothing. A call of this agent that is active is put on hold first. A call
// that the service refuses gives ErrorCodeCallFailed.
func (a *CallAgent) StartCall(target string, options *CallOptions, listener CallListener) (call *Call, err error) {
	defer guard(&err)
	to, err := engine.ParseIdentifier(target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errArgument, err)
	}
	return a.begin(options, listener, func(ctx context.Context, o engine.CallOptions) (*engine.Call, error) {
		return a.agent.StartCall(ctx, []engine.Identifier{to}, &engine.StartCallOptions{
			CallOptions: o, ShareAddressEarly: options != nil && options.ShareAddressEarly,
		})
	})
}

// begin makes a call with what starting and accepting have in common.
func (a *CallAgent) begin(options *CallOptions, listener CallListener, connect func(context.Context, engine.CallOptions) (*engine.Call, error)) (*Call, error) {
	if a == nil || a.client == nil {
		return nil, errClosed
	}
	if options == nil {
		options = &CallOptions{}
	}
	if options.Camera != nil && options.Camera.track == nil {
		return nil, fmt.Errorf("%w: the camera was not made by NewVideoSource", errArgument)
	}
	c := newCall(a, options)
	if listener != nil {
		c.listener.set(listener)
	}
	err := a.run(options.Canceler, func(ctx context.Context) error {
		made, err := connect(ctx, c.engineOptions(options))
		if err == nil {
			c.bind(made)
		}
		return err
	})
	if err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// run carries out an operation.
func (a *CallAgent) run(canceler *Canceler, operation func(ctx context.Context) error) error {
	if a == nil || a.client == nil {
		return errClosed
	}
	return a.client.run(canceler, operation)
}

// add lists a call; false when the agent was closed meanwhile.
func (a *CallAgent) add(c *Call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.calls = append(a.calls, c)
	}
	return !a.closed
}

// remove takes a call that has ended off the list.
func (a *CallAgent) remove(c *Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = slices.DeleteFunc(a.calls, func(o *Call) bool { return o == c })
}

// Calls returns the agent's calls that have not ended, oldest first.
func (a *CallAgent) Calls() *CallList {
	defer quiet()
	return &CallList{calls: a.allCalls()}
}

func (a *CallAgent) allCalls() []*Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// IncomingCalls returns the calls that ring here, oldest first.
func (a *CallAgent) IncomingCalls() *IncomingCallList {
	defer quiet()
	a.mu.Lock()
	defer a.mu.Unlock()
	return &IncomingCallList{calls: slices.Clone(a.ringing)}
}

// Shutdown hangs all calls up, signs out, tells the listener what is left to
// tell and closes the agent. It is not for listeners: they call Close.
func (a *CallAgent) Shutdown() (err error) {
	defer guard(&err)
	if a.client == nil {
		return nil
	}
	err = a.run(nil, a.agent.Shutdown)
	if errors.Is(err, errClosed) {
		err = nil
	}
	a.Close()
	return err
}

// Close ends all calls and signs out at once, and drops the listeners: nothing
// is told any more. It waits for nothing and may be called from a listener, and
// again.
func (a *CallAgent) Close() {
	defer quiet()
	a.drop()
	a.client.forgetAgent(a)
	if a.agent != nil {
		// It does not fail.
		_ = a.agent.Close()
	}
}

// drop drops all listeners.
func (a *CallAgent) drop() {
	a.listener.drop()
	a.mu.Lock()
	calls := a.calls
	a.closed, a.calls, a.ringing = true, nil, nil
	a.mu.Unlock()
	for _, c := range calls {
		c.release()
	}
}

// CallList is a list of calls as it was when it was asked for.
type CallList struct{ calls []*Call }

// Len returns how many there are.
func (l *CallList) Len() int32 {
	defer quiet()
	return int32(len(l.calls))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *CallList) At(i int32) *Call {
	defer quiet()
	return at(l.calls, i)
}

// at returns nil outside a list.
func at[T any](list []*T, i int32) *T {
	if i < 0 || int(i) >= len(list) {
		return nil
	}
	return list[i]
}
