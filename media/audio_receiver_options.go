package media

import (
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
)

// AudioReceiverOptions configures an AudioReceiver.
type AudioReceiverOptions struct {
	// Codecs are all negotiated formats, telephone-event included. A packet with
	// any other payload type is dropped and counted.
	Codecs []packet.Codec
	// Tone is told each DTMF digit once, when it begins. Called from the
	// goroutine that calls Push. Nil: not interested.
	Tone func(digit rune)
	// Speaking is told when the far side begins and stops to speak. Called from
	// the goroutine that calls Pull. Nil: not interested.
	Speaking func(speaking bool)
	// Encoded gets a copy of every frame as it arrives. Nil: not interested.
	Encoded EncodedAudioSink
	// MinDelay and MaxDelay bound the target delay of the jitter buffer; zero
	// means 20 ms and 500 ms.
	MinDelay, MaxDelay time.Duration
	// Now is the clock of Pull and of packets without an arrival time. Nil means time.Now.
	Now func() time.Time
	// Logger is silent when nil.
	Logger *slog.Logger
}

// AudioReceiverStats is a snapshot of an AudioReceiver; names follow
// webrtc-stats inbound-rtp where it has one. Durations are sums unless said otherwise.
type AudioReceiverStats struct {
	// Codec is the encoding name of the newest packet.
	Codec string
	// SSRC is that of the newest packet.
	SSRC uint32
	// PacketsReceived and BytesReceived count audio packets of a negotiated format, payload bytes.
	PacketsReceived, BytesReceived uint64
	// PacketsDiscarded counts packets that came too late or too early to be played, or over the bound.
	PacketsDiscarded uint64
	// PacketsDuplicated counts packets that were there already.
	PacketsDuplicated uint64
	// PacketsUnknown counts packets whose payload type was not negotiated.
	PacketsUnknown uint64
	// DecodeErrors counts payloads that the codec refused; their time was concealed.
	DecodeErrors uint64
	// FECPacketsReceived counts frames rebuilt from redundancy in a later packet.
	FECPacketsReceived uint64
	// TonesReceived counts DTMF events.
	TonesReceived uint64
	// JitterBufferDelay is the time that all emitted samples spent in the
	// buffer; divided by JitterBufferEmittedCount it is the mean delay of a sample.
	JitterBufferDelay time.Duration
	// JitterBufferTargetDelay sums the target delay over the emitted samples.
	JitterBufferTargetDelay time.Duration
	// JitterBufferEmittedCount counts samples that came out of the buffer.
	JitterBufferEmittedCount uint64
	// TotalSamplesReceived counts all samples given to Pull, of any origin.
	TotalSamplesReceived uint64
	// ConcealedSamples counts samples made up because a packet was missing.
	ConcealedSamples uint64
	// SilentConcealedSamples counts those of them that had faded to silence.
	SilentConcealedSamples uint64
	// ConcealmentEvents counts runs of concealed samples.
	ConcealmentEvents uint64
	// ComfortSamples counts samples played while the far side was silent by intent (DTX, mute); not concealed.
	ComfortSamples uint64
	// InsertedSamplesForDeceleration and RemovedSamplesForAcceleration count time stretching.
	InsertedSamplesForDeceleration, RemovedSamplesForAcceleration uint64
	// TargetDelay and CurrentDelay are the jitter buffer's delay now: wanted and filtered actual.
	TargetDelay, CurrentDelay time.Duration
	// AudioLevel is the level of the last 10 ms, 0 to 1 linear.
	AudioLevel float64
	// TotalAudioEnergy and TotalSamplesDuration (seconds) are as in webrtc-stats.
	TotalAudioEnergy, TotalSamplesDuration float64
	// Speaking tells whether the far side speaks now.
	Speaking bool
	// LastPacket is when the newest packet arrived.
	LastPacket time.Time
}
