package transport

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Tests of the parts that have no way in from outside.

func TestNackList(t *testing.T) {
	const rtt = 40 * time.Millisecond
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	ask := func(n *nackList, ms int) []uint16 { s, _ := n.due(at(ms), rtt); return s }

	t.Run("AsksOncePerRoundTripAndAHalf", func(t *testing.T) {
		var n nackList
		n.arrived(65534, at(0))
		if !n.arrived(1, at(1)) {
			t.Error("a gap was not seen")
		}
		if got := ask(&n, 5); got != nil {
			t.Errorf("asked for %v before they could have been overtaken", got)
		}
		if got := ask(&n, 11); !slices.Equal(got, []uint16{65535, 0}) {
			t.Errorf("asked for %v", got)
		}
		if got := ask(&n, 70); got != nil {
			t.Errorf("asked again after %v", got)
		}
		if got := ask(&n, 72); !slices.Equal(got, []uint16{65535, 0}) {
			t.Errorf("asked for %v", got)
		}
		n.arrived(0, at(75))
		if got := ask(&n, 140); !slices.Equal(got, []uint16{65535}) {
			t.Errorf("asked for %v after one came", got)
		}
	})
	t.Run("Overtaken", func(t *testing.T) {
		var n nackList
		n.arrived(1, at(0))
		n.arrived(3, at(1))
		n.arrived(2, at(2))
		if got := ask(&n, 100); got != nil {
			t.Errorf("asked for %v", got)
		}
	})
	t.Run("GivesUp", func(t *testing.T) {
		var n nackList
		n.arrived(1, at(0))
		n.arrived(3, at(0))
		asked := 0
		for ms := 0; ms < 5000; ms += 5 {
			asked += len(ask(&n, ms))
		}
		if asked == 0 || asked > nackTries {
			t.Errorf("asked %d times", asked)
		}
		if _, next := n.due(at(5000), rtt); !next.IsZero() || len(n.list) != 0 {
			t.Errorf("still waiting: %v", n.list)
		}
	})
	t.Run("Jump", func(t *testing.T) {
		var n nackList
		n.arrived(1, at(0))
		if n.arrived(30000, at(1)) || len(n.list) != 0 {
			t.Errorf("%d missing after a jump", len(n.list))
		}
	})
	t.Run("Bounded", func(t *testing.T) {
		var n nackList
		n.arrived(0, at(0))
		for i := uint16(2); i < 2000; i += 2 {
			n.arrived(i, at(1))
		}
		if len(n.list) != maxMissing || n.list[len(n.list)-1].sequence != 1997 {
			t.Errorf("%d missing", len(n.list))
		}
	})
}

