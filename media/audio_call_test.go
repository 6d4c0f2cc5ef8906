package media_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/level"
)

// wire is a one-way call on virtual time: source, sender, network, receiver, sink.
type wire struct {
	sender   *media.AudioSender
	receiver *media.AudioReceiver
	playout  *media.Playout
	heard    []int16
	sent     []*packet.Packet
	transit  func(p *packet.Packet) time.Duration // lost if negative

	epoch  time.Time
	now    time.Duration
	flight []*packet.Packet
	playAt time.Time
	sendAt time.Time
}

func (w *wire) WriteAudio(frame []int16) error {
	w.heard = append(w.heard, frame...)
	return nil
}

func codecNamed(t testing.TB, name string) packet.Codec {
	t.Helper()
	for i, c := range media.AudioCodecs() {
		if c.Name == name {
			if c.PayloadType == 0 && name != "PCMU" {
				c.PayloadType = uint8(100 + i)
			}
			return c
		}
	}
	t.Fatalf("no codec %s", name)
	return packet.Codec{}
}

func toneCodec(rate uint32) packet.Codec {
	return packet.Codec{Name: "telephone-event", PayloadType: 101, ClockRate: rate, Channels: 1, Parameters: "0-15"}
}

// newWire connects a source with a sink through a codec.
func newWire(t testing.TB, codec packet.Codec, source media.AudioSource, transit func(*packet.Packet) time.Duration) *wire {
	t.Helper()
	w := &wire{epoch: time.Unix(1_700_000_000, 0), transit: transit}
	var err error
	w.sender, err = media.NewAudioSender(&media.AudioSenderOptions{
		Codec: codec, ToneCodec: toneCodec(codec.ClockRate), Source: source, Manual: true, Send: w.send,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.receiver, err = media.NewAudioReceiver(&media.AudioReceiverOptions{
		Codecs: []packet.Codec{codec, toneCodec(codec.ClockRate)},
		Now:    func() time.Time { return w.epoch.Add(w.now) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.playout, err = media.NewPlayout(&media.PlayoutOptions{Sink: w, Receivers: []*media.AudioReceiver{w.receiver}, Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.sender.Close()
		_ = w.playout.Close()
		_ = w.receiver.Close()
	})
	return w
}

func (w *wire) send(p *packet.Packet) error {
	w.sent = append(w.sent, p)
	d := w.transit(p)
	if d < 0 {
		return nil
	}
	q := *p
	q.SSRC = 77
	q.Arrival = w.epoch.Add(w.now + d)
	w.flight = append(w.flight, &q)
	sort.SliceStable(w.flight, func(a, b int) bool { return w.flight[a].Arrival.Before(w.flight[b].Arrival) })
	return nil
}

// run moves the time on by d, in steps of a millisecond.
func (w *wire) run(d time.Duration) {
	for end := w.now + d; w.now < end; w.now += time.Millisecond {
		now := w.epoch.Add(w.now)
		if !w.sendAt.After(now) {
			w.sendAt = w.sender.Step(now)
		}
		for len(w.flight) > 0 && !w.flight[0].Arrival.After(now) {
			w.receiver.Push(w.flight[0])
			w.flight = w.flight[1:]
		}
		if !w.playAt.After(now) {
			w.playAt = w.playout.Step(now)
		}
	}
}

func after(d time.Duration) func(*packet.Packet) time.Duration {
	return func(*packet.Packet) time.Duration { return d }
}

// sentence is ten seconds of a voice-like sound: words of changing pitch.
var sentence = func() []int16 {
	pcm := make([]int16, 10*media.AudioSampleRate)
	phase := 0.0
	for i := range pcm {
		t := float64(i) / media.AudioSampleRate
		phase += 2 * math.Pi * (110 + 30*math.Sin(2*math.Pi*0.7*t)) / media.AudioSampleRate
		loud := math.Abs(math.Sin(2 * math.Pi * 1.3 * t))
		var v float64
		for h := 1.0; h <= 16; h++ {
			low, high := (h*110-500)/400, (h*110-1500)/300
			v += (math.Exp(-low*low) + 0.4*math.Exp(-high*high)) * math.Sin(h*phase)
		}
		pcm[i] = int16(5000 * loud * v)
	}
	return pcm
}()

// speech is a source that says the sentence over and over.
type speech struct{ at int }

func (s *speech) ReadAudio(frame []int16) error {
	for i := range frame {
		frame[i] = sentence[(s.at+i)%len(sentence)]
	}
	s.at += len(frame)
	return nil
}

// envelope is the level of each 20 ms.
func envelope(pcm []int16) []float64 {
	var list []float64
	for ; len(pcm) >= 960; pcm = pcm[960:] {
		var sum float64
		for _, v := range pcm[:960] {
			sum += float64(v) * float64(v)
		}
		list = append(list, math.Sqrt(sum/960))
	}
	return list
}

func correlation(a, b []float64) float64 {
	n := min(len(a), len(b))
	var ma, mb float64
	for i := range n {
		ma += a[i] / float64(n)
		mb += b[i] / float64(n)
	}
	var ab, aa, bb float64
	for i := range n {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb+1)
}

// alignment finds by how many samples b is behind a, and how alike they are then.
func alignment(a, b []int16, most int) (delay int, likeness float64) {
	likeness = -1
	score := func(d, step int) float64 {
		var ab, aa, bb float64
		for i := 0; i+d < len(b) && i < len(a); i += step {
			x, y := float64(a[i]), float64(b[i+d])
			ab += x * y
			aa += x * x
			bb += y * y
		}
		return ab / (math.Sqrt(aa*bb) + 1)
	}
	for d := 0; d < most; d += 4 {
		if s := score(d, 7); s > likeness {
			delay, likeness = d, s
		}
	}
	best, found := -1.0, delay
	for d := max(0, delay-4); d <= delay+4; d++ {
		if s := score(d, 1); s > best {
			best, found = s, d
		}
	}
	return found, best
}

func spoken(n int) []int16 {
	pcm := make([]int16, n)
	for s, at := (&speech{}), 0; at+960 <= n; at += 960 {
		_ = s.ReadAudio(pcm[at : at+960])
	}
	return pcm
}

func TestAudioCall_CleanNetwork_WhatIsSaidIsHeard(t *testing.T) {
	for _, name := range []string{"opus", "G722", "PCMU", "PCMA"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			if !media.CanEncode(codec) {
				t.Skip("this build cannot encode ", name)
			}
			w := newWire(t, codec, &speech{}, after(25*time.Millisecond))
			w.sender.SetActive(true)
			w.run(6 * time.Second)
			st := w.receiver.Stats()
			delay, like := alignment(spoken(48000*3), w.heard, 48000/4)
			t.Logf("delay %.1f ms, likeness %.3f, target %v, held %v", float64(delay)/48, like,
				st.TargetDelay, st.JitterBufferDelay/time.Duration(max(1, st.JitterBufferEmittedCount)))
			if st.ConcealedSamples != 0 || st.DecodeErrors != 0 {
				t.Errorf("concealed %d, errors %d", st.ConcealedSamples, st.DecodeErrors)
			}
			if like < 0.85 {
				t.Errorf("likeness %.3f", like)
			}
			if d := time.Duration(delay) * time.Second / 48000; d > 70*time.Millisecond {
				t.Errorf("delay %v without framing", d)
			}
			if c := correlation(envelope(spoken(48000*5)), envelope(w.heard[delay:])); c < 0.95 {
				t.Errorf("envelope correlation %.3f", c)
			}
		})
	}
}

func TestAudioCall_Loss_ConcealedNearLossRatio(t *testing.T) {
	for _, name := range []string{"opus", "G722"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			if !media.CanEncode(codec) {
				t.Skip("this build cannot encode ", name)
			}
			rng := rand.New(rand.NewPCG(3, 4))
			sent, lost := 0.0, 0.0
			w := newWire(t, codec, &speech{}, func(*packet.Packet) time.Duration {
				sent++
				if rng.Float64() < 0.1 {
					lost++
					return -1
				}
				return 30 * time.Millisecond
			})
			w.sender.SetExpectedLoss(0.1)
			w.sender.SetActive(true)
			w.run(15 * time.Second)
			st := w.receiver.Stats()
			ratio := float64(st.ConcealedSamples) / float64(st.TotalSamplesReceived)
			t.Logf("lost %.3f, concealed %.3f, rebuilt %d, target %v", lost/sent, ratio, st.FECPacketsReceived, st.TargetDelay)
			if name == "G722" && math.Abs(ratio/(lost/sent)-1) > 0.1 {
				t.Errorf("concealed %.3f, lost %.3f", ratio, lost/sent)
			}
			if name == "opus" && (ratio > 0.03 || st.FECPacketsReceived < uint64(lost*0.7)) {
				t.Errorf("concealed %.3f, rebuilt %d of %.0f", ratio, st.FECPacketsReceived, lost)
			}
			if c := correlation(envelope(spoken(48000*8)), envelope(w.heard[2400:])); c < 0.85 {
				t.Errorf("envelope correlation %.3f", c)
			}
		})
	}
}

func TestAudioCall_MuteAndHold_SilenceIsNotConcealment(t *testing.T) {
	for _, name := range []string{"opus", "G722"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			if !media.CanEncode(codec) {
				t.Skip("this build cannot encode ", name)
			}
			w := newWire(t, codec, &speech{}, after(30*time.Millisecond))
			w.run(time.Second)
			if len(w.sent) != 0 {
				t.Fatalf("%d packets before the call is active", len(w.sent))
			}
			w.sender.SetActive(true)
			w.run(3 * time.Second)
			for _, quiet := range []struct {
				name string
				set  func(bool)
			}{
				{"mute", w.sender.SetMuted},
				{"hold", func(on bool) { w.sender.SetActive(!on) }},
			} {
				before, first := len(w.sent), w.receiver.Stats()
				quiet.set(true)
				w.run(2 * time.Second)
				from := len(w.heard)
				w.run(2 * time.Second)
				if n := len(w.sent) - before; n > 3+4*1000/400+2 {
					t.Errorf("%s: %d packets", quiet.name, n)
				}
				if l := level.Level(w.heard[from:]); l < 75 {
					t.Errorf("%s: level -%d dBov is heard", quiet.name, l)
				}
				quiet.set(false)
				w.run(2 * time.Second)
				st := w.receiver.Stats()
				if st.ConcealedSamples != first.ConcealedSamples {
					t.Errorf("%s: concealed %d", quiet.name, st.ConcealedSamples-first.ConcealedSamples)
				}
				if st.CurrentDelay > 30*time.Millisecond {
					t.Errorf("%s: delay %v afterwards", quiet.name, st.CurrentDelay)
				}
				if l := level.Level(w.heard[len(w.heard)-96000:]); l > 40 {
					t.Errorf("%s: level -%d dBov afterwards", quiet.name, l)
				}
			}
			// The timestamp of a muted sender goes on with the clock.
			span := w.sent[len(w.sent)-1].Timestamp - w.sent[0].Timestamp
			if want := uint32(w.now.Seconds()-1) * codec.ClockRate; span > want || span < want-codec.ClockRate/10 {
				t.Errorf("timestamps span %d, want %d", span, want)
			}
		})
	}
}

