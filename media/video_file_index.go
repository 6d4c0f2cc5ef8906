package media

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/parley-rtc/parley/media/h264file"
	"github.com/parley-rtc/parley/media/ivf"
)

// defaultFrameRate is that of an H.264 file that does not tell.
const defaultFrameRate = 30

// videoIndex says where the frames of a file are and when they are due.
type videoIndex struct {
	codec         string
	width, height int
	frames        []videoEntry
	duration      time.Duration
}

type videoEntry struct {
	offset int64
	size   int
	at     time.Duration // from the first frame
	key    bool
}

// indexVideo reads a whole file.
func indexVideo(data io.ReaderAt, frameRate float64) (videoIndex, error) {
	var magic [4]byte
	if n, err := data.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return videoIndex{}, fmt.Errorf("read: %w", err)
	} else if n < len(magic) {
		return videoIndex{}, fmt.Errorf("%w: at byte %d: the file ends before it can be told what it is", ErrFormat, n)
	}
	file := io.NewSectionReader(data, 0, math.MaxInt64)
	var index videoIndex
	var err error
	switch {
	case string(magic[:]) == "DKIF":
		index, err = indexIVF(file)
	case magic[0] == 0 && magic[1] == 0 && magic[2] <= 1:
		index, err = indexH264(file, frameRate)
	default:
		err = fmt.Errorf("%w: at byte 0: neither an IVF file nor an H.264 byte stream", ErrFormat)
	}
	if err != nil {
		return videoIndex{}, err
	}
	if len(index.frames) == 0 {
		return videoIndex{}, fmt.Errorf("%w: the file has no frames", ErrFormat)
	}
	if !index.frames[0].key {
		return videoIndex{}, fmt.Errorf("%w: at byte %d: the first frame is not a key frame", ErrFormat, index.frames[0].offset)
	}
	index.close()
	return index, nil
}

func indexIVF(file io.Reader) (videoIndex, error) {
	reader, err := ivf.NewReader(file)
	if err != nil {
		return videoIndex{}, err
	}
	header := reader.Header()
	index := videoIndex{codec: header.Codec, width: header.Width, height: header.Height}
	var first uint64
	for n := 0; ; n++ {
		frame, err := reader.ReadFrame()
		if errors.Is(err, io.EOF) {
			return index, nil
		}
		if err != nil {
			return videoIndex{}, err
		}
		if len(frame.Data) == 0 {
			continue // an encoder that dropped a frame
		}
		if len(index.frames) == 0 {
			first = frame.Timestamp
		}
		if frame.Timestamp < first {
			return videoIndex{}, fmt.Errorf("%w: at byte %d: the timestamp of frame %d goes back", ErrFormat, frame.Offset, n)
		}
		at := header.Time(frame.Timestamp - first)
		if k := len(index.frames); k > 0 && at < index.frames[k-1].at {
			return videoIndex{}, fmt.Errorf("%w: at byte %d: the timestamp of frame %d goes back", ErrFormat, frame.Offset, n)
		}
		index.add(frame.Offset, frame.Data, at)
	}
}

func indexH264(file io.Reader, frameRate float64) (videoIndex, error) {
	reader, err := h264file.NewReader(file)
	if err != nil {
		return videoIndex{}, err
	}
	index := videoIndex{codec: codecH264}
	for {
		unit, err := reader.ReadUnit()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return videoIndex{}, err
		}
		if frameRate <= 0 {
			h264file.Each(unit.Data, func(nal []byte) {
				if s, err := h264file.ParseSequence(nal); err == nil {
					frameRate = s.FrameRate
				}
			})
			if frameRate <= 0 {
				frameRate = defaultFrameRate
			}
		}
		at := time.Duration(float64(len(index.frames)) / frameRate * float64(time.Second))
		index.add(unit.Offset, unit.Data, at)
		index.frames[len(index.frames)-1].size = unit.Size
	}
	return index, nil
}

func (x *videoIndex) add(offset int64, data []byte, at time.Duration) {
	p := inspect(x.codec, data)
	if p.width > 0 && len(x.frames) == 0 {
		x.width, x.height = p.width, p.height
	}
	x.frames = append(x.frames, videoEntry{offset: offset, size: len(data), at: at, key: p.key})
}

// close computes the duration: the last frame lasts as long as an average one.
func (x *videoIndex) close() {
	last := x.frames[len(x.frames)-1].at
	step := time.Second / defaultFrameRate
	if n := len(x.frames) - 1; n > 0 && last > 0 {
		step = last / time.Duration(n)
	}
	if last > math.MaxInt64-step {
		last = math.MaxInt64 - step
	}
	x.duration = last + step
}

// after is the time from frame i to the next one, in a loop.
func (x *videoIndex) after(i int) time.Duration {
	if i+1 < len(x.frames) {
		return x.frames[i+1].at - x.frames[i].at
	}
	return x.duration - x.frames[i].at
}

// nearestKey finds the key frame with the least distance to frame i. The first
// frame always is one.
func (x *videoIndex) nearestKey(i int) int {
	for d := 0; ; d++ {
		if i+d < len(x.frames) && x.frames[i+d].key {
			return i + d
		}
		if i-d <= 0 || x.frames[i-d].key {
			return max(0, i-d)
		}
	}
}
