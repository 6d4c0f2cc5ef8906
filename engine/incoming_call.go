package engine

import (
	"context"
	"sync"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// IncomingCall is a call that rings here. It is over when it was accepted or
// rejected, or when CallAgentEvents.IncomingCallEnded says so. Its methods are
// safe for many goroutines and may be called from handlers.
type IncomingCall struct {
	call        *Call
	caller      Identifier
	displayName string
	video       bool

	once sync.Once
	done chan struct{}
}

func newIncomingCall(c *Call, msg callfsm.Message) *IncomingCall {
	return &IncomingCall{
		call:        c,
		caller:      identifier(msg.From),
		displayName: msg.DisplayName,
		video:       msg.Media.Has(callfsm.MediaVideo),
		done:        make(chan struct{}),
	}
}

// ID returns the call's identifier; the accepted Call has the same.
func (i *IncomingCall) ID() CallID { return i.call.id }

// Caller returns who calls.
func (i *IncomingCall) Caller() Identifier { return i.caller }

// CallerDisplayName returns the name that the caller gave, or "".
func (i *IncomingCall) CallerDisplayName() string { return i.displayName }

// HasVideo tells whether the caller starts with video.
func (i *IncomingCall) HasVideo() bool { return i.video }

// Done is closed when the call rings here no more: it was accepted, rejected or
// has ended.
func (i *IncomingCall) Done() <-chan struct{} { return i.done }

// Accept takes the call and returns when the service has confirmed that this
// device has it. Audio is sent from the first moment. A call of this agent that
// is active is put on hold first. When another device was faster, or the caller
// gave up, it returns a *CallError (487/10003, 487/0); a second Accept or an
// Accept after Reject returns ErrInvalidState. Canceling ctx before Accept
// returns hangs the call up.
func (i *IncomingCall) Accept(ctx context.Context, options *AcceptCallOptions) (*Call, error) {
	if options == nil {
		options = &AcceptCallOptions{}
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	c := i.call
	if err := i.check(); err != nil {
		return nil, err
	}
	if err := c.agent.activate(ctx, c); err != nil {
		return nil, err
	}
	err := c.do(ctx, func() error { return c.accept(&options.CallOptions) })
	if err != nil {
		return nil, i.refusal(err)
	}
	return c.await(ctx)
}

// Reject refuses the call on this device; other devices of the user go on
// ringing. It returns when the refusal is on its way. On a call that has ended
// it does nothing; after Accept or Reject it returns ErrInvalidState.
func (i *IncomingCall) Reject(ctx context.Context, options *RejectCallOptions) error {
	reason := callfsm.ReasonDeclined
	if options != nil && options.Busy {
		reason = callfsm.ReasonBusy
	}
	c := i.call
	err := c.do(ctx, func() error {
		if c.incoming == nil {
			return ErrInvalidState
		}
		if err := c.step(callfsm.Input{Kind: callfsm.InputReject, Reason: reason.Reason()}); err != nil {
			return err
		}
		if c.incoming != nil {
			c.incoming.close()
		}
		return nil
	})
	if c.over() {
		return nil
	}
	return err
}

// check tells why the call cannot be accepted any more.
func (i *IncomingCall) check() error {
	select {
	case <-i.done:
		return i.refusal(ErrInvalidState)
	default:
		return nil
	}
}

// refusal turns an error on a call that has ended into the reason of its end.
func (i *IncomingCall) refusal(err error) error {
	if r := i.call.EndReason(); i.call.over() && (r.Code != 0 || r.Subcode != 0) {
		return newCallError(r)
	}
	return err
}

func (i *IncomingCall) close() { i.once.Do(func() { close(i.done) }) }

// over reports that the call rings here no more and was not taken here.
func (i *IncomingCall) over(reason EndReason) {
	i.close()
	a := i.call.agent
	if h := a.options.Events.IncomingCallEnded; h != nil {
		a.events.Post(func() { h(IncomingCallEnded{Agent: a, Call: i, Reason: reason}) })
	}
}

// ring begins an incoming call with the message that announced it.
func (c *Call) ring(i *IncomingCall, msg callfsm.Message) {
	a := c.agent
	// The app is told first: making the media session takes longer.
	if h := a.options.Events.IncomingCall; h != nil {
		a.events.Post(func() { h(IncomingCallReceived{Agent: a, Call: i}) })
	}
	if err := c.step(callfsm.Input{Kind: callfsm.InputMessage, Message: msg}); err != nil {
		c.logger.Warn("incoming call refused", "error", err)
		c.ended(callfsm.ReasonMediaSetup.Reason())
	}
}

// accept takes a call that rings.
func (c *Call) accept(options *CallOptions) error {
	i := c.incoming
	if i == nil || i.check() != nil {
		return ErrInvalidState
	}
	// Handlers come first: the step below has events for them.
	before := c.options
	c.incoming = nil
	c.begin(options)
	c.setParticipant(i.caller, i.displayName)
	err := c.step(callfsm.Input{Kind: callfsm.InputAccept, Media: options.media(), On: options.Muted})
	if err != nil {
		for _, t := range c.LocalTracks() {
			t.unbind(c)
		}
		c.options, c.audio, c.video, c.incoming = before, nil, nil, i
		c.setView(func(v *callView) { v.tracks, v.participant = nil, nil })
		return err
	}
	i.close()
	c.agent.accepted(c)
	c.remoteChanged(c.machine.Remote())
	return nil
}
