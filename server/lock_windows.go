package server

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockExclusive locks a file until it is closed. It does not wait.
func lockExclusive(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}
