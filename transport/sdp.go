package transport

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/sdp/v3"
)

// Limits of what a description may hold. Browsers stay far below them.
const (
	maxSections = 16
	maxCodecs   = 128
	maxSSRCs    = 64
)

// attrOurs marks a description of ours. Two ends of ours choose their path by
// rules of their own, see pathKeeper; with others they keep to the standard.
const attrOurs = "parley"

// section is one media section.
type section struct {
	kind     string
	mid      string
	rejected bool
	codecs   []packet.Codec
	types    []uint8 // payload types in the order of the section
	// rtx maps the payload type of retransmissions to that of the media.
	rtx map[uint8]uint8
	// repairs maps the SSRC of retransmissions to that of the media (RFC 5576 4.2).
	repairs map[uint32]uint32
}

func (s *section) codec(pt uint8) (packet.Codec, bool) {
	for _, c := range s.codecs {
		if c.PayloadType == pt {
			return c, true
		}
	}
	return packet.Codec{}, false
}

// description is what we read from a session description.
type description struct {
	source     string
	sections   []*section
	candidates []string
	ours       bool
	// passive tells that this side answers in the DTLS handshake (RFC 8842 5).
	passive bool
}

// first returns the first section of a kind that is not rejected.
func (d *description) first(kind packet.Kind) *section {
	for _, s := range d.sections {
		if s.kind == kind.String() && !s.rejected {
			return s
		}
	}
	return nil
}

// parseDescription reads a description. It refuses what a session could not
// use, so that the stack below sees only what it can.
func parseDescription(text string) (*description, error) {
	if len(text) > MaxDescriptionSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrInvalidDescription, len(text))
	}
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidDescription, err)
	}
	if len(parsed.MediaDescriptions) > maxSections {
		return nil, fmt.Errorf("%w: %d media sections", ErrInvalidDescription, len(parsed.MediaDescriptions))
	}
	d := &description{source: text}
	_, d.ours = parsed.Attribute(attrOurs)
	for _, m := range parsed.MediaDescriptions {
		s, err := parseSection(m)
		if err != nil {
			return nil, err
		}
		d.sections = append(d.sections, s)
	}
	if err := checkCredentials(&parsed); err != nil {
		return nil, err
	}
	setup, _ := findAttribute(&parsed, "setup")
	d.passive = setup == "active"
	for line := range strings.Lines(text) {
		// They go through the same checks and the same count as those that are trickled.
		if strings.HasPrefix(line, "a=candidate:") {
			d.candidates = append(d.candidates, strings.TrimPrefix(strings.TrimSpace(line), "a="))
		}
	}
	return d, nil
}

func parseSection(m *sdp.MediaDescription) (*section, error) {
	s := &section{kind: m.MediaName.Media, rtx: map[uint8]uint8{}, repairs: map[uint32]uint32{}}
	s.mid, _ = m.Attribute("mid")
	_, bundleOnly := m.Attribute("bundle-only")
	s.rejected = m.MediaName.Port.Value == 0 && !bundleOnly
	if s.kind != "audio" && s.kind != "video" {
		return s, nil
	}
	if len(m.MediaName.Formats) > maxCodecs {
		return nil, fmt.Errorf("%w: %d payload types", ErrInvalidDescription, len(m.MediaName.Formats))
	}
	ssrcs := 0
	maps, formats := map[uint8]string{}, map[uint8]string{}
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtpmap":
			readNumbered(maps, a.Value)
		case "fmtp":
			readNumbered(formats, a.Value)
		case "ssrc":
			ssrcs++
		case "ssrc-group":
			s.readGroup(a.Value)
		}
	}
	// Each SSRC may have a few lines.
	if ssrcs > 4*maxSSRCs || len(s.repairs) > maxSSRCs {
		return nil, fmt.Errorf("%w: too many sources", ErrInvalidDescription)
	}
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return nil, fmt.Errorf("%w: payload type: %w", ErrInvalidDescription, err)
		}
		s.types = append(s.types, uint8(pt))
		s.addCodec(uint8(pt), maps[uint8(pt)], formats[uint8(pt)])
	}
	return s, nil
}

// readNumbered reads the value of an attribute that begins with a payload type.
func readNumbered(into map[uint8]string, value string) {
	number, rest, ok := strings.Cut(value, " ")
	if !ok {
		return
	}
	if pt, err := strconv.ParseUint(number, 10, 7); err == nil {
		into[uint8(pt)] = strings.TrimSpace(rest)
	}
}

// readGroup reads which SSRC repeats which.
func (s *section) readGroup(value string) {
	fields := strings.Fields(value)
	if len(fields) != 3 || fields[0] != "FID" {
		return
	}
	media, err := strconv.ParseUint(fields[1], 10, 32)
	if err != nil {
		return
	}
	if rtx, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
		s.repairs[uint32(rtx)] = uint32(media)
	}
}

// addCodec adds the format that an rtpmap of RFC 8866 6.6 describes.
func (s *section) addCodec(pt uint8, rtpmap, format string) {
	if rtpmap == "" {
		if c, ok := staticCodecTable[pt]; ok && s.kind == "audio" {
			c.Parameters = format
			s.codecs = append(s.codecs, c)
		}
		return
	}
	parts := strings.Split(rtpmap, "/")
	if len(parts) < 2 {
		return
	}
	clock, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || clock == 0 {
		return
	}
	if strings.EqualFold(parts[0], rtxName) {
		apt, _, _ := strings.Cut(strings.TrimPrefix(format, "apt="), ";")
		if media, err := strconv.ParseUint(apt, 10, 7); err == nil {
			s.rtx[pt] = uint8(media)
		}
		return
	}
	c := packet.Codec{Name: parts[0], PayloadType: pt, ClockRate: uint32(clock), Parameters: format}
	if s.kind == "audio" {
		c.Channels = 1
		if len(parts) > 2 {
			if n, err := strconv.ParseUint(parts[2], 10, 8); err == nil {
				c.Channels = int(n)
			}
		}
	}
	s.codecs = append(s.codecs, c)
}

// findAttribute looks for an attribute in the session part, then in the sections.
func findAttribute(d *sdp.SessionDescription, key string) (string, bool) {
	if v, ok := d.Attribute(key); ok {
		return v, true
	}
	for _, m := range d.MediaDescriptions {
		if v, ok := m.Attribute(key); ok {
			return v, true
		}
	}
	return "", false
}

// checkCredentials looks for what ICE and DTLS need (RFC 8839 5.4, RFC 8122 5).
func checkCredentials(d *sdp.SessionDescription) error {
	ufrag, _ := findAttribute(d, "ice-ufrag")
	pwd, _ := findAttribute(d, "ice-pwd")
	if len(ufrag) < 4 || len(ufrag) > 256 || len(pwd) < 22 || len(pwd) > 256 {
		return fmt.Errorf("%w: no usable ICE credentials", ErrInvalidDescription)
	}
	if _, ok := findAttribute(d, "fingerprint"); !ok {
		return fmt.Errorf("%w: no fingerprint", ErrInvalidDescription)
	}
	return nil
}