func TestAssignPayloadTypes(t *testing.T) {
	audio, video, err := assignPayloadTypes(
		[]packet.Codec{{Name: "opus", ClockRate: 48000, Channels: 2}, {Name: "G722", ClockRate: 8000}, {Name: "pcmu", ClockRate: 8000}, {Name: "PCMA", ClockRate: 8000, Channels: 1}, {Name: "telephone-event", ClockRate: 8000, PayloadType: 101}},
		[]packet.Codec{{Name: "VP8", ClockRate: 90000, PayloadType: 96}, {Name: "AV1", ClockRate: 90000}})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint8
	for _, c := range append(audio, video...) {
		got = append(got, c.PayloadType)
		if c.rtx != 0 {
			got = append(got, c.rtx)
		}
	}
	if want := []uint8{97, 9, 0, 8, 101, 96, 98, 99, 100}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPayloadOf(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  []byte
		want string
		ok   bool
	}{
		{"Plain", []byte("\x80\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01abc"), "abc", true},
		{"Padding", []byte("\xa0\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01abc\x00\x02"), "abc", true},
		{"OnlyPadding", []byte("\xa0\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x03"), "", true},
		{"TooMuchPadding", []byte("\xa0\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01ab\xff"), "", false},
		{"PaddingOfNothing", []byte("\xa0\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01"), "", false},
	} {
		var h rtp.Header
		if _, err := h.Unmarshal(c.raw); err != nil {
			t.Fatal(err)
		}
		if got, ok := payloadOf(&h, c.raw); string(got) != c.want || ok != c.ok {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
}

func TestTwice_Kinds(t *testing.T) {
	hello := append([]byte{22, 0xfe, 0xff}, make([]byte, 20)...)
	send := func(attributes ...byte) []byte {
		return append(append([]byte{0, 0x16}, make([]byte, 18)...), attributes...)
	}
	peer := []byte{0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name      string
		packet    []byte
		handshake bool
		request   bool
	}{
		{"Empty", nil, false, false},
		{"Hello", hello, true, false},
		{"CipherChange", append([]byte{20, 0xfe, 0xfd}, make([]byte, 11)...), true, false},
		{"Data", append([]byte{23, 0xfe, 0xfd}, make([]byte, 11)...), false, false},
		{"SRTP", append([]byte{0x80, 96}, make([]byte, 30)...), false, false},
		{"InChannel", append([]byte{0x40, 0, 0, 23}, hello...), true, false},
		{"MediaInChannel", append([]byte{0x40, 0, 0, 23, 0x80}, make([]byte, 22)...), false, false},
		{"EmptyChannel", make([]byte, 13)[:13], false, false},
		{"InIndication", send(append(append(peer, 0, 0x13, 0, 23), hello...)...), true, false},
		{"IndicationWithoutData", send(peer...), false, false},
		{"IndicationTooShort", send(0, 0x13, 0xff, 0xff, 22, 0xfe), false, false},
		{"Allocate", append([]byte{0, 3}, make([]byte, 18)...), false, true},
		{"CreatePermission", append([]byte{0, 8}, make([]byte, 18)...), false, true},
		{"Binding", append([]byte{0, 1}, make([]byte, 18)...), false, false},
		{"Answer", append([]byte{1, 3}, make([]byte, 18)...), false, false},
	} {
		if got := handshake(c.packet); got != c.handshake {
			t.Errorf("%s: handshake %v", c.name, got)
		}
		if got := relayRequest(c.packet); got != c.request {
			t.Errorf("%s: request %v", c.name, got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	now := time.Unix(1_700_000_000, 250_000_000)
	sent := ntpShort(now.Add(-300 * time.Millisecond))
	for _, c := range []struct {
		name   string
		report rtcp.ReceptionReport
		want   time.Duration
		ok     bool
	}{
		{"Never", rtcp.ReceptionReport{}, 0, false},
		{"Usual", rtcp.ReceptionReport{LastSenderReport: sent, Delay: 65536 / 4}, 50 * time.Millisecond, true},
		{"DelayTooLong", rtcp.ReceptionReport{LastSenderReport: sent, Delay: 65536}, 0, false},
		{"Future", rtcp.ReceptionReport{LastSenderReport: ntpShort(now.Add(time.Hour))}, 0, false},
	} {
		got, ok := roundTrip(&c.report, now)
		if ok != c.ok || math.Abs(float64(got-c.want)) > float64(time.Millisecond) {
			t.Errorf("%s: %v %v", c.name, got, ok)
		}
	}
	if got := ntpTime(uint64(now.Unix()-ntpEpoch)<<32 | 1<<30); !got.Equal(now) {
		t.Errorf("NTP time %v, want %v", got, now)
	}
}

func TestReport_SignedLoss(t *testing.T) {
	var o outbound
	r := rtcp.ReceptionReport{TotalLost: 0xffffff, FractionLost: 128, Jitter: 480}
	got := o.report(&r, 48000, time.Now())
	if o.reported.PacketsLost != -1 || got.FractionLost != 0.5 || got.Jitter != 10*time.Millisecond {
		t.Errorf("%+v %+v", got, o.reported)
	}
}

func TestInbound_Jitter(t *testing.T) {
	in := inbound{kind: packet.KindAudio, ssrc: 1}
	now := time.Unix(1000, 0)
	for i := range uint16(500) {
		arrival := now.Add(time.Duration(i) * 20 * time.Millisecond)
		if i%2 == 1 {
			arrival = arrival.Add(8 * time.Millisecond)
		}
		in.count(&rtp.Header{SequenceNumber: i, Timestamp: uint32(i) * 960, PayloadType: 96}, 10, 48000, arrival)
	}
	stats, remote := in.snapshot(nil)
	if d := stats.Jitter - 8*time.Millisecond; d < -time.Millisecond || d > time.Millisecond || remote != nil {
		t.Errorf("jitter %v", stats.Jitter)
	}
	if stats.PacketsLost != 0 || stats.PacketsReceived != 500 {
		t.Errorf("%+v", stats)
	}
}

func TestCandidateLines(t *testing.T) {
	c := &webrtc.ICECandidate{
		Foundation: "12345", Component: 1, Priority: 7, Protocol: webrtc.ICEProtocolUDP, Address: "192.0.2.5", Port: 99,
		Typ: webrtc.ICECandidateTypeSrflx, RelatedAddress: "10.1.2.3", RelatedPort: 4,
	}
	var l localCandidates
	l.add(c, false)
	host := *c
	host.Typ = webrtc.ICECandidateTypeHost
	l.add(&host, true)
	relay := *c
	relay.Typ, relay.Foundation = webrtc.ICECandidateTypeRelay, "777"
	l.add(&relay, true)
	lines, end := l.take(true)
	want := []string{"candidate:1 1 udp 7 192.0.2.5 99 typ srflx raddr 0.0.0.0 rport 0", "candidate:2 1 udp 7 192.0.2.5 99 typ relay raddr 0.0.0.0 rport 0"}
	if !slices.Equal(lines, want) || end {
		t.Errorf("%q %v", lines, end)
	}
	l.gathered = true
	if lines, end = l.take(true); len(lines) != 0 || end {
		t.Errorf("while hidden: %q %v", lines, end)
	}
	if lines, end = l.take(false); len(lines) != 1 || !end {
		t.Errorf("revealed: %q %v", lines, end)
	}
	if lines, end = l.take(false); len(lines) != 0 || end {
		t.Errorf("once more: %q %v", lines, end)
	}
	for _, line := range want {
		if _, usable, err := parseCandidate(line, false); err != nil || !usable {
			t.Errorf("%q: %v %v", line, usable, err)
		}
	}
}

func TestMailbox(t *testing.T) {
	var wait sync.WaitGroup
	m := mailbox{wait: &wait}
	var got []int
	m.post(func() {
		got = append(got, 1)
		m.post(func() { got = append(got, 3) })
		got = append(got, 2)
	})
	wait.Wait()
	m.end(func() {
		got = append(got, 4)
		m.post(func() { got = append(got, 99) })
	})
	m.end(func() { got = append(got, 98) })
	m.post(func() { got = append(got, 97) })
	wait.Wait()
	if !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("ran %v", got)
	}
}

func TestSystemNet(t *testing.T) {
	prefixes, err := systemNet{}.Addrs()
	if err != nil || len(prefixes) == 0 {
		t.Fatalf("%v %v", prefixes, err)
	}
	for _, p := range append(prefixes, routedPrefixes()...) {
		if !p.IsValid() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			t.Errorf("prefix %v", p)
		}
	}
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]string{
		"new": StateNew.String(), "connecting": StateConnecting.String(), "connected": StateConnected.String(),
		"lost": StateLost.String(), "failed": StateFailed.String(), "closed": StateClosed.String(), "unknown": State(99).String(),
		"reliable": Reliable.String(), "lossy": Lossy.String(), "offer": KindOffer.String(), "answer": KindAnswer.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Reliability(9).String() != "unknown" || DescriptionKind(9).String() != "unknown" {
		t.Error("unknown values have names")
	}
}

// offlineSession is a session that no network is behind.
func offlineSession(t testing.TB, events Events) *Session {
	t.Helper()
	s, err := New(&Options{
		AudioCodecs: []packet.Codec{{Name: "opus", ClockRate: 48000, Channels: 2}},
		VideoCodecs: []packet.Codec{{Name: "VP8", ClockRate: 90000}},
		Events:      events,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-s.Done()
	})
	for _, m := range s.media {
		if m != nil {
			sec := &section{kind: m.kind.String(), rtx: map[uint8]uint8{}}
			for _, c := range m.ours {
				sec.codecs = append(sec.codecs, c.Codec)
				sec.rtx[c.rtx] = c.PayloadType
			}
			m.negotiated.Store(agree(m.ours, sec, sec))
		}
	}
	s.repairs.Store(&map[uint32]uint32{0xb: 0xa})
	return s
}

func feed(b []byte) interceptor.RTPReader {
	once := false
	return interceptor.RTPReaderFunc(func(to []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		if once {
			return 0, nil, io.EOF
		}
		once = true
		return copy(to, b), a, nil
	})
}

func FuzzWire(f *testing.F) {
	f.Add([]byte("\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0aabc"), false)
	f.Add([]byte("\x90\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0a\xbe\xde\x00\x01\x20\x85\x00\x00abc"), false)
	f.Add([]byte("\x80\x62\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0b\x00\x05abc"), true)
	f.Add([]byte("\xa0\x62\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0b\xff"), true)
	f.Add([]byte("\x80"), true)
	var mu sync.Mutex
	var last *packet.Packet
	s := offlineSession(f, Events{Packet: func(_ packet.Kind, p *packet.Packet) {
		mu.Lock()
		defer mu.Unlock()
		last = p
	}})
	f.Fuzz(func(t *testing.T, b []byte, repair bool) {
		info := &interceptor.StreamInfo{SSRC: 0xa, MimeType: "video/VP8", RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: uriAudioLevel, ID: 2}}}
		if repair {
			info.SSRC, info.MimeType = 0xb, "video/rtx"
		}
		mu.Lock()
		last = nil
		mu.Unlock()
		r := (&wire{session: s}).BindRemoteStream(info, feed(b))
		buf := make([]byte, receiveMTU)
		for {
			if _, _, err := r.Read(buf, nil); errors.Is(err, io.EOF) {
				break
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if last != nil && (len(last.Payload) == 0 || len(last.Payload) > len(b) || last.PayloadType > lastPayload) {
			t.Errorf("%+v from %x", last, b)
		}
	})
}

func FuzzControl(f *testing.F) {
	for _, p := range []rtcp.Packet{
		&rtcp.SenderReport{SSRC: 0xa, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: 1, TotalLost: 3, LastSenderReport: 5}}},
		&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 1, FractionLost: 9}}},
		&rtcp.PictureLossIndication{MediaSSRC: 1}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 1}}},
		nackPacket(1, []uint16{1, 2, 3, 100}),
		&rtcp.TransportLayerCC{
			Header:     rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
			SenderSSRC: 1, MediaSSRC: 1, BaseSequenceNumber: 1, PacketStatusCount: 1, ReferenceTime: 1,
			PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
			RecvDeltas:   []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}},
		},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x81\xc9"))
	s := offlineSession(f, Events{KeyFrameRequest: func() {}, Report: func(packet.Report) {}})
	s.media[packet.KindVideo].out.begin(1)
	w := &wire{session: s}
	f.Fuzz(func(_ *testing.T, b []byte) {
		in := feed(b)
		r := s.congestion.BindRTCPReader(w.BindRTCPReader(interceptor.RTCPReaderFunc(
			func(to []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) { return in.Read(to, a) })))
		buf := make([]byte, receiveMTU)
		for {
			if _, _, err := r.Read(buf, nil); errors.Is(err, io.EOF) {
				return
			}
		}
	})
}

