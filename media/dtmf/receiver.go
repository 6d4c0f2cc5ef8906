package dtmf

import "time"

// Received is a digit that began or ended.
type Received struct {
	// Digit is 0 to 9, *, # or A to D.
	Digit rune
	// Ended is false when the digit begins and true when it is over.
	Ended bool
	// Duration is how long the digit lasted; only with Ended.
	Duration time.Duration
	// Lost tells that the end was never received; only with Ended.
	Lost bool
}

// endTimeout is how long after the last packet an event without an end is over:
// three updates at the largest usual interval (RFC 4733 2.5.2.2).
const endTimeout = 200 * time.Millisecond

// Receiver tells digits from event packets. It has no clock: times are given.
// It is not safe for use from several goroutines.
type Receiver struct {
	rate     uint32
	known    bool   // the fields below describe the newest event
	open     bool   // it has not ended
	began    uint32 // its timestamp, or that of its newest segment
	code     uint8
	earlier  uint64 // length of earlier segments
	duration uint32
	last     time.Time
}

// NewReceiver makes a receiver for events with the given clock rate.
func NewReceiver(clockRate uint32) *Receiver {
	if clockRate == 0 {
		clockRate = 48000
	}
	return &Receiver{rate: clockRate}
}

// Push takes a packet with its RTP timestamp and the time of its arrival, and
// returns what began or ended. An event that is not DTMF is ignored. It fails
// with ErrMalformed.
func (r *Receiver) Push(timestamp uint32, payload []byte, now time.Time) ([]Received, error) {
	event, err := Parse(payload)
	if err != nil {
		return nil, err
	}
	if _, ok := Digit(event.Code); !ok {
		return nil, nil
	}
	age := int32(timestamp - r.began)
	switch {
	case r.known && age < 0:
		// A late packet of an event, or segment, that is over.
		return nil, nil
	case r.known && age == 0 && event.Code == r.code:
		if !r.open {
			return nil, nil
		}
	case r.open && r.continues(uint32(age), event):
		r.earlier += uint64(age)
		r.began, r.duration = timestamp, 0
	default:
		return r.start(timestamp, event, now), nil
	}
	r.last = now
	r.duration = max(r.duration, uint32(event.Duration))
	if event.End {
		return []Received{r.finish(false)}, nil
	}
	return nil, nil
}

// continues tells whether an event is the next segment of the open one: same
// code, and it starts where a full segment ends. More than one segment may
// have been lost.
func (r *Receiver) continues(age uint32, event Event) bool {
	return event.Code == r.code && age%0xffff == 0
}

func (r *Receiver) start(timestamp uint32, event Event, now time.Time) []Received {
	var out []Received
	if r.open {
		out = append(out, r.finish(true))
	}
	r.known, r.open = true, true
	r.began, r.code, r.earlier = timestamp, event.Code, 0
	r.duration, r.last = uint32(event.Duration), now
	digit, _ := Digit(r.code)
	out = append(out, Received{Digit: digit})
	if event.End {
		out = append(out, r.finish(false))
	}
	return out
}

func (r *Receiver) finish(lost bool) Received {
	r.open = false
	digit, _ := Digit(r.code)
	units := r.earlier + uint64(r.duration)
	return Received{
		Digit: digit, Ended: true, Lost: lost,
		Duration: time.Duration(float64(units) / float64(r.rate) * float64(time.Second)),
	}
}

// Expire ends a digit whose packets have stopped coming. Call it now and then.
func (r *Receiver) Expire(now time.Time) []Received {
	if !r.open || now.Sub(r.last) < endTimeout {
		return nil
	}
	return []Received{r.finish(true)}
}
