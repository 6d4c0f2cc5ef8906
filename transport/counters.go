package transport

import (
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// outbound counts one sent stream and what the other side says about it.
type outbound struct {
	mu       sync.Mutex
	ssrc     uint32
	last     uint8  // payload type
	before   uint8  // the payload type before it
	since    uint16 // the first sequence number with the last one
	sent     OutboundRTPStats
	reported RemoteInboundRTPStats
	heard    bool // a report came
}

func (o *outbound) begin(ssrc uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ssrc = ssrc
}

func (o *outbound) source() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ssrc
}

func (o *outbound) lastPayloadType() uint8 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last & lastPayload
}

// typeOf returns the payload type that a packet was sent with.
func (o *outbound) typeOf(sequence uint16) uint8 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if sequence-o.since >= 1<<15 {
		return o.before & lastPayload
	}
	return o.last & lastPayload
}

func (o *outbound) count(h *rtp.Header, payload int) {
	size := h.MarshalSize()
	o.mu.Lock()
	defer o.mu.Unlock()
	if h.PayloadType != o.last || o.sent.PacketsSent == 0 {
		o.before, o.since = o.last, h.SequenceNumber
		if o.sent.PacketsSent == 0 {
			o.before = h.PayloadType
		}
	}
	o.last = h.PayloadType
	o.sent.PacketsSent++
	o.sent.BytesSent += uint64(payload) //nolint:gosec // a length
	o.sent.HeaderBytesSent += uint64(size)
}

// countRepair adds to the totals too: webrtc-stats counts retransmissions in
// packetsSent and bytesSent.
func (o *outbound) countRepair(h *rtp.Header, payload int) {
	size := h.MarshalSize()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent.PacketsSent++
	o.sent.BytesSent += uint64(payload) //nolint:gosec // a length
	o.sent.HeaderBytesSent += uint64(size)
	o.sent.RetransmittedPacketsSent++
	o.sent.RetransmittedBytesSent += uint64(payload) //nolint:gosec // a length
}

func (o *outbound) countNACK() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent.NACKCount++
}

func (o *outbound) countKeyFrameRequest(full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if full {
		o.sent.FIRCount++
	} else {
		o.sent.PLICount++
	}
}

// report takes a reception report (RFC 3550 6.4.1) and returns what the
// application gets.
func (o *outbound) report(r *rtcp.ReceptionReport, clock uint32, now time.Time) packet.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := &o.reported
	o.heard = true
	e.FractionLost = float64(r.FractionLost) / 256
	// The cumulative number is signed, 24 bits.
	e.PacketsLost = int64(int32(r.TotalLost<<8) >> 8) //nolint:gosec // sign extension
	if clock > 0 {
		e.Jitter = time.Duration(float64(r.Jitter) / float64(clock) * float64(time.Second))
	}
	e.PacketsReceived = o.sent.PacketsSent - o.sent.RetransmittedPacketsSent
	if lost := e.PacketsLost; lost > 0 {
		e.PacketsReceived -= min(uint64(lost), e.PacketsReceived)
	}
	if rtt, ok := roundTrip(r, now); ok {
		e.RoundTripTime = rtt
		e.TotalRoundTripTime += rtt
		e.RoundTripTimeMeasurements++
	}
	return packet.Report{FractionLost: e.FractionLost, Jitter: e.Jitter, RoundTripTime: e.RoundTripTime}
}

// roundTrip computes the round trip time of RFC 3550 6.4.1 from the time that
// our sender report had and the delay until the report.
func roundTrip(r *rtcp.ReceptionReport, now time.Time) (time.Duration, bool) {
	if r.LastSenderReport == 0 {
		return 0, false
	}
	ticks := ntpShort(now) - r.LastSenderReport - r.Delay
	// Half an hour or more is a clock that was set, or a wrong report.
	if ticks >= 1<<31 || ticks > 60<<16 {
		return 0, false
	}
	return time.Duration(ticks) * time.Second / (1 << 16), true
}

// ntpEpoch is the beginning of NTP time in Unix seconds.
const ntpEpoch = -2208988800

// ntpShort is the middle half of the NTP time, in 1/65536 s.
func ntpShort(t time.Time) uint32 {
	seconds := uint64(t.Unix() - ntpEpoch)                   //nolint:gosec // after 1900
	fraction := uint64(t.Nanosecond()) << 16 / 1_000_000_000 //nolint:gosec // below a second
	return uint32(seconds<<16 | fraction)                    //nolint:gosec // the lower half is meant
}

// ntpTime turns NTP time into ours.
func ntpTime(ntp uint64) time.Time {
	seconds := int64(ntp>>32) + ntpEpoch
	nanos := int64((ntp & 0xffffffff) * 1_000_000_000 >> 32) //nolint:gosec // below a second
	return time.Unix(seconds, nanos)
}

