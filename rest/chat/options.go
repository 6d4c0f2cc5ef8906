package chat

import (
	"io"
	"time"

	"github.com/parley-rtc/parley/rest/core"
)

// ClientOptions configure a Client; nil is the zero value.
type ClientOptions struct {
	// ClientOptions are those of every client.
	core.ClientOptions
}

// ClientCreateThreadOptions are the options of Client.CreateThread.
type ClientCreateThreadOptions struct {
	// Participants are further users, at most 199 beside the one of the client.
	Participants []Participant
	// Metadata are names and values of the application's own, at most 1 KB.
	// Versions before 2024-06-05-preview do not know them.
	Metadata map[string]string
	// RetentionPolicy says when the thread is deleted by itself. Nil: never.
	// Versions before 2024-06-05-preview do not know it.
	RetentionPolicy *RetentionPolicy
	// RepeatabilityRequestID makes calls with the same id one creation: the later
	// ones return the thread of the first. Nil: an id of its own for each call,
	// the same for all its tries.
	RepeatabilityRequestID *string
}

// ClientCreateThreadResponse is the result of Client.CreateThread.
type ClientCreateThreadResponse struct {
	// Thread is the thread; never nil.
	Thread *Thread `json:"chatThread,omitempty"`
	// InvalidParticipants are the users that were not added.
	InvalidParticipants []InvalidParticipant `json:"invalidParticipants,omitempty"`
}

// ClientDeleteThreadOptions are the options of Client.DeleteThread; there are
// none yet.
type ClientDeleteThreadOptions struct{}

// ClientDeleteThreadResponse is the result of Client.DeleteThread; it is empty.
type ClientDeleteThreadResponse struct{}

// ClientListThreadsOptions are the options of Client.NewListThreadsPager.
type ClientListThreadsOptions struct {
	// MaxPageSize bounds a page, at most 200. Nil: the service decides.
	MaxPageSize *int32
	// StartTime leaves out threads whose last message is older. Nil: all.
	StartTime *time.Time
}

// ClientListThreadsResponse is a page of threads.
type ClientListThreadsResponse struct {
	// Value are the threads.
	Value []ThreadItem `json:"value"`
	// NextLink leads to the next page; nil on the last one.
	NextLink *string `json:"nextLink,omitempty"`
}

// ThreadClientGetPropertiesOptions are the options of
// ThreadClient.GetProperties; there are none yet.
type ThreadClientGetPropertiesOptions struct{}

// ThreadClientGetPropertiesResponse is the result of ThreadClient.GetProperties.
type ThreadClientGetPropertiesResponse struct {
	Thread
}

// ThreadClientUpdatePropertiesOptions are the options of
// ThreadClient.UpdateProperties: what is nil stays as it is.
type ThreadClientUpdatePropertiesOptions struct {
	// Topic is the new topic.
	Topic *string
	// Metadata changes single names; a nil value takes a name away. Versions
	// before 2024-06-05-preview do not know it.
	Metadata map[string]*string
	// RetentionPolicy is the new policy. Versions before 2024-06-05-preview do
	// not know it.
	RetentionPolicy *RetentionPolicy
}

// ThreadClientUpdatePropertiesResponse is the result of
// ThreadClient.UpdateProperties; it is empty.
type ThreadClientUpdatePropertiesResponse struct{}

// ThreadClientSendMessageOptions are the options of ThreadClient.SendMessage.
type ThreadClientSendMessageOptions struct {
	// Type is MessageTypeText or MessageTypeHTML. Nil: text.
	Type *MessageType
	// SenderDisplayName goes with the message. Nil: none.
	SenderDisplayName *string
	// Metadata are names and values of the application's own. Versions before
	// 2021-09-07 do not know them.
	Metadata map[string]string
	// Attachments are images of ThreadClient.UploadImage. With any, the message is
	// sent in a preview of the contract, the only version that takes them.
	Attachments []Attachment
}

// ThreadClientSendMessageResponse is the result of ThreadClient.SendMessage.
type ThreadClientSendMessageResponse struct {
	// ID is the id of the message; never nil.
	ID *string
}

// ThreadClientGetMessageOptions are the options of ThreadClient.GetMessage;
// there are none yet.
type ThreadClientGetMessageOptions struct{}

// ThreadClientGetMessageResponse is the result of ThreadClient.GetMessage.
type ThreadClientGetMessageResponse struct {
	Message
}

// ThreadClientUpdateMessageOptions are the options of
// ThreadClient.UpdateMessage: what is nil stays as it is.
type ThreadClientUpdateMessageOptions struct {
	// Content is the new text.
	Content *string
	// Metadata changes single names; a nil value takes a name away. Versions
	// before 2021-09-07 do not know it.
	Metadata map[string]*string
	// Attachments replace those of the message; one that is empty and not nil
	// takes them away. Unless nil, a preview of the contract is asked for.
	Attachments []Attachment
}

// ThreadClientUpdateMessageResponse is the result of
// ThreadClient.UpdateMessage; it is empty.
type ThreadClientUpdateMessageResponse struct{}

