package transport

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// maxInbound is how many sources of one kind are delivered.
const maxInbound = 16

// media is one media section: what is sent and received in it.
type media struct {
	kind       packet.Kind
	ours       []offered
	negotiated atomic.Pointer[negotiated]
	binding    atomic.Pointer[binding]
	out        outbound

	mu sync.Mutex
	in map[uint32]*inbound
}

// binding is where packets go once the stack below knows.
type binding struct {
	writer webrtc.TrackLocalWriter
	ssrc   uint32
	level  uint8 // the id of the audio level extension, 0 for none
}

func newMedia(kind packet.Kind, ours []offered) *media {
	return &media{kind: kind, ours: ours, in: map[uint32]*inbound{}}
}

// inbound finds or adds the counters of a source; nil when there are too many.
func (m *media) inbound(ssrc uint32) *inbound {
	m.mu.Lock()
	defer m.mu.Unlock()
	in, ok := m.in[ssrc]
	if !ok && len(m.in) < maxInbound {
		in = &inbound{kind: m.kind, ssrc: ssrc}
		m.in[ssrc] = in
	}
	return in
}

// sources returns the counters of all sources.
func (m *media) sources() []*inbound {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*inbound, 0, len(m.in))
	for _, in := range m.in {
		list = append(list, in)
	}
	return list
}

// track lets the stack below send our packets. One track carries every codec of
// its section: the payload type is that of each packet.
type track struct{ media *media }

// Bind implements webrtc.TrackLocal.
func (t track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	b := &binding{writer: c.WriteStream(), ssrc: uint32(c.SSRC())}
	for _, e := range c.HeaderExtensions() {
		if e.URI == uriAudioLevel && t.media.kind == packet.KindAudio {
			b.level = uint8(e.ID) //nolint:gosec // 1 to 14 (RFC 8285 4.2)
		}
	}
	t.media.out.begin(b.ssrc)
	t.media.binding.Store(b)
	preferred, ok := packet.Codec{}, false
	if n := t.media.negotiated.Load(); n != nil {
		preferred, ok = n.preferred()
	}
	for _, p := range c.CodecParameters() {
		if ok && uint8(p.PayloadType) == preferred.PayloadType {
			return p, nil
		}
	}
	// Nothing in common in this section: it stays silent, the others work.
	return parameters(t.media.kind.String()+"/", t.media.ours[0].Codec, nil), nil
}

// Unbind implements webrtc.TrackLocal.
func (t track) Unbind(webrtc.TrackLocalContext) error {
	t.media.binding.Store(nil)
	return nil
}

// ID implements webrtc.TrackLocal.
func (t track) ID() string { return t.media.kind.String() }

// RID implements webrtc.TrackLocal.
func (t track) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (t track) StreamID() string { return "p" }

// Kind implements webrtc.TrackLocal.
func (t track) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(t.media.kind.String()) }

// header is an RTP header that is used again and again: the stack below copies
// what it keeps.
type header struct {
	rtp.Header
	level [1]byte
}

// fill sets the header for a packet.
func (h *header) fill(b *binding, p *packet.Packet) error {
	h.Header = rtp.Header{
		Version: 2, Marker: p.Marker, PayloadType: p.PayloadType, SequenceNumber: p.SequenceNumber,
		Timestamp: p.Timestamp, SSRC: b.ssrc, Extensions: h.Extensions[:0],
	}
	if !p.HasAudioLevel || b.level == 0 {
		return nil
	}
	h.level[0] = min(p.AudioLevel, 127)
	if p.Voice {
		h.level[0] |= 0x80
	}
	if err := h.SetExtension(b.level, h.level[:]); err != nil {
		return fmt.Errorf("transport: audio level: %w", err)
	}
	return nil
}

// WritePacket sends a media packet. PayloadType must be that of a negotiated
// codec; SSRC is filled in. The payload is not kept after the call.
func (s *Session) WritePacket(kind packet.Kind, p *packet.Packet) error {
	m := s.mediaFor(kind)
	if m == nil || p == nil {
		return ErrNotNegotiated
	}
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	n, b := m.negotiated.Load(), m.binding.Load()
	switch {
	case n == nil:
		return ErrNotConnected
	case p.PayloadType > lastPayload || !n.known[p.PayloadType]:
		return fmt.Errorf("%w: %s %d", ErrNotNegotiated, kind, p.PayloadType)
	case len(p.Payload) > MaxPayloadSize:
		return fmt.Errorf("%w: payload of %d bytes", ErrTooLarge, len(p.Payload))
	case b == nil || !s.secured.Load():
		return ErrNotConnected
	}
	h, _ := s.headers.Get().(*header)
	defer s.headers.Put(h)
	if err := h.fill(b, p); err != nil {
		return err
	}
	if _, err := b.writer.WriteRTP(&h.Header, p.Payload); err != nil {
		if s.State() != StateConnected {
			return ErrNotConnected
		}
		return fmt.Errorf("transport: send: %w", err)
	}
	return nil
}

// mediaFor returns the section of a kind, nil when the session has none.
func (s *Session) mediaFor(kind packet.Kind) *media {
	if kind != packet.KindAudio && kind != packet.KindVideo {
		return nil
	}
	return s.media[kind]
}

// Codec returns the preferred negotiated codec of that kind, and false before
// the negotiation or when there is none.
func (s *Session) Codec(kind packet.Kind) (packet.Codec, bool) {
	if m := s.mediaFor(kind); m != nil {
		if n := m.negotiated.Load(); n != nil {
			return n.preferred()
		}
	}
	return packet.Codec{}, false
}

// Codecs returns the negotiated codecs of that kind by preference, the
// telephone-event ones included. Packets of any of them may be written.
func (s *Session) Codecs(kind packet.Kind) []packet.Codec {
	if m := s.mediaFor(kind); m != nil {
		if n := m.negotiated.Load(); n != nil {
			return append([]packet.Codec(nil), n.codecs...)
		}
	}
	return nil
}
