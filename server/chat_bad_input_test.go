package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// badRequest is one request that must be refused.
type badRequest struct {
	name, method, path, body string
	status                   int
	code                     string
}

func (c *chatUser) refuse(list []badRequest) {
	c.t.Helper()
	for _, r := range list {
		a := c.call(r.method, r.path, r.body)
		if a.StatusCode != r.status {
			c.t.Errorf("%s: %d, want %d: %s", r.name, a.StatusCode, r.status, a.body)
			continue
		}
		if e := a.error(c.t); e.Code != r.code || e.Message == "" || a.Header.Get(acswire.HeaderErrorCode) != r.code {
			c.t.Errorf("%s: %s, want code %s", r.name, a.body, r.code)
		}
	}
}

// letters is a text of n bytes.
func letters(n int) string { return strings.Repeat("a", n) }

// TestChatLimits_Threads: what a thread may be made with and changed to.
func TestChatLimits_Threads(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice := newChatUser(r)
	thread := alice.thread("limits")
	path := acswire.ChatThreadPath(thread)
	many := make([]string, 201)
	for i := range many {
		many[i] = alice.id
	}
	const threads, post, patch = "/chat/threads", http.MethodPost, http.MethodPatch
	alice.refuse([]badRequest{
		{"no topic", post, threads, `{}`, 400, "BadRequest"},
		{"empty topic", post, threads, `{"topic":""}`, 400, "BadRequest"},
		{"no body", post, threads, ``, 400, "BadRequest"},
		{"no JSON", post, threads, `{"topic":`, 400, "BadRequest"},
		{"topic of another type", post, threads, `{"topic":1}`, 400, "ValidationError"},
		{"topic twice", post, threads, `{"topic":"a","topic":"b"}`, 400, "BadRequest"},
		{"topic with U+0000", post, threads, `{"topic":"a\u0000"}`, 400, "BadRequest"},
		{"long topic", post, threads, fmt.Sprintf(`{"topic":%q}`, letters(1025)), 413, "PayloadTooLarge"},
		{"201 participants", post, threads, fmt.Sprintf(`{"topic":"a","participants":%s}`, participantList(many...)), 400, "BadRequest"},
		{"no identifier", post, threads, `{"topic":"a","participants":[{"displayName":"x"}]}`, 400, "BadRequest"},
		{"bad identifier", post, threads, fmt.Sprintf(`{"topic":"a","participants":%s}`, participantList("8:acs:x")), 400, "BadRequest"},
		{"a telephone", post, threads, `{"topic":"a","participants":[{"communicationIdentifier":{"phoneNumber":{"value":"+14255550123"}}}]}`, 400, "BadRequest"},
		{"two kinds", post, threads, fmt.Sprintf(`{"topic":"a","participants":[{"communicationIdentifier":{"communicationUser":{"id":%q},"phoneNumber":{"value":"+14255550123"}}}]}`, alice.id), 400, "BadRequest"},
		{"long name", post, threads, fmt.Sprintf(`{"topic":"a","participants":[{"communicationIdentifier":{"communicationUser":{"id":%q}},"displayName":%q}]}`, alice.id, letters(257)), 413, "PayloadTooLarge"},
		{"bad history", post, threads, fmt.Sprintf(`{"topic":"a","participants":[{"communicationIdentifier":{"communicationUser":{"id":%q}},"shareHistoryTime":"yesterday"}]}`, alice.id), 400, "BadRequest"},
		{"large metadata", post, threads, fmt.Sprintf(`{"topic":"a","metadata":{"a":%q}}`, letters(1024)), 413, "PayloadTooLarge"},
		{"metadata without a name", post, threads, `{"topic":"a","metadata":{"":"x"}}`, 400, "BadRequest"},
		{"metadata of another type", post, threads, `{"topic":"a","metadata":{"a":1}}`, 400, "ValidationError"},
		{"29 days", post, threads, `{"topic":"a","retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":29}}`, 400, "BadRequest"},
		{"91 days", post, threads, `{"topic":"a","retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":91}}`, 400, "BadRequest"},
		{"no days", post, threads, `{"topic":"a","retentionPolicy":{"kind":"threadCreationDate"}}`, 400, "BadRequest"},
		{"unknown kind", post, threads, `{"topic":"a","retentionPolicy":{"kind":"soon"}}`, 400, "BadRequest"},
		{"change to no topic", patch, path, `{"topic":""}`, 400, "BadRequest"},
		{"change to a long topic", patch, path, fmt.Sprintf(`{"topic":%q}`, letters(1025)), 413, "PayloadTooLarge"},
		{"change to large metadata", patch, path, fmt.Sprintf(`{"metadata":{"a":%q}}`, letters(1024)), 413, "PayloadTooLarge"},
		{"change to 29 days", patch, path, `{"retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":29}}`, 400, "BadRequest"},
		{"add nobody", post, path + "/participants/:add", `{"participants":[]}`, 400, "BadRequest"},
		{"add 201", post, path + "/participants/:add", fmt.Sprintf(`{"participants":%s}`, participantList(many...)), 400, "BadRequest"},
		{"remove nobody", post, path + "/participants/:remove", `{}`, 400, "BadRequest"},
		{"remove what is no user", post, path + "/participants/:remove", `{"rawId":"4:+14255550123","phoneNumber":{"value":"+14255550123"}}`, 400, "BadRequest"},
		{"a method that is none", http.MethodPut, path, `{}`, 405, "MethodNotAllowed"},
	})
	if a := alice.call(post, threads, `{"topic":"a"}`, "Content-Type", "text/plain"); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", a.StatusCode)
	}
	// What is just within the limits is taken.
	alice.want(201, nil, post, threads, fmt.Sprintf(`{"topic":%q,"metadata":{"a":%q},"retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":90}}`, letters(1024), letters(1023)))
}

