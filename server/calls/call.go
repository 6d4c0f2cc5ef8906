package calls

import (
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/internal/loop"
	"github.com/parley-rtc/parley/signaling"
)

// callLoop owns the calls whose id falls to it. All methods but post run on
// its loop.
type callLoop struct {
	service *Service
	loop    *loop.Loop
	calls   map[callfsm.CallID]*call
	asleep  map[callfsm.CallID]*asleep
}

// post runs f with the call, if it is there, on the loop.
func (l *callLoop) post(id callfsm.CallID, f func(c *call)) {
	l.loop.Post(func() {
		if c := l.calls[id]; c != nil {
			f(c)
		}
	})
}

func (l *callLoop) stopTimers() {
	for _, c := range l.calls {
		c.stopTimer()
	}
	for _, p := range l.asleep {
		p.timer.Stop()
	}
}

// start takes a START: the call begins, or waits for a device of the callee.
func (l *callLoop) start(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) {
	if reason, ok := l.refuse(session, msg.To); !ok {
		reply(session, id, msg, reason.Reason())
		return
	}
	if len(l.service.registry.reachable(msg.To, keyOf(session), 1)) == 0 && l.wake(session, id, msg) {
		return
	}
	l.begin(session, id, msg)
}

// begin begins a call with the devices that can be rung.
func (l *callLoop) begin(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) {
	s := l.service
	caller := keyOf(session)
	if !s.registry.join(caller, id, true) {
		reply(session, id, msg, callfsm.ReasonTooManyRequests.Reason())
		return
	}
	c := &call{id: id, owner: l, resource: session.Principal().ResourceID, started: s.options.Now()}
	c.legs = append(c.legs, leg{device: caller, session: session})
	config := callfsm.CoordinatorConfig{From: caller.user, To: msg.To, CallerDevice: caller.id, Timeouts: s.options.Timeouts}
	for _, callee := range s.registry.reachable(msg.To, caller, callfsm.MaxLegs) {
		key := keyOf(callee)
		s.registry.join(key, id, false)
		c.legs = append(c.legs, leg{device: key, session: callee})
		config.Devices = append(config.Devices, key.id)
	}
	c.coordinator = callfsm.NewCoordinator(config)
	l.calls[id] = c
	s.registry.counted(1)
	s.started.Add(1)
	c.step(callfsm.CoordinatorInput{Kind: callfsm.CoordinatorMessage, Leg: callfsm.CallerLeg, Message: msg})
	if c.coordinator.State() == callfsm.CoordinatorNew {
		// The coordinator did not take this START: there is no call.
		c.finish(callfsm.ReasonUnknownCall.Reason())
		reply(session, id, msg, callfsm.ReasonUnknownCall.Reason())
		return
	}
	c.noticeLosses()
}

// refuse tells why a user may not be called.
func (l *callLoop) refuse(session *signaling.Session, to string) (callfsm.ReasonName, bool) {
	id, err := ident.Parse(to)
	if err != nil {
		return callfsm.ReasonUnreachable, false
	}
	switch id.Kind() {
	case ident.KindCommunicationUser:
		if resourceOf(to) != session.Principal().ResourceID {
			return callfsm.ReasonUnauthorized, false
		}
		return callfsm.ReasonNone, true
	case ident.KindPhoneNumber:
		return callfsm.ReasonPSTNForbidden, false
	case ident.KindUnknown, ident.KindMicrosoftTeamsUser, ident.KindMicrosoftTeamsApp, ident.KindTeamsExtensionUser:
	}
	return callfsm.ReasonUnreachable, false
}

// leg is one end of a call.
type leg struct {
	device device
	// session carries the leg's messages; nil while the device has lost its old
	// session and not reconciled in a new one.
	session *signaling.Session
	limits  relayLimits
}

// call is one call. Its loop owns it.
type call struct {
	id          callfsm.CallID
	owner       *callLoop
	resource    string
	coordinator *callfsm.Coordinator
	legs        []leg
	started     time.Time
	accepted    bool
	timer       *time.Timer
	held        heldBack
}

// message takes a message of the call's signal from a session. It reports
// false when the session has no part in the call.
func (c *call) message(session *signaling.Session, msg callfsm.Message) bool {
	from, ok := c.legOf(session)
	if !ok {
		return false
	}
	switch msg.Kind { //nolint:exhaustive // all others need a session that is bound already
	case callfsm.KindReconcile:
		c.legs[from].session = session
		if _, over := c.coordinator.Reason(); over {
			// It ended, and what says so is not durable yet.
			if answer, ok := callfsm.LateReply(msg, c.endReason()); ok {
				c.toLeg(from, answer)
			}
			return true
		}
	case callfsm.KindStart:
		c.legs[from].session = session
	default:
		if c.legs[from].session != session {
			// The device has part in the call, but this session is not known to
			// carry it: it speaks before it reconciled, or after a newer one took
			// over. What it wants to say comes again with its RECONCILE; an answer
			// would end a live call at this end.
			return true
		}
	}
	c.step(callfsm.CoordinatorInput{Kind: callfsm.CoordinatorMessage, Leg: from, Message: msg})
	return true
}

func (c *call) endReason() callfsm.EndReason {
	reason, _ := c.coordinator.Reason()
	return reason
}

