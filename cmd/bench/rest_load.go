package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"
)

// load is what a round of requests came to.
type load struct {
	took  time.Duration
	busy  time.Duration   // processor time of the server
	times []time.Duration // of each request, sorted
}

// rate returns the requests per second.
func (l *load) rate() float64 { return float64(len(l.times)) / l.took.Seconds() }

// perCore returns the requests per second of the server's processor time: what
// one core would do if it did nothing else.
func (l *load) perCore() float64 { return float64(len(l.times)) / l.busy.Seconds() }

// at returns a quantile of the times in milliseconds.
func (l *load) at(q float64) float64 {
	if len(l.times) == 0 {
		return math.NaN()
	}
	i := max(0, int(math.Ceil(q*float64(len(l.times))))-1)
	return float64(l.times[i]) / float64(time.Millisecond)
}

// target is a server under load.
type target struct {
	process *process
	// request makes the n-th request.
	request func(ctx context.Context, n int) (*http.Request, error)
	want    int
	// do, when it is given, does the n-th of anything else instead.
	do func(ctx context.Context, n int) error
}

// press sends requests over a number of connections for a while. With a rate
// they are due at fixed times, and each is timed from when it was due: a server
// that stalls is charged for all that had to wait. Without one each connection
// sends the next as soon as it has the answer.
func (t *target) press(ctx context.Context, connections int, length time.Duration, rate float64) (*load, error) {
	before, err := t.process.busy()
	if err != nil {
		return nil, err
	}
	l := &load{}
	errs := make([]error, connections)
	times := make([][]time.Duration, connections)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() { times[i], errs[i] = t.worker(ctx, i, connections, begin, length, rate) })
	}
	wg.Wait()
	l.took = time.Since(begin)
	after, err := t.process.busy()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	l.busy = after - before
	for _, s := range times {
		l.times = append(l.times, s...)
	}
	slices.Sort(l.times)
	if len(l.times) == 0 || l.busy == 0 {
		return nil, errors.New("no request was answered")
	}
	return l, nil
}

// worker is one connection.
func (t *target) worker(ctx context.Context, i, connections int, begin time.Time, length time.Duration, rate float64) ([]time.Duration, error) {
	transport := &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: callTime}
	var times []time.Duration
	for n := i; ; n += connections {
		due := time.Now()
		if rate > 0 {
			due = begin.Add(time.Duration(float64(n) / rate * float64(time.Second)))
			if due.Sub(begin) >= length {
				return times, nil
			}
			if err := wait(ctx, time.Until(due)); err != nil {
				return nil, err
			}
		} else if due.Sub(begin) >= length {
			return times, nil
		}
		if err := t.once(ctx, client, n); err != nil {
			return nil, err
		}
		times = append(times, time.Since(due))
	}
}

func (t *target) once(ctx context.Context, client *http.Client, n int) error {
	if t.do != nil {
		return t.do(ctx, n)
	}
	req, err := t.request(ctx, n)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if res.StatusCode != t.want {
		return fmt.Errorf("%s %s: %s: %.300s", req.Method, req.URL.Path, res.Status, body)
	}
	return nil
}
