package mobile

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/media"
)

// The states of a call.
const (
	// CallStateNone is a call that was just made.
	CallStateNone int32 = 0
	// CallStateEarlyMedia plays an announcement before the call is connected.
	CallStateEarlyMedia int32 = 1
	// CallStateConnecting was placed or accepted and is being set up.
	CallStateConnecting int32 = 2
	// CallStateRinging is an outgoing call that rings at the other side.
	CallStateRinging int32 = 3
	// CallStateConnected has media.
	CallStateConnected int32 = 4
	// CallStateLocalHold was put on hold by this side, maybe by the other too.
	CallStateLocalHold int32 = 5
	// CallStateRemoteHold was put on hold by the other side only.
	CallStateRemoteHold int32 = 6
	// CallStateInLobby waits to be admitted.
	CallStateInLobby int32 = 7
	// CallStateDisconnecting is being hung up.
	CallStateDisconnecting int32 = 8
	// CallStateDisconnected is final.
	CallStateDisconnected int32 = 9
)

// The directions of a call.
const (
	// CallDirectionOutgoing was placed here.
	CallDirectionOutgoing int32 = 1
	// CallDirectionIncoming rang here.
	CallDirectionIncoming int32 = 2
)

// The states of a call's media path.
const (
	// MediaStateConnecting looks for a path.
	MediaStateConnecting int32 = 1
	// MediaStateConnected has a path.
	MediaStateConnected int32 = 2
	// MediaStateReconnecting lost its path and looks for another.
	MediaStateReconnecting int32 = 3
)

// CallOptions are what starting and accepting a call have in common. They are
// read once, and may be used for several calls; the listeners in them are
// dropped by each call when it has ended, and stay with the options.
type CallOptions struct {
	// Muted starts the call with outgoing audio muted. False: audible.
	Muted bool
	// IncomingMuted starts the call with incoming audio muted. False: audible.
	IncomingMuted bool
	// NoAudio connects the call neither to the microphone nor to the loudspeaker
	// of Client.Audio. False: it is.
	NoAudio bool
	// ShareAddressEarly lets those called see this device's network addresses
	// while they still ring. False: they stay hidden until the call is accepted.
	ShareAddressEarly bool
	// Camera is sent as soon as the call is accepted. Nothing: no video, until
	// StartVideo.
	Camera *VideoSource
	// Video takes the other side's video. Nothing: it is dropped.
	Video VideoListener
	// Data takes data messages and tones. Nothing: they are dropped.
	Data CallDataListener
	// Stats takes the statistics of the call every StatsInterval milliseconds, at
	// least 1,000. Nothing, or zero: never.
	Stats         CallStatsListener
	StatsInterval int64
	// Canceler abandons the call as long as StartCall or Accept has not returned.
	Canceler *Canceler
}

// CallListener hears what happens to a call, on the thread of its agent's
// listener. It is dropped after the last event, CallStateDisconnected.
type CallListener interface {
	// OnCallStateChanged is called for every change of State, the last one being
	// CallStateDisconnected. It may be called before StartCall or Accept returns.
	OnCallStateChanged(call *Call, state int32)
	// OnMediaStateChanged is called when the media path is found, lost and found
	// again, with one of the MediaState constants.
	OnMediaStateChanged(call *Call, state int32)
	// OnParticipantChanged is called when another side joined, left or changed;
	// change is one of the ParticipantChange constants.
	OnParticipantChanged(call *Call, participant *RemoteParticipant, change int32)
	// OnMutedChanged is called when this side's outgoing or incoming audio was
	// muted or unmuted.
	OnMutedChanged(call *Call, muted bool, incomingMuted bool)
}

// CallStatsListener takes statistics of a call.
type CallStatsListener interface {
	// OnCallStats is called with what Call.Stats returns, on the thread of the
	// agent's listener. A slow one gets the newest.
	OnCallStats(call *Call, stats string)
}

// Call is a conversation. Its methods may be called from any thread.
type Call struct {
	agent    *CallAgent
	listener slot[CallListener]
	data     slot[CallDataListener]
	stats    slot[CallStatsListener]
	video    slot[VideoListener]
	sink     *media.PCMSink // nil without audio
	call     atomic.Pointer[engine.Call]
	people   people
}

func newCall(a *CallAgent, options *CallOptions) *Call {
	c := &Call{agent: a}
	if options.Data != nil {
		c.data.set(options.Data)
	}
	if options.Stats != nil {
		c.stats.set(options.Stats)
	}
	if options.Video != nil {
		c.video.set(options.Video)
	}
	if !options.NoAudio {
		c.sink = a.client.audio.attach()
	}
	return c
}

