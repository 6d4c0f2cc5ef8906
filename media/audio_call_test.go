package media_test

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
)

// wire is a one-way call on virtual time: source, sender, network, receiver, sink.
type wire struct {
	sender   *media.AudioSender
	receiver *media.AudioReceiver
	playout  *media.Playout
	heard    []int16
	sent     []*packet.Packet
	transit  func(p *packet.Packet) time.Duration // lost if negative

	epoch   time.Time
	now     time.Duration
	flight  []*packet.Packet
	playAt  time.Time
	sendAt  time.Time
	pcmRead int
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

// speech is a source with a changing, voice-like sound.
type speech struct{ at int }

func (s *speech) ReadAudio(frame []int16) error {
	for i := range frame {
		t := float64(s.at) / media.AudioSampleRate
		s.at++
		pitch := 110 + 30*math.Sin(2*math.Pi*0.7*t)
		phase := 2 * math.Pi * (110*t - 30*math.Cos(2*math.Pi*0.7*t)/(2*math.Pi*0.7))
		_ = pitch
		envelope := math.Pow(math.Abs(math.Sin(2*math.Pi*1.3*t)), 1.5)
		var v float64
		for h := 1.0; h <= 16; h++ {
			formant := math.Exp(-math.Pow((h*110-500)/400, 2)) + 0.4*math.Exp(-math.Pow((h*110-1500)/300, 2))
			v += formant * math.Sin(h*phase)
		}
		frame[i] = int16(5000 * envelope * v)
	}
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
			w.run(8 * time.Second)
			st := w.receiver.Stats()
			delay, like := alignment(spoken(48000*4), w.heard, 48000/4)
			t.Logf("delay %.1f ms, likeness %.3f, target %v current %v, held %v, %+v", float64(delay)/48, like,
				st.TargetDelay, st.CurrentDelay, st.JitterBufferDelay/time.Duration(max(1, st.JitterBufferEmittedCount)), st)
			if st.ConcealedSamples != 0 || st.DecodeErrors != 0 {
				t.Errorf("concealed %d, errors %d", st.ConcealedSamples, st.DecodeErrors)
			}
			if like < 0.85 {
				t.Errorf("likeness %.3f", like)
			}
			if d := time.Duration(delay) * time.Second / 48000; d > 70*time.Millisecond {
				t.Errorf("delay %v without framing", d)
			}
			if c := correlation(envelope(spoken(48000 * 7)), envelope(w.heard[delay:])); c < 0.95 {
				t.Errorf("envelope correlation %.3f", c)
			}
		})
	}
}

func TestAudioCall_Loss_ConcealedNearLossRatio(t *testing.T) {
	for _, name := range []string{"opus", "G722"} {
		codec := codecNamed(t, name)
		if !media.CanEncode(codec) {
			t.Skip("this build cannot encode ", name)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		w := newWire(t, codec, &speech{}, func(*packet.Packet) time.Duration {
			if rng.Float64() < 0.1 {
				return -1
			}
			return 30 * time.Millisecond
		})
		w.sender.SetExpectedLoss(0.1)
		w.sender.SetActive(true)
		w.run(20 * time.Second)
		st := w.receiver.Stats()
		ratio := float64(st.ConcealedSamples) / float64(st.TotalSamplesReceived)
		t.Logf("%s concealed %.3f fec %d target %v: %+v", name, ratio, st.FECPacketsReceived, st.TargetDelay, st)
	}
}
