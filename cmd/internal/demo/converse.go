package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

// When the steps of the conversation come, as shares of its length.
const (
	dataShare   = 0.10
	muteShare   = 0.40
	unmuteShare = 0.50
	holdShare   = 0.65
	resumeShare = 0.78
)

// converse lets both talk, with a data message, a mute and a hold between, and
// hangs up.
func (d *demo) converse(ctx context.Context) error {
	from, to := d.ends[caller], d.ends[callee]
	steps := []struct {
		share float64
		do    func(context.Context) error
		text  string
	}{
		{dataShare, d.sendData, "data message crossed"},
		{muteShare, d.spanStart(&d.muted, from.call.Mute), "caller muted"},
		{unmuteShare, d.spanEnd(&d.muted, from.call.Unmute), "caller unmuted"},
		{holdShare, d.spanStart(&d.held, d.hold), "callee put the call on hold"},
		{resumeShare, d.spanEnd(&d.held, d.resume), "callee resumed the call"},
		{1, d.hangUp, "hung up"},
	}
	for _, s := range steps {
		at := d.connected.Add(time.Duration(s.share * float64(d.options.Talk)))
		if err := d.pauseInCall(ctx, time.Until(at)); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, stepTime)
		err := s.do(limited)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", s.text, err)
		}
		d.step("%s", s.text)
	}
	for _, e := range d.ends {
		limited, cancel := context.WithTimeout(ctx, stepTime)
		err := e.wait(limited, engine.CallStateDisconnected)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: end of the call: %w", to.side.Name, err)
		}
	}
	return nil
}

// pauseInCall is pause that notices the end of the call.
func (d *demo) pauseInCall(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(max(0, wait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.ends[caller].call.Done():
	case <-d.ends[callee].call.Done():
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", ctx.Err())
	}
	return fmt.Errorf("the call ended by itself: %+v", d.ends[caller].call.EndReason())
}

// spanStart does something and notes when its effect may begin.
func (d *demo) spanStart(span *audiocheck.Span, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		span.From = time.Since(d.origin)
		return do(ctx)
	}
}

// spanEnd does something and notes when its effect is over.
func (d *demo) spanEnd(span *audiocheck.Span, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := do(ctx)
		span.To = time.Since(d.origin)
		return err
	}
}

func (d *demo) hold(ctx context.Context) error {
	if err := d.ends[callee].call.Hold(ctx); err != nil {
		return err
	}
	return d.waitBoth(ctx, engine.CallStateRemoteHold, engine.CallStateLocalHold)
}

func (d *demo) resume(ctx context.Context) error {
	if err := d.ends[callee].call.Resume(ctx); err != nil {
		return err
	}
	return d.waitBoth(ctx, engine.CallStateConnected, engine.CallStateConnected)
}

func (d *demo) waitBoth(ctx context.Context, atCaller, atCallee engine.CallState) error {
	return errors.Join(d.ends[caller].wait(ctx, atCaller), d.ends[callee].wait(ctx, atCallee))
}

func (d *demo) hangUp(ctx context.Context) error {
	d.hungUp = time.Now()
	return d.ends[caller].call.HangUp(ctx, nil)
}

func (d *demo) sendData(ctx context.Context) error {
	sender, err := d.ends[caller].call.NewDataSender(nil)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := sender.Send(ctx, []byte(message)); err != nil {
		return err
	}
	select {
	case m := <-d.ends[callee].data:
		d.dataTook = time.Since(begin)
		if string(m.Data) != message {
			return fmt.Errorf("%d other bytes arrived", len(m.Data))
		}
		return sender.Close()
	case <-ctx.Done():
		return fmt.Errorf("it did not arrive: %w", ctx.Err())
	}
}

// watch looks at the statistics of both ends until it is stopped.
func (d *demo) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(sampleTime)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d.look()
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		d.look()
	}
}

