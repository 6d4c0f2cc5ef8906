package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/level"
)

// packetsOf makes packets of speech.
func packetsOf(t testing.TB, codec packet.Codec, n int) []*packet.Packet {
	t.Helper()
	enc, err := media.NewAudioEncoder(codec, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var list []*packet.Packet
	pcm := make([]int16, 960)
	for s, i := (&speech{}), 0; i < n; i++ {
		_ = s.ReadAudio(pcm)
		payload, err := enc.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &packet.Packet{
			PayloadType: codec.PayloadType, SequenceNumber: uint16(i), Timestamp: uint32(i) * codec.ClockRate / 50,
			SSRC: 5, Payload: payload,
		})
	}
	return list
}

func TestAudioReceiver_UnknownPayloadTypes_AreDroppedAndCounted(t *testing.T) {
	codec := codecNamed(t, "G722")
	now := time.Unix(1, 0)
	r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }})
	frame := make([]int16, 480)
	for i, p := range packetsOf(t, codec, 200) {
		r.Push(p)
		stray := *p
		stray.PayloadType = []uint8{0, 96, 127, 255}[i%4]
		r.Push(&stray)
		r.Pull(frame)
		now = now.Add(10 * time.Millisecond)
		r.Pull(frame)
		now = now.Add(10 * time.Millisecond)
	}
	st := r.Stats()
	if st.PacketsUnknown != 200 || st.PacketsReceived != 200 || st.ConcealedSamples != 0 || st.Codec != "G722" || st.SSRC != 5 {
		t.Errorf("%+v", st)
	}
	if st.AudioLevel == 0 && st.TotalAudioEnergy == 0 {
		t.Error("no level")
	}
}

func TestAudioReceiver_TenTimesTheRate_IsBounded(t *testing.T) {
	codec := codecNamed(t, "PCMU")
	now := time.Unix(1, 0)
	r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }})
	all := packetsOf(t, codec, 1900)
	list := all[:1500]
	frame := make([]int16, 480)
	for i, p := range list {
		r.Push(p)
		if i%5 == 4 {
			r.Pull(frame)
			now = now.Add(10 * time.Millisecond)
		}
	}
	st := r.Stats()
	if st.PacketsDiscarded < 1200 || st.CurrentDelay > 600*time.Millisecond || st.TotalSamplesReceived != 300*480 {
		t.Errorf("%+v", st)
	}
	// Once the flood has ended the stream is as any other.
	before := st
	for _, p := range all[1500:] {
		r.Push(p)
		r.Pull(frame)
		now = now.Add(10 * time.Millisecond)
		r.Pull(frame)
		now = now.Add(10 * time.Millisecond)
	}
	st = r.Stats()
	if c := st.ConcealedSamples - before.ConcealedSamples; c > 4800 || st.CurrentDelay > 100*time.Millisecond {
		t.Errorf("concealed %d, delay %v after the flood", c, st.CurrentDelay)
	}
}

func TestAudioReceiver_Garbage_IsConcealed(t *testing.T) {
	for _, name := range []string{"opus", "G722", "PCMU"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			rng := rand.New(rand.NewPCG(1, 2))
			now := time.Unix(1, 0)
			r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }})
			frame := make([]int16, 480)
			for i := range 400 {
				payload := make([]byte, rng.IntN(1500))
				for k := range payload {
					payload[k] = byte(rng.Uint32())
				}
				r.Push(&packet.Packet{
					PayloadType: codec.PayloadType, SequenceNumber: uint16(i), Timestamp: uint32(i) * codec.ClockRate / 50, Payload: payload,
				})
				for range 2 {
					r.Pull(frame)
					now = now.Add(10 * time.Millisecond)
				}
			}
			st := r.Stats()
			if st.TotalSamplesReceived != 800*480 {
				t.Errorf("%+v", st)
			}
			if st.DecodeErrors == 0 || st.ConcealedSamples == 0 {
				t.Errorf("%d decode errors, %d concealed", st.DecodeErrors, st.ConcealedSamples)
			}
		})
	}
}

func TestAudioReceiver_CodecChangesMidStream(t *testing.T) {
	a, b := codecNamed(t, "PCMA"), codecNamed(t, "PCMU")
	now := time.Unix(1, 0)
	r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{a, b}, Now: func() time.Time { return now }})
	first, second := packetsOf(t, a, 400), packetsOf(t, b, 400)
	frame := make([]int16, 480)
	for i := range first {
		p := first[i]
		if i >= 200 {
			p = second[i]
		}
		r.Push(p)
		for range 2 {
			r.Pull(frame)
			now = now.Add(10 * time.Millisecond)
		}
	}
	st := r.Stats()
	if st.DecodeErrors != 0 || st.ConcealedSamples != 0 || st.Codec != "PCMU" || st.PacketsReceived != 400 {
		t.Errorf("%+v", st)
	}
}

