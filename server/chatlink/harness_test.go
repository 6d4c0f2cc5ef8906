package chatlink_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// chatBus is a bus as chat wants it.
type chatBus struct{ *bus.Bus }

func (b chatBus) Subscribe(subject string, handler func(string, []byte)) (chat.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// everybody is a user.
type everybody struct{}

func (everybody) Existing(_ context.Context, _ guid.GUID, users []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, u := range users {
		known[u] = true
	}
	return known, nil
}

// harness is chat with its links over a database and a bus, to which agents of
// bob connect.
type harness struct {
	tb       testing.TB
	threads  *chat.Service
	links    *chatlink.Service
	acceptor *signaling.Acceptor
	alice    *chat.Caller
	bob      string
}

// open starts everything; wrap gives chat its bus.
func open(tb testing.TB, wrap func(*bus.Bus) chat.Bus, options chatlink.Options) *harness {
	tb.Helper()
	ctx := context.Background()
	path := filepath.Join(tb.TempDir(), "db")
	st, err := store.Open(ctx, store.Options{Path: path, URL: testkit.Database(tb, path)})
	if err != nil {
		tb.Fatal(err)
	}
	inner, err := bus.Open(ctx, bus.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	h := &harness{tb: tb}
	if h.threads, err = chat.Open(chat.Options{Store: st, Bus: wrap(inner), Users: everybody{}}); err != nil {
		tb.Fatal(err)
	}
	resource := guid.New()
	user := func() string { return "8:acs:" + resource.String() + "_" + guid.New().String() }
	h.alice, h.bob = &chat.Caller{User: user(), Resource: resource, Scopes: []string{"chat"}}, user()
	options.Chat = h.threads
	h.links = chatlink.Open(options)
	h.acceptor, err = signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(context.Context, string) (signaling.Principal, error) {
			return signaling.Principal{UserID: h.bob, ResourceID: resource.String(), Scopes: "voip,chat"}, nil
		},
		Handler: h.links.Handle,
		Closed:  func(s *signaling.Session, _ error) { h.links.Closed(s) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		err := h.acceptor.Shutdown(context.Background())
		h.links.Close()
		if err := errors.Join(err, h.threads.Close(), inner.Close(), st.Close()); err != nil {
			tb.Error(err)
		}
	})
	return h
}

// connect starts an agent of bob, which is to be closed. It tells what it hears
// and where its connection stands.
func (h *harness) connect(tb testing.TB, heard func(*signaling.Message), state func(signaling.ClientState)) *signaling.Client {
	tb.Helper()
	client, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: h.acceptor.Dialer(), Token: func(context.Context) (string, error) { return "", nil },
		Handler:      func(m *signaling.Message) error { heard(m); return nil },
		StateChanged: state,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := client.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return client
}

// thread makes a thread of alice and the others.
func (h *harness) thread(others ...string) string {
	h.tb.Helper()
	n := chat.NewThread{Topic: "lunch"}
	for _, u := range others {
		n.Participants = append(n.Participants, chat.Participant{User: u})
	}
	made, _, err := h.threads.CreateThread(context.Background(), h.alice, n)
	if err != nil {
		h.tb.Fatal(err)
	}
	return made.ID
}

func subscribe(m *signalpb.ChatSubscribe) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatSubscribe{ChatSubscribe: m}}
}

func request(r *signalpb.ChatRequest) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatRequest{ChatRequest: r}}
}
