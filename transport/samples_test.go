package transport

import (
	"os"
	"path/filepath"
	"testing"
)

// sampleDescriptions returns the descriptions among the committed samples.
func sampleDescriptions(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/sdp/*-*er-*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	return list
}
