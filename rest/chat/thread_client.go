package chat

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// ThreadClient reads and writes in one thread. It is made by
// Client.NewThreadClient, immutable and safe for many goroutines. Of a thread
// that the user is not in, every method is refused with CodeForbidden; of one
// that is not there, with CodeNotFound.
type ThreadClient struct {
	core *core.Client
	id   string
}

// ID returns the id of the thread.
func (t *ThreadClient) ID() string { return t.id }

// call sends an operation of the thread; further values follow the thread's id
// in the route.
func (t *ThreadClient) call(ctx context.Context, route string, call core.Call, values ...string) error {
	path, err := core.Path(route, append([]string{t.id}, values...)...)
	if err != nil {
		return err
	}
	call.Path = path
	_, err = t.core.Call(ctx, call)
	return err
}

// GetProperties returns the thread itself.
func (t *ThreadClient) GetProperties(ctx context.Context, _ *ThreadClientGetPropertiesOptions) (ThreadClientGetPropertiesResponse, error) {
	var got Thread
	err := t.call(ctx, acswire.RouteChatThread, core.Call{Method: http.MethodGet, Success: []int{http.StatusOK}, Into: &got})
	if err != nil {
		return ThreadClientGetPropertiesResponse{}, err
	}
	if got.ID == nil {
		return ThreadClientGetPropertiesResponse{}, fmt.Errorf("%w: no thread", ErrIncompleteAnswer)
	}
	return ThreadClientGetPropertiesResponse{Thread: got}, nil
}

// UpdateProperties changes what the options name: topic, metadata, retention.
// All participants hear of it.
func (t *ThreadClient) UpdateProperties(
	ctx context.Context, options *ThreadClientUpdatePropertiesOptions,
) (ThreadClientUpdatePropertiesResponse, error) {
	if options == nil {
		options = &ThreadClientUpdatePropertiesOptions{}
	}
	err := t.call(ctx, acswire.RouteChatThread, core.Call{
		Method: http.MethodPatch, ContentType: core.ContentTypeMergePatch, Success: []int{http.StatusNoContent},
		Body: acswire.UpdateChatThreadRequest{
			Topic: options.Topic, Metadata: options.Metadata, RetentionPolicy: wireRetention(options.RetentionPolicy),
		},
	})
	return ThreadClientUpdatePropertiesResponse{}, err
}

// SendMessage writes a message and returns its id. A call that was repeated
// after a lost answer may leave the message twice: the contract has no id of
// the caller's for it. The service refuses with CodeBadRequest what is too long.
func (t *ThreadClient) SendMessage(ctx context.Context, content string, options *ThreadClientSendMessageOptions) (ThreadClientSendMessageResponse, error) {
	if options == nil {
		options = &ThreadClientSendMessageOptions{}
	}
	var sent acswire.SendChatMessageResult
	call := core.Call{
		Method: http.MethodPost, Success: []int{http.StatusCreated}, Into: &sent,
		Body: acswire.SendChatMessageRequest{
			Content: &content, SenderDisplayName: options.SenderDisplayName, Type: (*string)(options.Type), Metadata: options.Metadata,
			Attachments: wireAttachments(options.Attachments),
		},
	}
	if len(options.Attachments) > 0 {
		call.Query = imagesQuery()
	}
	err := t.call(ctx, acswire.RouteChatMessages, call)
	if err != nil {
		return ThreadClientSendMessageResponse{}, err
	}
	if sent.ID == nil || *sent.ID == "" {
		return ThreadClientSendMessageResponse{}, fmt.Errorf("%w: no id", ErrIncompleteAnswer)
	}
	return ThreadClientSendMessageResponse{ID: sent.ID}, nil
}

// GetMessage returns a message. A deleted one is without its content.
func (t *ThreadClient) GetMessage(ctx context.Context, messageID string, _ *ThreadClientGetMessageOptions) (ThreadClientGetMessageResponse, error) {
	var got Message
	err := t.call(ctx, acswire.RouteChatMessage, core.Call{Method: http.MethodGet, Success: []int{http.StatusOK}, Into: &got}, messageID)
	if err != nil {
		return ThreadClientGetMessageResponse{}, err
	}
	if got.ID == nil {
		return ThreadClientGetMessageResponse{}, fmt.Errorf("%w: no message", ErrIncompleteAnswer)
	}
	return ThreadClientGetMessageResponse{Message: got}, nil
}

// UpdateMessage changes a message of the user's own: what the options name. The
// service refuses with CodeForbidden one of somebody else.
func (t *ThreadClient) UpdateMessage(ctx context.Context, messageID string, options *ThreadClientUpdateMessageOptions) (ThreadClientUpdateMessageResponse, error) {
	if options == nil {
		options = &ThreadClientUpdateMessageOptions{}
	}
	body := acswire.UpdateChatMessageRequest{Content: options.Content, Metadata: options.Metadata}
	call := core.Call{Method: http.MethodPatch, ContentType: core.ContentTypeMergePatch, Success: []int{http.StatusNoContent}}
	if options.Attachments != nil {
		body.Attachments = new(wireAttachments(options.Attachments))
		call.Query = imagesQuery()
	}
	call.Body = body
	return ThreadClientUpdateMessageResponse{}, t.call(ctx, acswire.RouteChatMessage, call, messageID)
}

