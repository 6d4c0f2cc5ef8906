package main

// #include "bridge.h"
import "C"

import (
	"sync"
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

// agent is what the handle of an agent stands for.
type agent struct {
	*mobile.CallAgent
	listener *agentListener
}

// agentListener tells a program what happens to an agent.
type agentListener struct {
	callbacks *callbacks
	ready     chan struct{} // closed when agent is set, or never will be
	agent     C.parley_handle

	making  sync.Mutex // one handle at a time is made
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
		h, err := l.handle(call)
		if err != nil {
			return // the agent was released
		}
		var a arena
		defer a.free()
		C.bridge_incoming(memory, h, a.incoming(call))
	})
}

// handle returns the one handle of a call that rings.
func (l *agentListener) handle(call *mobile.IncomingCall) (C.parley_handle, error) {
	l.making.Lock()
	defer l.making.Unlock()
	l.mu.Lock()
	h, known := l.ringing[call]
	l.mu.Unlock()
	if known {
		return h, nil
	}
	h, err := add(call, l.forget, nil, l.agent)
	if err == nil {
		l.mu.Lock()
		l.ringing[call] = h
		l.mu.Unlock()
	}
	return h, err
}

func (a *arena) incoming(call *mobile.IncomingCall) *C.parley_incoming {
	return &C.parley_incoming{
		size: C.sizeof_parley_incoming, has_video: number(call.HasVideo()), id: a.text(call.ID()),
		caller_id: a.text(call.CallerID()), caller_display_name: a.text(call.CallerDisplayName()),
	}
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
	made, err := signedIn.NewCallAgent(cred, o, listener)
	if err != nil {
		return 0, err
	}
	l.agent, err = add(&agent{CallAgent: made, listener: l}, (*agent).Close, c, client)
	return l.agent, err
}

//export parley_agent_id
func parley_agent_id(h C.parley_handle, id **C.char) C.int32_t {
	return reply(h, id, func(a *agent) (string, error) { return a.Identifier(), nil })
}

//export parley_agent_connection_state
func parley_agent_connection_state(h C.parley_handle) C.int32_t {
	return value(h, (*agent).ConnectionState)
}

//export parley_agent_await_incoming
func parley_agent_await_incoming(h C.parley_handle, id C.in_text, milliseconds C.int64_t, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		a, err := find[*agent](h)
		if err != nil {
			return 0, err
		}
		which, err := read(id)
		if err != nil {
			return 0, err
		}
		call, err := a.AwaitIncomingCall(which, int64(milliseconds))
		if err != nil {
			return 0, err
		}
		return a.listener.handle(call)
	})
}

//export parley_agent_shutdown
func parley_agent_shutdown(h C.parley_handle) C.int32_t { return do(h, (*agent).Shutdown) }

//export parley_incoming_info
func parley_incoming_info(incoming C.parley_handle, visit C.parley_incoming_visitor, user unsafe.Pointer) C.int32_t {
	return do(incoming, func(i *mobile.IncomingCall) error {
		if visit == nil {
			return invalid("no visitor")
		}
		var a arena
		defer a.free()
		C.bridge_visit_incoming(visit, user, a.incoming(i))
		return nil
	})
}

//export parley_incoming_reject
func parley_incoming_reject(incoming C.parley_handle, busy C.int32_t) C.int32_t {
	return do(incoming, func(i *mobile.IncomingCall) error { return i.Reject(busy != 0) })
}
