package mobile

import (
	"context"
	"fmt"
	"io"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
)

// ChatThread reads and writes in one thread. Its methods may be called from any
// thread of the program. Of a thread that the user is not in they give
// ErrorCodeForbidden, of one that is not there ErrorCodeNotFound.
type ChatThread struct {
	chat    *ChatClient
	thread  *chat.ThreadClient
	invalid *InvalidParticipantList
}

// ID returns the id of the thread.
func (t *ChatThread) ID() string {
	defer quiet()
	return t.thread.ID()
}

// InvalidParticipants returns who could not be added when CreateThread made the
// thread.
func (t *ChatThread) InvalidParticipants() *InvalidParticipantList {
	defer quiet()
	if t.invalid == nil {
		return &InvalidParticipantList{}
	}
	return t.invalid
}

// ChatThreadProperties are what a thread is.
type ChatThreadProperties struct {
	// Topic is what it is about.
	Topic string
	// CreatedOn is when it was made, in milliseconds since 1970, CreatedBy the raw
	// id of by whom.
	CreatedOn int64
	CreatedBy string

	metadata map[string]string
}

// Metadata returns the names and values of the application.
func (p *ChatThreadProperties) Metadata() *Metadata {
	defer quiet()
	return metadataOf(p.metadata)
}

// Properties returns what the thread is.
func (t *ChatThread) Properties() (properties *ChatThreadProperties, err error) {
	defer guard(&err)
	var got chat.ThreadClientGetPropertiesResponse
	err = t.chat.run(func(ctx context.Context) (err error) {
		got, err = t.thread.GetProperties(ctx, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ChatThreadProperties{
		Topic: text(got.Topic), CreatedOn: milliseconds(got.CreatedOn), CreatedBy: rawID(got.CreatedBy), metadata: got.Metadata,
	}, nil
}

// SetTopic changes the topic. All participants hear of it.
func (t *ChatThread) SetTopic(topic string) (err error) {
	defer guard(&err)
	return t.chat.run(func(ctx context.Context) error {
		_, err := t.thread.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{Topic: &topic})
		return err
	})
}

// ChatMessageOptions describe a message to send.
type ChatMessageOptions struct {
	// HTML tells that the content has marks of HTML. False: plain text.
	HTML bool
	// SenderDisplayName is shown to the others. Empty: ChatOptions.DisplayName.
	SenderDisplayName string
	// ClientID names the message: with the same one in the same thread it is
	// written once. It counts once ChatClient.Start has succeeded, and for an
	// Outbox. Empty: a random one.
	ClientID string
	// Metadata are names and values of the application's own; may be nothing.
	Metadata *Metadata

	attachments []chat.Attachment
}

// AddAttachment adds an image of ChatThread.UploadImage.
func (o *ChatMessageOptions) AddAttachment(attachment *ChatAttachment) {
	defer quiet()
	a := chat.Attachment{ID: &attachment.ID, Name: &attachment.Name}
	kind := chat.AttachmentTypeFile
	if attachment.Image {
		kind = chat.AttachmentTypeImage
	}
	a.Type = &kind
	o.attachments = append(o.attachments, a)
}

// SentMessage is a message that the service has taken.
type SentMessage struct {
	// ID is the id of the message.
	ID string
	// Repeated says that the ClientID was there already, and nothing was written.
	Repeated bool
}

// SendMessage writes a message and returns when it is durable. options may be
// nothing. Once ChatClient.Start has succeeded it is written once, however often
// the connection is lost meanwhile; before, one whose answer was lost may be
// there twice. A message that is too long gives ErrorCodeTooLarge or
// ErrorCodeInvalidArgument.
func (t *ChatThread) SendMessage(content string, options *ChatMessageOptions) (sent *SentMessage, err error) {
	defer guard(&err)
	if options == nil {
		options = &ChatMessageOptions{}
	}
	name := t.chat.senderName(options)
	kind := contentType(options)
	sent = &SentMessage{}
	err = t.chat.run(func(ctx context.Context) error {
		// Only REST takes attachments.
		if t.chat.live() && len(options.attachments) == 0 {
			made, err := t.chat.realtime.SendMessage(ctx, t.ID(), content, &chat.RealtimeSendMessageOptions{
				Type: kind, SenderDisplayName: name, Metadata: options.Metadata.values(), ClientID: options.ClientID,
			})
			sent.ID, sent.Repeated = made.ID, made.Repeated
			return err
		}
		rest := &chat.ThreadClientSendMessageOptions{Type: &kind, Metadata: options.Metadata.values(), Attachments: options.attachments}
		if name != "" {
			rest.SenderDisplayName = &name
		}
		made, err := t.thread.SendMessage(ctx, content, rest)
		sent.ID = text(made.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sent, nil
}

func (c *ChatClient) senderName(options *ChatMessageOptions) string {
	if c == nil || options.SenderDisplayName != "" {
		return options.SenderDisplayName
	}
	return c.name
}

func contentType(options *ChatMessageOptions) chat.MessageType {
	if options.HTML {
		return chat.MessageTypeHTML
	}
	return chat.MessageTypeText
}

// EditMessage changes the text of a message of the user's own.
func (t *ChatThread) EditMessage(messageID string, content string) (err error) {
	defer guard(&err)
	return t.chat.run(func(ctx context.Context) error {
		_, err := t.thread.UpdateMessage(ctx, messageID, &chat.ThreadClientUpdateMessageOptions{Content: &content})
		return err
	})
}

// DeleteMessage deletes a message of the user's own. It stays in the list,
// without its content.
func (t *ChatThread) DeleteMessage(messageID string) (err error) {
	defer guard(&err)
	return t.chat.run(func(ctx context.Context) error {
		_, err := t.thread.DeleteMessage(ctx, messageID, nil)
		return err
	})
}

// Message returns a message.
func (t *ChatThread) Message(messageID string) (message *ChatMessage, err error) {
	defer guard(&err)
	var got chat.ThreadClientGetMessageResponse
	err = t.chat.run(func(ctx context.Context) (err error) {
		got, err = t.thread.GetMessage(ctx, messageID, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return chatMessage(got.Message), nil
}

// ChatMessagePager goes over messages. It belongs to one thread of the program
// at a time.
type ChatMessagePager struct {
	chat  *ChatClient
	pages pages[chat.ThreadClientListMessagesResponse, chat.Message]
}

// Messages returns a pager over the messages that the user may see, the newest
// first; changes of topic and participants are among them. It sends nothing.
func (t *ChatThread) Messages() *ChatMessagePager {
	defer quiet()
	return &ChatMessagePager{chat: t.chat, pages: pages[chat.ThreadClientListMessagesResponse, chat.Message]{
		pager: t.thread.NewListMessagesPager(nil), items: func(r chat.ThreadClientListMessagesResponse) []chat.Message { return r.Value },
	}}
}

// Next returns the next older message, or nothing at the end.
func (p *ChatMessagePager) Next() (message *ChatMessage, err error) {
	defer guard(&err)
	next, err := p.pages.next(p.chat)
	if next == nil || err != nil {
		return nil, err
	}
	return chatMessage(*next), nil
}

// AddParticipant adds a user, a raw id "8:acs:…"; displayName may be empty. A
// user who cannot be added gives ErrorCodeNotFound or ErrorCodeForbidden.
func (t *ChatThread) AddParticipant(userID string, displayName string) (err error) {
	defer guard(&err)
	p, err := participant(userID, displayName)
	if err != nil {
		return err
	}
	return t.chat.run(func(ctx context.Context) error {
		added, err := t.thread.AddParticipants(ctx, []chat.Participant{p}, nil)
		if err == nil && len(added.InvalidParticipants) > 0 {
			return invalidError(added.InvalidParticipants[0])
		}
		return err
	})
}

// invalidError makes an error of a user who was not added.
func invalidError(p chat.InvalidParticipant) error {
	status := 0
	if _, err := fmt.Sscanf(text(p.Code), "%d", &status); err != nil {
		status = 0
	}
	return &failureError{failure: Failure{Code: statusCode(status), HTTPStatus: int32(status), ServiceCode: text(p.Code), Message: text(p.Message)}}
}

// RemoveParticipant removes a user; the user's own id leaves the thread.
func (t *ChatThread) RemoveParticipant(userID string) (err error) {
	defer guard(&err)
	id, err := common.ParseRawID(userID)
	if err != nil {
		return err
	}
	return t.chat.run(func(ctx context.Context) error {
		_, err := t.thread.RemoveParticipant(ctx, id, nil)
		return err
	})
}

// ChatParticipantPager goes over members. It belongs to one thread of the
// program at a time.
type ChatParticipantPager struct {
	chat  *ChatClient
	pages pages[chat.ThreadClientListParticipantsResponse, chat.Participant]
}

// Participants returns a pager over the members. It sends nothing.
func (t *ChatThread) Participants() *ChatParticipantPager {
	defer quiet()
	return &ChatParticipantPager{chat: t.chat, pages: pages[chat.ThreadClientListParticipantsResponse, chat.Participant]{
		pager: t.thread.NewListParticipantsPager(nil),
		items: func(r chat.ThreadClientListParticipantsResponse) []chat.Participant { return r.Value },
	}}
}

// Next returns the next member, or nothing at the end.
func (p *ChatParticipantPager) Next() (participant *ChatParticipant, err error) {
	defer guard(&err)
	next, err := p.pages.next(p.chat)
	if next == nil || err != nil {
		return nil, err
	}
	return chatParticipant(*next), nil
}

// SendTyping tells the others that the user is typing. It counts for some
// seconds; repeat it while the user goes on, at most every eight.
func (t *ChatThread) SendTyping() (err error) {
	defer guard(&err)
	return t.chat.run(func(ctx context.Context) error {
		if t.chat.live() {
			return t.chat.realtime.SendTypingNotification(ctx, t.ID(), &chat.RealtimeSendTypingNotificationOptions{SenderDisplayName: t.chat.name})
		}
		options := &chat.ThreadClientSendTypingNotificationOptions{}
		if t.chat.name != "" {
			options.SenderDisplayName = &t.chat.name
		}
		_, err := t.thread.SendTypingNotification(ctx, options)
		return err
	})
}

// SendReadReceipt says that the user has read up to a message.
func (t *ChatThread) SendReadReceipt(messageID string) (err error) {
	defer guard(&err)
	return t.chat.run(func(ctx context.Context) error {
		if t.chat.live() {
			return t.chat.realtime.SendReadReceipt(ctx, t.ID(), messageID)
		}
		_, err := t.thread.SendReadReceipt(ctx, messageID, nil)
		return err
	})
}

// ChatReadReceiptPager goes over receipts. It belongs to one thread of the
// program at a time.
type ChatReadReceiptPager struct {
	chat  *ChatClient
	pages pages[chat.ThreadClientListReadReceiptsResponse, chat.ReadReceipt]
}

// ReadReceipts returns a pager over the receipts: the last one of each
// participant who sent any. It sends nothing.
func (t *ChatThread) ReadReceipts() *ChatReadReceiptPager {
	defer quiet()
	return &ChatReadReceiptPager{chat: t.chat, pages: pages[chat.ThreadClientListReadReceiptsResponse, chat.ReadReceipt]{
		pager: t.thread.NewListReadReceiptsPager(nil),
		items: func(r chat.ThreadClientListReadReceiptsResponse) []chat.ReadReceipt { return r.Value },
	}}
}

// Next returns the next receipt, or nothing at the end.
func (p *ChatReadReceiptPager) Next() (receipt *ChatReadReceipt, err error) {
	defer guard(&err)
	next, err := p.pages.next(p.chat)
	if next == nil || err != nil {
		return nil, err
	}
	return chatReceipt(*next), nil
}

// UploadImage stores an image in the thread and returns what
// ChatMessageOptions.AddAttachment takes; name may be empty. What is no image
// gives ErrorCodeInvalidArgument.
func (t *ChatThread) UploadImage(image []byte, name string) (attachment *ChatAttachment, err error) {
	defer guard(&err)
	options := &chat.ThreadClientUploadImageOptions{}
	if name != "" {
		options.Filename = &name
	}
	var made chat.ThreadClientUploadImageResponse
	err = t.chat.run(func(ctx context.Context) (err error) {
		made, err = t.thread.UploadImage(ctx, image, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	return chatAttachment(made.Attachment), nil
}

// maxImage bounds what Image reads.
const maxImage = 32 << 20

// Image returns an image of the thread, or a preview of it.
func (t *ChatThread) Image(imageID string, preview bool) (image []byte, err error) {
	defer guard(&err)
	view := chat.ImageViewOriginal
	if preview {
		view = chat.ImageViewSmall
	}
	err = t.chat.run(func(ctx context.Context) error {
		got, err := t.thread.GetImage(ctx, imageID, view, nil)
		if err != nil {
			return err
		}
		image, err = io.ReadAll(io.LimitReader(got.Body, maxImage))
		if e := got.Body.Close(); err == nil {
			err = e
		}
		return err
	})
	return image, err
}
