package transport_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// plain is the other stack without anything of ours: what a browser-like peer is.
type plain struct {
	*webrtc.PeerConnection
	audio, video *webrtc.TrackLocalStaticRTP
	channels     [2]*webrtc.DataChannel

	mu       sync.Mutex
	changed  chan struct{}
	received map[webrtc.RTPCodecType]int
	codecs   map[webrtc.RTPCodecType]string
	messages [2][]string
	opened   int
	plis     int
	known    bool // our description
	early    []string
}

// take adds a candidate of ours, which may come before our description.
func (p *plain) take(t *testing.T, lines ...string) {
	p.mu.Lock()
	if !p.known {
		p.early = append(p.early, lines...)
		lines = nil
	}
	p.mu.Unlock()
	for _, line := range lines {
		if err := p.AddICECandidate(webrtc.ICECandidateInit{Candidate: line}); err != nil {
			t.Error(err)
		}
	}
}

func (p *plain) describe(t *testing.T, d webrtc.SessionDescription) {
	t.Helper()
	if err := p.SetRemoteDescription(d); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.known = true
	early := p.early
	p.mu.Unlock()
	p.take(t, early...)
}

func newPlain(t *testing.T, audioMime string, withVideo bool) *plain {
	t.Helper()
	var e webrtc.SettingEngine
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIncludeLoopbackCandidate(true)
	var m webrtc.MediaEngine
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(&m)).NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{plainCertificate(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &plain{
		PeerConnection: pc, changed: make(chan struct{}),
		received: map[webrtc.RTPCodecType]int{}, codecs: map[webrtc.RTPCodecType]string{},
	}
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	})
	p.audio = p.track(t, audioMime, "audio")
	if withVideo {
		p.video = p.track(t, webrtc.MimeTypeVP8, "video")
	}
	yes, no, none := true, false, uint16(0)
	for i := range p.channels {
		id := uint16(i)
		init := &webrtc.DataChannelInit{Negotiated: &yes, ID: &id}
		if i == 1 {
			init.Ordered, init.MaxRetransmits = &no, &none
		}
		c, err := pc.CreateDataChannel("x", init)
		if err != nil {
			t.Fatal(err)
		}
		p.channels[i] = c
		c.OnOpen(func() { p.note(func() { p.opened++ }) })
		c.OnMessage(func(m webrtc.DataChannelMessage) {
			p.note(func() { p.messages[i] = append(p.messages[i], string(m.Data)) })
		})
	}
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := tr.ReadRTP(); err != nil {
				return
			}
			p.note(func() { p.received[tr.Kind()]++; p.codecs[tr.Kind()] = tr.Codec().MimeType })
		}
	})
	return p
}

func (p *plain) track(t *testing.T, mime, id string) *webrtc.TrackLocalStaticRTP {
	t.Helper()
	tr, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: plainClock(mime)}, id, "stream")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := p.AddTrack(tr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, c := range packets {
				if _, ok := c.(*rtcp.PictureLossIndication); ok {
					p.note(func() { p.plis++ })
				}
			}
		}
	}()
	return tr
}

func (p *plain) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *plain) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		good, changed := ok(), p.changed
		p.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("plain: no %s: %v %v", what, p.received, p.messages)
		}
	}
}

// gathered makes the descriptions of the plain side hold all candidates.
func (p *plain) gathered(t *testing.T, d webrtc.SessionDescription) string {
	t.Helper()
	done := webrtc.GatheringCompletePromise(p.PeerConnection)
	if err := p.SetLocalDescription(d); err != nil {
		t.Fatal(err)
	}
	<-done
	return p.LocalDescription().SDP
}

