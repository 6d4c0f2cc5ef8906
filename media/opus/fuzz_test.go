package opus_test

import (
	"errors"
	"testing"

	"github.com/parley-rtc/parley/media/opus"
)

func seeds(f *testing.F) {
	for _, p := range [][]byte{
		{},
		{0},
		{0xff},
		{1, 2, 3},
		{2, 252},
		{2, 1, 5, 6},
		{3},
		{3, 0},
		{3, 0xc1, 255, 0},
		{3, 0x82, 1, 9, 9},
		{0x1b, 63},
		{0x0b, 1, 0x40},
		{0x7b, 2, 1, 2},
		{0xfc, 0xff, 0xfe},
		{0x4c, 0x60, 1, 2, 3, 4, 5},
	} {
		f.Add(p)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		info, err := opus.Parse(p)
		if err != nil {
			if !errors.Is(err, opus.ErrMalformed) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if n := info.Samples(); n <= 0 || n > opus.MaxFrameSamples || info.Frames < 1 {
			t.Fatalf("%+v", info)
		}
	})
}

func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		d, err := opus.NewDecoder(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		pcm := make([]int16, opus.MaxFrameSamples)
		info, malformed := opus.Parse(p)
		n, err := d.Decode(p, pcm)
		switch {
		case malformed != nil && !errors.Is(err, opus.ErrMalformed):
			t.Fatalf("%v, but decoded: %d, %v", malformed, n, err)
		case malformed == nil && errors.Is(err, opus.ErrMalformed):
			t.Fatalf("%+v, but the decoder finds it malformed: %v", info, err)
		case err == nil && n != info.Samples():
			t.Fatalf("%d samples, want %d", n, info.Samples())
		}
		if _, err := d.DecodeFEC(p, pcm[:960]); err != nil && malformed == nil && opus.Available() {
			t.Fatalf("copy: %v", err)
		}
		if n, err := d.Conceal(pcm[:960]); n != 960 || err != nil {
			t.Fatalf("conceal after it: %d, %v", n, err)
		}
	})
}
