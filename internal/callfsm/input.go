package callfsm

import "fmt"

// InputKind says what happened to a Machine.
type InputKind uint8

// The inputs of a Machine. Beside each: the fields of Input that count.
const (
	InputNone             InputKind = iota // not an input
	InputStart                             // app: place the call (outgoing only)
	InputAccept                            // app: take the call (incoming only); Media, On (muted)
	InputReject                            // app: refuse it (incoming only); Reason, zero = declined
	InputHangUp                            // app: end it; On (for everyone), Reason (zero = ordinary)
	InputHold                              // app: hold
	InputResume                            // app: resume
	InputMute                              // app: stop sending audio
	InputUnmute                            // app: send audio again
	InputModality                          // app: start or stop Media; On, Request (not 0)
	InputTones                             // app: send Tones as a message
	InputRemove                            // app: remove participant To; Request (not 0)
	InputTransfer                          // app: transfer to To; Request (not 0)
	InputPromote                           // app: make it a group call; Request (not 0)
	InputEarlyMedia                        // app of a device that rings: it plays media before the accept
	InputLobby                             // app of a device that rings: the caller shall wait for admission
	InputMessage                           // service: Message
	InputTransportUp                       // transport of Leg is connected
	InputTransportLost                     // transport of Leg hears nothing, may come back by itself
	InputTransportFailed                   // transport of Leg needs a new offer to come back
	InputMediaFailed                       // media of Leg cannot be set up at all; Reason
	InputSignalingLost                     // signaling is reconnecting
	InputSignalingResumed                  // signaling is back in the same session: nothing was lost
	InputNewEpoch                          // signaling is back in a new session: messages may have been lost
	InputTimer                             // a Deadline has passed
)

// MaxInputKind is the largest InputKind in use.
const MaxInputKind = InputTimer

// Input is one thing that happened to a Machine. Which fields count depends on
// Kind.
type Input struct {
	Kind    InputKind
	Message Message
	Leg     Leg
	Media   Media
	On      bool
	Request uint32
	Reason  EndReason
	To      string
	Tones   string
}

// String returns the name of the kind.
func (k InputKind) String() string {
	names := [...]string{
		"None", "Start", "Accept", "Reject", "HangUp", "Hold", "Resume", "Mute", "Unmute", "Modality", "Tones",
		"Remove", "Transfer", "Promote", "EarlyMedia", "Lobby", "Message", "TransportUp", "TransportLost",
		"TransportFailed", "MediaFailed", "SignalingLost", "SignalingResumed", "NewEpoch", "Timer",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Input(%d)", uint8(k))
}

// EffectKind says what the owner of a Machine has to do.
type EffectKind uint8

// The effects of a Machine. Beside each: the fields of Effect that count.
const (
	EffectNone          EffectKind = iota // not an effect
	EffectSend                            // send Message to the service
	EffectStateChanged                    // tell the app: From, To, Reason (in Disconnecting and Disconnected)
	EffectStartMedia                      // make the transport of Leg; a device makes its offer, a caller waits for it
	EffectMediaAllowed                    // On: send media on Leg and show the addresses of this end; off: stop sending (hold)
	EffectRestartMedia                    // (device only) make a new offer on Leg: ICE restart; see Effect.On
	EffectStopMedia                       // close the transport of Leg, or all with AllLegs
	EffectOperationDone                   // operation Request ended; Reason, OK
	EffectRemoteChanged                   // tell the app what is new about the other side: Remote
	EffectMediaChanged                    // Media is what this end sends from now on (agreed with the other side)
	EffectTones                           // tell the app that the other side pressed Tones
	EffectEnded                           // the call is over, with Reason; always the last effect of all
)

// Effect is one thing that the owner of a Machine has to do. Effects are
// carried out in the order in which Step returns them.
type Effect struct {
	Kind     EffectKind
	Message  Message
	From, To State
	Reason   EndReason
	Leg      Leg
	Media    Media
	// On, in RestartMedia: the newest offer or its answer may be lost. Off: a new
	// offer is not needed while the newest one waits for its answer.
	On      bool
	Request uint32
	OK      bool
	Remote  Remote
	Tones   string
}

// Remote is what an end knows about the other side. It is comparable.
type Remote struct {
	// ID is the raw identifier, DisplayName the name that the other side goes by.
	ID, DisplayName string
	// Leg is the other side's leg; the caller knows it once a device accepted.
	Leg Leg
	// Media are the kinds of media that the other side sends.
	Media Media
	// Muted tells that the other side sends no audio, Held that it holds the call.
	Muted, Held bool
	// State is the state of the participant: Connecting, Ringing, EarlyMedia,
	// InLobby, Connected, RemoteHold (it holds) or Disconnected.
	State State
}

// String returns the name of the kind.
func (k EffectKind) String() string {
	names := [...]string{
		"None", "Send", "StateChanged", "StartMedia", "MediaAllowed", "RestartMedia", "StopMedia",
		"OperationDone", "RemoteChanged", "MediaChanged", "Tones", "Ended",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Effect(%d)", uint8(k))
}
