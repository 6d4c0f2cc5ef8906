package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
)

const (
	messageReceived = "Microsoft.Communication.ChatMessageReceived"
	// botMark is the metadata of what bots write: bots that answered each other
	// would never stop.
	botMark = "bot"

	maxEvent = 2 << 20
	// maxAge is how old a signature may be.
	maxAge = 5 * time.Minute
	// remembered is how many events are known, to tell those that come again.
	remembered = 1000
)

// bot answers what is said to a user.
type bot struct {
	user   string // its raw id
	secret []byte // of the webhook's signatures
	chat   *chat.Client
	logger *slog.Logger

	mu   sync.Mutex // one event at a time
	seen []string   // the ids of the last events
}

// event is one of Event Grid, as far as the bot looks at it.
type event struct {
	ID        string
	EventType string
	Data      struct {
		ValidationCode string

		ThreadID          string
		MessageBody       string
		SenderDisplayName string
		Metadata          map[string]string

		Recipient struct{ RawID string } `json:"recipientCommunicationIdentifier"`
	}
}

// ServeHTTP takes an event. It answers with success only when the bot has done
// its part: until then the service brings the event again.
func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	var events []event
	if err != nil || json.Unmarshal(body, &events) != nil {
		http.Error(w, "no events", http.StatusBadRequest)
		return
	}
	if r.Header.Get("Aeg-Event-Type") == "SubscriptionValidation" && len(events) == 1 {
		// Yes, this is an endpoint that wants events.
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": events[0].Data.ValidationCode})
		return
	}
	if !b.signed(r.Header, body, time.Now()) {
		http.Error(w, "not signed with the secret of this webhook", http.StatusUnauthorized)
		return
	}
	for i := range events {
		if err := b.handle(r.Context(), &events[i]); err != nil {
			b.logger.Warn("not answered", "error", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
}

// signed checks a signature of Standard Webhooks.
func (b *bot) signed(h http.Header, body []byte, now time.Time) bool {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return false
	}
	mac := hmac.New(sha256.New, b.secret)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.ContainsFunc(strings.Fields(h.Get("Webhook-Signature")), func(got string) bool {
		return hmac.Equal([]byte(got), []byte(want))
	})
}

// handle does the bot's part for one event. One that came before is done.
func (b *bot) handle(ctx context.Context, e *event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.seen, e.ID) {
		return nil
	}
	if e.EventType == messageReceived && e.Data.Recipient.RawID == b.user && e.Data.Metadata[botMark] == "" {
		err := b.answer(ctx, e)
		if err != nil && !hopeless(err) {
			return err
		}
		if err != nil {
			b.logger.Info("never to be answered", "error", err)
		}
	}
	b.seen = append(b.seen, e.ID)
	if len(b.seen) > remembered {
		b.seen = b.seen[1:]
	}
	return nil
}

// hopeless tells whether it is no use to try again: the bot was removed, the
// thread is deleted, or the answer is not what the service takes.
func hopeless(err error) bool {
	var refused *core.ResponseError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.StatusCode {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// answer is what this bot is about.
func (b *bot) answer(ctx context.Context, e *event) error {
	thread, err := b.chat.NewThreadClient(e.Data.ThreadID)
	if err != nil {
		return err
	}
	name := "Echo"
	_, err = thread.SendMessage(ctx, "You said: "+e.Data.MessageBody, &chat.ThreadClientSendMessageOptions{
		SenderDisplayName: &name, Metadata: map[string]string{botMark: "echo"},
	})
	return err
}
