package media

import (
	"time"
)

// run is the receiver's goroutine.
func (r *VideoReceiver) run() {
	defer close(r.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		if !r.intake(now) {
			return
		}
		ask := r.buffer.tick(now)
		r.deliver(now)
		r.count()
		if ask && r.request != nil {
			r.request()
		}
		wait := time.Hour
		if at, some := r.buffer.deadline(now); some {
			wait = max(time.Until(at), 0)
		}
		timer.Reset(wait)
		select {
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// intake moves what the methods left behind into the buffer. It returns false
// when the receiver is closed.
func (r *VideoReceiver) intake(now time.Time) bool {
	r.mu.Lock()
	inbox := r.inbox
	r.inbox = nil
	closed, reset, fresh, demand := r.closed, r.reset, r.fresh, r.demand
	r.reset, r.fresh, r.demand = false, false, false
	watched := r.sink != nil
	if r.rtt > 0 {
		r.buffer.rtt = r.rtt
	}
	r.mu.Unlock()
	if closed {
		return false
	}
	if reset {
		r.buffer.restart()
		r.pauseFreeze()
	}
	if fresh {
		r.buffer.refresh(watched)
	}
	if demand {
		r.buffer.demand(now)
	}
	for _, p := range inbox {
		r.buffer.push(now, p, r.codecs[p.PayloadType])
	}
	if !watched {
		// Nobody looks: key frames would be asked for in vain.
		r.buffer.wantRequest, r.buffer.demanded = false, time.Time{}
	}
	return true
}

func (r *VideoReceiver) pauseFreeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.freeze.pause()
}

// deliver gives the frames of the buffer to the sink.
func (r *VideoReceiver) deliver(now time.Time) {
	frames := r.buffer.frames
	r.buffer.frames = nil
	for _, f := range frames {
		if f.picture.width > 0 {
			r.width, r.height = f.picture.width, f.picture.height
		}
		frame := EncodedFrame{
			Codec: f.codec, Data: f.data, Timestamp: r.clock.time(now, f.timestamp), KeyFrame: f.picture.key,
			SpatialLayer: f.layers.spatial, TemporalLayer: f.layers.temporal, Width: r.width, Height: r.height,
		}
		r.mu.Lock()
		sink, closed := r.sink, r.closed
		if r.fresh && frame.KeyFrame {
			r.fresh = false
		} else if r.fresh {
			sink = nil // it was changed just now
		}
		r.mu.Unlock()
		if closed {
			return
		}
		if sink == nil {
			r.buffer.counts.dropped++
			r.buffer.waitKey = true
			continue
		}
		err := sink.WriteVideo(frame)
		if err != nil {
			r.logger.Debug("video sink refused a frame", "error", err)
		}
		r.account(f, frame, err)
		if r.written != nil {
			r.written(frame)
		}
	}
}

func (r *VideoReceiver) account(f assembled, frame EncodedFrame, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.stats
	s.Codec, s.FrameWidth, s.FrameHeight = frame.Codec, frame.Width, frame.Height
	s.FramesDecoded++
	if frame.KeyFrame {
		s.KeyFramesDecoded++
	}
	if err != nil {
		s.SinkErrors++
	}
	if f.packets > 1 {
		s.FramesAssembledFromMultiplePackets++
		s.TotalAssemblyTime += f.last.Sub(f.first)
	}
	r.freeze.frame(time.Now())
	s.FreezeCount, s.TotalFreezesDuration = r.freeze.freezes, r.freeze.frozen
	s.PauseCount, s.TotalPausesDuration = r.freeze.pauses, r.freeze.paused
}

// count copies what the buffer counted.
func (r *VideoReceiver) count() {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.buffer.counts
	r.stats.PacketsDiscarded += c.discarded
	c.discarded = 0
	r.stats.FramesReceived, r.stats.FramesDropped, r.stats.PLICount = c.received, c.dropped, c.requests
}

// refresh makes the buffer hold frames back until the next key frame, and ask
// for one if somebody looks.
func (b *videoBuffer) refresh(watched bool) {
	b.waitKey = true
	b.wantRequest = watched && b.started
}

// videoClock turns RTP timestamps into presentation time. A jump that no clock
// explains, as when another stream begins, goes on at the time of arrival.
type videoClock struct {
	started bool
	last    uint32
	at      time.Duration // of last
	wall    time.Time
}

func (c *videoClock) time(now time.Time, timestamp uint32) time.Duration {
	if !c.started {
		c.started, c.last, c.wall = true, timestamp, now
		return 0
	}
	step := time.Duration(int32(timestamp-c.last)) * time.Second / videoClockRate
	elapsed := now.Sub(c.wall)
	if step < 0 || step > elapsed+10*time.Second {
		step = max(elapsed, time.Millisecond)
	}
	c.last, c.wall = timestamp, now
	c.at += step
	return c.at
}

const (
	// pauseLength is the gap from which on it is a pause and no freeze.
	pauseLength = 5 * time.Second
	// freezeFrames is how many frame durations the average is taken of.
	freezeFrames = 30
	freezeExtra  = 150 * time.Millisecond
)

// freezeMeter counts freezes and pauses as webrtc-stats defines them.
type freezeMeter struct {
	last      time.Time // zero: the next frame begins anew
	durations []time.Duration
	shown     []time.Time // of the last second
	freezes   uint64
	frozen    time.Duration
	pauses    uint64
	paused    time.Duration
}

// pause makes the time until the next frame count for nothing.
func (m *freezeMeter) pause() { m.last = time.Time{} }

func (m *freezeMeter) frame(now time.Time) {
	m.trim(now)
	m.shown = append(m.shown, now)
	last := m.last
	m.last = now
	if last.IsZero() {
		return
	}
	d := now.Sub(last)
	if d > pauseLength {
		m.pauses++
		m.paused += d
		return
	}
	if n := time.Duration(len(m.durations)); n > 0 {
		var sum time.Duration
		for _, v := range m.durations {
			sum += v
		}
		average := sum / n
		if d >= max(3*average, average+freezeExtra) {
			m.freezes++
			m.frozen += d
		}
	}
	m.durations = append(m.durations, d)
	if len(m.durations) > freezeFrames {
		m.durations = m.durations[1:]
	}
}

func (m *freezeMeter) trim(now time.Time) {
	for len(m.shown) > 0 && now.Sub(m.shown[0]) >= time.Second {
		m.shown = m.shown[1:]
	}
}

// rate is the number of frames in the last second.
func (m *freezeMeter) rate(now time.Time) float64 {
	m.trim(now)
	return float64(len(m.shown))
}
