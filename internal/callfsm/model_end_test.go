package callfsm_test

import (
	"github.com/parley-rtc/parley/internal/callfsm"
)

// endState is one end's machine in one call.
type endState struct {
	m        *callfsm.Machine
	crashed  bool // there was a machine, its process is gone
	deadline ns
	oracle   endOracle
	takes    callfsm.Media
	request  uint32
	planned  bool // what the app does in the call is planned
	takenAt  ns   // when its app accepted
	// gateway: no machine but a telephone gateway, with an announcement.
	gateway bool
	endsAt  ns // when it entered Disconnecting or Disconnected, -1 before
	reason  callfsm.EndReason
	byWord  bool // the service said that it ended
}

func (r *endState) reset() { *r = endState{deadline: -1, endsAt: -1, oracle: newEndOracle()} }

// renew forgets everything but how the device is.
func (r *endState) renew() {
	takes, gateway := r.takes, r.gateway
	r.reset()
	r.takes, r.gateway = takes, gateway
}

func (r *endState) crash() {
	r.renew()
	r.crashed = true
}

func (w *world) newMachine(call uint8, l leg, cfg callfsm.Config) {
	r := &w.calls[call].legs[l]
	r.renew()
	r.m = callfsm.NewMachine(cfg)
	if s := &w.agents[agentOf(call, l)]; s.clientLost {
		w.feed(call, l, callfsm.Input{Kind: callfsm.InputSignalingLost})
	}
}

// feedAgent hands an input to all machines of an agent.
func (w *world) feedAgent(a agent, in callfsm.Input) {
	for call := range uint8(numCalls) {
		if l, ok := legOf(call, a); ok && w.calls[call].legs[l].m != nil {
			w.feed(call, l, in)
		}
	}
}

// feed steps a machine, checks the step and carries the effects out.
func (w *world) feed(call uint8, l leg, in callfsm.Input) bool {
	r := &w.calls[call].legs[l]
	before := r.m.State()
	out, err := r.m.AppendStep(w.effects[:0], w.time(), in)
	w.stats.steps++
	if err != nil {
		if in.Kind > callfsm.InputLobby {
			w.fail("call %d leg %d: %v", call, l, err)
		}
		w.stats.refused++
		return false
	}
	w.effects = out
	if w.log != nil {
		w.logEnd(call, l, before, &in, out)
	}
	w.stats.machine[before][symbolOf(&in)]++
	w.checkStep(call, l, before, &in, out)
	deadline := ns(-1)
	if at, ok := r.m.Deadline(); ok {
		deadline = ns(at.Sub(start))
	}
	if deadline != r.deadline {
		r.deadline = deadline
		if deadline >= 0 {
			w.push(max(deadline-w.now, 0), evMachineTimer, uint8(l), call, 0)
		}
	}
	for i := range out {
		w.endEffect(call, l, &out[i])
	}
	return true
}

func (w *world) machineTimer(call uint8, l leg) {
	r := &w.calls[call].legs[l]
	if r.m != nil && r.deadline >= 0 && r.deadline <= w.now {
		r.deadline = -1
		w.feed(call, l, callfsm.Input{Kind: callfsm.InputTimer})
	}
}

// endEffect is what an engine does with an effect.
func (w *world) endEffect(call uint8, l leg, e *callfsm.Effect) {
	a := agentOf(call, l)
	switch e.Kind {
	case callfsm.EffectSend:
		if e.Message.Kind == callfsm.KindReconcile {
			w.agents[a].batch[call], w.agents[a].named[call] = e.Message, true
			return
		}
		w.sendUp(a, item{call: call, msg: e.Message})
	case callfsm.EffectStateChanged:
		w.stateChanged(call, l, e)
	case callfsm.EffectStartMedia:
		w.startMedia(call, l, e.Leg)
	case callfsm.EffectRestartMedia:
		if p := &w.calls[call].paths[e.Leg]; e.On || p.offer == p.agreed {
			w.push(w.below(300*ms), evOffer, uint8(e.Leg), call, 0)
		}
	case callfsm.EffectStopMedia:
		for i := range w.calls[call].paths {
			all := e.Leg == callfsm.AllLegs && (l == callfsm.CallerLeg || l == leg(i))
			if all || e.Leg == leg(i) {
				w.calls[call].paths[i].made[endOf(l)] = false
			}
		}
	case callfsm.EffectMediaAllowed, callfsm.EffectOperationDone, callfsm.EffectRemoteChanged,
		callfsm.EffectMediaChanged, callfsm.EffectTones, callfsm.EffectEnded:
	case callfsm.EffectNone:
		w.fail("an effect of no kind")
	}
}

// path is the media path between the caller and one device. End 0 is the
// caller's, end 1 the device's.
type path struct {
	made      [2]bool
	offer     int64 // the device's newest offer
	agreed    int64 // the newest offer that was answered
	deadUntil ns
	relayless bool // nothing gets through before the accept
}

const (
	pathUp     = 0
	pathLost   = 1
	pathFailed = 2
	// pathStarved is failed, unless the newest offer was answered meanwhile.
	pathStarved = 3
)

