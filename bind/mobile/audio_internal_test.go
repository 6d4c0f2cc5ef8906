package mobile

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-rtc/parley/media"
)

// TestAudio_StaleIsDropped: a call that comes off hold does not begin with what
// the microphone has captured meanwhile, nor does a loudspeaker that was off.
func TestAudio_StaleIsDropped(t *testing.T) {
	now := time.Unix(1, 0)
	a := newAudio(func() time.Time { return now })
	sink := a.attach()
	loud := bytes.Repeat([]byte{0, 64}, 960)
	frame := make([]int16, media.AudioFrameSamples)
	speak := func() bool {
		t.Helper()
		if err := a.microphone.ReadAudio(frame); err != nil {
			t.Fatal(err)
		}
		return frame[0] != 0
	}
	speak()
	a.WritePCM(loud)
	if now = now.Add(20 * time.Millisecond); !speak() {
		t.Error("what was just said is not sent")
	}
	a.WritePCM(loud)
	if now = now.Add(time.Second); speak() {
		t.Error("what was said on hold is sent")
	}
	a.WritePCM(loud)
	if now = now.Add(20 * time.Millisecond); !speak() {
		t.Error("what is said after the hold is not sent")
	}
	played := make([]byte, 20*AudioBytesPerMillisecond)
	hear := func() bool {
		t.Helper()
		if n := a.ReadPCM(played); n != int32(len(played)) {
			t.Fatal(n)
		}
		return played[1] != 0
	}
	for i := range frame {
		frame[i] = 64 << 8
	}
	hear()
	if err := sink.WriteAudio(frame); err != nil {
		t.Fatal(err)
	}
	if now = now.Add(20 * time.Millisecond); !hear() {
		t.Error("what was just heard is not played")
	}
	if err := sink.WriteAudio(frame); err != nil {
		t.Fatal(err)
	}
	if now = now.Add(time.Second); hear() {
		t.Error("what came while the loudspeaker was off is played")
	}
}

// TestAudio_Mixes: two calls are heard at once, and too loud is as loud as can be.
func TestAudio_Mixes(t *testing.T) {
	a := newAudio(time.Now)
	one, two := a.attach(), a.attach()
	out := make([]byte, 4)
	a.ReadPCM(out)
	for _, test := range []struct{ one, two, sum int16 }{
		{1000, 2000, 3000}, {30000, 30000, 32767}, {-30000, -30000, -32768}, {5, -5, 0},
	} {
		a.flush()
		if one.WriteAudio([]int16{test.one}) != nil || two.WriteAudio([]int16{test.two}) != nil {
			t.Fatal("a sink takes nothing")
		}
		a.ReadPCM(out[:2])
		if got := int16(uint16(out[0]) | uint16(out[1])<<8); got != test.sum {
			t.Errorf("%d and %d are %d", test.one, test.two, got)
		}
	}
	a.detach(one)
	a.detach(one)
	if a.ReadPCM(out); len(*a.sinks.Load()) != 1 {
		t.Error("the sink of a call that has ended is still played")
	}
}

// TestAudio_AllocatesNothing: what audio threads call makes no garbage.
func TestAudio_AllocatesNothing(t *testing.T) {
	a := newAudio(time.Now)
	frame, block := make([]int16, media.PlayoutFrameSamples), make([]byte, 10*AudioBytesPerMillisecond)
	sinks := []*media.PCMSink{a.attach(), a.attach()}
	if n := testing.AllocsPerRun(1000, func() {
		a.WritePCM(block)
		for _, sink := range sinks {
			if sink.WriteAudio(frame) != nil {
				t.Fatal("a sink takes nothing")
			}
		}
		a.ReadPCM(block)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
