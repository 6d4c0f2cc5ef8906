package chat_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// recorder answers every request with one answer and keeps the last request.
type recorder struct {
	status int
	body   string
	sent   []byte
	last   *http.Request
	ids    []string // of repeatability, one a try
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	var err error
	if r.sent, err = io.ReadAll(req.Body); err != nil {
		return nil, err
	}
	r.last = req
	r.ids = append(r.ids, req.Header.Get(acswire.HeaderRepeatabilityID))
	header := http.Header{acswire.HeaderContentType: {acswire.ContentTypeJSON}}
	return &http.Response{StatusCode: r.status, Header: header, Body: io.NopCloser(strings.NewReader(r.body)), Request: req}, nil
}

func newClient(t testing.TB, transport core.Transporter, version string) *chat.Client {
	t.Helper()
	c, err := chat.NewClient("https://contoso.example", exampleCredential{}, &chat.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: transport, APIVersion: version, Retry: core.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func threadOf(t testing.TB, c *chat.Client, id string) *chat.ThreadClient {
	t.Helper()
	thread, err := c.NewThreadClient(id)
	if err != nil {
		t.Fatal(err)
	}
	return thread
}

const (
	aliceModel = `{"rawId":"8:acs:resource_alice","communicationUser":{"id":"8:acs:resource_alice"}}`
	bobModel   = `{"rawId":"8:acs:resource_bob","communicationUser":{"id":"8:acs:resource_bob"}}`
	goodThread = `{"id":"19:t@thread.v2","topic":"T","createdOn":"2026-11-21T12:00:00Z","createdByCommunicationIdentifier":` + aliceModel + `}`
)

// operation is one call and what of it should travel.
type operation struct {
	call                 func(ctx context.Context, c *chat.Client, t *chat.ThreadClient) (any, error)
	request, query, body string
	contentType          string
	status               int
	answer               string
}

func drain[T any](ctx context.Context, pager *core.Pager[T]) (any, error) {
	var all []T
	for page, err := range pager.Pages(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, page)
	}
	return all, nil
}

const (
	thread      = "/chat/threads/19%3At%40thread.v2"
	stable      = "api-version=2025-03-15"
	images      = "api-version=2024-06-05-preview"
	jsonType    = "application/json"
	mergeType   = core.ContentTypeMergePatch
	octetStream = "application/octet-stream"
)

// operations are all of them, each with all its options.
func operations() map[string]operation {
	all := threadOperations()
	for name, one := range messageOperations() {
		all[name] = one
	}
	return all
}

func threadOperations() map[string]operation {
	type client = *chat.Client
	type threadClient = *chat.ThreadClient
	size, skip := new(int32(10)), new(int32(20))
	participants := []chat.Participant{{Identifier: bob, DisplayName: new("Bob"), ShareHistoryTime: &exampleTime, Metadata: map[string]string{"a": "b"}}}
	const participantsBody = `"participants":[{"communicationIdentifier":` + bobModel + `,"displayName":"Bob","shareHistoryTime":"2026-11-21T12:00:00Z","metadata":{"a":"b"}}]`
	return map[string]operation{
		"CreateThread": {
			func(ctx context.Context, c client, _ threadClient) (any, error) { return c.CreateThread(ctx, "T", nil) },
			"POST /chat/threads", stable, `{"topic":"T"}`, jsonType, 201, `{"chatThread":` + goodThread + `}`,
		},
		"CreateThread with all": {
			func(ctx context.Context, c client, _ threadClient) (any, error) {
				return c.CreateThread(ctx, "T", &chat.ClientCreateThreadOptions{
					Participants: participants, Metadata: map[string]string{"k": "v"}, RetentionPolicy: chat.DeleteAfterDays(30),
				})
			}, "POST /chat/threads", stable,
			`{"topic":"T",` + participantsBody + `,"metadata":{"k":"v"},"retentionPolicy":{"kind":"threadCreationDate","deleteThreadAfterDays":30}}`,
			jsonType, 201, `{"chatThread":` + goodThread + `}`,
		},
		"DeleteThread": {func(ctx context.Context, c client, _ threadClient) (any, error) {
			return c.DeleteThread(ctx, "19:t@thread.v2", nil)
		}, "DELETE " + thread, stable, ``, ``, 204, ``},
		"ListThreads": {func(ctx context.Context, c client, _ threadClient) (any, error) {
			return drain(ctx, c.NewListThreadsPager(&chat.ClientListThreadsOptions{MaxPageSize: size, StartTime: &exampleTime}))
		}, "GET /chat/threads", stable + "&maxPageSize=10&startTime=2026-11-21T12%3A00%3A00Z", ``, ``, 200, `{"value":[{"id":"19:t@thread.v2"}]}`},
		"GetProperties": {
			func(ctx context.Context, _ client, t threadClient) (any, error) { return t.GetProperties(ctx, nil) },
			"GET " + thread, stable, ``, ``, 200, goodThread,
		},
		"UpdateProperties": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{
				Topic: new("N"), Metadata: map[string]*string{"k": nil, "l": new("v")},
				RetentionPolicy: &chat.RetentionPolicy{Kind: new(chat.RetentionPolicyNone)},
			})
		}, "PATCH " + thread, stable, `{"topic":"N","metadata":{"k":null,"l":"v"},"retentionPolicy":{"kind":"none"}}`, mergeType, 204, ``},
		"UpdateProperties with nothing": {
			func(ctx context.Context, _ client, t threadClient) (any, error) { return t.UpdateProperties(ctx, nil) },
			"PATCH " + thread, stable, `{}`, mergeType, 204, ``,
		},
		"ListParticipants": {
			func(ctx context.Context, _ client, t threadClient) (any, error) {
				return drain(ctx, t.NewListParticipantsPager(&chat.ThreadClientListParticipantsOptions{MaxPageSize: size, Skip: skip}))
			}, "GET " + thread + "/participants", stable + "&maxPageSize=10&skip=20", ``, ``, 200,
			`{"value":[{"communicationIdentifier":` + aliceModel + `}]}`,
		},
		"AddParticipants": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.AddParticipants(ctx, participants, nil)
		}, "POST " + thread + "/participants/:add", stable, `{` + participantsBody + `}`, jsonType, 201, `{}`},
		"RemoveParticipant": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.RemoveParticipant(ctx, bob, nil)
		}, "POST " + thread + "/participants/:remove", stable, bobModel, jsonType, 204, ``},
	}
}

