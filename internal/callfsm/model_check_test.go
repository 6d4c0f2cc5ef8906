package callfsm_test

import (
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
)

// endOracle knows by itself what an end's timers must do, from what the model
// fed to the end.
type endOracle struct {
	establishFrom, establishFor ns
	sickFrom, tearFrom          ns
	lost, reconciling           bool
	lobby                       bool // a device keeps the caller waiting
	up                          uint8
	operations                  []pendingOperation
	over                        bool
}

type pendingOperation struct {
	request uint32
	from    ns
	length  ns
}

func newEndOracle() endOracle { return endOracle{establishFrom: -1, sickFrom: -1, tearFrom: -1} }

// checkStep checks one step of an end against the oracle.
func (w *world) checkStep(call uint8, l leg, before callfsm.State, in *callfsm.Input, out []callfsm.Effect) {
	c := &w.calls[call]
	r := &c.legs[l]
	after := r.m.State()
	if before == callfsm.StateDisconnected {
		if len(out) != 0 {
			w.fail("call %d leg %d: %v after Disconnected", call, l, out[0].Kind)
		}
		return
	}
	w.checkEffects(call, l, before, in, out)
	if after == callfsm.StateDisconnected && in.Kind == callfsm.InputTimer {
		w.checkFired(call, l, before)
	}
	r.oracle.follow(w, c, r, before, in)
	if r.endsAt < 0 && (after == callfsm.StateDisconnecting || after == callfsm.StateDisconnected) {
		r.endsAt = w.now
	}
	if after == callfsm.StateDisconnected {
		r.reason, _ = r.m.Reason()
		unknown := in.Message.Reason.Is(callfsm.ReasonUnknownCall.Reason())
		r.byWord = in.Kind == callfsm.InputMessage && !unknown
		if r.reason.Is(callfsm.ReasonUnknownCall.Reason()) {
			// What the service took is durable; what it did not take is said again.
			w.fail("call %d leg %d: the service does not know the call", call, l)
		}
		return
	}
	w.checkOverdue(call, l)
}

func (r *endState) peer() bool {
	_, ok := r.m.PeerLeg()
	return ok
}

func (w *world) checkEffects(call uint8, l leg, before callfsm.State, in *callfsm.Input, out []callfsm.Effect) {
	r := &w.calls[call].legs[l]
	state := before
	for i := range out {
		switch e := &out[i]; e.Kind {
		case callfsm.EffectStateChanged:
			if e.From != state || e.To == e.From {
				w.fail("call %d leg %d: %v → %v told in %v", call, l, e.From, e.To, state)
			}
			state = e.To
			if state == callfsm.StateConnected {
				w.stats.connected++
			}
		case callfsm.EffectOperationDone:
			w.checkOperation(call, l, in, e)
		case callfsm.EffectEnded:
			if i != len(out)-1 || r.m.State() != callfsm.StateDisconnected {
				w.fail("call %d leg %d: ENDED is not the last effect", call, l)
			}
			r.oracle.over = true
		case callfsm.EffectSend:
			if r.oracle.over {
				w.fail("call %d leg %d: a message after the end", call, l)
			}
		case callfsm.EffectNone, callfsm.EffectStartMedia, callfsm.EffectMediaAllowed, callfsm.EffectRestartMedia,
			callfsm.EffectStopMedia, callfsm.EffectRemoteChanged, callfsm.EffectMediaChanged, callfsm.EffectTones:
		}
	}
	if state != r.m.State() {
		w.fail("call %d leg %d: in %v, but told %v", call, l, r.m.State(), state)
	}
	if (r.m.State() == callfsm.StateDisconnected) != r.oracle.over {
		w.fail("call %d leg %d: in %v, told the end: %v", call, l, r.m.State(), r.oracle.over)
	}
}

func (w *world) checkOperation(call uint8, l leg, in *callfsm.Input, e *callfsm.Effect) {
	o := &w.calls[call].legs[l].oracle
	for i, op := range o.operations {
		if op.request != e.Request {
			continue
		}
		o.operations = append(o.operations[:i], o.operations[i+1:]...)
		ended := w.calls[call].legs[l].m.State() >= callfsm.StateDisconnecting
		if in.Kind == callfsm.InputTimer && !ended {
			if w.now != op.from+op.length {
				w.fail("call %d leg %d: an operation of %v failed after %v", call, l,
					time.Duration(op.length), time.Duration(w.now-op.from))
			}
			w.stats.timers[fmt.Sprintf("operation %v", time.Duration(op.length))]++
		}
		return
	}
	w.fail("call %d leg %d: operation %d is done, but did not wait", call, l, e.Request)
}

