package mobile

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/media"
)

// The one form of audio at the border: signed 16 bit little endian, mono.
const (
	// AudioSampleRate is the number of samples a second.
	AudioSampleRate int32 = media.AudioSampleRate
	// AudioBytesPerMillisecond is the size of a millisecond of audio.
	AudioBytesPerMillisecond int32 = media.AudioSampleRate / 1000 * 2
)

// audioChunk is how many samples are converted at a time.
const audioChunk = media.PlayoutFrameSamples

// Audio is the phone's microphone and loudspeaker. The platform's audio threads
// call WritePCM with what the microphone has captured and ReadPCM for what the
// loudspeaker is to play: neither waits, and neither allocates memory. One call
// at a time speaks, the one that is not on hold; several are heard mixed.
// Nothing is queued for longer than 200 ms: what is not taken in time is
// dropped, what is not there in time is silence.
type Audio struct {
	microphone *microphone
	track      *engine.LocalAudioTrack
	now        func() time.Time
	sinks      atomic.Pointer[[]*media.PCMSink]
	silent     atomic.Bool // an interruption

	capturing sync.Mutex // guards captured; one thread calls, nobody waits
	captured  [audioChunk]int16

	playing sync.Mutex // guards what follows
	one     [audioChunk]int16
	mixed   [audioChunk]int32
	read    time.Time // when ReadPCM was called last

	changing sync.Mutex // one change of sinks at a time
}

// stale is how long nobody may have taken audio for what waits to be worth
// something: a call that was on hold, or a loudspeaker that was off, would begin
// with what is that old and stay late for a while.
const stale = 150 * time.Millisecond

// microphone is what calls read of the microphone.
type microphone struct {
	*media.PCMSource
	now  func() time.Time
	last time.Time // only one call reads at a time
}

// ReadAudio implements engine.AudioSource.
func (m *microphone) ReadAudio(frame []int16) error {
	now := m.now()
	if now.Sub(m.last) > stale {
		m.Flush()
	}
	m.last = now
	return m.PCMSource.ReadAudio(frame)
}

func newAudio(now func() time.Time) *Audio {
	a := &Audio{microphone: &microphone{PCMSource: media.NewPCMSource(nil), now: now}, now: now}
	a.track = engine.NewLocalAudioTrack(a.microphone)
	a.sinks.Store(&[]*media.PCMSink{})
	return a
}

// attach makes the sink of a call.
func (a *Audio) attach() *media.PCMSink {
	a.changing.Lock()
	defer a.changing.Unlock()
	sink := media.NewPCMSink(nil)
	sinks := append(slices.Clone(*a.sinks.Load()), sink)
	a.sinks.Store(&sinks)
	return sink
}

// detach forgets the sink of a call that has ended.
func (a *Audio) detach(sink *media.PCMSink) {
	a.changing.Lock()
	defer a.changing.Unlock()
	sinks := slices.DeleteFunc(slices.Clone(*a.sinks.Load()), func(s *media.PCMSink) bool { return s == sink })
	a.sinks.Store(&sinks)
}

// WritePCM takes audio that the microphone has captured, any even number of
// bytes, 10 or 20 ms for example. It copies them and returns how many it took,
// which is all of them, or -ErrorCodeInvalidArgument for an odd number. While
// there is no call, or during an interruption, they are dropped.
func (a *Audio) WritePCM(pcm []byte) (taken int32) {
	defer quiet()
	if len(pcm)%2 != 0 || len(pcm) > math.MaxInt32 {
		return -ErrorCodeInvalidArgument
	}
	taken = int32(len(pcm))
	if a.microphone == nil {
		return -ErrorCodeClosed
	}
	if a.silent.Load() || len(*a.sinks.Load()) == 0 {
		return taken
	}
	a.capturing.Lock()
	defer a.capturing.Unlock()
	for len(pcm) > 0 {
		samples := a.captured[:min(audioChunk, len(pcm)/2)]
		for i := range samples {
			samples[i] = int16(binary.LittleEndian.Uint16(pcm[2*i:])) //nolint:gosec // the bits are the sample
		}
		pcm = pcm[2*len(samples):]
		// It fails only when it is closed, which it never is.
		_ = a.microphone.Write(samples)
	}
	return taken
}

// ReadPCM fills pcm, an even number of bytes, with what the loudspeaker is to
// play now: silence where there is nothing. It returns how many bytes it wrote,
// which is all of them, or -ErrorCodeInvalidArgument for an odd number.
func (a *Audio) ReadPCM(pcm []byte) (written int32) {
	defer quiet()
	if len(pcm)%2 != 0 || len(pcm) > math.MaxInt32 {
		return -ErrorCodeInvalidArgument
	}
	written = int32(len(pcm))
	if a.microphone == nil {
		return -ErrorCodeClosed
	}
	sinks := *a.sinks.Load()
	if a.silent.Load() || len(sinks) == 0 {
		clear(pcm)
		return written
	}
	a.playing.Lock()
	defer a.playing.Unlock()
	now := a.now()
	if now.Sub(a.read) > stale {
		for _, sink := range sinks {
			sink.Flush()
		}
	}
	a.read = now
	for len(pcm) > 0 {
		n := min(audioChunk, len(pcm)/2)
		a.mix(sinks, n)
		for i, s := range a.mixed[:n] {
			s = max(math.MinInt16, min(s, math.MaxInt16))
			binary.LittleEndian.PutUint16(pcm[2*i:], uint16(s)) //nolint:gosec // the bits are the sample
		}
		pcm = pcm[2*n:]
	}
	return written
}

// mix adds the next n samples of all calls.
func (a *Audio) mix(sinks []*media.PCMSink, n int) {
	clear(a.mixed[:n])
	for _, sink := range sinks {
		samples := a.one[:n]
		if sink.Read(samples) != nil {
			continue
		}
		for i, s := range samples {
			a.mixed[i] += int32(s)
		}
	}
}

// BeginInterruption says that something else has the microphone and the
// loudspeaker, an alarm or another call: silence is sent, and ReadPCM gives
// silence. Calls go on; to tell the others, hold the call.
func (a *Audio) BeginInterruption() {
	defer quiet()
	a.silent.Store(true)
}

// EndInterruption undoes BeginInterruption. What is older is not played.
func (a *Audio) EndInterruption() {
	defer quiet()
	a.flush()
	a.silent.Store(false)
}

// RouteChanged says that the microphone or the loudspeaker is another one, a
// headset for example: audio that waited for the old one is dropped, so that its
// delay goes with it.
func (a *Audio) RouteChanged() {
	defer quiet()
	a.flush()
}

func (a *Audio) flush() {
	a.microphone.Flush()
	for _, sink := range *a.sinks.Load() {
		sink.Flush()
	}
}