// inbound counts one received stream and what its sender says about it.
type inbound struct {
	kind packet.Kind
	ssrc uint32

	mu       sync.Mutex
	stats    InboundRTPStats
	reported RemoteOutboundRTPStats
	heard    bool
	nack     nackList
	asked    time.Time // for a key frame
	wanted   bool      // a key frame, and it was not asked for since

	// RFC 3550 A.1 and A.8.
	started   bool
	first     uint16
	highest   uint16
	cycles    uint64
	original  uint64 // received, repairs not counted
	lastType  uint8
	transit   float64
	jitter    float64 // in clock ticks
	lastClock uint32
}

// count takes a received packet. It returns true when packets have gone
// missing that were not missing before.
func (in *inbound) count(h *rtp.Header, payload int, clock uint32, now time.Time) bool {
	size := h.MarshalSize()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add(size, payload, now)
	in.original++
	if !in.started {
		in.started, in.first, in.highest = true, h.SequenceNumber, h.SequenceNumber
	} else if ahead := h.SequenceNumber - in.highest; ahead != 0 && ahead < 1<<15 {
		if h.SequenceNumber < in.highest {
			in.cycles++
		}
		in.highest = h.SequenceNumber
	}
	in.updateJitter(h, clock, now)
	in.lastType = h.PayloadType
	if in.kind != packet.KindVideo {
		return false
	}
	return in.nack.arrived(h.SequenceNumber, now)
}

func (in *inbound) add(header, payload int, now time.Time) {
	in.stats.PacketsReceived++
	in.stats.BytesReceived += uint64(payload)      //nolint:gosec // a length
	in.stats.HeaderBytesReceived += uint64(header) //nolint:gosec // a length
	in.stats.LastPacketReceivedTimestamp = now
}

// updateJitter is RFC 3550 A.8; a change of the clock starts anew.
func (in *inbound) updateJitter(h *rtp.Header, clock uint32, now time.Time) {
	arrival := float64(now.UnixNano()) / 1e9 * float64(clock)
	transit := arrival - float64(h.Timestamp)
	if in.lastClock == clock && in.lastType == h.PayloadType {
		d := transit - in.transit
		if d < 0 {
			d = -d
		}
		// A timestamp that wrapped or jumped is no jitter.
		if d < float64(clock) {
			in.jitter += (d - in.jitter) / 16
		}
	}
	in.transit, in.lastClock = transit, clock
}

func (in *inbound) countRepair(sequence uint16, header, payload int, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add(header, payload, now)
	in.stats.RetransmittedPacketsReceived++
	in.nack.arrived(sequence, now)
}

func (in *inbound) countNACK() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.NACKCount++
}

func (in *inbound) countPLI() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.PLICount++
}

// due returns what to ask for again.
func (in *inbound) due(now time.Time, rtt time.Duration) ([]uint16, time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.nack.due(now, rtt)
}

func (in *inbound) wantKeyFrame() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted = true
}

// keyFrameDue tells whether to ask for a key frame now, at most once in
// interval, or else when to look again (zero for not until one is wanted).
func (in *inbound) keyFrameDue(now time.Time, interval time.Duration) (due bool, next time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.wanted {
		return false, time.Time{}
	}
	if next = in.asked.Add(interval); now.Before(next) {
		return false, next
	}
	in.asked, in.wanted = now, false
	return true, time.Time{}
}

// senderReport takes what the sender says about its stream.
func (in *inbound) senderReport(r *rtcp.SenderReport) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.heard = true
	in.reported.PacketsSent = uint64(r.PacketCount)
	in.reported.BytesSent = uint64(r.OctetCount)
	in.reported.RemoteTimestamp = ntpTime(r.NTPTime)
	in.reported.ReportsSent++
}

// snapshot returns the statistics so far.
func (in *inbound) snapshot(n *negotiated) (InboundRTPStats, *RemoteOutboundRTPStats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	stats := in.stats
	stats.Kind, stats.SSRC = in.kind.String(), in.ssrc
	if n != nil {
		stats.Codec = codecOf(n, in.lastType)
	}
	if in.started {
		expected := in.cycles<<16 + uint64(in.highest) - uint64(in.first) + 1
		stats.PacketsLost = int64(expected) - int64(in.original) //nolint:gosec // counts of packets
	}
	if in.lastClock > 0 {
		stats.Jitter = time.Duration(in.jitter / float64(in.lastClock) * float64(time.Second))
	}
	if !in.heard {
		return stats, nil
	}
	reported := in.reported
	reported.Kind, reported.SSRC = stats.Kind, stats.SSRC
	return stats, &reported
}

func (o *outbound) snapshot(kind packet.Kind, n *negotiated) (OutboundRTPStats, *RemoteInboundRTPStats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	stats := o.sent
	stats.Kind, stats.SSRC = kind.String(), o.ssrc
	switch {
	case n == nil:
	case stats.PacketsSent == 0:
		stats.Codec, _ = n.preferred()
	default:
		stats.Codec = codecOf(n, o.last)
	}
	if !o.heard {
		return stats, nil
	}
	reported := o.reported
	reported.Kind, reported.SSRC = stats.Kind, stats.SSRC
	return stats, &reported
}

func codecOf(n *negotiated, pt uint8) packet.Codec {
	for _, c := range n.codecs {
		if c.PayloadType == pt {
			return c
		}
	}
	return packet.Codec{}
}
