package transport

import (
	"reflect"
	"sort"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"
)

// Stats returns a snapshot of what was counted so far.
func (s *Session) Stats() Stats {
	stats := Stats{Timestamp: time.Now()}
	for _, m := range s.media {
		if m == nil {
			continue
		}
		n := m.negotiated.Load()
		if m.binding.Load() != nil {
			out, remote := m.out.snapshot(m.kind, n)
			out.TargetBitrate = float64(s.targetBitrate())
			stats.OutboundRTP = append(stats.OutboundRTP, out)
			if remote != nil {
				stats.RemoteInboundRTP = append(stats.RemoteInboundRTP, *remote)
			}
		}
		sources := m.sources()
		sort.Slice(sources, func(i, j int) bool { return sources[i].ssrc < sources[j].ssrc })
		for _, in := range sources {
			received, remote := in.snapshot(n)
			if received.PacketsReceived == 0 {
				// Announced, but nothing came.
				continue
			}
			stats.InboundRTP = append(stats.InboundRTP, received)
			if remote != nil {
				stats.RemoteOutboundRTP = append(stats.RemoteOutboundRTP, *remote)
			}
		}
	}
	stats.CandidatePair = s.pairStats()
	stats.Transport = s.transportStats(stats.CandidatePair)
	return stats
}

func (s *Session) pairStats() *CandidatePairStats {
	if !s.keeper.chosen() {
		// The stack below may not be asked while it starts.
		return nil
	}
	ice := s.dtls.ICETransport()
	pair, err := ice.GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Local == nil || pair.Remote == nil {
		return nil
	}
	local := candidateStats(pair.Local)
	local.RelayProtocol = relayProtocol(pair.Local)
	result := &CandidatePairStats{
		Local: local, Remote: candidateStats(pair.Remote),
		Nominated: true, State: "succeeded", AvailableOutgoingBitrate: float64(s.targetBitrate()),
	}
	if p, ok := ice.GetSelectedCandidatePairStats(); ok {
		result.BytesSent, result.BytesReceived = p.BytesSent, p.BytesReceived
		result.PacketsSent, result.PacketsReceived = uint64(p.PacketsSent), uint64(p.PacketsReceived)
		result.CurrentRoundTripTime = seconds(p.CurrentRoundTripTime)
		result.TotalRoundTripTime = seconds(p.TotalRoundTripTime)
	}
	return result
}

// relayProtocol tells how a relay of ours is reached. The stack below says so
// only by the local preference in the priority (RFC 8445 5.1.2.1).
func relayProtocol(c *webrtc.ICECandidate) string {
	if c.Typ != webrtc.ICECandidateTypeRelay {
		return ""
	}
	switch c.Priority >> 8 & 0xffff {
	case 0:
		return "tls"
	case 1:
		return "tcp"
	default:
		return "udp"
	}
}

// cipherOf names the profile that the handshake chose. The stack below keeps it
// to itself; where it will have been renamed, nothing is told.
func cipherOf(t *webrtc.DTLSTransport) *string {
	name := ""
	if f := reflect.ValueOf(t).Elem().FieldByName("srtpProtectionProfile"); f.IsValid() && f.CanUint() {
		switch dtls.SRTPProtectionProfile(f.Uint()) { //nolint:exhaustive,gosec // those that are offered
		case dtls.SRTP_AEAD_AES_128_GCM:
			name = "SRTP_AEAD_AES_128_GCM"
		case dtls.SRTP_AEAD_AES_256_GCM:
			name = "SRTP_AEAD_AES_256_GCM"
		case dtls.SRTP_AES128_CM_HMAC_SHA1_80:
			name = "SRTP_AES128_CM_HMAC_SHA1_80"
		}
	}
	return &name
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func candidateStats(c *webrtc.ICECandidate) CandidateStats {
	return CandidateStats{
		Address: c.Address, Port: int(c.Port), Protocol: c.Protocol.String(),
		CandidateType: c.Typ.String(), Priority: c.Priority,
	}
}

func (s *Session) transportStats(pair *CandidatePairStats) TransportStats {
	ice := s.dtls.ICETransport()
	sums := ice.Stats()
	t := TransportStats{
		BytesSent: sums.BytesSent, BytesReceived: sums.BytesReceived,
		ICEState: ice.State().String(), ICERole: ice.Role().String(), DTLSState: s.dtls.State().String(),
		SelectedCandidatePairChanges: s.keeper.selections(),
	}
	if s.secured.Load() {
		t.DTLSRole = "client"
		if s.passive.Load() {
			t.DTLSRole = "server"
		}
	}
	if c := s.cipher.Load(); c != nil {
		t.SRTPCipher = *c
	}
	if pair != nil {
		t.PacketsSent, t.PacketsReceived = pair.PacketsSent, pair.PacketsReceived
	}
	return t
}
