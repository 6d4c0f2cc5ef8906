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
// chats, on one node and on two, and each is counted; how fast is not looked at.
func TestBench_Revoke(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { benchRevoke(t, 3) })
	t.Run("PostgreSQL", func(t *testing.T) { benchRevoke(t, 5, "--database", testkit.PostgreSQL(t)) })
}

func benchRevoke(t *testing.T, metrics int, more ...string) {
	testkit.CheckLeaks(t, 5*time.Minute)
	dir := t.TempDir()
	var out bytes.Buffer
	args := append([]string{"revoke", "--runs", "2", "--parley", testkit.Program(t, "cmd/parley"), "--out", dir}, more...)
	if err := run(t.Context(), args, &out, &out); err != nil {
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
	if len(r.Results) != 1 || len(r.Results[0].Metrics) != metrics {
		t.Fatalf("%+v", r.Results)
	}
	for _, m := range r.Results[0].Metrics {
		if len(m.Values) != 2 {
			t.Errorf("%s: %v", m.Name, m.Values)
		}
	}
}
