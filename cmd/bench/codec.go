package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

// codec measures what encoding and decoding speech takes, frame by frame.
func codec(ctx context.Context, e *env) (*figures.Result, error) {
	r := &figures.Result{}
	codecs := media.AudioCodecs()
	frames, err := speech(e.length(12*time.Second, 3*time.Second))
	if err != nil {
		return nil, err
	}
	repeats := e.times(3, 1)
	r.Set("input", "%d frames of 20 ms of speech, %d times", len(frames), repeats)
	for _, c := range codecs {
		for _, bitrate := range bitrates(c) {
			e.steps(repeats)
			for range repeats {
				if ctx.Err() != nil {
					return r, fmt.Errorf("stopped: %w", ctx.Err())
				}
				if err := codecOnce(r, c, bitrate, frames); err != nil {
					r.Note("%s: %v", c.Name, err)
				}
				e.step()
			}
		}
	}
	return r, nil
}

// bitrates are those to try; zero is the codec's only one.
func bitrates(c packet.Codec) []int {
	switch c.Name {
	case "telephone-event":
		return nil
	case "opus":
		return []int{16_000, 24_000, 40_000, 64_000}
	default:
		return []int{0}
	}
}

// speech reads frames of the sample.
func speech(length time.Duration) ([][]int16, error) {
	f, err := media.NewAudioFile(samples.SpeechCallerName, samples.SpeechCaller(), &media.AudioFileOptions{Loop: true})
	if err != nil {
		return nil, fmt.Errorf("speech: %w", err)
	}
	defer f.Close()
	var frames [][]int16
	for range length / media.AudioFrameDuration {
		frame := make([]int16, media.AudioFrameSamples)
		if err := f.ReadAudio(frame); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("speech: %w", err)
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

func codecOnce(r *figures.Result, c packet.Codec, bitrate int, frames [][]int16) error {
	enc, err := media.NewAudioEncoder(c, &media.EncoderOptions{Bitrate: bitrate})
	if err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	defer enc.Close()
	dec, err := media.NewAudioDecoder(c)
	if err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	defer dec.Close()
	name := c.Name
	if bitrate > 0 {
		name = fmt.Sprintf("%s %d kbit/s", name, bitrate/1000)
	}
	encode, decode := r.Metric(name+": encode", "Time to encode 20 ms", "ms"), r.Metric(name+": decode", "Time to decode 20 ms", "ms")
	rate := r.Metric(name+": rate", "Bit rate in each frame", "kbit/s")
	mouth, ear, origin := &audiocheck.Recorder{}, &audiocheck.Recorder{}, time.Now()
	out := make([]int16, 6*media.AudioFrameSamples)
	for i, pcm := range frames {
		at := origin.Add(time.Duration(i) * media.AudioFrameDuration)
		mouth.Add(at, pcm)
		begin := time.Now()
		payload, err := enc.Encode(pcm)
		encode.AddTime(time.Since(begin))
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		rate.Add(float64(len(payload)) * 8 / 20)
		if len(payload) == 0 {
			continue
		}
		begin = time.Now()
		n, err := dec.Decode(payload, out)
		decode.AddTime(time.Since(begin))
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		ear.Add(at, to48(out[:n], dec.SampleRate()))
	}
	same := audiocheck.Compare(mouth.Place(origin, 0), ear.Place(origin, 0), nil)
	r.Metric(name+": waveform correlation, loudest second", "", "").Add(same.Waveform)
	r.Metric(name+": delay of the codec", "", "ms").AddTime(same.Delay(0.5))
	return nil
}

// to48 repeats samples: crude, and good enough to compare with.
func to48(pcm []int16, rate int) []int16 {
	times := media.AudioSampleRate / max(1, rate)
	if times <= 1 {
		return pcm
	}
	out := make([]int16, 0, len(pcm)*times)
	for _, s := range pcm {
		for range times {
			out = append(out, s)
		}
	}
	return out
}
