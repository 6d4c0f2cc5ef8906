package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

func newCodec(t testing.TB) *wire.Codec {
	t.Helper()
	all, err := wire.NewCodecs(1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := all.Find(1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func frameOf(t testing.TB, texts ...string) *wire.Frame {
	t.Helper()
	f := &wire.Frame{Head: &signalpb.Frame{Ack: 3}, Seq: 9}
	for _, s := range texts {
		m, err := (&wire.Message{Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{Tones: s}}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		f.Messages = append(f.Messages, m)
	}
	return f
}

func TestCodec_RoundTrip(t *testing.T) {
	var plain *wire.Codec
	for name, c := range map[string]*wire.Codec{"plain": plain, "compressed": newCodec(t)} {
		t.Run(name, func(t *testing.T) {
			for _, texts := range [][]string{{}, {"1"}, {strings.Repeat("1", 100), "2"}, {strings.Repeat("ab", 300_000)}} {
				data, size, err := c.Encode(frameOf(t, texts...))
				if err != nil {
					t.Fatal(err)
				}
				if c != nil && size > 100 && len(data) >= size {
					t.Errorf("%d bytes became %d", size, len(data))
				}
				f, plainSize, err := c.Decode(data)
				if err != nil || plainSize != size {
					t.Fatalf("decode: %v, %d bytes, want %d", err, plainSize, size)
				}
				if f.GetAck() != 3 || len(f.GetMessages()) != len(texts) || len(texts) > 0 && f.GetSeq() != 9 {
					t.Errorf("frame: %v", f)
				}
				for i, s := range texts {
					if f.GetMessages()[i].GetCall().GetTones() != s {
						t.Errorf("message %d is different", i)
					}
				}
			}
		})
	}
}

// compressed makes a frame with zstd itself.
func compressed(t testing.TB, data []byte, options ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderCRC(false))...)
	if err != nil {
		t.Fatal(err)
	}
	out := enc.EncodeAll(data, nil)
	return append([]byte{7}, out[4:]...)
}

func TestCodec_Refuses(t *testing.T) {
	c := newCodec(t)
	var plain *wire.Codec
	zeros := make([]byte, 64<<20)
	limit := compressed(t, make([]byte, wire.MaxFrame+1))
	// Many frames one behind the other, each within the limit.
	var chain []byte
	for range 10 {
		one := compressed(t, make([]byte, 900<<10))
		if chain == nil {
			chain = one
			continue
		}
		chain = append(binary.LittleEndian.AppendUint32(chain, 0xFD2FB528), one[1:]...)
	}
	// A stream that does not tell its size beforehand.
	var unknown bytes.Buffer
	w, err := zstd.NewWriter(&unknown, zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := w.Write(zeros[:1<<20]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"bomb":             compressed(t, zeros),
		"one byte too big": limit,
		"chain":            chain,
		"size not told":    append([]byte{7}, unknown.Bytes()[4:]...),
		"no content":       {7},
		"garbage":          {7, 1, 2, 3, 4, 5, 6, 7, 8},
		"plain too big":    append([]byte{0x52, 0x80, 0x80, 0x80, 0x01}, make([]byte, wire.MaxFrame+1)...),
		"unfinished":       {0x52},
		"foreign dictionary": compressed(t, []byte(strings.Repeat("abc", 100)),
			zstd.WithEncoderDictRaw(77, []byte(strings.Repeat("abcdefgh", 10)))),
	}
	for name, data := range tests {
		if f, _, err := c.Decode(data); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if _, _, err := plain.Decode([]byte{7, 1, 2, 3}); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("compressed frame without a codec: %v", err)
	}
	if _, _, err := c.Encode(frameOf(t, strings.Repeat("1", wire.MaxFrame))); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("encode of a frame that is too large: %v", err)
	}
}

func TestCodecs_Negotiation(t *testing.T) {
	all, err := wire.NewCodecs(1)
	if err != nil {
		t.Fatal(err)
	}
	if c := all.Choose([]uint32{99, 1}); c == nil || c.Version() != 1 {
		t.Error("common dictionary not found")
	}
	if all.Choose([]uint32{99, 0}) != nil || all.Choose(nil) != nil {
		t.Error("dictionary without agreement")
	}
	if c, err := all.Find(0); c != nil || err != nil {
		t.Error("version 0 is no compression")
	}
	if _, err := all.Find(99); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("unknown version: %v", err)
	}
	var none wire.Codecs
	if none.Choose([]uint32{1}) != nil || len(none.Versions()) != 0 {
		t.Error("no codecs, yet one was chosen")
	}
}

// TestDictionaries_Small keeps in mind what each process has to hold.
func TestDictionaries_Small(t *testing.T) {
	info, err := os.Stat("dict/v1.zdict")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 16<<10 {
		t.Errorf("dictionary has %d bytes", info.Size())
	}
}

func FuzzDecodeFrame(f *testing.F) {
	codec := newCodec(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, size, err := codec.Decode(data)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if size > wire.MaxFrame {
			t.Errorf("frame of %d bytes was taken", size)
		}
		var refs wire.Refs
		for _, m := range frame.GetMessages() {
			if err := refs.Decode(m); err != nil {
				return
			}
		}
		// What was taken can be sent on, and arrives the same.
		var from, to wire.Refs
		for _, m := range frame.GetMessages() {
			wireForm, err := from.Encode(m)
			if err != nil {
				return // not UTF-8 in a field that this version does not know as text
			}
			from.Sent(m)
			got := &wire.Message{}
			if err := got.Unmarshal(wireForm); err != nil {
				t.Fatal(err)
			}
			if err := to.Decode(got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(encoded(t, got), encoded(t, m)) {
				t.Errorf("got %v, want %v", got, m)
			}
		}
	})
}
