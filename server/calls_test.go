package server_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

func TestCall_AcceptedAndHungUp(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 1)
	id, legs := p.ring()
	p.accept(id, legs)
	for _, a := range []*agent{p.caller, p.devices[0]} {
		a.send(id, callfsm.Message{Kind: callfsm.KindConnected})
	}
	p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindMute})
	p.caller.expect(id, callfsm.KindMute)
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindHold})
	p.devices[0].expect(id, callfsm.KindHold)
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	p.caller.expectEnd(id, 0, 0)
	p.devices[0].expectEnd(id, 0, 0)
}

func TestCall_SeveralDevices_AnsweredElsewhere(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 3)
	id, legs := p.ring()
	p.accept(id, legs)
	p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	p.devices[0].expectEnd(id, 0, 0)
	p.caller.expectEnd(id, 0, 0)
}

func TestCall_MoreDevicesThanLegs(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), callfsm.MaxLegs+2)
	oldest := p.devices[:2]
	p.devices = p.devices[2:] // the newest ones ring, the newest first
	for i, j := 0, len(p.devices)-1; i < j; i, j = i+1, j-1 {
		p.devices[i], p.devices[j] = p.devices[j], p.devices[i]
	}
	id, legs := p.ring()
	p.accept(id, legs)
	for _, d := range oldest {
		if len(d.messages) != 0 {
			t.Errorf("a device too many heard %v", <-d.messages)
		}
	}
}

func TestCall_Ends(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	t.Run("offline user", func(t *testing.T) {
		p := newPair(t, srv, 0)
		id := callfsm.NewCallID()
		p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: p.devices[0].user})
		p.caller.expectEnd(id, 480, 10037)
	})
	t.Run("busy", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, legs := p.ring()
		p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindReject, Leg: legs[0], Reason: callfsm.ReasonBusy.Reason()})
		p.caller.expectEnd(id, 486, 560486)
		p.devices[0].expectEnd(id, 486, 560486)
	})
	t.Run("declined by all", func(t *testing.T) {
		p := newPair(t, srv, 2)
		id, legs := p.ring()
		for i, d := range p.devices {
			d.send(id, callfsm.Message{Kind: callfsm.KindReject, Leg: legs[i], Reason: callfsm.ReasonDeclined.Reason()})
			d.expectEnd(id, 603, 0)
		}
		p.caller.expectEnd(id, 603, 0)
	})
	t.Run("cancelled", func(t *testing.T) {
		p := newPair(t, srv, 2)
		id, _ := p.ring()
		p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonCancelled.Reason()})
		p.caller.expectEnd(id, 487, 0)
		for _, d := range p.devices {
			d.expectEnd(id, 487, 0)
		}
	})
	t.Run("caller signs out", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, _ := p.ring()
		p.caller.client.Close()
		p.devices[0].expectEnd(id, 487, 0)
	})
	t.Run("callee signs out", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, legs := p.ring()
		p.accept(id, legs)
		p.devices[0].client.Close()
		p.caller.expectEnd(id, 0, 4521)
	})
	t.Run("user of another resource", func(t *testing.T) {
		p := newPair(t, srv, 0)
		id := callfsm.NewCallID()
		p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: "8:acs:00000000-1111-2222-3333-444444444444_55555555-6666-7777-8888-999999999999"})
		p.caller.expectEnd(id, 401, 10009)
	})
	t.Run("nobody's identifier", func(t *testing.T) {
		p := newPair(t, srv, 0)
		for to, want := range map[string]callfsm.ReasonName{
			"": callfsm.ReasonUnreachable, "x": callfsm.ReasonUnreachable, "8:acs:": callfsm.ReasonUnreachable,
			"4:+14255550123": callfsm.ReasonPSTNForbidden, "8:orgid:x": callfsm.ReasonUnreachable,
		} {
			id := callfsm.NewCallID()
			p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: to})
			p.caller.expectEnd(id, want.Reason().Code, want.Reason().Subcode)
		}
	})
	t.Run("unknown call", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id := callfsm.NewCallID()
		p.caller.send(id, callfsm.Message{Kind: callfsm.KindAccept})
		p.caller.expectEnd(id, 481, 0)
		// Somebody else's call answers the same.
		known, _ := p.ring()
		stranger := newPair(t, srv, 0).caller
		stranger.send(known, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1})
		stranger.expectEnd(known, 481, 0)
		p.caller.send(known, callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonCancelled.Reason()})
		p.caller.expectEnd(known, 487, 0)
		stranger.send(known, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1})
		stranger.expectEnd(known, 481, 0)
		p.devices[0].expectEnd(known, 487, 0)
		p.devices[0].send(known, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1})
		p.devices[0].expectEnd(known, 487, 0)
	})
	t.Run("to oneself", func(t *testing.T) {
		r := newREST(t, srv)
		user, token := r.user()
		p := &pair{srv: srv, caller: sign(t, srv, user, token, "phone"), devices: []*agent{sign(t, srv, user, token, "laptop")}}
		id, legs := p.ring()
		p.accept(id, legs)
		p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
		p.caller.expectEnd(id, 0, 0)
		p.devices[0].expectEnd(id, 0, 0)
	})
}

func TestCall_NoAnswer(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{Timeouts: callfsm.Timeouts{Establishment: 3 * time.Second}}), 2)
	id, _ := p.ring()
	p.caller.expectEnd(id, 487, 10004)
	for _, d := range p.devices {
		d.expectEnd(id, 487, 10004)
	}
	// Accepted, but media never came up.
	id, legs := p.ring()
	p.accept(id, legs)
	p.caller.expectEnd(id, 408, 10057)
	p.devices[0].expectEnd(id, 408, 10057)
}

