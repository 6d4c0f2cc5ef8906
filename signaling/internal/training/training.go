// Package training makes the compression dictionary of signaling from session
// descriptions and candidates that real sessions made.
package training

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// MaxHistory bounds the text of a dictionary. Every process that signals holds
// it a few times over, so it is small.
const MaxHistory = 12 << 10

// worthwhile is from how many bytes on the wire a frame is not well covered by
// what the dictionary has.
const worthwhile = 3

// Train makes a dictionary of the given version from a corpus.
func Train(corpus string, version uint32) ([]byte, error) {
	if version == 0 {
		return nil, errors.New("training: versions start at 1")
	}
	calls, err := Calls(corpus)
	if err != nil {
		return nil, err
	}
	var samples [][]byte
	for _, c := range calls {
		samples = append(samples, c...)
	}
	history, err := cover(calls)
	if err != nil {
		return nil, err
	}
	dictionary, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: version, Contents: samples, History: history, Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedBestCompression,
	})
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return dictionary, nil
}

// cover chooses frames that, put one behind the other, hold what the others
// repeat. Whole frames are best: where two descriptions differ only in random
// numbers, a match goes on behind each with the same offset, which costs next
// to nothing. The first frames chosen stand last, where offsets are short.
func cover(calls [][][]byte) ([]byte, error) {
	var history []byte
	for _, frames := range calls {
		for _, frame := range frames {
			cost, err := costOf(frame, history)
			if err != nil {
				return nil, err
			}
			if cost < randomBytes(frame)+worthwhile*8 || len(history)+len(frame) > MaxHistory {
				continue
			}
			history = append(bytes.Clone(frame), history...)
		}
	}
	return history, nil
}

// costOf is the compressed size of a frame with a history.
func costOf(frame, history []byte) (int, error) {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
	}
	if len(history) > 8 {
		options = append(options, zstd.WithEncoderDictRaw(1, history))
	}
	enc, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return 0, fmt.Errorf("training: %w", err)
	}
	return len(enc.EncodeAll(frame, nil)), enc.Close()
}

// randomBytes is about how much of a frame no dictionary can cover.
func randomBytes(frame []byte) int {
	n := 0
	for _, c := range frame {
		if c < ' ' && c != '\r' && c != '\n' || c > '~' {
			n++
		}
	}
	return 2 * n
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
