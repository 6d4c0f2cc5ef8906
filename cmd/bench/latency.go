package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	piontransport "github.com/pion/transport/v4"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/bench/internal/yardstick"
	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
	"github.com/parley-rtc/parley/transport"
)

// latency measures how late speech is heard, and how long a packet takes.
func latency(ctx context.Context, e *env) (*figures.Result, error) {
	r := &figures.Result{}
	talk := e.length(30*time.Second, 6*time.Second)
	rounds := e.times(10, 2)
	each := min(2*time.Second, talk)
	e.steps(1 + 2*rounds)
	network := "the system's network"
	if e.emulate {
		network = "the emulated network, " + e.link.describe()
	}
	r.Set("call", "%v of speech both ways, 20 ms frames, over %s", talk, network)
	r.Set("packets", "%d rounds of %v each, parley's transport and pion in turn, 100 bytes every 20 ms both ways", rounds, each)
	if err := mouthToEar(ctx, e, r, talk); err != nil {
		return r, fmt.Errorf("mouth to ear: %w", err)
	}
	e.step()
	const group, baseline = "One way per packet, from the call that sends to the one that is told", "pion to pion: one way per packet"
	ours := r.Metric("parley: one way per packet", group, "ms", figures.Goal{Quantile: figures.P99, Must: 2, Aim: 1.3, Times: baseline})
	theirs := r.Metric(baseline, group, "ms")
	theirs.Baseline = true
	for range rounds {
		for _, one := range []struct {
			metric *figures.Metric
			open   opener
		}{{ours, parleyLine}, {theirs, pionLine}} {
			if err := e.packetsOver(ctx, one.metric, each, one.open); err != nil {
				return r, fmt.Errorf("packets: %w", err)
			}
			e.step()
		}
	}
	return r, nil
}

// packetsOver runs one round of packets over the network that is asked for.
func (e *env) packetsOver(ctx context.Context, m *figures.Metric, length time.Duration, open opener) error {
	if !e.emulate {
		return packets(ctx, m, length, [2]*netem.Host{}, open)
	}
	n := netem.New(e.seed)
	defer n.Close()
	hosts := [2]*netem.Host{
		n.Host(lab.Caller, netip.MustParseAddr("10.0.1.1")), n.Host(lab.Callee, netip.MustParseAddr("10.0.2.2")),
	}
	n.Link(hosts[0], hosts[1], e.quality)
	return packets(ctx, m, length, hosts, open)
}

// opener connects two ends over the hosts; nil hosts are the system's network.
type opener func(ctx context.Context, hosts [2]*netem.Host, received func(payload []byte)) (*line, error)

// callOver starts what a call needs over the network that is asked for.
func (e *env) callOver(ctx context.Context, observer *tap.Observer) (pair *lab.Pair, closeAll func() error, err error) {
	if e.emulate {
		w, err := newWorld(ctx, e.seed, e.quality, observer)
		if err != nil {
			return nil, nil, err
		}
		w.net.Trace(nil)
		return w.pair, w.close, nil
	}
	pair, err = lab.Start(ctx, lab.Options{Sides: [2]lab.SideOptions{
		{Net: &tap.Net{Name: lab.Caller, Observer: observer}}, {Net: &tap.Net{Name: lab.Callee, Observer: observer}},
	}})
	if err != nil {
		return nil, nil, err
	}
	return pair, pair.Close, nil
}

