package signaling_test

import (
	"errors"
	"testing"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

func TestCall_RoundTrip(t *testing.T) {
	id := callfsm.NewCallID()
	full := callfsm.Message{
		Leg: 3, From: "8:acs:a", To: "+15550100", DisplayName: "Ä", Media: callfsm.MediaAudio | callfsm.MediaShare, On: true,
		Request: 7, State: callfsm.StateBothHold, Tones: "12#", Reason: callfsm.EndReason{Code: 486, Subcode: -1, Message: "own words"},
	}
	var tests []callfsm.Message
	for k := callfsm.KindNone; k <= callfsm.MaxMessageKind; k++ {
		full.Kind = k
		tests = append(tests, full, callfsm.Message{Kind: k})
	}
	for name := callfsm.ReasonNone; name.Reason() != (callfsm.EndReason{}); name++ {
		r := name.Reason()
		tests = append(tests, callfsm.Message{Kind: callfsm.KindEnded, Reason: r},
			callfsm.Message{Kind: callfsm.KindEnded, Reason: callfsm.EndReason{Code: r.Code, Subcode: r.Subcode}},
			callfsm.Message{Kind: callfsm.KindEnded, Reason: callfsm.EndReason{Code: r.Code, Subcode: r.Subcode, Message: "other"}})
	}
	for _, want := range tests {
		m := signaling.EncodeCall(id, want)
		data, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back := &signaling.Message{}
		if err := back.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		gotID, got, err := signaling.DecodeCall(back)
		if err != nil || gotID != id || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestReconcile_RoundTrip(t *testing.T) {
	want := []signaling.ReconcileCall{
		{ID: callfsm.NewCallID(), State: callfsm.Message{Kind: callfsm.KindReconcile, State: callfsm.StateConnected}},
		{ID: callfsm.NewCallID(), State: callfsm.Message{Kind: callfsm.KindReconcile, Leg: 2, Media: callfsm.MediaVideo}},
	}
	for n := range len(want) + 1 {
		got, err := signaling.DecodeReconcile(signaling.EncodeReconcile(want[:n]))
		if err != nil || len(got) != n {
			t.Fatalf("%d calls, %v", len(got), err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("got %+v, want %+v", got[i], want[i])
			}
		}
	}
}

func TestCall_Malformed(t *testing.T) {
	signal := func(s *signalpb.CallSignal) *signaling.Message {
		return &signaling.Message{CallId: make([]byte, 16), Body: &signalpb.Message_Call{Call: s}}
	}
	for _, m := range []*signaling.Message{
		nil,
		{},
		{CallId: make([]byte, 16)},
		{CallId: make([]byte, 15), Body: signal(&signalpb.CallSignal{}).GetBody()},
		signal(nil), signal(&signalpb.CallSignal{Kind: 256}), signal(&signalpb.CallSignal{Media: 256}), signal(&signalpb.CallSignal{State: 256}),
	} {
		if _, _, err := signaling.DecodeCall(m); !errors.Is(err, signaling.ErrMalformed) {
			t.Errorf("%v: %v", m, err)
		}
	}
	reconcile := func(c ...*signalpb.CallReconcile_Call) *signaling.Message {
		return &signaling.Message{Body: &signalpb.Message_Reconcile{Reconcile: &signalpb.CallReconcile{Calls: c}}}
	}
	for _, m := range []*signaling.Message{
		nil,
		{},
		reconcile(nil), reconcile(&signalpb.CallReconcile_Call{CallId: make([]byte, 16)}),
		reconcile(&signalpb.CallReconcile_Call{Signal: &signalpb.CallSignal{}}),
	} {
		if _, err := signaling.DecodeReconcile(m); !errors.Is(err, signaling.ErrMalformed) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &signaling.Message{}
		if m.Unmarshal(data) != nil {
			return
		}
		if id, call, err := signaling.DecodeCall(m); err == nil {
			againID, again, err := signaling.DecodeCall(signaling.EncodeCall(id, call))
			if err != nil || againID != id || again != call {
				t.Errorf("%+v became %+v, %v", call, again, err)
			}
		} else if !errors.Is(err, signaling.ErrMalformed) {
			t.Errorf("error of another kind: %v", err)
		}
		if calls, err := signaling.DecodeReconcile(m); err == nil {
			again, err := signaling.DecodeReconcile(signaling.EncodeReconcile(calls))
			if err != nil || len(again) != len(calls) {
				t.Errorf("%d calls became %d, %v", len(calls), len(again), err)
			}
		} else if !errors.Is(err, signaling.ErrMalformed) {
			t.Errorf("error of another kind: %v", err)
		}
	})
}
