package callfsm_test

import (
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// callState is one call: its ends, and what the service has of it.
type callState struct {
	used        bool
	from, to    string
	devices     int
	legs        [numLegs]endState
	paths       [numLegs]path
	coordinator *callfsm.Coordinator
	snapshot    []byte
	deadline    ns
	oracle      serviceOracle
	endedAt     ns // when the service ended it, -1 before
	reason      callfsm.EndReason
	legReasons  [numLegs]callfsm.EndReason
}

func (c *callState) reset(uint8) {
	snapshot := c.snapshot[:0]
	*c = callState{snapshot: snapshot, deadline: -1, endedAt: -1}
	c.oracle.reset()
	for i := range c.legs {
		c.legs[i].reset()
	}
}

// toService is what an owner of coordinators does with a message.
func (w *world) toService(a agent, call uint8, m callfsm.Message) {
	c := &w.calls[call]
	l, _ := legOf(call, a)
	if c.coordinator == nil {
		if m.Kind != callfsm.KindStart || l != callfsm.CallerLeg {
			if reply, ok := callfsm.LateReply(m, callfsm.ReasonUnknownCall.Reason()); ok {
				w.sendDown(a, item{call: call, msg: reply})
			}
			return
		}
		devices := make([]string, c.devices)
		c.coordinator = callfsm.NewCoordinator(callfsm.CoordinatorConfig{From: c.from, To: c.to, Devices: devices})
		c.deadline = -1
		if w.unsettle(call); c.coordinator == nil {
			return // the service crashed
		}
	}
	if reason, over := c.coordinator.Reason(); over {
		if reply, ok := callfsm.LateReply(m, reason); ok {
			w.sendDown(a, item{call: call, msg: reply})
		}
	}
	w.feedCoordinator(call, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorMessage, Leg: l, Message: m})
}

// unsettle lets something happen between the making of a coordinator and START.
func (w *world) unsettle(call uint8) {
	c := &w.calls[call]
	if !w.percent(3) || len(c.snapshot) != 0 {
		return
	}
	in := callfsm.CoordinatorInput{Kind: callfsm.CoordinatorLegLost + callfsm.CoordinatorInputKind(w.below(6))}
	if in.Kind == callfsm.CoordinatorLegLost {
		w.feedCoordinator(call, in)
		in.Kind = callfsm.CoordinatorLegResumed
	}
	if c.coordinator != nil {
		w.feedCoordinator(call, in)
	}
}

// feedLegs tells the coordinators of an agent's calls about its session.
func (w *world) feedLegs(a agent, k callfsm.CoordinatorInputKind) {
	for call := range uint8(numCalls) {
		l, ok := legOf(call, a)
		if c := &w.calls[call]; ok && c.coordinator != nil && l < c.coordinator.Legs() {
			w.feedCoordinator(call, callfsm.CoordinatorInput{Kind: k, Leg: l})
		}
	}
}

func (w *world) feedCoordinator(call uint8, in callfsm.CoordinatorInput) {
	c := &w.calls[call]
	before := c.coordinator.State()
	out, err := c.coordinator.AppendStep(w.service[:0], w.time(), in)
	w.stats.steps++
	if err != nil {
		w.fail("call %d: the service: %v", call, err)
		return
	}
	w.service = out
	if w.log != nil {
		w.logService(call, before, &in, out)
	}
	w.stats.coordinator[before][coordinatorSymbol(&in)]++
	c.oracle.saw(w, c, &in, before)
	w.checkService(call, before, &in, out)
	w.armCoordinator(call)
	for i := range out {
		if w.crashIn > 0 {
			if w.crashIn--; w.crashIn == 0 {
				w.serviceCrash(0)
				return
			}
		}
		w.serviceEffect(call, &out[i])
	}
}

func coordinatorSymbol(in *callfsm.CoordinatorInput) int {
	if in.Kind == callfsm.CoordinatorMessage {
		return 32 + int(in.Message.Kind)
	}
	return int(in.Kind)
}

func (w *world) serviceEffect(call uint8, e *callfsm.CoordinatorEffect) {
	c := &w.calls[call]
	switch e.Kind {
	case callfsm.CoordinatorPersist:
		c.snapshot = append(c.snapshot[:0], c.coordinator.Snapshot()...)
	case callfsm.CoordinatorToLeg:
		w.sendDown(agentOf(call, e.Leg), item{call: call, msg: e.Message})
	case callfsm.CoordinatorFinished:
		w.stats.ends[callfsm.EndReason{Code: e.Reason.Code, Subcode: e.Reason.Subcode}]++
	case callfsm.CoordinatorEffectNone:
		w.fail("an effect of no kind")
	}
}

func (w *world) armCoordinator(call uint8) {
	c := &w.calls[call]
	deadline := ns(-1)
	if at, ok := c.coordinator.Deadline(); ok {
		deadline = ns(at.Sub(start))
	}
	if deadline != c.deadline {
		c.deadline = deadline
		if deadline >= 0 {
			w.push(max(deadline-w.now, 0), evServiceTimer, 0, call, 0)
		}
	}
}

func (w *world) serviceTimer(call uint8) {
	c := &w.calls[call]
	if c.coordinator != nil && c.deadline >= 0 && c.deadline <= w.now {
		c.deadline = -1
		w.feedCoordinator(call, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorTimer})
	}
}

