package engine

import (
	"sync"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/ident"
)

// RemoteParticipant is another side of a call. Its methods never block.
type RemoteParticipant struct {
	mu   sync.Mutex // guards view
	view participantView
}

type participantView struct {
	id          Identifier
	displayName string
	state       ParticipantState
	muted       bool
	speaking    bool
	reason      EndReason
	video       *RemoteVideoTrack // nil while it sends none
}

func (p *RemoteParticipant) get() participantView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view
}

// change changes the view and returns it as it was.
func (p *RemoteParticipant) change(change func(*participantView)) (before participantView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.view
	change(&p.view)
	return before
}

// Identifier returns who it is.
func (p *RemoteParticipant) Identifier() Identifier { return p.get().id }

// DisplayName returns the name it gave, or "".
func (p *RemoteParticipant) DisplayName() string { return p.get().displayName }

// State returns its state in the call.
func (p *RemoteParticipant) State() ParticipantState { return p.get().state }

// IsMuted tells whether it has muted itself.
func (p *RemoteParticipant) IsMuted() bool { return p.get().muted }

// IsSpeaking tells whether its voice is heard now.
func (p *RemoteParticipant) IsSpeaking() bool { return p.get().speaking }

// EndReason tells why it left; its zero value while it has not.
func (p *RemoteParticipant) EndReason() EndReason { return p.get().reason }

// VideoTracks returns the video that it sends now.
func (p *RemoteParticipant) VideoTracks() []*RemoteVideoTrack {
	if t := p.get().video; t != nil {
		return []*RemoteVideoTrack{t}
	}
	return nil
}

// ParticipantState is the state of a remote participant.
type ParticipantState uint8

// The states of a participant.
const (
	// ParticipantStateIdle has not been called yet.
	ParticipantStateIdle ParticipantState = iota
	// ParticipantStateConnecting is being called.
	ParticipantStateConnecting
	// ParticipantStateRinging is being alerted.
	ParticipantStateRinging
	// ParticipantStateEarlyMedia plays something before it takes the call.
	ParticipantStateEarlyMedia
	// ParticipantStateConnected is in the call.
	ParticipantStateConnected
	// ParticipantStateHold holds the call.
	ParticipantStateHold
	// ParticipantStateInLobby waits to be admitted.
	ParticipantStateInLobby
	// ParticipantStateDisconnected has left; final.
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

// participantState translates the machine's view of the other side.
func participantState(r callfsm.Remote) ParticipantState {
	if r.Held && r.State.Established() {
		return ParticipantStateHold
	}
	switch r.State {
	case callfsm.StateNone:
		return ParticipantStateIdle
	case callfsm.StateEarlyMedia:
		return ParticipantStateEarlyMedia
	case callfsm.StateConnecting:
		return ParticipantStateConnecting
	case callfsm.StateRinging:
		return ParticipantStateRinging
	case callfsm.StateConnected, callfsm.StateLocalHold:
		return ParticipantStateConnected
	case callfsm.StateRemoteHold, callfsm.StateBothHold:
		return ParticipantStateHold
	case callfsm.StateInLobby:
		return ParticipantStateInLobby
	case callfsm.StateDisconnecting, callfsm.StateDisconnected:
		return ParticipantStateDisconnected
	}
	return ParticipantStateIdle
}

// identifier reads a raw identifier that came from the service; one that cannot
// be read is kept as it is.
func identifier(rawID string) Identifier {
	id, err := ident.Parse(rawID)
	if err != nil {
		return ident.UnknownIdentifier{ID: rawID}
	}
	return id
}

// setParticipant begins the list of participants with the one other side.
func (c *Call) setParticipant(id Identifier, displayName string) {
	p := &RemoteParticipant{view: participantView{id: id, displayName: displayName}}
	c.setView(func(v *callView) { v.participant = p })
	emit(c, c.options.Events.ParticipantsUpdated, ParticipantsUpdated{Call: c, Added: []*RemoteParticipant{p}})
}

// remoteChanged compares what the machine knows about the other side with what
// the app was told.
func (c *Call) remoteChanged(r callfsm.Remote) {
	p := c.getView().participant
	if p == nil {
		return
	}
	state, hasVideo := participantState(r), r.Media.Has(callfsm.MediaVideo)
	before := p.change(func(v *participantView) {
		if r.ID != "" {
			v.id = identifier(r.ID)
		}
		if r.DisplayName != "" {
			v.displayName = r.DisplayName
		}
		v.state, v.muted = state, r.Muted
		switch {
		case !hasVideo:
			v.video = nil
		case v.video == nil:
			v.video = &RemoteVideoTrack{call: c, participant: p}
		}
	})
	after := p.get()
	events := &c.options.Events
	if before.state != state && state != ParticipantStateDisconnected {
		// That it left is told by participantGone.
		emit(c, events.ParticipantStateChanged,
			ParticipantStateChanged{Call: c, Participant: p, From: before.state, To: state})
	}
	if before.muted != r.Muted {
		emit(c, events.ParticipantMutedChanged, ParticipantMutedChanged{Call: c, Participant: p, Muted: r.Muted})
	}
	if before.video != after.video {
		c.remoteVideoChanged(p, before.video, after.video)
	}
}

func (c *Call) remoteVideoChanged(p *RemoteParticipant, before, after *RemoteVideoTrack) {
	track, available := after, true
	if after == nil {
		track, available = before, false
		if m := c.media.Load(); m != nil && m.videoIn != nil {
			m.videoIn.Reset()
		}
	}
	emit(c, c.options.Events.RemoteVideoChanged,
		RemoteVideoChanged{Call: c, Participant: p, Track: track, Available: available})
}

// participantGone ends the list of participants. It comes before the call's
// own last event.
func (c *Call) participantGone(reason EndReason) {
	p := c.getView().participant
	if p == nil {
		return
	}
	c.setView(func(v *callView) { v.participant = nil })
	before := p.change(func(v *participantView) {
		v.state, v.reason = ParticipantStateDisconnected, reason
		v.speaking, v.video = false, nil
	})
	emit(c, c.options.Events.ParticipantStateChanged, ParticipantStateChanged{
		Call: c, Participant: p, From: before.state, To: ParticipantStateDisconnected,
	})
	emit(c, c.options.Events.ParticipantsUpdated, ParticipantsUpdated{Call: c, Removed: []*RemoteParticipant{p}})
}

// remoteSpeaking is told by the receiver that a voice begins or stops.
func (c *Call) remoteSpeaking(speaking bool) {
	p := c.getView().participant
	if p == nil {
		return
	}
	if before := p.change(func(v *participantView) { v.speaking = speaking }); before.speaking != speaking {
		emitLatest(c, "speaking", c.options.Events.ParticipantSpeakingChanged,
			ParticipantSpeakingChanged{Call: c, Participant: p, Speaking: speaking})
	}
}