func (d *demo) look() {
	at := time.Since(d.origin)
	text := ""
	for i, e := range d.ends {
		s := sample{at: at, stats: e.call.Stats()}
		if n := len(e.samples); i == callee && n > 0 {
			text = live(e.samples[n-1], s)
		}
		e.samples = append(e.samples, s)
	}
	if d.options.Live != nil && text != "" {
		d.options.Live(at, text)
	}
}

// live says in one line what reaches the callee.
func live(before, now sample) string {
	audio, video := inbound(&now.stats, engine.TrackKindAudio), inbound(&now.stats, engine.TrackKindVideo)
	was, wasVideo := inbound(&before.stats, engine.TrackKindAudio), inbound(&before.stats, engine.TrackKindVideo)
	span := (now.at - before.at).Seconds()
	rate := func(a, b uint64) float64 { return float64(a-min(a, b)) * 8 / 1000 / span }
	bars := []rune("▁▂▃▄▅▆▇█")
	level := 20*math.Log10(audio.AudioLevel+1e-6) + 60
	bar := bars[min(len(bars)-1, max(0, int(level/60*float64(len(bars)))))]
	return fmt.Sprintf("callee hears %c %s %3.0f kbit/s, sees %s %4.0f kbit/s, jitter buffer %3.0f ms, concealed %d samples",
		bar, audio.Codec, rate(audio.BytesReceived, was.BytesReceived),
		video.Codec, rate(video.BytesReceived, wasVideo.BytesReceived),
		milliseconds(audio.CurrentDelay), audio.ConcealedSamples)
}

// inbound adds up the received streams of a kind; a source that changed its
// SSRC has several.
func inbound(s *engine.CallStats, kind engine.TrackKind) engine.InboundRTPStats {
	for _, in := range s.InboundRTP {
		if in.Kind == kind {
			return in
		}
	}
	return engine.InboundRTPStats{Kind: kind}
}

func outbound(s *engine.CallStats, kind engine.TrackKind) engine.OutboundRTPStats {
	for _, out := range s.OutboundRTP {
		if out.Kind == kind {
			return out
		}
	}
	return engine.OutboundRTPStats{Kind: kind}
}

// openAudio opens what one end says.
func (d *demo) openAudio(i int) (engine.AudioSource, error) {
	var f *media.AudioFile
	var err error
	loop := &media.AudioFileOptions{Loop: true}
	switch {
	case d.options.Audio != "":
		f, err = media.OpenAudioFile(d.options.Audio, loop)
	case i == caller:
		f, err = media.NewAudioFile(samples.SpeechCallerName, samples.SpeechCaller(), loop)
	default:
		f, err = media.NewAudioFile(samples.SpeechCalleeName, samples.SpeechCallee(), loop)
	}
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	d.closers = append(d.closers, f)
	return &awake{source: f}, nil
}

func (d *demo) openVideo() (engine.VideoSource, error) {
	var f *media.VideoFile
	var err error
	if d.options.Video != "" {
		f, err = media.OpenVideoFile(d.options.Video, nil)
	} else {
		f, err = media.NewVideoFile(samples.VideoName, samples.Video(), nil)
	}
	if err != nil {
		return nil, fmt.Errorf("video: %w", err)
	}
	d.closers = append(d.closers, f)
	return f, nil
}

// awake leaves out the silence at the beginning of a source, so that the first
// thing to hear is the first thing said.
type awake struct {
	source engine.AudioSource
	begun  bool
}

const (
	audible     = 500
	mostSilence = 500 // frames
)

// ReadAudio implements engine.AudioSource.
func (a *awake) ReadAudio(frame []int16) error {
	for range mostSilence {
		if err := a.source.ReadAudio(frame); err != nil {
			return err
		}
		if a.begun || slices.ContainsFunc(frame, func(s int16) bool { return s > audible || s < -audible }) {
			break
		}
	}
	a.begun = true
	return nil
}
