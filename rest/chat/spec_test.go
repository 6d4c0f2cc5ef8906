package chat_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/core"
)

// TestSpecifications_Examples plays the examples of every version of the
// specification: the client sends the request and reads the answer.
func TestSpecifications_Examples(t *testing.T) {
	played := map[string]int{}
	for _, e := range testkit.Examples(t, "chat") {
		if e.Version < "2021" {
			continue // another form, which the client refuses
		}
		t.Run(e.File, func(t *testing.T) {
			r := &recorder{status: e.Responses[0].Status, body: string(e.Responses[0].Body)}
			got, err := play(t, newClient(t, r, e.Version), &e)
			if err != nil {
				t.Fatal(err)
			}
			path := strings.NewReplacer("{chatThreadId}", escape(e.Text("chatThreadId")), "{chatMessageId}", escape(e.Text("chatMessageId")),
				"{imageId}", escape(e.Text("imageId")), "{imageViewType}", e.Text("imageViewType")).Replace(e.Path)
			if r.last.Method != e.Method || r.last.URL.EscapedPath() != path || r.last.URL.Query().Get("api-version") != e.Version {
				t.Fatalf("%s %s, want %s %s", r.last.Method, r.last.URL, e.Method, path)
			}
			if e.Body != nil && e.Method != http.MethodGet && !strings.Contains(e.Path, "/images") {
				testkit.SameJSON(t, "body", plain(t, r.sent), plain(t, e.Body))
			}
			if body := e.Responses[0].Body; body != nil && !strings.Contains(e.Path, "/images/") {
				data, err := json.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				testkit.SameJSON(t, "result", plain(t, data), plain(t, body))
			}
			played[e.Version]++
		})
	}
	want := map[string]int{"2021-03-07": 17, "2021-09-07": 17, "2023-11-07": 17, "2024-03-07": 17, "2024-06-05-preview": 20}
	for version, n := range want {
		if played[version] != n {
			t.Errorf("%s: played %d", version, played[version])
		}
	}
	if len(played) != len(want) {
		t.Errorf("played %v", played)
	}
}

func escape(value string) string { return acswire.EscapePathValue(value) }

// plain brings a document to the form that the client writes: times without
// noughts at their end, and without what the specification shows but does not
// describe, or describes for a preview alone.
func plain(t *testing.T, data []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	out, err := json.Marshal(plainValue(v))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func plainValue(v any) any {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	case []any:
		for i := range v {
			v[i] = plainValue(v[i])
		}
	case map[string]any:
		delete(v, "policyViolation")
		delete(v, "messagingPolicy")
		for name, value := range v {
			v[name] = plainValue(value)
		}
	}
	return v
}

// play calls the method of an example's operation with its parameters.
func play(t *testing.T, c *chat.Client, e *testkit.Example) (any, error) {
	t.Helper()
	ctx := t.Context()
	_, method, _ := strings.Cut(e.OperationID, "_")
	switch method {
	case "CreateChatThread":
		var body struct {
			Topic        string             `json:"topic"`
			Participants []chat.Participant `json:"participants"`
		}
		read(t, e.Body, &body)
		return c.CreateThread(ctx, body.Topic, &chat.ClientCreateThreadOptions{Participants: body.Participants})
	case "ListChatThreads":
		return page(ctx, c.NewListThreadsPager(nil))
	case "DeleteChatThread":
		return c.DeleteThread(ctx, e.Text("chatThreadId"), nil)
	}
	thread := threadOf(t, c, e.Text("chatThreadId"))
	switch method {
	case "GetChatThreadProperties":
		return thread.GetProperties(ctx, nil)
	case "UpdateChatThreadProperties":
		var options chat.ThreadClientUpdatePropertiesOptions
		read(t, e.Body, &options)
		return thread.UpdateProperties(ctx, &options)
	case "ListChatParticipants":
		return page(ctx, thread.NewListParticipantsPager(nil))
	case "AddChatParticipants":
		var body struct {
			Participants []chat.Participant `json:"participants"`
		}
		read(t, e.Body, &body)
		return thread.AddParticipants(ctx, body.Participants, nil)
	case "RemoveChatParticipant":
		var body acswire.IdentifierModel
		read(t, e.Body, &body)
		id, err := body.Identifier()
		if err != nil {
			t.Fatal(err)
		}
		return thread.RemoveParticipant(ctx, id, nil)
	default:
		return playMessage(t, thread, method, e)
	}
}

