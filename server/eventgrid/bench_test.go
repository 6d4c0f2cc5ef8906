package eventgrid_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/eventgrid"
	"github.com/parley-rtc/parley/server/store"
)

// BenchmarkNotify is what an event of a message adds to its transaction: when
// nobody wants it, when one webhook wants that of the thread, and when one wants
// those of all users.
func BenchmarkNotify(b *testing.B) {
	for _, c := range []struct {
		members int
		types   []string
	}{{2, nil}, {2, []string{eventgrid.ChatMessageReceivedInThread}}, {2, []string{eventgrid.ChatMessageReceived}}, {250, []string{eventgrid.ChatMessageReceived}}} {
		name := "nobody"
		if len(c.types) > 0 {
			name = c.types[0][len("Microsoft.Communication."):]
		}
		b.Run(fmt.Sprint(name, "/", c.members, "members"), func(b *testing.B) { benchmarkNotify(b, c.members, c.types) })
	}
}

func benchmarkNotify(b *testing.B, members int, types []string) {
	w := newBedOf(b)
	// It never gets to answer an event: only the transaction is measured.
	hook := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			rw.Header().Set("WebHook-Allowed-Origin", "*")
			return
		}
		rw.WriteHeader(http.StatusBadRequest)
	}))
	b.Cleanup(hook.Close)
	if len(types) > 0 {
		w.subscribeTo(hook.URL, types)
	}
	alice := w.user()
	n := chat.NewThread{Topic: "x"}
	for range min(members, chat.MaxBatch) - 1 {
		n.Participants = append(n.Participants, member(w.user(), "Bob"))
	}
	made, _, err := w.chat.CreateThread(b.Context(), alice, n)
	w.must(err)
	for have := 1 + len(n.Participants); have < members; have++ {
		_, err := w.chat.AddParticipants(b.Context(), alice, made.ID, []chat.Participant{member(w.user(), "Bob")})
		w.must(err)
	}
	e := &chat.Event{
		Kind: chat.EventMessageReceived, Thread: made.ID, Change: 1000, At: made.Created, Actor: alice.User,
		Message: &chat.Message{ID: 1_800_000_000_000, Kind: chat.MessageText, Sender: alice.User, Content: "hello"},
	}
	w.hooks.Close() // what it delivers is not what is measured
	b.ReportAllocs()
	for b.Loop() {
		w.must(w.store.Write(b.Context(), func(tx *store.Tx) error {
			e.Change++
			return w.notifier.Notify(tx, chat.NewNotice(e, w.resource, tx))
		}))
	}
}
