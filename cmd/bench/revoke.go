package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// revoke measures how long after the revocation of a user's tokens its open
// connections are told to go. It counts from before the request, so that what
// the answer takes is part of it. With PostgreSQL there is a second node, which
// hears of it over NATS.
func revoke(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	rounds := e.times(200, 5)
	e.steps(rounds)
	n, err := startRevocation(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	r.Set("rounds", "%d users, each with an agent and an agent that follows its chats on every node", rounds)
	r.Set("nodes", "%s", n.describe())
	r.Set("counted", "from before the request that revokes, at the first node, to the connection's end")
	const group = "Revocation to the end of an open connection"
	goal := figures.Goal{Quantile: figures.Most, Must: 1000, Aim: 100}
	answered := r.Metric("revoke → answer", group, "ms")
	var told []*figures.Metric
	for _, where := range []string{"", ", of another node"}[:len(n.nodes)] {
		told = append(told, r.Metric("revoke → agent told"+where, group, "ms", goal), r.Metric("revoke → chat connection told"+where, group, "ms", goal))
	}
	for range rounds {
		if err := n.round(ctx, answered, told); err != nil {
			return r, err
		}
		e.step()
	}
	return r, nil
}

// revocation are the nodes: one, or two with a bus.
type revocation struct {
	nodes []*chatBench
	bus   *natsServer
}

func startRevocation(ctx context.Context, e *env) (_ *revocation, err error) {
	n := &revocation{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	var more []string
	count := 1
	if e.database != "" {
		if n.bus, err = startNATS(ctx, false); err != nil {
			return nil, err
		}
		count, more = 2, []string{"--nats", n.bus.address}
	}
	for range count {
		b, err := startChat(ctx, e, more...)
		if err != nil {
			return nil, err
		}
		n.nodes = append(n.nodes, b)
	}
	return n, nil
}

func (n *revocation) close() error {
	var errs []error
	for _, b := range n.nodes {
		errs = append(errs, b.close())
	}
	if n.bus != nil {
		errs = append(errs, n.bus.close())
	}
	return errors.Join(errs...)
}

func (n *revocation) describe() string {
	if n.bus == nil {
		return "one, SQLite (--database with PostgreSQL measures two)"
	}
	return "two, PostgreSQL and NATS"
}

// round makes a user with connections to all nodes, and revokes its tokens.
func (n *revocation) round(ctx context.Context, answered *figures.Metric, told []*figures.Metric) (err error) {
	user, err := n.nodes[0].user(ctx)
	if err != nil {
		return err
	}
	var open []*revocable
	defer func() {
		for _, o := range open {
			err = errors.Join(err, o.client.Close())
		}
	}()
	for i, node := range n.nodes {
		for _, device := range []string{"agent", "chat"} {
			o, err := openRevocable(ctx, node, user, fmt.Sprint(device, i))
			if err != nil {
				return err
			}
			open = append(open, o)
		}
		if err := open[len(open)-1].follow(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := n.nodes[0].revoke(ctx, user); err != nil {
		return err
	}
	answered.AddTime(time.Since(began))
	for i, m := range told {
		ended, err := open[i].gone(ctx)
		if err != nil {
			return err
		}
		m.AddTime(ended.Sub(began))
	}
	return nil
}

// revoke ends all tokens of a user.
func (b *chatBench) revoke(ctx context.Context, user chatUser) error {
	target := b.endpoint() + acswire.RevokeAccessTokensPath(user.id) + "?api-version=2023-10-01"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, nil)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if err := acswire.Sign(req, b.key, nil, time.Now()); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("revoke: %s", res.Status)
	}
	return nil
}

// revocable is a connection that waits for its end.
type revocable struct {
	client                *signaling.Client
	synced                chan struct{}
	ended                 chan signaling.ClientState
	at                    time.Time // before ended says so
	onceSynced, onceEnded sync.Once
}

func openRevocable(ctx context.Context, b *chatBench, user chatUser, device string) (*revocable, error) {
	o := &revocable{synced: make(chan struct{}), ended: make(chan signaling.ClientState, 1)}
	var err error
	o.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer:   signaling.NewWebSocketDialer(b.endpoint(), nil),
		Token:    func(context.Context) (string, error) { return user.token, nil },
		DeviceID: device,
		Handler: func(m *signaling.Message) error {
			if m.GetChatSynced() != nil {
				o.onceSynced.Do(func() { close(o.synced) })
			}
			return nil
		},
		StateChanged: func(s signaling.ClientState) {
			if s.Phase == signaling.ClientClosed {
				o.onceEnded.Do(func() {
					o.at = time.Now()
					o.ended <- s
				})
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	if _, err := o.client.Start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", device, err), o.client.Close())
	}
	return o, nil
}

// follow asks for the user's chats, and waits until they are being followed.
func (o *revocable) follow(ctx context.Context) error {
	subscribe := &signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}}
	if err := o.client.Send(subscribe); err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	select {
	case <-o.synced:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("chat: not told of its threads: %w", ctx.Err())
	}
}

// gone waits for the end, which must be because the token was refused.
func (o *revocable) gone(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	select {
	case state := <-o.ended:
		var goodbye *signaling.GoodbyeError
		if !errors.As(state.Err, &goodbye) {
			return time.Time{}, fmt.Errorf("the connection ended without a reason: %w", state.Err)
		}
		return o.at, nil
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("a connection outlives the tokens: %w", ctx.Err())
	}
}