// route relays a session description.
func (w *world) route(a agent, it item) {
	c := &w.calls[it.call]
	from, _ := legOf(it.call, a)
	if c.coordinator == nil {
		return
	}
	if to, ok := c.coordinator.RouteLeg(from, it.msg.Leg); ok {
		w.sendDown(agentOf(it.call, to), it)
	}
}

// serviceOracle knows by itself when the service's timers must fire.
type serviceOracle struct {
	establishFrom ns
	establishFor  ns
	lobby         bool
	wasRestored   bool
	lost          [numLegs]ns
}

func (o *serviceOracle) reset() {
	*o = serviceOracle{establishFrom: -1}
	for i := range o.lost {
		o.lost[i] = -1
	}
}

func (o *serviceOracle) restored(now ns) {
	o.wasRestored = true
	for i := range o.lost {
		o.lost[i] = now
	}
}

func (o *serviceOracle) saw(w *world, c *callState, in *callfsm.CoordinatorInput, before callfsm.CoordinatorState) {
	switch in.Kind {
	case callfsm.CoordinatorLegLost:
		if o.lost[in.Leg] < 0 {
			o.lost[in.Leg] = w.now
		}
	case callfsm.CoordinatorLegResumed:
		o.lost[in.Leg] = -1
	case callfsm.CoordinatorMessage:
		if in.Message.Kind == callfsm.KindReconcile {
			o.lost[in.Leg] = -1
		}
	case callfsm.CoordinatorLegForgot:
		if before == callfsm.CoordinatorRinging && c.coordinator.Live(in.Leg) {
			o.lost[in.Leg] = -1
		}
	case callfsm.CoordinatorInputNone, callfsm.CoordinatorLegGone, callfsm.CoordinatorEnd, callfsm.CoordinatorTimer:
	}
	if before == callfsm.CoordinatorNew {
		o.establishFrom = w.now
		o.establishFor = ns(establishmentOf(c))
	}
	lobby := c.coordinator.LobbyLeg() != 0
	if lobby != o.lobby && c.coordinator.State() != callfsm.CoordinatorEnded {
		// The lobby stops the timer; leaving it starts it anew.
		o.establishFrom = w.now
	}
	o.lobby = lobby
}

func establishmentOf(c *callState) time.Duration {
	if c.to[0] == '4' || c.from[0] == '4' {
		return 115 * time.Second
	}
	return 85 * time.Second
}

// checkService checks one step of the service.
func (w *world) checkService(call uint8, before callfsm.CoordinatorState, in *callfsm.CoordinatorInput, out []callfsm.CoordinatorEffect) {
	c := &w.calls[call]
	if before == callfsm.CoordinatorEnded {
		if len(out) != 0 {
			w.fail("call %d: the service acts after the end", call)
		}
		return
	}
	for i := range out {
		last := i == len(out)-1
		switch out[i].Kind {
		case callfsm.CoordinatorPersist:
			if i != 0 {
				w.fail("call %d: PERSIST is not the first effect", call)
			}
		case callfsm.CoordinatorFinished:
			if !last || c.coordinator.State() != callfsm.CoordinatorEnded {
				w.fail("call %d: FINISHED is not the last effect", call)
			}
		case callfsm.CoordinatorToLeg:
			if out[i].Message.Kind == callfsm.KindEnded {
				c.legReasons[out[i].Leg] = out[i].Message.Reason
			}
		case callfsm.CoordinatorEffectNone:
		}
	}
	if c.coordinator.State() != callfsm.CoordinatorEnded {
		w.checkServiceOverdue(call)
		return
	}
	if c.endedAt < 0 {
		c.endedAt = w.now
	}
	c.reason, _ = c.coordinator.Reason()
	if in.Kind == callfsm.CoordinatorTimer {
		w.checkServiceTimer(c)
	}
}

func (w *world) checkServiceTimer(c *callState) {
	o := &c.oracle
	switch {
	case c.reason.Is(callfsm.ReasonNetworkLost.Reason()), c.reason.Is(callfsm.ReasonDeclined.Reason()):
		// The last device that could still decide may be lost after another declined.
		for l := range o.lost {
			if o.lost[l] >= 0 && w.now-o.lost[l] == 120*sec {
				w.stats.timers["service: reconnect 120 s"]++
				return
			}
		}
	case c.reason.Is(callfsm.ReasonNoAnswer.Reason()), c.reason.Is(callfsm.ReasonNotEstablished.Reason()):
		if w.now-o.establishFrom == o.establishFor || o.wasRestored {
			w.stats.timers["service: establishment"]++
			return
		}
	}
	w.fail("the service's timer ended the call at a wrong time: %v", c.reason)
}

// checkServiceOverdue fails when a timer should have fired.
func (w *world) checkServiceOverdue(call uint8) {
	c := &w.calls[call]
	o := &c.oracle
	setUp := c.coordinator.State() == callfsm.CoordinatorRinging || c.coordinator.State() == callfsm.CoordinatorAccepted
	if setUp && !o.lobby && !o.wasRestored && w.now > o.establishFrom+o.establishFor {
		w.fail("call %d: the service's establishment timer is late", call)
	}
	for l := range o.lost {
		if o.lost[l] >= 0 && c.coordinator.Live(leg(l)) && w.now > o.lost[l]+120*sec {
			w.fail("call %d: the service's reconnect timer of leg %d is late", call, l)
		}
	}
}
