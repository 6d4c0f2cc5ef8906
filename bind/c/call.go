package main

// #include "bridge.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

// callListener tells a program what happens to a call.
type callListener struct {
	callbacks *callbacks
	agent     C.parley_handle

	mu   sync.Mutex
	call C.parley_handle // 0: nobody has heard of it yet
	err  error           // why it has no handle
}

// handle returns the handle of the call, which the first event makes, or the
// return of the function that made the call.
func (l *callListener) handle(call *mobile.Call) (C.parley_handle, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.call == 0 && l.err == nil {
		l.call, l.err = add(call, nil, l.callbacks, l.agent)
	}
	return l.call, l.err
}

// tell calls the program.
func (l *callListener) tell(call *mobile.Call, callback func(memory unsafe.Pointer, h C.parley_handle)) {
	h, err := l.handle(call)
	if err != nil {
		return // the agent was released
	}
	l.callbacks.call(func(memory unsafe.Pointer) { callback(memory, h) })
}

// OnCallStateChanged implements mobile.CallListener.
func (l *callListener) OnCallStateChanged(call *mobile.Call, state int32) {
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_state(memory, h, C.int32_t(state)) })
	if state == mobile.CallStateDisconnected {
		l.callbacks.drop()
	}
}

// OnMediaStateChanged implements mobile.CallListener.
func (l *callListener) OnMediaStateChanged(call *mobile.Call, state int32) {
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_media(memory, h, C.int32_t(state)) })
}

// OnParticipantChanged implements mobile.CallListener.
func (l *callListener) OnParticipantChanged(call *mobile.Call, participant *mobile.RemoteParticipant, change int32) {
	var a arena
	defer a.free()
	p := a.participant(participant)
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) {
		C.bridge_call_participant(memory, h, p, C.int32_t(change))
	})
}

// OnMutedChanged implements mobile.CallListener.
func (l *callListener) OnMutedChanged(call *mobile.Call, muted, incomingMuted bool) {
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) {
		C.bridge_call_muted(memory, h, number(muted), number(incomingMuted))
	})
}

// OnCallStats implements mobile.CallStatsListener.
func (l *callListener) OnCallStats(call *mobile.Call, stats string) {
	var a arena
	defer a.free()
	text := a.text(stats)
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_stats(memory, h, text) })
}

// OnVideoFrame implements mobile.VideoListener.
func (l *callListener) OnVideoFrame(call *mobile.Call, frame *mobile.VideoFrame) {
	var pin runtime.Pinner
	defer pin.Unpin()
	f := &C.parley_video_frame{
		size: C.sizeof_parley_video_frame, codec: C.int32_t(frame.Codec), data_size: C.size_t(len(frame.Data)),
		timestamp: C.int64_t(frame.Timestamp), key_frame: number(frame.KeyFrame), width: C.int32_t(frame.Width), height: C.int32_t(frame.Height),
	}
	f.data = pinned(&pin, frame.Data)
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_frame(memory, h, f) })
}

// pinned returns the memory of data, which stays where it is until it is unpinned.
func pinned(pin *runtime.Pinner, data []byte) *C.uint8_t {
	if len(data) == 0 {
		return nil
	}
	pin.Pin(&data[0])
	return (*C.uint8_t)(&data[0])
}

// OnDataReceived implements mobile.CallDataListener.
func (l *callListener) OnDataReceived(call *mobile.Call, message *mobile.DataMessage) {
	var a arena
	defer a.free()
	var pin runtime.Pinner
	defer pin.Unpin()
	m := &C.parley_data_message{
		size: C.sizeof_parley_data_message, channel_id: C.int32_t(message.ChannelID), participant_id: a.text(message.Participant.Identifier()),
		data_size: C.size_t(len(message.Data)), sequence: C.int64_t(message.Sequence), lossy: number(message.Lossy),
	}
	m.data = pinned(&pin, message.Data)
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_data(memory, h, m) })
}

// OnToneReceived implements mobile.CallDataListener.
func (l *callListener) OnToneReceived(call *mobile.Call, participant *mobile.RemoteParticipant, tone string) {
	var a arena
	defer a.free()
	id, text := a.text(participant.Identifier()), a.text(tone)
	l.tell(call, func(memory unsafe.Pointer, h C.parley_handle) { C.bridge_call_tone(memory, h, id, text) })
}

func (a *arena) participant(p *mobile.RemoteParticipant) *C.parley_participant {
	out := &C.parley_participant{
		size: C.sizeof_parley_participant, state: C.int32_t(p.State()), muted: number(p.IsMuted()), speaking: number(p.IsSpeaking()),
		has_video: number(p.HasVideo()), id: a.text(p.Identifier()), display_name: a.text(p.DisplayName()),
	}
	if r := p.EndReason(); r != nil {
		out.end_code, out.end_subcode = C.int32_t(r.Code), C.int32_t(r.Subcode)
	}
	return out
}

// callOptions reads the options of a call.
func callOptions(from C.in_call_options, l *callListener) (*mobile.CallOptions, error) {
	given, err := options[C.parley_call_options](from)
	if err != nil {
		return nil, err
	}
	o := &mobile.CallOptions{
		Muted: given.muted != 0, IncomingMuted: given.incoming_muted != 0, NoAudio: given.no_audio != 0,
		ShareAddressEarly: given.share_address_early != 0, StatsInterval: int64(given.stats_interval),
	}
	if o.Camera, err = perhaps[*mobile.VideoSource](given.camera); err != nil {
		return nil, err
	}
	if o.Canceler, err = perhaps[*mobile.Canceler](given.canceler); err != nil {
		return nil, err
	}
	if !l.callbacks.isNil() {
		o.Data = l
		if given.receive_video != 0 {
			o.Video = l
		}
		if given.stats_interval > 0 {
			o.Stats = l
		}
	}
	return o, nil
}

