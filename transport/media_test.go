package transport_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

// video sends one packet of the given codec.
func (e *end) video(codec packet.Codec, sequence uint16, size int) error {
	payload := make([]byte, size)
	if size >= 2 {
		payload[0], payload[1] = byte(sequence), byte(sequence>>8)
	}
	return e.WritePacket(packet.KindVideo, &packet.Packet{
		PayloadType: codec.PayloadType, SequenceNumber: sequence, Timestamp: uint32(sequence) * 3000,
		Marker: true, Payload: payload,
	})
}

func TestVideo_Loss10Percent_Repaired(t *testing.T) {
	inWorld(t, netem.Link{Delay: 20 * time.Millisecond}, func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs()}, transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		w.direct.Set(netem.Link{Delay: 20 * time.Millisecond, Loss: 0.1})
		codec, _ := a.Codec(packet.KindVideo)
		// A loss among the last ones is not seen: nothing follows it.
		const n, tail = 2000, 50
		for i := range n + tail {
			if err := a.video(codec, uint16(60000+i), 800); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		seen := map[uint16]int{}
		var late time.Duration
		last := map[uint16]time.Time{}
		for _, p := range b.packets[packet.KindVideo] {
			if p.SequenceNumber-60000 >= n {
				continue
			}
			seen[p.SequenceNumber]++
			if p.PayloadType != codec.PayloadType || len(p.Payload) != 800 || p.Payload[0] != byte(p.SequenceNumber) || !p.Marker {
				t.Fatalf("packet %+v", p)
			}
			if before, ok := last[p.SequenceNumber-1]; ok {
				late = max(late, p.Arrival.Sub(before))
			}
			last[p.SequenceNumber] = p.Arrival
		}
		b.mu.Unlock()
		missing := n - len(seen)
		twice := 0
		for _, c := range seen {
			twice += c - 1
		}
		out, in := a.Stats().OutboundRTP[1], b.Stats().InboundRTP[0]
		t.Logf("missing %d, twice %d, latest repair %v; sent %d repairs, received %d, %d requests",
			missing, twice, late, out.RetransmittedPacketsSent, in.RetransmittedPacketsReceived, in.NACKCount)
		if missing > 2 {
			t.Errorf("%d of %d packets missing", missing, n)
		}
		if twice > n/50 {
			t.Errorf("%d packets came twice", twice)
		}
		if out.RetransmittedPacketsSent < n/20 || out.NACKCount == 0 {
			t.Errorf("outbound %+v", out)
		}
		if in.RetransmittedPacketsReceived == 0 || in.PacketsLost < n/20 {
			t.Errorf("inbound %+v", in)
		}
	})
}

// A codec is another one from one packet to the next, and repairs follow.
func TestVideo_CodecSwitch(t *testing.T) {
	inWorld(t, netem.Link{Delay: 20 * time.Millisecond}, func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs()}, transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		w.direct.Set(netem.Link{Delay: 20 * time.Millisecond, Loss: 0.1})
		codecs := a.Codecs(packet.KindVideo)
		if len(codecs) != 2 {
			t.Fatalf("codecs %v", codecs)
		}
		for i := range 600 {
			if err := a.video(codecs[i/300], uint16(i), 500); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
			if i == 299 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		seen := map[uint16]bool{}
		for _, p := range b.packets[packet.KindVideo] {
			seen[p.SequenceNumber] = true
			if want := codecs[p.SequenceNumber/300].PayloadType; p.PayloadType != want {
				t.Fatalf("packet %d of type %d, want %d", p.SequenceNumber, p.PayloadType, want)
			}
		}
		if len(seen) < 598 {
			t.Errorf("%d of 600 packets", len(seen))
		}
	})
}

func TestAudio_LevelsAndCodecs(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		codecs := a.Codecs(packet.KindAudio)
		if len(codecs) != 6 || codecs[0].Name != "opus" {
			t.Fatalf("codecs %v", codecs)
		}
		if c, ok := b.Codec(packet.KindAudio); !ok || c.Name != "opus" || c.Channels != 2 || c.Parameters != "minptime=10;useinbandfec=1" {
			t.Errorf("preferred %+v", c)
		}
		for i, c := range codecs {
			if err := a.WritePacket(packet.KindAudio, &packet.Packet{
				PayloadType: c.PayloadType, SequenceNumber: uint16(i), Timestamp: uint32(i), Payload: []byte{1, 2, 3},
				HasAudioLevel: i%2 == 0, AudioLevel: uint8(20 * i), Voice: i%4 == 0, Marker: i == 1, SSRC: 1,
			}); err != nil {
				t.Fatal(err)
			}
		}
		b.until("audio", func() bool { return len(b.packets[packet.KindAudio]) == len(codecs) })
		for i, p := range b.packets[packet.KindAudio] {
			if p.PayloadType != codecs[i].PayloadType || p.SequenceNumber != uint16(i) || p.Timestamp != uint32(i) ||
				p.Marker != (i == 1) || p.SSRC <= 1 || p.Arrival.IsZero() || string(p.Payload) != "\x01\x02\x03" {
				t.Errorf("packet %d: %+v", i, p)
			}
			if p.HasAudioLevel != (i%2 == 0) || (p.HasAudioLevel && (p.AudioLevel != uint8(20*i) || p.Voice != (i%4 == 0))) {
				t.Errorf("level of %d: %+v", i, p)
			}
		}
		if err := a.WritePacket(packet.KindAudio, &packet.Packet{PayloadType: 77}); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("unknown payload type: %v", err)
		}
		if err := a.WritePacket(packet.KindAudio, &packet.Packet{PayloadType: 255}); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("impossible payload type: %v", err)
		}
		if err := a.WritePacket(packet.KindVideo, &packet.Packet{PayloadType: 96}); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("video without a section: %v", err)
		}
		if err := a.WritePacket(packet.KindAudio, nil); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("no packet: %v", err)
		}
		if err := a.WritePacket(packet.KindAudio, &packet.Packet{
			PayloadType: codecs[0].PayloadType, Payload: make([]byte, transport.MaxPayloadSize+1),
		}); !errors.Is(err, transport.ErrTooLarge) {
			t.Errorf("large packet: %v", err)
		}
	})
}

