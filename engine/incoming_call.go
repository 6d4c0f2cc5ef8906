package engine

import "context"

// IncomingCall is a call that rings here. It is over when it was accepted or
// rejected, or when CallAgentEvents.IncomingCallEnded says so.
type IncomingCall struct{}

// ID returns the call's identifier; the accepted Call has the same.
func (i *IncomingCall) ID() CallID { return CallID{} }

// Caller returns who calls.
func (i *IncomingCall) Caller() Identifier { return nil }

// CallerDisplayName returns the name that the caller gave, or "".
func (i *IncomingCall) CallerDisplayName() string { return "" }

// HasVideo tells whether the caller starts with video.
func (i *IncomingCall) HasVideo() bool { return false }

// Done is closed when the call rings here no more.
func (i *IncomingCall) Done() <-chan struct{} { return nil }

// Accept takes the call and returns when the service has confirmed that this
// device has it. Audio is sent from the first moment. A call of this agent that
// is active is put on hold first. When another device was faster, or the caller
// gave up, it returns a *CallError (487/10003, 487/0); a second Accept or an
// Accept after Reject returns ErrInvalidState. Cancelling ctx before Accept
// returns hangs the call up.
func (i *IncomingCall) Accept(ctx context.Context, options *AcceptCallOptions) (*Call, error) {
	return nil, errNotYet
}

// Reject refuses the call on this device; other devices of the user go on
// ringing. It returns when the refusal is on its way.
func (i *IncomingCall) Reject(ctx context.Context, options *RejectCallOptions) error {
	return errNotYet
}