// makeCall is what starting and accepting have in common.
func makeCall(agent C.parley_handle, from C.in_call_options, callbacks C.in_call_callbacks, out *C.parley_handle, connect func(*mobile.CallOptions, mobile.CallListener) (*mobile.Call, error)) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := takeCallbacks(unsafe.Pointer(callbacks), C.sizeof_parley_call_callbacks)
		if err != nil {
			return 0, err
		}
		l := &callListener{callbacks: c, agent: agent}
		h, err := func() (C.parley_handle, error) {
			o, err := callOptions(from, l)
			if err != nil {
				return 0, err
			}
			var listener mobile.CallListener
			if !c.isNil() {
				listener = l
			}
			call, err := connect(o, listener)
			if err != nil {
				return 0, err
			}
			return l.handle(call)
		}()
		if err != nil {
			c.drop()
			l.mu.Lock()
			made := l.call
			l.mu.Unlock()
			if made != 0 {
				parley_release(made)
			}
		}
		return h, err
	})
}

//export parley_call_start
func parley_call_start(h C.parley_handle, target C.in_text, from C.in_call_options, callbacks C.in_call_callbacks, out *C.parley_handle) C.int32_t {
	return makeCall(h, from, callbacks, out, func(o *mobile.CallOptions, l mobile.CallListener) (*mobile.Call, error) {
		a, err := find[*agent](h)
		if err != nil {
			return nil, err
		}
		to, err := read(target)
		if err != nil {
			return nil, err
		}
		return a.StartCall(to, o, l)
	})
}

//export parley_incoming_accept
func parley_incoming_accept(incoming C.parley_handle, from C.in_call_options, callbacks C.in_call_callbacks, out *C.parley_handle) C.int32_t {
	// The call is the agent's: it outlives the handle of what rang.
	return makeCall(parentOf(incoming), from, callbacks, out, func(o *mobile.CallOptions, l mobile.CallListener) (*mobile.Call, error) {
		i, err := find[*mobile.IncomingCall](incoming)
		if err != nil {
			return nil, err
		}
		return i.Accept(o, l)
	})
}

//export parley_call_id
func parley_call_id(call C.parley_handle, id **C.char) C.int32_t {
	return reply(call, id, func(c *mobile.Call) (string, error) { return c.ID(), nil })
}

//export parley_call_direction
func parley_call_direction(call C.parley_handle) C.int32_t {
	return value(call, (*mobile.Call).Direction)
}

//export parley_call_state
func parley_call_state(call C.parley_handle) C.int32_t { return value(call, (*mobile.Call).State) }

//export parley_call_end_reason
func parley_call_end_reason(call C.parley_handle, out *C.parley_end_reason) C.int32_t {
	return do(call, func(c *mobile.Call) error {
		reason := c.EndReason()
		if reason == nil {
			return &refused{code: mobile.ErrorCodeInvalidState, message: "the call has not ended"}
		}
		return giveStruct(out, endReason(reason))
	})
}

//export parley_call_hang_up
func parley_call_hang_up(call C.parley_handle) C.int32_t { return do(call, (*mobile.Call).HangUp) }

//export parley_call_hold
func parley_call_hold(call C.parley_handle) C.int32_t { return do(call, (*mobile.Call).Hold) }

//export parley_call_resume
func parley_call_resume(call C.parley_handle) C.int32_t { return do(call, (*mobile.Call).Resume) }

//export parley_call_mute
func parley_call_mute(call C.parley_handle) C.int32_t { return do(call, (*mobile.Call).Mute) }

//export parley_call_unmute
func parley_call_unmute(call C.parley_handle) C.int32_t { return do(call, (*mobile.Call).Unmute) }

//export parley_call_mute_incoming
func parley_call_mute_incoming(call C.parley_handle) C.int32_t {
	return do(call, (*mobile.Call).MuteIncoming)
}

//export parley_call_unmute_incoming
func parley_call_unmute_incoming(call C.parley_handle) C.int32_t {
	return do(call, (*mobile.Call).UnmuteIncoming)
}

//export parley_call_is_muted
func parley_call_is_muted(call C.parley_handle) C.int32_t {
	return value(call, func(c *mobile.Call) int32 { return int32(number(c.IsMuted())) })
}

//export parley_call_is_incoming_muted
func parley_call_is_incoming_muted(call C.parley_handle) C.int32_t {
	return value(call, func(c *mobile.Call) int32 { return int32(number(c.IsIncomingMuted())) })
}

//export parley_call_send_dtmf
func parley_call_send_dtmf(call C.parley_handle, tones C.in_text) C.int32_t {
	return do(call, func(c *mobile.Call) error {
		t, err := read(tones)
		if err != nil {
			return err
		}
		return c.SendDTMF(t)
	})
}

//export parley_call_stats
func parley_call_stats(call C.parley_handle, json **C.char) C.int32_t {
	return reply(call, json, func(c *mobile.Call) (string, error) { return c.Stats(), nil })
}

//export parley_call_participants
func parley_call_participants(call C.parley_handle, visit C.parley_participant_visitor, user unsafe.Pointer) C.int32_t {
	return do(call, func(c *mobile.Call) error {
		if visit == nil {
			return invalid("no visitor")
		}
		list := c.Participants()
		for i := range list.Len() {
			var a arena
			stop := C.bridge_visit_participant(visit, user, a.participant(list.At(i)))
			a.free()
			if stop != 0 {
				break
			}
		}
		return nil
	})
}
