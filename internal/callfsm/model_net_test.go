package callfsm_test

import "github.com/parley-rtc/parley/internal/callfsm"

// item is one thing under way between an agent and the service.
type item struct {
	kind itemKind
	call uint8
	// at is when it arrives at the earliest, its turn and the network granted.
	at ns
	// msg is the message; a description uses its Leg and Request (its number).
	msg callfsm.Message
}

type itemKind uint8

const (
	itemCall itemKind = iota
	itemOffer
	itemAnswer
	// itemReconcile is the batch that opens a new session; the agent holds it.
	itemReconcile
)

// queue is one direction of a session: ordered, exactly once.
type queue struct {
	items []item
	head  int
	busy  bool // a delivery is planned
}

func (q *queue) clear() { q.items, q.head, q.busy = q.items[:0], 0, false }

func (q *queue) empty() bool { return q.head == len(q.items) }

func (q *queue) push(it item, at ns) {
	it.at = at
	q.items = append(q.items, it)
}

func (q *queue) pop() *item {
	it := &q.items[q.head]
	q.head++
	return it
}

// wait is how long the head still needs.
func (q *queue) wait(now ns) ns { return max(q.items[q.head].at-now, 0) }

// agentState is an agent's process and its session with the service.
type agentState struct {
	alive    bool
	net      bool  // its network is there
	session  int64 // grows with every new session
	suspends int64 // how often this session was suspended
	server   bool  // the service has this session, suspended or not
	attached bool  // it reconciled, or this is the first session
	// What client and service have noticed.
	clientLost, serverLost bool
	up, down               queue
	batch                  [numCalls]callfsm.Message
	named                  [numCalls]bool
}

func (a *agentState) reset() {
	up, down := a.up, a.down
	up.clear()
	down.clear()
	*a = agentState{alive: true, net: true, server: true, attached: true, up: up, down: down}
}

// calm notes that the world is not quiet before in from now.
func (w *world) calm(in ns) { w.calmAt = max(w.calmAt, w.now+in) }

func (w *world) latency() ns { return 1 + w.below(w.delay) }

func (w *world) sendUp(a agent, it item) {
	w.agents[a].up.push(it, w.now+w.latency())
	w.deliver(a)
}

func (w *world) sendDown(a agent, it item) {
	if s := &w.agents[a]; s.server && s.attached {
		s.down.push(it, w.now+w.latency())
		w.deliver(a)
	}
}

// deliver plans the next delivery in both directions.
func (w *world) deliver(a agent) {
	s := &w.agents[a]
	if !s.net || !s.server || w.down {
		return
	}
	if !s.up.busy && !s.up.empty() {
		s.up.busy = true
		w.push(s.up.wait(w.now), evDeliverUp, a, 0, s.session)
	}
	if !s.down.busy && !s.down.empty() {
		s.down.busy = true
		w.push(s.down.wait(w.now), evDeliverDown, a, 0, s.session)
	}
}

func (w *world) deliverUp(a agent, session int64) {
	s := &w.agents[a]
	if s.session != session || !s.up.busy {
		return
	}
	s.up.busy = false
	if !s.net || !s.server || w.down || s.up.empty() {
		return
	}
	it := s.up.pop()
	switch it.kind {
	case itemReconcile:
		w.attach(a)
	case itemCall:
		w.toService(a, it.call, it.msg)
	case itemOffer, itemAnswer:
		w.route(a, *it)
	}
	w.deliver(a)
}

func (w *world) deliverDown(a agent, session int64) {
	s := &w.agents[a]
	if s.session != session || !s.down.busy {
		return
	}
	s.down.busy = false
	if !s.net || !s.server || !s.alive || s.down.empty() {
		return
	}
	it := s.down.pop()
	l, ok := legOf(it.call, a)
	if !ok {
		w.fail("a message for agent %d about a call that it has no part in", a)
		return
	}
	switch it.kind {
	case itemCall:
		w.toEnd(it.call, l, it.msg)
	case itemOffer, itemAnswer:
		w.described(it.call, l, it)
	case itemReconcile:
	}
	w.deliver(a)
}

