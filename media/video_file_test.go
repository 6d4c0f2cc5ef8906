package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

func TestVideoFile_Sample_IsPacedByItsTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := sampleVideo(t, false)
		if w, h := f.Size(); w != 320 || h != 240 || f.Frames() != 150 || f.Duration() != 6*time.Second || f.Codec() != "VP8" {
			t.Errorf("%d × %d, %d frames, %v, %s", w, h, f.Frames(), f.Duration(), f.Codec())
		}
		began := time.Now()
		for i := range 400 { // two loops and a bit
			frame, err := f.ReadVideo(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			due := time.Duration(i) * 40 * time.Millisecond
			if frame.Timestamp != due || time.Since(began) != due || frame.KeyFrame != (i%50 == 0) {
				t.Fatalf("frame %d: timestamp %v at %v, key frame %v", i, frame.Timestamp, time.Since(began), frame.KeyFrame)
			}
		}
	})
}

func TestVideoFile_KeyFrameRequest_GoesToTheNearest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := samplesFrames(t)
		for _, test := range []struct{ after, next int }{{10, 0}, {26, 50}, {50, 50}, {74, 50}, {76, 100}, {149, 100}, {150, 0}} {
			f := sampleVideo(t, false)
			var last time.Duration
			for range test.after {
				frame, err := f.ReadVideo(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				last = frame.Timestamp
			}
			f.RequestKeyFrame()
			f.RequestKeyFrame()
			for i := range 3 {
				frame, err := f.ReadVideo(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if frame.KeyFrame != (i == 0) || !bytes.Equal(frame.Data, want[test.next+i]) || frame.Timestamp-last != 40*time.Millisecond {
					t.Errorf("after %d frames: key frame %v, %v later", test.after, frame.KeyFrame, frame.Timestamp-last)
				}
				last = frame.Timestamp
			}
		}
	})
}

func samplesFrames(t *testing.T) (list [][]byte) {
	t.Helper()
	f := sampleVideo(t, true)
	for {
		frame, err := f.ReadVideo(context.Background())
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, frame.Data)
	}
}

func TestVideoFile_ReaderWasAway_GoesOnWithoutABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := sampleVideo(t, false)
		read := func() media.EncodedFrame {
			frame, err := f.ReadVideo(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return frame
		}
		for range 5 {
			read()
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		first := read()
		if first.Timestamp < 10*time.Second {
			t.Errorf("time stood still: %v", first.Timestamp)
		}
		read()
		if d := time.Since(began); d != 40*time.Millisecond {
			t.Errorf("two frames in %v", d)
		}
		// A short stumble is made up for.
		time.Sleep(100 * time.Millisecond)
		began = time.Now()
		read()
		read()
		if d := time.Since(began); d != 0 {
			t.Errorf("not caught up: %v", d)
		}
	})
}

