package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// waiting returns when a poll waits at the service, and tells later what the
// answer was. It polls twice: one poll takes the place of the other.
func (l *listener) waiting(node *rest) <-chan string {
	l.t.Helper()
	heard := make(chan string, 2)
	for range cap(heard) {
		address := l.address("socket.io/1/xhr-polling/"+l.id, node)
		go func() {
			resp, err := node.client.Get(address)
			if err != nil {
				heard <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			heard <- fmt.Sprint(resp.StatusCode, " ", string(body), " ", err)
		}()
	}
	if got := <-heard; got != "200 8:: <nil>" {
		l.t.Fatalf("the earlier poll was answered %q", got)
	}
	return heard
}

// TestRealTime_EndsWhenTheTokenExpires: connections over both transports end at
// that moment, whoever wants another one needs a new token, and what is written
// then is for the new one.
func TestRealTime_EndsWhenTheTokenExpires(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	var offset atomic.Int64
	srv := start(t, server.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	r := newREST(t, srv)
	alice, token := listening(t, srv, r)
	bob, _ := listening(t, srv, r)
	offset.Store(int64(2 * time.Minute))
	newer := decoded[struct{ Token string }](t, r.post("/identities/"+url.PathEscape(alice.User)+"/:issueAccessToken", `{"scopes":["chat"]}`)).Token
	// Of the day for which a token is good this is left for the steps before the connections.
	const left = 10 * time.Second
	offset.Store(int64(24*time.Hour - left))
	ws, polls, late := allocate(t, r, token, "w").connect(r), allocate(t, r, token, "p"), allocate(t, r, token, "l")
	polls.ready()
	_, _, err := server.ChatService(srv).CreateThread(t.Context(), bob, chat.NewThread{Topic: "x", Participants: []chat.Participant{{User: alice.User}}})
	if err != nil {
		t.Fatal(err)
	}
	ws.expect(257, alice.User)
	polls.expect(257, alice.User)
	heard := polls.waiting(r)
	ws.over()
	if got := <-heard; got != "200 0:: <nil>" {
		t.Errorf("the poll was answered %q", got)
	}
	if _, response, err := late.dial(r); err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("connected after the end: %v %v", response, err)
	}
	for _, step := range []struct{ method, target string }{
		{http.MethodGet, late.address("socket.io/1/xhr-polling/"+late.id, r)},
		{http.MethodPost, late.address("socket.io/1/xhr-polling/"+late.id, r)},
		{http.MethodGet, late.address("socket.io/1/", r)},
		{http.MethodPost, r.conn.Endpoint + "/v4/a?epid=w"},
		{http.MethodPost, r.conn.Endpoint + "/v3/registrations"},
	} {
		if a := r.realtimeRequest(step.method, step.target, token, "0::"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s: %d %s", step.method, step.target, a.StatusCode, a.body)
		}
	}
	allocate(t, r, newer, "w").connect(r)
}

// TestRealTime_EndsWithTheResource: what the users of a deleted resource have
// open ends, and that of its neighbor goes on.
func TestRealTime_EndsWithTheResource(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	_, keptToken := listening(t, srv, r)
	kept := allocate(t, r, keptToken, "k").connect(r)
	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	_, token := sales.user("chat")
	ws, polls := allocate(t, sales, token, "w").connect(sales), allocate(t, sales, token, "p")
	polls.ready()
	// Its port closes with it: the poll is on its way before.
	heard := polls.waiting(sales)
	if a := r.manage(http.MethodDelete, r.service("sales")+armVersion, ""); a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	ws.over()
	if got := <-heard; got != "200 0:: <nil>" {
		t.Errorf("the poll was answered %q", got)
	}
	if kept.say(`5:2+::{"name":"ping"}`); kept.hear() != `6:::2+["pong"]` {
		t.Error("the connection of another resource ended, too")
	}
}

// TestRealTime_Image: an event tells of an image as the client expects it: a
// list in a text, whose addresses the client puts behind the endpoint with a
// version, and gets the image there.
func TestRealTime_Image(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	alice, bob := newChatUser(r).at(imagesVersion), newChatUser(r).at(imagesVersion)
	thread := alice.thread("pictures", bob)
	transports := map[string]*listener{"WebSocket": allocate(t, r, bob.token, "w").connect(r), "Polling": allocate(t, r, bob.token, "p")}
	transports["Polling"].ready()
	whole := picture(t, 700, 400)
	id := alice.upload(thread, "soup.png", whole)
	alice.want(http.StatusCreated, nil, http.MethodPost, acswire.ChatThreadPath(thread)+"/messages",
		fmt.Sprintf(`{"content":"look","attachments":[{"id":%q,"attachmentType":"image"}]}`, id))
	for name, l := range transports {
		t.Run(name, func(t *testing.T) {
			got := l.expect(200, bob.id)
			var list []struct{ ID, AttachmentType, Name, URL, PreviewURL string }
			if err := json.Unmarshal([]byte(got.Attachments), &list); err != nil || len(list) != 1 {
				t.Fatalf("%q: %v", got.Attachments, err)
			}
			a := list[0]
			if a.ID != id || a.AttachmentType != "image" || a.Name != "soup.png" || a.URL == "" || a.PreviewURL == "" || a.URL == a.PreviewURL {
				t.Errorf("%+v", a)
			}
			original := bob.at(chatVersion).call(http.MethodGet, a.URL, "")
			if string(original.body) != string(whole) || original.Header.Get("Content-Type") != "image/png" {
				t.Errorf("original: %d %v", original.StatusCode, original.Header)
			}
			if small := bob.at(chatVersion).call(http.MethodGet, a.PreviewURL, ""); small.StatusCode != http.StatusOK || !strings.HasPrefix(small.Header.Get("Content-Type"), "image/") || len(small.body) == 0 || string(small.body) == string(whole) {
				t.Errorf("small: %d %v", small.StatusCode, small.Header)
			}
		})
	}
}
