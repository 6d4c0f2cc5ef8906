// Package demo places a real call between two engines over a service in the
// same process, looks on from both ends, and judges whether what was said is
// what was heard.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/media"
)

// Names of the files that a demonstration leaves.
const (
	HeardByCallee = "heard-by-callee.wav"
	HeardByCaller = "heard-by-caller.wav"
	SeenByCallee  = "seen-by-callee.ivf"
	ReportHTML    = "report.html"
	ReportJSON    = "report.json"
)

// Shortest is the least time that the steps of a demonstration need.
const Shortest = 5 * time.Second

// Options of a demonstration.
type Options struct {
	// Talk is how long the call lasts once it is connected, at least Shortest.
	Talk time.Duration
	// Audio and Video are files to play; empty: the samples.
	Audio, Video string
	// Out is the folder of the results. It is made when it does not exist.
	Out string
	// Version is that of the program, for the report.
	Version string
	// Step is told each step when it is done. Nil: not interested.
	Step func(at time.Duration, text string)
	// Live is told about five times a second what goes on. Nil: not interested.
	Live func(at time.Duration, text string)
	// Logger of the service and the engines; nil is silent.
	Logger *slog.Logger
}

const (
	caller = 0
	callee = 1
	// pick is how long the callee lets it ring.
	pick       = 700 * time.Millisecond
	setupTime  = 20 * time.Second
	stepTime   = 10 * time.Second
	sampleTime = 200 * time.Millisecond
	message    = "Hello over the data channel. Γειά σου! 你好!"
)

// end is one side of the call under observation.
type end struct {
	side   *lab.Side
	call   *engine.Call
	mouth  *lab.Mouth
	ear    *lab.Ear
	show   *lab.Screen // what it sends
	screen *lab.Screen // what it sees

	mu      sync.Mutex
	states  []StateChange
	changed chan struct{}
	samples []sample
	data    chan engine.DataReceived
}

// sample is a look at the statistics.
type sample struct {
	at    time.Duration
	stats engine.CallStats
}

type demo struct {
	options  Options
	pair     *lab.Pair
	observer tap.Observer
	ends     [2]*end
	closers  []io.Closer
	origin   time.Time // when the call was placed

	ringing, accepted, connected, hungUp time.Time
	firsts                               [2]firsts
	mu                                   sync.Mutex
	dataTook                             time.Duration
	muted, held                          audiocheck.Span
}

// firsts are the first signs of the other side at one end.
type firsts struct{ audio, video time.Time }

// Run holds the demonstration and writes its files. The report is returned
// also when what was heard is not what was said; an error means that the call
// itself, or a file, failed.
func Run(ctx context.Context, options Options) (*Report, error) {
	if options.Talk < Shortest {
		return nil, fmt.Errorf("a demonstration takes at least %v", Shortest)
	}
	if err := os.MkdirAll(options.Out, 0o755); err != nil { //nolint:gosec // G301: results are for everybody to read
		return nil, fmt.Errorf("results: %w", err)
	}
	d := &demo{options: options, origin: time.Now()}
	report, err := d.run(ctx)
	return report, errors.Join(err, d.close())
}

func (d *demo) run(ctx context.Context) (*Report, error) {
	if err := d.prepare(); err != nil {
		return nil, err
	}
	begin := time.Now()
	var err error
	d.pair, err = lab.Start(ctx, lab.Options{
		Logger: d.options.Logger,
		Sides: [2]lab.SideOptions{
			{Net: &tap.Net{Name: lab.Caller, Observer: &d.observer}},
			{Net: &tap.Net{Name: lab.Callee, Observer: &d.observer}},
		},
	})
	if err != nil {
		return nil, err
	}
	d.origin = time.Now()
	d.step("service started, both sides signed in (%v)", time.Since(begin).Round(time.Millisecond))
	if err := d.call(ctx); err != nil {
		return nil, err
	}
	stop := d.watch(ctx)
	err = d.converse(ctx)
	stop()
	if err != nil {
		return nil, err
	}
	err = d.close() // completes the files
	report := d.report()
	return report, errors.Join(err, d.writeReport(report))
}

func (d *demo) step(format string, args ...any) {
	if d.options.Step != nil {
		d.options.Step(time.Since(d.origin), fmt.Sprintf(format, args...))
	}
}

