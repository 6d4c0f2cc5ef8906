package mobile

import (
	"sync"

	"github.com/parley-rtc/parley/engine"
)

// What changed about a participant.
const (
	// ParticipantChangeJoined has come.
	ParticipantChangeJoined int32 = 1
	// ParticipantChangeLeft has gone.
	ParticipantChangeLeft int32 = 2
	// ParticipantChangeState has another State.
	ParticipantChangeState int32 = 3
	// ParticipantChangeMuted has muted or unmuted itself.
	ParticipantChangeMuted int32 = 4
	// ParticipantChangeSpeaking began or stopped to speak.
	ParticipantChangeSpeaking int32 = 5
	// ParticipantChangeVideo has started or stopped its video.
	ParticipantChangeVideo int32 = 6
)

// events are the handlers of a call.
func (c *Call) events() engine.CallEvents {
	participant := func(p *engine.RemoteParticipant, change int32) {
		person := c.people.get(p)
		c.tell(func(l CallListener) { l.OnParticipantChanged(c, person, change) })
	}
	return engine.CallEvents{
		StateChanged: c.stateChanged,
		MediaStateChanged: func(e engine.CallMediaStateChanged) {
			c.bind(e.Call)
			c.tell(func(l CallListener) { l.OnMediaStateChanged(c, int32(e.State)) })
		},
		ParticipantsUpdated: func(e engine.ParticipantsUpdated) {
			c.bind(e.Call)
			for _, p := range e.Added {
				participant(p, ParticipantChangeJoined)
			}
			for _, p := range e.Removed {
				participant(p, ParticipantChangeLeft)
			}
		},
		ParticipantStateChanged: func(e engine.ParticipantStateChanged) {
			c.bind(e.Call)
			participant(e.Participant, ParticipantChangeState)
		},
		ParticipantMutedChanged: func(e engine.ParticipantMutedChanged) {
			c.bind(e.Call)
			participant(e.Participant, ParticipantChangeMuted)
		},
		ParticipantSpeakingChanged: func(e engine.ParticipantSpeakingChanged) {
			c.bind(e.Call)
			participant(e.Participant, ParticipantChangeSpeaking)
		},
		RemoteVideoChanged: func(e engine.RemoteVideoChanged) {
			c.bind(e.Call)
			participant(e.Participant, ParticipantChangeVideo)
		},
		MutedChanged: func(e engine.CallMutedChanged) {
			c.bind(e.Call)
			c.tell(func(l CallListener) { l.OnMutedChanged(c, e.Muted, e.IncomingMuted) })
		},
		TrackEnded:   c.trackEnded,
		DTMFReceived: c.toneReceived,
		DataReceived: c.dataReceived,
		Statistics: func(e engine.StatisticsReported) {
			c.bind(e.Call)
			if l, ok := c.stats.get(); ok {
				c.agent.client.scope.call(func() { l.OnCallStats(c, statsText(e.Stats)) })
			}
		},
	}
}

// stateChanged is told the states, the last of which ends the use of the call's
// listeners.
func (c *Call) stateChanged(e engine.CallStateChanged) {
	c.bind(e.Call)
	if e.To == engine.CallStateDisconnected {
		c.agent.remove(c)
		defer c.release()
	}
	c.tell(func(l CallListener) { l.OnCallStateChanged(c, int32(e.To)) })
}

// tell calls the listener, if there is one.
func (c *Call) tell(event func(CallListener)) {
	if l, ok := c.listener.get(); ok {
		c.agent.client.scope.call(func() { event(l) })
	}
}

// The states of a participant.
const (
	// ParticipantStateIdle has not been called yet.
	ParticipantStateIdle int32 = 0
	// ParticipantStateConnecting is being called.
	ParticipantStateConnecting int32 = 1
	// ParticipantStateRinging is being alerted.
	ParticipantStateRinging int32 = 2
	// ParticipantStateEarlyMedia plays something before it takes the call.
	ParticipantStateEarlyMedia int32 = 3
	// ParticipantStateConnected is in the call.
	ParticipantStateConnected int32 = 4
	// ParticipantStateHold holds the call.
	ParticipantStateHold int32 = 5
	// ParticipantStateInLobby waits to be admitted.
	ParticipantStateInLobby int32 = 6
	// ParticipantStateDisconnected has left; final.
	ParticipantStateDisconnected int32 = 7
)

// RemoteParticipant is another side of a call. Its methods never block.
type RemoteParticipant struct{ participant *engine.RemoteParticipant }

// Identifier returns its raw id.
func (p *RemoteParticipant) Identifier() string {
	defer quiet()
	return p.participant.Identifier().RawID()
}

// DisplayName returns the name it gave, or nothing.
func (p *RemoteParticipant) DisplayName() string {
	defer quiet()
	return p.participant.DisplayName()
}

// State returns one of the ParticipantState constants.
func (p *RemoteParticipant) State() int32 {
	defer quiet()
	return int32(p.participant.State())
}

// IsMuted tells whether it has muted itself.
func (p *RemoteParticipant) IsMuted() bool {
	defer quiet()
	return p.participant.IsMuted()
}

// IsSpeaking tells whether its voice is heard now.
func (p *RemoteParticipant) IsSpeaking() bool {
	defer quiet()
	return p.participant.IsSpeaking()
}

// HasVideo tells whether it sends video now.
func (p *RemoteParticipant) HasVideo() bool {
	defer quiet()
	return len(p.participant.VideoTracks()) > 0
}

// EndReason tells why it left; 0/0 while it has not.
func (p *RemoteParticipant) EndReason() *EndReason {
	defer quiet()
	return endReason(p.participant.EndReason())
}

// RemoteParticipantList is a list of participants as it was when it was asked for.
type RemoteParticipantList struct{ participants []*RemoteParticipant }

// Len returns how many there are.
func (l *RemoteParticipantList) Len() int32 {
	defer quiet()
	return int32(len(l.participants))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *RemoteParticipantList) At(i int32) *RemoteParticipant {
	defer quiet()
	return at(l.participants, i)
}

// Participants returns the other sides.
func (c *Call) Participants() *RemoteParticipantList {
	defer quiet()
	list := &RemoteParticipantList{}
	for _, p := range c.engine().Participants() {
		list.participants = append(list.participants, c.people.get(p))
	}
	return list
}

// people keeps one object a participant.
type people struct {
	mu    sync.Mutex
	known []*RemoteParticipant
}

func (k *people) get(p *engine.RemoteParticipant) *RemoteParticipant {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, known := range k.known {
		if known.participant == p {
			return known
		}
	}
	person := &RemoteParticipant{participant: p}
	k.known = append(k.known, person)
	return person
}
