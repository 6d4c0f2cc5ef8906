package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
)

// service measures the service process: how long until it is ready, and what
// it holds in memory while nothing happens.
func service(ctx context.Context, e *env) (*figures.Result, error) {
	r := &figures.Result{}
	runs := e.times(10, 2)
	idle := e.length(15*time.Second, 2*time.Second)
	e.steps(2*runs + 1)
	r.Set("starts", "%d first ones, each followed by a restart on the same folder", runs)
	r.Set("idle", "resident memory %v after the last restart", idle)
	parley, clean, err := program(ctx, "parley", e.parley, module+"/cmd/parley")
	if err != nil {
		return nil, err
	}
	defer clean()
	const group = "Start to ready, process start included"
	first := r.Metric("first start → ready", group, "ms", figures.Goal{Quantile: figures.Median, Must: 800, Aim: 500})
	again := r.Metric("restart → ready", group, "ms", figures.Goal{Quantile: figures.Median, Must: 300, Aim: 150})
	resident := r.Metric("idle, resident", "", "MB", figures.Goal{Quantile: figures.Most, Must: 60, Aim: 30})
	for i := range runs {
		last := time.Duration(0)
		if i == runs-1 {
			last = idle
		}
		if err := startTwice(ctx, e, parley, first, again, resident, last); err != nil {
			return r, err
		}
	}
	e.step()
	return r, nil
}

func startTwice(ctx context.Context, e *env, parley string, first, again, resident *figures.Metric, idle time.Duration) error {
	folder, err := os.MkdirTemp("", "parley-bench-data-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	defer remove(folder)
	for _, m := range []*figures.Metric{first, again} {
		p, _, took, err := serve(ctx, parley, folder)
		if err != nil {
			return err
		}
		m.AddTime(took)
		if m == again && idle > 0 {
			err = wait(ctx, idle)
			mb, measured := p.resident()
			resident.Add(mb)
			err = errors.Join(err, measured)
		}
		if err := errors.Join(err, p.stop(syscall.SIGTERM)); err != nil {
			return err
		}
		e.step()
	}
	return nil
}