// mouthToEar lets both sides speak and compares what was said and heard.
func mouthToEar(ctx context.Context, e *env, r *figures.Result, talk time.Duration) (err error) {
	observer := &tap.Observer{}
	pair, closeAll, err := e.callOver(ctx, observer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	origin := time.Now()
	var mouths [2]*lab.Mouth
	var ears [2]*lab.Ear
	var options [2]engine.CallOptions
	for i, data := range [][]byte{samples.SpeechCaller(), samples.SpeechCallee()} {
		f, err := media.NewAudioFile("speech", data, &media.AudioFileOptions{Loop: true})
		if err != nil {
			return fmt.Errorf("speech: %w", err)
		}
		defer f.Close()
		mouths[i], ears[i] = &lab.Mouth{Source: f}, &lab.Ear{}
		options[i] = engine.CallOptions{Audio: engine.NewLocalAudioTrack(mouths[i]), AudioSink: ears[i]}
	}
	call, other, err := connect(ctx, pair, options)
	if err != nil {
		return err
	}
	if err := wait(ctx, talk); err != nil {
		return err
	}
	buffers := r.Metric("jitter buffer, mean delay", "Jitter buffer", "ms")
	for _, c := range []*engine.Call{call, other} {
		for _, in := range c.Stats().InboundRTP {
			if in.Kind == engine.TrackKindAudio && in.JitterBufferEmittedCount > 0 {
				buffers.AddTime(in.JitterBufferDelay / time.Duration(in.JitterBufferEmittedCount))
			}
		}
	}
	over := time.Since(origin)
	if err := endCall(call, other); err != nil {
		return err
	}
	all := r.Metric("mouth to ear", "Mouth to ear, windows of 400 ms", "ms",
		figures.Goal{Quantile: figures.Median, Must: 90, Aim: 60}, figures.Goal{Quantile: figures.P99, Must: 120, Aim: 80})
	late := []audiocheck.Span{{From: over - time.Second, To: over + time.Hour}}
	for i, name := range []string{"caller to callee", "callee to caller"} {
		got := audiocheck.Compare(mouths[i].Said(origin), ears[1-i].Heard(origin), late)
		curve := figures.Curve{Name: name}
		for _, l := range got.Lags {
			all.AddTime(l.Delay)
			curve.X = append(curve.X, l.At.Seconds())
			curve.Y = append(curve.Y, float64(l.Delay)/float64(time.Millisecond))
		}
		if i == 0 {
			r.Curves = append(r.Curves, figures.Curves{Title: "Mouth to ear over time", XUnit: "seconds", YUnit: "ms"})
		}
		r.Curves[len(r.Curves)-1].Curves = append(r.Curves[len(r.Curves)-1].Curves, curve)
		r.Note("%s: envelope correlation %.3f, waveform correlation %.3f, %d of %d windows told the delay",
			name, got.Envelope, got.Waveform, len(got.Lags), got.Windows)
	}
	sockets := r.Metric("media packet in the call, socket to socket", "Socket to socket", "ms")
	for _, d := range observer.OneWay() {
		sockets.AddTime(d)
	}
	return nil
}

// connect places a call that is answered at once.
func connect(ctx context.Context, pair *lab.Pair, options [2]engine.CallOptions) (call, other *engine.Call, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	call, err = pair.Sides[caller].Agent.StartCall(ctx, []engine.Identifier{pair.Sides[callee].User},
		&engine.StartCallOptions{CallOptions: options[caller]})
	if err != nil {
		return nil, nil, fmt.Errorf("start: %w", err)
	}
	incoming, err := pair.Sides[callee].Incoming(ctx)
	if err != nil {
		return nil, nil, err
	}
	other, err = incoming.Accept(ctx, &engine.AcceptCallOptions{CallOptions: options[callee]})
	if err != nil {
		return nil, nil, fmt.Errorf("accept: %w", err)
	}
	return call, other, nil
}

// line is a connection that carries packets both ways.
type line struct {
	send  func(from int, sequence uint16, payload []byte) error
	close func()
}

// stamped is a payload that carries the time of its sending.
const stampedSize = 100

func stamp(epoch time.Time) []byte {
	b := make([]byte, stampedSize)
	binary.BigEndian.PutUint64(b, uint64(time.Since(epoch))) //nolint:gosec // G115: time since epoch is positive
	return b
}

// packets sends for a while over a line and notes how long each packet took.
func packets(ctx context.Context, m *figures.Metric, length time.Duration, hosts [2]*netem.Host, open opener) error {
	epoch := time.Now()
	var mu sync.Mutex
	received := func(payload []byte) {
		if len(payload) != stampedSize {
			return
		}
		took := time.Since(epoch) - time.Duration(binary.BigEndian.Uint64(payload)) //nolint:gosec // G115: as stamp wrote it
		mu.Lock()
		m.AddTime(took)
		mu.Unlock()
	}
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	l, err := open(limited, hosts, received)
	if err != nil {
		return err
	}
	defer l.close()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for n := range uint16(length / (20 * time.Millisecond)) { //nolint:gosec // G115: minutes at most
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("stopped: %w", ctx.Err())
		}
		for i := range 2 {
			if err := l.send(i, n, stamp(epoch)); err != nil {
				return err
			}
		}
	}
	return wait(ctx, lastPackets)
}

