package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
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

func idleName(kind string, n int) string {
	return fmt.Sprintf("idle connection, %s, %d of them", kind, n)
}

// idle opens connections that do nothing and measures what each system holds
// for each. What a system keeps of messages makes no difference, so one of
// either kind is enough.
func (c *chatRun) idle(ctx context.Context) error {
	for _, n := range c.idles {
		for _, secure := range []bool{false, true} {
			for _, s := range slices.Clone(c.systems) {
				if s.name() == ejabberdSQLite || s.name() == natsDurable {
					c.step()
					continue
				}
				if err := c.failed(ctx, s, c.idleOf(ctx, s, n, secure)); err != nil {
					return err
				}
				c.step()
			}
		}
	}
	return nil
}

func (c *chatRun) idleOf(ctx context.Context, s chatSystem, n int, secure bool) (err error) {
	idlers, err := s.crowd(ctx, n, secure)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, idlers.close()) }()
	settle := c.env.length(settleTime, time.Second)
	before, err := resting(ctx, s, settle)
	if err != nil {
		return err
	}
	if err := idlers.open(ctx); err != nil {
		return err
	}
	after, err := resting(ctx, s, settle)
	if err != nil {
		return err
	}
	kind, goal := "plain", figures.Goal{Quantile: figures.Most, Must: 16, Aim: 12}
	if secure {
		kind, goal = "TLS", figures.Goal{Quantile: figures.Most, Must: 40, Aim: 28}
	}
	c.metric(s, idleName(kind, n), "Resident memory of the server for each idle connection", "KB", goal).Add((after - before) * 1000 / float64(n))
	return nil
}

// resting returns the resident memory in MB after a while of nothing.
func resting(ctx context.Context, s chatSystem, settle time.Duration) (float64, error) {
	if err := wait(ctx, settle); err != nil {
		return 0, err
	}
	return s.server().resident()
}

// crowd starts the service afresh.
func (b *chatBench) crowd(ctx context.Context, n int, secure bool) (crowd, error) {
	return b.devices(ctx, n, secure, nil)
}

// devices starts the service afresh with users who have n devices in all. With
// synced they ask for their threads, and it counts those who have been told.
func (b *chatBench) devices(ctx context.Context, n int, secure bool, synced *atomic.Int64) (crowd, error) {
	if err := b.restart(ctx); err != nil {
		return crowd{}, err
	}
	users := make([]chatUser, idleUsers)
	for i := range users {
		var err error
		if users[i], err = b.user(ctx); err != nil {
			return crowd{}, err
		}
	}
	clients := make([]*signaling.Client, n)
	return crowd{
		open: func(ctx context.Context) error { return b.open(ctx, users, clients, secure, synced) },
		close: func() error {
			var err error
			for _, c := range clients {
				if c != nil {
					err = errors.Join(err, c.Close())
				}
			}
			return err
		},
	}, nil
}

// open signs the devices in.
func (b *chatBench) open(ctx context.Context, users []chatUser, clients []*signaling.Client, secure bool, synced *atomic.Int64) error {
	owner, err := account.New(*b.connection, nil)
	if err != nil {
		return err
	}
	defer owner.Close()
	endpoint := b.endpoint()
	if secure {
		endpoint = strings.TrimSuffix(b.connection.Endpoint, "/")
	}
	return each(len(clients), func(i int) (err error) {
		u := &users[i%len(users)]
		clients[i], err = signaling.NewClient(&signaling.ClientOptions{
			Dialer:   signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{TLSConfig: owner.TLS()}),
			Token:    func(context.Context) (string, error) { return u.token, nil },
			DeviceID: fmt.Sprint("device-", i),
			Handler: func(m *signaling.Message) error {
				if m.GetChatSynced() != nil && synced != nil {
					synced.Add(1)
				}
				return nil
			},
		})
		if err != nil {
			return err
		}
		if _, err := clients[i].Start(ctx); err != nil || synced == nil {
			return err
		}
		return clients[i].Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}})
	})
}

// beside measures deliveries while many others are connected to the service,
// every one of them ready to be told of messages. A second process of the
// service, to which nobody else is connected, has its turn in each round: what
// both lose is the machine's.
func (c *chatRun) beside(ctx context.Context) (err error) {
	service := c.systems[0].(*chatBench)
	both := []chatSystem{service}
	if c.database == "" { // one database is for one of them
		alone, err := startChat(ctx, c.env)
		if err != nil {
			return err
		}
		alone.label = withoutThem
		defer func() { err = errors.Join(err, alone.close()) }()
		both = append(both, alone)
	}
	for _, n := range c.idles {
		if err := c.besideOf(ctx, both, n); err != nil {
			return fmt.Errorf("beside %d idle connections: %w", n, err)
		}
	}
	return nil
}

// withoutThem is the name of the service to which nobody else is connected.
const withoutThem = "without them"

func besideName(n int) string { return fmt.Sprintf(" beside %d idle connections", n) }

func (c *chatRun) besideOf(ctx context.Context, both []chatSystem, n int) (err error) {
	synced := &atomic.Int64{}
	idlers, err := both[0].(*chatBench).devices(ctx, n, false, synced)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, idlers.close()) }()
	if err := idlers.open(ctx); err != nil {
		return err
	}
	for limit := time.Now().Add(callTime); synced.Load() < int64(n); {
		if time.Now().After(limit) {
			return fmt.Errorf("%d of them are ready", synced.Load())
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	for _, members := range c.sizes {
		if err := c.deliver(ctx, members, both, besideName(n)); err != nil {
			return err
		}
	}
	return nil
}
