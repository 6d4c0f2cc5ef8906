package transport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

func TestOptions_Invalid(t *testing.T) {
	opus := packet.Codec{Name: "opus", ClockRate: 48000, Channels: 2}
	for _, c := range []struct {
		name    string
		options *transport.Options
	}{
		{"Nil", nil},
		{"NoAudio", &transport.Options{VideoCodecs: videoCodecs()}},
		{"NoName", &transport.Options{AudioCodecs: []packet.Codec{{ClockRate: 8000}}}},
		{"NoClock", &transport.Options{AudioCodecs: []packet.Codec{{Name: "opus"}}}},
		{"TwiceTheSameType", &transport.Options{AudioCodecs: []packet.Codec{{Name: "opus", ClockRate: 48000, PayloadType: 100}, {Name: "G722", ClockRate: 8000, PayloadType: 100}}}},
		{"TypeTooLarge", &transport.Options{AudioCodecs: []packet.Codec{{Name: "opus", ClockRate: 48000, PayloadType: 200}}}},
		{"TooMany", &transport.Options{AudioCodecs: []packet.Codec{opus}, VideoCodecs: make40()}},
		{"NoURL", &transport.Options{AudioCodecs: []packet.Codec{opus}, ICEServers: []transport.ICEServer{{URLs: []string{"nonsense"}}}}},
		{"NoCredential", &transport.Options{AudioCodecs: []packet.Codec{opus}, ICEServers: []transport.ICEServer{{URLs: []string{"turn:example.com"}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := transport.New(c.options); !errors.Is(err, transport.ErrInvalidOptions) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func make40() []packet.Codec {
	var list []packet.Codec
	for i := range 40 {
		list = append(list, packet.Codec{Name: fmt.Sprintf("V%d", i), ClockRate: 90000})
	}
	return list
}

// realOffer makes an offer to spoil.
func realOffer(t *testing.T, w *world) transport.Description {
	t.Helper()
	e := newEnd(t, "source", transport.Options{Net: w.alice, VideoCodecs: videoCodecs()})
	offer, err := e.Offer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

func without(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestAnswer_Malformed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		good := realOffer(t, w)
		for _, c := range []struct {
			name string
			sdp  string
			want error
		}{
			{"Empty", "", transport.ErrInvalidDescription},
			{"Noise", "\x00\xff\xfenonsense\r\n", transport.ErrInvalidDescription},
			{"Huge", strings.Repeat("a", transport.MaxDescriptionSize+1), transport.ErrInvalidDescription},
			{"NoSections", good.SDP[:strings.Index(good.SDP, "m=")], transport.ErrInvalidDescription},
			{"NoFingerprint", without(good.SDP, "a=fingerprint"), transport.ErrInvalidDescription},
			{"BadFingerprint", strings.Replace(good.SDP, "a=fingerprint:sha-256", "a=fingerprint", 1), transport.ErrInvalidDescription},
			{"NoUfrag", without(good.SDP, "a=ice-ufrag"), transport.ErrInvalidDescription},
			{"ShortPassword", replaceLine(good.SDP, "a=ice-pwd:", "a=ice-pwd:short"), transport.ErrInvalidDescription},
			{"NoMid", without(good.SDP, "a=mid"), transport.ErrInvalidDescription},
			{"ManySections", good.SDP + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 40), transport.ErrInvalidDescription},
			{"BadPayloadType", strings.Replace(good.SDP, "SAVPF 96", "SAVPF 300", 1), transport.ErrInvalidDescription},
			{"NoAudio", strings.Replace(good.SDP, "m=audio 9", "m=audio 0", 1), transport.ErrNoCommonCodec},
			{"OtherAudio", strings.NewReplacer("opus/48000/2", "speex/16000", "G722/8000", "G729/8000", "PCMU/8000", "GSM/8000", "PCMA/8000", "LPC/8000").Replace(good.SDP), transport.ErrNoCommonCodec},
			{"OnlyTones", strings.NewReplacer("opus/48000/2", "x/8000", "G722/8000", "y/8000", "PCMU/8000", "z/8000", "PCMA/8000", "w/8000").Replace(good.SDP), transport.ErrNoCommonCodec},
		} {
			// No t.Run in a bubble.
			e := newEnd(t, "victim", transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
			_, err := e.Answer(context.Background(), transport.Description{Kind: transport.KindOffer, Generation: 1, SDP: c.sdp})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		e := newEnd(t, "victim", transport.Options{Net: w.bob})
		if _, err := e.Answer(t.Context(), transport.Description{Kind: transport.KindAnswer, SDP: good.SDP}); !errors.Is(err, transport.ErrInvalidDescription) {
			t.Errorf("answer as offer: %v", err)
		}
		if _, err := e.Answer(t.Context(), transport.Description{Kind: transport.KindOffer, SDP: "x", Generation: 1}); err == nil {
			t.Error("nonsense accepted")
		}
		// A bad offer leaves the session as it was.
		if _, err := e.Answer(t.Context(), good); err != nil {
			t.Errorf("good offer after a bad one: %v", err)
		}
		if _, err := e.Answer(t.Context(), good); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("the same offer twice: %v", err)
		}
	})
}

func replaceLine(text, prefix, line string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, prefix) {
			l = line + "\r\n"
		}
		b.WriteString(l)
	}
	return b.String()
}

func TestSetAnswer_Malformed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a := newEnd(t, "a", transport.Options{Net: w.alice, VideoCodecs: videoCodecs()})
		b := newEnd(t, "b", transport.Options{Net: w.bob, VideoCodecs: videoCodecs()})
		a.joinTo(b)
		b.joinTo(a)
		offer, err := a.Offer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := b.Answer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			d    transport.Description
			want error
		}{
			"Offer":       {transport.Description{Kind: transport.KindOffer, SDP: answer.SDP, Generation: 1}, transport.ErrInvalidDescription},
			"Nonsense":    {transport.Description{Kind: transport.KindAnswer, SDP: "v=0", Generation: 1}, transport.ErrInvalidDescription},
			"Future":      {transport.Description{Kind: transport.KindAnswer, SDP: answer.SDP, Generation: 2}, transport.ErrWrongState},
			"NoCodec":     {transport.Description{Kind: transport.KindAnswer, SDP: strings.Replace(answer.SDP, "m=audio 9", "m=audio 0", 1), Generation: 1}, transport.ErrNoCommonCodec},
			"Fingerprint": {transport.Description{Kind: transport.KindAnswer, SDP: without(answer.SDP, "a=fingerprint"), Generation: 1}, transport.ErrInvalidDescription},
		} {
			if err := a.SetAnswer(c.d); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if err := a.SetAnswer(answer); err != nil {
			t.Fatal(err)
		}
		if err := a.SetAnswer(answer); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("the same answer twice: %v", err)
		}
		a.until("connection", a.is(transport.StateConnected))
		b.until("connection", b.is(transport.StateConnected))
		exchangeMedia(t, a, b, 3)
	})
}

