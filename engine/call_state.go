package engine

import "github.com/parley-rtc/parley/internal/callfsm"

// CallState is the state of a call.
type CallState uint8

// The states of a call.
const (
	// CallStateNone is a call that was just made.
	CallStateNone CallState = iota
	// CallStateEarlyMedia plays an announcement before the call is connected.
	CallStateEarlyMedia
	// CallStateConnecting was placed or accepted and is being set up.
	CallStateConnecting
	// CallStateRinging is an outgoing call that rings at the other side.
	CallStateRinging
	// CallStateConnected has media.
	CallStateConnected
	// CallStateLocalHold was put on hold by this side (and maybe by the other too).
	CallStateLocalHold
	// CallStateRemoteHold was put on hold by the other side only.
	CallStateRemoteHold
	// CallStateInLobby waits to be admitted.
	CallStateInLobby
	// CallStateDisconnecting is being hung up.
	CallStateDisconnecting
	// CallStateDisconnected is final.
	CallStateDisconnected
)

// String returns the state's name as ACS has it.
func (s CallState) String() string {
	switch s {
	case CallStateNone:
		return "None"
	case CallStateEarlyMedia:
		return "EarlyMedia"
	case CallStateConnecting:
		return "Connecting"
	case CallStateRinging:
		return "Ringing"
	case CallStateConnected:
		return "Connected"
	case CallStateLocalHold:
		return "LocalHold"
	case CallStateRemoteHold:
		return "RemoteHold"
	case CallStateInLobby:
		return "InLobby"
	case CallStateDisconnecting:
		return "Disconnecting"
	case CallStateDisconnected:
		return "Disconnected"
	default:
		return "Unknown"
	}
}

// CallDirection tells who placed a call.
type CallDirection uint8

// The directions of a call.
const (
	// CallDirectionOutgoing was placed here.
	CallDirectionOutgoing CallDirection = iota + 1
	// CallDirectionIncoming rang here.
	CallDirectionIncoming
)

// String returns "Outgoing" or "Incoming".
func (d CallDirection) String() string {
	switch d {
	case CallDirectionOutgoing:
		return "Outgoing"
	case CallDirectionIncoming:
		return "Incoming"
	default:
		return "Unknown"
	}
}

// callState translates the machine's state.
func callState(s callfsm.State) CallState {
	switch s {
	case callfsm.StateNone:
		return CallStateNone
	case callfsm.StateEarlyMedia:
		return CallStateEarlyMedia
	case callfsm.StateConnecting:
		return CallStateConnecting
	case callfsm.StateRinging:
		return CallStateRinging
	case callfsm.StateConnected:
		return CallStateConnected
	case callfsm.StateLocalHold, callfsm.StateBothHold:
		return CallStateLocalHold
	case callfsm.StateRemoteHold:
		return CallStateRemoteHold
	case callfsm.StateInLobby:
		return CallStateInLobby
	case callfsm.StateDisconnecting:
		return CallStateDisconnecting
	case callfsm.StateDisconnected:
		return CallStateDisconnected
	}
	return CallStateNone
}
