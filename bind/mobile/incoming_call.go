package mobile

import (
	"context"

	"github.com/parley-rtc/parley/engine"
)

// IncomingCall is a call that rings here. It is over when it was accepted or
// rejected, or when OnIncomingCallEnded says so.
type IncomingCall struct {
	agent    *CallAgent
	incoming *engine.IncomingCall
}

// ID returns the call's identifier, a UUID; the accepted Call has the same.
func (i *IncomingCall) ID() string {
	defer quiet()
	return i.incoming.ID().String()
}

// CallerID returns the raw id of who calls.
func (i *IncomingCall) CallerID() string {
	defer quiet()
	return i.incoming.Caller().RawID()
}

// CallerDisplayName returns the name that the caller gave, or nothing.
func (i *IncomingCall) CallerDisplayName() string {
	defer quiet()
	return i.incoming.CallerDisplayName()
}

// HasVideo tells whether the caller starts with video.
func (i *IncomingCall) HasVideo() bool {
	defer quiet()
	return i.incoming.HasVideo()
}

// Accept takes the call and returns when the service has confirmed that this
// device has it. options and listener may be nothing. A call of this agent that
// is active is put on hold first. When another device was faster, or the caller
// gave up, it gives ErrorCodeCallFailed (487/10003, 487/0); after Accept or
// Reject ErrorCodeInvalidState.
func (i *IncomingCall) Accept(options *CallOptions, listener CallListener) (call *Call, err error) {
	defer guard(&err)
	call, err = i.agent.begin(options, listener, func(ctx context.Context, o engine.CallOptions) (*engine.Call, error) {
		return i.incoming.Accept(ctx, &engine.AcceptCallOptions{CallOptions: o})
	})
	if err == nil {
		i.agent.silence(i)
	}
	return call, err
}

// Reject refuses the call on this device; busy tells the caller 486 (busy here)
// instead of 603 (declined). On a call that has ended it does nothing; after
// Accept or Reject it gives ErrorCodeInvalidState.
func (i *IncomingCall) Reject(busy bool) (err error) {
	defer guard(&err)
	err = i.agent.run(nil, func(ctx context.Context) error {
		return i.incoming.Reject(ctx, &engine.RejectCallOptions{Busy: busy})
	})
	if err == nil {
		i.agent.silence(i)
	}
	return err
}

// IncomingCallList is a list of calls that ring, as it was when it was asked for.
type IncomingCallList struct{ calls []*IncomingCall }

// Len returns how many there are.
func (l *IncomingCallList) Len() int32 {
	defer quiet()
	return int32(len(l.calls))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *IncomingCallList) At(i int32) *IncomingCall {
	defer quiet()
	return at(l.calls, i)
}
