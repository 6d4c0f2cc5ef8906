package callfsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/ident"
)

// ErrIllegal is wrapped by the error that Step returns for an input that is not
// legal in the present state.
var ErrIllegal = errors.New("callfsm: illegal input")

// InputError tells which input was illegal in which state. It wraps ErrIllegal.
type InputError struct {
	// State and Input are the names of both.
	State, Input string
	// Why says more when the state alone does not explain it.
	Why string
}

// Error names the state and the input.
func (e *InputError) Error() string {
	s := fmt.Sprintf("callfsm: %s is illegal in %s", e.Input, e.State)
	if e.Why != "" {
		s += ": " + e.Why
	}
	return s
}

// Unwrap returns ErrIllegal.
func (e *InputError) Unwrap() error { return ErrIllegal }

// Direction tells who called whom.
type Direction uint8

// The directions of a call, as the end sees it.
const (
	Outgoing Direction = iota
	Incoming
)

// Config describes one end's part in a call. It is read once, by NewMachine.
type Config struct {
	Direction Direction
	// From and To are raw identifiers; an incoming call takes both from INCOMING.
	From, To string
	// DisplayName is the name that this end goes by; empty is fine.
	DisplayName string
	// Media are the kinds of media that this end wants to send from the start.
	// Zero means MediaAudio.
	Media Media
	// Muted tells that this end starts without sending audio.
	Muted bool
	// TakesMedia are the kinds of media that this end can receive; a request to
	// start another one is refused. Zero means all.
	TakesMedia Media
	// Timeouts overrides values of DefaultTimeouts; zero fields keep them.
	Timeouts Timeouts
}

// Machine is one end's view of one call. It is not safe for concurrent use: its
// owner calls it from one goroutine.
type Machine struct {
	cfg   Config
	state State
	// leg is this end's own; peer the one whose transport carries the call, 0
	// while nobody accepted (a transport always belongs to a device's leg).
	leg, peer Leg
	// confirmed: the service agreed that peer is the one.
	confirmed bool
	// started: the caller knows that the service has the call.
	started bool
	// lost and reconciling tell what keeps signaling from being whole.
	lost, reconciling bool
	// The transports by leg: made, connected, in need of an offer, without hope.
	made, up, failed, broken legSet
	brokenReason             EndReason
	// unsure: since a new session nothing has shown that the descriptions of these
	// legs arrived.
	unsure       legSet
	media        Media
	muted        bool
	remote, told Remote
	reason       EndReason

	establishAt, reconnectAt, teardownAt time.Time
	operations                           []operation

	// now and out belong to the Step that runs.
	now time.Time
	out []Effect
}

// legSet is a set of legs up to MaxLegs.
type legSet uint8

func (s legSet) has(l Leg) bool { return l <= MaxLegs && s&(1<<l) != 0 }

func (s *legSet) set(l Leg, on bool) {
	if on {
		*s |= 1 << l
	} else {
		*s &^= 1 << l
	}
}

// NewMachine returns a machine in StateNone. An outgoing call begins with
// InputStart, an incoming one with the message INCOMING.
func NewMachine(cfg Config) *Machine {
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	if cfg.Media == 0 {
		cfg.Media = MediaAudio
	}
	if cfg.TakesMedia == 0 {
		cfg.TakesMedia = MediaAudio | MediaVideo | MediaShare
	}
	m := &Machine{cfg: cfg, media: cfg.Media, muted: cfg.Muted}
	if cfg.Direction == Outgoing {
		m.remote.ID = cfg.To
	}
	m.told = m.remote
	return m
}

// State returns the present state, BothHold included.
func (m *Machine) State() State { return m.state }

// Shown returns the present state as apps see it.
func (m *Machine) Shown() State { return m.state.Shown() }

// Leg returns this end's own leg: CallerLeg for the caller.
func (m *Machine) Leg() Leg { return m.leg }

// PeerLeg returns the leg whose transport carries the call: for the caller the
// device that accepted, for a device its own. False while nobody accepted.
func (m *Machine) PeerLeg() (Leg, bool) { return m.peer, m.peer != 0 }

// Remote returns what is known about the other side.
func (m *Machine) Remote() Remote { return m.remote }

// Media returns the kinds of media that this end sends, as agreed.
func (m *Machine) Media() Media { return m.media }

// Muted tells whether this end is muted.
func (m *Machine) Muted() bool { return m.muted }

// Pending returns how many operations wait for their answer.
func (m *Machine) Pending() int { return len(m.operations) }