// encodedBox is an EncodedAudioSink.
type encodedBox struct {
	list []media.EncodedAudio
	err  error
}

func (b *encodedBox) WriteEncodedAudio(f media.EncodedAudio) error {
	b.list = append(b.list, f)
	return b.err
}

func TestAudioReceiver_EncodedSink_GetsEveryFrame(t *testing.T) {
	codec := codecNamed(t, "G722")
	box := &encodedBox{err: errors.New("full")}
	r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Encoded: box})
	list := packetsOf(t, codec, 10)
	for _, p := range list {
		p.Timestamp += 0xffffff00 // it wraps on the way
		r.Push(p)
	}
	if len(box.list) != 10 {
		t.Fatalf("%d frames", len(box.list))
	}
	for i, f := range box.list {
		if f.Codec != "G722" || f.Timestamp != time.Duration(i)*20*time.Millisecond || f.Duration != 20*time.Millisecond || !bytes.Equal(f.Data, list[i].Payload) {
			t.Errorf("frame %d: %s at %v for %v", i, f.Codec, f.Timestamp, f.Duration)
		}
		if &f.Data[0] == &list[i].Payload[0] {
			t.Error("the sink shares the payload")
		}
	}
}

func TestAudioReceiver_MuteSpeakingAndClose(t *testing.T) {
	codec := codecNamed(t, "G722")
	now := time.Unix(1, 0)
	var changes []bool
	r := mustReceiver(t, &media.AudioReceiverOptions{
		Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }, Speaking: func(on bool) { changes = append(changes, on) },
	})
	frame := make([]int16, 480)
	list := packetsOf(t, codec, 500)
	pull := func() {
		r.Pull(frame)
		now = now.Add(10 * time.Millisecond)
	}
	for _, p := range list[:150] {
		r.Push(p)
		pull()
		pull()
	}
	if level.Level(frame) > 60 || !slices.Equal(changes, []bool{true}) {
		t.Errorf("level %d, changes %v", level.Level(frame), changes)
	}
	r.SetMuted(true)
	for _, p := range list[150:200] {
		r.Push(p)
		pull()
		if level.Level(frame) != level.Silence {
			t.Fatal("muted audio is heard")
		}
		pull()
	}
	if st := r.Stats(); !st.Speaking || st.ConcealedSamples != 0 {
		t.Errorf("the stream does not run on while muted: %+v", st)
	}
	r.SetMuted(false)
	for range 300 {
		pull()
	}
	if !slices.Equal(changes, []bool{true, false}) {
		t.Errorf("changes %v", changes)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	r.Push(list[300])
	frame[7] = 99
	pull()
	if level.Level(frame) != level.Silence || r.Stats().PacketsReceived != 200 {
		t.Error("works after Close")
	}
}

func TestAudioReceiver_NoKnownFormat_IsSilent(t *testing.T) {
	for _, o := range []*media.AudioReceiverOptions{nil, {Codecs: []packet.Codec{{Name: "VP8"}}}} {
		r := mustReceiver(t, o)
		r.Push(&packet.Packet{})
		frame := []int16{1, 2, 3}
		r.Pull(frame)
		if frame[0] != 0 || r.Stats().PacketsUnknown != 1 {
			t.Errorf("%v", frame)
		}
	}
}

func TestAudioReceiver_PushAndPullAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	codec := codecNamed(t, "G722")
	r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}})
	list := packetsOf(t, codec, 300)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range list {
			r.Push(p)
			r.SetMuted(p.SequenceNumber%2 == 0)
		}
		_ = r.Close()
	}()
	frame := make([]int16, 480)
	for range 300 {
		r.Pull(frame)
		_ = r.Stats()
	}
	<-done
}

