package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/account"
)

// memory holds a call between two programs that link the engine only, the
// service being a third, and looks at how much of them is resident.
func memory(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	length := e.length(time.Minute, 5*time.Second)
	e.steps(int(length/time.Second) + 1)
	r.Set("call", "%v of audio between two processes, the service in a third, all on this machine", length)
	parley, clean, err := program(ctx, "parley", e.parley, module+"/cmd/parley")
	if err != nil {
		return nil, err
	}
	defer clean()
	probe, cleanProbe, err := program(ctx, "memprobe", "", module+"/cmd/bench/memprobe")
	if err != nil {
		return nil, err
	}
	defer cleanProbe()
	folder, err := os.MkdirTemp("", "parley-bench-data-")
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	defer remove(folder)
	srv, connection, _, err := serve(ctx, parley, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, srv.stop(syscall.SIGTERM)) }()
	e.step()
	probes, err := probeCall(ctx, probe, connection)
	defer func() {
		for _, p := range probes {
			err = errors.Join(err, p.stop())
		}
	}()
	if err != nil {
		return r, err
	}
	return r, watchMemory(ctx, e, r, length, []watched{
		{"caller", probes[0]}, {"callee", probes[1]}, {"service", srv},
	})
}

// probeCall starts two probes, the second calling the first, and returns when
// both hear.
func probeCall(ctx context.Context, probe string, connection *account.Connection) ([]*process, error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	service, err := account.New(*connection, nil)
	if err != nil {
		return nil, err
	}
	defer service.Close()
	callee, err := service.User(limited, "callee")
	if err != nil {
		return nil, err
	}
	caller, err := service.User(limited, "caller")
	if err != nil {
		return nil, err
	}
	args := []string{"-endpoint", connection.Endpoint, "-ca", connection.CAFile}
	run := func(name string, extra ...string) (*process, error) {
		user := caller
		if name == "callee" {
			user = callee
		}
		token, err := service.Token(limited, user)
		if err != nil {
			return nil, err
		}
		p, err := start(ctx, probe, append(args, extra...)...)
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(p.stdin, token.Token+"\n")
		return p, err
	}
	answers, err := run("callee")
	if err != nil {
		return nil, err
	}
	if _, err := answers.line(limited, "signed in"); err != nil {
		return []*process{answers}, err
	}
	calls, err := run("caller", "-to", callee.RawID())
	if err != nil {
		return []*process{answers}, err
	}
	both := []*process{calls, answers}
	for _, p := range both {
		if _, err := p.line(limited, "in call"); err != nil {
			return both, err
		}
	}
	return both, nil
}

type watched struct {
	name string
	*process
}

func watchMemory(ctx context.Context, e *env, r *figures.Result, length time.Duration, all []watched) error {
	curves := figures.Curves{Title: "Resident memory during the call", XUnit: "seconds", YUnit: "MB", Curves: make([]figures.Curve, len(all))}
	for i, w := range all {
		curves.Curves[i].Name = w.name
	}
	begin := time.Now()
	for {
		for i, w := range all {
			mb, err := w.resident()
			if err != nil {
				return err
			}
			curves.Curves[i].X = append(curves.Curves[i].X, time.Since(begin).Seconds())
			curves.Curves[i].Y = append(curves.Curves[i].Y, mb)
		}
		if time.Since(begin) >= length {
			break
		}
		if err := wait(ctx, min(time.Second, length)); err != nil {
			return err
		}
		e.step()
	}
	engine := r.Metric("program that links the engine only, resident at the end", "", "MB",
		figures.Goal{Quantile: figures.Most, Must: 30, Aim: 20})
	for i := range all {
		y := curves.Curves[i].Y
		if all[i].name == "service" {
			r.Metric("service during the call, resident at the end", "", "MB").Add(y[len(y)-1])
			continue
		}
		engine.Add(y[len(y)-1])
	}
	r.Curves = append(r.Curves, curves)
	return nil
}
