package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/internal/netem"
)

// scenario is one thing to measure.
type scenario struct {
	name, summary string
	run           func(context.Context, *env) (*figures.Result, error)
}

// scenarios lists them in the order of running.
func scenarios() []scenario {
	return []scenario{
		{"setup", "from accept to the first audio, from start to ringing, and beside pion to pion", setup},
		{"latency", "mouth to ear on loopback, and each packet beside pion to pion", latency},
		{"codec", "time and rate of the audio codecs", codec},
		{"signaling", "bytes on the WebSockets for a whole call", signalingBytes},
		{"memory", "resident memory of a program that links the engine only, in a call", memory},
		{"bind", "processor time and memory of an audio call of a program that uses the C library", bind},
		{"service", "first start, restart, and idle memory of the service process", service},
		{"rest", "tokens issued and users read over REST, beside a bare handler", rest},
		{"revoke", "from the revocation of tokens to the end of open connections", revoke},
		{"chat", "durable sends, deliveries to members, and the memory of idle connections", chat},
	}
}

func describeScenarios() string {
	var b strings.Builder
	for _, s := range scenarios() {
		fmt.Fprintf(&b, "  %-10s %s\n", s.name, s.summary)
	}
	return b.String()
}

// env is what a scenario gets.
type env struct {
	*settings
	quality netem.Link
	// steps tells how many steps the scenario takes, step that one is done.
	steps func(int)
	step  func()
}

// times returns how often to repeat.
func (e *env) times(full, quick int) int {
	switch {
	case e.runs > 0:
		return e.runs
	case e.quick:
		return quick
	default:
		return full
	}
}

// length returns how long to measure.
func (e *env) length(full, quick time.Duration) time.Duration {
	switch {
	case e.seconds > 0:
		return time.Duration(e.seconds * float64(time.Second))
	case e.quick:
		return quick
	default:
		return full
	}
}
