package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/lab"
)

// signalingBytes counts the payload of both agents' WebSockets for whole calls.
func signalingBytes(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	runs := e.times(20, 3)
	e.steps(runs)
	r.Set("calls", "%d: start, ring, accept, audio both ways, hang up; both agents were signed in before", runs)
	r.Set("counted", "payload of the WebSockets' messages, both agents, both directions")
	pair, err := lab.Start(ctx, lab.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pair.Close()) }()
	const group = "WebSocket payload of one call"
	all := r.Metric("both agents, both directions", group, "bytes", figures.Goal{Quantile: figures.Most, Must: 4096, Aim: 2048})
	frames := r.Metric("messages, both agents", "Messages on the WebSockets of one call", "messages")
	if err := settle(ctx, pair); err != nil {
		return r, err
	}
	for range runs {
		before := counts(pair)
		_, hangUp, err := oneCall(ctx, pair, 200*time.Millisecond)
		if hangUp != nil {
			if ended := hangUp(); err == nil {
				err = ended
			}
		}
		if err == nil {
			err = settle(ctx, pair)
		}
		if err != nil {
			return r, err
		}
		after := counts(pair)
		sum := 0
		for i, s := range pair.Sides {
			sent, received := after[i][0]-before[i][0], after[i][1]-before[i][1]
			r.Metric(s.Name+" sent", group, "bytes").Add(float64(sent))
			r.Metric(s.Name+" received", group, "bytes").Add(float64(received))
			sum += sent + received
		}
		all.Add(float64(sum))
		frames.Add(float64(after[0][2] + after[1][2] - before[0][2] - before[1][2]))
		e.step()
	}
	return r, nil
}

func counts(pair *lab.Pair) (out [2][3]int) {
	for i, s := range pair.Sides {
		out[i][0], out[i][1], out[i][2] = s.Wire.Counts()
	}
	return out
}

// settle waits until the last acknowledgements are through: a while without
// traffic.
func settle(ctx context.Context, pair *lab.Pair) error {
	const quiet = 300 * time.Millisecond
	for range 20 {
		before := counts(pair)
		if err := wait(ctx, quiet); err != nil {
			return err
		}
		if counts(pair) == before {
			return nil
		}
	}
	return fmt.Errorf("the WebSockets do not fall silent")
}
