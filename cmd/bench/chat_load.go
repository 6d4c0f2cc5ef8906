package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// steadyRate is how many messages per second go into the conversation whose
	// deliveries are timed.
	steadyRate = 40
	// window is how many messages may be on their way when deliveries are
	// counted.
	window = 64
	// manyMembers is the largest conversation.
	manyMembers = 250
)

// tally counts what becomes of the messages of one conversation.
type tally struct {
	// A message is over when it has come to so many members and so many answers
	// have come to its sender.
	copies, answers int64

	delivered, answered atomic.Int64
	// Whoever waits is poked once these many have come.
	wantDelivered, wantAnswered atomic.Int64
	poke                        chan struct{}

	mu      sync.Mutex
	latency []float64 // ms, of stamped messages
	trouble error     // the first refusal
}

func newTally(copies, answers int) *tally {
	return &tally{copies: int64(copies), answers: int64(answers), poke: make(chan struct{}, 1)}
}

// heard is called for each message that reaches a member.
func (t *tally) heard(text string) {
	stamp, _, _ := strings.Cut(text, " ")
	if sent, err := strconv.ParseInt(stamp, 10, 64); err == nil && sent > 0 {
		took := float64(time.Now().UnixNano()-sent) / float64(time.Millisecond)
		t.mu.Lock()
		t.latency = append(t.latency, took)
		t.mu.Unlock()
	}
	// Last: whoever has waited for it finds the time.
	if t.delivered.Add(1) >= t.wantDelivered.Load() {
		t.wake()
	}
}

// accepted is called for each answer to a sender; an error ends the measurement.
func (t *tally) accepted(err error) {
	if err != nil {
		t.mu.Lock()
		if t.trouble == nil {
			t.trouble = err
		}
		t.mu.Unlock()
	}
	if t.answered.Add(1) >= t.wantAnswered.Load() || err != nil {
		t.wake()
	}
}

func (t *tally) wake() {
	select {
	case t.poke <- struct{}{}:
	default:
	}
}

// wait returns once so many messages are over, counted from the first of the
// conversation.
func (t *tally) wait(ctx context.Context, messages int) error {
	if messages <= 0 {
		return nil
	}
	delivered, answered := int64(messages)*t.copies, int64(messages)*t.answers
	t.wantDelivered.Store(delivered)
	t.wantAnswered.Store(answered)
	late := time.NewTimer(callTime)
	defer late.Stop()
	for {
		t.mu.Lock()
		err := t.trouble
		t.mu.Unlock()
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if t.delivered.Load() >= delivered && t.answered.Load() >= answered {
			return nil
		}
		select {
		case <-t.poke:
		case <-ctx.Done():
			return fmt.Errorf("stopped: %w", ctx.Err())
		case <-late.C:
			return fmt.Errorf("delivered %d of %d, answered %d of %d", t.delivered.Load(), delivered, t.answered.Load(), answered)
		}
	}
}

// times takes what was kept since it was last called.
func (t *tally) times() []float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.latency
	t.latency = nil
	return kept
}

// conversation is one of any system, its members connected. One goroutine at a
// time uses it.
type conversation struct {
	*tally
	// say sends the n-th message, n from 1, from one of the members in turn.
	say func(n int, text string) error
	// kept, when it is given, returns how many messages are in the archive.
	kept  func(context.Context) (int, error)
	close func() error

	said int
}

// send sends the next message; stamped ones are timed.
func (c *conversation) send(stamped bool) error {
	stamp := int64(0)
	if stamped {
		stamp = time.Now().UnixNano()
	}
	c.said++
	if err := c.say(c.said, fmt.Sprint(stamp, " ", chatText)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// end closes a conversation, and before that holds its archive against what was
// said: a system that keeps nothing would be compared unfairly.
func (c *conversation) end(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, c.close()) }()
	if c.kept == nil || c.wait(ctx, c.said) != nil {
		return nil // what went wrong before has been told
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for {
		n, err := c.kept(ctx)
		if err != nil || n == c.said {
			return err
		}
		if wait(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the archive holds %d of %d messages", n, c.said)
		}
	}
}

// steady sends at a fixed rate, waits until all has arrived, and returns the
// time of each delivery.
func (c *conversation) steady(ctx context.Context, length time.Duration) ([]float64, error) {
	c.times()
	begin := time.Now()
	for n := 1; n <= max(1, int(length.Seconds()*steadyRate)); n++ {
		if err := wait(ctx, time.Until(begin.Add(time.Duration(n)*time.Second/steadyRate))); err != nil {
			return nil, err
		}
		if err := c.send(true); err != nil {
			return nil, err
		}
		if err := c.wait(ctx, c.said-window); err != nil {
			return nil, err
		}
	}
	if err := c.wait(ctx, c.said); err != nil {
		return nil, err
	}
	return c.times(), nil
}

// blast sends as fast as messages arrive and returns the deliveries per second
// of the server's processor time, and per second.
func (c *conversation) blast(ctx context.Context, server *process, length time.Duration) (perCore, rate float64, err error) {
	if err := c.wait(ctx, c.said); err != nil {
		return 0, 0, err
	}
	before, err := server.busy()
	if err != nil {
		return 0, 0, err
	}
	already, begin := c.delivered.Load(), time.Now()
	// A short one goes on until a tick of processor time is counted.
	for after := before; time.Since(begin) < length || after <= before; {
		if time.Since(begin) > length+callTime {
			return 0, 0, errors.New("no processor time is counted")
		}
		if err := c.wait(ctx, c.said-window+1); err != nil {
			return 0, 0, err
		}
		if err := c.send(false); err != nil {
			return 0, 0, err
		}
		if time.Since(begin) >= length {
			if after, err = server.busy(); err != nil {
				return 0, 0, err
			}
		}
	}
	if err := c.wait(ctx, c.said); err != nil {
		return 0, 0, err
	}
	took := time.Since(begin)
	after, err := server.busy()
	if err != nil {
		return 0, 0, err
	}
	n := float64(c.delivered.Load() - already)
	return n / (after - before).Seconds(), n / took.Seconds(), nil
}

// pairs sends into conversations of two, each message when the one before it in
// the same place is over.
func pairs(server *process, all []*conversation) *target {
	return &target{process: server, do: func(ctx context.Context, n int) error {
		c := all[n%len(all)]
		if err := c.send(false); err != nil {
			return err
		}
		return c.wait(ctx, c.said)
	}}
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