// prepare opens the files.
func (d *demo) prepare() error {
	var sinks [2]engine.AudioSink
	for i, name := range []string{caller: HeardByCaller, callee: HeardByCallee} {
		w, err := media.NewWAVSink(filepath.Join(d.options.Out, name))
		if err != nil {
			return fmt.Errorf("results: %w", err)
		}
		d.closers = append(d.closers, w)
		sinks[i] = w
	}
	seen, err := media.NewIVFSink(filepath.Join(d.options.Out, SeenByCallee))
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	d.closers = append(d.closers, seen)
	for i := range d.ends {
		e := &end{changed: make(chan struct{}, 1), data: make(chan engine.DataReceived, 4)}
		audio, err := d.openAudio(i)
		if err != nil {
			return err
		}
		e.mouth = &lab.Mouth{Source: audio}
		e.ear = &lab.Ear{Sink: sinks[i], First: func(at time.Time) { d.first(func() { d.firsts[i].audio = at }) }}
		d.ends[i] = e
	}
	for i := range d.ends {
		video, err := d.openVideo()
		if err != nil {
			return err
		}
		var sink engine.VideoSink
		if i == caller {
			sink = seen
		}
		other := 1 - i
		from, to := lab.NewScreens(video, sink)
		to.First = func(at time.Time) { d.first(func() { d.firsts[other].video = at }) }
		d.ends[i].show, d.ends[other].screen = from, to
	}
	return nil
}

func (d *demo) first(set func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set()
}

// call signals, rings and accepts.
func (d *demo) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setupTime)
	defer cancel()
	for i, s := range d.pair.Sides {
		d.ends[i].side = s
	}
	from, to := d.ends[caller], d.ends[callee]
	d.origin = time.Now()
	placed, err := from.side.Agent.StartCall(ctx, []engine.Identifier{to.side.User},
		&engine.StartCallOptions{CallOptions: d.callOptions(from)})
	if err != nil {
		return fmt.Errorf("start the call: %w", err)
	}
	from.call = placed
	incoming, err := to.side.Incoming(ctx)
	if err != nil {
		return err
	}
	if err := from.wait(ctx, engine.CallStateRinging); err != nil {
		return fmt.Errorf("ringing: %w", err)
	}
	d.ringing = from.since(engine.CallStateRinging, d.origin)
	d.step("it rings at the callee (%v)", d.ringing.Sub(d.origin).Round(100*time.Microsecond))
	if err := pause(ctx, pick); err != nil {
		return err
	}
	d.accepted = time.Now()
	if to.call, err = incoming.Accept(ctx, &engine.AcceptCallOptions{CallOptions: d.callOptions(to)}); err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	for _, e := range d.ends {
		if err := e.wait(ctx, engine.CallStateConnected); err != nil {
			return fmt.Errorf("%s: connecting: %w", e.side.Name, err)
		}
	}
	d.connected = time.Now()
	d.step("accepted and connected at both ends (%v)", d.connected.Sub(d.accepted).Round(100*time.Microsecond))
	return nil
}

func (d *demo) callOptions(e *end) engine.CallOptions {
	return engine.CallOptions{
		Audio:     engine.NewLocalAudioTrack(e.mouth),
		Video:     engine.NewLocalVideoTrack(e.show),
		AudioSink: e.ear,
		VideoSink: e.screen,
		Events: engine.CallEvents{
			StateChanged: func(c engine.CallStateChanged) { e.enter(c.To, d.origin) },
			DataReceived: func(m engine.DataReceived) {
				select {
				case e.data <- m:
				default:
				}
			},
		},
	}
}

// enter notes a state.
func (e *end) enter(s engine.CallState, origin time.Time) {
	e.mu.Lock()
	e.states = append(e.states, StateChange{State: s.String(), AtMS: milliseconds(time.Since(origin))})
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// wait returns when the newest state is the one wanted.
func (e *end) wait(ctx context.Context, wanted engine.CallState) error {
	for {
		e.mu.Lock()
		now := ""
		if n := len(e.states); n > 0 {
			now = e.states[n-1].State
		}
		e.mu.Unlock()
		switch now {
		case wanted.String():
			return nil
		case engine.CallStateDisconnected.String():
			return errors.New("the call has ended")
		}
		select {
		case <-e.changed:
		case <-ctx.Done():
			return fmt.Errorf("still %q, not %s: %w", now, wanted, ctx.Err())
		}
	}
}

// since returns when a state was entered for the first time.
func (e *end) since(s engine.CallState, origin time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.states {
		if c.State == s.String() {
			return origin.Add(time.Duration(c.AtMS * float64(time.Millisecond)))
		}
	}
	return time.Time{}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", ctx.Err())
	}
}

// close ends the call's machinery and completes the files. It may be called
// again.
func (d *demo) close() error {
	var errs []error
	if d.pair != nil {
		errs = append(errs, d.pair.Close())
		d.pair = nil
	}
	for _, c := range d.closers {
		errs = append(errs, c.Close())
	}
	d.closers = nil
	return errors.Join(errs...)
}
