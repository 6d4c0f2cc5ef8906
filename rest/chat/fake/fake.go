// Package fake stands in for the chat service in tests: a struct of functions
// that serves as the Transporter of a client's options.
//
//	server := fake.Server{
//		SendMessage: func(_ context.Context, threadID, content string, _ *chat.ThreadClientSendMessageOptions) (chat.ThreadClientSendMessageResponse, error) {
//			id := "1795219374914"
//			return chat.ThreadClientSendMessageResponse{ID: &id}, nil
//		},
//	}
//	client, err := chat.NewClient("https://fake", credential, &chat.ClientOptions{
//		ClientOptions: core.ClientOptions{Transport: &server},
//	})
//
// A function that returns a *core.ResponseError refuses with its status, code
// and message; any other error is one of the network. Lists are Pages of package
// rest/core/fake. Credentials are not checked.
//
// Realtime is the other end of the connection of a chat.Realtime.
package fake

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
)

// Server is a fake of the service. An operation whose function is nil fails
// with an error that says so. It is safe for many goroutines if the functions
// are; they must not be changed once a client uses it.
type Server struct {
	// CreateThread answers Client.CreateThread.
	CreateThread func(ctx context.Context, topic string, options *chat.ClientCreateThreadOptions) (chat.ClientCreateThreadResponse, error)
	// DeleteThread answers Client.DeleteThread.
	DeleteThread func(ctx context.Context, threadID string, options *chat.ClientDeleteThreadOptions) (chat.ClientDeleteThreadResponse, error)
	// NewListThreadsPager answers Client.NewListThreadsPager; it is called once a
	// page.
	NewListThreadsPager func(options *chat.ClientListThreadsOptions) corefake.Pages[chat.ClientListThreadsResponse]
	// GetProperties answers ThreadClient.GetProperties.
	GetProperties func(ctx context.Context, threadID string, options *chat.ThreadClientGetPropertiesOptions) (chat.ThreadClientGetPropertiesResponse, error)
	// UpdateProperties answers ThreadClient.UpdateProperties.
	UpdateProperties func(ctx context.Context, threadID string, options *chat.ThreadClientUpdatePropertiesOptions) (chat.ThreadClientUpdatePropertiesResponse, error)
	// SendMessage answers ThreadClient.SendMessage.
	SendMessage func(ctx context.Context, threadID, content string, options *chat.ThreadClientSendMessageOptions) (chat.ThreadClientSendMessageResponse, error)
	// GetMessage answers ThreadClient.GetMessage.
	GetMessage func(ctx context.Context, threadID, messageID string, options *chat.ThreadClientGetMessageOptions) (chat.ThreadClientGetMessageResponse, error)
	// UpdateMessage answers ThreadClient.UpdateMessage.
	UpdateMessage func(ctx context.Context, threadID, messageID string, options *chat.ThreadClientUpdateMessageOptions) (chat.ThreadClientUpdateMessageResponse, error)
	// DeleteMessage answers ThreadClient.DeleteMessage.
	DeleteMessage func(ctx context.Context, threadID, messageID string, options *chat.ThreadClientDeleteMessageOptions) (chat.ThreadClientDeleteMessageResponse, error)
	// NewListMessagesPager answers ThreadClient.NewListMessagesPager; it is called
	// once a page.
	NewListMessagesPager func(threadID string, options *chat.ThreadClientListMessagesOptions) corefake.Pages[chat.ThreadClientListMessagesResponse]
	// NewListParticipantsPager answers ThreadClient.NewListParticipantsPager; it
	// is called once a page.
	NewListParticipantsPager func(threadID string, options *chat.ThreadClientListParticipantsOptions) corefake.Pages[chat.ThreadClientListParticipantsResponse]
	// AddParticipants answers ThreadClient.AddParticipants.
	AddParticipants func(ctx context.Context, threadID string, participants []chat.Participant, options *chat.ThreadClientAddParticipantsOptions) (chat.ThreadClientAddParticipantsResponse, error)
	// RemoveParticipant answers ThreadClient.RemoveParticipant.
	RemoveParticipant func(ctx context.Context, threadID string, participant common.Identifier, options *chat.ThreadClientRemoveParticipantOptions) (chat.ThreadClientRemoveParticipantResponse, error)
	// SendReadReceipt answers ThreadClient.SendReadReceipt.
	SendReadReceipt func(ctx context.Context, threadID, messageID string, options *chat.ThreadClientSendReadReceiptOptions) (chat.ThreadClientSendReadReceiptResponse, error)
	// NewListReadReceiptsPager answers ThreadClient.NewListReadReceiptsPager; it
	// is called once a page.
	NewListReadReceiptsPager func(threadID string, options *chat.ThreadClientListReadReceiptsOptions) corefake.Pages[chat.ThreadClientListReadReceiptsResponse]
	// SendTypingNotification answers ThreadClient.SendTypingNotification.
	SendTypingNotification func(ctx context.Context, threadID string, options *chat.ThreadClientSendTypingNotificationOptions) (chat.ThreadClientSendTypingNotificationResponse, error)
	// UploadImage answers ThreadClient.UploadImage.
	UploadImage func(ctx context.Context, threadID string, image []byte, options *chat.ThreadClientUploadImageOptions) (chat.ThreadClientUploadImageResponse, error)
	// GetImage answers ThreadClient.GetImage; the fake closes the body.
	GetImage func(ctx context.Context, threadID, imageID string, view chat.ImageView, options *chat.ThreadClientGetImageOptions) (chat.ThreadClientGetImageResponse, error)
	// DeleteImage answers ThreadClient.DeleteImage.
	DeleteImage func(ctx context.Context, threadID, imageID string, options *chat.ThreadClientDeleteImageOptions) (chat.ThreadClientDeleteImageResponse, error)
}

