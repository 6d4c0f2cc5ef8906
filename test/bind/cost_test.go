//go:build bind

package bind_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCost runs the scenario of bench that measures what a call over the C
// library costs, as shortly as it goes. The figures are not judged here.
func TestCost(t *testing.T) {
	need(t, "gcc")
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cmd := exec.Command("go", "run", "./cmd/bench", "bind", "--runs", "1", "--seconds", "2", "--parley", parley,
		"--library", "one="+libraryC(t, "shared"), "--out", folder)
	cmd.Dir = root
	t.Log(execute(t, cmd))
	data, err := os.ReadFile(filepath.Join(folder, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Results []struct {
			Metrics []struct {
				Name   string
				Values []float64
			}
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 1 || len(report.Results[0].Metrics) < 8 {
		t.Fatalf("bench.json: %s", data)
	}
	for _, m := range report.Results[0].Metrics {
		// One from each end.
		if len(m.Values) != 2 || m.Values[0] <= 0 || m.Values[1] <= 0 {
			t.Errorf("%s: %v", m.Name, m.Values)
		}
	}
}
