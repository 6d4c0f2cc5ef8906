package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/chat/fake"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/server/webhook"
)

const echo = "8:acs:00000000-0000-0000-0000-000000000001_00000000-0000-0000-0000-000000000002"

// newBot makes a bot whose answers send takes.
func newBot(t *testing.T, send func(thread, content string, o *chat.ThreadClientSendMessageOptions) error) *bot {
	t.Helper()
	// {"exp":4102444800}: it is never asked for again.
	credential, err := common.NewStaticTokenCredential("e30.eyJleHAiOjQxMDI0NDQ4MDB9.x")
	if err != nil {
		t.Fatal(err)
	}
	client, err := chat.NewClient("https://fake", credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{Transport: &fake.Server{
		SendMessage: func(_ context.Context, thread, content string, o *chat.ThreadClientSendMessageOptions) (chat.ThreadClientSendMessageResponse, error) {
			id := "1"
			return chat.ThreadClientSendMessageResponse{ID: &id}, send(thread, content, o)
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return &bot{user: echo, secret: []byte("a secret of thirty-two characters"), chat: client, logger: slog.New(slog.DiscardHandler)}
}

func said(id, recipient, metadata string) string {
	return fmt.Sprintf(`[{"id":%q,"eventType":"Microsoft.Communication.ChatMessageReceived","data":{"threadId":"19:a@thread.v2","messageBody":"hi",
		"metadata":%s,"recipientCommunicationIdentifier":{"rawId":%q}}}]`, id, metadata, recipient)
}

// bring hands an event to the bot, signed as the service does.
func bring(b *bot, secret []byte, at time.Time, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set(webhook.HeaderID, "1")
	r.Header.Set(webhook.HeaderTimestamp, fmt.Sprint(at.Unix()))
	r.Header.Set(webhook.HeaderSignature, "v1,other "+webhook.Signature(secret, "1", at, []byte(body)))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Code
}

func TestBot_Answers(t *testing.T) {
	var answers []string
	var failure error
	b := newBot(t, func(thread, content string, o *chat.ThreadClientSendMessageOptions) error {
		if failure != nil {
			return failure
		}
		if thread != "19:a@thread.v2" || o.Metadata["bot"] != "echo" {
			t.Errorf("%s %+v", thread, o)
		}
		answers = append(answers, content)
		return nil
	})
	now := time.Now()
	for _, c := range []struct {
		name, body string
		status     int
		answers    int
	}{
		{"a message", said("1", echo, "{}"), 200, 1},
		{"the same event again", said("1", echo, "{}"), 200, 1},
		{"another bot's", said("2", echo, `{"bot":"x"}`), 200, 1},
		{"for somebody else", said("3", "8:acs:x_y", "{}"), 200, 1},
		{"another event", `[{"id":"4","eventType":"Microsoft.Communication.ChatMessageDeleted"}]`, 200, 1},
		{"no event", "{", 400, 1},
		{"a message after all", said("5", echo, "{}"), 200, 2},
	} {
		if status := bring(b, b.secret, now, c.body); status != c.status || len(answers) != c.answers {
			t.Errorf("%s: %d, %v", c.name, status, answers)
		}
	}
	if answers[0] != "You said: hi" {
		t.Errorf("%q", answers[0])
	}
	// What was not answered comes again, and is answered then.
	failure = &core.ResponseError{StatusCode: http.StatusUnauthorized}
	if status := bring(b, b.secret, now, said("6", echo, "{}")); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
	failure = nil
	if status := bring(b, b.secret, now, said("6", echo, "{}")); status != http.StatusOK || len(answers) != 3 {
		t.Errorf("%d %v", status, answers)
	}
	// What can never be answered does not come again: no member any more, a
	// thread that was deleted, an answer that is too long.
	for i, code := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusBadRequest} {
		failure = &core.ResponseError{StatusCode: code}
		if status := bring(b, b.secret, now, said(fmt.Sprint(10+i), echo, "{}")); status != http.StatusOK || len(answers) != 3 {
			t.Errorf("%d: %d %v", code, status, answers)
		}
	}
}

func TestBot_BelievesOnlyTheService(t *testing.T) {
	b := newBot(t, func(string, string, *chat.ThreadClientSendMessageOptions) error {
		return errors.New("it answers a forger")
	})
	for name, status := range map[string]int{
		"another secret": bring(b, []byte("x"), time.Now(), said("1", echo, "{}")),
		"an old event":   bring(b, b.secret, time.Now().Add(-time.Hour), said("1", echo, "{}")),
		"a future event": bring(b, b.secret, time.Now().Add(time.Hour), said("1", echo, "{}")),
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(said("1", echo, "{}"))))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("no signature: %d", w.Code)
	}
}

func TestBot_Forgets(t *testing.T) {
	n := 0
	b := newBot(t, func(string, string, *chat.ThreadClientSendMessageOptions) error { n++; return nil })
	for i := range remembered + 10 {
		if err := b.handle(t.Context(), &event{ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.seen) != remembered || n != 0 {
		t.Errorf("%d events, %d answers", len(b.seen), n)
	}
}
