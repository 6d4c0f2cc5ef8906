package transport_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// BenchmarkSetup measures New to connected at both ends, on loopback, with a
// certificate that exists.
func BenchmarkSetup(b *testing.B) {
	b.Run("parley", func(b *testing.B) {
		for b.Loop() {
			setupParley(b)
		}
	})
	b.Run("pion", func(b *testing.B) {
		for b.Loop() {
			setupPion(b)
		}
	})
}

func setupParley(b *testing.B) {
	certificate, err := shared()
	if err != nil {
		b.Fatal(err)
	}
	var peers [2]*transport.Session
	up := make(chan int, 4)
	for i := range peers {
		peers[i], err = transport.New(&transport.Options{
			AudioCodecs: audioCodecs(), VideoCodecs: videoCodecs(), Certificate: certificate,
			Events: transport.Events{
				Candidates: func(c transport.CandidateBatch) {
					// The last of them may find the session closed.
					if err := peers[1-i].AddCandidates(c); err != nil && !errors.Is(err, transport.ErrClosed) {
						b.Error(err)
					}
				},
				StateChanged: func(s transport.State) {
					if s == transport.StateConnected {
						up <- i
					}
				},
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	offer, err := peers[0].Offer(ctx)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := peers[1].Answer(ctx, offer)
	if err != nil {
		b.Fatal(err)
	}
	if err := peers[0].SetAnswer(answer); err != nil {
		b.Fatal(err)
	}
	<-up
	<-up
	b.StopTimer()
	for _, p := range peers {
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
		<-p.Done()
	}
	b.StartTimer()
}

func plainAPI() *webrtc.API {
	var e webrtc.SettingEngine
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return webrtc.NewAPI(webrtc.WithSettingEngine(e))
}

func setupPion(b *testing.B) {
	certificate := plainCertificate(b)
	var peers [2]*webrtc.PeerConnection
	up := make(chan int, 4)
	ctx := make(chan struct{})
	for i := range peers {
		pc, err := plainAPI().NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{certificate}})
		if err != nil {
			b.Fatal(err)
		}
		peers[i] = pc
		pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
			if s == webrtc.PeerConnectionStateConnected {
				up <- i
			}
		})
		pc.OnICECandidate(func(c *webrtc.ICECandidate) {
			if c != nil {
				go func() {
					<-ctx
					if err := peers[1-i].AddICECandidate(c.ToJSON()); err != nil {
						b.Error(err)
					}
				}()
			}
		})
		for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := pc.AddTransceiverFromKind(k); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := pc.CreateDataChannel("x", nil); err != nil {
			b.Fatal(err)
		}
	}
	exchange(b, peers[0], peers[1])
	close(ctx)
	<-up
	<-up
	b.StopTimer()
	for _, p := range peers {
		if err := p.GracefulClose(); err != nil {
			b.Fatal(err)
		}
	}
	b.StartTimer()
}

func exchange(t testing.TB, a, b *webrtc.PeerConnection) {
	offer, err := a.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	if err := b.SetRemoteDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer, err := b.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetLocalDescription(answer); err != nil {
		t.Fatal(err)
	}
	if err := a.SetRemoteDescription(answer); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWritePacket measures one audio packet from WritePacket into the socket.
func BenchmarkWritePacket(b *testing.B) {
	a, peer := benchPair(b)
	defer func() { <-a.Done(); <-peer.Done() }()
	defer func() { _ = a.Close(); _ = peer.Close() }()
	codec, _ := a.Codec(packet.KindAudio)
	p := &packet.Packet{PayloadType: codec.PayloadType, Payload: make([]byte, 120), HasAudioLevel: true}
	b.ReportAllocs()
	for b.Loop() {
		p.SequenceNumber++
		p.Timestamp += 960
		if err := a.WritePacket(packet.KindAudio, p); err != nil {
			b.Fatal(err)
		}
	}
}
