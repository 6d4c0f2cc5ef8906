package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
)

// miniService is the call control of the service and nothing else: an acceptor
// and one coordinator a call, in memory, without a relay. Tests that need to
// reach between engine and service use it; the others use the real server.
type miniService struct {
	acceptor *signaling.Acceptor
	timeouts callfsm.Timeouts
	// meddle may change, drop (nil) or double what goes to a device. It runs
	// under the lock.
	meddle func(device string, m *signaling.Message) []*signaling.Message

	mu       sync.Mutex
	devices  map[string]*signaling.Session // "user/device"
	calls    map[callfsm.CallID]*miniCall
	closed   bool
	starts   int
	messages int
}

type miniCall struct {
	id    callfsm.CallID
	fsm   *callfsm.Coordinator
	timer *time.Timer
	// offered are the sessions in which the devices came to know the call.
	offered map[string]*signaling.Session
}

// newMiniService starts one whose tokens are the users' raw ids; a token that
// begins with "bad" is refused, and one that begins with "old" has expired.
func newMiniService(t testing.TB, timeouts callfsm.Timeouts) *miniService {
	t.Helper()
	s := &miniService{
		timeouts: timeouts,
		devices:  map[string]*signaling.Session{},
		calls:    map[callfsm.CallID]*miniCall{},
	}
	acceptor, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(_ context.Context, token string) (signaling.Principal, error) {
			switch {
			case strings.HasPrefix(token, "bad"):
				return signaling.Principal{}, signaling.ErrUnauthorized
			case strings.HasPrefix(token, "old"):
				return signaling.Principal{}, signaling.ErrTokenExpired
			}
			return signaling.Principal{UserID: token, ResourceID: "test"}, nil
		},
		// Before the agent is greeted, so that one that has signed in can be called.
		Welcome: func(session *signaling.Session) *signaling.RelayServers {
			s.opened(session)
			return nil
		},
		Handler:   s.handle,
		Suspended: func(session *signaling.Session) { s.session(session, callfsm.CoordinatorLegLost) },
		Resumed:   func(session *signaling.Session) { s.session(session, callfsm.CoordinatorLegResumed) },
		Closed: func(session *signaling.Session, cause error) {
			var goodbye *signaling.GoodbyeError
			if cause == nil || errors.As(cause, &goodbye) && goodbye.Code.Permanent() {
				s.left(session)
				return
			}
			// The agent opens a new session and reconciles.
			s.session(session, callfsm.CoordinatorLegLost)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.acceptor = acceptor
	t.Cleanup(s.close)
	return s
}

func (s *miniService) dialer() signaling.Dialer { return s.acceptor.Dialer() }

func (s *miniService) close() {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.calls {
		if c.timer != nil {
			c.timer.Stop()
		}
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.acceptor.Shutdown(ctx)
}

// forget ends the session of a user's device as if the service had lost it:
// messages under way are lost, the agent opens a new one and reconciles.
func (s *miniService) forget(userID string) {
	s.mu.Lock()
	session := s.devices[userID+"/"+deviceIn(s, userID)]
	s.mu.Unlock()
	if session != nil {
		session.Close(signaling.CodeProtocolError, "forgotten")
	}
}

func deviceOf(session *signaling.Session) string {
	return session.Principal().UserID + "/" + session.DeviceID()
}

func (s *miniService) opened(session *signaling.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices[deviceOf(session)] = session
}

func (s *miniService) left(session *signaling.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.devices[deviceOf(session)] == session {
		delete(s.devices, deviceOf(session))
	}
	s.eachLegLocked(deviceOf(session), func(c *miniCall, leg callfsm.Leg) {
		if c.offered[deviceOf(session)] == session {
			s.stepLocked(c, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorLegGone, Leg: leg})
		}
	})
}

func (s *miniService) session(session *signaling.Session, kind callfsm.CoordinatorInputKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eachLegLocked(deviceOf(session), func(c *miniCall, leg callfsm.Leg) {
		s.stepLocked(c, callfsm.CoordinatorInput{Kind: kind, Leg: leg})
	})
}

func (s *miniService) eachLegLocked(device string, fn func(*miniCall, callfsm.Leg)) {
	for _, c := range s.calls {
		if leg, ok := c.leg(device); ok {
			fn(c, leg)
		}
	}
}

func (c *miniCall) leg(device string) (callfsm.Leg, bool) {
	for leg := callfsm.CallerLeg; leg < c.fsm.Legs(); leg++ {
		if c.fsm.Device(leg) == device {
			return leg, true
		}
	}
	return 0, false
}

// handle takes one message of a device.
func (s *miniService) handle(session *signaling.Session, m *signaling.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages++
	device := deviceOf(session)
	if m.GetReconcile() != nil {
		return s.reconcileLocked(session, m)
	}
	id, err := signaling.CallID(m)
	if err != nil {
		return err
	}
	call := s.calls[id]
	switch {
	case m.GetCall() != nil:
		_, msg, err := signaling.DecodeCall(m)
		if err != nil {
			return err
		}
		s.callLocked(device, id, call, msg)
	case call != nil:
		s.relayLocked(device, call, m)
	}
	return nil
}

func (s *miniService) callLocked(device string, id callfsm.CallID, call *miniCall, msg callfsm.Message) {
	if call == nil && msg.Kind == callfsm.KindStart {
		call = s.startLocked(device, id, msg)
	}
	if call == nil {
		if reply, ok := callfsm.LateReply(msg, callfsm.ReasonUnknownCall.Reason()); ok {
			s.toDeviceLocked(device, signaling.EncodeCall(id, reply))
		}
		return
	}
	if leg, ok := call.leg(device); ok {
		s.stepLocked(call, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorMessage, Leg: leg, Message: msg})
	}
}

