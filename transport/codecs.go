package transport

import (
	"fmt"
	"strings"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/webrtc/v4"
)

const (
	telephoneEvent = "telephone-event"
	rtxName        = "rtx"
	firstDynamic   = 96
	lastPayload    = 127
	videoClock     = 90000

	uriAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriTWCC       = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// staticCodecTable has the payload types that a description may use without
// saying what they are (RFC 3551 6), of those that we know.
var staticCodecTable = map[uint8]packet.Codec{
	0: {Name: "PCMU", PayloadType: 0, ClockRate: 8000, Channels: 1},
	8: {Name: "PCMA", PayloadType: 8, ClockRate: 8000, Channels: 1},
	9: {Name: "G722", PayloadType: 9, ClockRate: 8000, Channels: 1},
}

// offered is a codec of ours with the payload type of its retransmissions, 0 for none.
type offered struct {
	packet.Codec
	rtx uint8
}

// payloadTypes hands out payload types.
type payloadTypes [lastPayload + 1]bool

// take marks the type that a codec has.
func (u *payloadTypes) take(c packet.Codec) error {
	if c.PayloadType > lastPayload || u[c.PayloadType] {
		return fmt.Errorf("%w: payload type %d of %s", ErrInvalidOptions, c.PayloadType, c.Name)
	}
	u[c.PayloadType] = true
	return nil
}

// next returns a free one of the dynamic range.
func (u *payloadTypes) next() (uint8, error) {
	for pt := firstDynamic; pt <= lastPayload; pt++ {
		if !u[pt] {
			u[pt] = true
			return uint8(pt), nil //nolint:gosec // up to 127
		}
	}
	return 0, fmt.Errorf("%w: too many codecs", ErrInvalidOptions)
}

// assignPayloadTypes gives a payload type to every codec that has none, and to
// the retransmissions of every video codec.
func assignPayloadTypes(audio, video []packet.Codec) (a, v []offered, err error) {
	if len(audio) == 0 {
		return nil, nil, fmt.Errorf("%w: no audio codec", ErrInvalidOptions)
	}
	var used payloadTypes
	list := append(append([]packet.Codec(nil), audio...), video...)
	for i := range list {
		c := &list[i]
		if c.Name == "" || c.ClockRate == 0 {
			return nil, nil, fmt.Errorf("%w: codec %q without name or clock rate", ErrInvalidOptions, c.Name)
		}
		if c.PayloadType == 0 {
			staticType(c)
		}
		if untyped(*c) {
			continue
		}
		if err := used.take(*c); err != nil {
			return nil, nil, err
		}
	}
	result := make([]offered, len(list))
	for i, c := range list {
		if untyped(c) {
			if c.PayloadType, err = used.next(); err != nil {
				return nil, nil, err
			}
		}
		result[i].Codec = c
		if i >= len(audio) {
			if result[i].rtx, err = used.next(); err != nil {
				return nil, nil, err
			}
		}
	}
	return result[:len(audio)], result[len(audio):], nil
}

// untyped tells whether a codec still needs a payload type.
func untyped(c packet.Codec) bool { return c.PayloadType == 0 && !strings.EqualFold(c.Name, "PCMU") }

func staticType(c *packet.Codec) {
	for pt, s := range staticCodecTable {
		if sameCodec(*c, s) {
			c.PayloadType = pt
			return
		}
	}
}

// sameCodec compares what makes a payload format another one. Most parameters
// are a matter of taste of the two ends; some are not.
func sameCodec(a, b packet.Codec) bool {
	if !strings.EqualFold(a.Name, b.Name) || a.ClockRate != b.ClockRate || max(a.Channels, 1) != max(b.Channels, 1) {
		return false
	}
	switch strings.ToUpper(a.Name) {
	case "H264":
		// RFC 6184 8.2.2; the level may differ, and the constraints mostly do.
		return parameter(a, "packetization-mode", "0") == parameter(b, "packetization-mode", "0") &&
			profile(a) == profile(b)
	case "VP9":
		return parameter(a, "profile-id", "0") == parameter(b, "profile-id", "0")
	case "AV1":
		return parameter(a, "profile", "0") == parameter(b, "profile", "0")
	default:
		return true
	}
}

// parameter returns one of the parameters of a codec.
func parameter(c packet.Codec, name, otherwise string) string {
	for p := range strings.SplitSeq(c.Parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// profile returns the profile of an H.264 codec.
func profile(c packet.Codec) string {
	level := strings.ToLower(parameter(c, "profile-level-id", "42000a"))
	return level[:min(2, len(level))]
}

func isTelephoneEvent(c packet.Codec) bool { return strings.EqualFold(c.Name, telephoneEvent) }

// mediaEngine registers the codecs and header extensions, and nothing else, so
// that descriptions stay small.
func mediaEngine(audio, video []offered) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	for _, c := range audio {
		var feedback []webrtc.RTCPFeedback
		if !isTelephoneEvent(c.Codec) {
			feedback = []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}}
		}
		if err := m.RegisterCodec(parameters("audio/", c.Codec, feedback), webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalidOptions, c.Name, err)
		}
	}
	for _, c := range video {
		feedback := []webrtc.RTCPFeedback{
			{Type: webrtc.TypeRTCPFBNACK},
			{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
			{Type: webrtc.TypeRTCPFBTransportCC},
		}
		rtx := packet.Codec{
			Name: rtxName, PayloadType: c.rtx, ClockRate: videoClock, Parameters: fmt.Sprintf("apt=%d", c.PayloadType),
		}
		for _, p := range []webrtc.RTPCodecParameters{parameters("video/", c.Codec, feedback), parameters("video/", rtx, nil)} {
			if err := m.RegisterCodec(p, webrtc.RTPCodecTypeVideo); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrInvalidOptions, c.Name, err)
			}
		}
	}
	for _, e := range []struct {
		uri  string
		kind webrtc.RTPCodecType
	}{
		{uriTWCC, webrtc.RTPCodecTypeAudio},
		{uriTWCC, webrtc.RTPCodecTypeVideo},
		{uriAudioLevel, webrtc.RTPCodecTypeAudio},
	} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, e.kind); err != nil {
			return nil, fmt.Errorf("transport: register header extension: %w", err)
		}
	}
	return m, nil
}

