package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
	"github.com/parley-rtc/parley/transport"
)

// handle applies one message of the service. It runs on signaling's goroutine
// and returns when the call's loop has applied the message; only then it is
// acknowledged. What the other side of a call sent malformed is logged and
// dropped: it must not end this agent's session.
func (a *CallAgent) handle(m *signaling.Message) error {
	<-a.welcomed
	switch body := m.GetBody().(type) {
	case *signalpb.Message_Call:
		id, msg, err := signaling.DecodeCall(m)
		if err != nil {
			a.logger.Warn("dropped a malformed call message", "error", err)
			return nil
		}
		a.handleCall(id, msg)
	case *signalpb.Message_Description:
		a.toCall(m, func(c *Call) { c.descriptionReceived(body.Description) })
	case *signalpb.Message_Candidates:
		a.toCall(m, func(c *Call) { c.candidatesReceived(body.Candidates) })
	case *signalpb.Message_Relay:
		a.mu.Lock()
		a.relay = body.Relay
		a.mu.Unlock()
	default:
		// A later version's message.
		a.logger.Debug("dropped a message of an unknown kind")
	}
	return nil
}

// toCall runs fn on the loop of the call that m belongs to, and waits.
func (a *CallAgent) toCall(m *signaling.Message, fn func(*Call)) {
	var id CallID
	if copy(id[:], m.GetCallId()) != len(id) || len(m.GetCallId()) != len(id) {
		a.logger.Warn("dropped a message with a malformed call id")
		return
	}
	if c, ok := a.find(id); ok {
		c.apply(func() { fn(c) })
	}
}

func (a *CallAgent) handleCall(id CallID, msg callfsm.Message) {
	c, ok := a.find(id)
	switch {
	case ok:
		c.apply(func() { c.messageReceived(msg) })
	case msg.Kind == callfsm.KindIncoming:
		a.ring(id, msg)
	default:
		a.logger.Debug("dropped a message for a call that is over", "call_id", id.String(), "kind", msg.Kind.String())
	}
}

// ring begins an incoming call.
func (a *CallAgent) ring(id CallID, msg callfsm.Message) {
	c := newCall(a, id, CallDirectionIncoming, callfsm.NewMachine(callfsm.Config{
		Direction:   callfsm.Incoming,
		DisplayName: a.options.DisplayName,
		TakesMedia:  callfsm.MediaAudio | callfsm.MediaVideo,
		Timeouts:    a.client.options.Timeouts,
	}))
	i := newIncomingCall(c, msg)
	c.incoming, c.early = i, a.options.ShareAddressEarly
	if !a.addRinging(i) {
		c.discard()
		a.refuse(id, msg.Leg)
		return
	}
	c.apply(func() { c.ring(i, msg) })
}

// refuse answers a call that cannot even ring here.
func (a *CallAgent) refuse(id CallID, leg callfsm.Leg) {
	reject := callfsm.Message{Kind: callfsm.KindReject, Leg: leg, Reason: callfsm.ReasonBusy.Reason()}
	if err := a.sig.Send(signaling.EncodeCall(id, reject)); err != nil {
		a.logger.Warn("incoming call not refused", "call_id", id.String(), "error", err)
	}
}

// signalingChanged follows the connection to the service. It runs on
// signaling's goroutine.
func (a *CallAgent) signalingChanged(s signaling.ClientState) {
	select {
	case <-a.welcomed:
	default:
		// The first connection is Start's affair.
		return
	}
	switch s.Phase {
	case signaling.ClientConnected:
		a.mu.Lock()
		if s.Welcome.Relay != nil {
			a.relay = s.Welcome.Relay
		}
		a.mu.Unlock()
		a.setState(ConnectionStateConnected, nil)
		if s.NewSession {
			a.reconcile(a.all(), nil)
			return
		}
		a.inputAll(callfsm.Input{Kind: callfsm.InputSignalingResumed})
	case signaling.ClientReconnecting:
		a.setState(ConnectionStateReconnecting, s.Err)
		a.inputAll(callfsm.Input{Kind: callfsm.InputSignalingLost})
	case signaling.ClientClosed:
		if errors.Is(s.Err, signaling.ErrClosed) {
			// This side's own doing, and all of it is done there.
			return
		}
		a.setState(ConnectionStateDisconnected, s.Err)
		reason := callfsm.ReasonEndpointGone
		if unauthorized(s.Err) {
			reason = callfsm.ReasonTokenExpired
		}
		a.inputAll(callfsm.Input{Kind: callfsm.InputHangUp, Reason: reason.Reason()})
	}
}

// setState records and reports a change of the connection.
func (a *CallAgent) setState(to ConnectionState, err error) {
	if err != nil && unauthorized(err) {
		err = fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	a.mu.Lock()
	from := a.state
	changed := from != to && from != ConnectionStateDisconnected
	if changed {
		a.state = to
	}
	a.mu.Unlock()
	if changed || err != nil && from == to {
		a.emitState(from, to, err)
	}
}

func (a *CallAgent) inputAll(in callfsm.Input) {
	for _, c := range a.all() {
		c.apply(func() { c.input(in) })
	}
}

// reconcile tells the service, first in a new session, all calls that this
// agent knows; the service ends those that it names no more. The loops of all
// calls stand still until the list is sent, so that nothing overtakes it.
func (a *CallAgent) reconcile(calls []*Call, list []signaling.ReconcileCall) {
	if len(calls) == 0 {
		if err := a.sig.Send(signaling.EncodeReconcile(list)); err != nil {
			a.logger.Warn("calls not reconciled", "error", err)
		}
		return
	}
	c, rest, done := calls[0], calls[1:], false
	c.apply(func() {
		done = true
		c.held = &heldMessages{}
		c.input(callfsm.Input{Kind: callfsm.InputNewEpoch})
		held := c.held
		c.held = nil
		for _, state := range held.reconcile {
			list = append(list, signaling.ReconcileCall{ID: c.id, State: state})
		}
		a.reconcile(rest, list)
		for _, m := range held.others {
			c.send(signaling.EncodeCall(c.id, m))
		}
	})
	if !done {
		a.reconcile(rest, list)
	}
}

// heldMessages are what a call wants to send while its agent reconciles.
type heldMessages struct {
	reconcile, others []callfsm.Message
}

func (h *heldMessages) add(m callfsm.Message) {
	if m.Kind == callfsm.KindReconcile {
		h.reconcile = append(h.reconcile, m)
		return
	}
	h.others = append(h.others, m)
}

// iceServers returns the relay that new media sessions use.
func (a *CallAgent) iceServers() []transport.ICEServer {
	a.mu.Lock()
	relay := a.relay
	a.mu.Unlock()
	var servers []transport.ICEServer
	for _, s := range relay.GetServers() {
		servers = append(servers, transport.ICEServer{
			URLs: withoutDoubles(s.GetUrls()), Username: s.GetUsername(), Credential: s.GetCredential(),
		})
	}
	return servers
}

// withoutDoubles leaves out "stun:" URLs of hosts that are named as "turn:" too:
// a relay tells the reflexive address as well, and each further candidate costs
// a message and a dozen checks.
func withoutDoubles(urls []string) []string {
	relays := map[string]bool{}
	for _, u := range urls {
		if rest, ok := strings.CutPrefix(u, "turn:"); ok {
			host, _, _ := strings.Cut(rest, "?")
			relays[host] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(urls), func(u string) bool {
		host, ok := strings.CutPrefix(u, "stun:")
		return ok && relays[host]
	})
}
