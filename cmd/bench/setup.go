package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/transport/v4"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/bench/internal/yardstick"
	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/server"
)

const (
	caller = 0
	callee = 1
	// callTime is how long one call of a measurement may take.
	callTime = 30 * time.Second
	// pick is how long an emulated callee lets it ring: the path is found
	// meanwhile, as it is while a person reaches for the phone.
	pick = 1500 * time.Millisecond
)

// setup measures how fast a call comes up.
func setup(ctx context.Context, e *env) (*figures.Result, error) {
	r := &figures.Result{}
	far, near, quick := e.times(15, 3), e.times(200, 20), e.times(25, 4)
	e.steps(far + near + quick)
	r.Set("calls over the emulated network", "%d, %s, answered after %v", far, e.link.describe(), pick)
	r.Set("calls without delay", "%d, answered at once", near)
	r.Set("calls beside pion to pion", "%d each, alternating, system's network", quick)
	if err := setupFar(ctx, e, r, far); err != nil {
		return r, fmt.Errorf("emulated network: %w", err)
	}
	parts := figures.Breakdown{Title: "What accept to first audio is made of, medians", Unit: "ms"}
	for _, name := range hearing() {
		parts.Rows = append(parts.Rows, figures.BreakdownRow{
			Name:    name,
			Metrics: []string{name + partPath, name + partFrame, name + partBuffer},
			Names:   []string{"network and set-up", "frame", "jitter buffer and decoding"},
		})
	}
	r.Breakdowns = append(r.Breakdowns, parts)
	r.Note("Frame time is from reading the frame to its packet; the source has its first frame at once, a microphone needs 20 ms to fill it.")
	if err := setupRinging(ctx, e, r, near); err != nil {
		return r, fmt.Errorf("start to ringing: %w", err)
	}
	if err := setupBeside(ctx, e, r, quick); err != nil {
		return r, fmt.Errorf("beside pion: %w", err)
	}
	return r, nil
}

// world is an emulated network of two ends and the service on a third node.
type world struct {
	net   *netem.Network
	ends  [2]*netem.Host
	pair  *lab.Pair
	trace *trace
}

// serviceHost is the name of the third node.
const serviceHost = "service"

// newWorld starts them; an observer, when there is one, sees the media packets.
func newWorld(ctx context.Context, seed uint64, quality netem.Link, observer *tap.Observer) (*world, error) {
	w := &world{net: netem.New(seed), trace: &trace{}}
	w.ends[caller] = w.net.Host(lab.Caller, netip.MustParseAddr("10.0.1.1"))
	w.ends[callee] = w.net.Host(lab.Callee, netip.MustParseAddr("10.0.2.2"))
	node := w.net.Host(serviceHost, netip.MustParseAddr("10.0.3.3"))
	w.net.Link(w.ends[caller], node, quality)
	w.net.Link(w.ends[callee], node, quality)
	w.net.Link(w.ends[caller], w.ends[callee], quality)
	w.net.Trace(w.trace.add)
	nets := [2]engine.Net{w.ends[caller], w.ends[callee]}
	if observer != nil {
		for i, h := range w.ends {
			nets[i] = &tap.Net{Name: h.Name(), Observer: observer, Below: h}
		}
	}
	var err error
	w.pair, err = lab.Start(ctx, lab.Options{
		PlainHTTP: true,
		Server: server.Options{
			HTTPAddr: "10.0.3.3:8080", HTTPSAddr: "10.0.3.3:8443", TURNAddr: "10.0.3.3:3478", PublicIP: "10.0.3.3",
			Listen: node.Listen, ListenPacket: node.ListenUDP,
			AllowedPeers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		},
		Sides: [2]lab.SideOptions{
			{Net: nets[caller], Dial: w.ends[caller].DialContext},
			{Net: nets[callee], Dial: w.ends[callee].DialContext},
		},
	})
	if err != nil {
		_ = w.net.Close() // the first error counts
		return nil, err
	}
	return w, nil
}

func (w *world) close() error {
	err := w.pair.Close()
	_ = w.net.Close() // it cannot fail
	return err
}

// moments of one call.
type moments struct {
	placed, rang, accepted time.Time
	mouth                  [2]*lab.Mouth
	mu                     sync.Mutex
	heard                  [2]time.Time // first audio at that side's ear
}

