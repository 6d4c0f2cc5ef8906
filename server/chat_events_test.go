package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// chatter is a user of the default resource who chats without REST.
func chatter(t testing.TB, srv *server.Server, r *rest) *chat.Caller {
	t.Helper()
	id, _ := r.user("chat")
	return &chat.Caller{User: id, Resource: server.DefaultResource(srv), Scopes: []string{"chat"}}
}

// TestChatEvents: what happens in a thread of a running service reaches a
// webhook, also when a user is deleted over REST.
func TestChatEvents(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := start(t, server.Options{})
	r, hook := newREST(t, srv), newReceiver(t)
	o := operator{t, srv.Connection()}
	o.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{
		Name: "bot", Endpoint: hook.URL,
		Types: []string{"Microsoft.Communication.ChatMessageReceivedInThread", "Microsoft.Communication.ChatThreadParticipantRemoved"},
	}, http.StatusCreated)
	alice, bob := chatter(t, srv, r), chatter(t, srv, r)
	threads := server.ChatService(srv)
	made, _, err := threads.CreateThread(t.Context(), alice, chat.NewThread{Topic: "lunch", Participants: []chat.Participant{{User: bob.User}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := threads.Send(t.Context(), bob, made.ID, chat.NewMessage{Kind: chat.MessageText, Content: "soup?"}); err != nil {
		t.Fatal(err)
	}
	type event struct {
		Topic, Subject, EventType string

		Data struct{ MessageBody string }
	}
	<-hook.events
	heard := read[[]event](t, <-hook.content)[0]
	if heard.Data.MessageBody != "soup?" || heard.Subject != "thread/"+made.ID+"/sender/"+bob.User || !strings.HasSuffix(heard.Topic, "/communicationServices/local") {
		t.Errorf("%+v", heard)
	}
	if a := r.do(r.request(http.MethodDelete, "/identities/"+url.PathEscape(bob.User)+"?api-version="+apiVersion, "")); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	<-hook.events
	heard = read[[]event](t, <-hook.content)[0]
	if heard.EventType != "Microsoft.Communication.ChatThreadParticipantRemoved" || heard.Subject != "thread/"+made.ID+"/participantremoved/"+bob.User {
		t.Errorf("%+v", heard)
	}
	if _, _, err := threads.Send(t.Context(), bob, made.ID, chat.NewMessage{Kind: chat.MessageText, Content: "still here"}); err == nil {
		t.Error("a user who was deleted writes on")
	}
}