// Do answers a request of a client. It makes Server a core.Transporter.
func (s *Server) Do(req *http.Request) (*http.Response, error) {
	return corefake.Serve(req, []corefake.Route{
		{Method: http.MethodPost, Pattern: acswire.RouteChatThreads, Handle: s.createThread},
		{Method: http.MethodGet, Pattern: acswire.RouteChatThreads, Handle: s.listThreads},
		{Method: http.MethodGet, Pattern: acswire.RouteChatThread, Handle: s.getProperties},
		{Method: http.MethodPatch, Pattern: acswire.RouteChatThread, Handle: s.updateProperties},
		{Method: http.MethodDelete, Pattern: acswire.RouteChatThread, Handle: s.deleteThread},
		{Method: http.MethodPost, Pattern: acswire.RouteChatMessages, Handle: s.sendMessage},
		{Method: http.MethodGet, Pattern: acswire.RouteChatMessages, Handle: s.listMessages},
		{Method: http.MethodGet, Pattern: acswire.RouteChatMessage, Handle: s.getMessage},
		{Method: http.MethodPatch, Pattern: acswire.RouteChatMessage, Handle: s.updateMessage},
		{Method: http.MethodDelete, Pattern: acswire.RouteChatMessage, Handle: s.deleteMessage},
		{Method: http.MethodGet, Pattern: acswire.RouteChatParticipants, Handle: s.listParticipants},
		{Method: http.MethodPost, Pattern: acswire.RouteChatParticipantsAdd, Handle: s.addParticipants},
		{Method: http.MethodPost, Pattern: acswire.RouteChatParticipantsRemove, Handle: s.removeParticipant},
		{Method: http.MethodPost, Pattern: acswire.RouteChatReadReceipts, Handle: s.sendReadReceipt},
		{Method: http.MethodGet, Pattern: acswire.RouteChatReadReceipts, Handle: s.listReadReceipts},
		{Method: http.MethodPost, Pattern: acswire.RouteChatTyping, Handle: s.sendTyping},
		{Method: http.MethodPost, Pattern: acswire.RouteChatImages, Handle: s.uploadImage},
		{Method: http.MethodGet, Pattern: acswire.RouteChatImageView, Handle: s.getImage},
		{Method: http.MethodDelete, Pattern: acswire.RouteChatImage, Handle: s.deleteImage},
	})
}

func thread(r *corefake.Request) string  { return r.Param("chatThreadId") }
func message(r *corefake.Request) string { return r.Param("chatMessageId") }

func text[T ~string](p *T) T {
	if p == nil {
		return ""
	}
	return *p
}

// number reads a number of the query; nil when there is none.
func number(query url.Values, name string) (*int32, error) {
	if !query.Has(name) {
		return nil, nil
	}
	n, err := strconv.ParseInt(query.Get(name), 10, 32)
	if err != nil {
		return nil, badRequest(err)
	}
	return new(int32(n)), nil
}

// moment reads the start time of the query; nil when there is none.
func moment(query url.Values) (*time.Time, error) {
	if !query.Has(acswire.QueryStartTime) {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, query.Get(acswire.QueryStartTime))
	if err != nil {
		return nil, badRequest(err)
	}
	return &t, nil
}

func badRequest(err error) error {
	return &core.ResponseError{StatusCode: http.StatusBadRequest, ErrorCode: acswire.CodeBadRequest, Message: err.Error()}
}

func retention(w *acswire.ChatRetentionPolicy) *chat.RetentionPolicy {
	if w == nil {
		return nil
	}
	return &chat.RetentionPolicy{Kind: (*chat.RetentionPolicyKind)(w.Kind), DeleteThreadAfterDays: w.DeleteThreadAfterDays}
}