func playMessage(t *testing.T, thread *chat.ThreadClient, method string, e *testkit.Example) (any, error) {
	t.Helper()
	ctx, message, image := t.Context(), e.Text("chatMessageId"), e.Text("imageId")
	switch method {
	case "SendChatMessage":
		var body struct {
			Content string
			chat.ThreadClientSendMessageOptions
		}
		read(t, e.Body, &body)
		sent, err := thread.SendMessage(ctx, body.Content, &body.ThreadClientSendMessageOptions)
		return acswire.SendChatMessageResult{ID: sent.ID}, err
	case "GetChatMessage":
		return thread.GetMessage(ctx, message, nil)
	case "UpdateChatMessage":
		var options chat.ThreadClientUpdateMessageOptions
		read(t, e.Body, &options)
		return thread.UpdateMessage(ctx, message, &options)
	case "DeleteChatMessage":
		return thread.DeleteMessage(ctx, message, nil)
	case "ListChatMessages":
		return page(ctx, thread.NewListMessagesPager(nil))
	case "SendChatReadReceipt":
		var body acswire.SendReadReceiptRequest
		read(t, e.Body, &body)
		return thread.SendReadReceipt(ctx, *body.ChatMessageID, nil)
	case "ListChatReadReceipts":
		return page(ctx, thread.NewListReadReceiptsPager(nil))
	case "SendTypingNotification":
		var options chat.ThreadClientSendTypingNotificationOptions
		read(t, e.Body, &options)
		return thread.SendTypingNotification(ctx, &options)
	case "UploadChatImage":
		return thread.UploadImage(ctx, []byte(e.Text("chatImageFile")), &chat.ThreadClientUploadImageOptions{Filename: new(e.Text("image-filename"))})
	case "GetChatImage":
		return thread.GetImage(ctx, image, chat.ImageView(e.Text("imageViewType")), nil)
	case "DeleteChatImage":
		return thread.DeleteImage(ctx, image, nil)
	}
	t.Fatalf("no method for %s", e.OperationID)
	return nil, nil
}

func page[T any](ctx context.Context, pager *core.Pager[T]) (T, error) { return pager.NextPage(ctx) }

// read reads the body of an example; names match in any case.
func read(t *testing.T, data []byte, into any) {
	t.Helper()
	if len(data) == 0 {
		return
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// FuzzModels: whatever a service answers, reading it does not panic, and what
// was read can be written and read again.
func FuzzModels(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"content":{"participants":[{"communicationIdentifier":{"rawId":"4:+1"}}]}}`, goodThread,
		`{"createdOn":"2026-11-21T12:00:00.1234567Z","senderCommunicationIdentifier":{"rawId":"8:orgid:x"}}`,
		`{"createdOn":"never"}`, `{"senderCommunicationIdentifier":{}}`, `{"readOn":"0000-00-00T00:00:00Z"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data, new(chat.Message), new(chat.Message))
		again(t, data, new(chat.Thread), new(chat.Thread))
		again(t, data, new(chat.Participant), new(chat.Participant))
		again(t, data, new(chat.ReadReceipt), new(chat.ReadReceipt))
	})
}

func again(t *testing.T, data []byte, first, second any) {
	t.Helper()
	if json.Unmarshal(data, first) != nil {
		return
	}
	once, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("write what was read of %q: %v", data, err)
	}
	if err := json.Unmarshal(once, second); err != nil {
		t.Fatalf("read %s again: %v", once, err)
	}
	twice, err := json.Marshal(second)
	if err != nil || string(once) != string(twice) {
		t.Fatalf("%s became %s, %v", once, twice, err)
	}
}
