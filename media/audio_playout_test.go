package media_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/level"
)

func TestPlayout_MixesItsReceivers(t *testing.T) {
	codec := codecNamed(t, "PCMU")
	wires := make([]*wire, 3)
	p, err := media.NewPlayout(&media.PlayoutOptions{Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range wires {
		wires[i] = newWire(t, codec, &speech{at: i * 30000}, after(10*time.Millisecond))
		wires[i].playout = p
		wires[i].sender.SetActive(true)
		p.Add(wires[i].receiver)
		p.Add(wires[i].receiver)
	}
	now := time.Unix(1_700_000_000, 0)
	frame := make([]int16, media.PlayoutFrameSamples)
	var sum []int16
	pull := func(n int) {
		for range n {
			for _, w := range wires {
				w.now = now.Sub(w.epoch)
				if !w.sendAt.After(now) {
					w.sendAt = w.sender.Step(now)
				}
				for len(w.flight) > 0 && !w.flight[0].Arrival.After(now) {
					w.receiver.Push(w.flight[0])
					w.flight = w.flight[1:]
				}
			}
			p.Pull(now, frame)
			sum = append(sum, frame...)
			now = now.Add(10 * time.Millisecond)
		}
	}
	pull(300)
	for i, w := range wires {
		part := spoken(30000*i + 48000*2)[30000*i:]
		if _, like := alignment(part, sum, 4800); like < 0.3 {
			t.Errorf("voice %d is not heard: likeness %.2f", i, like)
		}
		if w.receiver.Stats().TotalSamplesReceived != 300*480 {
			t.Errorf("receiver %d was pulled %d samples", i, w.receiver.Stats().TotalSamplesReceived)
		}
	}
	p.Remove(wires[0].receiver)
	p.Remove(wires[0].receiver)
	p.Remove(wires[1].receiver)
	pull(10)
	if n := wires[1].receiver.Stats().TotalSamplesReceived; n != 300*480 {
		t.Errorf("a removed receiver was pulled: %d", n)
	}
	p.Remove(wires[2].receiver)
	pull(1)
	if level.Level(frame) != level.Silence {
		t.Error("nobody is not silent")
	}
	if n := p.Stats().FramesPlayed; n != 311 {
		t.Errorf("%d frames", n)
	}
}

func TestPlayout_Stall_IsMadeUpFor(t *testing.T) {
	frames := 0
	p, err := media.NewPlayout(&media.PlayoutOptions{Manual: true, Sink: sinkFunc(func([]int16) error { frames++; return nil })})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1, 0)
	p.Step(now)
	p.Step(now.Add(205 * time.Millisecond))
	if frames != 21 || p.Stats().FramesSkipped != 0 {
		t.Errorf("%d frames, %d skipped", frames, p.Stats().FramesSkipped)
	}
	next := p.Step(now.Add(5205 * time.Millisecond))
	if frames != 46 || p.Stats().FramesSkipped != 475 {
		t.Errorf("%d frames, %d skipped", frames, p.Stats().FramesSkipped)
	}
	if want := now.Add(5210 * time.Millisecond); !next.Equal(want) {
		t.Errorf("next %v, want %v", next, want)
	}
}

func TestPlayout_SinkFailsAndChanges(t *testing.T) {
	p, err := media.NewPlayout(&media.PlayoutOptions{Manual: true, Sink: sinkFunc(func([]int16) error { return errors.New("no") })})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1, 0)
	for range 5 {
		now = p.Step(now)
	}
	if n := p.Stats().SinkErrors; n != 5 {
		t.Errorf("%d errors", n)
	}
	got := 0
	p.SetSink(sinkFunc(func(f []int16) error { got += len(f); return nil }))
	now = p.Step(now)
	p.SetSink(nil)
	p.Step(now)
	if got != 480 || p.Stats().FramesPlayed != 7 {
		t.Errorf("%d samples, %+v", got, p.Stats())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	p.Step(now.Add(time.Second))
	if got != 480 {
		t.Error("the sink is called after Close")
	}
}

func TestPlayout_Goroutine_WholeCallAndEnd(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	codec := codecNamed(t, "G722")
	synctest.Test(t, func(t *testing.T) {
		receiver := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}})
		var heard []int16
		p, err := media.NewPlayout(&media.PlayoutOptions{
			Receivers: []*media.AudioReceiver{receiver},
			Sink:      sinkFunc(func(f []int16) error { heard = append(heard, f...); return nil }),
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := media.NewAudioSender(&media.AudioSenderOptions{
			Codec: codec, Source: &speech{}, Send: func(q *packet.Packet) error { receiver.Push(q); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Millisecond)
		s.SetActive(true)
		time.Sleep(5 * time.Second)
		_ = s.Close()
		_ = p.Close()
		_ = p.Close()
		st := receiver.Stats()
		if st.ConcealedSamples != 0 || len(heard) < 48000*499/100 {
			t.Errorf("%d heard, %+v", len(heard), st)
		}
		delay, like := alignment(spoken(48000*3), heard, 4800)
		if like < 0.95 || delay > 48*45 {
			t.Errorf("likeness %.3f, delay %d samples", like, delay)
		}
		n := len(heard)
		time.Sleep(time.Second)
		if len(heard) != n {
			t.Error("plays after Close")
		}
	})
}

func TestPlayout_CloseFromSink(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		ready := make(chan *media.Playout, 1)
		calls := 0
		p, err := media.NewPlayout(&media.PlayoutOptions{Sink: sinkFunc(func([]int16) error {
			calls++
			if calls == 3 {
				_ = (<-ready).Close()
			}
			return nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		ready <- p
		time.Sleep(time.Second)
		synctest.Wait()
		if calls != 3 {
			t.Errorf("%d calls", calls)
		}
		_ = p.Close()
	})
}