// checkFired checks that the timer that ended a call did so at its value.
func (w *world) checkFired(call uint8, l leg, before callfsm.State) {
	r := &w.calls[call].legs[l]
	o := &r.oracle
	reason, _ := r.m.Reason()
	name := ""
	switch {
	case before == callfsm.StateDisconnecting:
		if w.now == o.tearFrom+5*sec {
			name = "teardown 5s"
		}
	case reason.Is(callfsm.ReasonNetworkLost.Reason()):
		if o.sickFrom >= 0 && w.now == o.sickFrom+120*sec {
			name = "reconnect 2m0s"
		}
	case o.establishFrom >= 0 && w.now == o.establishFrom+o.establishFor:
		want := callfsm.ReasonNotEstablished
		if before == callfsm.StateRinging {
			want = callfsm.ReasonNoAnswer
		}
		if reason.Is(want.Reason()) {
			name = fmt.Sprintf("establishment %v in %v", time.Duration(o.establishFor), before)
		}
	}
	if name == "" {
		w.fail("call %d leg %d: a timer ended the call in %v with %v at a wrong time (%+v)", call, l, before, reason, *o)
		return
	}
	w.stats.timers[name]++
	w.checkNeedless(call, l, before)
}

// checkNeedless: a call must not run into a timer when everything that it needs
// has been there for long enough to mend it.
func (w *world) checkNeedless(call uint8, l leg, before callfsm.State) {
	c := &w.calls[call]
	o := &c.legs[l].oracle
	since := max(w.calmAt, 0)
	peer, taken := c.legs[l].m.PeerLeg()
	switch {
	case before.Established():
		since = max(since, o.sickFrom)
	case before == callfsm.StateConnecting && taken:
		since = max(since, c.legs[peer].takenAt)
	case before == callfsm.StateConnecting:
		since, peer = max(since, o.establishFrom), 0
		for d := 1; d <= c.devices; d++ {
			if c.legs[d].m != nil && c.legs[d].m.State() == callfsm.StateRinging {
				peer = leg(d)
			}
		}
		if peer == 0 {
			return
		}
	default:
		return
	}
	for _, end := range []leg{callfsm.CallerLeg, peer} {
		if r := &c.legs[end]; r.m == nil || r.m.State() >= callfsm.StateDisconnecting && end != l || !w.agents[agentOf(call, end)].net {
			return
		}
	}
	if grace := 45*sec + 6*w.delay; w.now-since > grace && !w.down {
		w.fail("call %d leg %d: a timer ended a call in %v that could have been mended for %v", call, l, before, time.Duration(w.now-since))
	}
}

// follow keeps the oracle up to date after a step.
func (o *endOracle) follow(w *world, c *callState, r *endState, before callfsm.State, in *callfsm.Input) {
	after := r.m.State()
	restart := false
	switch in.Kind {
	case callfsm.InputStart, callfsm.InputAccept:
		restart = true
		r.takenAt = w.now
	case callfsm.InputLobby:
		o.lobby = true
	case callfsm.InputTransportUp:
		if c.paths[in.Leg].made[endOf(r.m.Leg())] {
			o.up |= 1 << in.Leg
		}
	case callfsm.InputTransportLost, callfsm.InputTransportFailed:
		o.up &^= 1 << in.Leg
	case callfsm.InputSignalingLost:
		o.lost = true
	case callfsm.InputSignalingResumed:
		o.lost = false
	case callfsm.InputNewEpoch:
		o.lost = false
		o.reconciling = before != callfsm.StateNone
	case callfsm.InputMessage:
		switch in.Message.Kind {
		case callfsm.KindIncoming:
			restart = true
		case callfsm.KindReconciled, callfsm.KindStarted:
			o.reconciling = false
		}
	case callfsm.InputModality, callfsm.InputRemove, callfsm.InputTransfer, callfsm.InputPromote:
		length := map[callfsm.InputKind]ns{
			callfsm.InputModality: 40 * sec, callfsm.InputRemove: 120 * sec,
			callfsm.InputTransfer: 60 * sec, callfsm.InputPromote: 115 * sec,
		}[in.Kind]
		o.operations = append(o.operations, pendingOperation{in.Request, w.now, length})
	}
	setUp := after == callfsm.StateConnecting || after == callfsm.StateRinging || after == callfsm.StateEarlyMedia
	switch {
	case restart || before == callfsm.StateInLobby && after == callfsm.StateConnecting:
		o.establishFrom, o.establishFor = w.now, ns(establishmentOf(c))
	case !setUp || o.lobby && after == callfsm.StateRinging:
		o.establishFrom = -1
	}
	if after == callfsm.StateDisconnecting && o.tearFrom < 0 {
		o.tearFrom = w.now
	}
	peer, _ := r.m.PeerLeg()
	sick := false
	switch {
	case after.Established():
		sick = o.lost || o.reconciling || o.up&(1<<peer) == 0
	case after == callfsm.StateInLobby, after == callfsm.StateRinging && o.lobby:
		sick = o.lost || o.reconciling
	}
	switch {
	case !sick:
		o.sickFrom = -1
	case o.sickFrom < 0:
		o.sickFrom = w.now
	}
}

