//go:build !linux && !darwin

package readiness

// Windows has no read that only looks.
const canWait = false

func readable(uintptr) bool { return true }