// Reason returns why the call ended; false before Disconnecting.
func (m *Machine) Reason() (EndReason, bool) {
	return m.reason, m.state == StateDisconnecting || m.state == StateDisconnected
}

// Deadline returns when the next timer fires, if one runs.
func (m *Machine) Deadline() (time.Time, bool) {
	at := earlier(earlier(m.establishAt, m.reconnectAt), m.teardownAt)
	for i := range m.operations {
		at = earlier(at, m.operations[i].at)
	}
	return at, !at.IsZero()
}

// Step takes one input at the time now and returns what has to be done, in
// order. The error is an *InputError; then nothing has changed. A timer input
// before the deadline does nothing. In Disconnected what comes from below is
// taken without an effect, and what the app asks is an error.
func (m *Machine) Step(now time.Time, in Input) ([]Effect, error) {
	return m.appendStep(nil, now, in)
}

func (m *Machine) appendStep(out []Effect, now time.Time, in Input) ([]Effect, error) {
	m.now, m.out = now, out
	err := m.dispatch(in)
	if err == nil && m.state != StateDisconnected {
		m.watch()
		m.tellRemote()
	}
	out, m.out = m.out, nil
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (m *Machine) dispatch(in Input) error {
	switch m.state {
	case StateNone:
		return m.none(in)
	case StateConnecting:
		return m.connecting(in)
	case StateRinging:
		return m.ringing(in)
	case StateEarlyMedia:
		return m.earlyMedia(in)
	case StateInLobby:
		return m.inLobby(in)
	case StateConnected:
		return m.connected(in)
	case StateLocalHold:
		return m.localHold(in)
	case StateRemoteHold:
		return m.remoteHold(in)
	case StateBothHold:
		return m.bothHold(in)
	case StateDisconnecting:
		return m.disconnecting(in)
	case StateDisconnected:
		return m.disconnected(in)
	}
	return m.illegal(in, "unknown state")
}

func (m *Machine) illegal(in Input, why string) error {
	name := in.Kind.String()
	if in.Kind == InputMessage {
		name = in.Message.Kind.String()
	}
	return &InputError{State: m.state.String(), Input: name, Why: why}
}

func (m *Machine) illegalMessage(msg Message, why string) error {
	return &InputError{State: m.state.String(), Input: msg.Kind.String(), Why: why}
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

func (m *Machine) send(msg Message) {
	msg.Leg = m.leg
	m.emit(Effect{Kind: EffectSend, Message: msg})
}

// enter changes the state and tells it.
func (m *Machine) enter(to State) {
	from := m.state
	m.state = to
	e := Effect{Kind: EffectStateChanged, From: from, To: to}
	if to == StateDisconnecting || to == StateDisconnected {
		e.Reason = m.reason
	}
	m.emit(e)
}

// tellRemote reports what has become different about the other side since it
// was last reported.
func (m *Machine) tellRemote() {
	if m.remote != m.told {
		m.told = m.remote
		m.emit(Effect{Kind: EffectRemoteChanged, Remote: m.remote})
	}
}

// watch arms the reconnect timer when something is missing that no other timer
// guards, and disarms it when all is well.
func (m *Machine) watch() {
	var missing bool
	switch m.state {
	case StateConnected, StateLocalHold, StateRemoteHold, StateBothHold:
		missing = m.lost || m.reconciling || !m.up.has(m.peer)
	case StateInLobby, StateRinging:
		// In a lobby the establishment timer does not run.
		missing = m.establishAt.IsZero() && (m.lost || m.reconciling)
	case StateNone, StateConnecting, StateEarlyMedia, StateDisconnecting, StateDisconnected:
	}
	switch {
	case !missing:
		m.reconnectAt = time.Time{}
	case m.reconnectAt.IsZero():
		m.reconnectAt = m.now.Add(m.cfg.Timeouts.Reconnect)
	}
}

// due tells whether a timer has reached its time.
func (m *Machine) due(at time.Time) bool { return !at.IsZero() && !m.now.Before(at) }

// establishment returns how long the set-up of this call may take.
func (m *Machine) establishment() time.Duration {
	return establishment(m.cfg.Timeouts, m.cfg.From, m.cfg.To)
}

func establishment(t Timeouts, from, to string) time.Duration {
	if isPhone(from) || isPhone(to) {
		return t.EstablishmentPSTN
	}
	return t.Establishment
}

func isPhone(rawID string) bool {
	id, err := ident.Parse(rawID)
	return err == nil && id.Kind() == ident.KindPhoneNumber
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