// checkOverdue fails when a timer should have fired before now.
func (w *world) checkOverdue(call uint8, l leg) {
	o := &w.calls[call].legs[l].oracle
	switch {
	case o.establishFrom >= 0 && w.now > o.establishFrom+o.establishFor:
		w.fail("call %d leg %d: the establishment timer is late", call, l)
	case o.sickFrom >= 0 && w.now > o.sickFrom+120*sec:
		w.fail("call %d leg %d: the reconnect timer is late", call, l)
	case o.tearFrom >= 0 && w.now > o.tearFrom+5*sec:
		w.fail("call %d leg %d: the teardown timer is late", call, l)
	}
	for _, op := range o.operations {
		if w.now > op.from+op.length {
			w.fail("call %d leg %d: the timer of an operation is late", call, l)
		}
	}
}

// checkEnd checks what must hold when nothing happens any more.
func (w *world) checkEnd() {
	for call := range uint8(numCalls) {
		if c := &w.calls[call]; c.used && w.err == nil {
			if c.coordinator != nil && c.coordinator.State() != callfsm.CoordinatorEnded {
				w.checkLiving(call)
			} else {
				w.checkOver(call)
			}
		}
	}
}

// checkOver: all ends agree that the call is over, why, and in time.
func (w *world) checkOver(call uint8) {
	c := &w.calls[call]
	for l := range c.legs {
		r := &c.legs[l]
		if r.m == nil {
			continue
		}
		if s := r.m.State(); s != callfsm.StateDisconnected && (s != callfsm.StateNone || c.coordinator != nil) {
			w.fail("call %d leg %d is in %v, but the call is over", call, l, s)
			return
		}
		if !r.byWord || c.coordinator == nil {
			continue
		}
		if !r.reason.Is(c.reason) && !r.reason.Is(c.legReasons[l]) {
			w.fail("call %d leg %d ended with %v, the service with %v", call, l, r.reason, c.reason)
		}
		if _, won := c.coordinator.Winner(); won && (l == 0 || r.peer() && c.isWinner(leg(l))) && !r.reason.Is(c.reason) {
			w.fail("call %d leg %d talked and ended with %v, the service with %v", call, l, r.reason, c.reason)
		}
	}
	w.checkSpread(call)
}

// checkSpread limits the time from the first end's end to the last one's: at
// worst nobody can be told, and each runs into its own reconnect timer, the
// service first.
func (w *world) checkSpread(call uint8) {
	c := &w.calls[call]
	if c.coordinator == nil {
		return
	}
	first, last := c.endedAt, c.endedAt
	for l := range c.legs {
		r := &c.legs[l]
		if r.m == nil || r.endsAt < 0 {
			continue
		}
		if l == 0 || c.isWinner(leg(l)) {
			first = min(first, r.endsAt)
		}
		last = max(last, r.endsAt)
	}
	if last-max(first, w.calmAt) > 2*120*sec+60*sec {
		w.fail("call %d: %v between the first end and the last", call, time.Duration(last-first))
	}
}

func (c *callState) isWinner(l leg) bool {
	winner, ok := c.coordinator.Winner()
	return ok && winner == l
}

// checkLiving: the call goes on with nothing pending, and both ends agree.
func (w *world) checkLiving(call uint8) {
	c := &w.calls[call]
	winner, ok := c.coordinator.Winner()
	if !ok || c.coordinator.State() != callfsm.CoordinatorConnected {
		w.fail("call %d: the service is stuck in %v", call, c.coordinator.State())
		return
	}
	a, b := c.legs[0].m, c.legs[winner].m
	if a == nil || b == nil || !a.State().Established() || !b.State().Established() {
		w.fail("call %d: the service thinks that the ends are connected", call)
		return
	}
	for l := range c.legs {
		m := c.legs[l].m
		if m == nil || l == 0 || leg(l) == winner {
			continue
		}
		if m.State() != callfsm.StateDisconnected {
			w.fail("call %d leg %d is in %v after another device took the call", call, l, m.State())
		}
	}
	if _, timer := c.coordinator.Deadline(); timer {
		w.fail("call %d: the service waits for something", call)
	}
	for i, m := range []*callfsm.Machine{a, b} {
		if _, timer := m.Deadline(); timer || m.Pending() != 0 {
			w.fail("call %d end %d waits for something in %v", call, i, m.State())
		}
	}
	if mirror(a.State()) != b.State() {
		w.fail("call %d: %v here, %v there", call, a.State(), b.State())
	}
	if a.Muted() != b.Remote().Muted || b.Muted() != a.Remote().Muted {
		w.fail("call %d: the ends do not agree on who is muted", call)
	}
	if a.Media() != b.Remote().Media || b.Media() != a.Remote().Media {
		w.fail("call %d: the ends do not agree on media: %v seen as %v, %v seen as %v", call,
			a.Media(), b.Remote().Media, b.Media(), a.Remote().Media)
	}
}

// mirror is how the other side sees a state.
func mirror(s callfsm.State) callfsm.State {
	switch s {
	case callfsm.StateLocalHold:
		return callfsm.StateRemoteHold
	case callfsm.StateRemoteHold:
		return callfsm.StateLocalHold
	default:
		return s
	}
}
