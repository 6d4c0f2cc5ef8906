package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
)

// listening makes a user of the default resource with a token.
func listening(t testing.TB, srv *server.Server, r *rest) (c *chat.Caller, token string) {
	t.Helper()
	id, token := r.user("chat")
	return &chat.Caller{User: id, Resource: server.DefaultResource(srv), Scopes: []string{"chat"}}, token
}

// TestRealTime: all events of a thread arrive over both transports, in order
// and with all that they tell; whoever is removed hears of it and of nothing
// after it.
func TestRealTime(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	for name, connect := range map[string]func(token string) *listener{
		"WebSocket": func(token string) *listener { return allocate(t, r, token, "w").connect(r) },
		"Polling": func(token string) *listener {
			l := allocate(t, r, token, "p")
			l.ready()
			return l
		},
	} {
		t.Run(name, func(t *testing.T) { tellAll(t, srv, r, connect) })
	}
}

func tellAll(t *testing.T, srv *server.Server, r *rest, connect func(token string) *listener) {
	ctx, threads := t.Context(), server.ChatService(srv)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	alice, _ := listening(t, srv, r)
	bob, token := listening(t, srv, r)
	carol, _ := listening(t, srv, r)
	l := connect(token)
	thread, _, err := threads.CreateThread(ctx, alice, chat.NewThread{
		Topic: "100% %41 \"süß\" 😀", Metadata: map[string]string{"k": "ü"}, RetentionDays: 30,
		Participants: []chat.Participant{{User: bob.User, DisplayName: "Bob 50%"}},
	})
	check(err)
	made := l.expect(257, bob.User)
	var properties struct{ Topic, AcsChatThreadMetadata, RetentionPolicy string }
	check(json.Unmarshal(unescape(t, made.Properties), &properties))
	if made.ThreadID != thread.ID || properties.Topic != thread.Topic || properties.AcsChatThreadMetadata != `{"k":"ü"}` ||
		properties.RetentionPolicy != `{"retentionPolicyType":"DeleteAfterCreationTime","executeAfter":"30.00:00:00"}` {
		t.Errorf("%+v %+v", made, properties)
	}
	if members := participants(t, made.Members); len(members) != 2 || members[bob.User] != "Bob 50%" || participant(t, made.CreatedBy) != alice.User || made.CreateTime == "" {
		t.Errorf("%+v %+v", made, members)
	}

	m, _, err := threads.Send(ctx, alice, thread.ID, chat.NewMessage{
		Kind: chat.MessageHTML, Content: "<b>hällo</b> 😀 \\ \"q\"", SenderName: "Alice", Metadata: map[string]string{"a": "1"}, ClientID: "c1",
	})
	check(err)
	got := l.expect(200, bob.User)
	if got.GroupID != thread.ID || got.SenderID != alice.User || got.MessageBody != m.Content || got.MessageType != "RichText/Html" || got.SenderDisplayName != "Alice" ||
		got.AcsChatMessageMetadata != `{"a":"1"}` || got.ClientMessageID != "c1" || !strings.HasPrefix(got.OriginalArrivalTime, "20") || got.Version != got.MessageID {
		t.Errorf("%+v", got)
	}
	check(threads.UpdateMessage(ctx, alice, thread.ID, m.ID, chat.MessagePatch{Content: new("better")}))
	if got := l.expect(247, bob.User); got.MessageBody != "better" || got.EditTime == "" || got.MessageID == "" {
		t.Errorf("%+v", got)
	}
	check(threads.Typing(ctx, alice, thread.ID, "Al"))
	if got := l.expect(245, bob.User); got.SenderDisplayName != "Al" || got.GroupID != thread.ID || got.SenderID != alice.User {
		t.Errorf("%+v", got)
	}
	check(threads.MarkRead(ctx, bob, thread.ID, m.ID))
	read := l.expect(246, bob.User)
	var horizon struct{ User, ConsumptionHorizon string }
	check(json.Unmarshal([]byte(read.MessageBody), &horizon))
	if parts := strings.Split(horizon.ConsumptionHorizon, ";"); horizon.User != bob.User || len(parts) != 3 || parts[0] != got.MessageID || read.SenderID != bob.User {
		t.Errorf("%+v %+v", read, horizon)
	}
	check(threads.DeleteMessage(ctx, alice, thread.ID, m.ID))
	if got := l.expect(248, bob.User); got.DeleteTime == "" || got.MessageBody != "" {
		t.Errorf("%+v", got)
	}
	_, err = threads.AddParticipants(ctx, alice, thread.ID, []chat.Participant{{User: carol.User, DisplayName: "Carol"}})
	check(err)
	if got := l.expect(260, bob.User); participants(t, got.ParticipantsAdded)[carol.User] != "Carol" || participant(t, got.AddedBy) != alice.User || got.Time == "" {
		t.Errorf("%+v", got)
	}
	check(threads.UpdateThread(ctx, alice, thread.ID, chat.ThreadPatch{Topic: new("later")}))
	if got := l.expect(258, bob.User); !strings.Contains(got.Properties, `"topic":"later"`) || participant(t, got.EditedBy) != alice.User {
		t.Errorf("%+v", got)
	}
	check(threads.RemoveParticipant(ctx, alice, thread.ID, bob.User))
	if got := l.expect(261, bob.User); participants(t, got.ParticipantsRemoved)[bob.User] == "-" || participant(t, got.RemovedBy) != alice.User {
		t.Errorf("%+v", got)
	}
	_, _, err = threads.Send(ctx, alice, thread.ID, chat.NewMessage{Kind: chat.MessageText, Content: "without you"})
	check(err)
	check(threads.Typing(ctx, alice, thread.ID, "Al"))
	other, _, err := threads.CreateThread(ctx, alice, chat.NewThread{Topic: "other", Participants: []chat.Participant{{User: bob.User}}})
	check(err)
	if got := l.expect(257, bob.User); got.ThreadID != other.ID {
		t.Errorf("%+v", got)
	}
	check(threads.DeleteThread(ctx, alice, other.ID))
	if got := l.expect(259, bob.User); got.ThreadID != other.ID || got.Reason != "deletedByUser" || participant(t, got.DeletedBy) != alice.User || got.DeleteTime == "" {
		t.Errorf("%+v", got)
	}
}

