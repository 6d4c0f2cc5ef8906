// Package training makes the compression dictionary of signaling from session
// descriptions and candidates that real sessions made.
package training

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

// MaxHistory bounds the text of a dictionary. Every process that signals holds
// it a few times over, so it is small.
const MaxHistory = 12 << 10

// worthwhile is the part of all bytes that one more frame in a dictionary must
// save.
const worthwhile = 0.004

// Train makes a dictionary of the given version from a corpus.
func Train(corpus string, version uint32) ([]byte, error) {
	if version == 0 {
		return nil, errors.New("training: versions start at 1")
	}
	calls, err := Calls(corpus)
	if err != nil {
		return nil, err
	}
	samples := slices.DeleteFunc(slices.Concat(calls...), func(frame []byte) bool { return len(frame) < wire.CompressFrom })
	if len(samples) == 0 {
		return nil, errors.New("training: corpus is empty")
	}
	history, err := cover(samples)
	if err != nil {
		return nil, err
	}
	dictionary, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: version, Contents: samples, History: history, Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedFastest,
	})
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return dictionary, nil
}

// cover chooses frames that, put one behind the other, save most on all frames:
// always the one that saves most with those chosen before. Whole frames are
// best: where two descriptions differ only in random numbers, a match goes on
// behind each with the same offset, which costs next to nothing.
func cover(frames [][]byte) ([]byte, error) {
	var history []byte
	total, err := costOf(frames, nil)
	if err != nil {
		return nil, err
	}
	for {
		best, bestTotal := []byte(nil), total
		for _, frame := range frames {
			// Short ones are not worth the time to try.
			if len(frame) < 50 || len(history)+len(frame) > MaxHistory {
				continue
			}
			// In front: offsets to those chosen first stay short.
			with := slices.Concat(frame, history)
			cost, err := costOf(frames, with)
			if err != nil {
				return nil, err
			}
			if cost < bestTotal {
				best, bestTotal = with, cost
			}
		}
		if best == nil || float64(total-bestTotal) < worthwhile*float64(total) {
			return history, nil
		}
		history, total = best, bestTotal
	}
}

// costOf is the compressed size of all frames with a history.
func costOf(frames [][]byte, history []byte) (int, error) {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(wire.WindowSize), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true),
	}
	if len(history) > 0 {
		options = append(options, zstd.WithEncoderDictRaw(1, history))
	}
	enc, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return 0, fmt.Errorf("training: %w", err)
	}
	total := 0
	var out []byte
	for _, frame := range frames {
		out = enc.EncodeAll(frame, out[:0])
		total += min(len(out), len(frame))
	}
	return total, enc.Close()
}

// block is one entry of a corpus: a line "--- kind" and what follows it.
type block struct{ kind, text string }

func parse(corpus string) ([]block, error) {
	var blocks []block
	for line := range strings.Lines(corpus) {
		if kind, ok := strings.CutPrefix(line, "--- "); ok {
			blocks = append(blocks, block{kind: strings.TrimSpace(kind)})
			continue
		}
		if len(blocks) == 0 {
			return nil, errors.New("training: corpus does not begin with a kind")
		}
		blocks[len(blocks)-1].text += line
	}
	return blocks, nil
}
