package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/media"
)

// ID returns the call's identifier, the same at all ends.
func (c *Call) ID() CallID { return c.id }

// Direction tells who placed the call.
func (c *Call) Direction() CallDirection { return c.direction }

// State returns the call's state now; handlers may still be busy with older ones.
func (c *Call) State() CallState { return c.getView().state }

// EndReason tells why the call ended; its zero value while it has not.
func (c *Call) EndReason() EndReason { return c.getView().reason }

// Done is closed when the call is Disconnected. Sources and sinks may be in use
// for a moment longer: see Released.
func (c *Call) Done() <-chan struct{} { return c.done }

// Released is closed, some time after Done, when the call does not use its
// sources and sinks any more and all its goroutines but the last have ended: a
// recording may then be closed. It does not come while a source or sink blocks,
// so neither of them may wait for it.
func (c *Call) Released() <-chan struct{} { return c.released }

// Participants returns the other sides.
func (c *Call) Participants() []*RemoteParticipant {
	if p := c.getView().participant; p != nil {
		return []*RemoteParticipant{p}
	}
	return nil
}

// HangUp leaves the call and returns when it is Disconnected. When ctx ends
// first the call still ends by itself within five seconds. On a call that has
// ended it does nothing.
func (c *Call) HangUp(ctx context.Context, options *HangUpOptions) error {
	if options == nil {
		options = &HangUpOptions{}
	}
	err := c.do(ctx, func() error {
		return c.step(callfsm.Input{Kind: callfsm.InputHangUp, On: options.ForEveryone})
	})
	// One that is ending already needs no second push.
	if err != nil && !errors.Is(err, ErrCallEnded) {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("engine: hang up: %w", context.Cause(ctx))
	}
}

// Hold stops media both ways until Resume and tells the other side. On a call
// that is on local hold it does nothing. It returns ErrInvalidState before the
// call is connected.
func (c *Call) Hold(ctx context.Context) error {
	return c.do(ctx, func() error {
		if c.machine.Shown() == callfsm.StateLocalHold {
			return nil
		}
		return c.step(callfsm.Input{Kind: callfsm.InputHold})
	})
}

// Resume ends a hold of this side. The agent's active call, if it is another
// one, is put on hold first. Without a local hold it does nothing.
func (c *Call) Resume(ctx context.Context) error {
	if c.over() {
		return ErrCallEnded
	}
	if c.State() != CallStateLocalHold {
		return nil
	}
	if err := c.agent.activate(ctx, c); err != nil {
		return err
	}
	return c.do(ctx, func() error {
		if c.machine.Shown() != callfsm.StateLocalHold {
			return nil
		}
		return c.step(callfsm.Input{Kind: callfsm.InputResume})
	})
}

// yield puts the call on hold because another one becomes active. A call that
// is still being set up is put on hold when it is connected.
func (c *Call) yield(ctx context.Context) error {
	err := c.Hold(ctx)
	if errors.Is(err, ErrCallEnded) || errors.Is(err, ErrInvalidState) {
		return nil
	}
	return err
}

// Mute stops sending what the audio track gives and tells the other side. On a
// muted call it does nothing.
func (c *Call) Mute(ctx context.Context) error { return c.setMuted(ctx, true) }

// Unmute undoes Mute.
func (c *Call) Unmute(ctx context.Context) error { return c.setMuted(ctx, false) }

func (c *Call) setMuted(ctx context.Context, muted bool) error {
	return c.do(ctx, func() error {
		if c.machine.Muted() == muted {
			return nil
		}
		kind := callfsm.InputUnmute
		if muted {
			kind = callfsm.InputMute
		}
		if err := c.step(callfsm.Input{Kind: kind}); err != nil {
			return err
		}
		c.setView(func(v *callView) { v.muted = muted })
		c.mutedChanged()
		return nil
	})
}

// IsMuted tells whether outgoing audio is muted.
func (c *Call) IsMuted() bool { return c.getView().muted }

// MuteIncoming gives silence to the audio sink. Nobody else is told.
func (c *Call) MuteIncoming(ctx context.Context) error { return c.setIncomingMuted(ctx, true) }

// UnmuteIncoming undoes MuteIncoming.
func (c *Call) UnmuteIncoming(ctx context.Context) error { return c.setIncomingMuted(ctx, false) }

func (c *Call) setIncomingMuted(ctx context.Context, muted bool) error {
	return c.do(ctx, func() error {
		if c.IsIncomingMuted() == muted {
			return nil
		}
		c.setView(func(v *callView) { v.incomingMuted = muted })
		c.mutedChanged()
		return nil
	})
}

// IsIncomingMuted tells whether incoming audio is muted.
func (c *Call) IsIncomingMuted() bool { return c.getView().incomingMuted }

// mutedChanged carries out and reports what the view says about muting.
func (c *Call) mutedChanged() {
	c.updateSending()
	v := c.getView()
	emit(c, c.options.Events.MutedChanged,
		CallMutedChanged{Call: c, Muted: v.muted, IncomingMuted: v.incomingMuted})
}

// SetAudioSink changes where the other sides' audio goes, also in the middle of
// a call. Nil: nowhere.
func (c *Call) SetAudioSink(ctx context.Context, sink AudioSink) error {
	return c.do(ctx, func() error {
		c.options.AudioSink = sink
		if m := c.media.Load(); m != nil {
			m.playout.SetSink(sink)
		}
		return nil
	})
}

// maxTones is how many tones one SendDTMF takes.
const maxTones = 64

// SendDTMF sends tones, each one of 0–9, A–D, * and #, at most 64. It returns
// when they are queued; they are played one after another. It returns
// ErrInvalidTones, and ErrInvalidState while the call is not connected.
func (c *Call) SendDTMF(ctx context.Context, tones string) error {
	tones = strings.ToUpper(tones)
	if tones == "" || len(tones) > maxTones || strings.Trim(tones, "0123456789ABCD*#") != "" {
		return ErrInvalidTones
	}
	return c.do(ctx, func() error {
		if !c.machine.State().Established() {
			return ErrInvalidState
		}
		if m := c.media.Load(); m != nil && c.allowed {
			// In the media they keep their place between the words (RFC 4733).
			err := m.sender.SendTones(tones)
			if err == nil || !errors.Is(err, media.ErrTonesNotNegotiated) {
				return err //nolint:wrapcheck // nil, or a sentence of its own
			}
		}
		return c.step(callfsm.Input{Kind: callfsm.InputTones, Tones: tones})
	})
}

// toneReceived reports one tone of the other side.
func (c *Call) toneReceived(tone rune) {
	p := c.getView().participant
	if p == nil || !c.machine.State().Established() {
		return
	}
	emit(c, c.options.Events.DTMFReceived, DTMFReceived{Call: c, Participant: p, Tone: tone})
}
