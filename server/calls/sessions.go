package calls

import (
	"errors"
	"strconv"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// subjectEndSessions, with the user's raw id behind it, asks every node to end
// the sessions of a user; the data is the code in decimal.
const subjectEndSessions = "parley.sessions.end"

// EndSessions ends all sessions of a user, on every node: the user signed out,
// was deleted or had its tokens revoked. It does not wait.
func (s *Service) EndSessions(user string, code signaling.Code) error {
	return s.options.Bus.Publish(subjectEndSessions+"."+user, strconv.AppendUint(nil, uint64(code), 10))
}

// Recheck ends the sessions of this node that were opened with tokens which
// are void by now. A node calls it when it may have missed an EndSessions.
func (s *Service) Recheck(void func(signaling.Principal) bool) {
	for _, session := range s.registry.all() {
		if void(session.Principal()) {
			session.Close(signaling.CodeTokenInvalid, "the token was revoked")
		}
	}
}

func (s *Service) endSessions(subject string, data []byte) {
	code, err := strconv.ParseUint(string(data), 10, 32)
	if err != nil {
		s.logger.Warn("bus message malformed", "subject", subjectEndSessions)
		return
	}
	user := subject[len(subjectEndSessions)+1:]
	for _, session := range s.registry.sessions(user) {
		session.Close(signaling.Code(code), "the service ended the session")
	}
}

// welcome is called for each connection of a session.
func (s *Service) welcome(session *signaling.Session) *signaling.RelayServers {
	s.registry.await(session)
	if s.options.Relay == nil {
		return nil
	}
	s.registry.relayed(session)
	return s.options.Relay.RelayServers(session.Principal().UserID)
}

func (s *Service) sendRelay(session *signaling.Session) {
	servers := s.options.Relay.RelayServers(session.Principal().UserID)
	s.registry.relayed(session)
	// A session that does not take it is over or gets the next ones.
	_ = session.Send(&signaling.Message{Body: &signalpb.Message_Relay{Relay: servers}})
}

func (s *Service) opened(session *signaling.Session) {
	s.registry.add(session)
	if !session.ChatOnly() {
		s.arrived(session)
	}
}

// connectionChanged tells the calls of a device that its connection is lost or
// back.
func (s *Service) connectionChanged(session *signaling.Session, connected bool) {
	s.registry.connected(session, connected)
	kind := callfsm.CoordinatorLegLost
	if connected {
		kind = callfsm.CoordinatorLegResumed
	}
	for _, id := range s.registry.callsOf(keyOf(session)) {
		s.loopOf(id).post(id, func(c *call) { c.sessionEvent(session, kind) })
	}
}

// closed is the end of a session. Whether its calls go on depends on whether
// the agent may come back for them.
func (s *Service) closed(session *signaling.Session, cause error) {
	s.left(session) // before it is known to be gone: nobody rings for a caller who is not there
	s.registry.remove(session)
	if s.options.Chat != nil {
		s.options.Chat.Closed(session)
	}
	if s.stopping.Load() {
		return // the next service takes the calls up
	}
	kind := callfsm.CoordinatorLegGone
	var goodbye *signaling.GoodbyeError
	switch {
	case cause == nil, errors.Is(cause, signaling.ErrSessionExpired):
	case errors.As(cause, &goodbye) && (goodbye.Code.Permanent() || goodbye.Code == signaling.CodeNormal):
		// Signed out, replaced by another instance, or its token is void.
	default:
		// The agent opens a new session and reconciles.
		kind = callfsm.CoordinatorLegLost
	}
	for _, id := range s.registry.callsOf(keyOf(session)) {
		s.loopOf(id).post(id, func(c *call) {
			c.sessionEvent(session, kind)
			c.unbind(session)
		})
	}
}

// handle applies one message of an agent: it hands it to the loop of its call.
// The messages of a session that concern one call stay in order.
func (s *Service) handle(session *signaling.Session, m *signaling.Message) error {
	switch body := m.GetBody().(type) {
	case *signalpb.Message_Call:
		id, msg, err := signaling.DecodeCall(m)
		if err != nil {
			return err
		}
		s.handleCall(session, id, msg)
	case *signalpb.Message_Description, *signalpb.Message_Candidates:
		id, err := signaling.CallID(m)
		if err != nil {
			return err
		}
		s.loopOf(id).post(id, func(c *call) { c.relay(session, m) })
	case *signalpb.Message_Reconcile:
		calls, err := signaling.DecodeReconcile(m)
		if err != nil {
			return err
		}
		s.reconcile(session, calls)
	case *signalpb.Message_Relay:
		// Agents have no relay servers to offer.
	case *signalpb.Message_ChatSubscribe, *signalpb.Message_ChatRequest:
		if s.options.Chat != nil {
			return s.options.Chat.Handle(session, m)
		}
	default:
		_ = body // a message of a later version
	}
	return nil
}

func (s *Service) handleCall(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) {
	if msg.Kind == callfsm.KindStart && s.options.MayCall != nil && !s.options.MayCall(session.Principal()) {
		reply(session, id, msg, callfsm.ReasonUnauthorized.Reason())
		return
	}
	l := s.loopOf(id)
	l.loop.Post(func() {
		c, ok := l.calls[id]
		switch {
		case ok && c.message(session, msg):
		case !ok && l.stir(session, id, msg):
		case !ok && msg.Kind == callfsm.KindStart:
			if reason, over := s.ended.reason(id, keyOf(session)); over {
				reply(session, id, msg, reason)
				return
			}
			l.start(session, id, msg)
		default:
			s.late(session, id, msg)
		}
	})
}

// reconcile takes up what an agent says about its calls in a new session. Calls
// of its device that it does not name are gone from it.
func (s *Service) reconcile(session *signaling.Session, calls []signaling.ReconcileCall) {
	named := make(map[callfsm.CallID]bool, len(calls))
	for _, rc := range calls {
		if named[rc.ID] || rc.State.Kind != callfsm.KindReconcile {
			continue
		}
		named[rc.ID] = true
		s.handleCall(session, rc.ID, rc.State)
	}
	for _, id := range s.registry.callsOf(keyOf(session)) {
		if !named[id] {
			s.loopOf(id).post(id, func(c *call) { c.forgotten(session) })
		}
	}
}

// late answers a message about a call that is over, that this service does not
// know, or that the device has no part in: the answer does not tell which.
func (s *Service) late(session *signaling.Session, id callfsm.CallID, msg callfsm.Message) {
	reason, ok := s.ended.reason(id, keyOf(session))
	if !ok {
		reason = callfsm.ReasonUnknownCall.Reason()
	}
	reply(session, id, msg, reason)
}

func reply(session *signaling.Session, id callfsm.CallID, msg callfsm.Message, reason callfsm.EndReason) {
	if answer, ok := callfsm.LateReply(msg, reason); ok {
		// A session that does not take it is over.
		_ = session.Send(signaling.EncodeCall(id, answer))
	}
}