func (s *miniService) startLocked(device string, id callfsm.CallID, msg callfsm.Message) *miniCall {
	s.starts++
	from, _, _ := strings.Cut(device, "/")
	var devices []string
	for d := range s.devices {
		if user, _, _ := strings.Cut(d, "/"); user == msg.To {
			devices = append(devices, d)
		}
	}
	call := &miniCall{id: id, fsm: callfsm.NewCoordinator(callfsm.CoordinatorConfig{
		From: from, To: msg.To, CallerDevice: device, Devices: devices, Timeouts: s.timeouts,
	})}
	call.offered = map[string]*signaling.Session{device: s.devices[device]}
	for _, d := range devices {
		call.offered[d] = s.devices[d]
	}
	s.calls[id] = call
	return call
}

// relayLocked passes descriptions and candidates between the ends.
func (s *miniService) relayLocked(device string, call *miniCall, m *signaling.Message) {
	from, ok := call.leg(device)
	if !ok {
		return
	}
	named := callfsm.Leg(m.GetDescription().GetLeg() + m.GetCandidates().GetLeg())
	if to, ok := call.fsm.RouteLeg(from, named); ok {
		s.toDeviceLocked(call.fsm.Device(to), m)
	}
}

func (s *miniService) reconcileLocked(session *signaling.Session, m *signaling.Message) error {
	device := deviceOf(session)
	list, err := signaling.DecodeReconcile(m)
	if err != nil {
		return err
	}
	named := map[callfsm.CallID]bool{}
	for _, r := range list {
		named[r.ID] = true
		s.callLocked(device, r.ID, s.calls[r.ID], r.State)
	}
	s.eachLegLocked(device, func(c *miniCall, leg callfsm.Leg) {
		if !named[c.id] && c.offered[device] != session {
			s.stepLocked(c, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorLegGone, Leg: leg})
		}
	})
	return nil
}

func (s *miniService) stepLocked(c *miniCall, in callfsm.CoordinatorInput) {
	effects, err := c.fsm.Step(time.Now(), in)
	if err != nil || s.closed {
		return
	}
	for _, e := range effects {
		switch e.Kind {
		case callfsm.CoordinatorEffectNone, callfsm.CoordinatorPersist:
		case callfsm.CoordinatorToLeg:
			s.toDeviceLocked(c.fsm.Device(e.Leg), signaling.EncodeCall(c.id, e.Message))
		case callfsm.CoordinatorFinished:
			delete(s.calls, c.id)
		}
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if at, ok := c.fsm.Deadline(); ok {
		c.timer = time.AfterFunc(time.Until(at), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.stepLocked(c, callfsm.CoordinatorInput{Kind: callfsm.CoordinatorTimer})
		})
	}
}

func (s *miniService) toDeviceLocked(device string, m *signaling.Message) {
	session, ok := s.devices[device]
	if !ok {
		return
	}
	messages := []*signaling.Message{m}
	if s.meddle != nil {
		messages = s.meddle(device, m)
	}
	for _, m := range messages {
		if err := session.Send(m); err != nil {
			return
		}
	}
}

// user returns the raw id of a test user.
func user(name string) string { return fmt.Sprintf("8:acs:test_%s", name) }
