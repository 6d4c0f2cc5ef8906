package media

import (
	"log/slog"
	"time"
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

// Playout pulls 10 ms from each of its receivers on a drift-free schedule,
// mixes them and writes the sum to its sink. All methods may be called from any goroutine.
type Playout struct{}

// NewPlayout makes a playout and, unless options.Manual, starts its goroutine.
func NewPlayout(options *PlayoutOptions) (*Playout, error) { return &Playout{}, nil }

// Add plays a further receiver.
func (p *Playout) Add(r *AudioReceiver) {}

// Remove stops playing a receiver. The receiver stays open.
func (p *Playout) Remove(r *AudioReceiver) {}

// SetSink changes the sink at the next frame; nil throws the audio away. The
// playout never closes a sink.
func (p *Playout) SetSink(sink AudioSink) {}

// Pull fills frame with the next 10 ms of the mix: for programs whose sound
// device asks for audio. Only for a playout made with Manual.
func (p *Playout) Pull(now time.Time, frame []int16) {}

// Step plays what is due at now and returns when it wants to be called next.
// Only for a playout made with Manual.
func (p *Playout) Step(now time.Time) time.Time { return now }

// Stats returns a snapshot.
func (p *Playout) Stats() PlayoutStats { return PlayoutStats{} }

// Close ends the goroutine and waits for it, unless it is called from the
// sink. It is idempotent. Receivers and sink stay open.
func (p *Playout) Close() error { return nil }
