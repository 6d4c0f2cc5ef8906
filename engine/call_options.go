package engine

import (
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// CallOptions are what starting and accepting a call have in common.
type CallOptions struct {
	// Events are the call's handlers.
	Events CallEvents
	// Audio is what is sent. Nil: nothing, until AddTrack.
	Audio *LocalAudioTrack
	// Video is sent as soon as the call is accepted. Nil: none, until AddTrack.
	Video *LocalVideoTrack
	// Muted starts the call with outgoing audio muted. False: audible.
	Muted bool
	// AudioSink takes what the other side says. Nil: it is not played, until
	// SetAudioSink.
	AudioSink AudioSink
	// VideoSink takes the other side's video. Nil: it is dropped, until
	// RemoteVideoTrack.SetSink.
	VideoSink VideoSink
	// IncomingMuted starts the call with incoming audio muted. False: audible.
	IncomingMuted bool
	// StatsInterval is how often Events.Statistics is called, at least a second.
	// Zero: never.
	StatsInterval time.Duration
}

// minStatsInterval keeps the statistics from costing more than they tell.
const minStatsInterval = time.Second

func (o *CallOptions) check() error {
	if o.StatsInterval != 0 && o.StatsInterval < minStatsInterval {
		return fmt.Errorf("%w: StatsInterval below a second", ErrInvalidOptions)
	}
	return nil
}

// media returns what is sent from the start.
func (o *CallOptions) media() callfsm.Media {
	return callfsm.MediaAudio.With(callfsm.MediaVideo, o.Video != nil)
}

// StartCallOptions describes a call to place.
type StartCallOptions struct {
	CallOptions
	// ShareAddressEarly lets those called see this device's network addresses
	// while they still ring. A direct path before the call is accepted is found
	// only with devices that have set CallAgentOptions.ShareAddressEarly too.
	// False: addresses stay hidden until the call is accepted.
	ShareAddressEarly bool
}

// AcceptCallOptions describes how an incoming call is taken.
type AcceptCallOptions struct {
	CallOptions
}

// RejectCallOptions describes how an incoming call is refused.
type RejectCallOptions struct {
	// Busy tells the caller 486 (busy here) instead of 603 (declined).
	Busy bool
}

// HangUpOptions describes how a call is left.
type HangUpOptions struct {
	// ForEveryone ends the call for all. A call of two ends for both in any case.
	ForEveryone bool
}