// TestChatLimits_Messages: what a message may be.
func TestChatLimits_Messages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob := newChatUser(r), newChatUser(r)
	thread := alice.thread("limits", bob)
	path := acswire.ChatThreadPath(thread)
	messages, post := path+"/messages", http.MethodPost
	mine, theirs := acswire.ChatMessagePath(thread, alice.say(thread, "mine")), acswire.ChatMessagePath(thread, bob.say(thread, "theirs"))
	var list acswire.ChatMessagesCollection
	alice.want(200, &list, http.MethodGet, messages, "")
	system := acswire.ChatMessagePath(thread, *list.Value[len(list.Value)-1].ID)
	const gone = "1000000000000"
	alice.refuse([]badRequest{
		{"no content", post, messages, `{}`, 400, "BadRequest"},
		{"empty content", post, messages, `{"content":""}`, 400, "BadRequest"},
		{"a system message", post, messages, `{"content":"x","type":"topicUpdated"}`, 400, "BadRequest"},
		{"a type that is none", post, messages, `{"content":"x","type":"video"}`, 400, "BadRequest"},
		{"28 KB and one byte", post, messages, fmt.Sprintf(`{"content":%q}`, letters(28<<10+1)), 413, "PayloadTooLarge"},
		{"long name", post, messages, fmt.Sprintf(`{"content":"x","senderDisplayName":%q}`, letters(257)), 413, "PayloadTooLarge"},
		{"large metadata", post, messages, fmt.Sprintf(`{"content":"x","metadata":{"a":%q}}`, letters(1024)), 413, "PayloadTooLarge"},
		{"enormous body", post, messages, fmt.Sprintf(`{"content":%q}`, letters(1<<20)), 413, "PayloadTooLarge"},
		{"half a character", post, messages, `{"content":"\ud800"}`, 400, "BadRequest"},
		{"change to 28 KB and one byte", http.MethodPatch, mine, fmt.Sprintf(`{"content":%q}`, letters(28<<10+1)), 413, "PayloadTooLarge"},
		{"change what another wrote", http.MethodPatch, theirs, `{"content":"x"}`, 403, "Forbidden"},
		{"delete what another wrote", http.MethodDelete, theirs, ``, 403, "Forbidden"},
		{"change a system message", http.MethodPatch, system, `{"content":"x"}`, 403, "Forbidden"},
		{"delete a system message", http.MethodDelete, system, ``, 403, "Forbidden"},
		{"a message that is not there", http.MethodGet, messages + "/" + gone, ``, 404, "NotFound"},
		{"change one that is not there", http.MethodPatch, messages + "/" + gone, `{"content":"x"}`, 404, "NotFound"},
		{"delete one that is not there", http.MethodDelete, messages + "/" + gone, ``, 404, "NotFound"},
		{"read one that is not there", post, path + "/readReceipts", `{"chatMessageId":"` + gone + `"}`, 404, "NotFound"},
		{"read nothing", post, path + "/readReceipts", `{}`, 400, "BadRequest"},
		{"long name of who types", post, path + "/typing", fmt.Sprintf(`{"senderDisplayName":%q}`, letters(257)), 413, "PayloadTooLarge"},
	})
	for _, id := range []string{"x", "0", "-1", "+1", "1.5", "01e3", "99999999999999999999", "%00", "1%2F2", "..", "1;DROP TABLE", "١"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if a := alice.call(method, messages+"/"+acswire.EscapePathValue(id), ""); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", method, id, a.StatusCode, a.body)
			}
		}
	}
	alice.want(201, nil, post, messages, fmt.Sprintf(`{"content":%q}`, letters(28<<10)))
	// A message that was taken back cannot be changed, and is taken back once.
	alice.want(204, nil, http.MethodDelete, mine, "")
	alice.want(204, nil, http.MethodDelete, mine, "")
	alice.want(404, nil, http.MethodPatch, mine, `{"content":"x"}`)
}

