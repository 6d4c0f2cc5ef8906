package engine

// CallEvents are the handlers of a call. Nil: not interested. They run one at
// a time, in order, on the agent's event goroutine, and may call any method.
type CallEvents struct {
	// StateChanged is called for every change of State, the last one being to
	// CallStateDisconnected; nothing follows it.
	StateChanged func(CallStateChanged)
	// MediaStateChanged is called when the media path is found, lost and found
	// again; the call's state does not change while it reconnects.
	MediaStateChanged func(CallMediaStateChanged)
	// ParticipantsUpdated is called when others join or leave.
	ParticipantsUpdated func(ParticipantsUpdated)
	// ParticipantStateChanged is called for every change of a participant's State.
	ParticipantStateChanged func(ParticipantStateChanged)
	// ParticipantMutedChanged is called when a participant mutes or unmutes.
	ParticipantMutedChanged func(ParticipantMutedChanged)
	// ParticipantSpeakingChanged is called when a participant begins or stops to
	// speak. Coalesced: a slow handler sees the newest value.
	ParticipantSpeakingChanged func(ParticipantSpeakingChanged)
	// RemoteVideoChanged is called when a participant starts or stops video.
	RemoteVideoChanged func(RemoteVideoChanged)
	// MutedChanged is called when this side's outgoing or incoming audio was
	// muted or unmuted.
	MutedChanged func(CallMutedChanged)
	// LocalTracksUpdated is called when tracks were added or removed here.
	LocalTracksUpdated func(LocalTracksUpdated)
	// TrackEnded is called when a local track's source has ended or failed; the
	// track stays added, SetSource revives it.
	TrackEnded func(LocalTrackEnded)
	// DTMFReceived is called for each tone of another side.
	DTMFReceived func(DTMFReceived)
	// DataReceived is called for each data message of another side.
	DataReceived func(DataReceived)
	// Statistics is called every CallOptions.StatsInterval while the call is up.
	// Coalesced: a slow handler sees the newest value.
	Statistics func(StatisticsReported)
}

// CallStateChanged says that a call's state changed. Reason is set when To is
// CallStateDisconnecting or CallStateDisconnected.
type CallStateChanged struct {
	Call     *Call
	From, To CallState
	Reason   EndReason
}

// CallMediaStateChanged says that the media path changed.
type CallMediaStateChanged struct {
	Call  *Call
	State MediaState
}

// MediaState is the state of a call's media path.
type MediaState uint8

// The states of a media path.
const (
	// MediaStateConnecting looks for a path.
	MediaStateConnecting MediaState = iota + 1
	// MediaStateConnected has a path.
	MediaStateConnected
	// MediaStateReconnecting lost its path and looks for another.
	MediaStateReconnecting
)

// String returns the state's name.
func (s MediaState) String() string {
	switch s {
	case MediaStateConnecting:
		return "Connecting"
	case MediaStateConnected:
		return "Connected"
	case MediaStateReconnecting:
		return "Reconnecting"
	default:
		return "Unknown"
	}
}

// ParticipantsUpdated lists who joined and left a call.
type ParticipantsUpdated struct {
	Call    *Call
	Added   []*RemoteParticipant
	Removed []*RemoteParticipant
}

// ParticipantStateChanged says that a participant's state changed.
type ParticipantStateChanged struct {
	Call        *Call
	Participant *RemoteParticipant
	From, To    ParticipantState
}

// ParticipantMutedChanged says that a participant muted or unmuted.
type ParticipantMutedChanged struct {
	Call        *Call
	Participant *RemoteParticipant
	Muted       bool
}

// ParticipantSpeakingChanged says that a participant began or stopped to speak.
type ParticipantSpeakingChanged struct {
	Call        *Call
	Participant *RemoteParticipant
	Speaking    bool
}

// RemoteVideoChanged says that a participant's video was started or stopped.
type RemoteVideoChanged struct {
	Call        *Call
	Participant *RemoteParticipant
	Track       *RemoteVideoTrack
	Available   bool
}

// CallMutedChanged tells what of this side is muted now.
type CallMutedChanged struct {
	Call          *Call
	Muted         bool
	IncomingMuted bool
}

// LocalTracksUpdated lists tracks that this side added and removed.
type LocalTracksUpdated struct {
	Call    *Call
	Added   []LocalTrack
	Removed []LocalTrack
}

// LocalTrackEnded says that a track's source gives no more. Err is nil at a
// regular end (io.EOF).
type LocalTrackEnded struct {
	Call  *Call
	Track LocalTrack
	Err   error
}

// DTMFReceived is one tone of another side.
type DTMFReceived struct {
	Call        *Call
	Participant *RemoteParticipant
	// Tone is one of 0–9, A–D, * and #.
	Tone rune
}

// DataReceived is one data message of another side.
type DataReceived struct {
	Call        *Call
	Participant *RemoteParticipant
	ChannelID   int
	Reliability DataReliability
	// Sequence counts the sender's messages on this channel from 1; lossy
	// channels have gaps.
	Sequence uint32
	// Data belongs to the handler.
	Data []byte
}

// StatisticsReported carries the periodic media statistics.
type StatisticsReported struct {
	Call  *Call
	Stats CallStats
}
