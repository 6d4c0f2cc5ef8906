package engine

// RemoteParticipant is another side of a call. Its methods never block.
type RemoteParticipant struct{}

// Identifier returns who it is.
func (p *RemoteParticipant) Identifier() Identifier { return nil }

// DisplayName returns the name it gave, or "".
func (p *RemoteParticipant) DisplayName() string { return "" }

// State returns its state in the call.
func (p *RemoteParticipant) State() ParticipantState { return ParticipantStateIdle }

// IsMuted tells whether it has muted itself.
func (p *RemoteParticipant) IsMuted() bool { return false }

// IsSpeaking tells whether its voice is heard now.
func (p *RemoteParticipant) IsSpeaking() bool { return false }

// EndReason tells why it left; its zero value while it has not.
func (p *RemoteParticipant) EndReason() EndReason { return EndReason{} }

// VideoTracks returns the video that it sends now.
func (p *RemoteParticipant) VideoTracks() []*RemoteVideoTrack { return nil }

// ParticipantState is the state of a remote participant.
type ParticipantState uint8

// The states of a participant.
const (
	ParticipantStateIdle ParticipantState = iota
	ParticipantStateConnecting
	ParticipantStateRinging
	ParticipantStateEarlyMedia
	ParticipantStateConnected
	ParticipantStateHold
	ParticipantStateInLobby
	ParticipantStateDisconnected
)

// String returns the state's name as ACS has it.
func (s ParticipantState) String() string {
	switch s {
	case ParticipantStateIdle:
		return "Idle"
	case ParticipantStateConnecting:
		return "Connecting"
	case ParticipantStateRinging:
		return "Ringing"
	case ParticipantStateEarlyMedia:
		return "EarlyMedia"
	case ParticipantStateConnected:
		return "Connected"
	case ParticipantStateHold:
		return "Hold"
	case ParticipantStateInLobby:
		return "InLobby"
	case ParticipantStateDisconnected:
		return "Disconnected"
	default:
		return "Unknown"
	}
}
