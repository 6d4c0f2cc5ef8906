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

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// steadyRate is how many messages per second go into the thread whose
	// deliveries are timed.
	steadyRate = 40
	// blastWindow is how many sends may wait for their result when deliveries
	// are counted.
	blastWindow = 64
	// manyMembers is the largest thread.
	manyMembers = 250
	// batchMembers is how many members a thread is made with.
	batchMembers = 200
)

// room is a thread and its members, all connected.
type room struct {
	bench   *chatBench
	id      string
	clients []*signaling.Client
	synced  atomic.Int64
	results chan *signalpb.ChatResult
	// delivered counts deliveries; latency keeps how long each took.
	delivered atomic.Int64
	mu        sync.Mutex
	latency   []float64 // ms
}

// deliver measures deliveries in threads of several sizes: at a steady rate how
// long they take, and as fast as possible how many there are.
func (b *chatBench) deliver(ctx context.Context, e *env, r *figures.Result, members int, length time.Duration) (err error) {
	room, err := b.fill(ctx, members)
	if room != nil {
		defer func() { err = errors.Join(err, room.close()) }()
	}
	if err != nil {
		return err
	}
	if err := room.steady(ctx, length); err != nil {
		return err
	}
	var goals []figures.Goal
	if members == manyMembers {
		goals = append(goals, figures.Goal{Quantile: figures.Median, Must: 15, Aim: 8})
	}
	name := func(figure string) string { return fmt.Sprintf("deliver: %d members, %s", members, figure) }
	group := fmt.Sprintf("Send to delivered, %d messages per second into one thread", steadyRate)
	r.Metric(name("p50"), group, "ms").Add(quantile(room.latency, 0.5))
	r.Metric(name("p99"), group, "ms", goals...).Add(quantile(room.latency, 0.99))
	e.step()
	if members < manyMembers {
		return nil // one connection may send 100 frames a second: too few members for more
	}
	perCore, rate, err := room.blast(ctx, length)
	if err != nil {
		return err
	}
	r.Metric(name("per core"), "Deliveries per second and core", "/s",
		figures.Goal{Quantile: figures.Median, Must: 50000, Aim: 150000, AtLeast: true}).Add(perCore)
	r.Metric(name("rate"), "Deliveries per second", "/s").Add(rate)
	e.step()
	return nil
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// fill makes a thread and connects its members.
func (b *chatBench) fill(ctx context.Context, members int) (*room, error) {
	users := make([]chatUser, members)
	for i := range users {
		u, err := b.user(ctx)
		if err != nil {
			return nil, err
		}
		users[i] = u
	}
	m := &room{bench: b, results: make(chan *signalpb.ChatResult, blastWindow)}
	var err error
	if m.id, err = b.thread(ctx, users[:min(members, batchMembers)]); err != nil {
		return nil, err
	}
	if err := b.join(ctx, m.id, users[0], users[min(members, batchMembers):]); err != nil {
		return nil, err
	}
	for i := range users {
		client, err := signaling.NewClient(&signaling.ClientOptions{
			Dialer:   signaling.NewWebSocketDialer(b.endpoint(), nil),
			Token:    func(context.Context) (string, error) { return users[i].token, nil },
			DeviceID: "bench", Handler: m.handle, QueueLimit: 4 << 20,
		})
		if err != nil {
			return m, fmt.Errorf("member: %w", err)
		}
		m.clients = append(m.clients, client)
		if _, err := client.Start(ctx); err != nil {
			return m, fmt.Errorf("member: %w", err)
		}
		if err := client.Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}}); err != nil {
			return m, fmt.Errorf("member: %w", err)
		}
	}
	for limit := time.Now().Add(callTime); m.synced.Load() < int64(members); {
		if time.Now().After(limit) {
			return m, fmt.Errorf("%d of %d members are told of their threads", m.synced.Load(), members)
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m *room) close() error {
	errs := make([]error, 0, len(m.clients))
	for _, c := range m.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// handle takes what the service says to any member.
func (m *room) handle(message *signaling.Message) error {
	switch body := message.GetBody().(type) {
	case *signalpb.Message_ChatSynced:
		m.synced.Add(1)
	case *signalpb.Message_ChatResult:
		m.results <- body.ChatResult
	case *signalpb.Message_ChatEvent:
		if body.ChatEvent.GetKind() != signalpb.ChatEvent_MESSAGE_RECEIVED {
			return nil
		}
		stamp, _, _ := strings.Cut(body.ChatEvent.GetMessage().GetContent(), " ")
		if sent, err := strconv.ParseInt(stamp, 10, 64); err == nil && sent > 0 {
			took := float64(time.Now().UnixNano()-sent) / float64(time.Millisecond)
			m.mu.Lock()
			m.latency = append(m.latency, took)
			m.mu.Unlock()
		}
		m.delivered.Add(1) // last: whoever waits for it reads latency without the lock
	}
	return nil
}

// say sends the n-th message from one of the members; stamped ones are timed.
func (m *room) say(n int, stamped bool) error {
	stamp := int64(0)
	if stamped {
		stamp = time.Now().UnixNano()
	}
	request := &signalpb.ChatRequest{
		Number: uint64(n), ThreadId: m.id, //nolint:gosec // G115: counts from 1
		Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{
			Kind: "text", Content: fmt.Sprint(stamp, " ", chatText), ClientId: fmt.Sprint(stamped, n),
		}},
	}
	return m.clients[n%len(m.clients)].Send(&signaling.Message{Body: &signalpb.Message_ChatRequest{ChatRequest: request}})
}

// result waits for one.
func (m *room) result(ctx context.Context) error {
	late := time.NewTimer(callTime)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return errors.New("no result of a send")
	case r := <-m.results:
		if r.GetCode() != 0 {
			return fmt.Errorf("send: %d %s", r.GetCode(), r.GetMessage())
		}
		return nil
	}
}

