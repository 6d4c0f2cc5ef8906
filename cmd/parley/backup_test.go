package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
)

func TestBackup_OfARunningService_IsAServiceAgain(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		testkit.Missing(t, "tar is not installed")
	}
	dir := t.TempDir()
	data, out, restored := filepath.Join(dir, "data"), filepath.Join(dir, "b.tar.gz"), filepath.Join(dir, "restored")
	p, first := startService(t, data)
	code, stdout, stderr := runHere(t, "backup", "--data", data, "--out", out)
	if code != 0 || !strings.Contains(stdout, "parley.db") || !strings.Contains(stdout, "ca-key.pem") || strings.Contains(stdout, "connection.json") {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup holds keys: %v, %v", info, err)
	}
	p.terminate()
	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("tar", "-xzf", out, "-C", restored).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, text)
	}
	p, second := startService(t, restored)
	if second.AccessKey != first.AccessKey || second.SubscriptionID != first.SubscriptionID {
		t.Error("the restored service is another one")
	}
	p.terminate()
	if code, _, stderr := runHere(t, "backup", "--data", data, "--out", out); code != exitUsage {
		t.Errorf("overwrites a backup: exit %d, %s", code, stderr)
	}
	if code, _, _ := runHere(t, "backup", "--data", data); code != exitUsage {
		t.Errorf("without --out: exit %d", code)
	}
	empty := t.TempDir()
	if code, _, stderr := runHere(t, "backup", "--data", empty, "--out", filepath.Join(dir, "c.tar.gz")); code != exitFailed || !strings.Contains(stderr, "no data folder") {
		t.Errorf("of an empty folder: exit %d, %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(empty, "ca.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runHere(t, "backup", "--data", empty, "--out", filepath.Join(dir, "c.tar.gz")); code != 0 || !strings.Contains(stderr, "PostgreSQL") {
		t.Errorf("without a database: exit %d, %s", code, stderr)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
