package media

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/parley-rtc/parley/media/ogg"
	"github.com/parley-rtc/parley/media/opus"
	"github.com/parley-rtc/parley/media/resample"
	"github.com/parley-rtc/parley/media/wav"
)

// filePiece is how many samples are converted at a time.
const filePiece = 1024

// wavStream reads a WAV file and brings it to 48 kHz. The delay of the
// resampler is taken out, so that the sound neither moves nor changes length.
type wavStream struct {
	reader *wav.Reader
	up     *resample.Resampler
	piece  []int16
	skip   int   // resampled samples still to drop
	read   int64 // samples from the file
	given  int64 // samples at 48 kHz
	ended  bool
}

func newWAVStream(file io.Reader) (*wavStream, error) {
	reader, err := wav.NewReader(file)
	if err != nil {
		return nil, err
	}
	rate := reader.Format().SampleRate
	up, err := resample.New(rate, AudioSampleRate)
	if err != nil {
		return nil, err
	}
	skip := int(math.Round(up.Delay().Seconds() * AudioSampleRate))
	return &wavStream{reader: reader, up: up, piece: make([]int16, filePiece), skip: skip}, nil
}

func (s *wavStream) next(pcm []int16) ([]int16, error) {
	if s.ended {
		return pcm, io.EOF
	}
	n, err := s.reader.Read(s.piece)
	switch {
	case errors.Is(err, io.EOF):
		s.ended = true
		return s.tail(pcm), nil
	case err != nil:
		return pcm, err
	}
	s.read += int64(n)
	return s.convert(pcm, s.piece[:n]), nil
}

func (s *wavStream) convert(pcm, piece []int16) []int16 {
	start := len(pcm)
	pcm = s.up.Process(pcm, piece)
	if drop := min(s.skip, len(pcm)-start); drop > 0 {
		s.skip -= drop
		pcm = append(pcm[:start], pcm[start+drop:]...)
	}
	s.given += int64(len(pcm) - start)
	return pcm
}

// tail pushes the last samples out of the resampler.
func (s *wavStream) tail(pcm []int16) []int16 {
	rate := int64(s.reader.Format().SampleRate)
	missing := (s.read*AudioSampleRate+rate-1)/rate - s.given
	silence := make([]int16, filePiece)
	for start := len(pcm); missing > 0 && s.read > 0; start = len(pcm) {
		pcm = s.convert(pcm, silence)
		if got := int64(len(pcm) - start); got >= missing {
			return pcm[:start+int(missing)]
		}
		missing -= int64(len(pcm) - start)
	}
	return pcm
}

func (s *wavStream) duration() time.Duration { return s.reader.Format().Duration() }

func (s *wavStream) close() {}

// oggStream decodes an Ogg/Opus file.
type oggStream struct {
	reader  *ogg.Reader
	decoder *opus.Decoder
	buffer  []int16
	gain    float64
	packets int
	skip    int   // samples still to drop at the beginning
	left    int64 // samples still to play; -1 for until the end
	total   int64
}

func newOggStream(file io.ReadSeeker) (*oggStream, error) {
	reader, err := ogg.NewReader(file)
	if err != nil {
		return nil, err
	}
	// The reader has read ahead: go back to where it stands.
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("seek: %w", err)
	}
	total, err := reader.Length(file)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(at, io.SeekStart); err != nil {
		return nil, fmt.Errorf("seek: %w", err)
	}
	decoder, err := opus.NewDecoder(nil)
	if err != nil {
		return nil, err
	}
	header := reader.Header()
	return &oggStream{
		reader: reader, decoder: decoder, buffer: make([]int16, MaxFrameSamples),
		gain: math.Pow(10, float64(header.Gain)/256/20), skip: header.PreSkip, left: total, total: total,
	}, nil
}

func (s *oggStream) next(pcm []int16) ([]int16, error) {
	packet, err := s.reader.ReadPacket()
	if err != nil {
		return pcm, err
	}
	n, err := s.decoder.Decode(packet, s.buffer)
	if err != nil {
		return pcm, fmt.Errorf("audio packet %d: %w", s.packets, err)
	}
	s.packets++
	piece := s.buffer[:n]
	drop := min(s.skip, n)
	s.skip -= drop
	piece = piece[drop:]
	if s.left >= 0 {
		piece = piece[:min(int64(len(piece)), s.left)]
		s.left -= int64(len(piece))
	}
	if s.gain != 1 {
		for i, v := range piece {
			piece[i] = int16(math.Round(min(max(float64(v)*s.gain, math.MinInt16), math.MaxInt16)))
		}
	}
	return append(pcm, piece...), nil
}

func (s *oggStream) duration() time.Duration { return ogg.Duration(max(0, s.total)) }

func (s *oggStream) close() { s.decoder.Close() }
