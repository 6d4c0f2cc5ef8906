//go:build linux || darwin

package readiness

import "syscall"

const canWait = true

// readable tells whether there is something to read, or an end, or an error.
func readable(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}