// toEnd hands a message to a machine; INCOMING makes it.
func (w *world) toEnd(call uint8, l leg, m callfsm.Message) {
	r := &w.calls[call].legs[l]
	if r.gateway {
		if m.Kind == callfsm.KindIncoming {
			w.push(w.moment(30), evGateway, uint8(l), call, int64(callfsm.KindLobby)-w.below(2))
			w.push(30*sec+w.moment(60), evGateway, uint8(l), call, int64(callfsm.KindReject))
		}
		return
	}
	if m.Kind == callfsm.KindIncoming {
		if r.m != nil && r.m.State() != callfsm.StateDisconnected {
			w.fail("INCOMING for a call that the device has")
		}
		w.newMachine(call, l, callfsm.Config{Direction: callfsm.Incoming, TakesMedia: r.takes})
	}
	if r.m != nil {
		w.feed(call, l, callfsm.Input{Kind: callfsm.InputMessage, Message: m})
	} else if !r.crashed {
		w.fail("call %d leg %d: %v for a call that the device never heard of", call, l, m.Kind)
	}
}

func (w *world) cut(a agent, d ns) {
	s := &w.agents[a]
	w.calm(d + 20*sec)
	w.push(d, evBack, a, 0, 0)
	if !s.net || !s.alive {
		return
	}
	s.net, s.up.busy, s.down.busy = false, false, false
	w.push(w.below(1+w.below(5*sec)), evClientNotices, a, 0, s.session)
	w.push(w.below(10*sec), evServerNotices, a, 0, s.session)
}

func (w *world) clientNotices(a agent, session int64) {
	s := &w.agents[a]
	if s.alive && !s.clientLost && s.session == session && (!s.net || !s.server) {
		s.clientLost = true
		w.feedAgent(a, callfsm.Input{Kind: callfsm.InputSignalingLost})
	}
}

func (w *world) serverNotices(a agent, session int64) {
	s := &w.agents[a]
	if s.server && !s.net && !s.serverLost && s.session == session {
		s.serverLost = true
		s.suspends++
		w.feedLegs(a, callfsm.CoordinatorLegLost)
		w.push(150*sec, evRetention, a, 0, s.session<<16|s.suspends)
	}
}

func (w *world) retention(a agent, n int64) {
	s := &w.agents[a]
	if s.server && s.serverLost && s.session<<16|s.suspends == n {
		s.server, s.attached = false, false
		w.feedLegs(a, callfsm.CoordinatorLegGone)
	}
}

// back: the network is there, or the client tries again.
func (w *world) back(a agent) {
	s := &w.agents[a]
	if !s.alive {
		return
	}
	was := s.net
	s.net = true
	if w.down {
		return
	}
	if !s.server {
		w.openSession(a)
		return
	}
	if was && !s.clientLost && !s.serverLost {
		return
	}
	if s.serverLost {
		s.serverLost = false
		if s.attached {
			w.feedLegs(a, callfsm.CoordinatorLegResumed)
		}
	}
	if s.clientLost {
		s.clientLost = false
		w.feedAgent(a, callfsm.Input{Kind: callfsm.InputSignalingResumed})
	}
	w.deliver(a)
}

// openSession starts a new session: what was under way is lost.
func (w *world) openSession(a agent) {
	s := &w.agents[a]
	s.session++
	s.suspends = 0
	s.up.clear()
	s.down.clear()
	if !s.serverLost {
		w.feedLegs(a, callfsm.CoordinatorLegLost)
	}
	s.server, s.attached, s.serverLost, s.clientLost = true, false, false, false
	s.named = [numCalls]bool{}
	s.up.push(item{kind: itemReconcile}, w.now+w.latency())
	w.feedAgent(a, callfsm.Input{Kind: callfsm.InputNewEpoch})
	w.deliver(a)
}

