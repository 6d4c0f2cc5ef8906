package fake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/chat/fake"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
)

type credential struct{}

func (credential) GetToken(context.Context) (common.AccessToken, error) {
	return common.AccessToken{Token: "t"}, nil
}

const (
	threadID  = "19:t/ä@thread.v2"
	messageID = "1795219374914"
	imageID   = "0-i"
)

var (
	at      = time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	alice   = common.CommunicationUserIdentifier{ID: "8:acs:r_a"}
	phone   = common.PhoneNumberIdentifier{PhoneNumber: "+14255550123"}
	members = []chat.Participant{
		{Identifier: alice, DisplayName: new("Alice"), ShareHistoryTime: &at, Metadata: map[string]string{"k": "v"}}, {Identifier: phone},
	}
	thread = chat.Thread{
		ID: new(threadID), Topic: new("T"), CreatedOn: &at, CreatedBy: alice, DeletedOn: &at,
		Metadata: map[string]string{"k": "v"}, RetentionPolicy: chat.DeleteAfterDays(30),
	}
	message = chat.Message{
		ID: new(messageID), Type: new(chat.MessageTypeText), SequenceID: new("1"), Version: new("2"), Sender: alice, SenderDisplayName: new("A"),
		CreatedOn: &at, EditedOn: &at, DeletedOn: &at, Metadata: map[string]string{"k": "v"},
		Content: &chat.MessageContent{
			Message: new("hi"), Topic: new("T"), Participants: members, Initiator: alice,
			Attachments: []chat.Attachment{{ID: new("i"), Type: new(chat.AttachmentTypeFile), Name: new("n"), URL: new("u"), PreviewURL: new("p")}},
		},
	}
	receipt = chat.ReadReceipt{Sender: alice, MessageID: new(messageID), ReadOn: &at}
	item    = chat.ThreadItem{ID: new(threadID), Topic: new("T"), DeletedOn: &at, LastMessageReceivedOn: &at}
	invalid = []chat.InvalidParticipant{{Target: new("8:acs:r_b"), Code: new("404"), Message: new("m")}}
	size    = new(int32(2))
	skip    = new(int32(1))
)

// expect makes checks of what a function of the fake was given.
type expect struct{ t *testing.T }

func (e expect) same(got, want any) {
	e.t.Helper()
	if !reflect.DeepEqual(got, want) {
		e.t.Errorf("got %+v, want %+v", got, want)
	}
}

