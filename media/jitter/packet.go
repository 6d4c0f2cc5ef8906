package jitter

import "time"

// Packet is one packet of audio.
type Packet struct {
	// Sequence and Timestamp are those of RTP; they wrap.
	Sequence  uint16
	Timestamp uint32
	// SSRC and ClockRate tell streams apart: when one of them changes, a new
	// stream begins. ClockRate is in hertz; zero means 48000.
	SSRC      uint32
	ClockRate uint32
	// Duration is how much audio the packet holds, in units of the clock rate.
	// Zero means as much as the packet before, or 20 ms.
	Duration uint32
	// PayloadType is passed on to the decoder's choice.
	PayloadType uint8
	// Payload is kept, not copied.
	Payload []byte
	// Silence says that the sender may pause after this packet (DTX, mute).
	Silence bool
	// FEC says that the payload can rebuild the frame before it.
	FEC bool
	// Redundant says that this is a copy that came in another packet: it
	// fills a hole, and is not a duplicate if there is none.
	Redundant bool
	// Empty says that the sequence number was used for something else than
	// audio, a telephone event for instance: nothing is missing there.
	Empty bool
}

// duration of n ticks at a clock rate.
func ticksToDuration(ticks int64, clockRate uint32) time.Duration {
	whole, rest := ticks/int64(clockRate), ticks%int64(clockRate)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(clockRate)
}

// Action is what to play next.
type Action uint8

// The actions. The zero value is none.
const (
	// ActionWait plays silence: nothing was received yet, or not enough.
	ActionWait Action = iota + 1
	// ActionPlay decodes Decision.Packet.
	ActionPlay
	// ActionFEC decodes the frame before Decision.Packet out of its payload.
	ActionFEC
	// ActionConceal makes up Decision.Duration of audio.
	ActionConceal
	// ActionComfort plays Decision.Duration of background: the sender pauses.
	ActionComfort
)

// String returns the name of the action.
func (a Action) String() string {
	switch a {
	case ActionWait:
		return "wait"
	case ActionPlay:
		return "play"
	case ActionFEC:
		return "fec"
	case ActionConceal:
		return "conceal"
	case ActionComfort:
		return "comfort"
	default:
		return "unknown"
	}
}

// Stretch tells how to change the length of what is played.
type Stretch int8

// The ways to stretch; the zero value leaves the length alone.
const (
	// StretchFaster takes a period out.
	StretchFaster Stretch = 1
	// StretchSlower repeats a period.
	StretchSlower Stretch = -1
)

// Decision is the answer of Buffer.Pull.
type Decision struct {
	Action Action
	// Packet is set for ActionPlay and ActionFEC.
	Packet Packet
	// Duration is the playing time of the frame, or how much to make up.
	Duration time.Duration
	// Break says that the frame does not continue what was played before it.
	Break bool
	// Stretch is set for ActionPlay and ActionFEC.
	Stretch Stretch
	// Excess is how far the delay is from the target, without sign.
	Excess time.Duration
	// Most is how much the length may change.
	Most time.Duration
}

// Stats counts what a Buffer did.
type Stats struct {
	// Received counts packets that were pushed, but for redundant and empty ones.
	Received uint64
	// Late counts packets that came after their time was played.
	Late uint64
	// Dropped counts packets thrown away unplayed to get the delay down or to
	// stay within bounds, or because a new stream began.
	Dropped uint64
	// Duplicates counts packets that were there already.
	Duplicates uint64
	// Lost counts frames that were never played, whether rebuilt or concealed.
	Lost uint64
	// FEC counts frames rebuilt from the packet behind them.
	FEC uint64
	// Resyncs counts new time lines: another stream, jumps of sequence or timestamp.
	Resyncs uint64
	// Delay sums up over the emitted samples how long they were here, and
	// TargetTotal the target delay over the same samples.
	Delay, TargetTotal time.Duration
	// Emitted counts samples at 48 kHz that left the buffer.
	Emitted uint64
	// Target and Current are the wanted and the actual delay.
	Target, Current time.Duration
	// Buffered counts packets that wait.
	Buffered int
}
