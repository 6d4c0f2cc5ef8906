package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// conversation is a thread of alice and bob with messages of both.
func conversation(t *testing.T, srv *server.Server, r *rest, each int) (alice, bob *chat.Caller, thread string) {
	t.Helper()
	alice, bob = chatter(t, srv, r), chatter(t, srv, r)
	threads := server.ChatService(srv)
	made, _, err := threads.CreateThread(t.Context(), alice, chat.NewThread{
		Topic: "lunch & <dinner>", Participants: []chat.Participant{{User: bob.User, DisplayName: "Robert"}}, Metadata: map[string]string{"k": "v"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range each {
		for _, c := range []*chat.Caller{alice, bob} {
			if _, _, err := threads.Send(t.Context(), c, made.ID, chat.NewMessage{
				Kind: chat.MessageText, Content: fmt.Sprint("secret-", i), SenderName: "somebody",
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return alice, bob, made.ID
}

func export(t *testing.T, o operator, thread string) (lines []server.ExportLine) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(o.do(http.MethodGet, server.ChatExportPath, url.Values{"thread": {thread}}, nil, http.StatusOK)))
	for decoder.More() {
		var line server.ExportLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if end := lines[len(lines)-1].End; end == nil || lines[0].Thread == nil {
		t.Fatalf("no end or no beginning: %+v", lines)
	}
	return lines
}

func TestModeration_Export(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r := operator{t, srv.Connection()}, newREST(t, srv)
	const each = 150 // more than a page
	alice, bob, thread := conversation(t, srv, r, each)
	if err := server.ChatService(srv).MarkRead(t.Context(), bob, thread, messageOf(t, srv, alice, thread).ID); err != nil {
		t.Fatal(err)
	}
	lines := export(t, o, thread)
	if got := lines[0].Thread; got.Topic != "lunch & <dinner>" || *got.CreatedBy.RawID != alice.User || got.Metadata["k"] != "v" {
		t.Errorf("%+v", got)
	}
	var participants, messages, receipts int
	last := ""
	for _, line := range lines {
		switch {
		case line.Participant != nil:
			participants++
		case line.ReadReceipt != nil:
			receipts++
		case line.Message != nil:
			messages++
			if line.Message.ID <= last {
				t.Errorf("%s after %s", line.Message.ID, last)
			}
			last = line.Message.ID
		}
	}
	// Two messages tell of the topic and of who came.
	if participants != 2 || receipts != 1 || messages != 2*each+2 || lines[len(lines)-1].End.Messages != messages {
		t.Errorf("%d participants, %d receipts, %d messages, end %+v", participants, receipts, messages, lines[len(lines)-1].End)
	}
	o.do(http.MethodGet, server.ChatExportPath, url.Values{"thread": {"19:x@thread.v2"}}, nil, http.StatusNotFound)
	o.do(http.MethodGet, server.ChatExportPath, nil, nil, http.StatusNotFound)
	first := read[server.ChatThreads](t, o.do(http.MethodGet, server.ChatThreadsPath, url.Values{"user": {bob.User}, "limit": {"1"}}, nil, http.StatusOK))
	if len(first.Threads) != 1 || first.Threads[0].ID != thread {
		t.Errorf("%+v", first)
	}
	second := read[server.ChatThreads](t, o.do(http.MethodGet, server.ChatThreadsPath, url.Values{"after": {first.Next}}, nil, http.StatusOK))
	if len(second.Threads) != 0 || second.Next != "" {
		t.Errorf("%+v", second)
	}
	o.do(http.MethodGet, server.ChatThreadsPath, url.Values{"limit": {"0"}}, nil, http.StatusBadRequest)
}

// messageOf returns the newest message of a thread.
func messageOf(t *testing.T, srv *server.Server, c *chat.Caller, thread string) chat.Message {
	t.Helper()
	list, err := server.ChatService(srv).Messages(t.Context(), c, thread, chat.Position{}.Last, 0, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// TestModeration_EraseUser: what somebody wrote is gone, from the thread, from
// its export and from events that wait; the others' words stay, and everybody is
// told.
func TestModeration_EraseUser(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r, hook := operator{t, srv.Connection()}, newREST(t, srv), newReceiver(t)
	hook.status.Store(http.StatusBadRequest) // every event is a dead letter
	o.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{
		Name: "audit", Endpoint: hook.URL, Types: []string{"Microsoft.Communication.ChatMessageReceivedInThread"},
	}, http.StatusCreated)
	const each = 101 // more than one transaction erases
	go func() {
		for range hook.events {
			<-hook.content
		}
	}()
	alice, bob, thread := conversation(t, srv, r, each)
	var letters int
	for letters < 2*each && t.Context().Err() == nil {
		letters = len(read[server.DeadLetters](t, o.do(http.MethodGet, server.DeadLettersPath, url.Values{"limit": {"1000"}}, nil, http.StatusOK)).DeadLetters)
	}
	sink := &deletions{done: make(chan struct{}), want: each}
	detach, err := server.ChatService(srv).Hub().Join(t.Context(), alice.User, sink)
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	done := read[server.Erased](t, o.do(http.MethodPost, server.ChatErasePath, nil, server.Erasure{User: bob.User}, http.StatusOK))
	if done != (server.Erased{Threads: 1, Messages: each}) {
		t.Errorf("%+v", done)
	}
	<-sink.done
	deleted := 0
	for _, line := range export(t, o, thread) {
		data, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		mine := line.Message != nil && line.Message.Sender != nil && *line.Message.Sender.RawID == bob.User
		if mine && (strings.Contains(string(data), "secret") || strings.Contains(string(data), "somebody")) || strings.Contains(string(data), "Robert") && line.Participant == nil {
			t.Errorf("it is still there: %s", data)
		}
		if line.Message != nil && line.Message.DeletedOn != nil {
			deleted++
		} else if line.Message != nil && line.Message.Type == "text" && !strings.Contains(string(data), "secret") {
			t.Errorf("another one's words are gone: %s", data)
		}
	}
	if deleted != each {
		t.Errorf("%d messages are deleted, not %d", deleted, each)
	}
	left := o.do(http.MethodGet, server.DeadLettersPath, url.Values{"limit": {"1000"}}, nil, http.StatusOK)
	if n := len(read[server.DeadLetters](t, left).DeadLetters); n != each || bytes.Contains(left, []byte("/sender/"+bob.User)) {
		t.Errorf("%d dead letters are left", n)
	}
	again := read[server.Erased](t, o.do(http.MethodPost, server.ChatErasePath, nil, server.Erasure{User: bob.User, Thread: thread}, http.StatusOK))
	if again != (server.Erased{}) {
		t.Errorf("%+v", again)
	}
}

// TestModeration_EraseNamesAndTopics: with what somebody wrote go the topics that
// the user gave, and the user's name and metadata as a member, also where the
// user wrote nothing. Others' topics stay, and members hear what changes.
func TestModeration_EraseNamesAndTopics(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r := operator{t, srv.Connection()}, newREST(t, srv)
	alice, bob, carol := chatter(t, srv, r), chatter(t, srv, r), chatter(t, srv, r)
	threads := server.ChatService(srv)
	begin := func(creator, other *chat.Caller, topic string) string {
		t.Helper()
		made, _, err := threads.CreateThread(t.Context(), creator, chat.NewThread{Topic: topic, Participants: []chat.Participant{
			{User: bob.User, DisplayName: "secret-name", Metadata: map[string]string{"k": "secret-metadata"}}, {User: other.User, DisplayName: "kept-name"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	call := func(c *chat.Caller, thread, topic string) {
		t.Helper()
		if err := threads.UpdateThread(t.Context(), c, thread, chat.ThreadPatch{Topic: &topic}); err != nil {
			t.Fatal(err)
		}
	}
	silent, his, hers, gone := begin(alice, carol, "kept-topic"), begin(alice, carol, "kept-topic"), begin(bob, alice, "secret-topic"), begin(bob, alice, "secret-topic")
	call(bob, his, "secret-topic")
	call(alice, hers, "kept-topic")
	if err := threads.DeleteThread(t.Context(), alice, gone); err != nil {
		t.Fatal(err)
	}
	told := make(topics, 10)
	detach, err := threads.Hub().Join(t.Context(), alice.User, told)
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	o.do(http.MethodPost, server.ChatErasePath, nil, server.Erasure{User: bob.User}, http.StatusOK)
	for thread, topic := range map[string]string{silent: "kept-topic", his: "", hers: "kept-topic", gone: ""} {
		lines := export(t, o, thread)
		data, err := json.Marshal(lines)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("secret")) || thread != gone && !bytes.Contains(data, []byte("kept-topic")) || thread == his && !bytes.Contains(data, []byte("kept-name")) {
			t.Errorf("left are %s", data)
		}
		if lines[0].Thread.Topic != topic {
			t.Errorf("the topic %q is %q now", topic, lines[0].Thread.Topic)
		}
	}
	next := func() *chat.Event {
		for e := range told {
			if e.Thread == his && e.Topic != "secret-topic" { // that may have been on its way
				return e
			}
		}
		return nil
	}
	if e := next(); e.Topic != "" || e.Actor != bob.User {
		t.Errorf("%+v", e)
	}
	o.do(http.MethodPost, server.ChatErasePath, nil, server.Erasure{User: bob.User}, http.StatusOK)
	call(alice, his, "another topic") // what comes before it would have been told before it
	if e := next(); e.Topic != "another topic" {
		t.Errorf("%+v", e)
	}
}

// topics is told of topics.
type topics chan *chat.Event

// Missed implements chat.Sink.
func (c topics) Missed(string) {}

// Deliver takes an event.
func (c topics) Deliver(e *chat.Event) {
	if e.Kind == chat.EventThreadUpdated {
		c <- e
	}
}

// deletions counts the messages whose deletion a member hears of.
type deletions struct {
	want int
	done chan struct{}
}

// Missed implements chat.Sink.
func (d *deletions) Missed(string) {}

// Deliver takes an event.
func (d *deletions) Deliver(e *chat.Event) {
	if e.Kind != chat.EventMessageDeleted || e.Message.Content != "" {
		return
	}
	if d.want--; d.want == 0 {
		close(d.done)
	}
}

func TestModeration_EraseMessageAndThread(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o, r := operator{t, srv.Connection()}, newREST(t, srv)
	alice, _, thread := conversation(t, srv, r, 2)
	message := messageOf(t, srv, alice, thread)
	id := fmt.Sprint(message.ID)
	erase := func(e server.Erasure, want int) []byte {
		return o.do(http.MethodPost, server.ChatErasePath, nil, e, want)
	}
	if done := read[server.Erased](t, erase(server.Erasure{Thread: thread, Message: id}, http.StatusOK)); done.Messages != 1 {
		t.Errorf("%+v", done)
	}
	if got := messageOf(t, srv, alice, thread); got.ID != message.ID || got.Deleted.IsZero() || got.Content != "" || got.Version <= message.Version {
		t.Errorf("%+v", got)
	}
	if done := read[server.Erased](t, erase(server.Erasure{Thread: thread, Message: id}, http.StatusOK)); done.Messages != 0 {
		t.Errorf("%+v", done)
	}
	erase(server.Erasure{Thread: thread, Message: "17"}, http.StatusNotFound)
	erase(server.Erasure{Thread: "19:x@thread.v2"}, http.StatusNotFound)
	for _, bad := range []server.Erasure{
		{},
		{User: "8"},
		{User: "4:+15550100"},
		{Thread: "%"},
		{Message: id},
		{Thread: thread, Message: "x"},
		{User: alice.User, Thread: thread, Message: id},
	} {
		erase(bad, http.StatusBadRequest)
	}
	o.do(http.MethodPost, server.ChatErasePath, nil, map[string]string{"everything": "yes"}, http.StatusBadRequest)
	if done := read[server.Erased](t, erase(server.Erasure{Thread: thread}, http.StatusOK)); done.Threads != 1 {
		t.Errorf("%+v", done)
	}
	if _, err := server.ChatService(srv).Thread(t.Context(), alice, thread); err == nil {
		t.Error("the thread is still there")
	}
	o.c.ARMToken = "x"
	for _, path := range []string{server.ChatErasePath, server.ChatExportPath, server.ChatThreadsPath} {
		method := http.MethodGet
		if path == server.ChatErasePath {
			method = http.MethodPost
		}
		o.do(method, path, nil, nil, http.StatusUnauthorized)
	}
}

// TestOwnDocument: the service's own operations are in a document of OpenAPI,
// which is listed, and every one of them is served.
func TestOwnDocument(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	o := operator{t, srv.Connection()}
	if index := o.do(http.MethodGet, "/openapi/index.json", nil, nil, http.StatusOK); !bytes.Contains(index, []byte("/openapi/parley/v1.json")) {
		t.Errorf("%s", index)
	}
	doc, err := openapi3.NewLoader().LoadFromData(o.do(http.MethodGet, "/openapi/parley/v1.json", nil, nil, http.StatusOK))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	o.c.ARMToken = "x"
	operations := 0
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			operations++
			if operation.Security == nil || len(*operation.Security) == 0 {
				t.Errorf("%s %s says nothing of who may", method, path)
			}
			o.do(method, strings.ReplaceAll(strings.ReplaceAll(path, "{", ""), "}", ""), nil, nil, http.StatusUnauthorized)
		}
	}
	if operations < 11 {
		t.Errorf("%d operations", operations)
	}
}
