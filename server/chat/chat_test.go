package chat_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

var resource = guid.New()

// everybody knows every user of the resource.
type everybody struct{ unknown map[string]bool }

func (e everybody) Existing(_ context.Context, _ guid.GUID, users []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, u := range users {
		known[u] = !e.unknown[u]
	}
	return known, nil
}

type busOf struct{ *bus.Bus }

func (b busOf) Subscribe(subject string, handler func(string, []byte)) (chat.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type world struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // the test's own
	chat  *chat.Service
	clock *clock
	store *store.Store
}

func newWorld(t *testing.T, users chat.Users) *world {
	return newWorldOn(t, users, func(b *bus.Bus) chat.Bus { return busOf{b} })
}

// newWorldOn gives chat the bus that wrap makes of one.
func newWorldOn(t *testing.T, users chat.Users, wrap func(*bus.Bus) chat.Bus) *world {
	testkit.CheckLeaks(t, time.Minute)
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(ctx, store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Open(ctx, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: ctx, store: st, clock: &clock{t: time.UnixMilli(1_800_000_000_000).UTC()}}
	if w.chat, err = chat.Open(chat.Options{Store: st, Bus: wrap(b), Users: users, Now: w.clock.now, Housekeeping: time.Hour}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.chat.Close(), b.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func user() *chat.Caller {
	return &chat.Caller{User: "8:acs:" + resource.String() + "_" + guid.New().String(), Resource: resource, Scopes: []string{"chat"}}
}

func people(callers ...*chat.Caller) []chat.Participant {
	var list []chat.Participant
	for _, c := range callers {
		list = append(list, chat.Participant{User: c.User})
	}
	return list
}

func (w *world) thread(creator *chat.Caller, others ...*chat.Caller) chat.Thread {
	w.t.Helper()
	thread, invalid, err := w.chat.CreateThread(w.ctx, creator, chat.NewThread{Topic: "lunch", Participants: people(others...)})
	if err != nil || len(invalid) != 0 {
		w.t.Fatalf("create thread: %v, %v", invalid, err)
	}
	return thread
}

func (w *world) send(c *chat.Caller, thread, text string) chat.Message {
	w.t.Helper()
	m, _, err := w.chat.Send(w.ctx, c, thread, chat.NewMessage{Kind: chat.MessageText, Content: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// sink collects events.
type sink struct {
	mu     sync.Mutex
	events []*chat.Event
	more   chan struct{}
}

func newSink() *sink { return &sink{more: make(chan struct{}, 1)} }

func (s *sink) Deliver(e *chat.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Missed stands among the events as one of no kind, without a number.
func (s *sink) Missed(thread string) { s.Deliver(&chat.Event{Thread: thread}) }

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// wait returns the events once there are n.
func (s *sink) wait(t *testing.T, n int) []*chat.Event {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		events := s.events
		s.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("%d events of %d: %+v", len(events), n, events)
		}
	}
}

// until returns the events once the last is of a kind.
func (s *sink) until(t *testing.T, kind chat.EventKind) []*chat.Event {
	t.Helper()
	for n := 1; ; n++ {
		if events := s.wait(t, n); events[len(events)-1].Kind == kind {
			return events
		}
	}
}

func kind(err error) chat.ErrorKind {
	var e *chat.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func TestService_Conversation(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob, carol := user(), user(), user()
	heard := newSink()
	defer w.chat.Hub().Attach(bob.User, heard)()
	thread := w.thread(alice, bob)
	first := w.send(alice, thread.ID, "hello")
	second := w.send(bob, thread.ID, "hi")
	if first.Sequence != 3 || second.Sequence != 4 || second.ID <= first.ID {
		t.Errorf("%+v, %+v", first, second)
	}
	text := "hello again"
	value, none := "v", ""
	if err := w.chat.UpdateMessage(w.ctx, alice, thread.ID, first.ID, chat.MessagePatch{Content: &text, Metadata: map[string]*string{"k": &value, "x": &none}}); err != nil {
		t.Fatal(err)
	}
	if err := w.chat.MarkRead(w.ctx, bob, thread.ID, first.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.chat.DeleteMessage(w.ctx, bob, thread.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.chat.AddParticipants(w.ctx, bob, thread.ID, people(carol)); err != nil {
		t.Fatal(err)
	}
	if err := w.chat.Typing(w.ctx, alice, thread.ID, "Alice"); err != nil {
		t.Fatal(err)
	}
	events := heard.wait(t, 8)
	var kinds []chat.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	want := []chat.EventKind{
		chat.EventThreadCreated, chat.EventMessageReceived, chat.EventMessageReceived, chat.EventMessageEdited,
		chat.EventRead, chat.EventMessageDeleted, chat.EventParticipantsAdded, chat.EventTyping,
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
	messages, err := w.chat.Messages(w.ctx, bob, thread.ID, time.Time{}, 0, 10)
	if err != nil || len(messages) != 5 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	if m := messages[2]; m.Content != text || m.Metadata["k"] != "v" || len(m.Metadata) != 1 || m.Edited.IsZero() || m.Version <= m.ID {
		t.Errorf("edited: %+v", m)
	}
	if m := messages[1]; m.Content != "" || m.Deleted.IsZero() {
		t.Errorf("deleted: %+v", m)
	}
	// Carol sees what was said since she came: the message that says so.
	if messages, err = w.chat.Messages(w.ctx, carol, thread.ID, time.Time{}, 0, 10); err != nil || len(messages) != 1 {
		t.Errorf("%d messages for carol, %v", len(messages), err)
	}
	receipts, err := w.chat.Receipts(w.ctx, alice, thread.ID, 0, 10)
	if err != nil || len(receipts) != 1 || receipts[0].User != bob.User || receipts[0].MessageID != first.ID {
		t.Errorf("%+v, %v", receipts, err)
	}
}

func TestService_Access(t *testing.T) {
	stranger := user()
	w := newWorld(t, everybody{unknown: map[string]bool{stranger.User: true}})
	alice, bob, outside := user(), user(), user()
	foreign := &chat.Caller{User: "8:acs:" + guid.New().String() + "_" + guid.New().String(), Resource: guid.New(), Scopes: []string{"chat"}}
	thread := w.thread(alice, bob)
	message := w.send(alice, thread.ID, "hello")
	limited := &chat.Caller{User: bob.User, Resource: resource, Scopes: []string{"chat.join.limited"}}
	joiner := &chat.Caller{User: bob.User, Resource: resource, Scopes: []string{"chat.join"}}
	voice := &chat.Caller{User: bob.User, Resource: resource, Scopes: []string{"voip"}}
	text := "x"
	for name, c := range map[string]struct {
		err  error
		want chat.ErrorKind
	}{
		"Outside":         {second(w.chat.Thread(w.ctx, outside, thread.ID)), chat.KindForbidden},
		"Foreign":         {second(w.chat.Thread(w.ctx, foreign, thread.ID)), chat.KindNotFound},
		"UnknownThread":   {second(w.chat.Thread(w.ctx, alice, "19:none@thread.v2")), chat.KindNotFound},
		"MalformedThread": {second(w.chat.Thread(w.ctx, alice, "none")), chat.KindInvalid},
		"OthersMessage":   {w.chat.UpdateMessage(w.ctx, bob, thread.ID, message.ID, chat.MessagePatch{Content: &text}), chat.KindForbidden},
		"SystemMessage":   {w.chat.DeleteMessage(w.ctx, alice, thread.ID, thread.Created.UnixMilli()), chat.KindForbidden},
		"UnknownMessage":  {w.chat.DeleteMessage(w.ctx, alice, thread.ID, 1), chat.KindNotFound},
		"OutsideSends":    {third(w.chat.Send(w.ctx, outside, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "x"})), chat.KindForbidden},
		"LimitedAdds":     {second(w.chat.AddParticipants(w.ctx, limited, thread.ID, people(outside))), chat.KindForbidden},
		"JoinerUpdates":   {w.chat.UpdateThread(w.ctx, joiner, thread.ID, chat.ThreadPatch{Topic: &text}), chat.KindForbidden},
		"VoiceReads":      {second(w.chat.Thread(w.ctx, voice, thread.ID)), chat.KindForbidden},
		"BadUser":         {w.chat.RemoveParticipant(w.ctx, alice, thread.ID, "8:acs:fakeid"), chat.KindInvalid},
		"TooLong":         {third(w.chat.Send(w.ctx, alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: strings.Repeat("x", chat.MaxContent+1)})), chat.KindTooLarge},
		"Metadata":        {third(w.chat.Send(w.ctx, alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "x", Metadata: map[string]string{"k": strings.Repeat("v", chat.MaxMetadata)}})), chat.KindTooLarge},
		"Retention":       {third(w.chat.CreateThread(w.ctx, alice, chat.NewThread{Topic: "x", RetentionDays: 29})), chat.KindInvalid},
		"NoTopic":         {third(w.chat.CreateThread(w.ctx, alice, chat.NewThread{})), chat.KindInvalid},
	} {
		if kind(c.err) != c.want {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if _, _, err := w.chat.Send(w.ctx, limited, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "x"}); err != nil {
		t.Errorf("limited sends: %v", err)
	}
	invalid, err := w.chat.AddParticipants(w.ctx, joiner, thread.ID, people(stranger, foreign, outside))
	if err != nil || len(invalid) != 2 || invalid[0].User != stranger.User || invalid[0].Code != "403" {
		t.Errorf("%+v, %v", invalid, err)
	}
	// A removed member is outside from that moment on.
	if err := w.chat.RemoveParticipant(w.ctx, outside, thread.ID, outside.User); err != nil {
		t.Error(err)
	}
	if _, _, err := w.chat.Send(w.ctx, outside, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "x"}); kind(err) != chat.KindForbidden {
		t.Errorf("removed member sends: %v", err)
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

func TestService_Repeated(t *testing.T) {
	w := newWorld(t, everybody{})
	alice, bob := user(), user()
	n := chat.NewThread{Topic: "lunch", Participants: people(bob), RequestID: "5f0d"}
	one, _, err := w.chat.CreateThread(w.ctx, alice, n)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := w.chat.CreateThread(w.ctx, alice, n)
	if err != nil || two.ID != one.ID {
		t.Errorf("%v, %v: %v", one.ID, two.ID, err)
	}
	other, _, err := w.chat.CreateThread(w.ctx, bob, n)
	if err != nil || other.ID == one.ID {
		t.Errorf("another's request id: %v", err)
	}
	m := chat.NewMessage{Kind: chat.MessageText, Content: "hello", ClientID: "1"}
	first, repeated, err := w.chat.Send(w.ctx, alice, one.ID, m)
	if err != nil || repeated {
		t.Fatal(err)
	}
	again, repeated, err := w.chat.Send(w.ctx, alice, one.ID, m)
	if err != nil || !repeated || again.ID != first.ID {
		t.Errorf("%+v, %v, %v", again, repeated, err)
	}
	if by, repeated, err := w.chat.Send(w.ctx, bob, one.ID, m); err != nil || repeated || by.ID == first.ID {
		t.Errorf("another's message id: %v", err)
	}
}

func TestService_Retention(t *testing.T) {
	w := newWorld(t, everybody{})
	alice := user()
	kept := w.thread(alice)
	limited, _, err := w.chat.CreateThread(w.ctx, alice, chat.NewThread{Topic: "x", RetentionDays: 30})
	if err != nil {
		t.Fatal(err)
	}
	heard := newSink()
	defer w.chat.Hub().Attach(alice.User, heard)()
	w.send(alice, kept.ID, "x")
	before := len(heard.until(t, chat.EventMessageReceived))
	w.clock.move(29 * 24 * time.Hour)
	if err := w.chat.Expire(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.chat.Thread(w.ctx, alice, limited.ID); err != nil {
		t.Errorf("before its time: %v", err)
	}
	w.clock.move(25 * time.Hour)
	if err := w.chat.Expire(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.chat.Thread(w.ctx, alice, limited.ID); kind(err) != chat.KindNotFound {
		t.Errorf("after its time: %v", err)
	}
	if _, err := w.chat.Thread(w.ctx, alice, kept.ID); err != nil {
		t.Error(err)
	}
	if e := heard.wait(t, before+1)[before]; e.Kind != chat.EventThreadDeleted || e.Actor != "" || e.Thread != limited.ID {
		t.Errorf("%+v", e)
	}
	threads, err := w.chat.Threads(w.ctx, alice, time.Time{}, chat.Position{}, 10)
	if err != nil || len(threads) != 2 || threads[0].Deleted.IsZero() == threads[1].Deleted.IsZero() {
		t.Errorf("%+v, %v", threads, err)
	}
}

// TestService_Order lets many write at once: everybody hears everything in the
// order of the list.
func TestService_Order(t *testing.T) {
	w := newWorld(t, everybody{})
	const writers, each = 8, 25
	var callers []*chat.Caller
	for range writers {
		callers = append(callers, user())
	}
	thread := w.thread(callers[0], callers[1:]...)
	var sinks []*sink
	for _, c := range callers {
		s := newSink()
		sinks = append(sinks, s)
		defer w.chat.Hub().Attach(c.User, s)()
	}
	// Everybody hears the first message; what comes before depends on when the
	// creation went round.
	w.send(callers[0], thread.ID, "begin")
	var begin []int
	for _, s := range sinks {
		begin = append(begin, len(s.until(t, chat.EventMessageReceived)))
	}
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(func() {
			for n := range each {
				if _, _, err := w.chat.Send(w.ctx, c, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: fmt.Sprintf("%d-%d", i, n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	list, err := w.chat.Messages(w.ctx, callers[0], thread.ID, time.Time{}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sinks {
		events := s.wait(t, begin[i]+writers*each)[begin[i]:]
		for n, e := range events {
			if want := list[len(list)-4-n]; e.Message == nil || e.Message.ID != want.ID {
				t.Fatalf("member %d, event %d: %+v, want message %d", i, n, e, want.ID)
			}
		}
	}
	events, upTo, more, err := w.chat.Changes(w.ctx, callers[1], thread.ID, 1, 50)
	if err != nil || !more || len(events) != 50 || upTo != events[49].Change {
		t.Errorf("%d changes up to %d, more %v, %v", len(events), upTo, more, err)
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("19:parley_x@thread.v2", "1795231234567")
	f.Add("19:@thread.v2", "-1")
	f.Add("8:acs:a_b", "+1")
	f.Fuzz(func(t *testing.T, thread, message string) {
		if chat.ValidThreadID(thread) && (len(thread) > 128 || strings.ContainsAny(thread, " /%\x00")) {
			t.Errorf("%q is valid", thread)
		}
		if id, err := chat.ParseMessageID(message); err == nil && id <= 0 {
			t.Errorf("%q is %d", message, id)
		}
	})
}
