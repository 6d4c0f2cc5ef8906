package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

const chatVersion = "2025-03-15"

// chatUser is a user who chats over REST.
type chatUser struct {
	*rest
	id, token, version string
}

// newChatUser makes a user of a service.
func newChatUser(r *rest, scopes ...string) *chatUser {
	r.t.Helper()
	if len(scopes) == 0 {
		scopes = []string{"chat"}
	}
	id, token := r.user(scopes...)
	return &chatUser{rest: r, id: id, token: token, version: chatVersion}
}

// at is the chatUser asking for another version.
func (c *chatUser) at(version string) *chatUser {
	other := *c
	other.version = version
	return &other
}

// call sends a request. The path may have a query; header are names and values.
func (c *chatUser) call(method, path, body string, header ...string) *answer {
	c.t.Helper()
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	req, err := http.NewRequest(method, c.conn.Endpoint+path+mark+"api-version="+c.version, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(req, body, header...)
}

// follow asks for a link as it is.
func (c *chatUser) follow(link string) *answer {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, link, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(req, "")
}

func (c *chatUser) send(req *http.Request, body string, header ...string) *answer {
	c.t.Helper()
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return c.do(req)
}

// want is call, the answer of which must have a status and goes into out.
func (c *chatUser) want(code int, out any, method, path, body string, header ...string) *answer {
	c.t.Helper()
	a := c.call(method, path, body, header...)
	if a.StatusCode != code {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.StatusCode, code, a.body)
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			c.t.Fatalf("%s %s: %v: %s", method, path, err, a.body)
		}
	}
	return a
}

// thread makes a thread with members.
func (c *chatUser) thread(topic string, members ...*chatUser) string {
	c.t.Helper()
	ids := make([]string, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.id)
	}
	var made acswire.CreateChatThreadResult
	c.want(http.StatusCreated, &made, http.MethodPost, "/chat/threads", fmt.Sprintf(`{"topic":%q,"participants":%s}`, topic, participantList(ids...)))
	return *made.ChatThread.ID
}

// participantList is the JSON of a list of them.
func participantList(ids ...string) string {
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		list = append(list, fmt.Sprintf(`{"communicationIdentifier":{"rawId":%q,"communicationUser":{"id":%q}}}`, id, id))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// say sends a text and returns its id.
func (c *chatUser) say(thread, text string) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"content": text})
	if err != nil {
		c.t.Fatal(err)
	}
	var sent acswire.SendChatMessageResult
	c.want(http.StatusCreated, &sent, http.MethodPost, acswire.ChatThreadPath(thread)+"/messages", string(body))
	return *sent.ID
}

// upload uploads an image and returns its id.
func (c *chatUser) upload(thread, name string, data []byte) string {
	c.t.Helper()
	var made acswire.UploadChatImageResult
	c.want(http.StatusCreated, &made, http.MethodPost, acswire.ChatThreadPath(thread)+"/images", string(data),
		"Content-Type", "application/octet-stream", acswire.HeaderImageFilename, name)
	return *made.ID
}

// picture makes a PNG.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.NRGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestChatPatches: a patch changes what it names, null takes away, and one that
// names nothing changes nothing.
func TestChatPatches(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	alice := newChatUser(newREST(t, start(t, server.Options{})))
	thread := alice.thread("patches")
	path := acswire.ChatThreadPath(thread)
	patch := func(target, body string) {
		t.Helper()
		alice.want(http.StatusNoContent, nil, http.MethodPatch, target, body, "Content-Type", "application/merge-patch+json")
	}
	is := func(topic, metadata, kind string) {
		t.Helper()
		var p acswire.ChatThreadProperties
		alice.want(http.StatusOK, &p, http.MethodGet, path, "")
		if got, err := json.Marshal(p.Metadata); err != nil || *p.Topic != topic || string(got) != metadata || *p.RetentionPolicy.Kind != kind {
			t.Errorf("%s %s %s (%v), want %s %s %s", *p.Topic, got, *p.RetentionPolicy.Kind, err, topic, metadata, kind)
		}
	}
	is("patches", "null", "none")
	patch(path, `{"metadata":{"a":"1","b":"2"},"retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":30}}`)
	is("patches", `{"a":"1","b":"2"}`, "threadCreationDate")
	patch(path, `{"topic":"other","metadata":{"a":null,"c":"3","b":""}}`)
	is("other", `{"c":"3"}`, "threadCreationDate")
	patch(path, `{"Metadata":null,"retentionPolicy":null}`)
	is("other", "null", "none")
	patch(path, `{}`)
	is("other", "null", "none")

	message := acswire.ChatMessagePath(thread, alice.say(thread, "one"))
	var before, after acswire.ChatMessage
	patch(message, `{"metadata":{"a":"1","b":"2"}}`)
	patch(message, `{"metadata":{"a":null}}`)
	alice.want(http.StatusOK, &before, http.MethodGet, message, "")
	patch(message, `{}`)
	alice.want(http.StatusOK, &after, http.MethodGet, message, "")
	if *after.Content.Message != "one" || len(after.Metadata) != 1 || after.Metadata["b"] != "2" || *after.Version != *before.Version {
		t.Errorf("%+v", after)
	}
	alice.want(http.StatusBadRequest, nil, http.MethodPatch, message, `{"content":""}`)
	patch(message, `{"content":"two","metadata":null}`)
	after = acswire.ChatMessage{}
	alice.want(http.StatusOK, &after, http.MethodGet, message, "")
	if *after.Content.Message != "two" || len(after.Metadata) != 0 || after.EditedOn == nil {
		t.Errorf("%+v", after)
	}
}
