package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/push"
	"github.com/parley-rtc/parley/signaling"
)

// woken is a notification that the stand-in of APNs got.
type woken struct {
	token, kind string
	data        map[string]string
}

// newAPNs stands in for APNs; server/push holds it against the protocol.
func newAPNs(t *testing.T) (*push.APNsOptions, chan woken) {
	t.Helper()
	got := make(chan woken, 64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var said struct{ Parley map[string]string }
		if err != nil || json.Unmarshal(body, &said) != nil || r.ProtoMajor != 2 {
			t.Errorf("%s %s: %.100s %v", r.Proto, r.URL.Path, body, err)
		}
		got <- woken{strings.TrimPrefix(r.URL.Path, "/3/device/"), r.Header.Get("Apns-Push-Type"), said.Parley}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &push.APNsOptions{
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), KeyID: "k", TeamID: "t", Topic: "example.app", URL: s.URL, RootCAs: pool,
	}, got
}

// device sends a request about the devices of a user.
func device(t *testing.T, srv *server.Server, token, method string, query url.Values, body any, want int) []byte {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, srv.Connection().HTTPEndpoint+server.PushDevicesPath+"?"+query.Encode(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s: %d, not %d: %s %v", method, resp.StatusCode, want, answer, err)
	}
	return answer
}

func TestPush_Devices(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	apns, _ := newAPNs(t)
	srv := start(t, server.Options{Push: server.PushOptions{APNs: apns}})
	r := newREST(t, srv)
	user, token := r.user("chat")
	device(t, srv, token, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "aa11", VoIPToken: "bb22"}, http.StatusNoContent)
	listed := device(t, srv, token, http.MethodGet, nil, nil, http.StatusOK)
	if list := read[server.PushDevices](t, listed); len(list.Devices) != 1 || list.Devices[0].ID != "phone" || bytes.Contains(listed, []byte("aa11")) || bytes.Contains(listed, []byte("bb22")) {
		t.Errorf("%s", listed)
	}
	for _, bad := range []any{
		server.PushDevice{ID: "phone", Platform: "fcm", Token: "x"}, server.PushDevice{Platform: "apns", Token: "aa"}, map[string]int{"id": 1}, "x",
	} {
		device(t, srv, token, http.MethodPut, nil, bad, http.StatusBadRequest)
	}
	_, other := r.user("chat")
	device(t, srv, other, http.MethodDelete, url.Values{"id": {"phone"}}, nil, http.StatusNotFound)
	device(t, srv, "x", http.MethodGet, nil, nil, http.StatusUnauthorized)
	device(t, srv, srv.Connection().ARMToken, http.MethodGet, nil, nil, http.StatusUnauthorized)
	device(t, srv, token, http.MethodDelete, url.Values{"id": {"phone"}}, nil, http.StatusNoContent)
	device(t, srv, token, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "aa11"}, http.StatusNoContent)
	if a := r.do(r.request(http.MethodDelete, "/identities/"+url.PathEscape(user)+"?api-version="+apiVersion, "")); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	device(t, srv, token, http.MethodGet, nil, nil, http.StatusUnauthorized)
}

// TestPush_Messages: who is connected is not woken, who is away is.
func TestPush_Messages(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	apns, got := newAPNs(t)
	srv := start(t, server.Options{Push: server.PushOptions{APNs: apns, Content: true}})
	r := newREST(t, srv)
	alice := chatter(t, srv, r)
	bobID, bobToken := r.user("chat", "voip")
	device(t, srv, bobToken, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "b1"}, http.StatusNoContent)
	threads := server.ChatService(srv)
	made, _, err := threads.CreateThread(t.Context(), alice, chat.NewThread{Topic: "lunch", Participants: []chat.Participant{{User: bobID}}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		t.Helper()
		if _, _, err := threads.Send(t.Context(), alice, made.ID, chat.NewMessage{Kind: chat.MessageText, Content: text}); err != nil {
			t.Fatal(err)
		}
	}
	laptop := sign(t, srv, bobID, bobToken, "laptop") // connected
	send("one")
	for server.PushJobs(srv) > 0 && t.Context().Err() == nil {
		continue
	}
	laptop.client.Close()
	for len(server.Present(srv, bobID)) > 0 && t.Context().Err() == nil {
		continue
	}
	detach := threads.Hub().Attach(bobID, &deletions{})
	send("two")
	for server.PushJobs(srv) > 0 && t.Context().Err() == nil {
		continue
	}
	detach()
	send("three")
	if p := <-got; p.token != "b1" || p.kind != "alert" || p.data["text"] != "three" || p.data["threadId"] != made.ID {
		t.Errorf("%+v", p)
	}
	select {
	case p := <-got:
		t.Errorf("one too many: %+v", p)
	default:
	}
}

