package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// batchMembers is how many members a thread is made with.
const batchMembers = 200

func (b *chatBench) name() string { return b.label }

func (b *chatBench) server() *process { return b.process }

func (b *chatBench) pair(ctx context.Context) (*conversation, error) { return b.room(ctx, 2) }

// room makes a thread and connects its members over Parley's signaling.
func (b *chatBench) room(ctx context.Context, members int) (*conversation, error) {
	users := make([]chatUser, members)
	for i := range users {
		u, err := b.user(ctx)
		if err != nil {
			return nil, err
		}
		users[i] = u
	}
	id, err := b.thread(ctx, users[:min(members, batchMembers)])
	if err != nil {
		return nil, err
	}
	if err := b.join(ctx, id, users[0], users[min(members, batchMembers):]); err != nil {
		return nil, err
	}
	m := &membersOf{bench: b, tally: newTally(members, 1)}
	for i := range users {
		if err := m.connect(ctx, users[i]); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	if err := m.ready(ctx); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &conversation{tally: m.tally, close: m.close, say: func(n int, text string) error { return m.say(id, n, text) }}, nil
}

// membersOf are the connections of a thread's members.
type membersOf struct {
	bench   *chatBench
	tally   *tally
	clients []*signaling.Client
	synced  atomic.Int64
}

// connect signs a member in and asks for its threads.
func (m *membersOf) connect(ctx context.Context, user chatUser) error {
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer:   signaling.NewWebSocketDialer(m.bench.endpoint(), nil),
		Token:    func(context.Context) (string, error) { return user.token, nil },
		DeviceID: "bench", Handler: m.handle, QueueLimit: 4 << 20,
	})
	if err != nil {
		return fmt.Errorf("member: %w", err)
	}
	m.clients = append(m.clients, client)
	if _, err := client.Start(ctx); err != nil {
		return fmt.Errorf("member: %w", err)
	}
	if err := client.Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}}); err != nil {
		return fmt.Errorf("member: %w", err)
	}
	return nil
}

// ready waits until all have been told of their threads.
func (m *membersOf) ready(ctx context.Context) error {
	want := int64(len(m.clients))
	for limit := time.Now().Add(callTime); m.synced.Load() < want; {
		if time.Now().After(limit) {
			return fmt.Errorf("%d of %d members are told of their threads", m.synced.Load(), want)
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (m *membersOf) close() error {
	errs := make([]error, 0, len(m.clients))
	for _, c := range m.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// handle takes what the service says to any member.
func (m *membersOf) handle(message *signaling.Message) error {
	switch body := message.GetBody().(type) {
	case *signalpb.Message_ChatSynced:
		m.synced.Add(1)
	case *signalpb.Message_ChatResult:
		var err error
		if r := body.ChatResult; r.GetCode() != 0 {
			err = fmt.Errorf("%d %s", r.GetCode(), r.GetMessage())
		}
		m.tally.accepted(err)
	case *signalpb.Message_ChatEvent:
		if body.ChatEvent.GetKind() == signalpb.ChatEvent_MESSAGE_RECEIVED {
			m.tally.heard(body.ChatEvent.GetMessage().GetContent())
		}
	}
	return nil
}

// say sends the n-th message into a thread.
func (m *membersOf) say(thread string, n int, text string) error {
	request := &signalpb.ChatRequest{
		Number: uint64(n), ThreadId: thread, //nolint:gosec // G115: counts from 1
		Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{Kind: "text", Content: text, ClientId: fmt.Sprint("bench ", n)}},
	}
	return m.clients[n%len(m.clients)].Send(&signaling.Message{Body: &signalpb.Message_ChatRequest{ChatRequest: request}})
}
