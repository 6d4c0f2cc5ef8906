package testkit

import (
	"os"
	"path/filepath"
)

// Specifications returns the folder of ACS's specifications: "specs" under
// PARLEY_SHARED, or under "shared" beside the repository. Empty when they are
// not there; whoever needs them says so, and fails in CI.
func Specifications() string {
	if shared := os.Getenv("PARLEY_SHARED"); shared != "" {
		return existing(filepath.Join(shared, "specs"))
	}
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return existing(filepath.Join(filepath.Dir(folder), "shared", "specs"))
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return ""
		}
		folder = parent
	}
}

func existing(folder string) string {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	return folder
}