func TestCall_SeveralAtOnce_AreBounded(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 1)
	var ids []callfsm.CallID
	for range 32 {
		id, _ := p.ring()
		ids = append(ids, id)
	}
	id := callfsm.NewCallID()
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: p.devices[0].user})
	p.caller.expectEnd(id, 429, 0)
	p.caller.send(ids[0], callfsm.Message{Kind: callfsm.KindHangUp, Reason: callfsm.ReasonCancelled.Reason()})
	p.caller.expectEnd(ids[0], 487, 0)
	p.devices[0].expectEnd(ids[0], 487, 0)
	p.ring()
}

func description(id callfsm.CallID, leg callfsm.Leg, kind signalpb.CallDescription_Kind, sdp string) *signaling.Message {
	return &signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{
		Leg: uint32(leg), Kind: kind, Generation: 1, Sdp: sdp,
	}}}
}

func candidates(id callfsm.CallID, leg callfsm.Leg, list ...string) *signaling.Message {
	return &signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{Candidates: &signalpb.CallCandidates{
		Leg: uint32(leg), Generation: 1, Candidates: list,
	}}}
}

func TestRelay_BetweenLegs(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 2)
	id, legs := p.ring()
	for i, d := range p.devices {
		d.sendRaw(description(id, legs[i], signalpb.CallDescription_OFFER, "v=0 of "+d.user))
		got := p.caller.next()
		if o := got.GetDescription(); o.GetSdp() != "v=0 of "+d.user || callfsm.Leg(o.GetLeg()) != legs[i] || o.GetKind() != signalpb.CallDescription_OFFER || o.GetGeneration() != 1 {
			t.Fatalf("heard %v", got)
		}
		p.caller.sendRaw(description(id, legs[i], signalpb.CallDescription_ANSWER, "v=0 back"))
		if a := d.next().GetDescription(); a.GetSdp() != "v=0 back" || callfsm.Leg(a.GetLeg()) != legs[i] {
			t.Fatalf("heard %v", a)
		}
		d.sendRaw(candidates(id, 0, "candidate:1 1 udp 1 127.0.0.1 9 typ relay"))
		if c := p.caller.next().GetCandidates(); len(c.GetCandidates()) != 1 || callfsm.Leg(c.GetLeg()) != legs[i] {
			t.Fatalf("heard %v", c)
		}
		p.caller.sendRaw(candidates(id, legs[i], "candidate:2 1 udp 1 127.0.0.1 9 typ relay"))
		if c := d.next().GetCandidates(); len(c.GetCandidates()) != 1 || callfsm.Leg(c.GetLeg()) != legs[i] {
			t.Fatalf("heard %v", c)
		}
	}
	// A device may not speak for another one, nor a stranger for anybody.
	stranger := newPair(t, p.srv, 0).caller
	stranger.sendRaw(candidates(id, 0, "candidate:3 1 udp 1 127.0.0.1 9 typ relay"))
	stranger.send(callfsm.NewCallID(), callfsm.Message{Kind: callfsm.KindAccept})
	stranger.next()
	p.devices[1].sendRaw(candidates(id, legs[0], "candidate:3 1 udp 1 127.0.0.1 9 typ relay"))
	p.accept(id, legs)
	// Nor one that has left the call.
	p.devices[1].sendRaw(description(id, legs[1], signalpb.CallDescription_OFFER, "late"))
	p.devices[1].send(callfsm.NewCallID(), callfsm.Message{Kind: callfsm.KindAccept})
	p.devices[1].next()
	p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindMute})
	p.caller.expect(id, callfsm.KindMute)
}

func TestRelay_Limits(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	big := make([]byte, 40<<10)
	for i := range big {
		big[i] = 'a' + byte(i%23)
	}
	t.Run("description too large", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, legs := p.ring()
		p.devices[0].sendRaw(description(id, legs[0], signalpb.CallDescription_OFFER, string(big)))
		p.caller.expectEnd(id, 410, 3112)
		p.devices[0].expectEnd(id, 410, 3112)
	})
	t.Run("candidate too large", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, legs := p.ring()
		p.accept(id, legs)
		p.caller.sendRaw(candidates(id, legs[0], string(big[:2000])))
		p.caller.expectEnd(id, 410, 3112)
		p.devices[0].expectEnd(id, 410, 3112)
	})
	t.Run("flood of candidates", func(t *testing.T) {
		p := newPair(t, srv, 1)
		id, legs := p.ring()
		list := make([]string, 64)
		for i := range list {
			list[i] = "candidate:1 1 udp 1 127.0.0.1 9 typ relay"
		}
		for range 100 {
			p.devices[0].sendRaw(candidates(id, legs[0], list...))
		}
		heard := 0
		for {
			m := p.caller.next()
			if m.GetCandidates() == nil {
				if _, e, err := signaling.DecodeCall(m); err != nil || e.Kind != callfsm.KindEnded || e.Reason.Subcode != 3112 {
					t.Errorf("heard %v", m)
				}
				break
			}
			heard += len(m.GetCandidates().GetCandidates())
		}
		if heard < 64 || heard > 512 {
			t.Errorf("%d of 6400 candidates were relayed", heard)
		}
		// The other calls of the flooding device go on: it hears of this one.
		p.devices[0].expectEnd(id, 410, 3112)
		p.ring()
	})
}
