// Package yardstick is the other program: two plain pion/webrtc ends in one
// process that hand each other their descriptions and candidates directly, the
// least that a call on that stack can be.
package yardstick

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"
)

// Pair is two ends with an audio track each way.
type Pair struct {
	ends  [2]*webrtc.PeerConnection
	audio [2]*webrtc.TrackLocalStaticRTP
	once  [2]sync.Once
	up    [2]chan struct{}
	// received is called for each packet that end i has received.
	received func(i int, p *rtp.Packet)
	readers  sync.WaitGroup
}

// New makes both ends. nets are their networks; nil is the operating system's.
// received is called for every packet, from one goroutine for each end.
func New(nets [2]transport.Net, received func(i int, p *rtp.Packet)) (*Pair, error) {
	p := &Pair{received: received, up: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
	for i := range p.ends {
		if err := p.add(i, nets[i]); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

func (p *Pair) add(i int, network transport.Net) error {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return fmt.Errorf("codecs: %w", err)
	}
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if network != nil {
		settings.SetNet(network)
	}
	end, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings)).
		NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return fmt.Errorf("peer connection: %w", err)
	}
	p.ends[i] = end
	p.audio[i], err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "yardstick")
	if err != nil {
		return fmt.Errorf("track: %w", err)
	}
	sender, err := end.AddTrack(p.audio[i])
	if err != nil {
		return fmt.Errorf("track: %w", err)
	}
	p.readers.Go(func() {
		// The stack wants its reports to be read.
		for b := make([]byte, 1500); ; {
			if _, _, err := sender.Read(b); err != nil {
				return
			}
		}
	})
	end.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			p.once[i].Do(func() { close(p.up[i]) })
		}
	})
	end.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			p.received(i, packet)
		}
	})
	return nil
}

// Connect exchanges descriptions and candidates, each candidate as soon as it
// is found, and returns when both ends are connected.
func (p *Pair) Connect(ctx context.Context) error {
	var mu sync.Mutex
	ready := false
	var early [2][]webrtc.ICECandidateInit
	for i, end := range p.ends {
		end.OnICECandidate(func(c *webrtc.ICECandidate) {
			if c == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if !ready {
				early[1-i] = append(early[1-i], c.ToJSON())
				return
			}
			// A candidate that is refused is one path less.
			_ = p.ends[1-i].AddICECandidate(c.ToJSON())
		})
	}
	if err := p.describe(); err != nil {
		return err
	}
	mu.Lock()
	ready = true
	for i, list := range early {
		for _, c := range list {
			_ = p.ends[i].AddICECandidate(c)
		}
	}
	mu.Unlock()
	for i := range p.ends {
		select {
		case <-p.up[i]:
		case <-ctx.Done():
			return fmt.Errorf("pion to pion: not connected: %w", ctx.Err())
		}
	}
	return nil
}

func (p *Pair) describe() error {
	offer, err := p.ends[0].CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	if err := p.ends[0].SetLocalDescription(offer); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	if err := p.ends[1].SetRemoteDescription(offer); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	answer, err := p.ends[1].CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := p.ends[1].SetLocalDescription(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := p.ends[0].SetRemoteDescription(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// Connected is closed when end i can send.
func (p *Pair) Connected(i int) <-chan struct{} { return p.up[i] }

// Send sends one audio packet from end i.
func (p *Pair) Send(i int, sequence uint16, payload []byte) error {
	err := p.audio[i].WriteRTP(&rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: uint32(sequence) * 960},
		Payload: payload,
	})
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// Close ends both ends and waits for their goroutines.
func (p *Pair) Close() {
	for _, end := range p.ends {
		if end != nil {
			_ = end.Close() // nothing is left to save
		}
	}
	p.readers.Wait()
}

// FirstPackets measures one set-up: from nothing to the first packet received,
// at end 0 and at end 1. Each end sends as soon as it can, then every 20 ms.
func FirstPackets(ctx context.Context, nets [2]transport.Net) (took [2]time.Duration, err error) {
	begin := time.Now()
	var first [2]chan time.Duration
	for i := range first {
		first[i] = make(chan time.Duration, 1)
	}
	p, err := New(nets, func(i int, _ *rtp.Packet) {
		select {
		case first[i] <- time.Since(begin):
		default:
		}
	})
	if err != nil {
		return took, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var senders sync.WaitGroup
	defer func() {
		cancel()
		senders.Wait()
		p.Close()
	}()
	for i := range p.ends {
		senders.Go(func() { p.talk(ctx, i) })
	}
	if err := p.Connect(ctx); err != nil {
		return took, err
	}
	for i := range first {
		select {
		case took[i] = <-first[i]:
		case <-ctx.Done():
			return took, fmt.Errorf("pion to pion: no packet: %w", ctx.Err())
		}
	}
	return took, nil
}

// talk sends packets of the size of speech from the moment it can.
func (p *Pair) talk(ctx context.Context, i int) {
	select {
	case <-p.up[i]:
	case <-ctx.Done():
		return
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	payload := make([]byte, 100)
	for n := uint16(0); ; n++ {
		if p.Send(i, n, payload) != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
