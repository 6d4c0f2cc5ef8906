package callfsm

import (
	"errors"
	"fmt"
	"time"
)

// ErrIllegal is wrapped by the *InputError that Step returns for an input that
// is not legal in the present state.
var ErrIllegal = errors.New("callfsm: illegal input")

// InputError tells which input was illegal in which state.
type InputError struct {
	State State
	Input string
	Why   string
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
	cfg    Config
	state  State
	leg    Leg
	remote Remote
	media  Media
	muted  bool
}

// NewMachine returns a machine in StateNone. An outgoing call begins with
// InputStart, an incoming one with the message INCOMING.
func NewMachine(cfg Config) *Machine {
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	return &Machine{cfg: cfg}
}

// State returns the present state, BothHold included.
func (m *Machine) State() State { return m.state }

// Shown returns the present state as apps see it.
func (m *Machine) Shown() State { return m.state.Shown() }

// Leg returns this end's own leg: 0 for the caller.
func (m *Machine) Leg() Leg { return m.leg }

// PeerLeg returns the leg whose transport carries the call: for the caller the
// device that accepted, for a device its own. False while nobody accepted.
func (m *Machine) PeerLeg() (Leg, bool) { return m.leg, false }

// Remote returns what is known about the other side.
func (m *Machine) Remote() Remote { return m.remote }

// Media returns the kinds of media that this end sends.
func (m *Machine) Media() Media { return m.media }

// Muted tells whether this end is muted.
func (m *Machine) Muted() bool { return m.muted }

// Deadline returns when the next timer fires, if one runs.
func (m *Machine) Deadline() (time.Time, bool) { return time.Time{}, false }

// Step takes one input at the time now and returns what has to be done, in
// order. The error is an *InputError; then nothing has changed. A timer input
// before the deadline does nothing.
func (m *Machine) Step(now time.Time, in Input) ([]Effect, error) {
	_ = now
	return nil, &InputError{State: m.state, Input: in.Kind.String()}
}
