package server_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// TestChatCreate_Repeated: one id of one user is one thread, also when the
// requests come at once; another user's id is the other's.
func TestChatCreate_Repeated(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob := newChatUser(r), newChatUser(r)
	const id = "6f0dc20a-8b1c-4a9e-9c4e-3f6c2a1b5d70"
	create := func(c *chatUser, header ...string) string {
		var made acswire.CreateChatThreadResult
		c.want(http.StatusCreated, &made, http.MethodPost, "/chat/threads", fmt.Sprintf(`{"topic":"once","participants":%s}`, participantList(bob.id)), header...)
		return *made.ChatThread.ID
	}
	var mu sync.Mutex
	made := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a := alice.call(http.MethodPost, "/chat/threads", `{"topic":"once"}`, "repeatability-request-id", id)
			mu.Lock()
			defer mu.Unlock()
			made[a.Header.Get("Location")] = true
		})
	}
	all.Wait()
	first := create(alice, "repeatability-request-id", id)
	if len(made) != 1 || !made[alice.conn.Endpoint+acswire.ChatThreadPath(first)] {
		t.Errorf("%d threads: %v", len(made), made)
	}
	for what, other := range map[string]string{
		"another user": create(bob, "repeatability-request-id", id), "another id": create(alice, "repeatability-request-id", id+"x"),
		"no id": create(alice), "again without one": create(alice),
	} {
		if other == first {
			t.Errorf("%s: the same thread", what)
		}
	}
	var list acswire.ChatThreadsItemCollection
	alice.want(http.StatusOK, &list, http.MethodGet, "/chat/threads", "")
	if len(list.Value) != 4 {
		t.Errorf("%d threads", len(list.Value))
	}
	if a := alice.call(http.MethodPost, "/chat/threads", `{"topic":"x"}`, "repeatability-request-id", letters(129)); a.StatusCode != http.StatusBadRequest {
		t.Errorf("long id: %d", a.StatusCode)
	}
}

// TestChatCreate_PartialSuccess: who is nobody is named, the others are in.
func TestChatCreate_PartialSuccess(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob := newChatUser(r), newChatUser(r)
	nobody := alice.id[:len(alice.id)-12] + "000000000000"
	foreign := "8:acs:00000000-1111-2222-3333-444444444444_55555555-6666-7777-8888-999999999999"
	var made acswire.CreateChatThreadResult
	alice.want(http.StatusCreated, &made, http.MethodPost, "/chat/threads", fmt.Sprintf(`{"topic":"partial","participants":%s}`, participantList(nobody, bob.id, foreign, alice.id)))
	var added acswire.AddChatParticipantsResult
	path := acswire.ChatThreadPath(*made.ChatThread.ID)
	alice.want(http.StatusCreated, &added, http.MethodPost, path+"/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(foreign, nobody, bob.id)))
	for _, list := range [][]acswire.Error{made.InvalidParticipants, added.InvalidParticipants} {
		if len(list) != 2 || list[0].Target == list[1].Target {
			t.Errorf("%+v", list)
		}
		for _, e := range list {
			if e.Code != "403" || e.Message == "" || e.Target != nobody && e.Target != foreign {
				t.Errorf("%+v", e)
			}
		}
	}
	var members acswire.ChatParticipantsCollection
	bob.want(http.StatusOK, &members, http.MethodGet, path+"/participants", "")
	if len(members.Value) != 2 {
		t.Errorf("%d members", len(members.Value))
	}
}

// TestChatAccess_OtherResources: a thread of one resource is none of another, and
// neither is a token.
func TestChatAccess_OtherResources(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	sales := r.of(*r.resource("Sales").PrimaryConnectionString)
	alice, mallory := newChatUser(r), newChatUser(sales)
	thread := alice.thread("secret topic")
	message := alice.say(thread, "secret words")
	mallory.allRefused("of another resource", http.StatusNotFound, attempts(thread, message, mallory.id), "secret", alice.id)
	stray := *mallory
	stray.rest = r
	stray.allRefused("token of another resource", http.StatusUnauthorized, attempts(thread, message, mallory.id), "secret")
	// Nobody of another resource is let in.
	var added acswire.AddChatParticipantsResult
	alice.want(http.StatusCreated, &added, http.MethodPost, acswire.ChatThreadPath(thread)+"/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(mallory.id)))
	if len(added.InvalidParticipants) != 1 {
		t.Errorf("%+v", added)
	}
}
