package push_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	"github.com/parley-rtc/parley/server/push"
	"github.com/parley-rtc/parley/server/store"
)

type everybody struct{}

func (everybody) Existing(_ context.Context, _ guid.GUID, users []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, u := range users {
		known[u] = true
	}
	return known, nil
}

type busOf struct{ *bus.Bus }

func (b busOf) Subscribe(subject string, handler func(string, []byte)) (chat.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// late is a notifier that is made after the threads.
type late struct{ chat.Notifier }

// bed is threads with push and both platforms.
type bed struct {
	t        *testing.T
	store    *store.Store
	chat     *chat.Service
	push     *push.Service
	hook     *late
	apple    *apple
	google   *google
	clock    *hands
	resource guid.GUID
	content  bool

	mu      sync.Mutex
	present map[string]bool
}

func newBed(t *testing.T, content bool) *bed {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(t.Context(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := bus.Open(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{
		t: t, store: st, hook: &late{}, apple: newApple(t), google: newGoogle(t), clock: &hands{}, resource: guid.New(),
		content: content, present: map[string]bool{},
	}
	if b.chat, err = chat.Open(chat.Options{Store: st, Bus: busOf{messages}, Users: everybody{}, Notifier: b.hook, Housekeeping: time.Hour}); err != nil {
		t.Fatal(err)
	}
	b.open()
	t.Cleanup(func() {
		b.push.Close()
		if err := errors.Join(b.chat.Close(), messages.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// open starts to send, as a service does.
func (b *bed) open() {
	b.push = push.Open(push.Options{
		Store: b.store, Content: b.content, Alone: true, Now: b.clock.now,
		Senders: map[push.Platform]push.Sender{push.PlatformAPNs: b.apple.sender(b.clock.now), push.PlatformFCM: b.google.sender(b.clock.now)},
	})
	b.push.Start(b.chat, func(_ context.Context, users []string) map[string]bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		found := map[string]bool{}
		for _, u := range users {
			found[u] = b.present[u]
		}
		return found
	})
	b.hook.Notifier = b.push
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) user() *chat.Caller {
	return &chat.Caller{User: "8:acs:" + b.resource.String() + "_" + guid.New().String(), Resource: b.resource, Scopes: []string{"chat"}}
}

func (b *bed) register(c *chat.Caller, d push.Device) {
	b.t.Helper()
	b.must(b.push.Register(b.t.Context(), b.resource, c.User, d))
}

func (b *bed) thread(creator *chat.Caller, others ...*chat.Caller) string {
	b.t.Helper()
	n := chat.NewThread{Topic: "lunch"}
	for _, c := range others {
		n.Participants = append(n.Participants, chat.Participant{User: c.User})
	}
	made, _, err := b.chat.CreateThread(b.t.Context(), creator, n)
	b.must(err)
	return made.ID
}

func (b *bed) send(c *chat.Caller, thread, text string) chat.Message {
	b.t.Helper()
	m, _, err := b.chat.Send(b.t.Context(), c, thread, chat.NewMessage{Kind: chat.MessageHTML, Content: text, SenderName: "Alice"})
	b.must(err)
	return m
}

// empty waits until nothing is left to do.
func (b *bed) empty() {
	b.t.Helper()
	for b.jobs() > 0 && b.t.Context().Err() == nil {
		b.push.Committed(&chat.Event{Kind: chat.EventMessageReceived})
	}
}

func (b *bed) jobs() int { return b.count("SELECT count(*) FROM push_jobs") }

func (b *bed) count(query string) (n int) {
	b.t.Helper()
	b.must(b.store.Read(b.t.Context(), func(q store.Querier) error { return q.QueryRow(query).Scan(&n) }))
	return n
}

// later moves the clock when what came of the last attempt is written down.
func (b *bed) later(d time.Duration) {
	b.t.Helper()
	for b.count("SELECT count(*) FROM push_jobs WHERE leased_until > 0") > 0 && b.t.Context().Err() == nil {
		continue
	}
	b.clock.move(d)
	b.push.Committed(&chat.Event{Kind: chat.EventMessageReceived})
}

// TestMessages_WhoIsTold: members without a connection are, on all their
// devices; the sender, whoever is there, and who has no device are not.
func TestMessages_WhoIsTold(t *testing.T) {
	b := newBed(t, false)
	alice, bob, carol, dave := b.user(), b.user(), b.user(), b.user()
	thread := b.thread(alice, bob, carol, dave)
	// What is known of devices is read again after each change of them.
	b.must(b.push.Register(t.Context(), guid.New(), b.user().User, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "0"}))
	b.send(alice, thread, "before anybody has a device")
	if n := b.jobs(); n != 0 {
		t.Errorf("%d jobs in a resource without devices", n)
	}
	b.register(alice, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "a1"})
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1", VoIPToken: "b9", Sandbox: true})
	b.register(bob, push.Device{ID: "tablet", Platform: push.PlatformFCM, Token: "b:2"})
	b.register(bob, push.Device{ID: "watch", Platform: push.PlatformAPNs, VoIPToken: "b8"}) // for calls only
	b.register(carol, push.Device{ID: "phone", Platform: push.PlatformFCM, Token: "c:1"})
	b.present[carol.User] = true
	m := b.send(alice, thread, "soup <b>and</b> salad")
	p := b.apple.take()
	if p.Token != "b1" || !p.Sandbox || p.Kind != "alert" || p.Data["threadId"] != thread || p.Data["messageId"] != fmt.Sprint(m.ID) ||
		p.Data["senderId"] != alice.User || p.Data["senderDisplayName"] != "Alice" {
		t.Errorf("%+v", p)
	}
	if aps := string(p.Body["aps"]); !strings.Contains(aps, `"alert":{"title":"Alice","body":"New message"}`) || strings.Contains(aps, "soup") || p.Data["text"] != "" {
		t.Errorf("%s %v", aps, p.Data)
	}
	if p := b.google.take(); p.Token != "b:2" || p.Data["messageId"] != fmt.Sprint(m.ID) || p.Data["type"] != "chat" {
		t.Errorf("%+v", p)
	}
	b.empty()
	b.apple.silent()
	b.google.silent()
	if stats := b.push.Stats(); stats.Sent != 2 || stats.Failed != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestMessages_Content: what is sent of a text, when it is.
func TestMessages_Content(t *testing.T) {
	b := newBed(t, true)
	alice, bob := b.user(), b.user()
	thread := b.thread(alice, bob)
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1"})
	for text, want := range map[string]string{
		"soup <b>and</b> R&amp;B":                  "soup and R&B",
		strings.Repeat("\u00e4", 300):              strings.Repeat("\u00e4", 200) + "…",
		"x" + strings.Repeat("\u00e4", 300):        "x" + strings.Repeat("\u00e4", 199) + "…",
		"<img id=\"0-parley-1\" alt=\"\">":         "",
		strings.Repeat("&lt;&amp;", 600):           strings.Repeat("<&", 200) + "…",
		"a\n\tb" + strings.Repeat("\x01\x7f", 999): "a  b",
		strings.Repeat("\\\"", 600):                strings.Repeat("\\\"", 200) + "…",
	} {
		b.send(alice, thread, text)
		p := b.apple.take()
		if p.Data["text"] != want || want != "" && !strings.Contains(string(p.Body["aps"]), "body") {
			t.Errorf("%.60q became %.60q", text, p.Data["text"])
		}
	}
}

// TestMessages_TriedAgain: what a platform does not take now it gets later, also
// from the next start; what it does not know any more is forgotten.
func TestMessages_TriedAgain(t *testing.T) {
	b := newBed(t, false)
	alice, bob := b.user(), b.user()
	thread := b.thread(alice, bob)
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1"})
	b.apple.next(answer{status: http.StatusServiceUnavailable, after: "60"}, answer{status: http.StatusInternalServerError})
	m := b.send(alice, thread, "hello")
	if p := b.apple.take(); p.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", p)
	}
	b.later(0)
	b.push.Close()
	b.apple.silent()
	b.later(time.Minute + time.Second)
	b.open()
	if p := b.apple.take(); p.Status != http.StatusInternalServerError {
		t.Errorf("%+v", p)
	}
	b.later(time.Minute)
	if p := b.apple.take(); p.Status != http.StatusOK || p.Data["messageId"] != fmt.Sprint(m.ID) {
		t.Errorf("%+v", p)
	}
	b.empty()
	b.apple.next(answer{http.StatusGone, `{"reason":"Unregistered"}`, ""})
	b.send(alice, thread, "hello?")
	b.apple.take()
	b.empty()
	if list, err := b.push.Devices(t.Context(), bob.User); err != nil || len(list) != 0 || b.push.Stats().Forgotten != 1 {
		t.Errorf("%v %v", list, err)
	}
	b.send(alice, thread, "hello??")
	b.empty()
	b.apple.silent()
}

// TestMessages_NotAnyMore: what was deleted, or is too old, is not told.
func TestMessages_NotAnyMore(t *testing.T) {
	b := newBed(t, false)
	alice, bob := b.user(), b.user()
	thread := b.thread(alice, bob)
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1"})
	b.apple.next(answer{status: http.StatusServiceUnavailable, after: "1000"}, answer{status: http.StatusServiceUnavailable, after: "1000"})
	deleted := b.send(alice, thread, "forget it")
	b.apple.take()
	b.must(b.chat.DeleteMessage(t.Context(), alice, thread, deleted.ID))
	b.later(1001 * time.Second)
	b.empty()
	b.apple.silent()
	b.send(alice, thread, "too late")
	b.apple.take()
	b.later(2 * time.Hour)
	b.empty()
	b.apple.silent()
}

// TestMessages_Removed: a member who was removed before a message could be told
// hears nothing of it.
func TestMessages_Removed(t *testing.T) {
	b := newBed(t, false)
	alice, bob := b.user(), b.user()
	thread := b.thread(alice, bob)
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1"})
	b.push.Close() // while nobody sends
	b.send(alice, thread, "secret")
	b.must(b.chat.RemoveParticipant(t.Context(), alice, thread, bob.User))
	b.open()
	b.empty()
	b.apple.silent()
}

// TestMessages_RemovedMeanwhile: nor does one who was removed between two
// attempts.
func TestMessages_RemovedMeanwhile(t *testing.T) {
	b := newBed(t, true)
	alice, bob := b.user(), b.user()
	thread := b.thread(alice, bob)
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1"})
	b.apple.next(answer{status: http.StatusServiceUnavailable, after: "60"})
	b.send(alice, thread, "secret")
	if p := b.apple.take(); p.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", p)
	}
	b.must(b.chat.RemoveParticipant(t.Context(), alice, thread, bob.User))
	b.later(time.Minute + time.Second)
	b.empty()
	b.apple.silent()
}

func TestCalls(t *testing.T) {
	b := newBed(t, false)
	alice, bob := b.user(), b.user()
	call := push.Call{ID: "call-1", From: alice.User, To: bob.User, DisplayName: "Alice", Resource: b.resource, Video: true, Life: time.Minute}
	if rung, err := b.push.Ring(t.Context(), call); rung || err != nil {
		t.Errorf("%v, %v", rung, err)
	}
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "b1", VoIPToken: "b9"})
	b.register(bob, push.Device{ID: "tablet", Platform: push.PlatformFCM, Token: "b:2"})
	b.apple.next(answer{status: http.StatusServiceUnavailable})
	if rung, err := b.push.Ring(t.Context(), call); !rung || err != nil {
		t.Fatalf("%v, %v", rung, err)
	}
	b.apple.take()
	p := b.apple.take() // tried again
	if p.Token != "b9" || p.Kind != "voip" || p.Status != http.StatusOK || p.Data["type"] != "call" || p.Data["callId"] != "call-1" ||
		p.Data["from"] != alice.User || p.Data["displayName"] != "Alice" || p.Data["video"] != "true" {
		t.Errorf("%+v", p)
	}
	if p := b.google.take(); p.Token != "b:2" || p.Data["callId"] != "call-1" {
		t.Errorf("%+v", p)
	}
	b.apple.next(answer{http.StatusGone, `{"reason":"Unregistered"}`, ""})
	if _, err := b.push.Ring(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	b.apple.take()
	b.google.take()
	gone := func() bool {
		list, err := b.push.Devices(t.Context(), bob.User)
		b.must(err)
		return len(list) == 2 && list[0].VoIPToken == "" && list[0].Token == "b1"
	}
	for !gone() && t.Context().Err() == nil {
		continue // it is written down after the answer
	}
	b.push.Close()
	if rung, err := b.push.Ring(t.Context(), call); rung || err != nil {
		t.Errorf("closed: %v, %v", rung, err)
	}
}

func TestDevices(t *testing.T) {
	b := newBed(t, false)
	alice, bob := b.user(), b.user()
	ctx := t.Context()
	for _, d := range []push.Device{
		{Platform: push.PlatformFCM, Token: "x"},
		{ID: strings.Repeat("i", 65), Platform: push.PlatformFCM, Token: "x"},
		{ID: "a b", Platform: push.PlatformFCM, Token: "x"},
		{ID: "phone", Platform: "other", Token: "x"},
		{ID: "phone", Platform: push.PlatformFCM},
		{ID: "phone", Platform: push.PlatformFCM, Token: "x\n"},
		{ID: "phone", Platform: push.PlatformFCM, Token: "x", VoIPToken: "y"},
		{ID: "phone", Platform: push.PlatformFCM, Token: strings.Repeat("x", 5000)},
		{ID: "phone", Platform: push.PlatformAPNs, Token: "../../x"},
		{ID: "phone", Platform: push.PlatformAPNs, VoIPToken: "xyz"},
		{ID: "phone", Platform: push.PlatformAPNs, Token: strings.Repeat("a", 201)},
	} {
		if err := b.push.Register(ctx, b.resource, alice.User, d); !errors.Is(err, push.ErrDevice) || strings.Contains(err.Error(), d.Token) && len(d.Token) > 1 {
			t.Errorf("%+v: %v", d, err)
		}
	}
	ids := func(c *chat.Caller) (list []string) {
		all, err := b.push.Devices(ctx, c.User)
		b.must(err)
		for i := range all {
			list = append(list, all[i].ID+"="+all[i].Token)
		}
		return list
	}
	b.register(alice, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "a1"})
	b.register(alice, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "a2"})
	b.register(alice, push.Device{ID: "tablet", Platform: push.PlatformFCM, Token: "a3"})
	if got := ids(alice); !slices.Equal(got, []string{"phone=a2", "tablet=a3"}) {
		t.Errorf("%v", got)
	}
	// The phone changes hands: what is for Alice must not reach it any more.
	b.register(bob, push.Device{ID: "phone", Platform: push.PlatformAPNs, Token: "a2"})
	if got := ids(alice); !slices.Equal(got, []string{"tablet=a3"}) {
		t.Errorf("%v", got)
	}
	b.must(b.push.Unregister(ctx, alice.User, "tablet"))
	if err := b.push.Unregister(ctx, bob.User, "tablet"); !errors.Is(err, push.ErrNotFound) {
		t.Error(err)
	}
	for i := range 25 {
		b.clock.move(time.Second)
		b.register(alice, push.Device{ID: fmt.Sprintf("d%02d", i), Platform: push.PlatformFCM, Token: fmt.Sprint("t", i)})
	}
	if got := ids(alice); len(got) != 20 || got[0] != "d05=t5" {
		t.Errorf("%v", got)
	}
	b.must(b.push.RemoveUser(ctx, alice.User))
	if got := ids(alice); len(got) != 0 {
		t.Errorf("%v", got)
	}
	b.must(b.push.EraseResource(ctx, b.resource))
	if got := ids(bob); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