func participants(t *testing.T, text string) map[string]string {
	t.Helper()
	var list []struct{ ParticipantID, DisplayName string }
	if err := json.Unmarshal(unescape(t, text), &list); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	names := map[string]string{}
	for _, p := range list {
		names[p.ParticipantID] = p.DisplayName
	}
	return names
}

func participant(t *testing.T, text string) string {
	t.Helper()
	var p struct{ ParticipantID string }
	if err := json.Unmarshal(unescape(t, text), &p); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return p.ParticipantID
}

// TestRealTime_WordsOfTheClient: a ping gets its pong, an event that wants an
// answer gets one.
func TestRealTime_WordsOfTheClient(t *testing.T) {
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	_, token := listening(t, srv, r)
	l := allocate(t, r, token, "e").connect(r)
	for said, want := range map[string]string{
		`5:1+::{"name":"user.activity","args":[{"state":"active"}]}`: "6:::1+[]",
		`5:2+::{"name":"ping"}`: `6:::2+["pong"]`,
		`5:3::{"name":"other"}`: "6:::3",
		"2::":                   "2::",
	} {
		if l.say(said); l.hear() != want {
			t.Errorf("%s: want %s", said, want)
		}
	}
	l.say("0::")
	if _, _, err := l.ws.Read(t.Context()); err == nil {
		t.Error("the connection goes on after the client has left")
	}
	eventually(t, "a connection is left", func() error { return noConnections(r) })
}

// TestRealTime_OneConnectionOfAClient: the newer one is told, the older ends,
// and another instance of the same user goes on.
func TestRealTime_OneConnectionOfAClient(t *testing.T) {
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	alice, token := listening(t, srv, r)
	older, other := allocate(t, r, token, "one").connect(r), allocate(t, r, token, "two")
	other.ready()
	newer := allocate(t, r, token, "one").connect(r)
	older.over()
	if _, _, err := server.ChatService(srv).CreateThread(t.Context(), alice, chat.NewThread{Topic: "x"}); err != nil {
		t.Fatal(err)
	}
	newer.expect(257, alice.User)
	other.expect(257, alice.User)
}

// TestRealTime_EndsWithTheToken: revocation, deletion of the user and of what
// the token is good for end connections at once, and nothing of them is good
// for another one.
func TestRealTime_EndsWithTheToken(t *testing.T) {
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	for name, end := range map[string]func(user string) *answer{
		"Revoked": func(user string) *answer {
			return r.post("/identities/"+url.PathEscape(user)+"/:revokeAccessTokens", "")
		},
		"Deleted": func(user string) *answer {
			return r.do(r.request(http.MethodDelete, "/identities/"+url.PathEscape(user)+"?api-version="+apiVersion, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, token := listening(t, srv, r)
			ws, polls, late := allocate(t, r, token, "w").connect(r), allocate(t, r, token, "p"), allocate(t, r, token, "l")
			polls.ready()
			if a := end(c.User); a.StatusCode != http.StatusNoContent {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			ws.over()
			polls.over()
			if _, response, err := late.dial(r); err == nil || response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%v %v", response, err)
			}
			if a := r.realtimeRequest(http.MethodPost, r.conn.Endpoint+"/v4/a?epid=x", token, ""); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("allocated: %d", a.StatusCode)
			}
		})
	}
}

