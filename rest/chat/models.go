package chat

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
)

// MessageType is what a message is.
type MessageType string

// The types of messages.
const (
	// MessageTypeText is plain text.
	MessageTypeText MessageType = acswire.ChatMessageText
	// MessageTypeHTML is text with marks of HTML, without scripts.
	MessageTypeHTML MessageType = acswire.ChatMessageHTML
	// MessageTypeTopicUpdated tells of a new topic.
	MessageTypeTopicUpdated MessageType = acswire.ChatMessageTopicUpdated
	// MessageTypeParticipantAdded tells who came.
	MessageTypeParticipantAdded MessageType = acswire.ChatMessageParticipantAdded
	// MessageTypeParticipantRemoved tells who went.
	MessageTypeParticipantRemoved MessageType = acswire.ChatMessageParticipantRemoved
)

// PossibleMessageTypeValues returns all types of messages.
func PossibleMessageTypeValues() []MessageType {
	return possible[MessageType](acswire.PossibleChatMessageTypes())
}

// AttachmentType is what an attachment is.
type AttachmentType string

// The types of attachments.
const (
	// AttachmentTypeImage is an image.
	AttachmentTypeImage AttachmentType = acswire.ChatAttachmentImage
	// AttachmentTypeFile is any other file.
	AttachmentTypeFile AttachmentType = acswire.ChatAttachmentFile
)

// PossibleAttachmentTypeValues returns all types of attachments.
func PossibleAttachmentTypeValues() []AttachmentType {
	return possible[AttachmentType](acswire.PossibleChatAttachmentTypes())
}

// RetentionPolicyKind is what the end of a thread depends on.
type RetentionPolicyKind string

// The kinds of retention policies.
const (
	// RetentionPolicyThreadCreationDate deletes a thread some days after it was made.
	RetentionPolicyThreadCreationDate RetentionPolicyKind = acswire.ChatRetentionThreadCreationDate
	// RetentionPolicyNone keeps it.
	RetentionPolicyNone RetentionPolicyKind = acswire.ChatRetentionNone
)

// PossibleRetentionPolicyKindValues returns all kinds of retention policies.
func PossibleRetentionPolicyKindValues() []RetentionPolicyKind {
	return possible[RetentionPolicyKind](acswire.PossibleChatRetentionKinds())
}

// ImageView is a size in which an image can be had.
type ImageView string

// The sizes of images.
const (
	// ImageViewOriginal is the image as it was uploaded.
	ImageViewOriginal ImageView = acswire.ChatImageOriginal
	// ImageViewSmall is a preview of it.
	ImageViewSmall ImageView = acswire.ChatImageSmall
)

// PossibleImageViewValues returns all sizes of images.
func PossibleImageViewValues() []ImageView {
	return possible[ImageView](acswire.PossibleChatImageViews())
}

func possible[T ~string](names []string) []T {
	all := make([]T, len(names))
	for i, name := range names {
		all[i] = T(name)
	}
	return all
}

// Error codes of the service that callers act on; see core.HasCode.
const (
	CodeBadRequest      = acswire.CodeBadRequest
	CodeForbidden       = acswire.CodeForbidden
	CodeNotFound        = acswire.CodeNotFound
	CodeTooManyRequests = acswire.CodeTooManyRequests
	CodeUnauthorized    = acswire.CodeUnauthorized
)

// RetentionPolicy says when a thread is deleted by itself.
type RetentionPolicy struct {
	// Kind is what its end depends on.
	Kind *RetentionPolicyKind `json:"kind,omitempty"`
	// DeleteThreadAfterDays goes with RetentionPolicyThreadCreationDate: 30 to 90.
	DeleteThreadAfterDays *int32 `json:"deleteThreadAfterDays,omitempty"`
}

// DeleteAfterDays returns the policy that deletes a thread so many days after it
// was made, 30 to 90.
func DeleteAfterDays(days int32) *RetentionPolicy {
	return &RetentionPolicy{Kind: new(RetentionPolicyThreadCreationDate), DeleteThreadAfterDays: &days}
}

// Thread is a thread of messages.
type Thread struct {
	// ID is its id.
	ID *string
	// Topic is what it is about.
	Topic *string
	// CreatedOn is when it was made, CreatedBy by whom.
	CreatedOn *time.Time
	CreatedBy common.Identifier
	// DeletedOn is when it was deleted; nil while it is there.
	DeletedOn *time.Time
	// Metadata are the names and values of the application.
	Metadata map[string]string
	// RetentionPolicy says when it is deleted by itself.
	RetentionPolicy *RetentionPolicy
}

// MarshalJSON writes the thread as it travels.
func (t Thread) MarshalJSON() ([]byte, error) {
	return json.Marshal(acswire.ChatThreadProperties{
		ID: t.ID, Topic: t.Topic, CreatedOn: formatTime(t.CreatedOn), CreatedByCommunicationIdentifier: wireIdentifier(t.CreatedBy),
		DeletedOn: formatTime(t.DeletedOn), Metadata: t.Metadata, RetentionPolicy: wireRetention(t.RetentionPolicy),
	})
}

