package callfsm

import (
	"fmt"
	"time"
)

// State is the state of a call as one end sees it.
type State uint8

// The states of a call. BothHold is internal: apps see it as StateLocalHold
// (see Shown).
const (
	StateNone State = iota
	StateEarlyMedia
	StateConnecting
	StateRinging
	StateConnected
	StateLocalHold
	StateRemoteHold
	StateBothHold
	StateInLobby
	StateDisconnecting
	StateDisconnected
)

// String returns the name of the state as apps know it.
func (s State) String() string {
	names := [...]string{
		"None", "EarlyMedia", "Connecting", "Ringing", "Connected", "LocalHold", "RemoteHold", "BothHold",
		"InLobby", "Disconnecting", "Disconnected",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Shown returns the state that apps see: BothHold is shown as LocalHold.
func (s State) Shown() State {
	if s == StateBothHold {
		return StateLocalHold
	}
	return s
}

// Established tells whether the state is Connected or one of the holds.
func (s State) Established() bool {
	switch s {
	case StateConnected, StateLocalHold, StateRemoteHold, StateBothHold:
		return true
	case StateNone, StateEarlyMedia, StateConnecting, StateRinging, StateInLobby, StateDisconnecting, StateDisconnected:
		return false
	}
	return false
}

// Timeouts holds how long each timer of a call runs. Zero means the value of
// DefaultTimeouts.
type Timeouts struct {
	// Establishment runs from START or ACCEPT until Connected, ringing included.
	Establishment time.Duration
	// EstablishmentPSTN is the same when one end is a phone number.
	EstablishmentPSTN time.Duration
	// Reconnect runs while signaling or media is lost in an established call.
	Reconnect time.Duration
	// RemoveParticipant runs from the request until it is confirmed.
	RemoveParticipant time.Duration
	// Modality runs from the request to start or stop a kind of media until the
	// other end agreed.
	Modality time.Duration
	// Transfer runs from the request until the target is connected.
	Transfer time.Duration
	// Promote runs from the request until both ends are in the group.
	Promote time.Duration
	// Teardown runs from a hang-up until the service confirmed it; then the end
	// disconnects by itself.
	Teardown time.Duration
}

// DefaultTimeouts returns the values that ACS publishes.
func DefaultTimeouts() Timeouts {
	return Timeouts{
		Establishment:     85 * time.Second,
		EstablishmentPSTN: 115 * time.Second,
		Reconnect:         120 * time.Second,
		RemoveParticipant: 120 * time.Second,
		Modality:          40 * time.Second,
		Transfer:          60 * time.Second,
		Promote:           115 * time.Second,
		Teardown:          5 * time.Second,
	}
}

func (t Timeouts) withDefaults() Timeouts {
	d := DefaultTimeouts()
	set := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&t.Establishment, d.Establishment)
	set(&t.EstablishmentPSTN, d.EstablishmentPSTN)
	set(&t.Reconnect, d.Reconnect)
	set(&t.RemoveParticipant, d.RemoveParticipant)
	set(&t.Modality, d.Modality)
	set(&t.Transfer, d.Transfer)
	set(&t.Promote, d.Promote)
	set(&t.Teardown, d.Teardown)
	return t
}