func endOf(l leg) int {
	if l == callfsm.CallerLeg {
		return 0
	}
	return 1
}

func (w *world) startMedia(call uint8, l, which leg) {
	w.calls[call].paths[which].made[endOf(l)] = true
	if l != callfsm.CallerLeg {
		w.push(w.below(300*ms), evOffer, uint8(which), call, 0)
	}
}

func (w *world) offer(call uint8, l leg) {
	c := &w.calls[call]
	p := &c.paths[l]
	if c.legs[l].m == nil || !p.made[1] {
		return
	}
	p.offer++
	w.sendUp(agentOf(call, l), item{kind: itemOffer, call: call, msg: callfsm.Message{Leg: l, Request: uint32(p.offer)}})
	if p.agreed != 0 {
		// An offer that is never answered starves the path that there was.
		w.push(20*sec+6*w.delay, evPath, uint8(l), call, p.offer<<4|pathStarved<<1)
	}
}

func (w *world) described(call uint8, at leg, it *item) {
	c, l := &w.calls[call], it.msg.Leg
	n := int64(it.msg.Request)
	if w.log != nil {
		w.log("call %d leg %d: %s %d", call, at, [...]string{"", "offer", "answer"}[it.kind], n)
	}
	if it.kind == itemOffer {
		w.push(w.below(300*ms), evAnswer, uint8(l), call, n)
		return
	}
	p := &c.paths[l]
	if c.legs[at].m == nil || !p.made[1] || n != p.offer {
		return
	}
	p.agreed = n
	w.connectPath(call, l)
}

func (w *world) answer(call uint8, l leg, n int64) {
	c := &w.calls[call]
	if c.legs[0].m != nil && c.paths[l].made[0] {
		w.sendUp(agentOf(call, 0), item{kind: itemAnswer, call: call, msg: callfsm.Message{Leg: l, Request: uint32(n)}})
	}
}

// connectPath plans when the two ends find each other, or fail to.
func (w *world) connectPath(call uint8, l leg) {
	p := &w.calls[call].paths[l]
	blocked := w.now < p.deadUntil
	if _, taken := w.calls[call].legs[l].m.PeerLeg(); p.relayless && !taken {
		blocked = true
	}
	what, within := int64(pathUp), 2*w.delay
	if blocked {
		what, within = pathFailed, 25*sec
	}
	for end := range int64(2) {
		in := 5*ms + w.below(within)
		if w.percent(15) {
			in += w.below(10 * sec) // one end is ready long before the other
		}
		w.push(in, evPath, uint8(l), call, p.offer<<4|what<<1|end)
	}
}

// pathEvent: one end's transport says how it is. What a newer offer has
// overtaken counts no more.
func (w *world) pathEvent(call uint8, l leg, n int64) {
	c := &w.calls[call]
	p := &c.paths[l]
	end, what := n&1, n>>1&7
	if n>>4 != p.offer || what == pathStarved && p.agreed == p.offer {
		return
	}
	at := leg(0)
	if end == 1 {
		at = l
	}
	if c.legs[at].m == nil || !p.made[end] && c.legs[at].m.State() < callfsm.StateDisconnecting {
		return // a transport may still report after it was closed
	}
	in := callfsm.Input{Kind: callfsm.InputTransportUp, Leg: l}
	switch what {
	case pathLost:
		in.Kind = callfsm.InputTransportLost
	case pathFailed, pathStarved:
		in.Kind = callfsm.InputTransportFailed
	}
	w.feed(call, at, in)
}

// pathFault breaks a path: 0 for a moment, 1 until a new offer, 2 for longer
// than anybody waits, 3 at one end only.
func (w *world) pathFault(call uint8, l leg, kind int64) {
	p := &w.calls[call].paths[l]
	w.calm(60 * sec)
	if p.agreed == 0 || p.agreed != p.offer {
		return
	}
	plan := func(in ns, what, end int64) { w.push(in, evPath, uint8(l), call, p.offer<<4|what<<1|end) }
	switch kind {
	case 0:
		for end := range int64(2) {
			plan(w.below(5*sec), pathLost, end)
			plan(5*sec+w.below(40*sec), pathUp, end)
		}
	case 1, 2:
		if kind == 2 {
			p.deadUntil = w.now + 30*sec + w.below(250*sec)
			w.calm(p.deadUntil - w.now + 60*sec)
		}
		for end := range int64(2) {
			plan(w.below(5*sec), pathLost, end)
			plan(5*sec+w.below(30*sec), pathFailed, end)
		}
	default:
		end := w.below(2)
		plan(0, pathLost, end)
		plan(1+w.below(10*sec), pathUp, end)
	}
}

func (w *world) mediaFailed(call uint8, l leg, end int64) {
	c := &w.calls[call]
	at := leg(0)
	if end == 1 {
		at = l
	}
	if m := c.legs[at].m; m != nil && m.State() != callfsm.StateNone {
		reason := callfsm.EndReason{}
		if w.percent(50) {
			reason = callfsm.ReasonNoCommonCodec.Reason()
		}
		w.feed(call, at, callfsm.Input{Kind: callfsm.InputMediaFailed, Leg: l, Reason: reason})
	}
}