// legOf finds the leg of a session's device.
func (c *call) legOf(session *signaling.Session) (callfsm.Leg, bool) {
	key := keyOf(session)
	for i := range c.legs {
		if c.legs[i].device == key {
			return callfsm.Leg(i), true //nolint:gosec // there are at most MaxLegs
		}
	}
	return 0, false
}

// sessionEvent tells the coordinator what became of a leg's session.
func (c *call) sessionEvent(session *signaling.Session, kind callfsm.CoordinatorInputKind) {
	if at, ok := c.legOf(session); ok && c.legs[at].session == session {
		c.step(callfsm.CoordinatorInput{Kind: kind, Leg: at})
	}
}

func (c *call) unbind(session *signaling.Session) {
	if at, ok := c.legOf(session); ok && c.legs[at].session == session {
		c.legs[at].session = nil
	}
}

// forgotten is called when a device did not name the call in a new session.
// What was offered in that very session it could not name yet.
func (c *call) forgotten(session *signaling.Session) {
	at, ok := c.legOf(session)
	if !ok || c.legs[at].session == session {
		return
	}
	c.legs[at].session = session
	c.step(callfsm.CoordinatorInput{Kind: callfsm.CoordinatorLegForgot, Leg: at})
}

// noticeLosses catches up with sessions that were lost or closed after they
// were chosen and before they were known to be in the call.
func (c *call) noticeLosses() {
	for i := range c.legs {
		session := c.legs[i].session
		if session == nil {
			continue
		}
		present, connected := c.owner.service.registry.state(session)
		switch {
		case !present:
			c.sessionEvent(session, callfsm.CoordinatorLegGone)
		case !connected:
			c.sessionEvent(session, callfsm.CoordinatorLegLost)
		}
	}
}

// step feeds the coordinator and carries its effects out.
func (c *call) step(in callfsm.CoordinatorInput) {
	s := c.owner.service
	before := c.coordinator.State()
	effects, err := c.coordinator.Step(s.options.Now(), in)
	if err != nil {
		// The end sent what its state does not allow; it concerns nobody else.
		s.logger.Debug("message not applied", "call_id", c.id.String(), "leg", in.Leg, "error", err)
		return
	}
	if _, won := c.coordinator.Winner(); won && !c.accepted {
		c.accepted = true
		s.accepted.Add(1)
	}
	for _, e := range effects {
		switch e.Kind {
		case callfsm.CoordinatorPersist:
			c.persist(decides(before, c.coordinator.State()))
		case callfsm.CoordinatorToLeg:
			c.toLeg(e.Leg, e.Message)
		case callfsm.CoordinatorFinished:
			c.held.do(func() { c.finish(e.Reason) })
		case callfsm.CoordinatorEffectNone:
		}
	}
	c.arm()
}

// decides tells whether a step decided what the ends must never see undone by
// a crash: who got the call, and that it is over. Everything else the ends say
// again when they reconcile, so it need not wait for the disk; nor need the end
// of a call that never rang.
func decides(before, after callfsm.CoordinatorState) bool {
	switch after {
	case callfsm.CoordinatorAccepted:
		return before != after
	case callfsm.CoordinatorEnded:
		return before != callfsm.CoordinatorNew
	case callfsm.CoordinatorNew, callfsm.CoordinatorRinging, callfsm.CoordinatorConnected:
	}
	return false
}

// toLeg sends a message to an end, now or when what it stands on is durable.
func (c *call) toLeg(to callfsm.Leg, msg callfsm.Message) {
	c.send(to, signaling.EncodeCall(c.id, msg))
}

func (c *call) send(to callfsm.Leg, m *signaling.Message) {
	c.held.do(func() { c.pass(to, m) })
}

// pass sends a message to an end now, ahead of what is held back.
func (c *call) pass(to callfsm.Leg, m *signaling.Message) {
	if session := c.legs[to].session; session != nil {
		// A session that does not take it is over and will say so.
		_ = session.Send(m)
	}
}

// finish forgets a call that is over.
func (c *call) finish(reason callfsm.EndReason) {
	s := c.owner.service
	c.stopTimer()
	delete(c.owner.calls, c.id)
	devices := make([]device, 0, len(c.legs))
	for i := range c.legs {
		s.registry.leave(c.legs[i].device, c.id)
		devices = append(devices, c.legs[i].device)
	}
	s.ended.add(c.id, reason, devices)
	s.registry.counted(-1)
	s.over.Add(1)
	s.logger.Info("call ended", "call_id", c.id.String(), "code", reason.Code, "subcode", reason.Subcode,
		"duration_ms", s.options.Now().Sub(c.started).Milliseconds(), "accepted", c.accepted)
}

// arm sets the timer for the coordinator's deadline.
func (c *call) arm() {
	c.stopTimer()
	at, ok := c.coordinator.Deadline()
	if !ok {
		return
	}
	c.timer = time.AfterFunc(at.Sub(c.owner.service.options.Now()), func() {
		c.owner.post(c.id, func(now *call) {
			if now == c {
				c.step(callfsm.CoordinatorInput{Kind: callfsm.CoordinatorTimer})
			}
		})
	})
}

func (c *call) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}