// oneCall places a call of tones, accepts it after a while, and returns when
// both sides hear the other. hangUp ends it.
func oneCall(ctx context.Context, pair *lab.Pair, ring time.Duration) (m *moments, hangUp func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	m = &moments{}
	heard := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var options [2]engine.CallOptions
	for i := range options {
		m.mouth[i] = &lab.Mouth{Source: &lab.Tone{}}
		ear := &lab.Ear{Deaf: true, First: func(at time.Time) {
			m.mu.Lock()
			m.heard[i] = at
			m.mu.Unlock()
			close(heard[i])
		}}
		options[i] = engine.CallOptions{Audio: engine.NewLocalAudioTrack(m.mouth[i]), AudioSink: ear}
	}
	m.placed = time.Now()
	call, err := pair.Sides[caller].Agent.StartCall(ctx, []engine.Identifier{pair.Sides[callee].User},
		&engine.StartCallOptions{CallOptions: options[caller]})
	if err != nil {
		return nil, nil, fmt.Errorf("start: %w", err)
	}
	hangUp = func() error { return endCall(call, nil) }
	incoming, err := pair.Sides[callee].Incoming(ctx)
	if err != nil {
		return nil, hangUp, err
	}
	m.rang = pair.Sides[callee].Rang()
	if err := wait(ctx, ring); err != nil {
		return nil, hangUp, err
	}
	m.accepted = time.Now()
	other, err := incoming.Accept(ctx, &engine.AcceptCallOptions{CallOptions: options[callee]})
	if err != nil {
		return nil, hangUp, fmt.Errorf("accept: %w", err)
	}
	hangUp = func() error { return endCall(call, other) }
	for i := range heard {
		select {
		case <-heard[i]:
		case <-ctx.Done():
			return nil, hangUp, fmt.Errorf("%s hears nothing: %w", pair.Sides[i].Name, ctx.Err())
		}
	}
	return m, hangUp, nil
}

// endCall hangs up and waits until the other end knows.
func endCall(call, other *engine.Call) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	if err := call.HangUp(ctx, nil); err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	if other == nil {
		return nil
	}
	select {
	case <-other.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the other end was not told: %w", ctx.Err())
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", ctx.Err())
	}
}

// setupFar measures over the emulated network, each direction by itself.
func setupFar(ctx context.Context, e *env, r *figures.Result, runs int) error {
	w, err := newWorld(ctx, e.seed, e.quality, nil)
	if err != nil {
		return err
	}
	for range runs {
		w.trace.reset()
		m, hangUp, err := oneCall(ctx, w.pair, pick)
		if err == nil {
			for hears := range m.heard {
				e.recordFar(r, w, m, hears)
			}
			if e.quality.Delay > 0 {
				// Two legs: caller to service, service to callee.
				r.Metric("start → ringing at the callee, less two legs", "Start to ringing, emulated network", "ms").
					AddTime(m.rang.Sub(m.placed) - 2*e.quality.Delay)
			}
		}
		if hangUp != nil {
			if ended := hangUp(); err == nil {
				err = ended
			}
		}
		if err != nil {
			_ = w.close() // the first error counts
			return err
		}
		e.step()
	}
	return w.close()
}

// The directions and the parts of their time.
const (
	partPath   = ": of it network and set-up"
	partFrame  = ": of it frame time"
	partBuffer = ": of it jitter buffer and decoding"
)

// hearing names the directions by the side that hears, caller first.
func hearing() []string { return []string{"the caller hears", "the callee hears"} }

// recordFar takes the time to the first audio apart.
func (e *env) recordFar(r *figures.Result, w *world, m *moments, hears int) {
	name := hearing()[hears]
	total := m.heard[hears].Sub(m.accepted)
	way, ok := w.trace.firstAudio(m, hears, e.quality.Delay)
	add := func(part string, d time.Duration) { r.Metric(name+part, "", "ms").AddTime(d) }
	r.Metric(name+": accept → first audio", "Accept to first audio decoded", "ms").AddTime(total)
	if !ok {
		r.Note("%s: a first packet was not found in the trace", name)
		return
	}
	frame, buffer := way.sent.Sub(m.mouth[1-hears].ReadBefore(way.sent)), m.heard[hears].Sub(way.arrived)
	path := total - frame - buffer
	add(partFrame, frame)
	add(partBuffer, buffer)
	add(partPath, path)
	if e.quality.Delay > 0 {
		r.Metric(name+": network and set-up", "Accept to first audio, in round trips of one leg", "RTT",
			figures.Goal{Quantile: figures.Median, Must: 3, Aim: 2}).Add(float64(path) / float64(2*e.quality.Delay))
		r.Metric(name+": counted from the packet trace", "Accept to first audio, in round trips of one leg", "RTT",
			figures.Goal{Quantile: figures.Median, Must: 3, Aim: 2}).Add(float64(way.legs) / 2)
	}
}