func messageOperations() map[string]operation {
	type client = *chat.Client
	type threadClient = *chat.ThreadClient
	size, skip := new(int32(10)), new(int32(20))
	const goodMessage = `{"id":"1","type":"text","sequenceId":"1","version":"1","createdOn":"2026-11-21T12:00:00Z"}`
	return map[string]operation{
		"SendMessage": {
			func(ctx context.Context, _ client, t threadClient) (any, error) { return t.SendMessage(ctx, "hi", nil) },
			"POST " + thread + "/messages", stable, `{"content":"hi"}`, jsonType, 201, `{"id":"1"}`,
		},
		"SendMessage with all": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.SendMessage(ctx, "hi", &chat.ThreadClientSendMessageOptions{
				Type: new(chat.MessageTypeHTML), SenderDisplayName: new("Alice"), Metadata: map[string]string{"k": "v"},
			})
		}, "POST " + thread + "/messages", stable, `{"content":"hi","senderDisplayName":"Alice","type":"html","metadata":{"k":"v"}}`, jsonType, 201, `{"id":"1"}`},
		"SendMessage with an image": {
			func(ctx context.Context, _ client, t threadClient) (any, error) {
				return t.SendMessage(ctx, "hi", &chat.ThreadClientSendMessageOptions{Attachments: []chat.Attachment{{ID: new("i"), Type: new(chat.AttachmentTypeImage)}}})
			}, "POST " + thread + "/messages", images, `{"content":"hi","attachments":[{"id":"i","attachmentType":"image"}]}`, jsonType, 201, `{"id":"1"}`,
		},
		"UpdateMessage to no image": {
			func(ctx context.Context, _ client, t threadClient) (any, error) {
				return t.UpdateMessage(ctx, "1", &chat.ThreadClientUpdateMessageOptions{Attachments: []chat.Attachment{}})
			}, "PATCH " + thread + "/messages/1", images, `{"attachments":[]}`, mergeType, 204, ``,
		},
		"GetMessage": {
			func(ctx context.Context, _ client, t threadClient) (any, error) { return t.GetMessage(ctx, "1", nil) },
			"GET " + thread + "/messages/1", stable, ``, ``, 200, goodMessage,
		},
		"UpdateMessage": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.UpdateMessage(ctx, "1", &chat.ThreadClientUpdateMessageOptions{Content: new("ho"), Metadata: map[string]*string{"k": nil}})
		}, "PATCH " + thread + "/messages/1", stable, `{"content":"ho","metadata":{"k":null}}`, mergeType, 204, ``},
		"DeleteMessage": {
			func(ctx context.Context, _ client, t threadClient) (any, error) {
				return t.DeleteMessage(ctx, "1", nil)
			},
			"DELETE " + thread + "/messages/1", stable, ``, ``, 204, ``,
		},
		"ListMessages": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return drain(ctx, t.NewListMessagesPager(&chat.ThreadClientListMessagesOptions{MaxPageSize: size, StartTime: &exampleTime}))
		}, "GET " + thread + "/messages", stable + "&maxPageSize=10&startTime=2026-11-21T12%3A00%3A00Z", ``, ``, 200, `{"value":[` + goodMessage + `]}`},
		"SendReadReceipt": {
			func(ctx context.Context, _ client, t threadClient) (any, error) {
				return t.SendReadReceipt(ctx, "1", nil)
			},
			"POST " + thread + "/readReceipts", stable, `{"chatMessageId":"1"}`, jsonType, 200, ``,
		},
		"ListReadReceipts": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return drain(ctx, t.NewListReadReceiptsPager(&chat.ThreadClientListReadReceiptsOptions{MaxPageSize: size, Skip: skip}))
		}, "GET " + thread + "/readReceipts", stable + "&maxPageSize=10&skip=20", ``, ``, 200, `{"value":[]}`},
		"SendTypingNotification": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.SendTypingNotification(ctx, nil)
		}, "POST " + thread + "/typing", stable, ``, ``, 200, ``},
		"SendTypingNotification with a name": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.SendTypingNotification(ctx, &chat.ThreadClientSendTypingNotificationOptions{SenderDisplayName: new("Alice")})
		}, "POST " + thread + "/typing", stable, `{"senderDisplayName":"Alice"}`, jsonType, 200, ``},
		"UploadImage": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			return t.UploadImage(ctx, []byte("PNG"), &chat.ThreadClientUploadImageOptions{Filename: new("a.png")})
		}, "POST " + thread + "/images", images, `PNG`, octetStream, 201, `{"id":"i","attachmentType":"image","name":"a.png"}`},
		"GetImage": {func(ctx context.Context, _ client, t threadClient) (any, error) {
			got, err := t.GetImage(ctx, "i", chat.ImageViewSmall, nil)
			if err != nil {
				return nil, err
			}
			return nil, got.Body.Close()
		}, "GET " + thread + "/images/i/view/small", images, ``, ``, 200, `PNG`},
		"DeleteImage": {
			func(ctx context.Context, _ client, t threadClient) (any, error) { return t.DeleteImage(ctx, "i", nil) },
			"DELETE " + thread + "/images/i", images, ``, ``, 204, ``,
		},
	}
}

