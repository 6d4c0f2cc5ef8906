package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// attempt is one request that somebody might make in a thread.
type attempt struct{ method, path, body string }

// attempts are all that can be asked of a thread and a message in it.
func attempts(thread, message, user string) []attempt {
	path := acswire.ChatThreadPath(thread)
	return []attempt{
		{http.MethodGet, path, ""},
		{http.MethodPatch, path, `{"topic":"mine"}`},
		{http.MethodDelete, path, ""},
		{http.MethodGet, path + "/messages", ""},
		{http.MethodPost, path + "/messages", `{"content":"x"}`},
		{http.MethodGet, path + "/messages/" + message, ""},
		{http.MethodPatch, path + "/messages/" + message, `{"content":"x"}`},
		{http.MethodDelete, path + "/messages/" + message, ""},
		{http.MethodGet, path + "/participants", ""},
		{http.MethodPost, path + "/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(user))},
		{http.MethodPost, path + "/participants/:remove", fmt.Sprintf(`{"rawId":%q,"communicationUser":{"id":%q}}`, user, user)},
		{http.MethodGet, path + "/readReceipts", ""},
		{http.MethodPost, path + "/readReceipts", fmt.Sprintf(`{"chatMessageId":%q}`, message)},
		{http.MethodPost, path + "/typing", ""},
	}
}

// allRefused makes all attempts; none may succeed or tell a secret.
func (c *chatUser) allRefused(name string, status int, list []attempt, secrets ...string) {
	c.t.Helper()
	for _, one := range list {
		a := c.call(one.method, one.path, one.body)
		if a.StatusCode != status {
			c.t.Errorf("%s: %s %s: %d, want %d: %s", name, one.method, one.path, a.StatusCode, status, a.body)
		}
		for _, secret := range secrets {
			if strings.Contains(string(a.body), secret) {
				c.t.Errorf("%s: %s %s tells %q: %s", name, one.method, one.path, secret, a.body)
			}
		}
	}
}

// TestChatAccess_Strangers: who is no member is told what ACS tells, that he is
// none, and nothing else; whoever is of another resource not even that.
func TestChatAccess_Strangers(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	alice, bob, mallory := newChatUser(r), newChatUser(r), newChatUser(r)
	thread := alice.thread("the secret topic", bob)
	message := alice.say(thread, "the secret words")
	secrets := []string{"secret", alice.id, bob.id}
	mallory.allRefused("stranger", http.StatusForbidden, attempts(thread, message, mallory.id), secrets...)
	for _, v := range []string{"2021-03-07", "2024-03-07", "2024-06-05-preview"} {
		mallory.at(v).allRefused("stranger at "+v, http.StatusForbidden, attempts(thread, message, mallory.id), secrets...)
	}
	var list acswire.ChatThreadsItemCollection
	mallory.want(http.StatusOK, &list, http.MethodGet, "/chat/threads", "")
	if len(list.Value) != 0 {
		t.Errorf("a stranger has threads: %+v", list)
	}
	// Nothing of it has happened.
	var p acswire.ChatParticipantsCollection
	bob.want(http.StatusOK, &p, http.MethodGet, acswire.ChatThreadPath(thread)+"/participants", "")
	var m acswire.ChatMessagesCollection
	bob.want(http.StatusOK, &m, http.MethodGet, acswire.ChatThreadPath(thread)+"/messages", "")
	if len(p.Value) != 2 || len(m.Value) != 3 || *m.Value[0].Content.Message != "the secret words" {
		t.Errorf("%d members, %d messages", len(p.Value), len(m.Value))
	}
	// A message of one thread is none of another.
	other := alice.thread("other")
	foreign := alice.say(other, "elsewhere")
	bob.want(http.StatusNotFound, nil, http.MethodGet, acswire.ChatMessagePath(thread, foreign), "")
	alice.want(http.StatusNotFound, nil, http.MethodPatch, acswire.ChatMessagePath(thread, foreign), `{"content":"x"}`)
}

// TestChatAccess_ForgedIDs: ids that nobody was given.
func TestChatAccess_ForgedIDs(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	alice := newChatUser(newREST(t, start(t, server.Options{})))
	thread := alice.thread("forged")
	message := alice.say(thread, "words")
	changed := []byte(thread)
	if changed[20] = 'x'; thread[20] == 'x' {
		changed[20] = 'y'
	}
	for _, id := range []string{string(changed), "19:parley_x@thread.v2", "19:00000000000000000000000000000000@thread.v2", strings.ToUpper(thread[:30]) + thread[30:]} {
		alice.allRefused(id, http.StatusNotFound, attempts(id, message, alice.id))
	}
	for _, id := range []string{
		"x", "19:@thread.v2", "19:a@thread.v3", "20:a@thread.v2", "19:a b@thread.v2", "19:a'--@thread.v2", "19:a/../b@thread.v2", "19:é@thread.v2",
		"19:a%@thread.v2", thread + "x", " " + thread, "19:" + letters(200) + "@thread.v2",
	} {
		alice.allRefused(id, http.StatusBadRequest, attempts(id, message, alice.id))
	}
}

// TestChatAccess_Removed: a member who is removed, or whose user is deleted,
// gets nothing from that moment.
func TestChatAccess_Removed(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob, carol := newChatUser(r), newChatUser(r), newChatUser(r)
	thread := alice.thread("removed", bob, carol)
	path := acswire.ChatThreadPath(thread)
	message := bob.say(thread, "my own words")
	bob.want(http.StatusOK, nil, http.MethodPost, path+"/readReceipts", fmt.Sprintf(`{"chatMessageId":%q}`, message))
	remove := fmt.Sprintf(`{"rawId":%q,"communicationUser":{"id":%q}}`, bob.id, bob.id)
	alice.want(http.StatusNoContent, nil, http.MethodPost, path+"/participants/:remove", remove)
	alice.want(http.StatusNoContent, nil, http.MethodPost, path+"/participants/:remove", remove) // is none any more
	bob.allRefused("removed", http.StatusForbidden, attempts(thread, message, bob.id), "my own words", alice.id)
	var threads acswire.ChatThreadsItemCollection
	bob.want(http.StatusOK, &threads, http.MethodGet, "/chat/threads", "")
	var receipts acswire.ChatMessageReadReceiptsCollection
	alice.want(http.StatusOK, &receipts, http.MethodGet, path+"/readReceipts", "")
	if len(threads.Value) != 0 || len(receipts.Value) != 0 {
		t.Errorf("left of a removed member: %d threads, %d receipts", len(threads.Value), len(receipts.Value))
	}

	// Whoever comes back sees what is said from then on.
	secret := alice.say(thread, "while bob was away")
	alice.want(http.StatusCreated, nil, http.MethodPost, path+"/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(bob.id)))
	after := alice.say(thread, "welcome back")
	bob.want(http.StatusNotFound, nil, http.MethodGet, acswire.ChatMessagePath(thread, secret), "")
	bob.want(http.StatusNotFound, nil, http.MethodPatch, acswire.ChatMessagePath(thread, secret), `{"content":"x"}`)
	bob.want(http.StatusNotFound, nil, http.MethodPost, path+"/readReceipts", fmt.Sprintf(`{"chatMessageId":%q}`, secret))
	bob.want(http.StatusOK, nil, http.MethodGet, acswire.ChatMessagePath(thread, after), "")
	var seen acswire.ChatMessagesCollection
	bob.want(http.StatusOK, &seen, http.MethodGet, path+"/messages?startTime=1970-01-01T00:00:00Z", "")
	for _, m := range seen.Value {
		if m.Content.Message != nil && *m.Content.Message != "welcome back" {
			t.Errorf("saw %s", *m.Content.Message)
		}
	}

	// A user who is deleted is a member no more, and the token is void.
	if a := r.do(r.request(http.MethodDelete, acswire.IdentityPath(carol.id)+"?api-version="+apiVersion, "")); a.StatusCode != http.StatusNoContent {
		t.Fatalf("delete: %d", a.StatusCode)
	}
	carol.allRefused("deleted", http.StatusUnauthorized, attempts(thread, message, carol.id), "words")
	var left acswire.ChatParticipantsCollection
	alice.want(http.StatusOK, &left, http.MethodGet, path+"/participants", "")
	if len(left.Value) != 2 {
		t.Errorf("%d members are left", len(left.Value))
	}
	// Whoever leaves is out at once, as if removed by another.
	bob.want(http.StatusNoContent, nil, http.MethodPost, path+"/participants/:remove", remove)
	bob.want(http.StatusForbidden, nil, http.MethodGet, path, "")
	// A deleted thread is there for nobody.
	alice.want(http.StatusNoContent, nil, http.MethodDelete, path, "")
	alice.allRefused("deleted thread", http.StatusNotFound, attempts(thread, message, alice.id), "welcome")
}

// TestChatAccess_Tokens: what each scope allows, and what is no token for it.
func TestChatAccess_Tokens(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice := newChatUser(r)
	join, limited, voip := newChatUser(r, "chat.join"), newChatUser(r, "chat.join.limited"), newChatUser(r, "voip")
	thread := alice.thread("scopes", join, limited, voip)
	path := acswire.ChatThreadPath(thread)
	message := alice.say(thread, "words")
	voip.allRefused("voip", http.StatusForbidden, attempts(thread, message, alice.id), "words")
	for _, c := range []*chatUser{join, limited} {
		c.want(http.StatusForbidden, nil, http.MethodPost, "/chat/threads", `{"topic":"x"}`)
		c.want(http.StatusForbidden, nil, http.MethodPatch, path, `{"topic":"x"}`)
		c.want(http.StatusForbidden, nil, http.MethodDelete, path, "")
		c.want(http.StatusOK, nil, http.MethodGet, path, "")
		c.want(http.StatusOK, nil, http.MethodGet, path+"/messages", "")
		c.say(thread, "as a guest")
	}
	add := fmt.Sprintf(`{"participants":%s}`, participantList(alice.id))
	join.want(http.StatusCreated, nil, http.MethodPost, path+"/participants/:add", add)
	limited.want(http.StatusForbidden, nil, http.MethodPost, path+"/participants/:add", add)
	limited.want(http.StatusForbidden, nil, http.MethodPost, path+"/participants/:remove", fmt.Sprintf(`{"communicationUser":{"id":%q}}`, alice.id))
	// An access key is no user, and neither is whoever has nothing.
	if a := r.do(r.request(http.MethodGet, "/chat/threads?api-version="+chatVersion, "")); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("access key: %d", a.StatusCode)
	}
	for _, token := range []string{"", "x", "a.b.c", alice.token + "x"} {
		nobody := *alice
		nobody.token = token
		nobody.allRefused("token "+token[:min(len(token), 3)], http.StatusUnauthorized, attempts(thread, message, alice.id), "words")
	}
}

// TestChatAccess_Crowds: the largest thread, and what large ones do not have.
func TestChatAccess_Crowds(t *testing.T) {
	testkit.CheckLeaks(t, 3*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice := newChatUser(r)
	ids := make([]string, 250)
	for i := range ids {
		ids[i], _ = r.user("chat")
	}
	thread := alice.thread("crowd")
	path := acswire.ChatThreadPath(thread)
	message := alice.say(thread, "words")
	add := func(status int, ids ...string) {
		t.Helper()
		alice.want(status, nil, http.MethodPost, path+"/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(ids...)))
	}
	read := fmt.Sprintf(`{"chatMessageId":%q}`, message)
	add(http.StatusCreated, ids[:19]...) // twenty with alice
	alice.want(http.StatusOK, nil, http.MethodPost, path+"/typing", "")
	alice.want(http.StatusOK, nil, http.MethodPost, path+"/readReceipts", read)
	add(http.StatusCreated, ids[19])
	alice.want(http.StatusForbidden, nil, http.MethodPost, path+"/typing", "")
	alice.want(http.StatusForbidden, nil, http.MethodPost, path+"/readReceipts", read)
	add(http.StatusCreated, ids[20:200]...)
	add(http.StatusBadRequest, ids[200:]...) // one too many: nobody comes
	add(http.StatusCreated, ids[200:249]...)
	add(http.StatusBadRequest, ids[249])
	add(http.StatusCreated, ids[:100]...) // all there already
	seen := map[string]bool{}
	for skip := 0; skip < 300; skip += 100 {
		var page acswire.ChatParticipantsCollection
		alice.want(http.StatusOK, &page, http.MethodGet, fmt.Sprintf("%s/participants?maxPageSize=100&skip=%d", path, skip), "")
		for _, p := range page.Value {
			seen[*p.CommunicationIdentifier.RawID] = true
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d members", len(seen))
	}
}

// TestChatAccess_Scripts: what others write runs in nobody's browser, and text
// stays as it was written.
func TestChatAccess_Scripts(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob := newChatUser(r), newChatUser(r)
	thread := alice.thread("scripts", bob)
	path := acswire.ChatThreadPath(thread)
	read := func(id string) string {
		t.Helper()
		var m acswire.ChatMessage
		bob.want(http.StatusOK, &m, http.MethodGet, acswire.ChatMessagePath(thread, id), "")
		return *m.Content.Message
	}
	send := func(body string) string {
		t.Helper()
		var sent acswire.SendChatMessageResult
		alice.want(http.StatusCreated, &sent, http.MethodPost, path+"/messages", body)
		return *sent.ID
	}
	for _, html := range []string{
		`<script>alert(1)</script>ok`, `<img src=x onerror=alert(1)>ok`, `<a href="javascript:alert(1)">ok</a>`, `<svg onload=alert(1)>ok`,
		`<iframe src="https://evil.example"></iframe>ok`, `<b onclick=alert(1)>ok</b>`, `<style>@import 'https://evil.example'</style>ok`,
		`<a href="data:text/html,<script>alert(1)</script>">ok</a>`, `<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>ok`,
		`<object data="x"></object><embed src="x">ok`, `<form action="https://evil.example"><input name=a>ok</form>`, `<a href="JaVaScRiPt&colon;alert(1)">ok</a>`,
		`<base href="https://evil.example">ok`, `<meta http-equiv=refresh content="0;url=https://evil.example">ok`, `<<script>alert(1);//<</script>ok`,
	} {
		id := send(fmt.Sprintf(`{"type":"html","content":%q}`, html))
		got := strings.ToLower(read(id))
		edited := send(`{"type":"html","content":"before"}`)
		alice.want(http.StatusNoContent, nil, http.MethodPatch, acswire.ChatMessagePath(thread, edited), fmt.Sprintf(`{"content":%q}`, html))
		if again := strings.ToLower(read(edited)); again != got {
			t.Errorf("%s: sent as %s, edited to %s", html, got, again)
		}
		for _, bad := range []string{"<script", "onerror=", "onclick=", "onload=", "javascript", "<iframe", "<style", "data:text", "<svg", "<object", "<embed", "<form", "<input", "<base", "<meta"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s became %s", html, got)
			}
		}
	}
	if got := read(send(`{"type":"html","content":"<b>bold</b> <i>it</i> <a href=\"https://example.com/\">link</a>"}`)); !strings.Contains(got, "<b>bold</b>") || !strings.Contains(got, `href="https://example.com/"`) {
		t.Errorf("good markup became %s", got)
	}
	// Pictures are those of the thread, by their id; what a src would load is not.
	for _, src := range []string{"https://evil.example/track.gif", "//evil.example/track.gif", "/chat/threads", "track.gif", "http://evil.example/\u00a0?", "ftp://evil.example"} {
		got := read(send(fmt.Sprintf(`{"type":"html","content":%q}`, `<p>look<img id="0-parley-1" alt="menu" itemscope="png" width="10" src="`+src+`" srcset="`+src+` 2x"></p>`)))
		if strings.Contains(got, "evil") || strings.Contains(got, "track") || strings.Contains(got, "threads") || strings.Contains(got, "srcset") {
			t.Errorf("a picture from %s is kept: %s", src, got)
		}
		if !strings.Contains(got, `id="0-parley-1"`) || !strings.Contains(got, `alt="menu"`) || !strings.Contains(got, `width="10"`) {
			t.Errorf("a picture with the src %s became %s", src, got)
		}
	}
	// What nothing is left of is no message, whether it is sent or edited to.
	kept := send(`{"type":"html","content":"before"}`)
	for method, at := range map[string]string{http.MethodPost: path + "/messages", http.MethodPatch: acswire.ChatMessagePath(thread, kept)} {
		alice.want(http.StatusBadRequest, nil, method, at, `{"type":"html","content":"<script>alert(1)</script>"}`)
	}
	// Elsewhere it is text: as written, and answered as JSON only.
	const script = `<script>alert("1")</script>`
	quoted := `"<script>alert(\"1\")</script>"`
	if got := read(send(`{"content":` + quoted + `}`)); got != script {
		t.Errorf("text became %s", got)
	}
	alice.want(http.StatusNoContent, nil, http.MethodPatch, path, fmt.Sprintf(`{"topic":%s,"metadata":{%s:%s}}`, quoted, quoted, quoted))
	named := send(`{"content":"x","senderDisplayName":` + quoted + `,"metadata":{"a":` + quoted + `}}`)
	var p acswire.ChatThreadProperties
	a := bob.want(http.StatusOK, &p, http.MethodGet, path, "")
	var m acswire.ChatMessage
	bob.want(http.StatusOK, &m, http.MethodGet, acswire.ChatMessagePath(thread, named), "")
	if *p.Topic != script || p.Metadata[script] != script || *m.SenderDisplayName != script || m.Metadata["a"] != script {
		t.Errorf("%s, %+v", a.body, m)
	}
	// A browser that is led there takes it for nothing else.
	if strings.Contains(string(a.body), "<script") || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%s as %s", a.body, a.Header.Get("Content-Type"))
	}
}

// TestChatRates: with the limits of ACS, a thread takes ten messages in ten
// seconds, whoever sends them.
func TestChatRates(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{Limits: "acs"}))
	alice, bob := newChatUser(r), newChatUser(r)
	thread, other := alice.thread("rates", bob), alice.thread("other", bob)
	for i := range 5 {
		alice.say(thread, fmt.Sprint(i))
		bob.say(thread, fmt.Sprint(i))
	}
	for _, v := range []string{chatVersion, "2021-09-07"} {
		a := bob.at(v).call(http.MethodPost, acswire.ChatThreadPath(thread)+"/messages", `{"content":"x"}`)
		if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || a.Header.Get(acswire.HeaderErrorCode) != "TooManyRequests" {
			t.Errorf("%s: %d %v", v, a.StatusCode, a.Header)
		}
	}
	alice.say(other, "another thread")
}
