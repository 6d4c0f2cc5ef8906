package engine

import (
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/transport"
)

// Identifier names a user, a phone number or something else that can take part
// in a call. It is one of CommunicationUserIdentifier, PhoneNumberIdentifier,
// MicrosoftTeamsUserIdentifier and UnknownIdentifier, all by value.
type Identifier = ident.Identifier

// CommunicationUserIdentifier is a user of a resource.
type CommunicationUserIdentifier = ident.CommunicationUserIdentifier

// PhoneNumberIdentifier is a phone number in E.164 form.
type PhoneNumberIdentifier = ident.PhoneNumberIdentifier

// MicrosoftTeamsUserIdentifier is a user of Microsoft Teams.
type MicrosoftTeamsUserIdentifier = ident.MicrosoftTeamsUserIdentifier

// UnknownIdentifier is an identifier of a kind that this version does not know.
type UnknownIdentifier = ident.UnknownIdentifier

// ParseIdentifier reads a raw identifier such as "8:acs:…" or "4:+1…".
func ParseIdentifier(rawID string) (Identifier, error) { return ident.Parse(rawID) }

// CallID identifies one call at all its ends. Its String is a UUID.
type CallID = callfsm.CallID

// EndReason says why a call ended, as an ACS code and subcode. The zero value
// is the ordinary end.
type EndReason = callfsm.EndReason

// Timeouts holds how long each timer of a call runs. A zero field means the
// published value.
type Timeouts = callfsm.Timeouts

// Dialer opens connections to the service; server.Server.Dialer makes one that
// stays in the process.
type Dialer = signaling.Dialer

// Net is the network below calls. Its methods use only types of the standard
// library.
type Net = transport.Net

// AudioSource gives audio to send: 20 ms of 48 kHz mono a call.
type AudioSource = media.AudioSource

// AudioSink takes received audio: 10 ms of 48 kHz mono a call.
type AudioSink = media.AudioSink

// VideoSource gives encoded video to send.
type VideoSource = media.VideoSource

// VideoSink takes received video, still encoded.
type VideoSink = media.VideoSink

// EncodedFrame is one encoded picture.
type EncodedFrame = media.EncodedFrame
