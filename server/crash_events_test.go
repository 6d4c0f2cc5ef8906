package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

const eventsQuick, eventsSoak = 3, 50

// TestKill_EventsOfChat kills `parley serve` with SIGKILL at random moments while
// people write: a webhook gets an event of every message that was answered with
// success, and none of a message that there is not.
func TestKill_EventsOfChat(t *testing.T) {
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		testkit.CheckLeaks(t, time.Hour)
		t.Cleanup(http.DefaultClient.CloseIdleConnections)
		folder := t.TempDir()
		if database == "" { // the process is to have the database that start uses
			database = testkit.Database(t, folder)
		}
		w := &crashChat{
			t: t, program: testkit.Program(t, "cmd/parley"), options: server.Options{DataDir: folder, Database: database},
			heard: map[string]map[string]bool{}, told: make(chan struct{}, 1),
		}
		w.prepare()
		testkit.Repeat(t, eventsQuick, eventsSoak, w.round)
		w.check()
	})
}

// crashChat is a service that is killed, and what it had answered and told.
type crashChat struct {
	t       *testing.T
	program string
	options server.Options
	token   string
	user    string
	threads []string
	told    chan struct{}

	mu       sync.Mutex
	answered []string                   // thread and message
	heard    map[string]map[string]bool // by thread and message, the ids of events
}

// prepare makes somebody with threads of which a webhook hears.
func (w *crashChat) prepare() {
	w.t.Helper()
	srv := start(w.t, server.Options{DataDir: w.options.DataDir, Database: w.options.Database})
	defer srv.Close()
	hook := httptest.NewServer(http.HandlerFunc(w.hear))
	w.t.Cleanup(hook.Close)
	operator{w.t, srv.Connection()}.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{
		Name: "hook", Endpoint: hook.URL, Types: []string{"Microsoft.Communication.ChatMessageReceivedInThread"},
	}, http.StatusCreated)
	w.user, w.token = newREST(w.t, srv).user("chat")
	for range 4 {
		made, _, err := server.ChatService(srv).CreateThread(w.t.Context(), w.caller(srv), chat.NewThread{Topic: "lunch"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.threads = append(w.threads, made.ID)
	}
}

func (w *crashChat) caller(srv *server.Server) *chat.Caller {
	return &chat.Caller{User: w.user, Resource: server.DefaultResource(srv), Scopes: []string{"chat"}}
}

// hear is the webhook.
func (w *crashChat) hear(rw http.ResponseWriter, r *http.Request) {
	var events []struct {
		ID   string
		Data struct{ ThreadID, MessageID, ValidationCode string }
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the service is gone
	}
	if err := json.Unmarshal(body, &events); err != nil || len(events) != 1 {
		w.t.Errorf("%s: %v", body, err)
		return
	}
	e := &events[0]
	if r.Header.Get("Aeg-Event-Type") == "SubscriptionValidation" {
		_ = json.NewEncoder(rw).Encode(map[string]string{"validationResponse": e.Data.ValidationCode})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := e.Data.ThreadID + " " + e.Data.MessageID
	if w.heard[key] == nil {
		w.heard[key] = map[string]bool{}
	}
	w.heard[key][e.ID] = true
	select {
	case w.told <- struct{}{}:
	default:
	}
}

// round is one life and death of the process.
func (w *crashChat) round(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 1))
	p, err := startService(w.program, w.options)
	if err != nil {
		return err
	}
	conn, err := p.ready()
	if err != nil {
		p.kill()
		return err
	}
	began := make(chan struct{}, len(w.threads))
	var load sync.WaitGroup
	for _, thread := range w.threads {
		load.Go(func() { w.write(conn, thread, sync.OnceFunc(func() { began <- struct{}{} })) })
	}
	for range w.threads {
		<-began
	}
	<-time.After(time.Duration(r.Int64N(int64(150 * time.Millisecond))))
	p.kill()
	load.Wait()
	return nil
}

// write sends messages into a thread until the service is gone.
func (w *crashChat) write(conn server.Connection, thread string, began func()) {
	defer began()
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for {
		target := conn.HTTPEndpoint + "/chat/threads/" + url.PathEscape(thread) + "/messages?api-version=2025-03-15"
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(`{"content":"hello","type":"text"}`))
		if err != nil {
			w.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+w.token)
		resp, err := c.Do(req)
		if err != nil {
			return
		}
		var made struct{ ID string }
		err = json.NewDecoder(resp.Body).Decode(&made)
		resp.Body.Close()
		if err != nil {
			return
		}
		if resp.StatusCode != http.StatusCreated || made.ID == "" {
			w.t.Errorf("status %d", resp.StatusCode)
			return
		}
		w.mu.Lock()
		w.answered = append(w.answered, thread+" "+made.ID)
		w.mu.Unlock()
		began()
	}
}

// check waits for the events of all that was answered, and looks whether there is
// a message for each event.
func (w *crashChat) check() {
	w.t.Helper()
	srv := start(w.t, server.Options{DataDir: w.options.DataDir, Database: w.options.Database})
	missing := func() (list []string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, key := range w.answered {
			if w.heard[key] == nil {
				list = append(list, key)
			}
		}
		return list
	}
	limit := time.After(2 * time.Minute)
	for len(missing()) > 0 {
		select {
		case <-w.told:
		case <-limit:
			w.t.Fatalf("%d of %d messages were told to nobody", len(missing()), len(w.answered))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, ids := range w.heard {
		thread, id, _ := strings.Cut(key, " ")
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := server.ChatService(srv).Message(w.t.Context(), w.caller(srv), thread, n); err != nil {
			w.t.Errorf("a message that is not there was told: %v", err)
		}
		if len(ids) != 1 {
			w.t.Errorf("%d events of one message", len(ids))
		}
	}
	w.t.Log(fmt.Sprint(len(w.answered), " messages answered, ", len(w.heard), " told"))
}