func TestAudioCall_Tones_ArriveOnceAndAreNoLoss(t *testing.T) {
	codec := codecNamed(t, "G722")
	w := newWire(t, codec, &speech{}, after(30*time.Millisecond))
	var digits []rune
	w.receiver = mustReceiver(t, &media.AudioReceiverOptions{
		Codecs: []packet.Codec{codec, toneCodec(8000)}, Tone: func(d rune) { digits = append(digits, d) },
		Now: func() time.Time { return w.epoch.Add(w.now) },
	})
	w.playout.Add(w.receiver)
	w.sender.SetActive(true)
	w.run(time.Second)
	if err := w.sender.SendTones("12#,D"); err != nil {
		t.Fatal(err)
	}
	if err := w.sender.SendTones("1x"); !errors.Is(err, media.ErrToneDigit) {
		t.Errorf("error %v", err)
	}
	w.run(5 * time.Second)
	if string(digits) != "12#D" {
		t.Errorf("received %q", string(digits))
	}
	st := w.receiver.Stats()
	if st.ConcealedSamples != 0 || st.TonesReceived != 4 || w.sender.Stats().TonesSent != 4 {
		t.Errorf("concealed %d, %d tones received, %d sent", st.ConcealedSamples, st.TonesReceived, w.sender.Stats().TonesSent)
	}
}

