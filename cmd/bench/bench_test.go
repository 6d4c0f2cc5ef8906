package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/testkit"
)

// TestBench runs every scenario that needs no further process, as shortly as
// it goes; what it measures is not looked at.
func TestBench(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{
		"setup", "latency", "codec", "signaling", "--runs", "1", "--seconds", "1.5", "--delay", "10ms", "--out", dir,
	}
	if err := run(t.Context(), args, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	data, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 4 || r.Machine.Cores == 0 || len(r.Settings) == 0 {
		t.Errorf("bench.json: %d results", len(r.Results))
	}
	for _, result := range r.Results {
		for _, m := range result.Metrics {
			if len(m.Values) == 0 && m.Name != "mouth to ear" {
				t.Errorf("%s: %s has no values", result.Scenario, m.Name)
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "bench.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"http://", "https://", "<script", "NaN"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("bench.html holds %q", bad)
		}
	}
	if !strings.Contains(stdout.String(), "Goals") || !strings.Contains(stdout.String(), "pion to pion") {
		t.Errorf("table:\n%s", &stdout)
	}
}

func TestBench_Mistakes(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown scenario": {"speed"},
		"burst":            {"codec", "--burst", "much"},
		"burst of all":     {"codec", "--burst", "100:3"},
		"flag":             {"--fast"},
		"part of chat":     {"chat", "--parts", "sends,dance"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "--out", t.TempDir()), &out, &out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLinkFlags(t *testing.T) {
	f := linkFlags{delay: time.Millisecond, loss: 2, burst: "5:4", rate: 100}
	q, err := f.quality()
	if err != nil || q.Loss != 0.02 || q.Burst == nil || q.Burst.ToGood != 0.25 || q.RateBPS != 100_000 {
		t.Errorf("%+v, %v", q, err)
	}
	if got := f.describe(); !strings.Contains(got, "loss 2 %") || !strings.Contains(got, "burst loss 5:4") {
		t.Error(got)
	}
}

// TestTrace_CountsLegs walks back over hand-made traces.
func TestTrace_CountsLegs(t *testing.T) {
	base := time.Now()
	key := tap.Key{SSRC: 1, Sequence: 9}
	const leg = 50 * time.Millisecond
	at := func(legs float64) time.Time { return base.Add(time.Duration(legs * float64(leg))) }
	var id uint64
	hop := func(tr *trace, from, to string, media bool, sent float64) {
		id++
		s := seen{packet: id, from: from, to: to, stream: !media, media: media, op: netem.Sent, at: at(sent)}
		if media {
			s.key = key
		}
		tr.events = append(tr.events, s)
		s.op, s.at = netem.Arrived, at(sent+1)
		tr.events = append(tr.events, s)
	}
	m := &moments{accepted: base}
	direct := &trace{}
	hop(direct, lab.Callee, lab.Caller, true, 0.1)
	if w, ok := direct.firstAudio(m, caller, leg); !ok || w.legs != 1 || !w.sent.Equal(at(0.1)) || !w.arrived.Equal(at(1.1)) {
		t.Errorf("direct: %+v, %v", w, ok)
	}
	relayed := &trace{}
	hop(relayed, lab.Callee, serviceHost, false, 0)
	hop(relayed, serviceHost, lab.Caller, false, 1.01)
	hop(relayed, lab.Caller, serviceHost, true, 2.05)
	hop(relayed, serviceHost, lab.Callee, true, 3.06)
	if w, ok := relayed.firstAudio(m, callee, leg); !ok || w.legs != 4 {
		t.Errorf("relayed: %+v, %v", w, ok)
	}
	late := &trace{}
	hop(late, lab.Callee, lab.Caller, true, 2.1)
	if w, ok := late.firstAudio(m, caller, leg); !ok || w.legs != 3 {
		t.Errorf("waited two legs for the path: %+v, %v", w, ok)
	}
	if _, ok := (&trace{}).firstAudio(m, caller, leg); ok {
		t.Error("an empty trace has no first audio")
	}
}
