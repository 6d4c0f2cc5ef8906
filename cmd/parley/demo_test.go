package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/demo"
	"github.com/parley-rtc/parley/media"
)

// TestDemo runs the main job for a short time.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	var code int
	var stdout, stderr string
	// A machine that stands still for a while makes audio that has to be
	// concealed: the verdict then is right, and worth another try.
	for range 3 {
		if code, stdout, stderr = runHere(t, "demo", "--seconds", "6", "--out", dir, "--json"); code == 0 {
			break
		}
		t.Logf("again after:\n%s", stderr)
	}
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	var report map[string]any
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, demo.ReportJSON))
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(file)) != strings.TrimSpace(stdout) {
		t.Error("the printed report is not the written one")
	}
	checkReport(t, report)
	for _, name := range []string{demo.HeardByCallee, demo.HeardByCaller} {
		f, err := media.OpenAudioFile(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Duration() < 5*time.Second {
			t.Errorf("%s lasts %v", name, f.Duration())
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	v, err := media.OpenVideoFile(filepath.Join(dir, demo.SeenByCallee), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if w, h := v.Size(); w != 320 || h != 240 || v.Frames() < 80 || v.Codec() != "VP8" {
		t.Errorf("%d frames of %d × %d, %s", v.Frames(), w, h, v.Codec())
	}
	page, err := os.ReadFile(filepath.Join(dir, demo.ReportHTML))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"http://", "https://", "<script", "NaN"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

func checkReport(t *testing.T, report map[string]any) {
	t.Helper()
	number := func(path ...string) float64 {
		var v any = report
		for _, p := range path {
			m, ok := v.(map[string]any)
			if !ok {
				t.Errorf("%v is not there", path)
				return 0
			}
			v = m[p]
		}
		f, ok := v.(float64)
		if !ok {
			t.Errorf("%v is %v", path, v)
		}
		return f
	}
	for _, path := range [][]string{
		{"ring_ms"},
		{"accept_to_first_audio_ms"},
		{"accept_to_first_video_ms"},
		{"mouth_to_ear_ms", "p50"},
		{"mouth_to_ear_ms", "p95"},
		{"network_one_way_ms", "p50"},
		{"network_one_way_ms", "p95"},
		{"network_one_way_ms", "p99"},
	} {
		if v := number(path...); v <= 0 || v > 5000 {
			t.Errorf("%v is %v", path, v)
		}
	}
	if v := number("concealed_ratio"); v < 0 || v > 0.5 {
		t.Errorf("concealed_ratio is %v", v)
	}
	if number("mouth_to_ear_ms", "p50") < 20 {
		t.Error("heard sooner than a frame lasts")
	}
	if report["audio_codec"] == "" || report["video_codec"] != "VP8" || report["ok"] != true {
		t.Errorf("audio %v, video %v, ok %v", report["audio_codec"], report["video_codec"], report["ok"])
	}
	states, ok := report["states"].(map[string]any)
	if !ok {
		t.Fatal("no states")
	}
	for side, hold := range map[string]string{"caller": "RemoteHold", "callee": "LocalHold"} {
		text, err := json.Marshal(states[side])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Connected", hold, "Disconnected"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s was never %s: %s", side, want, text)
			}
		}
	}
}

func TestDemo_BadFiles(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("this is no media file, not at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]string{
		"no audio file":  {"--audio", filepath.Join(dir, "none.wav")},
		"bad audio file": {"--audio", bad},
		"bad video file": {"--video", bad},
		"no folder":      {"--out", filepath.Join(bad, "out")},
	}
	for name, args := range cases {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runHere(t, append([]string{"demo", "--out", filepath.Join(dir, "out")}, args...)...)
			if code != exitFailed || !strings.Contains(stderr, "parley: demo:") {
				t.Errorf("exit %d, %q", code, stderr)
			}
		})
	}
}
