package media_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
)

// sourceFunc is an AudioSource.
type sourceFunc func(frame []int16) error

func (f sourceFunc) ReadAudio(frame []int16) error { return f(frame) }

// sinkFunc is an AudioSink.
type sinkFunc func(frame []int16) error

func (f sinkFunc) WriteAudio(frame []int16) error { return f(frame) }

type outbox struct {
	mu   sync.Mutex
	list []*packet.Packet
}

func (s *outbox) send(p *packet.Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, p)
	return nil
}

func (s *outbox) packets() []*packet.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func manualSender(t *testing.T, o media.AudioSenderOptions) *media.AudioSender {
	t.Helper()
	o.Manual = true
	if o.Codec.Name == "" {
		o.Codec = codecNamed(t, "G722")
	}
	s, err := media.NewAudioSender(&o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAudioSender_PacketsFollowTheClock(t *testing.T) {
	for _, name := range []string{"opus", "G722", "PCMU"} {
		t.Run(name, func(t *testing.T) {
			codec := codecNamed(t, name)
			if !media.CanEncode(codec) {
				t.Skip("this build cannot encode ", name)
			}
			var out outbox
			s := manualSender(t, media.AudioSenderOptions{Codec: codec, Source: &speech{}, Send: out.send})
			if next := s.Step(time.Unix(1, 0)); !next.IsZero() || len(out.list) != 0 {
				t.Error("works before it is active")
			}
			s.SetActive(true)
			now := time.Unix(1, 0)
			for i := range 100 {
				next := s.Step(now)
				if len(out.list) != i+1 {
					t.Fatalf("%d packets after %d steps", len(out.list), i+1)
				}
				if want := time.Unix(1, 0).Add(time.Duration(i+1) * 20 * time.Millisecond); !next.Equal(want) {
					t.Fatalf("next step at %v, want %v", next, want)
				}
				// Steps that are late by less than a frame do not move the schedule.
				now = next.Add(time.Duration(i*7%19) * time.Millisecond)
			}
			for i, p := range out.list {
				if p.PayloadType != codec.PayloadType || p.Marker != (i == 0) || !p.HasAudioLevel || len(p.Payload) == 0 {
					t.Fatalf("packet %d: %+v", i, p)
				}
				if i > 0 && (p.SequenceNumber != out.list[i-1].SequenceNumber+1 || p.Timestamp != out.list[i-1].Timestamp+codec.ClockRate/50) {
					t.Fatalf("packet %d does not follow the one before", i)
				}
			}
			st := s.Stats()
			if st.PacketsSent != 100 || st.Codec != codec.Name || !st.Active || st.BytesSent == 0 || st.TotalSamplesDuration < 1.99 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestAudioSender_Stall_CatchesUpThenSkips(t *testing.T) {
	var out outbox
	read := 0
	s := manualSender(t, media.AudioSenderOptions{Send: out.send, Source: sourceFunc(func([]int16) error { read++; return nil })})
	s.SetActive(true)
	now := time.Unix(1, 0)
	s.Step(now)
	// Three frames late: all are made up for.
	s.Step(now.Add(65 * time.Millisecond))
	if len(out.list) != 4 || s.Stats().FramesSkipped != 0 {
		t.Fatalf("%d packets, %d skipped", len(out.list), s.Stats().FramesSkipped)
	}
	// Two seconds late: five are sent, and the timestamp is true to the clock.
	next := s.Step(now.Add(2065 * time.Millisecond))
	if len(out.list) != 9 || s.Stats().FramesSkipped != 95 || read != 9 {
		t.Fatalf("%d packets, %d skipped, %d read", len(out.list), s.Stats().FramesSkipped, read)
	}
	first, last := out.list[0], out.list[8]
	if got := last.Timestamp - first.Timestamp; got != 103*160 {
		t.Errorf("timestamp moved by %d", got)
	}
	if last.SequenceNumber-first.SequenceNumber != 8 || !out.list[4].Marker {
		t.Errorf("numbers have a gap, or no marker: %+v", out.list[4])
	}
	if want := now.Add(2080 * time.Millisecond); !next.Equal(want) {
		t.Errorf("next %v, want %v", next, want)
	}
}

func TestAudioSender_Sources_EndFailAndChange(t *testing.T) {
	var out outbox
	s := manualSender(t, media.AudioSenderOptions{Send: out.send})
	now := time.Unix(1, 0)
	run := func(frames int) {
		for range frames {
			now = s.Step(now)
		}
	}
	s.SetActive(true)
	now = s.Step(now)
	loud := sourceFunc(func(frame []int16) error {
		for i := range frame {
			frame[i] = int16(5000 - i%2*10000)
		}
		return nil
	})
	s.SetSource(loud)
	run(10)
	if l := out.list[len(out.list)-1].AudioLevel; l > 20 {
		t.Errorf("level %d", l)
	}
	boom := errors.New("boom")
	s.SetSource(sourceFunc(func([]int16) error { return boom }))
	run(10)
	if st := s.Stats(); st.SourceErrors != 10 || st.SourceEnded {
		t.Errorf("%+v", st)
	}
	if l := out.list[len(out.list)-1].AudioLevel; l != 127 {
		t.Errorf("level %d of a source that fails", l)
	}
	reads := 0
	s.SetSource(sourceFunc(func([]int16) error { reads++; return io.EOF }))
	run(10)
	if st := s.Stats(); reads != 1 || !st.SourceEnded || st.SourceErrors != 10 {
		t.Errorf("%d reads, %+v", reads, st)
	}
	before := len(out.list)
	s.SetSource(loud)
	run(5)
	if len(out.list) != before+5 || !out.list[before].Marker || s.Stats().SourceEnded {
		t.Errorf("%d packets after a new source", len(out.list)-before)
	}
	s.SetSource(nil)
	run(100)
	if n := len(out.list) - before - 5; n != 3+4 {
		t.Errorf("%d packets in two seconds of silence", n)
	}
}

func TestAudioSender_SendFails_IsCounted(t *testing.T) {
	s := manualSender(t, media.AudioSenderOptions{Source: &speech{}, Send: func(*packet.Packet) error { return io.ErrClosedPipe }})
	s.SetActive(true)
	s.Step(time.Unix(1, 0))
	if st := s.Stats(); st.SendErrors != 1 || st.PacketsSent != 0 {
		t.Errorf("%+v", st)
	}
}

// encodedSpeech has its frames encoded already.
type encodedSpeech struct {
	sourceFunc
	codec string
	n     int
}

func (e *encodedSpeech) EncodedCodec() string { return e.codec }

func (e *encodedSpeech) ReadEncodedAudio() (media.EncodedAudio, error) {
	e.n++
	switch {
	case e.n == 5:
		return media.EncodedAudio{}, nil
	case e.n > 8:
		return media.EncodedAudio{}, io.EOF
	}
	return media.EncodedAudio{Codec: e.codec, Data: []byte{byte(e.n), 7}}, nil
}

func TestAudioSender_EncodedSource_PassesThrough(t *testing.T) {
	var out outbox
	src := &encodedSpeech{codec: "g722", sourceFunc: func([]int16) error { return errors.New("must not be read") }}
	s := manualSender(t, media.AudioSenderOptions{Send: out.send, Source: src})
	s.SetActive(true)
	now := time.Unix(1, 0)
	for range 8 {
		now = s.Step(now)
	}
	if len(out.list) != 8 {
		t.Fatalf("%d packets", len(out.list))
	}
	for i, p := range out.list {
		if i == 4 {
			// The pause is announced as silence.
			if p.AudioLevel != 127 || !p.HasAudioLevel {
				t.Errorf("pause: %+v", p)
			}
			continue
		}
		if len(p.Payload) != 2 || p.Payload[0] != byte(i+1) || p.HasAudioLevel {
			t.Errorf("packet %d: %+v", i, p)
		}
	}
	s.Step(now)
	if !s.Stats().SourceEnded {
		t.Error("the end was not noticed")
	}
	// Another codec asks for samples.
	other := &encodedSpeech{codec: "opus", sourceFunc: (&speech{}).ReadAudio}
	s.SetSource(other)
	now = s.Step(now.Add(20 * time.Millisecond))
	s.Step(now)
	if other.n != 0 || s.Stats().SourceErrors != 0 {
		t.Errorf("frames of another codec were read")
	}
}

func TestAudioSender_Speaking_NeverWhileMuted(t *testing.T) {
	var changes []bool
	s := manualSender(t, media.AudioSenderOptions{
		Source: &speech{}, Send: (&outbox{}).send, Speaking: func(on bool) { changes = append(changes, on) },
	})
	now := time.Unix(1, 0)
	run := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); {
			now = s.Step(now)
		}
	}
	s.SetActive(true)
	run(2 * time.Second)
	if !slices.Equal(changes, []bool{true}) || !s.Stats().Speaking {
		t.Errorf("changes %v", changes)
	}
	s.SetMuted(true)
	run(2 * time.Second)
	if !slices.Equal(changes, []bool{true, false}) || s.Stats().AudioLevel == 0 {
		t.Errorf("changes %v, level %v", changes, s.Stats().AudioLevel)
	}
	s.SetMuted(false)
	run(2 * time.Second)
	s.SetActive(false)
	run(100 * time.Millisecond)
	if !slices.Equal(changes, []bool{true, false, true, false}) {
		t.Errorf("changes %v", changes)
	}
}

func TestAudioSender_Tones_Refused(t *testing.T) {
	s := manualSender(t, media.AudioSenderOptions{Send: (&outbox{}).send, ToneCodec: toneCodec(48000)})
	if err := s.SendTones("1"); !errors.Is(err, media.ErrTonesNotNegotiated) {
		t.Errorf("another clock rate: %v", err)
	}
	s = manualSender(t, media.AudioSenderOptions{Send: (&outbox{}).send, ToneCodec: toneCodec(8000)})
	if err := s.SendTones("12é"); !errors.Is(err, media.ErrToneDigit) {
		t.Errorf("bad digit: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.SendTones("1"); !errors.Is(err, media.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestAudioSender_BadOptions(t *testing.T) {
	for _, o := range []*media.AudioSenderOptions{
		nil,
		{Codec: codecNamed(t, "G722")},
		{Codec: packet.Codec{Name: "nothing"}, Send: (&outbox{}).send},
	} {
		if s, err := media.NewAudioSender(o); err == nil {
			_ = s.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestAudioSender_Goroutine_RunsOnTimeAndEnds(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	codec := codecNamed(t, "G722")
	synctest.Test(t, func(t *testing.T) {
		var out outbox
		s, err := media.NewAudioSender(&media.AudioSenderOptions{Codec: codec, Source: &speech{}, Send: out.send})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := len(out.packets()); n != 0 {
			t.Errorf("%d packets before it is active", n)
		}
		s.SetActive(true)
		synctest.Wait()
		if n := len(out.packets()); n != 1 {
			t.Errorf("%d packets at once", n)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := len(out.packets()); n != 501 {
			t.Errorf("%d packets after ten seconds", n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		n := len(out.packets())
		time.Sleep(time.Second)
		if len(out.packets()) != n {
			t.Error("sends after Close")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAudioSender_CloseFromEveryHandler(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	codec := codecNamed(t, "G722")
	for _, from := range []string{"source", "send", "speaking", "never started"} {
		t.Run(from, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s *media.AudioSender
				closed := 0
				closeFrom := func(name string) {
					if name == from {
						closed++
						_ = s.Close()
					}
				}
				voice := &speech{}
				s, err := media.NewAudioSender(&media.AudioSenderOptions{
					Codec:    codec,
					Source:   sourceFunc(func(f []int16) error { closeFrom("source"); return voice.ReadAudio(f) }),
					Send:     func(*packet.Packet) error { closeFrom("send"); return nil },
					Speaking: func(bool) { closeFrom("speaking") },
				})
				if err != nil {
					t.Fatal(err)
				}
				if from != "never started" {
					s.SetActive(true)
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if from != "never started" && closed != 1 {
					t.Errorf("called %d times", closed)
				}
				_ = s.Close()
			})
		})
	}
}

func TestAudioSender_SourceHangs_CloseReturns(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	codec := codecNamed(t, "G722")
	release, inside := make(chan struct{}), make(chan struct{})
	s, err := media.NewAudioSender(&media.AudioSenderOptions{
		Codec: codec, Send: (&outbox{}).send,
		Source: sourceFunc(func([]int16) error { close(inside); <-release; return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.SetActive(true)
	<-inside
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(release)
}