// attach: the service takes the batch that opens a session.
func (w *world) attach(a agent) {
	s := &w.agents[a]
	s.attached = true
	for call := range uint8(numCalls) {
		l, ok := legOf(call, a)
		if !ok || w.down {
			continue
		}
		if s.named[call] {
			w.toService(a, call, s.batch[call])
			continue
		}
		if c := &w.calls[call]; c.coordinator != nil && l < c.coordinator.Legs() {
			w.feedCoordinator(call, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorLegForgot, Leg: l})
		}
	}
}

func (w *world) dropSession(a agent) {
	s := &w.agents[a]
	if !s.server {
		return
	}
	w.calm(40 * sec)
	if !s.serverLost {
		w.feedLegs(a, callfsm.CoordinatorLegLost)
		s.serverLost = true
	}
	s.server, s.attached = false, false
	s.up.busy, s.down.busy = false, false
	w.push(w.below(3*sec), evClientNotices, a, 0, s.session)
	if s.net {
		w.push(w.below(20*sec), evBack, a, 0, 0)
	}
}

func (w *world) crash(a agent, back ns) {
	s := &w.agents[a]
	w.calm(back + 20*sec)
	if !s.alive {
		return
	}
	s.alive, s.net, s.up.busy, s.down.busy = false, false, false, false
	if s.server && w.percent(30) {
		// Its connection was closed in good order.
		s.server, s.attached, s.serverLost = false, false, false
		w.feedLegs(a, callfsm.CoordinatorLegGone)
	}
	w.push(w.below(10*sec), evServerNotices, a, 0, s.session)
	for call := range uint8(numCalls) {
		if l, ok := legOf(call, a); ok && w.calls[call].legs[l].m != nil {
			w.calls[call].legs[l].crash()
		}
	}
	if back != 0 {
		w.push(back, evReboot, a, 0, 0)
	}
}

func (w *world) reboot(a agent) {
	s := &w.agents[a]
	if s.alive {
		return
	}
	s.alive, s.net = true, true
	if !w.down {
		w.openSession(a)
	}
}

func (w *world) serviceCrash(middle int64) {
	if middle != 0 && w.crashIn == 0 && !w.down {
		w.crashIn = 1 + int(w.below(4))
		return
	}
	if w.down {
		return
	}
	w.down, w.crashIn = true, 0
	out := 300*ms + w.below(30*sec)
	if w.percent(10) {
		out = w.below(150 * sec)
	}
	w.calm(out + 30*sec)
	for i := range w.calls {
		w.calls[i].coordinator = nil
	}
	for i := range w.agents {
		s := &w.agents[i]
		s.server, s.attached, s.serverLost = false, false, false
		s.up.clear()
		s.down.clear()
		w.push(w.below(3*sec), evClientNotices, agent(i), 0, s.session)
	}
	w.push(out, evServiceUp, 0, 0, 0)
}

func (w *world) serviceUp() {
	w.down = false
	for i := range w.calls {
		c := &w.calls[i]
		if len(c.snapshot) == 0 {
			c.endedAt = -1
			continue
		}
		restored, err := callfsm.RestoreCoordinator(w.time(), c.snapshot, callfsm.Timeouts{})
		if err != nil {
			w.fail("snapshot: %v", err)
			return
		}
		c.coordinator, c.deadline = restored, -1
		c.oracle.restored(w.now)
		if restored.State() != callfsm.CoordinatorEnded {
			c.endedAt = -1 // an end that was not written down has not been
		}
		w.armCoordinator(uint8(i))
	}
	for i := range w.agents {
		if w.agents[i].net {
			w.push(w.below(10*sec), evBack, agent(i), 0, 0)
		}
	}
}

// legOf returns the leg that an agent has in a call.
func legOf(call uint8, a agent) (leg, bool) {
	switch {
	case call == 0:
		return leg(a), true
	case a <= 1:
		return leg(1 - a), true
	default:
		return 0, false
	}
}

// agentOf returns the agent on a leg.
func agentOf(call uint8, l leg) agent {
	if call == 0 {
		return agent(l)
	}
	return agent(1 - l)
}