// DeleteMessage deletes a message of the user's own. It stays in the list, as
// deleted and without its content. The service refuses with CodeForbidden one of
// somebody else.
func (t *ThreadClient) DeleteMessage(ctx context.Context, messageID string, _ *ThreadClientDeleteMessageOptions) (ThreadClientDeleteMessageResponse, error) {
	err := t.call(ctx, acswire.RouteChatMessage, core.Call{Method: http.MethodDelete, Success: []int{http.StatusNoContent}}, messageID)
	return ThreadClientDeleteMessageResponse{}, err
}

// NewListMessagesPager returns a pager over the messages that the user may see,
// the newest first. Changes of topic and participants are among them.
func (t *ThreadClient) NewListMessagesPager(options *ThreadClientListMessagesOptions) *core.Pager[ThreadClientListMessagesResponse] {
	if options == nil {
		options = &ThreadClientListMessagesOptions{}
	}
	query := sinceQuery(options.MaxPageSize, options.StartTime)
	return core.NewPager(core.LinkPages(t.core, first(t.core, acswire.RouteChatMessages, query, t.id),
		func(page ThreadClientListMessagesResponse) *string { return page.NextLink }))
}

// NewListParticipantsPager returns a pager over the participants.
func (t *ThreadClient) NewListParticipantsPager(options *ThreadClientListParticipantsOptions) *core.Pager[ThreadClientListParticipantsResponse] {
	if options == nil {
		options = &ThreadClientListParticipantsOptions{}
	}
	query := skipQuery(options.MaxPageSize, options.Skip)
	return core.NewPager(core.LinkPages(t.core, first(t.core, acswire.RouteChatParticipants, query, t.id),
		func(page ThreadClientListParticipantsResponse) *string { return page.NextLink }))
}

// AddParticipants adds users to the thread; who is in it already stays as
// before. Users that could not be added are in InvalidParticipants of the
// response.
func (t *ThreadClient) AddParticipants(
	ctx context.Context, participants []Participant, _ *ThreadClientAddParticipantsOptions,
) (ThreadClientAddParticipantsResponse, error) {
	wired, err := wireParticipants(participants)
	if err != nil {
		return ThreadClientAddParticipantsResponse{}, err
	}
	var result ThreadClientAddParticipantsResponse
	err = t.call(ctx, acswire.RouteChatParticipantsAdd, core.Call{
		Method: http.MethodPost, Success: []int{http.StatusCreated}, Into: &result, Body: acswire.AddChatParticipantsRequest{Participants: wired},
	})
	if err != nil {
		return ThreadClientAddParticipantsResponse{}, err
	}
	return result, nil
}

// RemoveParticipant removes a user from the thread, who from then on hears
// nothing of it. The user of the client may remove itself: that is how one
// leaves.
func (t *ThreadClient) RemoveParticipant(
	ctx context.Context, participant common.Identifier, _ *ThreadClientRemoveParticipantOptions,
) (ThreadClientRemoveParticipantResponse, error) {
	if participant == nil {
		return ThreadClientRemoveParticipantResponse{}, fmt.Errorf("%w: no participant", core.ErrInvalidParameter)
	}
	err := t.call(ctx, acswire.RouteChatParticipantsRemove, core.Call{
		Method: http.MethodPost, Success: []int{http.StatusNoContent}, Body: wireIdentifier(participant),
	})
	return ThreadClientRemoveParticipantResponse{}, err
}

// SendReadReceipt says that the user has read up to a message. The service takes
// it in threads of up to 20 participants.
func (t *ThreadClient) SendReadReceipt(
	ctx context.Context, messageID string, _ *ThreadClientSendReadReceiptOptions,
) (ThreadClientSendReadReceiptResponse, error) {
	err := t.call(ctx, acswire.RouteChatReadReceipts, core.Call{
		Method: http.MethodPost, Success: []int{http.StatusOK}, Body: acswire.SendReadReceiptRequest{ChatMessageID: &messageID},
	})
	return ThreadClientSendReadReceiptResponse{}, err
}

// NewListReadReceiptsPager returns a pager over the receipts: the last one of
// each participant who sent any.
func (t *ThreadClient) NewListReadReceiptsPager(options *ThreadClientListReadReceiptsOptions) *core.Pager[ThreadClientListReadReceiptsResponse] {
	if options == nil {
		options = &ThreadClientListReadReceiptsOptions{}
	}
	query := skipQuery(options.MaxPageSize, options.Skip)
	return core.NewPager(core.LinkPages(t.core, first(t.core, acswire.RouteChatReadReceipts, query, t.id),
		func(page ThreadClientListReadReceiptsResponse) *string { return page.NextLink }))
}

// SendTypingNotification tells the other participants that the user is typing.
// It counts for some seconds; repeat it while the user goes on, at most every
// eight. The service takes it in threads of up to 20 participants.
func (t *ThreadClient) SendTypingNotification(
	ctx context.Context, options *ThreadClientSendTypingNotificationOptions,
) (ThreadClientSendTypingNotificationResponse, error) {
	call := core.Call{Method: http.MethodPost, Success: []int{http.StatusOK}}
	if options != nil && options.SenderDisplayName != nil {
		call.Body = acswire.SendTypingNotificationRequest{SenderDisplayName: options.SenderDisplayName}
	}
	return ThreadClientSendTypingNotificationResponse{}, t.call(ctx, acswire.RouteChatTyping, call)
}