// The largest packet fits a path of 1280 bytes, the relay's framing included.
func TestMaxPayloadSize_FitsIPv6(t *testing.T) {
	inWorld(t, netem.Link{Delay: time.Millisecond, MTU: 1280}, func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		for _, relay := range []bool{false, true} {
			a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs(), ICEServers: turnUDP(), RelayOnly: relay},
				transport.Options{Net: w.bob, VideoCodecs: videoCodecs(), ICEServers: turnUDP(), RelayOnly: relay})
			codec, _ := a.Codec(packet.KindVideo)
			for i := range 10 {
				if err := a.video(codec, uint16(i), transport.MaxPayloadSize); err != nil {
					t.Fatal(err)
				}
			}
			b.until("video", func() bool { return len(b.packets[packet.KindVideo]) == 10 })
			a.close()
			b.close()
		}
	})
}

// A key frame can be asked for as often as one likes: the other side hears of it
// at once, five times a second at the most, and a request that comes too early
// is sent later.
func TestKeyFrameRequests(t *testing.T) {
	for name, relay := range map[string]bool{"direct": false, "relayed": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				w.startRelay(t, nil)
				a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs(), ICEServers: turnUDP(), RelayOnly: relay},
					transport.Options{Net: w.bob, VideoCodecs: videoCodecs(), ICEServers: turnUDP(), RelayOnly: relay})
				arrived := 0
				arrive := func(n int) {
					t.Helper()
					time.Sleep(time.Second)
					a.mu.Lock()
					if arrived += n; a.keyFrames != arrived {
						t.Errorf("%d requests arrived, want %d", a.keyFrames, arrived)
					}
					a.mu.Unlock()
				}
				codec, _ := a.Codec(packet.KindVideo)
				if err := a.video(codec, 1, 100); err != nil {
					t.Fatal(err)
				}
				b.until("video", func() bool { return len(b.packets[packet.KindVideo]) == 1 })
				b.RequestKeyFrame()
				arrive(1)
				for range 10 {
					b.RequestKeyFrame()
				}
				arrive(2)
				for range 100 {
					b.RequestKeyFrame()
					time.Sleep(10 * time.Millisecond)
				}
				arrive(6)
				if n := a.Stats().OutboundRTP[1].PLICount; n != uint32(arrived) {
					t.Errorf("%d requests counted", n)
				}
				if n := b.Stats().InboundRTP[0].PLICount; n != uint32(arrived) {
					t.Errorf("%d requests counted as sent", n)
				}
			})
		})
	}
}

// What congestion control says must fall when the path carries less.
func TestTargetBitrate_RateLimit_Falls(t *testing.T) {
	inWorld(t, netem.Link{Delay: 20 * time.Millisecond}, func(t *testing.T, w *world) {
		options := transport.Options{Net: w.alice, VideoCodecs: videoCodecs(), Bitrate: transport.BitrateLimits{Min: 50_000, Start: 2_000_000, Max: 3_000_000}}
		a, b := connect(t, options, transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		codec, _ := a.Codec(packet.KindVideo)
		w.direct.Set(netem.Link{Delay: 20 * time.Millisecond, RateBPS: 500_000})
		var sequence uint16
		// The sender does as it is told.
		send := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); {
				target := a.Stats().OutboundRTP[1].TargetBitrate
				if err := a.video(codec, sequence, 1000); err != nil {
					t.Fatal(err)
				}
				sequence++
				time.Sleep(time.Duration(8000 / target * float64(time.Second)))
			}
		}
		send(20 * time.Second)
		low := a.Stats().OutboundRTP[1].TargetBitrate
		t.Logf("target at a limit of 500 kbit/s: %.0f", low)
		if low > 700_000 {
			t.Errorf("target %.0f at a limit of 500 kbit/s", low)
		}
		w.direct.Set(netem.Link{Delay: 20 * time.Millisecond})
		send(30 * time.Second)
		high := a.Stats().OutboundRTP[1].TargetBitrate
		t.Logf("target without a limit: %.0f", high)
		if high < 2*low || high > 3_000_000 {
			t.Errorf("target %.0f without a limit", high)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.bitrates) == 0 {
			t.Error("no events")
		}
		for _, bps := range a.bitrates {
			if bps < 50_000 || bps > 3_000_000 {
				t.Errorf("target %d beyond the bounds", bps)
			}
		}
		if b.count(packet.KindVideo) == 0 {
			t.Error("no video arrived")
		}
	})
}