// ThreadClientDeleteMessageOptions are the options of
// ThreadClient.DeleteMessage; there are none yet.
type ThreadClientDeleteMessageOptions struct{}

// ThreadClientDeleteMessageResponse is the result of
// ThreadClient.DeleteMessage; it is empty.
type ThreadClientDeleteMessageResponse struct{}

// ThreadClientListMessagesOptions are the options of
// ThreadClient.NewListMessagesPager.
type ThreadClientListMessagesOptions struct {
	// MaxPageSize bounds a page, at most 200. Nil: the service decides.
	MaxPageSize *int32
	// StartTime leaves out messages that are older. Nil: all that the user may
	// see.
	StartTime *time.Time
}

// ThreadClientListMessagesResponse is a page of messages.
type ThreadClientListMessagesResponse struct {
	// Value are the messages, the newest first.
	Value []Message `json:"value"`
	// NextLink leads to the next page; nil on the last one.
	NextLink *string `json:"nextLink,omitempty"`
}

// ThreadClientListParticipantsOptions are the options of
// ThreadClient.NewListParticipantsPager.
type ThreadClientListParticipantsOptions struct {
	// MaxPageSize bounds a page, at most 200. Nil: the service decides.
	MaxPageSize *int32
	// Skip leaves out the first ones. Nil: none.
	Skip *int32
}

// ThreadClientListParticipantsResponse is a page of participants.
type ThreadClientListParticipantsResponse struct {
	// Value are the participants.
	Value []Participant `json:"value"`
	// NextLink leads to the next page; nil on the last one.
	NextLink *string `json:"nextLink,omitempty"`
}

// ThreadClientAddParticipantsOptions are the options of
// ThreadClient.AddParticipants; there are none yet.
type ThreadClientAddParticipantsOptions struct{}

// ThreadClientAddParticipantsResponse is the result of
// ThreadClient.AddParticipants.
type ThreadClientAddParticipantsResponse struct {
	// InvalidParticipants are the users that were not added.
	InvalidParticipants []InvalidParticipant `json:"invalidParticipants,omitempty"`
}

// ThreadClientRemoveParticipantOptions are the options of
// ThreadClient.RemoveParticipant; there are none yet.
type ThreadClientRemoveParticipantOptions struct{}

// ThreadClientRemoveParticipantResponse is the result of
// ThreadClient.RemoveParticipant; it is empty.
type ThreadClientRemoveParticipantResponse struct{}

// ThreadClientSendReadReceiptOptions are the options of
// ThreadClient.SendReadReceipt; there are none yet.
type ThreadClientSendReadReceiptOptions struct{}

// ThreadClientSendReadReceiptResponse is the result of
// ThreadClient.SendReadReceipt; it is empty.
type ThreadClientSendReadReceiptResponse struct{}

// ThreadClientListReadReceiptsOptions are the options of
// ThreadClient.NewListReadReceiptsPager.
type ThreadClientListReadReceiptsOptions struct {
	// MaxPageSize bounds a page, at most 200. Nil: the service decides.
	MaxPageSize *int32
	// Skip leaves out the first ones. Nil: none.
	Skip *int32
}

// ThreadClientListReadReceiptsResponse is a page of receipts.
type ThreadClientListReadReceiptsResponse struct {
	// Value are the receipts.
	Value []ReadReceipt `json:"value"`
	// NextLink leads to the next page; nil on the last one.
	NextLink *string `json:"nextLink,omitempty"`
}

// ThreadClientSendTypingNotificationOptions are the options of
// ThreadClient.SendTypingNotification.
type ThreadClientSendTypingNotificationOptions struct {
	// SenderDisplayName goes with the notification. Nil: none. Versions before
	// 2021-09-07 do not know it.
	SenderDisplayName *string
}

// ThreadClientSendTypingNotificationResponse is the result of
// ThreadClient.SendTypingNotification; it is empty.
type ThreadClientSendTypingNotificationResponse struct{}

// ThreadClientUploadImageOptions are the options of ThreadClient.UploadImage.
type ThreadClientUploadImageOptions struct {
	// Filename is the name that the image is shown with. Nil: none.
	Filename *string
}

// ThreadClientUploadImageResponse is the result of ThreadClient.UploadImage.
type ThreadClientUploadImageResponse struct {
	// Attachment has the id of the image; never nil there.
	Attachment
}

// ThreadClientGetImageOptions are the options of ThreadClient.GetImage; there
// are none yet.
type ThreadClientGetImageOptions struct{}

// ThreadClientGetImageResponse is the result of ThreadClient.GetImage.
type ThreadClientGetImageResponse struct {
	// Body is the image; the caller closes it.
	Body io.ReadCloser
	// ContentType is the media type of the image.
	ContentType string
}

// ThreadClientDeleteImageOptions are the options of ThreadClient.DeleteImage;
// there are none yet.
type ThreadClientDeleteImageOptions struct{}

// ThreadClientDeleteImageResponse is the result of ThreadClient.DeleteImage; it
// is empty.
type ThreadClientDeleteImageResponse struct{}
