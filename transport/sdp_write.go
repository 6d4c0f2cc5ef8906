package transport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// minimal rewrites a description of the stack below into what goes to the other
// side: no candidates (they are trickled), no names of streams, nothing random
// that is not needed.
func minimal(text string, generation uint32) string {
	var b strings.Builder
	b.Grow(len(text))
	seen := map[string]bool{}
	inMedia := false
	var extensions []string
	put := func(line string) {
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "a=extmap:") {
			extensions = append(extensions, line)
			continue
		}
		// They come in the order of a map; what is always the same packs better.
		slices.Sort(extensions)
		for _, e := range extensions {
			put(e)
		}
		extensions = nil
		switch {
		case strings.HasPrefix(line, "o="):
			// Whoever the ends are is known; the version counts offers (RFC 3264 8).
			put(fmt.Sprintf("o=- 1 %d IN IP4 0.0.0.0", generation))
		case strings.HasPrefix(line, "m="):
			if !inMedia {
				put("a=ice-options:trickle")
				put("a=" + attrOurs)
			}
			inMedia = true
			put(line)
		case strings.HasPrefix(line, "a=ssrc:"):
			ssrc, _, _ := strings.Cut(line, " ")
			if !seen[ssrc] {
				seen[ssrc] = true
				put(ssrc + " cname:p")
			}
		case dropped(line):
		default:
			put(line)
		}
	}
	return b.String()
}

func dropped(line string) bool {
	for _, prefix := range []string{
		"a=candidate:", "a=end-of-candidates", "a=msid", "a=extmap-allow-mixed", "a=ice-options:", "a=" + attrOurs,
	} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// understood are the attributes that the stack below may see of the other
// side's description. Those of payload types and header extensions are looked at
// more closely.
func understood(key string) bool {
	switch key {
	case "group", "fingerprint", "setup", "ice-ufrag", "ice-pwd", "ice-lite", "ice-options", "mid", "bundle-only",
		"sendrecv", "sendonly", "recvonly", "inactive", "rtcp-mux", "rtcp-rsize", "ssrc", "ssrc-group",
		"sctp-port", "max-message-size", "sctp-init":
		return true
	default:
		return false
	}
}

// filter rewrites the description of the other side for the stack below. It sees
// the payload types that both ends have, with our parameters, so that it agrees
// on the same codecs as we do: of its own it would drop every codec whose
// parameters differ as soon as there is one whose parameters do not.
func (d *description) filter(media []*media, answer bool) string {
	var b strings.Builder
	b.Grow(len(d.source))
	var s *section
	var ours []offered
	at, skip := -1, false
	for line := range strings.Lines(d.source) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "m="):
			at++
			if at >= len(d.sections) {
				return b.String()
			}
			s, ours = d.sections[at], nil
			if skip = answer && s.rejected; skip {
				line = s.silent(at, media)
				break
			}
			for _, m := range media {
				if m != nil && d.first(m.kind) == s {
					ours = m.ours
				}
			}
			line = s.mediaLine(line, ours)
		case skip:
			continue
		case strings.HasPrefix(line, "a="):
			var keep bool
			if line, keep = s.attribute(line, ours); !keep {
				continue
			}
		}
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	return b.String()
}

// silent describes a section of an answer that was rejected as one that is
// agreed but inactive. The stack below could not offer again otherwise: it has
// neither a name nor a codec for it then.
func (s *section) silent(at int, media []*media) string {
	lines := []string{"m=" + s.kind + " 9 UDP/TLS/RTP/SAVPF " + nothing}
	codec := []string{"a=rtpmap:" + nothing + " nothing/90000"}
	for _, m := range media {
		if m == nil || m.kind.String() != s.kind {
			continue
		}
		c := m.ours[0]
		lines[0] = fmt.Sprintf("m=%s 9 UDP/TLS/RTP/SAVPF %d", s.kind, c.PayloadType)
		codec[0] = fmt.Sprintf("a=rtpmap:%d %s/%d", c.PayloadType, c.Name, c.ClockRate)
		if c.Channels > 1 {
			codec[0] += fmt.Sprintf("/%d", c.Channels)
		}
		if c.Parameters != "" {
			codec = append(codec, fmt.Sprintf("a=fmtp:%d %s", c.PayloadType, c.Parameters))
		}
	}
	if s.kind == "application" {
		lines[0], codec = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel", nil
	}
	lines = append(lines, "c=IN IP4 0.0.0.0", "a=mid:"+strconv.Itoa(at), "a=inactive")
	return strings.Join(append(lines, codec...), "\r\n")
}

// nothing is a payload type that stands for none: the section will be rejected.
const nothing = "127"

// formats lists the payload types that both ends have, those of repairs included.
func (s *section) formats(ours []offered) []string {
	var list []string
	for _, pt := range s.types {
		media, repair := s.rtx[pt]
		if !repair {
			media = pt
		}
		c, ok := s.codec(media)
		if !ok {
			continue
		}
		if _, ok := findCodec(ours, c); ok {
			list = append(list, strconv.Itoa(int(pt)))
		}
	}
	return list
}

func (s *section) mediaLine(line string, ours []offered) string {
	if s.kind != "audio" && s.kind != "video" {
		return line
	}
	formats := s.formats(ours)
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return line
	}
	if len(formats) == 0 {
		return strings.Join(fields[:3], " ") + " " + nothing + "\r\na=rtpmap:" + nothing + " nothing/90000"
	}
	return strings.Join(fields[:3], " ") + " " + strings.Join(formats, " ")
}

// attribute tells whether the stack below may see an attribute, and how.
func (s *section) attribute(line string, ours []offered) (string, bool) {
	key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
	switch key {
	case "extmap":
		fields := strings.Fields(value)
		return line, len(fields) > 1 && (fields[1] == uriAudioLevel || fields[1] == uriTWCC)
	case "rtpmap", "fmtp", "rtcp-fb":
		if s == nil {
			return line, false
		}
		number, rest, _ := strings.Cut(value, " ")
		if !slices.Contains(s.formats(ours), number) {
			return line, false
		}
		if key != "fmtp" {
			return line, true
		}
		return s.format(number, rest, ours)
	default:
		return line, understood(key)
	}
}

// format gives our parameters the place of theirs.
func (s *section) format(number, rest string, ours []offered) (string, bool) {
	pt, err := strconv.ParseUint(number, 10, 7)
	if err != nil {
		return "", false
	}
	if c, ok := s.codec(uint8(pt)); ok {
		mine, _ := findCodec(ours, c)
		rest = mine.Parameters
	}
	return "a=fmtp:" + number + " " + rest, rest != ""
}