// UnmarshalJSON reads the thread as it travels.
func (t *Thread) UnmarshalJSON(data []byte) error {
	var w acswire.ChatThreadProperties
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var r reader
	*t = Thread{
		ID: w.ID, Topic: w.Topic, CreatedOn: r.time("createdOn", w.CreatedOn),
		CreatedBy: r.identifier("createdByCommunicationIdentifier", w.CreatedByCommunicationIdentifier),
		DeletedOn: r.time("deletedOn", w.DeletedOn), Metadata: w.Metadata,
	}
	if w.RetentionPolicy != nil {
		t.RetentionPolicy = &RetentionPolicy{
			Kind: (*RetentionPolicyKind)(w.RetentionPolicy.Kind), DeleteThreadAfterDays: w.RetentionPolicy.DeleteThreadAfterDays,
		}
	}
	return r.err
}

// ThreadItem is a thread in a list.
type ThreadItem struct {
	// ID is its id.
	ID *string `json:"id,omitempty"`
	// Topic is what it is about.
	Topic *string `json:"topic,omitempty"`
	// DeletedOn is when it was deleted; nil while it is there.
	DeletedOn *time.Time `json:"deletedOn,omitempty"`
	// LastMessageReceivedOn is when the last message came.
	LastMessageReceivedOn *time.Time `json:"lastMessageReceivedOn,omitempty"`
}

// Participant is a member of a thread.
type Participant struct {
	// Identifier is who it is; required.
	Identifier common.Identifier
	// DisplayName is the name that others are shown. Nil: none.
	DisplayName *string
	// ShareHistoryTime is from when on the member sees messages. Nil in a
	// request: from the moment of being added.
	ShareHistoryTime *time.Time
	// Metadata are names and values of the application. Versions before
	// 2024-06-05-preview do not know them.
	Metadata map[string]string
}

// MarshalJSON writes the participant as it travels.
func (p Participant) MarshalJSON() ([]byte, error) { return json.Marshal(wireParticipant(p)) }

// UnmarshalJSON reads the participant as it travels.
func (p *Participant) UnmarshalJSON(data []byte) error {
	var w acswire.ChatParticipant
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var r reader
	*p = r.participant(w)
	return r.err
}

// InvalidParticipant is a user that was not added, and why.
type InvalidParticipant struct {
	// Target is the raw id of the user.
	Target *string `json:"target,omitempty"`
	// Code is a status as text: "403", "404".
	Code *string `json:"code,omitempty"`
	// Message is a sentence for a person.
	Message *string `json:"message,omitempty"`
}

// ReadReceipt says up to where a participant has read.
type ReadReceipt struct {
	// Sender is the participant.
	Sender common.Identifier
	// MessageID is the last message that was read, ReadOn when.
	MessageID *string
	ReadOn    *time.Time
}

// MarshalJSON writes the receipt as it travels.
func (r ReadReceipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(acswire.ChatMessageReadReceipt{
		SenderCommunicationIdentifier: wireIdentifier(r.Sender), ChatMessageID: r.MessageID, ReadOn: formatTime(r.ReadOn),
	})
}

// UnmarshalJSON reads the receipt as it travels.
func (r *ReadReceipt) UnmarshalJSON(data []byte) error {
	var w acswire.ChatMessageReadReceipt
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var from reader
	*r = ReadReceipt{
		Sender:    from.identifier("senderCommunicationIdentifier", w.SenderCommunicationIdentifier),
		MessageID: w.ChatMessageID, ReadOn: from.time("readOn", w.ReadOn),
	}
	return from.err
}

// wireIdentifier writes an identifier without its kind, as the official SDKs do
// in chat: old versions do not know it. Nil gives nil.
func wireIdentifier(id common.Identifier) *acswire.IdentifierModel {
	if id == nil {
		return nil
	}
	model := acswire.NewIdentifierModel(id)
	model.Kind = nil
	return &model
}

func wireParticipant(p Participant) acswire.ChatParticipant {
	return acswire.ChatParticipant{
		CommunicationIdentifier: wireIdentifier(p.Identifier), DisplayName: p.DisplayName,
		ShareHistoryTime: formatTime(p.ShareHistoryTime), Metadata: p.Metadata,
	}
}

func wireRetention(p *RetentionPolicy) *acswire.ChatRetentionPolicy {
	if p == nil {
		return nil
	}
	return &acswire.ChatRetentionPolicy{Kind: (*string)(p.Kind), DeleteThreadAfterDays: p.DeleteThreadAfterDays}
}

func formatTime(t *time.Time) *string {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	if utc.Year() < 0 || utc.Year() > 9999 {
		return new(t.Format(time.RFC3339Nano)) // Only its offset brought it out of what can be written.
	}
	return new(utc.Format(time.RFC3339Nano))
}

// reader reads members and keeps the first error.
type reader struct{ err error }

func (r *reader) fail(member string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", member, err)
	}
}

func (r *reader) time(member string, s *string) *time.Time {
	if s == nil || *s == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		r.fail(member, err)
		return nil
	}
	return &t
}

func (r *reader) identifier(member string, model *acswire.IdentifierModel) common.Identifier {
	if model == nil {
		return nil
	}
	id, err := model.Identifier()
	if err != nil {
		r.fail(member, err)
		return nil
	}
	return id
}

func (r *reader) participant(w acswire.ChatParticipant) Participant {
	return Participant{
		Identifier:  r.identifier("communicationIdentifier", w.CommunicationIdentifier),
		DisplayName: w.DisplayName, ShareHistoryTime: r.time("shareHistoryTime", w.ShareHistoryTime), Metadata: w.Metadata,
	}
}
