package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServe_PushFlags(t *testing.T) {
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad")
	if err := os.WriteFile(bad, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"--apns-topic", "example.app"}, 2, "--apns-key is missing"},
		{[]string{"--apns-key", filepath.Join(folder, "none")}, 1, "--apns-key"},
		{[]string{"--apns-key", bad, "--apns-key-id", "k", "--apns-team", "t", "--apns-topic", "example.app"}, 1, "the key of APNs is no key"},
		{[]string{"--fcm", filepath.Join(folder, "none")}, 1, "--fcm"},
		{[]string{"--fcm", bad}, 1, "the account of FCM is no JSON"},
	} {
		p := startProgram(t, nil, append([]string{"serve", "--data", filepath.Join(folder, "data")}, c.args...)...)
		if code := p.wait(startLimit); code != c.exit || !strings.Contains(p.output.String(), c.says) {
			t.Errorf("%v: exit %d: %s", c.args, code, p.output)
		}
	}
}