// full answers every operation, and holds what it is given against what call sends.
func full(t *testing.T) *fake.Server {
	s := &fake.Server{}
	e := expect{t}
	s.CreateThread = func(_ context.Context, topic string, o *chat.ClientCreateThreadOptions) (chat.ClientCreateThreadResponse, error) {
		e.same(topic, "T")
		e.same(o, &chat.ClientCreateThreadOptions{
			Participants: members, Metadata: map[string]string{"k": "v"}, RetentionPolicy: chat.DeleteAfterDays(30), RepeatabilityRequestID: new("mine"),
		})
		return chat.ClientCreateThreadResponse{Thread: &thread, InvalidParticipants: invalid}, nil
	}
	s.DeleteThread = func(_ context.Context, id string, _ *chat.ClientDeleteThreadOptions) (chat.ClientDeleteThreadResponse, error) {
		e.same(id, threadID)
		return chat.ClientDeleteThreadResponse{}, nil
	}
	s.NewListThreadsPager = func(o *chat.ClientListThreadsOptions) corefake.Pages[chat.ClientListThreadsResponse] {
		e.same(o, &chat.ClientListThreadsOptions{MaxPageSize: size, StartTime: &at})
		one := chat.ClientListThreadsResponse{Value: []chat.ThreadItem{item}}
		return corefake.Pages[chat.ClientListThreadsResponse]{Pages: []chat.ClientListThreadsResponse{one, one}}
	}
	s.GetProperties = func(_ context.Context, id string, _ *chat.ThreadClientGetPropertiesOptions) (chat.ThreadClientGetPropertiesResponse, error) {
		e.same(id, threadID)
		return chat.ThreadClientGetPropertiesResponse{Thread: thread}, nil
	}
	s.UpdateProperties = func(_ context.Context, id string, o *chat.ThreadClientUpdatePropertiesOptions) (chat.ThreadClientUpdatePropertiesResponse, error) {
		e.same(id, threadID)
		e.same(o, &chat.ThreadClientUpdatePropertiesOptions{Topic: new("N"), Metadata: map[string]*string{"k": nil}, RetentionPolicy: chat.DeleteAfterDays(30)})
		return chat.ThreadClientUpdatePropertiesResponse{}, nil
	}
	s.NewListParticipantsPager = func(id string, o *chat.ThreadClientListParticipantsOptions) corefake.Pages[chat.ThreadClientListParticipantsResponse] {
		e.same(id, threadID)
		e.same(o, &chat.ThreadClientListParticipantsOptions{MaxPageSize: size, Skip: skip})
		one := chat.ThreadClientListParticipantsResponse{Value: members}
		return corefake.Pages[chat.ThreadClientListParticipantsResponse]{Pages: []chat.ThreadClientListParticipantsResponse{one, one}}
	}
	s.AddParticipants = func(_ context.Context, id string, who []chat.Participant, _ *chat.ThreadClientAddParticipantsOptions) (chat.ThreadClientAddParticipantsResponse, error) {
		e.same(id, threadID)
		e.same(who, members)
		return chat.ThreadClientAddParticipantsResponse{InvalidParticipants: invalid}, nil
	}
	s.RemoveParticipant = func(_ context.Context, id string, who common.Identifier, _ *chat.ThreadClientRemoveParticipantOptions) (chat.ThreadClientRemoveParticipantResponse, error) {
		e.same(id, threadID)
		e.same(who, phone)
		return chat.ThreadClientRemoveParticipantResponse{}, nil
	}
	answerMessages(s, e)
	answerImages(s, e)
	return s
}

func answerMessages(s *fake.Server, e expect) {
	s.SendMessage = func(_ context.Context, id, content string, o *chat.ThreadClientSendMessageOptions) (chat.ThreadClientSendMessageResponse, error) {
		e.same(id+content, threadID+"hi")
		e.same(o, &chat.ThreadClientSendMessageOptions{
			Type: new(chat.MessageTypeHTML), SenderDisplayName: new("A"), Metadata: map[string]string{"k": "v"},
			Attachments: []chat.Attachment{{ID: new(imageID), Type: new(chat.AttachmentTypeImage), Name: new("ä 100%.png")}},
		})
		return chat.ThreadClientSendMessageResponse{ID: new(messageID)}, nil
	}
	s.GetMessage = func(_ context.Context, id, m string, _ *chat.ThreadClientGetMessageOptions) (chat.ThreadClientGetMessageResponse, error) {
		e.same(id+m, threadID+messageID)
		return chat.ThreadClientGetMessageResponse{Message: message}, nil
	}
	s.UpdateMessage = func(_ context.Context, id, m string, o *chat.ThreadClientUpdateMessageOptions) (chat.ThreadClientUpdateMessageResponse, error) {
		e.same(id+m, threadID+messageID)
		e.same(o, &chat.ThreadClientUpdateMessageOptions{
			Content: new("ho"), Metadata: map[string]*string{"k": nil}, Attachments: []chat.Attachment{},
		})
		return chat.ThreadClientUpdateMessageResponse{}, nil
	}
	s.DeleteMessage = func(_ context.Context, id, m string, _ *chat.ThreadClientDeleteMessageOptions) (chat.ThreadClientDeleteMessageResponse, error) {
		e.same(id+m, threadID+messageID)
		return chat.ThreadClientDeleteMessageResponse{}, nil
	}
	s.NewListMessagesPager = func(id string, o *chat.ThreadClientListMessagesOptions) corefake.Pages[chat.ThreadClientListMessagesResponse] {
		e.same(id, threadID)
		e.same(o, &chat.ThreadClientListMessagesOptions{MaxPageSize: size, StartTime: &at})
		one := chat.ThreadClientListMessagesResponse{Value: []chat.Message{message}}
		return corefake.Pages[chat.ThreadClientListMessagesResponse]{Pages: []chat.ThreadClientListMessagesResponse{one, one}}
	}
	s.SendReadReceipt = func(_ context.Context, id, m string, _ *chat.ThreadClientSendReadReceiptOptions) (chat.ThreadClientSendReadReceiptResponse, error) {
		e.same(id+m, threadID+messageID)
		return chat.ThreadClientSendReadReceiptResponse{}, nil
	}
	s.NewListReadReceiptsPager = func(id string, o *chat.ThreadClientListReadReceiptsOptions) corefake.Pages[chat.ThreadClientListReadReceiptsResponse] {
		e.same(id, threadID)
		e.same(o, &chat.ThreadClientListReadReceiptsOptions{MaxPageSize: size, Skip: skip})
		one := chat.ThreadClientListReadReceiptsResponse{Value: []chat.ReadReceipt{receipt}}
		return corefake.Pages[chat.ThreadClientListReadReceiptsResponse]{Pages: []chat.ThreadClientListReadReceiptsResponse{one, one}}
	}
	s.SendTypingNotification = func(_ context.Context, id string, o *chat.ThreadClientSendTypingNotificationOptions) (chat.ThreadClientSendTypingNotificationResponse, error) {
		e.same(id, threadID)
		e.same(o, &chat.ThreadClientSendTypingNotificationOptions{SenderDisplayName: new("A")})
		return chat.ThreadClientSendTypingNotificationResponse{}, nil
	}
}