// TestRealTime_Refusals: without a token that chats, and without a ticket that
// is good, there is nothing to be had.
func TestRealTime_Refusals(t *testing.T) {
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	_, voip := r.user("voip")
	_, token := r.user("chat.join")
	l := allocate(t, r, token, "e")
	base := r.conn.Endpoint
	for _, c := range []struct {
		method, target, token string
		status                int
	}{
		{http.MethodGet, base + "/chat/config/realTimeNotifications?api-version=2024-09-01", "", 401},
		{http.MethodGet, base + "/chat/config/realTimeNotifications?api-version=2024-09-01", voip, 403},
		{http.MethodPost, base + "/v4/a", "a.b.c", 401},
		{http.MethodPost, base + "/v4/a", voip, 403},
		{http.MethodPost, base + "/v3/registrations", "", 401},
		{http.MethodDelete, base + "/v3/registrations/e", token, 202},
		{http.MethodGet, base + "/socket.io/1/", token, 401},
		{http.MethodGet, base + "/socket.io/1/?ticket=a.b", token, 401},
		{http.MethodGet, base + "/socket.io/1/xhr-polling/" + l.id, token, 401},
		{http.MethodGet, base + "/socket.io/1/websocket/" + l.id, token, 401},
		{http.MethodGet, l.address("socket.io/1/websocket/none", r), token, 401},
		{http.MethodPost, l.address("socket.io/1/xhr-polling/"+l.id, r), token, 404},
	} {
		if a := r.realtimeRequest(c.method, c.target, c.token, "0::"); a.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, strings.TrimPrefix(c.target, base)[:20], a.StatusCode, c.status)
		}
	}
	// A connection that nobody knows: the client is told to connect anew.
	if a := r.realtimeRequest(http.MethodGet, l.address("socket.io/1/xhr-polling/none.1", r), token, ""); string(a.body) != "0::" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestRealTime_EndpointWithSlash: an endpoint as connection strings have it
// leads to the same place.
func TestRealTime_EndpointWithSlash(t *testing.T) {
	r := newREST(t, start(t, server.Options{}))
	_, token := r.user("chat")
	_, voip := r.user("voip")
	_, end, _ := strings.Cut(r.conn.ConnectionString, "endpoint=")
	given, _, _ := strings.Cut(end, ";")
	if !strings.HasSuffix(given, "/") {
		t.Fatalf("the connection string has %s", given)
	}
	const path = "/chat/config/realTimeNotifications?api-version=2024-09-01"
	with, without := r.realtimeRequest(http.MethodGet, given+path, token, ""), r.realtimeRequest(http.MethodGet, r.conn.Endpoint+path, token, "")
	if with.StatusCode != http.StatusOK || string(with.body) != string(without.body) {
		t.Errorf("%d %s, without: %d %s", with.StatusCode, with.body, without.StatusCode, without.body)
	}
	if a := r.realtimeRequest(http.MethodGet, given+path, voip, ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("without the scope: %d", a.StatusCode)
	}
}

// TestRealTime_Preflight: pages of other origins may take every step.
func TestRealTime_Preflight(t *testing.T) {
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	for _, path := range []string{"/chat/config/realTimeNotifications", "//chat/config/realTimeNotifications", "/v4/a", "/socket.io/1/", "/v3/registrations"} {
		req, err := http.NewRequest(http.MethodOptions, r.conn.Endpoint+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://elsewhere.example")
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "content-type,x-skypetoken")
		if a := r.do(req); a.StatusCode != http.StatusNoContent || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "x-skypetoken") {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
	}
}

// TestRealTime_ServiceStops: clients are told, and nothing is left.
func TestRealTime_ServiceStops(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	_, token := listening(t, srv, r)
	ws, polls := allocate(t, r, token, "w").connect(r), allocate(t, r, token, "p")
	polls.ready()
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(t.Context()) }()
	ws.over()
	if err := <-done; err != nil {
		t.Error(err)
	}
	_ = ws.ws.Close(websocket.StatusNormalClosure, "")
}

// noConnections asks the metrics.
func noConnections(r *rest) error {
	a := r.do(r.request(http.MethodGet, "/metrics", ""))
	if !strings.Contains(string(a.body), "chat_realtime_connections 0\n") {
		return errConnections
	}
	return nil
}

var errConnections = errors.New("there are connections")