// TestChatLimits_Pages: sizes of pages, and links that are of another list.
func TestChatLimits_Pages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	alice, bob := newChatUser(r), newChatUser(r)
	thread, other := alice.thread("one", bob), alice.thread("two", bob)
	path := acswire.ChatThreadPath(thread)
	for i := range 5 {
		alice.say(thread, fmt.Sprint(i))
	}
	for _, list := range []string{"/chat/threads", path + "/messages", path + "/participants", path + "/readReceipts"} {
		for _, query := range []string{"maxPageSize=0", "maxPageSize=-1", "maxPageSize=x", "maxPageSize=99999999999"} {
			if a := alice.call(http.MethodGet, list+"?"+query, ""); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s: %d", list, query, a.StatusCode)
			}
		}
		alice.want(200, nil, http.MethodGet, list+"?maxPageSize=1000", "")
	}
	for _, query := range []string{"/messages?startTime=today", "/messages?syncState=x", "/participants?skip=-1"} {
		if a := alice.call(http.MethodGet, path+query, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.StatusCode)
		}
	}
	var seen []string
	var page acswire.ChatMessagesCollection
	alice.want(200, &page, http.MethodGet, path+"/messages?maxPageSize=3", "")
	link := *page.NextLink
	for {
		for _, m := range page.Value {
			seen = append(seen, *m.SequenceID)
		}
		if page.NextLink == nil {
			break
		}
		a := alice.follow(*page.NextLink)
		page = acswire.ChatMessagesCollection{}
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatalf("%d: %v", a.StatusCode, err)
		}
	}
	if got := strings.Join(seen, " "); got != "7 6 5 4 3 2 1" {
		t.Errorf("read %s", got)
	}
	// The link of messages says nothing in the list of threads.
	_, state, _ := strings.Cut(link, "syncState=")
	if a := alice.call(http.MethodGet, "/chat/threads?syncState="+state, ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a link of another list: %d", a.StatusCode)
	}
	// In another thread it leads no further than its reader may see.
	carol := newChatUser(r)
	if a := carol.follow(strings.Replace(link, acswire.ChatThreadPath(thread), acswire.ChatThreadPath(other), 1)); a.StatusCode != http.StatusForbidden {
		t.Errorf("somebody else's link: %d", a.StatusCode)
	}
}