func answerImages(s *fake.Server, e expect) {
	s.UploadImage = func(_ context.Context, id string, data []byte, o *chat.ThreadClientUploadImageOptions) (chat.ThreadClientUploadImageResponse, error) {
		e.same(id+string(data), threadID+"PNG")
		e.same(o, &chat.ThreadClientUploadImageOptions{Filename: new("ä 100%.png")})
		return chat.ThreadClientUploadImageResponse{Attachment: chat.Attachment{ID: new(imageID), Type: new(chat.AttachmentTypeImage), Name: o.Filename}}, nil
	}
	s.GetImage = func(_ context.Context, id, image string, view chat.ImageView, _ *chat.ThreadClientGetImageOptions) (chat.ThreadClientGetImageResponse, error) {
		e.same(id+image+string(view), threadID+imageID+"original")
		return chat.ThreadClientGetImageResponse{Body: io.NopCloser(strings.NewReader("PNG\x00")), ContentType: "image/png"}, nil
	}
	s.DeleteImage = func(_ context.Context, id, image string, _ *chat.ThreadClientDeleteImageOptions) (chat.ThreadClientDeleteImageResponse, error) {
		e.same(id+image, threadID+imageID)
		return chat.ThreadClientDeleteImageResponse{}, nil
	}
}

func newClient(t *testing.T, s *fake.Server) (*chat.Client, *chat.ThreadClient) {
	t.Helper()
	c, err := chat.NewClient("https://fake", credential{}, &chat.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: s, Retry: core.RetryOptions{RetryDelay: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	one, err := c.NewThreadClient(threadID)
	if err != nil {
		t.Fatal(err)
	}
	return c, one
}

// all reads two pages and returns their values.
func all[T, V any](ctx context.Context, pager *core.Pager[T], value func(T) []V) ([]V, error) {
	var values []V
	for page, err := range pager.Pages(ctx) {
		if err != nil {
			return nil, err
		}
		values = append(values, value(page)...)
	}
	return values, nil
}

// call calls every operation and returns the results and errors by name.
func call(t *testing.T, s *fake.Server) (map[string]any, map[string]error) {
	t.Helper()
	ctx := t.Context()
	c, one := newClient(t, s)
	got, errs := map[string]any{}, map[string]error{}
	keep := func(name string, v any, err error) { got[name], errs[name] = v, err }
	created, err := c.CreateThread(ctx, "T", &chat.ClientCreateThreadOptions{
		Participants: members, Metadata: map[string]string{"k": "v"}, RetentionPolicy: chat.DeleteAfterDays(30), RepeatabilityRequestID: new("mine"),
	})
	keep("CreateThread", created, err)
	_, err = c.DeleteThread(ctx, threadID, nil)
	keep("DeleteThread", nil, err)
	threads, err := all(ctx, c.NewListThreadsPager(&chat.ClientListThreadsOptions{MaxPageSize: size, StartTime: &at}),
		func(p chat.ClientListThreadsResponse) []chat.ThreadItem { return p.Value })
	keep("NewListThreadsPager", threads, err)
	properties, err := one.GetProperties(ctx, nil)
	keep("GetProperties", properties.Thread, err)
	_, err = one.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{
		Topic: new("N"), Metadata: map[string]*string{"k": nil}, RetentionPolicy: chat.DeleteAfterDays(30),
	})
	keep("UpdateProperties", nil, err)
	participants, err := all(ctx, one.NewListParticipantsPager(&chat.ThreadClientListParticipantsOptions{MaxPageSize: size, Skip: skip}),
		func(p chat.ThreadClientListParticipantsResponse) []chat.Participant { return p.Value })
	keep("NewListParticipantsPager", participants, err)
	added, err := one.AddParticipants(ctx, members, nil)
	keep("AddParticipants", added.InvalidParticipants, err)
	_, err = one.RemoveParticipant(ctx, phone, nil)
	keep("RemoveParticipant", nil, err)
	callMessages(ctx, one, keep)
	uploaded, err := one.UploadImage(ctx, []byte("PNG"), &chat.ThreadClientUploadImageOptions{Filename: new("ä 100%.png")})
	keep("UploadImage", uploaded.Attachment, err)
	image, err := one.GetImage(ctx, imageID, chat.ImageViewOriginal, nil)
	keep("GetImage", content(t, image), err)
	_, err = one.DeleteImage(ctx, imageID, nil)
	keep("DeleteImage", nil, err)
	return got, errs
}

func callMessages(ctx context.Context, one *chat.ThreadClient, keep func(string, any, error)) {
	sent, err := one.SendMessage(ctx, "hi", &chat.ThreadClientSendMessageOptions{
		Type: new(chat.MessageTypeHTML), SenderDisplayName: new("A"), Metadata: map[string]string{"k": "v"},
		Attachments: []chat.Attachment{{ID: new(imageID), Type: new(chat.AttachmentTypeImage), Name: new("ä 100%.png")}},
	})
	keep("SendMessage", sent, err)
	got, err := one.GetMessage(ctx, messageID, nil)
	keep("GetMessage", got.Message, err)
	_, err = one.UpdateMessage(ctx, messageID, &chat.ThreadClientUpdateMessageOptions{
		Content: new("ho"), Metadata: map[string]*string{"k": nil}, Attachments: []chat.Attachment{},
	})
	keep("UpdateMessage", nil, err)
	_, err = one.DeleteMessage(ctx, messageID, nil)
	keep("DeleteMessage", nil, err)
	messages, err := all(ctx, one.NewListMessagesPager(&chat.ThreadClientListMessagesOptions{MaxPageSize: size, StartTime: &at}),
		func(p chat.ThreadClientListMessagesResponse) []chat.Message { return p.Value })
	keep("NewListMessagesPager", messages, err)
	_, err = one.SendReadReceipt(ctx, messageID, nil)
	keep("SendReadReceipt", nil, err)
	receipts, err := all(ctx, one.NewListReadReceiptsPager(&chat.ThreadClientListReadReceiptsOptions{MaxPageSize: size, Skip: skip}),
		func(p chat.ThreadClientListReadReceiptsResponse) []chat.ReadReceipt { return p.Value })
	keep("NewListReadReceiptsPager", receipts, err)
	_, err = one.SendTypingNotification(ctx, &chat.ThreadClientSendTypingNotificationOptions{SenderDisplayName: new("A")})
	keep("SendTypingNotification", nil, err)
}

func content(t *testing.T, image chat.ThreadClientGetImageResponse) string {
	t.Helper()
	if image.Body == nil {
		return ""
	}
	data, err := io.ReadAll(image.Body)
	if err := errors.Join(err, image.Body.Close()); err != nil {
		t.Error(err)
	}
	return image.ContentType + " " + string(data)
}

func TestServer_EveryOperation(t *testing.T) {
	got, errs := call(t, full(t))
	want := map[string]any{
		"CreateThread":        chat.ClientCreateThreadResponse{Thread: &thread, InvalidParticipants: invalid},
		"NewListThreadsPager": []chat.ThreadItem{item, item}, "GetProperties": thread,
		"NewListParticipantsPager": append(append([]chat.Participant{}, members...), members...), "AddParticipants": invalid,
		"SendMessage": chat.ThreadClientSendMessageResponse{ID: new(messageID)}, "GetMessage": message,
		"NewListMessagesPager": []chat.Message{message, message}, "NewListReadReceiptsPager": []chat.ReadReceipt{receipt, receipt},
		"UploadImage": chat.Attachment{ID: new(imageID), Type: new(chat.AttachmentTypeImage), Name: new("ä 100%.png")}, "GetImage": "image/png PNG\x00",
	}
	for name, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s: got %+v, want %+v", name, got[name], want[name])
		}
	}
	if len(got) != reflect.TypeFor[fake.Server]().NumField() {
		t.Errorf("%d of the operations were called", len(got))
	}
}

