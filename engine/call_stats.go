package engine

import (
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

// Stats returns a snapshot of the call's media statistics; after the call has
// ended, the last one. It does not block.
func (c *Call) Stats() CallStats {
	if final := c.getView().final; final != nil {
		return *final
	}
	stats := CallStats{Timestamp: time.Now()}
	stats.Data = DataStats{
		MessagesSent:     c.data.messagesSent.Load(),
		BytesSent:        c.data.bytesSent.Load(),
		MessagesReceived: c.data.messagesReceived.Load(),
		BytesReceived:    c.data.bytesReceived.Load(),
	}
	m := c.media.Load()
	if m == nil {
		return stats
	}
	t := m.leg.session.Stats()
	m.addSent(&stats, &t)
	m.addReceived(&stats, &t)
	for _, r := range t.RemoteInboundRTP {
		stats.RemoteInboundRTP = append(stats.RemoteInboundRTP, RemoteInboundRTPStats{
			Kind: trackKind(r.Kind), SSRC: r.SSRC, PacketsReceived: r.PacketsReceived, PacketsLost: r.PacketsLost,
			FractionLost: r.FractionLost, Jitter: r.Jitter, RoundTripTime: r.RoundTripTime,
			TotalRoundTripTime: r.TotalRoundTripTime, RoundTripTimeMeasurements: r.RoundTripTimeMeasurements,
		})
	}
	stats.CandidatePair = candidatePair(t.CandidatePair)
	stats.Transport = TransportStats{
		PacketsSent: t.Transport.PacketsSent, PacketsReceived: t.Transport.PacketsReceived,
		BytesSent: t.Transport.BytesSent, BytesReceived: t.Transport.BytesReceived,
		ICEState: t.Transport.ICEState, ICERole: t.Transport.ICERole,
		DTLSState: t.Transport.DTLSState, DTLSRole: t.Transport.DTLSRole,
		SRTPCipher:                   t.Transport.SRTPCipher,
		SelectedCandidatePairChanges: t.Transport.SelectedCandidatePairChanges,
	}
	return stats
}

// addSent joins what the transport and the senders know about sent streams.
func (m *callMedia) addSent(stats *CallStats, t *transport.Stats) {
	audio := m.sender.Stats()
	stats.AudioSource = MediaSourceStats{
		AudioLevel: audio.AudioLevel, TotalAudioEnergy: audio.TotalAudioEnergy,
		TotalSamplesDuration: seconds(audio.TotalSamplesDuration),
	}
	for _, o := range t.OutboundRTP {
		s := OutboundRTPStats{
			Kind: trackKind(o.Kind), SSRC: o.SSRC, Codec: o.Codec.Name, PacketsSent: o.PacketsSent,
			RetransmittedPacketsSent: o.RetransmittedPacketsSent, BytesSent: o.BytesSent,
			HeaderBytesSent: o.HeaderBytesSent, RetransmittedBytesSent: o.RetransmittedBytesSent,
			NACKCount: uint64(o.NACKCount), PLICount: uint64(o.PLICount),
		}
		switch {
		case s.Kind == TrackKindAudio:
			s.Codec, s.TargetBitrate, s.Active = audio.Codec, audio.TargetBitrate, audio.Active
		case m.videoOut != nil:
			video := m.videoOut.Stats()
			if video.Codec != "" {
				s.Codec = video.Codec
			}
			s.TargetBitrate = video.TargetBitrate
			s.FramesSent, s.KeyFramesEncoded = video.FramesSent, video.KeyFramesSent
			s.FrameWidth, s.FrameHeight = video.FrameWidth, video.FrameHeight
			s.Active = m.rate.hasVideo()
		}
		stats.OutboundRTP = append(stats.OutboundRTP, s)
	}
}

// addReceived joins what the transport and the receivers know about received streams.
func (m *callMedia) addReceived(stats *CallStats, t *transport.Stats) {
	for _, i := range t.InboundRTP {
		s := InboundRTPStats{
			Kind: trackKind(i.Kind), SSRC: i.SSRC, Codec: i.Codec.Name,
			PacketsReceived: i.PacketsReceived, PacketsLost: i.PacketsLost, Jitter: i.Jitter,
			RetransmittedPacketsReceived: i.RetransmittedPacketsReceived,
			BytesReceived:                i.BytesReceived, HeaderBytesReceived: i.HeaderBytesReceived,
			NACKCount: uint64(i.NACKCount), PLICount: uint64(i.PLICount),
		}
		switch {
		case s.Kind == TrackKindAudio:
			m.addAudio(&s)
		case m.videoIn != nil:
			m.addVideo(&s)
		}
		stats.InboundRTP = append(stats.InboundRTP, s)
	}
}

func (m *callMedia) addAudio(s *InboundRTPStats) {
	a := m.receiver.Stats()
	if a.Codec != "" {
		s.Codec = a.Codec
	}
	s.PacketsDiscarded = a.PacketsDiscarded
	s.FECPacketsReceived = a.FECPacketsReceived
	s.JitterBufferDelay = a.JitterBufferDelay
	s.JitterBufferTargetDelay = a.JitterBufferTargetDelay
	s.JitterBufferEmittedCount = a.JitterBufferEmittedCount
	s.TotalSamplesReceived = a.TotalSamplesReceived
	s.ConcealedSamples = a.ConcealedSamples
	s.SilentConcealedSamples = a.SilentConcealedSamples
	s.ConcealmentEvents = a.ConcealmentEvents
	s.InsertedSamplesForDeceleration = a.InsertedSamplesForDeceleration
	s.RemovedSamplesForAcceleration = a.RemovedSamplesForAcceleration
	s.AudioLevel = a.AudioLevel
	s.TotalAudioEnergy = a.TotalAudioEnergy
	s.TotalSamplesDuration = seconds(a.TotalSamplesDuration)
	s.CurrentDelay, s.TargetDelay = a.CurrentDelay, a.TargetDelay
}

func (m *callMedia) addVideo(s *InboundRTPStats) {
	v := m.videoIn.Stats()
	if v.Codec != "" {
		s.Codec = v.Codec
	}
	s.PacketsDiscarded = v.PacketsDiscarded
	s.FramesReceived, s.FramesDecoded = v.FramesReceived, v.FramesDecoded
	s.KeyFramesDecoded, s.FramesDropped = v.KeyFramesDecoded, v.FramesDropped
	s.FramesPerSecond = v.FramesPerSecond
	s.FrameWidth, s.FrameHeight = v.FrameWidth, v.FrameHeight
	s.FreezeCount, s.TotalFreezesDuration = v.FreezeCount, v.TotalFreezesDuration
	s.PauseCount, s.TotalPausesDuration = v.PauseCount, v.TotalPausesDuration
}

func candidatePair(p *transport.CandidatePairStats) *CandidatePairStats {
	if p == nil {
		return nil
	}
	return &CandidatePairStats{
		Local: candidate(p.Local), Remote: candidate(p.Remote), State: p.State, Nominated: p.Nominated,
		PacketsSent: p.PacketsSent, PacketsReceived: p.PacketsReceived,
		BytesSent: p.BytesSent, BytesReceived: p.BytesReceived,
		CurrentRoundTripTime: p.CurrentRoundTripTime, TotalRoundTripTime: p.TotalRoundTripTime,
		AvailableOutgoingBitrate: p.AvailableOutgoingBitrate,
	}
}

func candidate(c transport.CandidateStats) CandidateStats {
	return CandidateStats{
		Address: c.Address, Port: c.Port, Protocol: c.Protocol,
		CandidateType: c.CandidateType, RelayProtocol: c.RelayProtocol,
	}
}

// trackKind reads the transport's word for a kind.
func trackKind(kind string) TrackKind {
	if kind == packet.KindVideo.String() {
		return TrackKindVideo
	}
	return TrackKindAudio
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// startStats begins the periodic statistics, if the app wants them.
func (c *Call) startStats() {
	interval, h := c.options.StatsInterval, c.options.Events.Statistics
	if interval == 0 || h == nil || c.stats != nil {
		return
	}
	c.stats = time.AfterFunc(interval, func() {
		c.post(func() {
			emitLatest(c, "statistics", h, StatisticsReported{Call: c, Stats: c.Stats()})
			c.stats.Reset(interval)
		})
	})
}