func TestAudioReceiver_SteadyState_DoesNotAllocate(t *testing.T) {
	for _, name := range []string{"opus", "G722", "PCMU"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			if !media.CanEncode(codec) {
				t.Skip("this build cannot encode ", name)
			}
			now := time.Unix(1, 0)
			r := mustReceiver(t, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }})
			list := packetsOf(t, codec, 700)
			frame := make([]int16, 480)
			i := 0
			push, pull := 0.0, 0.0
			for range 100 {
				r.Push(list[i])
				i++
				for range 2 {
					r.Pull(frame)
					now = now.Add(10 * time.Millisecond)
				}
			}
			for range 5 {
				push += testing.AllocsPerRun(50, func() { r.Push(list[i]); i++ })
				pull += testing.AllocsPerRun(100, func() { r.Pull(frame); now = now.Add(10 * time.Millisecond) })
			}
			if push != 0 || pull != 0 {
				t.Errorf("allocations: push %v, pull %v", push/5, pull/5)
			}
		})
	}
}

// receive turns bytes into packets: one of kind, one of size, then the payload.
func receive(t *testing.T, data []byte) {
	codecs := []packet.Codec{
		{Name: "opus", PayloadType: 111, ClockRate: 48000, Channels: 2},
		{Name: "G722", PayloadType: 9, ClockRate: 8000, Channels: 1},
		{Name: "PCMU", PayloadType: 0, ClockRate: 8000, Channels: 1},
		{Name: "telephone-event", PayloadType: 101, ClockRate: 48000},
		{Name: "telephone-event", PayloadType: 102, ClockRate: 8000},
	}
	now := time.Unix(1, 0)
	r, err := media.NewAudioReceiver(&media.AudioReceiverOptions{
		Codecs: codecs, Now: func() time.Time { return now }, Encoded: &encodedBox{}, Tone: func(rune) {}, Speaking: func(bool) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := packet.Packet{}
	frame := make([]int16, 480)
	pulled := uint64(0)
	for len(data) >= 2 {
		kind, size := data[0], int(data[1])
		data = data[2:]
		body := data[:min(size, len(data))]
		data = data[len(body):]
		p.PayloadType = []uint8{111, 9, 0, 101, 102, 111, 9, 77}[kind%8]
		p.SequenceNumber++
		p.Timestamp += 960
		if kind&0x40 != 0 && len(body) >= 4 {
			p.Timestamp = binary.BigEndian.Uint32(body)
			p.SequenceNumber = uint16(body[0])<<8 | uint16(body[3])
		}
		p.HasAudioLevel, p.AudioLevel = kind&0x20 != 0, kind
		q := p
		q.Payload = bytes.Clone(body)
		r.Push(&q)
		if kind&0x10 != 0 {
			for range 2 {
				r.Pull(frame)
				pulled += 480
				now = now.Add(10 * time.Millisecond)
			}
		}
	}
	if st := r.Stats(); st.TotalSamplesReceived != pulled {
		t.Fatalf("%d samples, %d pulled", st.TotalSamplesReceived, pulled)
	}
}

func FuzzAudioReceiver(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x10, 3, 0x78, 1, 2, 0x13, 4, 5, 0x80, 0, 160, 0x11, 2, 0xff, 0xff})
	f.Fuzz(receive)
}

// BenchmarkAudio measures one second of a one-way call: encode, and receive
// with jitter buffer, decoder, level and voice detection.
func BenchmarkAudio(b *testing.B) {
	for _, name := range []string{"opus", "G722", "PCMU"} {
		codec := codecNamed(b, name)
		if !media.CanEncode(codec) {
			continue
		}
		b.Run(name+"/send", func(b *testing.B) {
			s, err := media.NewAudioSender(&media.AudioSenderOptions{
				Codec: codec, Source: &speech{}, Manual: true, Send: func(*packet.Packet) error { return nil },
			})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			s.SetActive(true)
			now := time.Unix(1, 0)
			b.ReportAllocs()
			for b.Loop() {
				for range 50 {
					now = s.Step(now)
				}
			}
		})
		for _, loss := range []int{0, 10} {
			b.Run(fmt.Sprintf("%s/receive/loss%d", name, loss), func(b *testing.B) {
				list := packetsOf(b, codec, 500)
				now := time.Unix(1, 0)
				r := mustReceiver(b, &media.AudioReceiverOptions{Codecs: []packet.Codec{codec}, Now: func() time.Time { return now }})
				frame := make([]int16, 480)
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					for range 50 {
						p := *list[i%500]
						p.SequenceNumber, p.Timestamp = uint16(i), uint32(i)*codec.ClockRate/50
						if i%100 >= loss {
							r.Push(&p)
						}
						i++
						for range 2 {
							r.Pull(frame)
							now = now.Add(10 * time.Millisecond)
						}
					}
				}
			})
		}
	}
}
