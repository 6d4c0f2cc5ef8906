package signaling

import (
	"errors"
	"fmt"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// ErrMalformed is returned for messages that do not hold what they should.
var ErrMalformed = errors.New("signaling: malformed message")

// EncodeCall returns the message that carries one step of call control.
func EncodeCall(id callfsm.CallID, m callfsm.Message) *Message {
	return &Message{CallId: id[:], Body: &signalpb.Message_Call{Call: encodeSignal(m)}}
}

// DecodeCall reads what EncodeCall wrote. The error is ErrMalformed.
func DecodeCall(m *Message) (callfsm.CallID, callfsm.Message, error) {
	id, err := CallID(m)
	if err != nil {
		return callfsm.CallID{}, callfsm.Message{}, err
	}
	decoded, err := decodeSignal(m.GetCall())
	return id, decoded, err
}

// CallID returns the call that a message belongs to. The error is
// ErrMalformed when it names none.
func CallID(m *Message) (callfsm.CallID, error) {
	var id callfsm.CallID
	if len(m.GetCallId()) != len(id) {
		return id, fmt.Errorf("%w: call id of %d bytes", ErrMalformed, len(m.GetCallId()))
	}
	copy(id[:], m.GetCallId())
	return id, nil
}

// ReconcileCall is one call of a snapshot.
type ReconcileCall struct {
	ID callfsm.CallID
	// State is a message of kind callfsm.KindReconcile.
	State callfsm.Message
}

// EncodeReconcile returns the message that tells the service all calls of an
// agent, sent first in a session that replaces another.
func EncodeReconcile(calls []ReconcileCall) *Message {
	r := &signalpb.CallReconcile{}
	for _, c := range calls {
		r.Calls = append(r.Calls, &signalpb.CallReconcile_Call{CallId: c.ID[:], Signal: encodeSignal(c.State)})
	}
	return &Message{Body: &signalpb.Message_Reconcile{Reconcile: r}}
}

// DecodeReconcile reads what EncodeReconcile wrote. The error is ErrMalformed.
func DecodeReconcile(m *Message) ([]ReconcileCall, error) {
	if m.GetReconcile() == nil {
		return nil, fmt.Errorf("%w: no reconcile", ErrMalformed)
	}
	calls := make([]ReconcileCall, 0, len(m.GetReconcile().GetCalls()))
	for _, c := range m.GetReconcile().GetCalls() {
		id, err := CallID(&Message{CallId: c.GetCallId()})
		if err != nil {
			return nil, err
		}
		state, err := decodeSignal(c.GetSignal())
		if err != nil {
			return nil, err
		}
		calls = append(calls, ReconcileCall{ID: id, State: state})
	}
	return calls, nil
}

func encodeSignal(m callfsm.Message) *signalpb.CallSignal {
	s := &signalpb.CallSignal{
		Kind: uint32(m.Kind), Leg: uint32(m.Leg), From: m.From, To: m.To, DisplayName: m.DisplayName,
		Media: uint32(m.Media), On: m.On, Request: m.Request, State: uint32(m.State), Tones: m.Tones,
	}
	if m.Reason != (callfsm.EndReason{}) {
		s.Reason = &signalpb.EndReason{
			Code: int32(m.Reason.Code), Subcode: int32(m.Reason.Subcode), Message: m.Reason.Message, //nolint:gosec // codes are small
		}
	}
	return s
}

func decodeSignal(s *signalpb.CallSignal) (callfsm.Message, error) {
	switch {
	case s == nil:
		return callfsm.Message{}, fmt.Errorf("%w: no call signal", ErrMalformed)
	case s.GetKind() > 255 || s.GetMedia() > 255 || s.GetState() > 255:
		return callfsm.Message{}, fmt.Errorf("%w: call signal out of range", ErrMalformed)
	}
	return callfsm.Message{
		Kind: callfsm.MessageKind(s.GetKind()), Leg: callfsm.Leg(s.GetLeg()),
		From: s.GetFrom(), To: s.GetTo(), DisplayName: s.GetDisplayName(),
		Media: callfsm.Media(s.GetMedia()), On: s.GetOn(), Request: s.GetRequest(),
		State: callfsm.State(s.GetState()), Tones: s.GetTones(),
		Reason: callfsm.EndReason{
			Code: int(s.GetReason().GetCode()), Subcode: int(s.GetReason().GetSubcode()), Message: s.GetReason().GetMessage(),
		},
	}, nil
}