func FuzzCandidate(f *testing.F) {
	for _, line := range []string{
		"candidate:1 1 udp 2130706431 192.0.2.2 36433 typ host", "a=candidate:1 1 udp 1 2001:db8::1 9 typ srflx raddr :: rport 0",
		"candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype passive", "candidate:", "", "candidate:x y z",
		"candidate:1 1 udp 1 10.0.0.1 9 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag abcd network-id 1",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, usable, err := parseCandidate(line, false)
		if err != nil && !errors.Is(err, ErrInvalidCandidate) {
			t.Errorf("undocumented error %v", err)
		}
		if usable && (!c.addr.IsValid() || c.addr.Port() == 0 || c.addr.Addr().IsLoopback()) {
			t.Errorf("%q gave %+v", line, c)
		}
	})
}

func FuzzDescription(f *testing.F) {
	for _, sdp := range sampleDescriptions(f) {
		f.Add(sdp)
		f.Add(strings.ReplaceAll(sdp, "\r\n", "\n"))
		f.Add(sdp[:len(sdp)/2])
		f.Add(strings.Replace(sdp, "m=video 9", "m=video 0", 1))
	}
	f.Add("v=0\r\n")
	ours, video, err := assignPayloadTypes([]packet.Codec{{Name: "opus", ClockRate: 48000, Channels: 2}}, []packet.Codec{{Name: "H264", ClockRate: 90000}})
	if err != nil {
		f.Fatal(err)
	}
	media := []*media{nil, newMedia(packet.KindAudio, ours), newMedia(packet.KindVideo, video)}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDescription(text)
		if err != nil {
			if !errors.Is(err, ErrInvalidDescription) {
				t.Errorf("undocumented error %v", err)
			}
			return
		}
		for _, answer := range []bool{false, true} {
			filtered := d.filter(media, answer)
			if strings.Contains(filtered, "a=candidate:") {
				t.Errorf("a candidate is left in %q", filtered)
			}
		}
		minimal(text, 1)
		for _, m := range media[1:] {
			agree(m.ours, d.first(m.kind), d.first(m.kind))
		}
	})
}
