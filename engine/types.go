package engine

import (
	"context"
	"encoding/hex"

	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/transport"
)

// Net is the network that media uses; nil everywhere means the operating
// system's.
type Net = transport.Net

// AudioSource gives audio to send.
type AudioSource = media.AudioSource

// AudioSink takes received audio.
type AudioSink = media.AudioSink

// VideoSource gives encoded video to send.
type VideoSource = media.VideoSource

// VideoSink takes received video, still encoded.
type VideoSink = media.VideoSink

// EncodedFrame is one encoded picture.
type EncodedFrame = media.EncodedFrame

// Identifier names a user or a phone number.
type Identifier interface {
	// RawID returns the identifier's raw form, for example "8:acs:…".
	RawID() string
}

// CallID identifies one call at all its ends.
type CallID [16]byte

// String returns the identifier in its text form.
func (id CallID) String() string { return hex.EncodeToString(id[:]) }

// EndReason says why a call ended, as an ACS code and subcode. Code 0 is a
// normal end.
type EndReason struct {
	Code    int
	Subcode int
	Message string
}

// Dialer opens connections to the service; server.Server.Dialer makes one that
// stays in the process.
type Dialer interface {
	dial(ctx context.Context) error
}

// Timeouts are the timers of a call.
type Timeouts struct{}
