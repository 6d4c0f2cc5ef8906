// Package wire is the pure part of signaling: how frames become bytes and
// back, and the bookkeeping of sequence numbers. It has no goroutine, clock,
// socket or log. docs/signaling.md describes the format.
package wire

import (
	"errors"

	"github.com/parley-rtc/parley/signaling/signalpb"
)

// Message is one reliable message.
type Message = signalpb.Message

const (
	// MaxFrame is the largest frame, in bytes after decompression.
	MaxFrame = 1 << 20
	// MaxMessage is the largest encoded message, in bytes.
	MaxMessage = 256 << 10
)

var (
	// ErrMalformed is returned for bytes that are not what they should be.
	ErrMalformed = errors.New("signaling: malformed message")
	// ErrTooLarge is returned for what is over MaxFrame or MaxMessage.
	ErrTooLarge = errors.New("signaling: message too large")
)
