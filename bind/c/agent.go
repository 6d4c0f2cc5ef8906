package main

// #include "bridge.h"
import "C"

import (
	"sync"
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

// agentListener tells a program what happens to an agent.
type agentListener struct {
	callbacks *callbacks
	ready     chan struct{} // closed when agent is set, or never will be
	agent     C.parley_handle

	mu      sync.Mutex
	ringing map[*mobile.IncomingCall]C.parley_handle
}

// OnIncomingCall implements mobile.CallAgentListener.
func (l *agentListener) OnIncomingCall(call *mobile.IncomingCall) {
	<-l.ready
	l.callbacks.call(func(memory unsafe.Pointer) {
		if C.bridge_takes_incoming(memory) == 0 {
			return
		}
		h, err := add(call, l.forget, nil, l.agent)
		if err != nil {
			return // the agent was released
		}
		l.mu.Lock()
		l.ringing[call] = h
		l.mu.Unlock()
		var a arena
		defer a.free()
		info := &C.parley_incoming{
			size: C.sizeof_parley_incoming, has_video: number(call.HasVideo()), id: a.text(call.ID()),
			caller_id: a.text(call.CallerID()), caller_display_name: a.text(call.CallerDisplayName()),
		}
		C.bridge_incoming(memory, h, info)
	})
}

// forget is called when the program has released a call that rang.
func (l *agentListener) forget(call *mobile.IncomingCall) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ringing, call)
}

// OnIncomingCallEnded implements mobile.CallAgentListener.
func (l *agentListener) OnIncomingCallEnded(call *mobile.IncomingCall, reason *mobile.EndReason) {
	<-l.ready
	l.mu.Lock()
	h, known := l.ringing[call]
	delete(l.ringing, call)
	l.mu.Unlock()
	if !known {
		return
	}
	r := endReason(reason)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_incoming_ended(memory, h, r) })
}

// OnConnectionStateChanged implements mobile.CallAgentListener.
func (l *agentListener) OnConnectionStateChanged(state int32, failure *mobile.Failure) {
	e := errorOf(failure)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_agent_state(memory, C.int32_t(state), e) })
}

func endReason(reason *mobile.EndReason) *C.parley_end_reason {
	r := &C.parley_end_reason{size: C.sizeof_parley_end_reason, code: C.int32_t(reason.Code), subcode: C.int32_t(reason.Subcode)}
	fixed(r.message[:], reason.Message)
	return r
}

//export parley_agent_new
func parley_agent_new(client, credential C.parley_handle, from C.in_agent_options, callbacks C.in_agent_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := takeCallbacks(unsafe.Pointer(callbacks), C.sizeof_parley_agent_callbacks)
		if err != nil {
			return 0, err
		}
		h, err := newAgent(client, credential, from, c)
		if err != nil {
			c.drop()
		}
		return h, err
	})
}

func newAgent(client, credential C.parley_handle, from C.in_agent_options, c *callbacks) (C.parley_handle, error) {
	signedIn, err := find[*mobile.Client](client)
	if err != nil {
		return 0, err
	}
	cred, err := find[*mobile.Credential](credential)
	if err != nil {
		return 0, err
	}
	given, err := options[C.parley_agent_options](from)
	if err != nil {
		return 0, err
	}
	canceler, err := perhaps[*mobile.Canceler](given.canceler)
	if err != nil {
		return 0, err
	}
	var t texts
	o := &mobile.CallAgentOptions{
		DisplayName: t.read(given.display_name), DeviceID: t.read(given.device_id),
		ShareAddressEarly: given.share_address_early != 0, Canceler: canceler,
	}
	if t.err != nil {
		return 0, t.err
	}
	l := &agentListener{callbacks: c, ready: make(chan struct{}), ringing: map[*mobile.IncomingCall]C.parley_handle{}}
	defer close(l.ready)
	var listener mobile.CallAgentListener
	if !c.isNil() {
		listener = l
	}
	agent, err := signedIn.NewCallAgent(cred, o, listener)
	if err != nil {
		return 0, err
	}
	l.agent, err = add(agent, (*mobile.CallAgent).Close, c, client)
	return l.agent, err
}

//export parley_agent_id
func parley_agent_id(agent C.parley_handle, id **C.char) C.int32_t {
	return reply(agent, id, func(a *mobile.CallAgent) (string, error) { return a.Identifier(), nil })
}

//export parley_agent_connection_state
func parley_agent_connection_state(agent C.parley_handle) C.int32_t {
	return value(agent, (*mobile.CallAgent).ConnectionState)
}

//export parley_agent_shutdown
func parley_agent_shutdown(agent C.parley_handle) C.int32_t {
	return do(agent, (*mobile.CallAgent).Shutdown)
}

//export parley_incoming_reject
func parley_incoming_reject(incoming C.parley_handle, busy C.int32_t) C.int32_t {
	return do(incoming, func(i *mobile.IncomingCall) error { return i.Reject(busy != 0) })
}
