package calls

import (
	"context"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
)

// defaultWakeTime is how long a call waits for a device that was woken: a phone
// starts its app and signs in.
const defaultWakeTime = 30 * time.Second

// AsleepCall is a call to somebody of whom no device is signed in.
type AsleepCall struct {
	ID, From, To, DisplayName, Resource string

	Video bool
	// Life is how long it waits for a device.
	Life time.Duration
}

// asleep is a START that waits for a device of the callee.
type asleep struct {
	session *signaling.Session
	msg     callfsm.Message
	timer   *time.Timer
}

// wake lets a call wait for a device of the callee, if one may come. The answer
// of whoever wakes devices is awaited beside the loop.
func (l *callLoop) wake(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) bool {
	s := l.service
	if s.options.Wake == nil || !s.registry.join(keyOf(session), id, true) {
		return false
	}
	p := &asleep{session: session, msg: msg}
	p.timer = time.AfterFunc(s.options.WakeTime, func() {
		l.loop.Post(func() { l.rise(id, p) })
	})
	l.asleep[id] = p
	call := AsleepCall{
		ID: id.String(), From: session.Principal().UserID, To: msg.To, DisplayName: msg.DisplayName, Resource: session.Principal().ResourceID,
		Video: msg.Media.Has(callfsm.MediaVideo), Life: s.options.WakeTime,
	}
	s.wakes.Go(func() {
		ctx, cancel := context.WithTimeout(s.life, s.options.WakeTime)
		defer cancel()
		comes, err := s.options.Wake(ctx, call)
		if err != nil {
			s.logger.Warn("devices of a callee not woken", "call_id", call.ID, "error", err)
		}
		if !comes {
			l.loop.Post(func() { l.rise(id, p) })
		}
	})
	return true
}

// forget ends the waiting of a call. It reports false when it is over already.
func (l *callLoop) forget(id callfsm.CallID, p *asleep) bool {
	if l.asleep[id] != p {
		return false
	}
	p.timer.Stop()
	delete(l.asleep, id)
	l.service.registry.leave(keyOf(p.session), id)
	return true
}

// rise starts a call that has waited, with the devices that are there now.
func (l *callLoop) rise(id callfsm.CallID, p *asleep) {
	if l.forget(id, p) {
		l.begin(p.session, id, p.msg)
	}
}

// drop ends a call that waits, and remembers why.
func (l *callLoop) drop(id callfsm.CallID, p *asleep, reason callfsm.EndReason) {
	if l.forget(id, p) {
		l.service.ended.add(id, reason, []device{keyOf(p.session)})
	}
}

// stir takes a message about a call that waits. It reports false when the call
// does not, or is another's.
func (l *callLoop) stir(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) bool {
	p := l.asleep[id]
	if p == nil || keyOf(p.session) != keyOf(session) {
		return false
	}
	switch msg.Kind { //nolint:exhaustive // nothing else is said before STARTED
	case callfsm.KindStart:
		p.session = session // said again
	case callfsm.KindHangUp:
		reason := callfsm.ReasonCancelled.Reason()
		l.drop(id, p, reason)
		reply(session, id, p.msg, reason)
	case callfsm.KindReconcile:
		// The caller was away for so long that its session is another one.
		reason := callfsm.ReasonUnreachable.Reason()
		l.drop(id, p, reason)
		reply(session, id, msg, reason)
	}
	return true
}

// arrived starts the calls that wait for a device of a user.
func (s *Service) arrived(session *signaling.Session) {
	if s.options.Wake == nil {
		return
	}
	s.eachAsleep(func(l *callLoop, id callfsm.CallID, p *asleep) {
		if p.msg.To == session.Principal().UserID && keyOf(p.session) != keyOf(session) {
			l.rise(id, p)
		}
	})
}

// left ends the calls that wait and whose caller is gone.
func (s *Service) left(session *signaling.Session) {
	if s.options.Wake == nil {
		return
	}
	s.eachAsleep(func(l *callLoop, id callfsm.CallID, p *asleep) {
		if p.session == session {
			l.drop(id, p, callfsm.ReasonCancelled.Reason())
		}
	})
}

func (s *Service) eachAsleep(f func(l *callLoop, id callfsm.CallID, p *asleep)) {
	for _, l := range s.loops {
		l.loop.Post(func() {
			for id, p := range l.asleep {
				f(l, id, p)
			}
		})
	}
}

// Present returns those of the users of whom a device is connected to this node.
func (s *Service) Present(users []string) []string {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	var found []string
	for _, user := range users {
		for _, p := range s.registry.users[user] {
			if p.lostAt.IsZero() {
				found = append(found, user)
				break
			}
		}
	}
	return found
}
