package chat_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
)

// courier is a sender that fails as it is told.
type courier struct {
	mu   sync.Mutex
	sent []string
	fail func(m chat.OutboxMessage) error
}

func (c *courier) SendOutboxMessage(_ context.Context, m chat.OutboxMessage) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(m); err != nil {
			return "", err
		}
	}
	c.sent = append(c.sent, m.ThreadID+":"+m.Content)
	return "id of " + m.Content, nil
}

func openStore(t *testing.T, path string) chat.OutboxStore {
	t.Helper()
	store, err := chat.NewFileOutboxStore(path)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func openOutbox(t *testing.T, options chat.OutboxOptions) *chat.Outbox {
	t.Helper()
	o, err := chat.NewOutbox(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func add(t *testing.T, o *chat.Outbox, thread, text string) string {
	t.Helper()
	id, err := o.Add(chat.OutboxMessage{ThreadID: thread, Content: text})
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	return id
}

// TestOutbox_Order: messages of a thread go in order, also over failures that
// pass; those that will never be taken make room for the next.
func TestOutbox_Order(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	failures := map[string]int{"0": 2, "3": 1}
	sender := &courier{fail: func(m chat.OutboxMessage) error {
		if m.Content == "2" && m.ThreadID == "a" {
			return &chat.RefusedError{StatusCode: 403, Message: "no"}
		}
		if failures[m.Content] > 0 {
			failures[m.Content]--
			return errors.New("no network")
		}
		return nil
	}}
	sent, failed := make(chan chat.OutboxSent, 10), make(chan chat.OutboxFailed, 10)
	o := openOutbox(t, chat.OutboxOptions{
		Store: openStore(t, filepath.Join(t.TempDir(), "outbox")), Sender: sender, Retry: time.Millisecond,
		Sent: func(s chat.OutboxSent) { sent <- s }, Failed: func(f chat.OutboxFailed) { failed <- f },
	})
	for i := range 5 {
		add(t, o, "a", fmt.Sprint(i))
		add(t, o, "b", fmt.Sprint("b", i))
	}
	for range 9 {
		if s := <-sent; s.MessageID != "id of "+s.Message.Content || s.Message.ClientID == "" || s.Message.Added.IsZero() {
			t.Errorf("sent %+v", s)
		}
	}
	var refused *chat.RefusedError
	if f := <-failed; f.Message.Content != "2" || !errors.As(f.Err, &refused) {
		t.Errorf("failed %+v", f)
	}
	var a []string
	for _, s := range sender.sent {
		if strings.HasPrefix(s, "a:") {
			a = append(a, s)
		}
	}
	if !slices.Equal(a, []string{"a:0", "a:1", "a:3", "a:4"}) || len(o.Waiting()) != 0 {
		t.Errorf("sent %v, %v wait", a, o.Waiting())
	}
	if _, err := o.Add(chat.OutboxMessage{Content: "x"}); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no thread: %v", err)
	}
	if _, err := chat.NewOutbox(chat.OutboxOptions{}); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no store: %v", err)
	}
}

// TestOutbox_Restart: what waits is there after a restart, without what was
// given up, also when the process died while it wrote.
func TestOutbox_Restart(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "outbox")
	offline := &courier{fail: func(chat.OutboxMessage) error { return errors.New("no network") }}
	o := openOutbox(t, chat.OutboxOptions{Store: openStore(t, path), Sender: offline, Retry: time.Hour})
	var ids []string
	for i := range 5 {
		ids = append(ids, add(t, o, "a", fmt.Sprint(i)))
	}
	again := chat.OutboxMessage{ClientID: ids[0], ThreadID: "a", Content: "0"}
	if id, err := o.Add(again); err != nil || id != ids[0] || len(o.Waiting()) != 5 {
		t.Errorf("added twice: %s, %v, %d", id, err, len(o.Waiting()))
	}
	if err := errors.Join(o.Remove(ids[1]), o.Remove("nobody")); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Add(again); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"put":{"clientId":"torn","threadId":"a","cont`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	online := &courier{}
	sent := make(chan chat.OutboxSent, 10)
	o = openOutbox(t, chat.OutboxOptions{Store: openStore(t, path), Sender: online, Sent: func(s chat.OutboxSent) { sent <- s }})
	for _, i := range []int{0, 2, 3, 4} {
		if s := <-sent; s.Message.ClientID != ids[i] || s.Message.Content != fmt.Sprint(i) {
			t.Errorf("sent %+v", s)
		}
	}
	add(t, o, "a", "after")
	if s := <-sent; s.Message.Content != "after" {
		t.Errorf("sent %+v", s)
	}
}

// TestOutbox_Retry: a pause ends when the application says so.
func TestOutbox_Retry(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	tried := make(chan struct{}, 10)
	var online bool
	sender := &courier{fail: func(chat.OutboxMessage) error {
		tried <- struct{}{}
		if !online {
			online = true
			return errors.New("no network")
		}
		return nil
	}}
	o := openOutbox(t, chat.OutboxOptions{Store: openStore(t, filepath.Join(t.TempDir(), "outbox")), Sender: sender, Retry: time.Hour})
	add(t, o, "a", "x")
	<-tried
	o.Retry()
	<-tried
}

// TestOutboxFile_Compacts: the file does not grow with what is gone.
func TestOutboxFile_Compacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	store := openStore(t, path)
	keep := chat.OutboxMessage{ClientID: "keep", ThreadID: "a", Content: strings.Repeat("x", 100)}
	if err := store.Put(keep); err != nil {
		t.Fatal(err)
	}
	largest := int64(0)
	for i := range 500 {
		m := chat.OutboxMessage{ClientID: fmt.Sprint(i), ThreadID: "a", Content: strings.Repeat("y", 100)}
		if err := errors.Join(store.Put(m), store.Delete(m.ClientID)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	if largest > 64<<10 {
		t.Errorf("the file had %d bytes", largest)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(keep); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	store = openStore(t, path)
	list, err := store.Load()
	if err != nil || len(list) != 1 || list[0].ClientID != "keep" || list[0].Content != keep.Content {
		t.Errorf("%+v, %v", list, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{\"put\":nonsense}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := chat.NewFileOutboxStore(path); err == nil {
		t.Error("a file of nonsense is taken")
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the file of nonsense is gone: %v", err)
	}
}

// TestOutbox_Service: over the service's connection a message that is sent
// again under its id is one; over REST it arrives.
func TestOutbox_Service(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, thread, _ := s.talk(alice, bob)
	path := filepath.Join(t.TempDir(), "outbox")
	realtime := s.realtime(alice, &chat.RealtimeOptions{})
	if err := realtime.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The answer is lost, the process dies, and the message is sent again.
	store := openStore(t, path)
	m := chat.OutboxMessage{ClientID: "one", ThreadID: id, Content: "soup?", Type: chat.MessageTypeText, SenderDisplayName: "Alice", Metadata: map[string]string{"k": "v"}}
	if err := store.Put(m); err != nil {
		t.Fatal(err)
	}
	if _, err := realtime.SendOutboxMessage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	sent, failed := make(chan chat.OutboxSent, 1), make(chan chat.OutboxFailed, 1)
	o := openOutbox(t, chat.OutboxOptions{Store: openStore(t, path), Sender: realtime, Sent: func(s chat.OutboxSent) { sent <- s }})
	first := <-sent
	if _, err := o.Add(chat.OutboxMessage{ThreadID: id, Content: "stew?"}); err != nil {
		t.Fatal(err)
	}
	<-sent
	over := openOutbox(t, chat.OutboxOptions{
		Store: openStore(t, path+"2"), Sender: alice.Client,
		Sent: func(s chat.OutboxSent) { sent <- s }, Failed: func(f chat.OutboxFailed) { failed <- f },
	})
	if _, err := over.Add(chat.OutboxMessage{ThreadID: id, Content: "over REST", Type: chat.MessageTypeHTML, SenderDisplayName: "Alice"}); err != nil {
		t.Fatal(err)
	}
	<-sent
	if _, err := over.Add(chat.OutboxMessage{ThreadID: "19:nobody@thread.v2", Content: "to nobody"}); err != nil {
		t.Fatal(err)
	}
	if f := <-failed; f.Message.Content != "to nobody" {
		t.Errorf("failed %+v", f)
	}
	var texts []string
	for _, m := range messagesOf(t, thread, nil) {
		if *m.Type == chat.MessageTypeText || *m.Type == chat.MessageTypeHTML {
			texts = append(texts, *m.Content.Message)
		}
		if m.Content != nil && m.Content.Message != nil && *m.Content.Message == "soup?" && *m.ID != first.MessageID {
			t.Errorf("id %s, told %s", *m.ID, first.MessageID)
		}
	}
	if !slices.Equal(texts, []string{"over REST", "stew?", "soup?"}) {
		t.Errorf("in the thread: %q", texts)
	}
}

// TestOutboxFile_CutAnywhere: wherever a process or the power ended while a line
// was written, what was put before is there, what was not is not, and the file
// goes on.
func TestOutboxFile_CutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	put := func(store chat.OutboxStore, id string) {
		t.Helper()
		if err := store.Put(chat.OutboxMessage{ClientID: id, ThreadID: "a", Content: "soup? " + id}); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(store chat.OutboxStore) (list []string) {
		t.Helper()
		messages, err := store.Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			list = append(list, m.ClientID)
		}
		return list
	}
	store := openStore(t, path)
	put(store, "1")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(store, "2")
	after, err := os.ReadFile(path)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	for cut := len(before); cut < len(after); cut++ {
		torn := slices.Clone(after[:cut])
		holed := slices.Clone(after)
		clear(holed[len(before) : cut+1])
		for name, data := range map[string][]byte{"torn": torn, "holed": holed} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			store := openStore(t, path)
			got := ids(store)
			put(store, "3")
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = openStore(t, path)
			then := ids(store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, []string{"1"}) || !slices.Equal(then, []string{"1", "3"}) {
				t.Fatalf("%s at %d of %d: %q, then %q", name, cut, len(after), got, then)
			}
		}
	}
}

// TestOutbox_HandlersCallEverything: a handler may call any method, Close included.
func TestOutbox_HandlersCallEverything(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	done := make(chan error, 1)
	var o *chat.Outbox
	ready := make(chan struct{})
	o = openOutbox(t, chat.OutboxOptions{
		Store: openStore(t, filepath.Join(t.TempDir(), "outbox")), Sender: &courier{}, Sent: func(s chat.OutboxSent) {
			<-ready
			if s.Message.Content == "first" {
				_, err := o.Add(chat.OutboxMessage{ThreadID: "a", Content: "second"})
				o.Waiting()
				o.Retry()
				if err := errors.Join(err, o.Remove(s.Message.ClientID)); err != nil {
					done <- err
				}
				return
			}
			done <- o.Close()
		},
	})
	close(ready)
	add(t, o, "a", "first")
	if err := <-done; err != nil {
		t.Error(err)
	}
}
