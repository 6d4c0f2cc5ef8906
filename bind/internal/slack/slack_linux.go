//go:build cgo

package slack

// #cgo LDFLAGS: -Wl,--wrap=pthread_create
import "C"