// steady sends at a fixed rate and waits until all has arrived.
func (m *room) steady(ctx context.Context, length time.Duration) error {
	m.delivered.Store(0)
	count := max(1, int(length.Seconds()*steadyRate))
	begin := time.Now()
	for n := 1; n <= count; n++ {
		if err := wait(ctx, time.Until(begin.Add(time.Duration(n)*time.Second/steadyRate))); err != nil {
			return err
		}
		if err := m.say(n, true); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if n > blastWindow/2 {
			if err := m.result(ctx); err != nil {
				return err
			}
		}
	}
	for range min(count, blastWindow/2) {
		if err := m.result(ctx); err != nil {
			return err
		}
	}
	return m.arrived(ctx, int64(count*len(m.clients)))
}

// arrived waits for a number of deliveries.
func (m *room) arrived(ctx context.Context, want int64) error {
	for limit := time.Now().Add(callTime); m.delivered.Load() < want; {
		if time.Now().After(limit) {
			return fmt.Errorf("delivered %d of %d", m.delivered.Load(), want)
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// blast sends as fast as results come.
func (m *room) blast(ctx context.Context, length time.Duration) (perCore, rate float64, err error) {
	m.delivered.Store(0)
	before, err := m.bench.process.busy()
	if err != nil {
		return 0, 0, err
	}
	begin, sent := time.Now(), 0
	for ; time.Since(begin) < length || sent == 0; sent++ {
		if sent >= blastWindow {
			if err := m.result(ctx); err != nil {
				return 0, 0, err
			}
		}
		if err := m.say(sent+1, false); err != nil {
			return 0, 0, fmt.Errorf("send: %w", err)
		}
	}
	for range min(sent, blastWindow) {
		if err := m.result(ctx); err != nil {
			return 0, 0, err
		}
	}
	if err := m.arrived(ctx, int64(sent*len(m.clients))); err != nil {
		return 0, 0, err
	}
	took := time.Since(begin)
	after, err := m.bench.process.busy()
	if err != nil {
		return 0, 0, err
	}
	n := float64(m.delivered.Load())
	return n / (after - before).Seconds(), n / took.Seconds(), nil
}