func mustReceiver(t testing.TB, o *media.AudioReceiverOptions) *media.AudioReceiver {
	t.Helper()
	r, err := media.NewAudioReceiver(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestAudioCall_RandomNetworks_InvariantsHold(t *testing.T) {
	testkit.Repeat(t, 4, 300, func(seed uint64) error {
		rng := rand.New(rand.NewPCG(seed, 9))
		names := []string{"opus", "G722", "PCMU"}
		codec := codecNamed(t, names[rng.IntN(3)])
		if !media.CanEncode(codec) {
			codec = codecNamed(t, "G722")
		}
		loss, jitter := rng.Float64()*0.3, rng.Float64()*60
		w := newWire(t, codec, &speech{}, func(*packet.Packet) time.Duration {
			if rng.Float64() < loss {
				return -1
			}
			return time.Duration((20 + math.Abs(rng.NormFloat64())*jitter) * 1e6)
		})
		w.sender.SetActive(true)
		for range 20 {
			w.run(time.Duration(rng.IntN(900)) * time.Millisecond)
			switch rng.IntN(6) {
			case 0:
				w.sender.SetMuted(rng.IntN(2) == 0)
			case 1:
				w.sender.SetActive(rng.IntN(3) != 0)
			case 2:
				_ = w.sender.SendTones("5")
			case 3:
				w.sender.SetTargetBitrate(rng.IntN(60000))
			case 4:
				w.receiver.SetMuted(rng.IntN(3) == 0)
			}
		}
		st := w.receiver.Stats()
		if st.DecodeErrors != 0 || st.PacketsUnknown != 0 || w.sender.Stats().EncodeErrors != 0 {
			return fmt.Errorf("errors: %+v", st)
		}
		if st.TotalSamplesReceived != uint64(len(w.heard)) {
			return fmt.Errorf("%d samples counted, %d heard", st.TotalSamplesReceived, len(w.heard))
		}
		if st.ConcealedSamples+st.ComfortSamples > st.TotalSamplesReceived || st.TargetDelay > 500*time.Millisecond {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
}
