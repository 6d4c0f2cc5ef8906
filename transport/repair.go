package transport

import (
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
)

// keyFrameInterval is how often at most a key frame is asked for. One takes
// longer to arrive than that on no path that video is worth on.
const keyFrameInterval = 200 * time.Millisecond

// assumedRTT is used before the path was measured.
const assumedRTT = 100 * time.Millisecond

// startRepair starts the goroutine that asks for lost packets, once.
func (s *Session) startRepair() {
	s.repairing.Do(func() { s.spawn(s.runRepair) })
}

// wakeRepair makes it look at once.
func (s *Session) wakeRepair() {
	select {
	case s.repair <- struct{}{}:
	default:
	}
}

func (s *Session) runRepair() {
	timer := time.NewTimer(never)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.repair:
		case <-timer.C:
		}
		now := time.Now()
		if next := sooner(s.askForLost(now), s.askForKeyFrame(now)); next.IsZero() {
			timer.Reset(never)
		} else {
			timer.Reset(next.Sub(now))
		}
	}
}

// askForLost asks for what is due, and returns when to look again.
func (s *Session) askForLost(now time.Time) time.Time {
	var earliest time.Time
	m := s.media[packet.KindVideo]
	if m == nil {
		return earliest
	}
	rtt := s.keeper.roundTrip()
	if rtt == 0 {
		rtt = assumedRTT
	}
	for _, in := range m.sources() {
		sequences, next := in.due(now, rtt)
		if len(sequences) > 0 {
			s.sendControl(nackPacket(in.ssrc, sequences))
		}
		earliest = sooner(earliest, next)
	}
	return earliest
}

// sooner returns the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (s *Session) sendControl(p rtcp.Packet) {
	w := s.control.Load()
	if w == nil || !s.secured.Load() {
		return
	}
	if _, err := w.Write([]rtcp.Packet{p}, interceptor.Attributes{}); err != nil {
		s.log.Debug("control packet", slog.String("error", err.Error()))
	}
}

// RequestKeyFrame asks the other side for a key frame of its video with a PLI
// (RFC 4585 6.3.1): the picture is lost, whatever the loss was. It never blocks.
// Requests within 200 ms of one that was sent are sent together when that time
// is over. Without video in the description it does nothing.
func (s *Session) RequestKeyFrame() {
	m := s.media[packet.KindVideo]
	if m == nil {
		return
	}
	for _, in := range m.sources() {
		in.wantKeyFrame()
	}
	if !s.askForKeyFrame(time.Now()).IsZero() {
		s.wakeRepair()
	}
}

// askForKeyFrame sends the requests that are due, and returns when to look again.
func (s *Session) askForKeyFrame(now time.Time) time.Time {
	var earliest time.Time
	m := s.media[packet.KindVideo]
	if m == nil {
		return earliest
	}
	for _, in := range m.sources() {
		due, next := in.keyFrameDue(now, keyFrameInterval)
		if due {
			s.sendControl(&rtcp.PictureLossIndication{MediaSSRC: in.ssrc})
		}
		earliest = sooner(earliest, next)
	}
	return earliest
}

// keyFrameRequest takes such a request of the other side.
func (s *Session) keyFrameRequest(ssrc uint32, full bool) {
	m := s.sentBy(ssrc)
	if m == nil || m.kind != packet.KindVideo {
		return
	}
	m.out.countKeyFrameRequest(full)
	if s.events.KeyFrameRequest != nil && s.ctx.Err() == nil {
		s.events.KeyFrameRequest()
	}
}

// sentBy finds the section that sends with an SSRC.
func (s *Session) sentBy(ssrc uint32) *media {
	for _, m := range s.media {
		if m != nil && ssrc != 0 && m.out.source() == ssrc {
			return m
		}
	}
	return nil
}

// receivedFrom finds the counters of a received stream.
func (s *Session) receivedFrom(ssrc uint32) *inbound {
	for _, m := range s.media {
		if m == nil {
			continue
		}
		m.mu.Lock()
		in := m.in[ssrc]
		m.mu.Unlock()
		if in != nil {
			return in
		}
	}
	return nil
}

func (s *Session) senderReport(r *rtcp.SenderReport) {
	if in := s.receivedFrom(r.SSRC); in != nil {
		in.senderReport(r)
	}
}

func (s *Session) receptionReports(reports []rtcp.ReceptionReport, now time.Time) {
	for i := range reports {
		m := s.sentBy(reports[i].SSRC)
		if m == nil {
			continue
		}
		var clock uint32
		if n := m.negotiated.Load(); n != nil {
			clock = n.clock[m.out.lastPayloadType()]
		}
		report := m.out.report(&reports[i], clock, now)
		report.Kind = m.kind
		if s.events.Report != nil && s.ctx.Err() == nil {
			s.events.Report(report)
		}
	}
}