// An answer whose fingerprint is another one's fails the handshake.
func TestWrongFingerprint_Fails(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a := newEnd(t, "a", transport.Options{Net: w.alice})
		b := newEnd(t, "b", transport.Options{Net: w.bob})
		a.joinTo(b)
		b.joinTo(a)
		offer, err := a.Offer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		offer.SDP = replaceLine(offer.SDP, "a=fingerprint:", "a=fingerprint:sha-256 "+strings.TrimSuffix(strings.Repeat("AB:", 32), ":"))
		answer, err := b.Answer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.SetAnswer(answer); err != nil {
			t.Fatal(err)
		}
		b.until("failure", b.is(transport.StateFailed))
		if b.count(packet.KindAudio) != 0 || a.State() == transport.StateConnected && a.audio(1) == nil && b.count(packet.KindAudio) != 0 {
			t.Error("media went through")
		}
	})
}

// A section without a common codec stays silent; the others work.
func TestNoCommonVideo_AudioWorks(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b []packet.Codec
	}{
		{"OfferHasOther", []packet.Codec{{Name: "VP8", ClockRate: 90000}}, []packet.Codec{{Name: "AV1", ClockRate: 90000}}},
		{"OfferHasNone", nil, videoCodecs()},
		{"AnswerHasNone", videoCodecs(), nil},
		{"OtherMode", []packet.Codec{{Name: "H264", ClockRate: 90000, Parameters: "packetization-mode=1;profile-level-id=42e01f"}}, []packet.Codec{{Name: "H264", ClockRate: 90000, Parameters: "packetization-mode=0;profile-level-id=42e01f"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				a, b := connect(t, transport.Options{Net: w.alice, VideoCodecs: c.a}, transport.Options{Net: w.bob, VideoCodecs: c.b})
				for _, e := range []*end{a, b} {
					if v, ok := e.Codec(packet.KindVideo); ok {
						t.Errorf("%s: %+v", e.name, v)
					}
					if err := e.WritePacket(packet.KindVideo, &packet.Packet{PayloadType: 100}); err == nil {
						t.Errorf("%s: wrote video", e.name)
					}
					e.until("data", func() bool { return len(e.opened) == 2 })
				}
				exchangeMedia(t, a, b, 5)
				restart(t, a, b)
				exchangeMedia(t, a, b, 5)
			})
		})
	}
}

