package eventgrid_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/eventgrid"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

const (
	source   = "/subscriptions/1/resourceGroups/parley/providers/Microsoft.Communication/communicationServices/local"
	patience = 30 * time.Second
)

// received is an event in either envelope.
type received struct {
	ID, Topic, Source, Subject, EventType, Type, EventTime, Time string

	Data map[string]json.RawMessage
}

func (r *received) kind() string { return r.EventType + r.Type }

// receiver agrees to everything and keeps the events.
type receiver struct {
	*httptest.Server
	t      *testing.T
	events chan received
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, events: make(chan received, 4096)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodOptions {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	if req.Header.Get("Aeg-Event-Type") == "SubscriptionValidation" {
		var asked []struct {
			Data struct{ ValidationCode string }
		}
		if err := json.Unmarshal(body, &asked); err != nil {
			r.t.Error(err)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": asked[0].Data.ValidationCode})
		return
	}
	if !strings.HasPrefix(string(body), "[") {
		body = []byte("[" + string(body) + "]")
	}
	var events []received
	if err := json.Unmarshal(body, &events); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	for _, e := range events {
		r.events <- e
	}
}

// next returns the next n events.
func (r *receiver) next(n int) []received {
	r.t.Helper()
	var list []received
	limit := time.After(patience)
	for len(list) < n {
		select {
		case e := <-r.events:
			list = append(list, e)
		case <-limit:
			r.t.Fatalf("%d of %d events came: %v", len(list), n, list)
		}
	}
	return list
}

// silent fails when anything more comes than what was taken.
func (r *receiver) silent() {
	r.t.Helper()
	select {
	case e := <-r.events:
		r.t.Errorf("one event too many: %s %s", e.kind(), e.Subject)
	default:
	}
}

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

// bed is chat with its webhooks.
type bed struct {
	t        testing.TB
	notifier *eventgrid.Chat
	store    *store.Store
	chat     *chat.Service
	hooks    *webhook.Service
	resource guid.GUID
}

func newBed(t *testing.T) *bed {
	testkit.CheckLeaks(t, time.Minute)
	return newBedOf(t)
}

func newBedOf(t testing.TB) *bed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	st, err := store.Open(t.Context(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := bus.Open(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := webhook.NewGuard(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, store: st, resource: guid.New()}
	b.hooks = webhook.Open(webhook.Options{Store: st, Guard: guard, Origin: "parley.example", Alone: true})
	b.notifier = eventgrid.NewChat(eventgrid.Options{Webhooks: b.hooks, Source: func(id guid.GUID) (string, bool) { return source, id == b.resource }})
	b.chat, err = chat.Open(chat.Options{Store: st, Bus: busOf{messages}, Users: everybody{}, Notifier: b.notifier, Housekeeping: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.hooks.Close()
		if err := errors.Join(b.chat.Close(), messages.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bed) subscribe(r *receiver, schema webhook.Schema, types ...string) {
	b.t.Helper()
	n := webhook.Subscription{ResourceID: b.resource, Name: "hook-" + string(schema[:5]), Source: source, Endpoint: r.URL, Schema: schema, Types: types}
	if made, err := b.hooks.Subscribe(b.t.Context(), n); err != nil || made.State != webhook.StateActive {
		b.t.Fatalf("%+v, %v", made, err)
	}
}

// subscribeTo lets an endpoint that agrees get events as CloudEvents.
func (b *bed) subscribeTo(endpoint string, types []string) {
	b.t.Helper()
	n := webhook.Subscription{ResourceID: b.resource, Name: "hook", Source: source, Endpoint: endpoint, Schema: webhook.SchemaCloudEvents, Types: types}
	if made, err := b.hooks.Subscribe(b.t.Context(), n); err != nil || made.State != webhook.StateActive {
		b.t.Fatalf("%+v, %v", made, err)
	}
}

func (b *bed) user() *chat.Caller {
	return &chat.Caller{User: "8:acs:" + b.resource.String() + "_" + guid.New().String(), Resource: b.resource, Scopes: []string{"chat"}}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func member(c *chat.Caller, name string) chat.Participant {
	return chat.Participant{User: c.User, DisplayName: name, Metadata: map[string]string{"key": "value"}}
}

// live runs a thread through all that events tell of.
func (b *bed) live(alice, bob, carol *chat.Caller) (thread string, message chat.Message) {
	ctx := b.t.Context()
	made, _, err := b.chat.CreateThread(ctx, alice, chat.NewThread{
		Topic: "lunch", Participants: []chat.Participant{member(alice, "Alice"), member(bob, "Bob")}, Metadata: map[string]string{"key": "value"},
	})
	b.must(err)
	message, _, err = b.chat.Send(ctx, alice, made.ID, chat.NewMessage{
		Kind: chat.MessageHTML, Content: "<b>Soup</b>", SenderName: "Alice", Metadata: map[string]string{"key": "value"},
	})
	b.must(err)
	text := "<b>Salad</b>"
	b.must(b.chat.UpdateMessage(ctx, alice, made.ID, message.ID, chat.MessagePatch{Content: &text}))
	b.must(b.chat.DeleteMessage(ctx, alice, made.ID, message.ID))
	topic := "dinner"
	b.must(b.chat.UpdateThread(ctx, alice, made.ID, chat.ThreadPatch{Topic: &topic}))
	invalid, err := b.chat.AddParticipants(ctx, alice, made.ID, []chat.Participant{member(carol, "Carol")})
	b.must(err)
	if len(invalid) > 0 {
		b.t.Fatal(invalid)
	}
	b.must(b.chat.MarkRead(ctx, bob, made.ID, message.ID)) // tells nobody outside
	b.must(b.chat.RemoveParticipant(ctx, alice, made.ID, carol.User))
	b.must(b.chat.DeleteThread(ctx, alice, made.ID))
	return made.ID, message
}

// TestChat_AsSpecified: every event of chat has the members of its schema and of
// its published example, of their kinds, in both envelopes, and comes to whom it
// is for.
func TestChat_AsSpecified(t *testing.T) {
	spec := loadSpecification(t)
	b := newBed(t)
	for _, c := range []struct {
		schema webhook.Schema
		folder string
	}{{webhook.SchemaEventGrid, "event-grid-schema"}, {webhook.SchemaCloudEvents, "cloud-events-schema"}} {
		t.Run(c.folder, func(t *testing.T) {
			r := newReceiver(t)
			b.subscribe(r, c.schema)
			alice, bob, carol := b.user(), b.user(), b.user()
			thread, message := b.live(alice, bob, carol)
			events := r.next(18)
			r.silent()
			b.must(b.hooks.Unsubscribe(t.Context(), b.resource, "hook-"+string(c.schema[:5])))
			examples := spec.examples(c.folder)
			seen := map[string][]string{}
			for _, e := range events {
				who := ""
				if raw, ok := e.Data["recipientCommunicationIdentifier"]; ok {
					var id struct{ RawID string }
					b.must(json.Unmarshal(raw, &id))
					who = id.RawID
				}
				seen[e.kind()] = append(seen[e.kind()], who)
				spec.check(&e, examples[e.kind()])
				if e.Topic+e.Source != source || !strings.Contains(e.Subject, "thread/"+thread) || e.ID == "" || e.EventTime+e.Time == "" {
					t.Errorf("%+v", e)
				}
				if who != "" && !strings.HasSuffix(e.Subject, "/recipient/"+who) {
					t.Errorf("%s is for %s", e.Subject, who)
				}
			}
			both := []string{bob.User, carol.User}
			slices.Sort(both)
			for kind, users := range seen {
				slices.Sort(users)
				want := []string{bob.User}
				switch {
				case slices.Contains(ofThreads, kind):
					want = []string{""}
				case strings.Contains(kind, "Participant"):
					want = both
				}
				if !slices.Equal(users, want) {
					t.Errorf("%s came for %v, not %v", kind, users, want)
				}
			}
			if len(seen) != 16 {
				t.Errorf("%d types: %v", len(seen), seen)
			}
			checkBodies(t, events, message)
		})
	}
}

// checkBodies: what was written is told, until it is deleted.
func checkBodies(t *testing.T, events []received, message chat.Message) {
	t.Helper()
	for _, e := range events {
		body, told := e.Data["messageBody"]
		want := map[string]string{
			eventgrid.ChatMessageReceived: "<b>Soup</b>", eventgrid.ChatMessageReceivedInThread: "<b>Soup</b>",
			eventgrid.ChatMessageEdited: "<b>Salad</b>", eventgrid.ChatMessageEditedInThread: "<b>Salad</b>",
		}[e.kind()]
		var got string
		if told {
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
		}
		if got != want || told != (want != "") {
			t.Errorf("%s says %q, not %q", e.kind(), got, want)
		}
		if id, ok := e.Data["messageId"]; ok && string(id) != fmt.Sprintf("%q", fmt.Sprint(message.ID)) {
			t.Errorf("message %s, not %d", id, message.ID)
		}
		if kind, ok := e.Data["type"]; ok && string(kind) != `"RichText/Html"` {
			t.Errorf("type %s", kind)
		}
	}
}

var ofThreads = []string{
	eventgrid.ChatMessageReceivedInThread, eventgrid.ChatMessageEditedInThread, eventgrid.ChatMessageDeletedInThread,
	eventgrid.ChatThreadCreated, eventgrid.ChatThreadDeleted, eventgrid.ChatThreadPropertiesUpdated,
	eventgrid.ChatThreadParticipantAdded, eventgrid.ChatThreadParticipantRemoved,
}

// TestChat_InOrder: a receiver that takes one event at a time gets those of a
// thread in their order, whoever sends them.
func TestChat_InOrder(t *testing.T) {
	b, r := newBed(t), newReceiver(t)
	b.subscribe(r, webhook.SchemaCloudEvents, eventgrid.ChatMessageReceivedInThread)
	alice, bob := b.user(), b.user()
	made, _, err := b.chat.CreateThread(t.Context(), alice, chat.NewThread{Topic: "lunch", Participants: []chat.Participant{member(bob, "Bob")}})
	b.must(err)
	const each = 20
	done := make(chan error)
	for _, c := range []*chat.Caller{alice, bob} {
		go func() {
			var err error
			for range each {
				if err == nil {
					_, _, err = b.chat.Send(t.Context(), c, made.ID, chat.NewMessage{Kind: chat.MessageText, Content: "hello"})
				}
			}
			done <- err
		}()
	}
	b.must(errors.Join(<-done, <-done))
	last := ""
	for _, e := range r.next(2 * each) {
		id := string(e.Data["messageId"])
		if len(id) < len(last) || id <= last {
			t.Errorf("message %s came after %s", id, last)
		}
		last = id
	}
	r.silent()
}

// TestChat_NotWanted: nothing is written down for a resource, a type or a family
// that nobody wants, and what was refused is told to nobody.
func TestChat_NotWanted(t *testing.T) {
	b, r := newBed(t), newReceiver(t)
	alice, bob, carol := b.user(), b.user(), b.user()
	b.live(alice, bob, carol)
	b.subscribe(r, webhook.SchemaEventGrid, "Microsoft.Communication.SMSReceived", eventgrid.ChatMessageDeleted)
	if b.hooks.Wants(b.resource, eventgrid.ChatMessageReceived, eventgrid.ChatMessageReceivedInThread) || b.hooks.Wants(guid.New(), eventgrid.ChatMessageDeleted) {
		t.Error("what nobody wants is wanted")
	}
	if !b.hooks.Wants(b.resource, eventgrid.ChatMessageDeleted) {
		t.Error("what somebody wants is not")
	}
	thread, message := b.live(alice, bob, carol)
	if e := r.next(1)[0]; e.kind() != eventgrid.ChatMessageDeleted {
		t.Error(e.kind())
	}
	if _, _, err := b.chat.Send(t.Context(), carol, thread, chat.NewMessage{Kind: chat.MessageText, Content: "let me in"}); err == nil {
		t.Error("somebody who was removed wrote")
	}
	if err := b.chat.DeleteMessage(t.Context(), bob, thread, message.ID); err == nil {
		t.Error("somebody deleted what another wrote")
	}
	r.silent()
	var waiting int
	b.must(b.store.Read(t.Context(), func(q store.Querier) error {
		return q.QueryRow("SELECT count(*) FROM webhook_deliveries WHERE event NOT LIKE '%ChatMessageDeleted%'").Scan(&waiting)
	}))
	if waiting != 0 {
		t.Errorf("%d events that nobody wants wait", waiting)
	}
	b.must(b.hooks.Unsubscribe(t.Context(), b.resource, "hook-Event"))
	if b.hooks.Wants(b.resource, eventgrid.ChatMessageDeleted) {
		t.Error("what nobody wants any more is wanted")
	}
}

// TestChat_Large: a thread with the most members, each with the most metadata
// that escapes worst, is made although an event has a megabyte at most; those
// who come together get one event each.
func TestChat_Large(t *testing.T) {
	b, r := newBed(t), newReceiver(t)
	b.subscribe(r, webhook.SchemaEventGrid, eventgrid.ChatThreadCreated, eventgrid.ChatParticipantAddedToThreadWithUser)
	alice := b.user()
	crowd := make([]chat.Participant, chat.MaxBatch)
	for i := range crowd {
		crowd[i] = member(b.user(), "Bob")
		crowd[i].Metadata = map[string]string{"k": strings.Repeat("\x01", chat.MaxMetadata-1)}
	}
	_, _, err := b.chat.CreateThread(t.Context(), alice, chat.NewThread{Topic: "all", Participants: crowd})
	b.must(err)
	var list []json.RawMessage
	if err := json.Unmarshal(r.next(1)[0].Data["participants"], &list); err != nil || len(list) != 1+chat.MaxBatch {
		t.Errorf("%d participants, %v", len(list), err)
	}
	small, _, err := b.chat.CreateThread(t.Context(), alice, chat.NewThread{Topic: "few", Participants: []chat.Participant{member(b.user(), "Carol")}})
	b.must(err)
	r.next(1)
	_, err = b.chat.AddParticipants(t.Context(), alice, small.ID, crowd[:5])
	b.must(err)
	subjects := map[string]bool{}
	for _, e := range r.next(10) { // to Carol about each, and to each about himself
		subjects[e.Subject] = true
	}
	r.silent()
	if len(subjects) != 10 {
		t.Errorf("%d events", len(subjects))
	}
}

// TestChat_RetentionOver: a thread whose retention is over was deleted by nobody.
func TestChat_RetentionOver(t *testing.T) {
	b, r := newBed(t), newReceiver(t)
	b.subscribe(r, webhook.SchemaEventGrid, eventgrid.ChatThreadDeleted, eventgrid.ChatThreadWithUserDeleted)
	alice, bob := b.user(), b.user()
	made, _, err := b.chat.CreateThread(t.Context(), alice, chat.NewThread{Topic: "x", Participants: []chat.Participant{member(bob, "Bob")}, RetentionDays: 30})
	b.must(err)
	b.must(b.store.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE chat_threads SET created_at = 1 WHERE id = $1", made.ID)
		return err
	}))
	b.must(b.chat.Expire(t.Context()))
	for _, e := range r.next(3) {
		if _, ok := e.Data["deletedByCommunicationIdentifier"]; ok || strings.Contains(e.Subject, "deletedBy") {
			t.Errorf("%s: %s", e.Subject, e.Data)
		}
	}
	r.silent()
}
