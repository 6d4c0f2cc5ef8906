package transport

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// wire is the interceptor next to the wire. It counts what passes in both
// directions and hands received media to the application from the goroutine
// that read it, before anything else looks at it.
type wire struct {
	interceptor.NoOp
	session *Session
}

// BindLocalStream counts what is sent.
func (w *wire) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	m := w.session.mediaOf(info.MimeType)
	if m == nil {
		return next
	}
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if h.SSRC != info.SSRC {
			// The responder knows the one codec that the stream began with.
			repair := *h
			if n := m.negotiated.Load(); n != nil && len(payload) >= 2 {
				if rtx := n.rtx[m.out.typeOf(binary.BigEndian.Uint16(payload))]; rtx != 0 {
					repair.PayloadType = rtx
				}
			}
			m.out.countRepair(&repair, len(payload))
			return next.Write(&repair, payload, a)
		}
		m.out.count(h, len(payload))
		return next.Write(h, payload, a)
	})
}

// BindRemoteStream counts what is received and delivers it.
func (w *wire) BindRemoteStream(info *interceptor.StreamInfo, next interceptor.RTPReader) interceptor.RTPReader {
	m := w.session.mediaOf(info.MimeType)
	if m == nil {
		return next
	}
	ssrc, repaired := info.SSRC, w.session.repairedBy(info.SSRC)
	if repaired != 0 {
		ssrc = repaired
	}
	in := m.inbound(ssrc)
	if in == nil {
		return next
	}
	if repaired == 0 && m.kind == packet.KindVideo {
		w.session.startRepair()
	}
	level := extensionID(info, uriAudioLevel)
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		for {
			n, a, err := next.Read(b, a)
			if err != nil {
				return n, a, err
			}
			if a == nil {
				a = interceptor.Attributes{}
			}
			h, err := a.GetRTPHeader(b[:n])
			if err != nil {
				// An error would end the reader above; the next packet may be well formed.
				continue
			}
			now := time.Now()
			payload, ok := payloadOf(h, b[:n])
			switch {
			case !ok:
			case repaired != 0:
				w.deliverRepair(m, in, h, payload, now)
			default:
				w.deliver(m, in, h, payload, level, now)
			}
			return n, a, nil
		}
	})
}

func extensionID(info *interceptor.StreamInfo, uri string) uint8 {
	for _, e := range info.RTPHeaderExtensions {
		if e.URI == uri {
			return uint8(e.ID) //nolint:gosec // 1 to 14 (RFC 8285 4.2)
		}
	}
	return 0
}

// payloadOf cuts off the header and the padding (RFC 3550 5.1).
func payloadOf(h *rtp.Header, b []byte) ([]byte, bool) {
	size := h.MarshalSize()
	if size > len(b) {
		return nil, false
	}
	payload := b[size:]
	if h.Padding {
		if len(payload) == 0 {
			return nil, false
		}
		padding := int(payload[len(payload)-1])
		if padding > len(payload) {
			return nil, false
		}
		payload = payload[:len(payload)-padding]
	}
	return payload, true
}

func (w *wire) deliver(m *media, in *inbound, h *rtp.Header, payload []byte, level uint8, now time.Time) {
	n := m.negotiated.Load()
	if n == nil || h.PayloadType > lastPayload || !n.known[h.PayloadType] {
		return
	}
	if in.count(h, len(payload), n.clock[h.PayloadType], now) {
		w.session.wakeRepair()
	}
	if len(payload) == 0 {
		// Padding that probes the path.
		return
	}
	p := &packet.Packet{
		PayloadType: h.PayloadType, Marker: h.Marker, SequenceNumber: h.SequenceNumber,
		Timestamp: h.Timestamp, SSRC: h.SSRC, Payload: append([]byte(nil), payload...), Arrival: now,
	}
	if level != 0 {
		if e := h.GetExtension(level); len(e) > 0 {
			// RFC 6464 3.
			p.HasAudioLevel, p.Voice, p.AudioLevel = true, e[0]&0x80 != 0, e[0]&0x7f
		}
	}
	w.session.emitPacket(m.kind, p)
}

// deliverRepair undoes RFC 4588 4.
func (w *wire) deliverRepair(m *media, in *inbound, h *rtp.Header, payload []byte, now time.Time) {
	n := m.negotiated.Load()
	if n == nil || len(payload) <= 2 || h.PayloadType > lastPayload || n.media[h.PayloadType] == 0 {
		return
	}
	sequence := binary.BigEndian.Uint16(payload)
	in.countRepair(sequence, h.MarshalSize(), len(payload), now)
	w.session.emitPacket(m.kind, &packet.Packet{
		PayloadType: n.media[h.PayloadType], Marker: h.Marker, SequenceNumber: sequence,
		Timestamp: h.Timestamp, SSRC: in.ssrc, Payload: append([]byte(nil), payload[2:]...), Arrival: now,
	})
}

// BindRTCPReader reads what the other side says about media in both directions.
func (w *wire) BindRTCPReader(next interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		for {
			n, a, err := next.Read(b, a)
			if err != nil {
				return n, a, err
			}
			if a == nil {
				a = interceptor.Attributes{}
			}
			packets, err := a.GetRTCPPackets(b[:n])
			if err != nil {
				continue
			}
			now := time.Now()
			for _, p := range packets {
				w.readControl(p, now)
			}
			return n, a, nil
		}
	})
}

func (w *wire) readControl(p rtcp.Packet, now time.Time) {
	s := w.session
	switch p := p.(type) {
	case *rtcp.SenderReport:
		s.senderReport(p)
		s.receptionReports(p.Reports, now)
	case *rtcp.ReceiverReport:
		s.receptionReports(p.Reports, now)
	case *rtcp.PictureLossIndication:
		s.keyFrameRequest(p.MediaSSRC, false)
	case *rtcp.FullIntraRequest:
		for _, f := range p.FIR {
			s.keyFrameRequest(f.SSRC, true)
		}
	case *rtcp.TransportLayerNack:
		if m := s.sentBy(p.MediaSSRC); m != nil {
			m.out.countNACK()
		}
	}
}

// BindRTCPWriter counts requests and puts right whom feedback is for.
func (w *wire) BindRTCPWriter(next interceptor.RTCPWriter) interceptor.RTCPWriter {
	s := w.session
	counted := interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, a interceptor.Attributes) (int, error) {
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.TransportLayerCC:
				// The recorder names the source of the last packet. The far end reads
				// what concerns its media, but nothing that concerns a repair stream.
				if ssrc := s.repairedBy(p.MediaSSRC); ssrc != 0 {
					p.MediaSSRC = ssrc
				}
			case *rtcp.TransportLayerNack:
				if in := s.receivedFrom(p.MediaSSRC); in != nil {
					in.countNACK()
				}
			case *rtcp.PictureLossIndication:
				if in := s.receivedFrom(p.MediaSSRC); in != nil {
					in.countPLI()
				}
			}
		}
		return next.Write(packets, a)
	})
	s.control.Store(&controlWriter{counted})
	return counted
}

// controlWriter sends RTCP.
type controlWriter struct{ interceptor.RTCPWriter }

// mediaOf finds the media that a MIME type belongs to.
func (s *Session) mediaOf(mime string) *media {
	switch {
	case strings.HasPrefix(mime, "audio/"):
		return s.media[packet.KindAudio]
	case strings.HasPrefix(mime, "video/"):
		return s.media[packet.KindVideo]
	default:
		return nil
	}
}
