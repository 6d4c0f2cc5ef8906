package chatlink_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// lossyBus loses what is published while it is told to.
type lossyBus struct {
	*bus.Bus
	loses atomic.Bool
}

func (b *lossyBus) Publish(subject string, data []byte) error {
	if b.loses.Load() {
		return nil
	}
	return b.Bus.Publish(subject, data)
}

func (b *lossyBus) Subscribe(subject string, handler func(string, []byte)) (chat.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

type everybody struct{}

func (everybody) Existing(_ context.Context, _ guid.GUID, users []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, u := range users {
		known[u] = true
	}
	return known, nil
}

// TestLoss: what the bus loses is told with what follows, or when the node
// looks again, in order and once.
func TestLoss(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(ctx, store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := bus.Open(ctx, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lossy := &lossyBus{Bus: inner}
	threads, err := chat.Open(chat.Options{Store: st, Bus: lossy, Users: everybody{}})
	if err != nil {
		t.Fatal(err)
	}
	resource := guid.New()
	alice := &chat.Caller{User: "8:acs:" + resource.String() + "_" + guid.New().String(), Resource: resource, Scopes: []string{"chat"}}
	bob := "8:acs:" + resource.String() + "_" + guid.New().String()
	links := chatlink.Open(chatlink.Options{Chat: threads})
	acceptor, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(context.Context, string) (signaling.Principal, error) {
			return signaling.Principal{UserID: bob, ResourceID: resource.String(), Scopes: "voip,chat"}, nil
		},
		Handler: links.Handle,
		Closed:  func(s *signaling.Session, _ error) { links.Closed(s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan *signaling.Message, 1000)
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: acceptor.Dialer(), Token: func(context.Context) (string, error) { return "", nil },
		Handler: func(m *signaling.Message) error { heard <- m; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(client.Close(), acceptor.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
		links.Close()
		if err := errors.Join(threads.Close(), inner.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	thread, _, err := threads.CreateThread(ctx, alice, chat.NewThread{Topic: "lunch", Participants: []chat.Participant{{User: bob}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Send(&signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: &signalpb.ChatSubscribe{}}}); err != nil {
		t.Fatal(err)
	}
	for m := range heard {
		if m.GetChatSynced() != nil {
			break
		}
	}
	said, next := 0, 0
	say := func(count int) {
		for range count {
			if _, _, err := threads.Send(ctx, alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: fmt.Sprint(said)}); err != nil {
				t.Fatal(err)
			}
			said++
		}
	}
	listen := func() {
		t.Helper()
		for next < said {
			e := (<-heard).GetChatEvent()
			if e.GetKind() != signalpb.ChatEvent_MESSAGE_RECEIVED {
				continue
			}
			if e.GetMessage().GetContent() != fmt.Sprint(next) {
				t.Fatalf("message %d is %v", next, e)
			}
			next++
		}
	}
	say(3)
	listen()
	lossy.loses.Store(true)
	say(50)
	lossy.loses.Store(false)
	say(1) // what follows shows the gap
	listen()
	lossy.loses.Store(true)
	say(40)
	lossy.loses.Store(false)
	links.Recheck() // nothing follows
	listen()
	say(2)
	listen()
	if links.Links() != 1 {
		t.Errorf("%d links", links.Links())
	}
}