func TestServer_NotFaked(t *testing.T) {
	_, errs := call(t, &fake.Server{})
	for name, err := range errs {
		if !errors.Is(err, corefake.ErrNotFaked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServer_Refuses(t *testing.T) {
	n := 0
	_, one := newClient(t, &fake.Server{GetMessage: func(context.Context, string, string, *chat.ThreadClientGetMessageOptions) (chat.ThreadClientGetMessageResponse, error) {
		n++
		if n < 3 {
			return chat.ThreadClientGetMessageResponse{}, &core.ResponseError{StatusCode: http.StatusServiceUnavailable}
		}
		return chat.ThreadClientGetMessageResponse{}, &core.ResponseError{StatusCode: http.StatusForbidden, ErrorCode: chat.CodeForbidden, Message: "m"}
	}})
	_, err := one.GetMessage(t.Context(), messageID, nil)
	if !core.HasCode(err, chat.CodeForbidden) || n != 3 {
		t.Errorf("%v after %d tries", err, n)
	}
}

// TestServer_BadRequests: what cannot be read is refused, as a service does.
func TestServer_BadRequests(t *testing.T) {
	for _, request := range []string{
		"POST /chat/threads", "PATCH /chat/threads/t", "POST /chat/threads/t/messages", "PATCH /chat/threads/t/messages/1",
		"POST /chat/threads/t/participants/:add", "POST /chat/threads/t/participants/:remove", "POST /chat/threads/t/readReceipts",
		"POST /chat/threads/t/typing", "GET /chat/threads?maxPageSize=many", "GET /chat/threads?startTime=then",
		"GET /chat/threads/t/messages?maxPageSize=many", "GET /chat/threads/t/messages?startTime=then",
		"GET /chat/threads/t/participants?maxPageSize=many", "GET /chat/threads/t/readReceipts?skip=some",
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, "https://fake"+path, bytes.NewReader([]byte("{")))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := full(t).Do(req)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", request, resp.StatusCode)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fake/chat/threads/t/participants/:remove", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := full(t).Do(req)
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}