// Parameters differ, codecs are the same; each end learns what the other wants.
func TestCodecs_ParametersDiffer(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t,
			transport.Options{Net: w.alice, AudioCodecs: []packet.Codec{
				{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "useinbandfec=1;minptime=10"}, {Name: "PCMU", ClockRate: 8000},
			}},
			transport.Options{Net: w.bob, AudioCodecs: []packet.Codec{
				{Name: "PCMU", ClockRate: 8000, Channels: 1}, {Name: "OPUS", ClockRate: 48000, Channels: 2, Parameters: "minptime=20;stereo=1", PayloadType: 120},
			}})
		fromA, _ := a.Codec(packet.KindAudio)
		fromB, _ := b.Codec(packet.KindAudio)
		if fromA.PayloadType != fromB.PayloadType || !strings.EqualFold(fromA.Name, "opus") || !strings.EqualFold(fromB.Name, "opus") {
			t.Errorf("%+v and %+v", fromA, fromB)
		}
		if fromA.Parameters != "minptime=20;stereo=1" || fromB.Parameters != "useinbandfec=1;minptime=10" {
			t.Errorf("parameters %q and %q", fromA.Parameters, fromB.Parameters)
		}
		exchangeMedia(t, a, b, 5)
	})
}

func TestCandidates_Malformed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		for _, line := range []string{
			"", "candidate:", "nonsense", "candidate:1 1 udp", "candidate:1 1 udp x 10.0.0.1 9 typ host",
			"candidate:1 1 udp 1 10.0.0.1 99999 typ host", "candidate:1 1 udp 1 10.0.0.1 9 typ nothing",
			"candidate:1 1 udp 1 not-an-address 9 typ host", "candidate:\x00\xff", strings.Repeat("c", transport.MaxCandidateSize+1),
		} {
			if err := a.AddCandidates(transport.CandidateBatch{Generation: 1, Candidates: []string{line}}); !errors.Is(err, transport.ErrInvalidCandidate) {
				t.Errorf("%q: %v", line, err)
			}
		}
		// Valid, but not for us.
		for _, line := range []string{
			"candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype passive", "candidate:1 2 udp 1 10.0.0.1 9 typ host",
			"candidate:1 1 udp 1 0b32b8cd-7e1a-4d8c-a0b8-1d7a3f5e9c11.local 9 typ host", "candidate:1 1 udp 1 0.0.0.0 9 typ host",
			"candidate:1 1 udp 1 127.0.0.1 9 typ host", "candidate:1 1 udp 1 ::1 9 typ host", "candidate:1 1 udp 1 fe80::1 9 typ host",
			"candidate:1 1 udp 1 224.0.0.1 9 typ host", "candidate:1 1 udp 1 10.0.0.1 0 typ host",
		} {
			if err := a.AddCandidates(transport.CandidateBatch{Generation: 1, Candidates: []string{line}}); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
		if err := a.AddCandidates(transport.CandidateBatch{Generation: 9}); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("candidates of the future: %v", err)
		}
		// With "a=" in front, as in a description, and with what browsers add.
		if err := a.AddCandidates(transport.CandidateBatch{Candidates: []string{
			"a=candidate:1 1 udp 1 10.0.2.1 9 typ host generation 0 network-cost 999",
		}}); err != nil {
			t.Error(err)
		}
		exchangeMedia(t, a, b, 5)
	})
}

func TestCandidates_Flood(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		flood := func(n int) (lines []string) {
			for i := range n {
				lines = append(lines, fmt.Sprintf("candidate:1 1 udp 1 10.%d.%d.1 %d typ host", i/250, i%250, 1000+i))
			}
			return lines
		}
		a := newEnd(t, "a", transport.Options{Net: w.alice})
		b := newEnd(t, "b", transport.Options{Net: w.bob})
		// Before there is a description.
		if err := b.AddCandidates(transport.CandidateBatch{Generation: 1, Candidates: flood(10000)}); !errors.Is(err, transport.ErrTooManyCandidates) {
			t.Errorf("early: %v", err)
		}
		offer, err := a.Offer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// In the description.
		c := newEnd(t, "c", transport.Options{Net: w.bob})
		spoiled := offer
		spoiled.SDP += "a=" + strings.Join(flood(1000), "\r\na=") + "\r\n"
		if _, err := c.Answer(t.Context(), spoiled); err != nil {
			t.Errorf("description with many: %v", err)
		}
		if err := c.AddCandidates(transport.CandidateBatch{Generation: 1, Candidates: flood(1)}); !errors.Is(err, transport.ErrTooManyCandidates) {
			t.Errorf("after many in the description: %v", err)
		}
		// One after the other.
		d := newEnd(t, "d", transport.Options{Net: w.bob})
		if _, err := d.Answer(t.Context(), offer); err != nil {
			t.Fatal(err)
		}
		var refused int
		for _, line := range flood(200) {
			if err := d.AddCandidates(transport.CandidateBatch{Generation: 1, Candidates: []string{line}}); errors.Is(err, transport.ErrTooManyCandidates) {
				refused++
			}
		}
		if want := 200 - transport.MaxRemoteCandidates; refused != want {
			t.Errorf("%d refused, want %d", refused, want)
		}
		time.Sleep(time.Second)
	})
}
