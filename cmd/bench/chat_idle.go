package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/signaling"
)

const (
	// openers is how many connections are opened at once.
	openers = 32
	// idleUsers share the connections: each has many devices.
	idleUsers = 250
	// settleTime is how long the service is left alone before it is measured:
	// memory that only the opening needed has gone back by then.
	settleTime = 15 * time.Second
)

// idle opens connections that do nothing and measures what the service holds
// for each.
func (b *chatBench) idle(ctx context.Context, e *env, r *figures.Result, n int, secure bool) (err error) {
	if err := b.restart(ctx); err != nil {
		return err
	}
	users := make([]chatUser, idleUsers)
	for i := range users {
		if users[i], err = b.user(ctx); err != nil {
			return err
		}
	}
	settle := e.length(settleTime, time.Second)
	before, err := b.rest(ctx, settle)
	if err != nil {
		return err
	}
	clients, err := b.open(ctx, users, n, secure)
	defer func() {
		for _, c := range clients {
			if c != nil {
				err = errors.Join(err, c.Close())
			}
		}
	}()
	if err != nil {
		return err
	}
	after, err := b.rest(ctx, settle)
	if err != nil {
		return err
	}
	kind, goal := "plain", figures.Goal{Quantile: figures.Most, Must: 16, Aim: 12}
	if secure {
		kind, goal = "TLS", figures.Goal{Quantile: figures.Most, Must: 40, Aim: 28}
	}
	name := fmt.Sprintf("idle connection, %s, %d of them", kind, n)
	r.Metric(name, "Resident memory of the service for each idle connection", "KB", goal).Add((after - before) * 1000 / float64(n))
	e.step()
	return nil
}

// rest returns the resident memory in MB after a while of nothing.
func (b *chatBench) rest(ctx context.Context, settle time.Duration) (float64, error) {
	if err := wait(ctx, settle); err != nil {
		return 0, err
	}
	return b.process.resident()
}

// open signs in n devices of users.
func (b *chatBench) open(ctx context.Context, users []chatUser, n int, secure bool) ([]*signaling.Client, error) {
	owner, err := account.New(*b.connection, nil)
	if err != nil {
		return nil, err
	}
	defer owner.Close()
	endpoint := b.endpoint()
	if secure {
		endpoint = strings.TrimSuffix(b.connection.Endpoint, "/")
	}
	clients := make([]*signaling.Client, n)
	errs := make([]error, openers)
	var wg sync.WaitGroup
	for w := range openers {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += openers {
				u := &users[i%len(users)]
				clients[i], errs[w] = signaling.NewClient(&signaling.ClientOptions{
					Dialer:   signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{TLSConfig: owner.TLS()}),
					Token:    func(context.Context) (string, error) { return u.token, nil },
					DeviceID: fmt.Sprint("device-", i),
					Handler:  func(*signaling.Message) error { return nil },
				})
				if errs[w] == nil {
					_, errs[w] = clients[i].Start(ctx)
				}
			}
		})
	}
	wg.Wait()
	return clients, errors.Join(errs...)
}
