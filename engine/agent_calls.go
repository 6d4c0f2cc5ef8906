package engine

import (
	"context"
	"slices"
)

// add registers a call that this side places.
func (a *CallAgent) add(c *Call) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || a.state == ConnectionStateDisconnected {
		return ErrClosed
	}
	a.calls = append(a.calls, c)
	a.byID[c.id] = c
	a.torn.Add(1)
	return nil
}

// addRinging registers a call that rings here. It reports false when there are
// too many, or the agent is closing.
func (a *CallAgent) addRinging(i *IncomingCall) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || len(a.ringing) >= maxRinging {
		return false
	}
	a.ringing = append(a.ringing, i)
	a.byID[i.call.id] = i.call
	a.torn.Add(1)
	return true
}

// accepted moves a call from those that ring to those that were taken.
func (a *CallAgent) accepted(c *Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ringing = slices.DeleteFunc(a.ringing, func(i *IncomingCall) bool { return i.call == c })
	a.calls = append(a.calls, c)
	a.emitCalls([]*Call{c}, nil)
}

// remove forgets a call that has ended.
func (a *CallAgent) remove(c *Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byID, c.id)
	a.ringing = slices.DeleteFunc(a.ringing, func(i *IncomingCall) bool { return i.call == c })
	if a.active == c {
		a.active = nil
	}
	if n := len(a.calls); n > 0 {
		a.calls = slices.DeleteFunc(a.calls, func(o *Call) bool { return o == c })
		if len(a.calls) < n {
			a.emitCalls(nil, []*Call{c})
		}
	}
}

// find returns the call with that id, ringing ones included.
func (a *CallAgent) find(id CallID) (*Call, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.byID[id]
	return c, ok
}

// all returns all calls, ringing ones included.
func (a *CallAgent) all() []*Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.Clone(a.calls)
	for _, i := range a.ringing {
		all = append(all, i.call)
	}
	return all
}

// activate makes c the one active call: the others are put on hold. It runs on
// the goroutine of the app, never on a call's loop.
func (a *CallAgent) activate(ctx context.Context, c *Call) error {
	a.mu.Lock()
	a.active = c
	others := slices.DeleteFunc(slices.Clone(a.calls), func(o *Call) bool { return o == c })
	a.mu.Unlock()
	for _, o := range others {
		if err := o.yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

// isActive tells whether c may have media. A call that gets connected while
// another one was made active is put on hold; without an active call it becomes it.
func (a *CallAgent) isActive(c *Call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.active == nil {
		a.active = c
	}
	return a.active == c
}

// emitCalls only queues an event; the caller may hold the agent's lock.
func (a *CallAgent) emitCalls(added, removed []*Call) {
	if h := a.options.Events.CallsUpdated; h != nil {
		a.events.Post(func() { h(CallsUpdated{Agent: a, Added: added, Removed: removed}) })
	}
}

func (a *CallAgent) emitState(from, to ConnectionState, err error) {
	if h := a.options.Events.ConnectionStateChanged; h != nil {
		a.events.Post(func() { h(AgentConnectionStateChanged{Agent: a, From: from, To: to, Err: err}) })
	}
}
