package engine

import "context"

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

// CallAgent is a signed-in endpoint: it receives and places calls. Its methods
// are safe for many goroutines and may be called from handlers.
type CallAgent struct{}

// StartCall calls the targets and returns when the service has taken the call;
// it then is Connecting or Ringing. Today a call has exactly one target, a
// communication user; others give ErrInvalidTarget. A call of this agent that
// is active is put on hold first. Cancelling ctx before StartCall returns
// abandons the attempt. A call that the service refuses gives a *CallError.
func (a *CallAgent) StartCall(ctx context.Context, targets []Identifier, options *StartCallOptions) (*Call, error) {
	return nil, errNotYet
}

// Calls returns the agent's calls that have not ended, oldest first.
func (a *CallAgent) Calls() []*Call { return nil }

// IncomingCalls returns the calls that ring here and were not answered yet, oldest first.
func (a *CallAgent) IncomingCalls() []*IncomingCall { return nil }

// Identifier returns who is signed in.
func (a *CallAgent) Identifier() Identifier { return nil }

// ConnectionState returns the state of the connection to the service.
func (a *CallAgent) ConnectionState() ConnectionState { return ConnectionStateDisconnected }

// NetworkChanged tells the agent that the device's network has changed (the
// operating system said so), so that it reconnects at once instead of noticing
// by silence.
func (a *CallAgent) NetworkChanged() {}

// Shutdown hangs all calls up, signs out, delivers what is queued to handlers
// and returns. When ctx ends first, the rest is closed at once and the
// context's error is returned. A handler should call Close instead: Shutdown
// waits for handlers.
func (a *CallAgent) Shutdown(ctx context.Context) error { return nil }

// Close ends all calls and signs out at once. It is idempotent, may be called
// from a handler and never waits for handlers.
func (a *CallAgent) Close() error { return nil }