func TestStats_BothDirections(t *testing.T) {
	const delay = 25 * time.Millisecond
	inWorld(t, netem.Link{Delay: delay}, func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: videoCodecs()}, transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		w.direct.SetFrom(w.alice, netem.Link{Delay: delay, Loss: 0.05})
		codec, _ := a.Codec(packet.KindVideo)
		const n = 500
		for i := range n {
			for _, e := range []*end{a, b} {
				if err := e.audio(uint16(65000 + i)); err != nil {
					t.Fatal(err)
				}
				if err := e.video(codec, uint16(i), 700); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		// Two reports later.
		for _, e := range []*end{a, b} {
			e.until("reports", func() bool { return len(e.reports) > 6 })
		}
		time.Sleep(3 * time.Second)
		for _, e := range []*end{a, b} {
			s := e.Stats()
			if len(s.InboundRTP) != 2 || len(s.OutboundRTP) != 2 || len(s.RemoteInboundRTP) != 2 || len(s.RemoteOutboundRTP) != 2 {
				t.Fatalf("%s: %+v", e.name, s)
			}
			for i, out := range s.OutboundRTP {
				if original := out.PacketsSent - out.RetransmittedPacketsSent; original != n {
					t.Errorf("%s: %s sent %d", e.name, out.Kind, original)
				}
				if out.SSRC == 0 || out.BytesSent == 0 || out.HeaderBytesSent == 0 || out.TargetBitrate == 0 || out.Codec.Name == "" {
					t.Errorf("%s: %+v", e.name, out)
				}
				remote := s.RemoteInboundRTP[i]
				if remote.SSRC != out.SSRC || remote.Kind != out.Kind || remote.RoundTripTimeMeasurements == 0 {
					t.Errorf("%s: %+v", e.name, remote)
				}
				if d := remote.RoundTripTime - 2*delay; d < -time.Millisecond || d > time.Millisecond {
					t.Errorf("%s: round trip time %v, want %v", e.name, remote.RoundTripTime, 2*delay)
				}
				lost := remote.PacketsLost
				if e == a && (lost < n/50 || lost > n/10) || e == b && lost != 0 {
					t.Errorf("%s: %s lost %d", e.name, out.Kind, lost)
				}
			}
			for i, in := range s.InboundRTP {
				if in.SSRC == 0 || in.PacketsReceived == 0 || in.Codec.Name == "" || in.LastPacketReceivedTimestamp.IsZero() {
					t.Errorf("%s: %+v", e.name, in)
				}
				if original := int64(in.PacketsReceived) - int64(in.RetransmittedPacketsReceived); original+in.PacketsLost < n-2 || original+in.PacketsLost > n {
					t.Errorf("%s: %d received and %d lost of %d", e.name, original, in.PacketsLost, n)
				}
				remote := s.RemoteOutboundRTP[i]
				if remote.SSRC != in.SSRC || remote.ReportsSent == 0 || remote.PacketsSent == 0 ||
					math.Abs(float64(time.Since(remote.RemoteTimestamp))) > float64(5*time.Second) {
					t.Errorf("%s: %+v", e.name, remote)
				}
			}
			p := s.CandidatePair
			if p == nil || p.State != "succeeded" || p.CurrentRoundTripTime < 2*delay || p.PacketsSent == 0 || p.BytesReceived == 0 ||
				p.Local.CandidateType != "host" || p.Remote.Port == 0 {
				t.Errorf("%s: %+v", e.name, p)
			}
			if tr := s.Transport; tr.BytesSent == 0 || tr.BytesReceived == 0 || tr.DTLSState != "connected" || tr.ICEState != "connected" ||
				tr.ICERole != map[string]string{"a": "controlling", "b": "controlled"}[e.name] ||
				tr.DTLSRole != map[string]string{"a": "server", "b": "client"}[e.name] || tr.SRTPCipher != "SRTP_AEAD_AES_128_GCM" {
				t.Errorf("%s: %+v", e.name, tr)
			}
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		worst := 0.0
		for _, r := range a.reports {
			worst = max(worst, r.FractionLost)
			if r.Kind == 0 {
				t.Errorf("report %+v", r)
			}
		}
		if worst == 0 {
			t.Error("no loss was reported to the end that loses")
		}
	})
}

// A peer that sends far more than was agreed costs only itself.
func TestFlood_Packets(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		for i := range 20000 {
			if err := a.audio(uint16(i)); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		exchangeMedia(t, a, b, 5)
		if b.State() != transport.StateConnected {
			t.Errorf("state %v", b.State())
		}
	})
}
