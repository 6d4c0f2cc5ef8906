package server_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// TestCluster_EventsAndPush: a webhook and a phone that one node was told of
// hear of what happens at the other; somebody who is connected to one is not
// woken by the other.
func TestCluster_EventsAndPush(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	apns, woken := newAPNs(t)
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 2)
	nodes := make([]*server.Server, 2)
	for i := range nodes {
		nodes[i] = start(t, server.Options{Database: database, NATS: nats.URLs[i], Push: server.PushOptions{APNs: apns, Content: true}})
	}
	hook := newReceiver(t)
	const kind = "Microsoft.Communication.ChatMessageReceivedInThread"
	operator{t, nodes[0].Connection()}.do(http.MethodPost, server.WebhooksPath, nil, server.NewWebhook{Name: "bot", Endpoint: hook.URL, Types: []string{kind}}, http.StatusCreated)
	r := newREST(t, nodes[0])
	alice := chatter(t, nodes[0], r)
	bob, token := r.user("chat")
	device(t, nodes[0], token, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "b1"}, http.StatusNoContent)
	// The other node learns of both by looking.
	for !server.Wants(nodes[1], kind) || !server.PushWanted(nodes[1]) {
		if t.Context().Err() != nil {
			t.Fatal("the other node does not know")
		}
	}
	there := server.ChatService(nodes[1])
	made, _, err := there.CreateThread(t.Context(), alice, chat.NewThread{Topic: "lunch", Participants: []chat.Participant{{User: bob}}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		t.Helper()
		if _, _, err := there.Send(t.Context(), alice, made.ID, chat.NewMessage{Kind: chat.MessageText, Content: text}); err != nil {
			t.Fatal(err)
		}
		<-hook.events
		var events []struct{ Data struct{ MessageBody string } }
		if body := <-hook.content; json.Unmarshal(body, &events) != nil || events[0].Data.MessageBody != text {
			t.Errorf("%s", body)
		}
	}
	detach := server.ChatService(nodes[0]).Hub().Attach(bob, &deletions{})
	send("he is at the first node")
	for server.PushJobs(nodes[1]) > 0 && t.Context().Err() == nil {
		continue
	}
	detach()
	send("he is away")
	if p := <-woken; p.token != "b1" || p.data["text"] != "he is away" {
		t.Errorf("%+v", p)
	}
	select {
	case p := <-woken:
		t.Errorf("one too many: %+v", p)
	default:
	}
}
