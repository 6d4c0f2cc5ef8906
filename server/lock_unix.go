//go:build unix

package server

import (
	"os"
	"syscall"
)

// lockExclusive locks a file until it is closed. It does not wait.
func lockExclusive(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
