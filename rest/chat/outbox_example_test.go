package chat_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/parley-rtc/parley/rest/chat"
)

// train is a sender without a network in the tunnel.
type train struct {
	client *chat.Client
	tunnel atomic.Bool
}

func (t *train) SendOutboxMessage(ctx context.Context, m chat.OutboxMessage) (string, error) {
	if t.tunnel.Load() {
		return "", errors.New("no network")
	}
	return t.client.SendOutboxMessage(ctx, m)
}

// What waits can be shown and given up, and is tried at once when the
// application knows that there is a network again.
func ExampleOutbox_Waiting() {
	folder, err := os.MkdirTemp("", "outbox-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	store, err := chat.NewFileOutboxStore(filepath.Join(folder, "outbox.jsonl"))
	if err != nil {
		fmt.Println(err)
		return
	}
	sender := &train{client: exampleClient()}
	sender.tunnel.Store(true)
	sent := make(chan chat.OutboxSent, 1)
	outbox, err := chat.NewOutbox(chat.OutboxOptions{
		Store: store, Sender: sender, Sent: func(s chat.OutboxSent) { sent <- s },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"In the tunnel", "Never mind"} {
		if _, err := outbox.Add(chat.OutboxMessage{ThreadID: exampleThread, Content: text}); err != nil {
			fmt.Println(err)
			return
		}
	}
	waiting := outbox.Waiting()
	fmt.Println(len(waiting), "wait")
	if err := outbox.Remove(waiting[1].ClientID); err != nil {
		fmt.Println(err)
		return
	}
	sender.tunnel.Store(false)
	outbox.Retry()
	fmt.Println((<-sent).Message.Content)
	if err := outbox.Close(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(outbox.Waiting()), "wait")
	// Output:
	// 2 wait
	// In the tunnel
	// 0 wait
}

func ExampleClient_SendOutboxMessage() {
	// A Client sends what is in an outbox at least once, a Realtime exactly once.
	id, err := exampleClient().SendOutboxMessage(context.Background(), chat.OutboxMessage{ThreadID: exampleThread, Content: "Hello"})
	fmt.Println(id, err)
	// Output: 1795219374914 <nil>
}

// An application that hears of a change of its network tells the connection.
func ExampleRealtime_NetworkChanged() {
	realtime, err := chat.NewRealtime(exampleEndpoint, exampleCredential{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	realtime.NetworkChanged()
	fmt.Println(realtime.Close())
	// Output: <nil>
}

func ExamplePossibleConnectionStateValues() {
	fmt.Println(len(chat.PossibleConnectionStateValues()) > 0)
	// Output: true
}
