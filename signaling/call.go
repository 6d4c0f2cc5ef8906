package signaling

import (
	"fmt"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// ErrMalformed is returned for messages that do not hold what they should.
var ErrMalformed = wire.ErrMalformed

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
		s.Reason = encodeReason(m.Reason)
	}
	return s
}

// encodeReason leaves the text out where the far end has it, too.
func encodeReason(r callfsm.EndReason) *signalpb.EndReason {
	e := &signalpb.EndReason{Code: int32(r.Code), Subcode: int32(r.Subcode)} //nolint:gosec // codes are small
	if text := usualText(r.Code, r.Subcode); text == "" || text != r.Message {
		e.Message = &r.Message
	}
	return e
}

func decodeReason(e *signalpb.EndReason) callfsm.EndReason {
	if e == nil {
		return callfsm.EndReason{}
	}
	r := callfsm.EndReason{Code: int(e.GetCode()), Subcode: int(e.GetSubcode()), Message: e.GetMessage()}
	if e.Message == nil {
		r.Message = usualText(r.Code, r.Subcode)
	}
	return r
}

// usualText is the text that callfsm has for a pair of codes; empty for none.
func usualText(code, subcode int) string {
	for name := callfsm.ReasonNone; ; name++ {
		switch r := name.Reason(); {
		case r == callfsm.EndReason{}:
			return "" // past the last name
		case r.Code == code && r.Subcode == subcode:
			return r.Message
		}
	}
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
		Reason: decodeReason(s.GetReason()),
	}, nil
}
