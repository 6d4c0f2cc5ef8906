package media

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/media/mix"
)

// PlayoutOptions configures a Playout.
type PlayoutOptions struct {
	// Sink is the first sink. Nil throws the audio away, but the streams run on.
	Sink AudioSink
	// Receivers are the first streams to play.
	Receivers []*AudioReceiver
	// Manual starts no goroutine: whoever made the playout calls Step or Pull.
	Manual bool
	// Logger is silent when nil.
	Logger *slog.Logger
}

// PlayoutStats is a snapshot of a Playout.
type PlayoutStats struct {
	// FramesPlayed counts 10 ms frames pulled.
	FramesPlayed uint64
	// FramesSkipped counts frames that were due while the process stalled and were not played.
	FramesSkipped uint64
	// SinkErrors counts writes that the sink refused.
	SinkErrors uint64
}

// maxLag is how many frames a playout makes up for after a stall: 250 ms. As
// the streams are asked for the time at which a frame was due, a stall that the
// sink bears is not heard.
const maxLag = 25

// Playout pulls 10 ms from each of its receivers on a drift-free schedule,
// mixes them and writes the sum to its sink. All methods may be called from any goroutine.
type Playout struct {
	logger *slog.Logger
	stop   chan struct{}
	done   chan struct{}

	mu        sync.Mutex
	receivers []*AudioReceiver // replaced, never changed
	sink      AudioSink
	failing   bool
	calling   bool
	closed    bool
	stats     PlayoutStats

	// What follows belongs to whoever runs Step or Pull.
	schedule schedule
	mixer    mix.Mixer
	parts    [][]int16
	inputs   [][]int16
	frame    [PlayoutFrameSamples]int16
}

// NewPlayout makes a playout and, unless options.Manual, starts its goroutine.
func NewPlayout(options *PlayoutOptions) (*Playout, error) {
	var o PlayoutOptions
	if options != nil {
		o = *options
	}
	p := &Playout{
		logger: orSilent(o.Logger), stop: make(chan struct{}), done: make(chan struct{}),
		receivers: slices.Clone(o.Receivers), sink: o.Sink,
		schedule: schedule{every: PlayoutFrameDuration},
	}
	if o.Manual {
		close(p.done)
	} else {
		go p.run()
	}
	return p, nil
}

// Add plays a further receiver. One that is played already is not added again.
func (p *Playout) Add(r *AudioReceiver) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r != nil && !slices.Contains(p.receivers, r) {
		p.receivers = append(slices.Clone(p.receivers), r)
	}
}

// Remove stops playing a receiver. The receiver stays open.
func (p *Playout) Remove(r *AudioReceiver) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.receivers, r); i >= 0 {
		p.receivers = slices.Delete(slices.Clone(p.receivers), i, i+1)
	}
}

// SetSink changes the sink at the next frame; nil throws the audio away. The
// playout never closes a sink.
func (p *Playout) SetSink(sink AudioSink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sink, p.failing = sink, false
}

// Pull fills frame with the next 10 ms of the mix: for programs whose sound
// device asks for audio. Only for a playout made with Manual, from one
// goroutine at a time. now is when the frame begins to play.
func (p *Playout) Pull(now time.Time, frame []int16) {
	p.mu.Lock()
	list := p.receivers
	if p.closed {
		list = nil
	}
	p.stats.FramesPlayed++
	p.mu.Unlock()
	switch len(list) {
	case 0:
		clear(frame)
		return
	case 1:
		list[0].PullAt(now, frame)
		return
	}
	p.inputs = p.inputs[:0]
	for i, r := range list {
		if i == len(p.parts) {
			p.parts = append(p.parts, nil)
		}
		if len(p.parts[i]) < len(frame) {
			p.parts[i] = make([]int16, len(frame))
		}
		part := p.parts[i][:len(frame)]
		r.PullAt(now, part)
		p.inputs = append(p.inputs, part)
	}
	p.mixer.Mix(frame, p.inputs)
}

// Step plays what is due at now and returns when it wants to be called next.
// Only for a playout made with Manual, from one goroutine at a time.
func (p *Playout) Step(now time.Time) time.Time {
	if p.schedule.next.IsZero() {
		p.schedule.next = now
	}
	frames, skipped := p.schedule.due(now, maxLag)
	if skipped > 0 {
		p.mu.Lock()
		p.stats.FramesSkipped += uint64(skipped)
		p.mu.Unlock()
		p.schedule.next = p.schedule.next.Add(time.Duration(skipped) * p.schedule.every)
	}
	for range frames {
		p.Pull(p.schedule.next, p.frame[:])
		if !p.write() {
			break
		}
		p.schedule.next = p.schedule.next.Add(p.schedule.every)
	}
	return p.schedule.next
}

// write gives the frame to the sink. It returns false when the playout is closed.
func (p *Playout) write() bool {
	p.mu.Lock()
	sink := p.sink
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.calling = sink != nil
	p.mu.Unlock()
	if sink == nil {
		return true
	}
	err := sink.WriteAudio(p.frame[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calling = false
	if err != nil {
		if !p.failing {
			p.logger.Warn("audio sink failed", "error", err)
		}
		p.failing = true
		p.stats.SinkErrors++
	}
	return true
}

// Stats returns a snapshot.
func (p *Playout) Stats() PlayoutStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Close ends the playout. When it returns the sink is not called any more; only
// if it is running at this moment, perhaps being the caller, Close does not
// wait for its end. It is idempotent. Receivers and sink stay open.
func (p *Playout) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.stop)
	}
	calling := p.calling
	p.mu.Unlock()
	if !calling {
		<-p.done
	}
	return nil
}

// run is the playout's goroutine.
func (p *Playout) run() {
	defer close(p.done)
	timer := time.NewTimer(time.Until(p.Step(time.Now())))
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-timer.C:
			timer.Reset(time.Until(p.Step(time.Now())))
		}
	}
}
