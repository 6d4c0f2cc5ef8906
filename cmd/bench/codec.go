package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
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
	e.steps(len(codecs) * repeats)
	r.Set("input", "%d frames of 20 ms of speech, %d times", len(frames), repeats)
	r.Set("bitrate", "%d bit/s where the codec lets choose", codecBitrate)
	for _, c := range codecs {
		if c.Name == "telephone-event" {
			e.step()
			continue
		}
		for range repeats {
			if ctx.Err() != nil {
				return r, fmt.Errorf("stopped: %w", ctx.Err())
			}
			if err := codecOnce(r, c, frames); err != nil {
				r.Note("%s: %v", c.Name, err)
			}
			e.step()
		}
	}
	return r, nil
}

const codecBitrate = 40_000

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

func codecOnce(r *figures.Result, c packet.Codec, frames [][]int16) error {
	enc, err := media.NewAudioEncoder(c, &media.EncoderOptions{Bitrate: codecBitrate})
	if err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	defer enc.Close()
	dec, err := media.NewAudioDecoder(c)
	if err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	defer dec.Close()
	const group = "Time for 20 ms of audio"
	encode, decode := r.Metric(c.Name+": encode", group, "ms"), r.Metric(c.Name+": decode", group, "ms")
	rate := r.Metric(c.Name+": rate", "Bit rate in each frame", "kbit/s")
	out := make([]int16, 6*media.AudioFrameSamples)
	for _, pcm := range frames {
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
		if _, err := dec.Decode(payload, out); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		decode.AddTime(time.Since(begin))
	}
	return nil
}