// setupRinging measures what the service adds between start and ringing: the
// emulated network carries everything at once, and the callee answers at once.
func setupRinging(ctx context.Context, e *env, r *figures.Result, runs int) error {
	quality := e.quality
	quality.Delay, quality.Jitter = 0, 0
	w, err := newWorld(ctx, e.seed, quality, nil)
	if err != nil {
		return err
	}
	w.net.Trace(nil)
	rings := r.Metric("start → ringing at the callee", "Start to ringing, no delay", "ms",
		figures.Goal{Quantile: figures.P99, Must: 10, Aim: 3})
	for range runs {
		took, err := ringOnce(ctx, w.pair)
		if err != nil {
			_ = w.close() // the first error counts
			return err
		}
		rings.AddTime(took)
		e.step()
	}
	return w.close()
}

// ringOnce places a call and gives up when it rings.
func ringOnce(ctx context.Context, pair *lab.Pair) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	begin := time.Now()
	call, err := pair.Sides[caller].Agent.StartCall(ctx, []engine.Identifier{pair.Sides[callee].User}, nil)
	if err != nil {
		return 0, fmt.Errorf("start: %w", err)
	}
	incoming, err := pair.Sides[callee].Incoming(ctx)
	if err != nil {
		return 0, err
	}
	took := pair.Sides[callee].Rang().Sub(begin)
	if err := endCall(call, nil); err != nil {
		return 0, err
	}
	select {
	case <-incoming.Done():
		return took, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("it rings on: %w", ctx.Err())
	}
}

// setupBeside measures whole set-ups on the system's own network, pion to pion
// in between: from nothing but signed-in agents to the first packet received
// at each end.
func setupBeside(ctx context.Context, e *env, r *figures.Result, runs int) error {
	observer := &tap.Observer{}
	pair, err := lab.Start(ctx, lab.Options{Sides: [2]lab.SideOptions{
		{Net: &tap.Net{Name: lab.Caller, Observer: observer}}, {Net: &tap.Net{Name: lab.Callee, Observer: observer}},
	}})
	if err != nil {
		return err
	}
	const group = "Set-up on one machine, start to first packet received"
	const baseline = "pion to pion: first packet at the slower end"
	ours := r.Metric("parley: first packet at the slower end", group, "ms",
		figures.Goal{Quantile: figures.Median, Must: 3, Aim: 1.5, Times: baseline})
	decoded := r.Metric("parley: first audio decoded at the slower end", group, "ms")
	theirs := r.Metric(baseline, group, "ms")
	theirs.Baseline = true
	// One of each to warm up: the first pays for what all share.
	for i := range runs + 1 {
		took, ear, err := besideOnce(ctx, pair, observer)
		if err != nil {
			_ = pair.Close() // the first error counts
			return err
		}
		limited, cancel := context.WithTimeout(ctx, callTime)
		plain, err := yardstick.FirstPackets(limited, [2]transport.Net{})
		cancel()
		if err != nil {
			_ = pair.Close() // the first error counts
			return err
		}
		if i == 0 {
			continue
		}
		ours.AddTime(took)
		decoded.AddTime(ear)
		theirs.AddTime(max(plain[0], plain[1]))
		e.step()
	}
	return pair.Close()
}

// besideOnce is one call, answered at once.
func besideOnce(ctx context.Context, pair *lab.Pair, observer *tap.Observer) (packet, ear time.Duration, err error) {
	before := len(observer.Packets())
	m, hangUp, err := oneCall(ctx, pair, 0)
	if hangUp != nil {
		if ended := hangUp(); err == nil {
			err = ended
		}
	}
	if err != nil {
		return 0, 0, err
	}
	var first [2]time.Time
	for _, p := range observer.Packets()[before:] {
		to := caller
		if p.ToTap == lab.Callee {
			to = callee
		}
		if !p.Arrived.IsZero() && first[to].IsZero() {
			first[to] = p.Arrived
		}
	}
	for i := range first {
		if first[i].IsZero() {
			return 0, 0, fmt.Errorf("%s: no packet was seen", pair.Sides[i].Name)
		}
		packet = max(packet, first[i].Sub(m.placed))
		ear = max(ear, m.heard[i].Sub(m.placed))
	}
	return packet, ear, nil
}
