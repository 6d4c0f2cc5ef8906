package media_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/h264file"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nals lists the NAL units that survive the trip: delimiters and filler do not.
func nals(stream []byte) [][]byte {
	var list [][]byte
	h264file.Each(stream, func(nal []byte) {
		if kind := nal[0] & 0x1f; kind != h264file.NALDelimiter && kind != 12 {
			list = append(list, nal)
		}
	})
	return list
}

func sameFrame(codec string, a, b []byte) bool {
	if codec != "H264" {
		return bytes.Equal(a, b)
	}
	x, y := nals(a), nals(b)
	if len(x) != len(y) {
		return false
	}
	for _, n := range x {
		found := false
		for _, m := range y {
			found = found || bytes.Equal(n, m)
		}
		if !found {
			return false
		}
	}
	return true
}

func TestVideo_EveryCodec_EveryMTU_ArrivesUnchanged(t *testing.T) {
	for _, name := range []string{"h264.h264", "h264-high.h264", "vp9.ivf", "av1.ivf"} {
		for _, mtu := range []int{0, 200, 251, 9000} {
			t.Run(name, func(t *testing.T) {
				testkit.CheckLeaks(t, time.Minute)
				data := testdata(t, name)
				want := allFrames(t, name, data)
				if len(want) != 40 {
					t.Fatalf("%d frames in the file", len(want))
				}
				synctest.Test(t, func(t *testing.T) {
					file, err := media.NewVideoFile(name, data, &media.VideoFileOptions{Once: true})
					if err != nil {
						t.Fatal(err)
					}
					defer file.Close()
					c := newPath(t, nil, nil)
					c.sender.Close()
					ended := make(chan error, 1)
					c.sender, err = media.NewVideoSender(&media.VideoSenderOptions{
						Codecs: videoCodecs, Source: file, MTU: mtu,
						Send: func(p *packet.Packet) error {
							if limit := mtu; limit > 0 && len(p.Payload) > limit || len(p.Payload) > 9000 {
								t.Errorf("payload of %d bytes", len(p.Payload))
							}
							c.receiver.Push(p)
							return nil
						},
						Ended: func(_ media.VideoSource, err error) { ended <- err },
					})
					if err != nil {
						t.Fatal(err)
					}
					<-ended
					time.Sleep(time.Second)
					c.close()
					got := c.sink.all()
					if len(got) != len(want) {
						t.Fatalf("%d frames, want %d: %+v %+v", len(got), len(want), c.receiver.Stats(), c.sender.Stats())
					}
					for i := range got {
						if !sameFrame(got[i].Codec, got[i].Data, want[i].Data) {
							t.Fatalf("frame %d differs: %d and %d bytes", i, len(got[i].Data), len(want[i].Data))
						}
						if got[i].KeyFrame != (i%20 == 0) || got[i].Width != 160 || got[i].Height != 120 {
							t.Errorf("frame %d: key %v, %d × %d", i, got[i].KeyFrame, got[i].Width, got[i].Height)
						}
					}
				})
			})
		}
	}
}

func TestVideo_EveryCodec_RandomLossAndRepair_NeverABrokenFrame(t *testing.T) {
	testkit.CheckLeaks(t, 10*time.Minute)
	names := []string{"h264.h264", "vp9.ivf", "av1.ivf"}
	files := map[string][]byte{}
	frames := map[string]map[string]bool{}
	for _, name := range names {
		files[name] = testdata(t, name)
		frames[name] = map[string]bool{}
		for _, f := range allFrames(t, name, files[name]) {
			frames[name][frameKey(f)] = true
		}
	}
	testkit.Repeat(t, 60, 3000, func(seed uint64) error {
		name := names[seed%3]
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			loss, repair := rng.Float64()*0.2, rng.Float64()
			file, err := media.NewVideoFile(name, files[name], nil)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			c := newPath(t, file, func(p *packet.Packet, pass func(*packet.Packet)) {
				delay := time.Duration(rng.IntN(30)) * time.Millisecond
				if rng.Float64() < loss {
					if rng.Float64() > repair {
						return
					}
					delay += time.Duration(50+rng.IntN(100)) * time.Millisecond
				}
				time.AfterFunc(delay, func() { pass(p) })
			})
			time.Sleep(6 * time.Second)
			c.close()
			time.Sleep(time.Second)
			got := c.sink.all()
			for i, f := range got {
				if !frames[name][frameKey(f)] {
					t.Errorf("seed %d: frame %d was never sent", seed, i)
				}
				if i == 0 && !f.KeyFrame {
					t.Errorf("seed %d: the first frame is no key frame", seed)
				}
				if i > 0 && f.Timestamp <= got[i-1].Timestamp {
					t.Errorf("seed %d: time goes back", seed)
				}
			}
			if s := c.receiver.Stats(); s.FramesDecoded != uint64(len(got)) || s.FramesReceived < s.FramesDecoded {
				t.Errorf("seed %d: %+v", seed, s)
			}
			if len(got) == 0 && loss < 0.1 {
				t.Errorf("seed %d: no picture with %.0f %% loss", seed, 100*loss)
			}
		})
		return nil
	})
}

func frameKey(f media.EncodedFrame) string {
	if f.Codec != "H264" {
		return string(f.Data)
	}
	// Parameter sets may travel apart from where they stood.
	key := ""
	for _, n := range nals(f.Data) {
		key += string(n) + "|"
	}
	return key
}