func TestClient_Requests(t *testing.T) {
	for name, o := range operations() {
		t.Run(name, func(t *testing.T) {
			r := &recorder{status: o.status, body: o.answer}
			c := newClient(t, r, "")
			if _, err := o.call(t.Context(), c, threadOf(t, c, "19:t@thread.v2")); err != nil {
				t.Fatal(err)
			}
			got := r.last.Method + " " + r.last.URL.EscapedPath()
			if got != o.request || r.last.URL.RawQuery != o.query || r.last.Header.Get("Content-Type") != o.contentType {
				t.Errorf("%s?%s (%s), want %s?%s (%s)", got, r.last.URL.RawQuery, r.last.Header.Get("Content-Type"), o.request, o.query, o.contentType)
			}
			if r.last.Header.Get("Authorization") != "Bearer eyJ…" {
				t.Errorf("authorization %q", r.last.Header.Get("Authorization"))
			}
			if o.body == "" || o.contentType == octetStream {
				if string(r.sent) != o.body {
					t.Errorf("body %q", r.sent)
				}
				return
			}
			testkit.SameJSON(t, "body", r.sent, []byte(o.body))
		})
	}
}

// TestClient_Refusals: the envelope of the contract, and the one that the
// service was recorded with.
func TestClient_Refusals(t *testing.T) {
	for name, o := range operations() {
		for _, body := range []string{
			`{"error":{"code":"Forbidden","message":"no"}}`, `{"CommunicationError":{"Code":"Forbidden","Message":"no","Details":[]}}`,
		} {
			c := newClient(t, &recorder{status: http.StatusForbidden, body: body}, "")
			_, err := o.call(t.Context(), c, threadOf(t, c, "19:t@thread.v2"))
			var refused *core.ResponseError
			if !errors.As(err, &refused) || !core.HasCode(err, chat.CodeForbidden) || refused.Message != "no" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestClient_OtherSuccess: a success that the contract does not name is none.
func TestClient_OtherSuccess(t *testing.T) {
	for name, o := range operations() {
		c := newClient(t, &recorder{status: http.StatusAccepted, body: o.answer}, "")
		var refused *core.ResponseError
		if _, err := o.call(t.Context(), c, threadOf(t, c, "19:t@thread.v2")); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClient_IncompleteAnswers(t *testing.T) {
	for _, name := range []string{"CreateThread", "GetProperties", "SendMessage", "GetMessage", "UploadImage"} {
		o := operations()[name]
		for body, want := range map[string]error{`{}`: chat.ErrIncompleteAnswer, `[`: nil, `{"createdOn":"then","chatThread":{"createdOn":"then"},"id":1}`: nil} {
			c := newClient(t, &recorder{status: o.status, body: body}, "")
			_, err := o.call(t.Context(), c, threadOf(t, c, "19:t@thread.v2"))
			if err == nil || (want != nil && !errors.Is(err, want)) {
				t.Errorf("%s with %s: %v", name, body, err)
			}
		}
	}
}

func TestNewClient_Refuses(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint   string
		credential common.TokenCredential
		version    string
		want       error
	}{
		"endpoint":   {"contoso", exampleCredential{}, "", core.ErrInvalidEndpoint},
		"credential": {"https://contoso.example", nil, "", core.ErrInvalidParameter},
		"version":    {"https://contoso.example", exampleCredential{}, "soon", chat.ErrUnsupportedAPIVersion},
		"oldest":     {"https://contoso.example", exampleCredential{}, "2020-09-21-preview2", chat.ErrUnsupportedAPIVersion},
	} {
		_, err := chat.NewClient(c.endpoint, c.credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{APIVersion: c.version}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClient_InvalidParameters(t *testing.T) {
	r := &recorder{status: 200}
	c := newClient(t, r, "")
	ctx, thread := t.Context(), threadOf(t, c, "19:t@thread.v2")
	_, errEmpty := c.NewThreadClient("")
	_, errDots := c.DeleteThread(ctx, "..", nil)
	_, errMessage := thread.GetMessage(ctx, "", nil)
	_, errUpdate := thread.UpdateMessage(ctx, ".", nil)
	_, errView := thread.GetImage(ctx, "i", "", nil)
	_, errImage := thread.DeleteImage(ctx, "", nil)
	_, errNobody := thread.RemoveParticipant(ctx, nil, nil)
	_, errAdd := thread.AddParticipants(ctx, []chat.Participant{{}}, nil)
	_, errCreate := c.CreateThread(ctx, "T", &chat.ClientCreateThreadOptions{Participants: []chat.Participant{{}}})
	for i, err := range []error{errEmpty, errDots, errMessage, errUpdate, errView, errImage, errNobody, errAdd, errCreate} {
		if !errors.Is(err, core.ErrInvalidParameter) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if r.last != nil {
		t.Error("something was sent")
	}
}

// TestClient_Repeatability: one id over all tries of a call, another for the
// next call, and the caller's own when there is one.
func TestClient_Repeatability(t *testing.T) {
	r := &recorder{status: http.StatusServiceUnavailable}
	c, err := chat.NewClient("https://contoso.example", exampleCredential{}, &chat.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: r, Retry: core.RetryOptions{RetryDelay: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.CreateThread(t.Context(), "T", nil); err == nil {
			t.Error("no error")
		}
	}
	if len(r.ids) != 8 || r.ids[0] == "" || r.ids[0] != r.ids[3] || r.ids[4] != r.ids[7] || r.ids[0] == r.ids[4] {
		t.Errorf("ids %q", r.ids)
	}
	_, err = c.CreateThread(t.Context(), "T", &chat.ClientCreateThreadOptions{RepeatabilityRequestID: new("mine")})
	if err == nil || r.ids[8] != "mine" || r.ids[11] != "mine" {
		t.Errorf("ids %q", r.ids[8:])
	}
}

// TestClient_ImagesVersion: images are asked for in their preview at any
// version of the client.
func TestClient_ImagesVersion(t *testing.T) {
	r := &recorder{status: http.StatusNoContent}
	c := newClient(t, r, "2021-09-07")
	if _, err := threadOf(t, c, "19:t@thread.v2").DeleteImage(t.Context(), "i", nil); err != nil || r.last.URL.RawQuery != images {
		t.Errorf("%s, %v", r.last.URL.RawQuery, err)
	}
	if _, err := c.DeleteThread(t.Context(), "19:t@thread.v2", nil); err != nil || r.last.URL.RawQuery != "api-version=2021-09-07" {
		t.Errorf("%s, %v", r.last.URL.RawQuery, err)
	}
}

// TestClient_Log: nothing that was written, and no token, reaches a log.
func TestClient_Log(t *testing.T) {
	var log bytes.Buffer
	for _, o := range operations() {
		c, err := chat.NewClient("https://contoso.example", exampleCredential{}, &chat.ClientOptions{ClientOptions: core.ClientOptions{
			Transport: &recorder{status: o.status, body: strings.ReplaceAll(o.answer, `"T"`, `"secret-topic"`)},
			Logging:   core.LoggingOptions{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.call(t.Context(), c, threadOf(t, c, "19:t@thread.v2")); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range []string{"eyJ", "secret-topic", "Bob", "Alice", `"hi"`} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

func TestModels_Read(t *testing.T) {
	r := &recorder{status: 200, body: `{"id":"1","type":"participantAdded","sequenceId":"7","version":"8","createdOn":"2026-11-21T12:00:00Z",
		"editedOn":"2026-11-21T13:00:00+01:00","senderDisplayName":"Alice","senderCommunicationIdentifier":` + aliceModel + `,"metadata":{"k":"v"},"unknown":{},
		"content":{"initiatorCommunicationIdentifier":` + aliceModel + `,"participants":[{"communicationIdentifier":` + bobModel + `,"shareHistoryTime":"1970-01-01T00:00:00Z"}],
		"attachments":[{"id":"i","attachmentType":"image","name":"n","url":"https://u","previewUrl":"https://p"}]}}`}
	got, err := threadOf(t, newClient(t, r, ""), "t").GetMessage(t.Context(), "1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !got.EditedOn.Equal(exampleTime) {
		t.Errorf("edited %v", got.EditedOn)
	}
	got.EditedOn = nil
	want := chat.Message{
		ID: new("1"), Type: new(chat.MessageTypeParticipantAdded), SequenceID: new("7"), Version: new("8"), CreatedOn: &exampleTime,
		Sender: alice, SenderDisplayName: new("Alice"), Metadata: map[string]string{"k": "v"},
		Content: &chat.MessageContent{
			Initiator: alice, Participants: []chat.Participant{{Identifier: bob, ShareHistoryTime: new(time.Unix(0, 0).UTC())}},
			Attachments: []chat.Attachment{{ID: new("i"), Type: new(chat.AttachmentTypeImage), Name: new("n"), URL: new("https://u"), PreviewURL: new("https://p")}},
		},
	}
	if !reflect.DeepEqual(got.Message, want) {
		t.Errorf("got  %+v\nwant %+v", got.Message, want)
	}
}