func TestVideoFile_CancelAndClose_EndTheWait(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		f := sampleVideo(t, false)
		if _, err := f.ReadVideo(context.Background()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := f.ReadVideo(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.AfterFunc(10*time.Millisecond, func() { _ = f.Close() })
		began := time.Now()
		if _, err := f.ReadVideo(context.Background()); !errors.Is(err, media.ErrClosed) || time.Since(began) > 15*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestVideoFile_H264Rate_FileOrOption(t *testing.T) {
	data := testdata(t, "h264.h264")
	for _, test := range []struct {
		rate float64
		want time.Duration
	}{{0, 2 * time.Second}, {10, 4 * time.Second}} {
		f, err := media.NewVideoFile("x", data, &media.VideoFileOptions{FrameRate: test.rate})
		if err != nil {
			t.Fatal(err)
		}
		if d := f.Duration(); (d - test.want).Abs() > time.Millisecond {
			t.Errorf("rate %v: %v", test.rate, d)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestVideoFile_BadFile_TellsFilePositionAndReason(t *testing.T) {
	dir := t.TempDir()
	sample := samples.Video()
	noKey := append([]byte(nil), sample...)
	noKey[32+12] |= 1
	back := append([]byte(nil), sample...)
	binary.LittleEndian.PutUint64(back[32+4:], 100)
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":    {nil, "at byte 0: the file ends"},
		"text":     {[]byte("This is no picture."), "at byte 0: neither an IVF file nor"},
		"sound":    {samples.SpeechCaller(), "at byte 0: neither"},
		"cut":      {sample[:1000], "at byte 1000: the file ends within frame 0"},
		"header":   {sample[:32], "the file has no frames"},
		"no key":   {noKey, "the first frame is not a key frame"},
		"back":     {back, "the timestamp of frame 1 goes back"},
		"cut h264": {testdata(t, "h264.h264")[:20], "the file ends with an access unit that has no picture"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(path, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := media.OpenVideoFile(path, nil)
			var bad *media.FileError
			if !errors.As(err, &bad) || bad.Name != path || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	if _, err := media.OpenVideoFile(filepath.Join(dir, "missing"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := media.NewIVFSink(filepath.Join(dir, "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := media.NewH264Sink(filepath.Join(dir, "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestIVFSink_EveryCodec_ReadsBackAndFFmpegDecodesIt(t *testing.T) {
	for name, data := range map[string][]byte{
		"sample": samples.Video(), "vp9.ivf": testdata(t, "vp9.ivf"), "av1.ivf": testdata(t, "av1.ivf"), "h264.h264": testdata(t, "h264.h264"),
	} {
		t.Run(name, func(t *testing.T) {
			frames := allFrames(t, name, data)
			path := filepath.Join(t.TempDir(), "x.ivf")
			sink, err := media.NewIVFSink(path)
			if err != nil {
				t.Fatal(err)
			}
			// What comes before the first key frame is left out.
			if err := sink.WriteVideo(frames[1]); err != nil {
				t.Fatal(err)
			}
			for _, f := range frames {
				f.Timestamp += 3 * time.Second
				if err := sink.WriteVideo(f); err != nil {
					t.Fatal(err)
				}
			}
			other := frames[0]
			other.Codec = "H265"
			if err := sink.WriteVideo(other); !errors.Is(err, media.ErrCodecMismatch) {
				t.Errorf("another codec: %v", err)
			}
			if err := errors.Join(sink.Close(), sink.Close()); err != nil {
				t.Fatal(err)
			}
			if err := sink.WriteVideo(frames[0]); !errors.Is(err, media.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
			written, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			again := allFrames(t, path, written)
			if len(again) != len(frames) {
				t.Fatalf("%d frames, want %d", len(again), len(frames))
			}
			for i := range again {
				if !sameFrame(again[i].Codec, again[i].Data, frames[i].Data) || (again[i].Timestamp-frames[i].Timestamp).Abs() > time.Millisecond {
					t.Fatalf("frame %d differs", i)
				}
			}
			countWithFFmpeg(t, path, len(frames))
		})
	}
}

func countWithFFmpeg(t *testing.T, path string, want int) {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		testkit.Missing(t, "ffprobe is not installed")
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path).CombinedOutput()
	// The last field of a line with one; anything else is a complaint.
	if got := strings.Trim(string(out), " ,\n"); err != nil || got != strconv.Itoa(want) {
		t.Errorf("ffprobe: %v: %q, want %d frames", err, got, want)
	}
}

func TestH264Sink_Frames_ReadBack(t *testing.T) {
	frames := allFrames(t, "h264", testdata(t, "h264.h264"))
	path := filepath.Join(t.TempDir(), "x.h264")
	sink, err := media.NewH264Sink(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := sink.WriteVideo(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := allFrames(t, path, written); len(again) != len(frames) {
		t.Errorf("%d frames", len(again))
	}
	countWithFFmpeg(t, path, len(frames))
	wrong, err := media.NewH264Sink(filepath.Join(t.TempDir(), "y.h264"))
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if err := wrong.WriteVideo(media.EncodedFrame{Codec: "VP8", KeyFrame: true}); !errors.Is(err, media.ErrCodecMismatch) {
		t.Errorf("%v", err)
	}
}

func FuzzVideoFile(f *testing.F) {
	f.Add(samples.Video()[:600])
	f.Add(testdata(f, "h264.h264")[:1200])
	f.Add(testdata(f, "vp9.ivf")[:600])
	f.Add(testdata(f, "av1.ivf")[:600])
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := media.NewVideoFile("fuzz", data, nil)
		var bad *media.FileError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		defer file.Close()
		if file.Frames() == 0 || file.Duration() <= 0 {
			t.Fatalf("%d frames, %v", file.Frames(), file.Duration())
		}
		if _, err := file.ReadVideo(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}