// lastPackets is the time for those still under way.
const lastPackets = 500 * time.Millisecond

func pionLine(ctx context.Context, hosts [2]*netem.Host, received func([]byte)) (*line, error) {
	var nets [2]piontransport.Net
	for i, h := range hosts {
		if h == nil {
			continue
		}
		var err error
		if nets[i], err = yardstick.OverHost(h); err != nil {
			return nil, err
		}
	}
	p, err := yardstick.New(nets, func(_ int, p *rtp.Packet) { received(p.Payload) })
	if err != nil {
		return nil, err
	}
	if err := p.Connect(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return &line{send: p.Send, close: p.Close}, nil
}

// parleyLine joins two sessions of the transport directly.
func parleyLine(ctx context.Context, hosts [2]*netem.Host, received func([]byte)) (*line, error) {
	var sessions [2]*transport.Session
	closeAll := func() {
		for _, s := range sessions {
			if s != nil {
				_ = s.Close() // nothing is left to save
			}
		}
	}
	up := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var once [2]sync.Once
	var mu sync.Mutex
	var early [2][]transport.CandidateBatch
	described := false
	for i := range sessions {
		var err error
		var below transport.Net // a nil host in it would not be nil
		if hosts[i] != nil {
			below = hosts[i]
		}
		sessions[i], err = transport.New(&transport.Options{
			Net: below, AudioCodecs: media.AudioCodecs(), VideoCodecs: media.VideoCodecs(),
			Events: transport.Events{
				Packet: func(_ packet.Kind, p *packet.Packet) { received(p.Payload) },
				StateChanged: func(s transport.State) {
					if s == transport.StateConnected {
						once[i].Do(func() { close(up[i]) })
					}
				},
				Candidates: func(b transport.CandidateBatch) {
					mu.Lock()
					defer mu.Unlock()
					if !described {
						early[1-i] = append(early[1-i], b)
						return
					}
					_ = sessions[1-i].AddCandidates(b) // a refused candidate is one path less
				},
			},
		})
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("transport: %w", err)
		}
	}
	err := describe(ctx, sessions)
	if err != nil {
		closeAll()
		return nil, err
	}
	mu.Lock()
	described = true
	for i, list := range early {
		for _, b := range list {
			_ = sessions[i].AddCandidates(b)
		}
	}
	mu.Unlock()
	for i := range up {
		select {
		case <-up[i]:
		case <-ctx.Done():
			closeAll()
			return nil, fmt.Errorf("transport: not connected: %w", ctx.Err())
		}
	}
	codec, _ := sessions[0].Codec(packet.KindAudio)
	send := func(from int, sequence uint16, payload []byte) error {
		err := sessions[from].WritePacket(packet.KindAudio, &packet.Packet{
			PayloadType: codec.PayloadType, SequenceNumber: sequence, Timestamp: uint32(sequence) * 960, Payload: payload,
		})
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		return nil
	}
	return &line{send: send, close: closeAll}, nil
}

func describe(ctx context.Context, sessions [2]*transport.Session) error {
	offer, err := sessions[0].Offer(ctx)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	answer, err := sessions[1].Answer(ctx, offer)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := sessions[0].SetAnswer(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
