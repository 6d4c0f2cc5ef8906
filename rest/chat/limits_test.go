package chat_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/server"
)

// limited starts the service with rules for how often what may be asked.
func limited(t *testing.T, rules string) *service {
	t.Helper()
	file := filepath.Join(t.TempDir(), "limits.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return startService(t, func(o *server.Options) { o.Limits = file })
}

// TestRealtime_Limits: beyond a limit a call over the connection fails as over
// REST, and says for how long.
func TestRealtime_Limits(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := limited(t, `limits: [{name: words, scope: "{chatThreadId}", operations: [ChatThread_SendChatMessage], allow: [{requests: 2, per: 1h}]}]`)
	alice, bob := s.person(""), s.person("")
	r := s.listen(alice, nil)
	id, _, bobs := s.talk(alice, bob)
	ctx := t.Context()
	if _, err := bobs.SendMessage(ctx, "over REST", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SendMessage(ctx, id, "over the connection", nil); err != nil {
		t.Fatal(err)
	}
	var refused *chat.RefusedError
	if _, err := r.SendMessage(ctx, id, "too much", nil); !errors.As(err, &refused) || refused.StatusCode != http.StatusTooManyRequests ||
		refused.RetryAfter <= time.Minute || refused.RetryAfter > time.Hour+time.Second || refused.Message == "" {
		t.Errorf("a third message: %v", err)
	}
	if err := r.SendTypingNotification(ctx, id, nil); err != nil {
		t.Errorf("what has no limit: %v", err)
	}
	var response *core.ResponseError
	if _, err := bobs.SendMessage(ctx, "too much", nil); !errors.As(err, &response) || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third message over REST: %v", err)
	}
	if n := len(messagesOf(t, bobs, nil)); n != 4 { // two tell how the thread was made
		t.Errorf("the thread has %d messages", n)
	}
}

// TestOutbox_Limits: an outbox waits as long as the service asks, and loses
// nothing by it.
func TestOutbox_Limits(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := limited(t, `limits: [{operations: [ChatThread_SendChatMessage], allow: [{requests: 2, per: 300ms}]}]`)
	alice, bob := s.person(""), s.person("")
	ears := s.listen(bob, nil)
	id, _, _ := s.talk(alice, bob)
	o := openOutbox(t, chat.OutboxOptions{
		Store: openStore(t, filepath.Join(t.TempDir(), "outbox")), Sender: s.listen(alice, nil), Retry: time.Hour,
		Failed: func(f chat.OutboxFailed) { t.Errorf("failed: %+v", f) },
	})
	const count = 7
	for i := range count {
		add(t, o, id, fmt.Sprint(i))
	}
	for i := range count {
		if e := hear[received](ears, nil); *e.Message.Content.Message != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, *e.Message.Content.Message)
		}
	}
}

// TestOutbox_RetryAfter: the wait that the service asks for counts, whichever
// way it was asked; the pauses of other failures go on as before.
func TestOutbox_RetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"17"}}}
		failures := []error{
			&chat.RefusedError{StatusCode: http.StatusTooManyRequests, RetryAfter: 42 * time.Second},
			errors.New("no network"), // 1 s
			&core.ResponseError{StatusCode: http.StatusTooManyRequests, RawResponse: answer},
			errors.New("no network"),                                   // 2 s
			&chat.RefusedError{StatusCode: http.StatusTooManyRequests}, // 4 s
		}
		sender := &courier{fail: func(chat.OutboxMessage) error {
			if len(failures) == 0 {
				return nil
			}
			err := failures[0]
			failures = failures[1:]
			return err
		}}
		sent := make(chan chat.OutboxSent, 1)
		o := openOutbox(t, chat.OutboxOptions{
			Store: openStore(t, filepath.Join(t.TempDir(), "outbox")), Sender: sender, Sent: func(s chat.OutboxSent) { sent <- s },
		})
		began := time.Now()
		add(t, o, "a", "0")
		<-sent
		if took, want := time.Since(began), (42+1+17+2+4)*time.Second; took != want {
			t.Errorf("sent after %v, not %v", took, want)
		}
	})
}