func parameters(prefix string, c packet.Codec, feedback []webrtc.RTCPFeedback) webrtc.RTPCodecParameters {
	channels := c.Channels
	if channels == 1 || prefix == "video/" {
		// One channel is what a description means without a number.
		channels = 0
	}
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: prefix + c.Name, ClockRate: c.ClockRate, Channels: uint16(channels), //nolint:gosec // one or two
			SDPFmtpLine: c.Parameters, RTCPFeedback: feedback,
		},
		PayloadType: webrtc.PayloadType(c.PayloadType),
	}
}

// negotiated is what two descriptions agree on for one kind.
type negotiated struct {
	// codecs are by preference, with the parameters that the other side wants.
	codecs []packet.Codec
	// known tells which payload types may be sent; media gives the payload type
	// that a retransmission type repeats, and rtx the way back.
	known [lastPayload + 1]bool
	media [lastPayload + 1]uint8
	rtx   [lastPayload + 1]uint8
	clock [lastPayload + 1]uint32
}

// agree intersects our codecs with the sections of an answer (which has the
// final say on payload types and order) and of the other side's description
// (which has its parameters).
func agree(ours []offered, answer, remote *section) *negotiated {
	n := &negotiated{}
	if answer == nil || remote == nil || answer.rejected {
		return n
	}
	for _, c := range answer.codecs {
		if _, ok := findCodec(ours, c); !ok || c.PayloadType > lastPayload {
			continue
		}
		theirs, ok := remote.codec(c.PayloadType)
		if !ok || !sameCodec(theirs, c) {
			continue
		}
		c.Parameters = theirs.Parameters
		n.codecs = append(n.codecs, c)
		n.known[c.PayloadType] = true
		n.clock[c.PayloadType] = c.ClockRate
	}
	for rtx, media := range answer.rtx {
		if rtx <= lastPayload && media <= lastPayload && n.known[media] {
			n.media[rtx], n.rtx[media] = media, rtx
		}
	}
	return n
}

func findCodec(list []offered, c packet.Codec) (packet.Codec, bool) {
	for _, o := range list {
		if sameCodec(o.Codec, c) {
			return o.Codec, true
		}
	}
	return packet.Codec{}, false
}

// speaks tells whether there is a codec that carries more than tones.
func (n *negotiated) speaks() bool {
	_, ok := n.preferred()
	return ok
}

func (n *negotiated) preferred() (packet.Codec, bool) {
	for _, c := range n.codecs {
		if !isTelephoneEvent(c) {
			return c, true
		}
	}
	return packet.Codec{}, false
}