func TestInterop_Plain(t *testing.T) {
	for _, c := range []struct {
		name   string
		offers bool
		audio  string
		video  bool
	}{
		{"WeOffer", true, webrtc.MimeTypeOpus, true},
		{"PlainOffers", false, webrtc.MimeTypeOpus, true},
		{"WeOffer_G722", true, webrtc.MimeTypeG722, true},
		{"PlainOffersWithoutVideo", false, webrtc.MimeTypeOpus, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			testkit.CheckLeaks(t, time.Minute)
			p := newPlain(t, c.audio, c.video)
			e := newEnd(t, "ours", transport.Options{IncludeLoopback: true, VideoCodecs: videoCodecs(), Events: transport.Events{
				Candidates: func(b transport.CandidateBatch) {
					p.take(t, b.Candidates...)
				},
			}})
			meet(t, e, p, c.offers)
			e.until("connection", e.is(transport.StateConnected))
			e.until("data", func() bool { return len(e.opened) == 2 })
			p.until(t, "data", func() bool { return p.opened == 2 })
			chat(t, e, p)
			talk(t, e, p, c.video)
		})
	}
}

func meet(t *testing.T, e *end, p *plain, weOffer bool) {
	t.Helper()
	ctx := context.Background()
	if weOffer {
		offer, err := e.Offer(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.describe(t, webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP})
		answer, err := p.CreateAnswer(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.SetAnswer(transport.Description{Kind: transport.KindAnswer, SDP: p.gathered(t, answer)}); err != nil {
			t.Fatal(err)
		}
		return
	}
	offer, err := p.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := e.Answer(ctx, transport.Description{Kind: transport.KindOffer, SDP: p.gathered(t, offer)})
	if err != nil {
		t.Fatal(err)
	}
	p.describe(t, webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP})
}

func chat(t *testing.T, e *end, p *plain) {
	t.Helper()
	for i, r := range []transport.Reliability{transport.Reliable, transport.Lossy} {
		if err := e.SendData(r, []byte("to plain")); err != nil {
			t.Error(err)
		}
		if err := p.channels[i].Send([]byte("to ours")); err != nil {
			t.Error(err)
		}
		e.until("message", func() bool { return len(e.messages[r]) == 1 && string(e.messages[r][0]) == "to ours" })
		p.until(t, "message", func() bool { return len(p.messages[i]) == 1 && p.messages[i][0] == "to plain" })
	}
}

func talk(t *testing.T, e *end, p *plain, withVideo bool) {
	t.Helper()
	codec, _ := e.Codec(packet.KindAudio)
	video, hasVideo := e.Codec(packet.KindVideo)
	if hasVideo != withVideo {
		t.Errorf("video codec %+v", video)
	}
	for i := range 20 {
		if err := e.audio(uint16(i)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.audio.Write(rtpPacket(i)); err != nil {
			t.Fatal(err)
		}
		if withVideo {
			if err := e.video(video, uint16(i), 300); err != nil {
				t.Fatal(err)
			}
			if _, err := p.video.Write(rtpPacket(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := 0
	if withVideo {
		want = 15
	}
	e.until("media", func() bool { return len(e.packets[packet.KindAudio]) >= 15 && len(e.packets[packet.KindVideo]) >= want })
	p.until(t, "media", func() bool {
		return p.received[webrtc.RTPCodecTypeAudio] >= 15 && p.received[webrtc.RTPCodecTypeVideo] >= want
	})
	p.mu.Lock()
	if got := p.codecs[webrtc.RTPCodecTypeAudio]; got != "audio/"+codec.Name {
		t.Errorf("plain heard %q, ours sent %q", got, codec.Name)
	}
	p.mu.Unlock()
	if withVideo {
		e.RequestKeyFrame()
		p.until(t, "key frame request", func() bool { return p.plis > 0 })
	}
}

func rtpPacket(i int) []byte {
	return []byte{0x80, 0, 0, byte(i), 0, 0, 0, byte(i), 0, 0, 0, 1, 1, 2, 3, 4}
}

func plainClock(mime string) uint32 {
	switch mime {
	case webrtc.MimeTypeOpus:
		return 48000
	case webrtc.MimeTypeVP8:
		return 90000
	default:
		return 8000
	}
}