// engineOptions returns the options as the engine takes them.
func (c *Call) engineOptions(options *CallOptions) engine.CallOptions {
	o := engine.CallOptions{
		Events: c.events(), Muted: options.Muted, IncomingMuted: options.IncomingMuted,
		StatsInterval: time.Duration(options.StatsInterval) * time.Millisecond,
	}
	if options.Stats == nil {
		o.Events.Statistics = nil
	}
	if c.sink != nil {
		o.Audio, o.AudioSink = c.agent.client.audio.track, c.sink
	}
	if options.Camera != nil {
		o.Video = options.Camera.track
	}
	if options.Video != nil {
		o.VideoSink = &videoSink{call: c}
	}
	return o
}

// bind makes the engine's call known, the first time.
func (c *Call) bind(call *engine.Call) {
	if c.call.CompareAndSwap(nil, call) {
		if !c.agent.add(c) {
			c.release()
		}
	}
}

// release drops the listeners and lets go of the loudspeaker.
func (c *Call) release() {
	c.listener.drop()
	c.data.drop()
	c.stats.drop()
	c.video.drop()
	if c.sink != nil {
		c.agent.client.audio.detach(c.sink)
	}
	c.agent.remove(c)
}

// run carries out an operation on the call.
func (c *Call) run(operation func(ctx context.Context, call *engine.Call) error) error {
	return c.agent.run(nil, func(ctx context.Context) error { return operation(ctx, c.engine()) })
}

// engine returns the engine's call. Nobody has the object before it is bound.
func (c *Call) engine() *engine.Call { return c.call.Load() }

// ID returns the call's identifier, a UUID, the same at all ends.
func (c *Call) ID() string {
	defer quiet()
	return c.engine().ID().String()
}

// Direction returns CallDirectionOutgoing or CallDirectionIncoming.
func (c *Call) Direction() int32 {
	defer quiet()
	return int32(c.engine().Direction())
}

// State returns one of the CallState constants.
func (c *Call) State() int32 {
	defer quiet()
	return int32(c.engine().State())
}

// EndReason tells why the call ended; nothing while it has not.
func (c *Call) EndReason() *EndReason {
	defer quiet()
	if c.engine().State() != engine.CallStateDisconnected {
		return nil
	}
	return endReason(c.engine().EndReason())
}

// HangUp leaves the call and returns when it is Disconnected; the call ends
// also when this fails. On a call that has ended it does nothing.
func (c *Call) HangUp() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.HangUp(ctx, nil) })
}

// Hold stops media both ways until Resume and tells the other side. It gives
// ErrorCodeInvalidState before the call is connected.
func (c *Call) Hold() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.Hold(ctx) })
}

// Resume ends a hold of this side. The agent's active call, if it is another
// one, is put on hold first. Without a local hold it does nothing.
func (c *Call) Resume() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.Resume(ctx) })
}

// Mute stops sending what the microphone gives, and tells the other side.
func (c *Call) Mute() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.Mute(ctx) })
}

// Unmute undoes Mute.
func (c *Call) Unmute() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.Unmute(ctx) })
}

// IsMuted tells whether outgoing audio is muted.
func (c *Call) IsMuted() bool {
	defer quiet()
	return c.engine().IsMuted()
}

// MuteIncoming makes the other side silent here. Nobody is told.
func (c *Call) MuteIncoming() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.MuteIncoming(ctx) })
}

// UnmuteIncoming undoes MuteIncoming.
func (c *Call) UnmuteIncoming() (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.UnmuteIncoming(ctx) })
}

// IsIncomingMuted tells whether incoming audio is muted.
func (c *Call) IsIncomingMuted() bool {
	defer quiet()
	return c.engine().IsIncomingMuted()
}

// SendDTMF plays tones to the other side, each one of 0–9, A–D, * and #, at
// most 64. It returns when they are queued.
func (c *Call) SendDTMF(tones string) (err error) {
	defer guard(&err)
	return c.run(func(ctx context.Context, call *engine.Call) error { return call.SendDTMF(ctx, tones) })
}

// Stats returns the call's media statistics as JSON with the names of
// webrtc-stats and times in nanoseconds; after the call has ended, the last ones.
func (c *Call) Stats() string {
	defer quiet()
	return statsText(c.engine().Stats())
}

func statsText(stats engine.CallStats) string {
	text, err := json.Marshal(stats)
	if err != nil {
		return "{}"
	}
	return string(text)
}
