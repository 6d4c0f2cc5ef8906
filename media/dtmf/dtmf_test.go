package dtmf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media/dtmf"
)

func TestCode_EveryDigit_ComesBack(t *testing.T) {
	for i, d := range "0123456789*#ABCD" {
		code, err := dtmf.Code(d)
		if err != nil || int(code) != i {
			t.Errorf("%q: %d, %v", d, code, err)
		}
		if back, ok := dtmf.Digit(code); !ok || back != d {
			t.Errorf("%d: %q, %v", code, back, ok)
		}
	}
	if code, err := dtmf.Code('c'); code != 14 || err != nil {
		t.Error(code, err)
	}
	for _, d := range "Ee,x +" {
		if _, err := dtmf.Code(d); !errors.Is(err, dtmf.ErrDigit) {
			t.Errorf("%q: %v", d, err)
		}
	}
	if _, ok := dtmf.Digit(16); ok {
		t.Error("event 16 is a digit")
	}
}

func TestEvent_Payload_IsThatOfTheStandard(t *testing.T) {
	e := dtmf.Event{Code: 11, End: true, Volume: 10, Duration: 800}
	b := e.Marshal()
	if fmt.Sprintf("%x", b) != "0b8a0320" {
		t.Errorf("%x", b)
	}
	if got, err := dtmf.Parse(append(b, 9)); err != nil || got != e {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := dtmf.Parse(b[:3]); !errors.Is(err, dtmf.ErrMalformed) {
		t.Error(err)
	}
	if b := (dtmf.Event{Volume: 200}).Marshal(); b[1] != 63 {
		t.Errorf("volume %d", b[1])
	}
}

// play steps a sender to its end, 20 ms at a time.
func play(t *testing.T, options *dtmf.SenderOptions, digits string, began uint32) (packets []dtmf.Packet, tones int) {
	t.Helper()
	s := dtmf.NewSender(options)
	if err := s.Queue(digits); err != nil {
		t.Fatal(err)
	}
	step := uint32(960)
	if options != nil && options.ClockRate != 0 {
		step = options.ClockRate / 50
	}
	for now := began; s.Busy(); now += step {
		list, tone := s.Step(now)
		packets = append(packets, list...)
		if tone {
			tones++
		}
		if now-began > 100*48000 {
			t.Fatal("never ends")
		}
	}
	return packets, tones
}

func TestSender_OneDigit_FollowsTheStandard(t *testing.T) {
	packets, tones := play(t, nil, "5", 0xffffff00)
	if len(packets) != 8 || tones != 6 {
		t.Fatalf("%d packets, %d steps with tone", len(packets), tones)
	}
	for i, p := range packets {
		e, err := dtmf.Parse(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		end := i >= 5
		if e.Code != 5 || e.End != end || p.Marker != (i == 0) || p.Timestamp != 0xffffff00 || p.Ended != (i == 5) || e.Volume != 10 {
			t.Errorf("packet %d: %+v %+v", i, p, e)
		}
		if want := uint16(min(i, 5) * 960); e.Duration != want {
			t.Errorf("packet %d: duration %d, want %d", i, e.Duration, want)
		}
	}
}

func TestSender_LongTone_IsCutIntoSegments(t *testing.T) {
	packets, _ := play(t, &dtmf.SenderOptions{ToneDuration: 3 * time.Second}, "1", 1000)
	markers, total := 0, uint32(0)
	starts := map[uint32]uint16{}
	for _, p := range packets {
		if p.Marker {
			markers++
		}
		starts[p.Timestamp] = max(starts[p.Timestamp], binary.BigEndian.Uint16(p.Payload[2:]))
	}
	for _, d := range starts {
		total += uint32(d)
	}
	if markers != 1 || len(starts) != 3 || total != 3*48000 {
		t.Errorf("%d markers, %v", markers, starts)
	}
	r := dtmf.NewReceiver(48000)
	var events []dtmf.Received
	for i, p := range packets {
		got, err := r.Push(p.Timestamp, p.Payload, time.Unix(0, int64(i)*2e7))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, got...)
	}
	if len(events) != 2 || events[1].Duration != 3*time.Second || !events[1].Ended || events[1].Lost {
		t.Errorf("%+v", events)
	}
}

func TestSender_Pause_LastsTwoSeconds(t *testing.T) {
	packets, _ := play(t, nil, "1,2", 0)
	var starts []uint32
	for _, p := range packets {
		if p.Marker {
			starts = append(starts, p.Timestamp)
		}
	}
	if len(starts) != 2 || starts[1] < 2*48000 || starts[1] > 2*48000+15000 {
		t.Errorf("digits begin at %v", starts)
	}
}

func TestSender_BadDigits_NoneIsTaken(t *testing.T) {
	s := dtmf.NewSender(nil)
	if err := s.Queue("12x"); !errors.Is(err, dtmf.ErrDigit) || s.Busy() {
		t.Errorf("%v, busy %v", err, s.Busy())
	}
	if err := s.Queue(strings.Repeat("1", 2000)); !errors.Is(err, dtmf.ErrFull) || s.Busy() {
		t.Errorf("%v, busy %v", err, s.Busy())
	}
	if list, tone := s.Step(0); list != nil || tone {
		t.Error("an idle sender sends")
	}
}

// TestReceiver_RandomLoss_EachDigitOnce loses, doubles and reorders packets. A
// digit is told once if at least one of its packets arrives.
func TestReceiver_RandomLoss_EachDigitOnce(t *testing.T) {
	testkit.Repeat(t, 300, 100000, func(seed uint64) error {
		rng := rand.New(rand.NewPCG(seed, 5))
		rate := []uint32{8000, 16000, 48000}[rng.IntN(3)]
		digits := make([]byte, 1+rng.IntN(8))
		for i := range digits {
			digits[i] = "0123456789*#ABCD"[rng.IntN(16)]
		}
		s := dtmf.NewSender(&dtmf.SenderOptions{ClockRate: rate, ToneDuration: time.Duration(40+rng.IntN(200)) * time.Millisecond})
		if err := s.Queue(string(digits)); err != nil {
			return err
		}
		r := dtmf.NewReceiver(rate)
		loss := rng.Float64() * 0.6
		clean := true
		var want, got string
		var held []dtmf.Packet
		var events []dtmf.Received
		at := time.Unix(1000, 0)
		push := func(p dtmf.Packet) error {
			list, err := r.Push(p.Timestamp, p.Payload, at)
			events = append(events, list...)
			return err
		}
		heard := map[uint32]bool{}
		for now := rng.Uint32(); s.Busy(); now += rate / 50 {
			list, _ := s.Step(now)
			at = at.Add(20 * time.Millisecond)
			events = append(events, r.Expire(at)...)
			// What was held back comes after what is new.
			late := held
			held = nil
			if n := len(list); n > 0 && rng.IntN(5) == 0 && s.Busy() {
				held, list = []dtmf.Packet{list[n-1]}, list[:n-1]
			}
			for _, p := range append(list, late...) {
				if rng.Float64() < loss {
					clean = false
					continue
				}
				if e, _ := dtmf.Parse(p.Payload); !heard[p.Timestamp] {
					heard[p.Timestamp] = true
					d, _ := dtmf.Digit(e.Code)
					want += string(d)
				}
				if err := push(p); err != nil {
					return err
				}
				if rng.IntN(4) == 0 {
					if err := push(p); err != nil {
						return err
					}
				}
			}
		}
		events = append(events, r.Expire(at.Add(time.Minute))...)
		open := false
		for _, e := range events {
			if e.Ended == !open {
				return fmt.Errorf("%q: begins and ends do not alternate: %+v", digits, events)
			}
			open = !e.Ended
			if !e.Ended {
				got += string(e.Digit)
			} else if clean && e.Lost {
				return fmt.Errorf("%q: end lost without loss: %+v rate %d", digits, events, rate)
			}
		}
		if open || got != want || clean && got != string(digits) {
			return fmt.Errorf("sent %q, got %q, want %q", digits, got, want)
		}
		return nil
	})
}

func TestReceiver_LateAndForeignPackets_AreIgnored(t *testing.T) {
	r := dtmf.NewReceiver(0)
	now := time.Unix(0, 0)
	push := func(timestamp uint32, e dtmf.Event) []dtmf.Received {
		t.Helper()
		list, err := r.Push(timestamp, e.Marshal(), now)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if l := push(1000, dtmf.Event{Code: 32}); l != nil {
		t.Errorf("a modem tone: %+v", l)
	}
	if l := push(10000, dtmf.Event{Code: 1}); len(l) != 1 {
		t.Errorf("%+v", l)
	}
	if l := push(20000, dtmf.Event{Code: 2}); len(l) != 2 || !l[0].Ended || !l[0].Lost || l[1].Digit != '2' {
		t.Errorf("%+v", l)
	}
	if l := push(10000, dtmf.Event{Code: 1, End: true}); l != nil {
		t.Errorf("late: %+v", l)
	}
	if l := push(20000, dtmf.Event{Code: 2, End: true, Duration: 4800}); len(l) != 1 || l[0].Duration != 100*time.Millisecond || l[0].Lost {
		t.Errorf("%+v", l)
	}
	if l := push(20000, dtmf.Event{Code: 2, End: true, Duration: 4800}); l != nil {
		t.Errorf("repeated end: %+v", l)
	}
	// A whole digit in its end packet alone.
	if l := push(40000, dtmf.Event{Code: 3, End: true, Duration: 4800}); len(l) != 2 {
		t.Errorf("%+v", l)
	}
	if _, err := r.Push(1, []byte{1}, now); !errors.Is(err, dtmf.ErrMalformed) {
		t.Error(err)
	}
	if l := r.Expire(now.Add(time.Hour)); l != nil {
		t.Errorf("%+v", l)
	}
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 5, 10, 0, 0, 0, 0, 0, 1, 5, 0x8a, 3, 0x20})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := dtmf.NewReceiver(8000)
		now, open := time.Unix(0, 0), false
		check := func(list []dtmf.Received) {
			for _, e := range list {
				if e.Ended != open || e.Duration < 0 {
					t.Fatalf("%+v while open is %v", e, open)
				}
				open = !e.Ended
			}
		}
		for len(data) > 4 {
			n := min(len(data), 8)
			list, err := r.Push(binary.BigEndian.Uint32(data), data[4:n], now)
			if err != nil && !errors.Is(err, dtmf.ErrMalformed) {
				t.Fatal(err)
			}
			check(list)
			now = now.Add(time.Duration(data[0]) * time.Millisecond)
			check(r.Expire(now))
			data = data[n:]
		}
	})
}