// TestPush_Calls: a call waits for a phone that is woken, rings it when it signs
// in, and ends when nobody comes or the caller hangs up.
func TestPush_Calls(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	apns, got := newAPNs(t)
	srv := start(t, server.Options{Push: server.PushOptions{APNs: apns, RingTime: 20 * time.Second}})
	r := newREST(t, srv)
	aliceID, aliceToken := r.user()
	bobID, bobToken := r.user()
	alice := sign(t, srv, aliceID, aliceToken, "laptop")
	begin := func(media callfsm.Media) callfsm.CallID {
		id := callfsm.NewCallID()
		alice.send(id, callfsm.Message{Kind: callfsm.KindStart, To: bobID, DisplayName: "Alice", Media: media})
		return id
	}
	alice.expectEnd(begin(callfsm.MediaAudio), 480, 10037) // no phone: at once
	device(t, srv, bobToken, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "b1", VoIPToken: "b9"}, http.StatusNoContent)

	id := begin(callfsm.MediaAudio | callfsm.MediaVideo)
	if p := <-got; p.token != "b9" || p.kind != "voip" || p.data["callId"] != id.String() || p.data["from"] != aliceID || p.data["displayName"] != "Alice" || p.data["video"] != "true" {
		t.Errorf("%+v", p)
	}
	bob := sign(t, srv, bobID, bobToken, "phone")
	alice.expect(id, callfsm.KindStarted)
	incoming := bob.expect(id, callfsm.KindIncoming)
	bob.send(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: incoming.Leg, Media: callfsm.MediaAudio})
	alice.expect(id, callfsm.KindAccepted)
	bob.expect(id, callfsm.KindConfirmed)
	alice.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	bob.expect(id, callfsm.KindEnded)
	bob.client.Close()
	for len(server.Present(srv, bobID)) > 0 && t.Context().Err() == nil {
		continue
	}

	id = begin(callfsm.MediaAudio)
	<-got
	alice.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	for {
		// What tells of the end of the call before comes in between.
		ended, m, err := signaling.DecodeCall(alice.next())
		if err != nil {
			t.Fatal(err)
		}
		if ended == id {
			if m.Kind != callfsm.KindEnded || m.Reason.Code != 487 {
				t.Errorf("%v %v", m.Kind, m.Reason)
			}
			break
		}
	}
	// The caller who goes away takes the call along.
	begin(callfsm.MediaAudio)
	<-got
	alice.client.Close()
	for len(server.Present(srv, aliceID)) > 0 && t.Context().Err() == nil {
		continue
	}
	late := sign(t, srv, bobID, bobToken, "phone")
	late.client.Close()
	select {
	case m := <-late.messages:
		t.Errorf("a call of nobody rings: %v", m)
	default:
	}
}

// TestPush_NobodyComes: a call does not wait for ever.
func TestPush_NobodyComes(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	apns, got := newAPNs(t)
	srv := start(t, server.Options{Push: server.PushOptions{APNs: apns, RingTime: 50 * time.Millisecond}})
	r := newREST(t, srv)
	aliceID, aliceToken := r.user()
	bobID, bobToken := r.user()
	device(t, srv, bobToken, http.MethodPut, nil, server.PushDevice{ID: "phone", Platform: "apns", Token: "b1"}, http.StatusNoContent)
	alice := sign(t, srv, aliceID, aliceToken, "laptop")
	id := callfsm.NewCallID()
	alice.send(id, callfsm.Message{Kind: callfsm.KindStart, To: bobID, Media: callfsm.MediaAudio})
	if p := <-got; p.kind != "alert" || p.data["type"] != "call" {
		t.Errorf("%+v", p)
	}
	alice.expectEnd(id, 480, 10037)
}
