package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

// Revoked tokens end the connections of an agent and of one that follows its
// chats, and each is counted; how fast is not looked at.
func TestBench_Revoke(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"revoke", "--runs", "2", "--parley", testkit.Program(t, "cmd/parley"), "--out", dir}, &out, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 1 || len(r.Results[0].Metrics) != 3 {
		t.Fatalf("%+v", r.Results)
	}
	for _, m := range r.Results[0].Metrics {
		if len(m.Values) != 2 {
			t.Errorf("%s: %v", m.Name, m.Values)
		}
	}
}
