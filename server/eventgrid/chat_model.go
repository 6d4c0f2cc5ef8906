package eventgrid

import (
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/chat"
)

// Types of events of chat, of a user and of a thread.
const (
	ChatMessageReceived                  = "Microsoft.Communication.ChatMessageReceived"
	ChatMessageEdited                    = "Microsoft.Communication.ChatMessageEdited"
	ChatMessageDeleted                   = "Microsoft.Communication.ChatMessageDeleted"
	ChatThreadCreatedWithUser            = "Microsoft.Communication.ChatThreadCreatedWithUser"
	ChatThreadWithUserDeleted            = "Microsoft.Communication.ChatThreadWithUserDeleted"
	ChatThreadPropertiesUpdatedPerUser   = "Microsoft.Communication.ChatThreadPropertiesUpdatedPerUser"
	ChatParticipantAddedToThreadWithUser = "Microsoft.Communication.ChatParticipantAddedToThreadWithUser"
	ChatParticipantRemovedFromThread     = "Microsoft.Communication.ChatParticipantRemovedFromThreadWithUser"

	ChatMessageReceivedInThread  = "Microsoft.Communication.ChatMessageReceivedInThread"
	ChatMessageEditedInThread    = "Microsoft.Communication.ChatMessageEditedInThread"
	ChatMessageDeletedInThread   = "Microsoft.Communication.ChatMessageDeletedInThread"
	ChatThreadCreated            = "Microsoft.Communication.ChatThreadCreated"
	ChatThreadDeleted            = "Microsoft.Communication.ChatThreadDeleted"
	ChatThreadPropertiesUpdated  = "Microsoft.Communication.ChatThreadPropertiesUpdated"
	ChatThreadParticipantAdded   = "Microsoft.Communication.ChatThreadParticipantAdded"
	ChatThreadParticipantRemoved = "Microsoft.Communication.ChatThreadParticipantRemoved"
)

// chatBase is in every event of chat; the recipient in those of a user.
type chatBase struct {
	RecipientID   string                   `json:"recipientId,omitempty"`
	Recipient     *acswire.IdentifierModel `json:"recipientCommunicationIdentifier,omitempty"`
	TransactionID string                   `json:"transactionId"`
	ThreadID      string                   `json:"threadId"`
}

type chatMessage struct {
	chatBase
	MessageBody *string                  `json:"messageBody,omitempty"`
	MessageID   string                   `json:"messageId"`
	Metadata    map[string]string        `json:"metadata,omitempty"`
	SenderID    string                   `json:"senderId,omitempty"`
	Sender      *acswire.IdentifierModel `json:"senderCommunicationIdentifier,omitempty"`
	SenderName  string                   `json:"senderDisplayName"`
	ComposeTime time.Time                `json:"composeTime"`
	EditTime    time.Time                `json:"editTime,omitzero"`
	DeleteTime  time.Time                `json:"deleteTime,omitzero"`
	Type        string                   `json:"type"`
	Version     int64                    `json:"version"`
}

// chatThread is about a thread or its roster.
type chatThread struct {
	chatBase
	CreateTime time.Time `json:"createTime"`
	Version    int64     `json:"version"`

	CreatedByID    string                   `json:"createdBy,omitempty"`
	CreatedBy      *acswire.IdentifierModel `json:"createdByCommunicationIdentifier,omitempty"`
	DeletedByID    string                   `json:"deletedBy,omitempty"`
	DeletedBy      *acswire.IdentifierModel `json:"deletedByCommunicationIdentifier,omitempty"`
	EditedByID     string                   `json:"editedBy,omitempty"`
	EditedBy       *acswire.IdentifierModel `json:"editedByCommunicationIdentifier,omitempty"`
	DeleteTime     time.Time                `json:"deleteTime,omitzero"`
	EditTime       time.Time                `json:"editTime,omitzero"`
	Properties     map[string]any           `json:"properties,omitempty"`
	Metadata       map[string]string        `json:"metadata,omitempty"`
	Members        []chatMember             `json:"members,omitempty"`
	Participants   []chatParticipant        `json:"participants,omitempty"`
	Time           time.Time                `json:"time,omitzero"`
	AddedBy        *acswire.IdentifierModel `json:"addedByCommunicationIdentifier,omitempty"`
	RemovedBy      *acswire.IdentifierModel `json:"removedByCommunicationIdentifier,omitempty"`
	ParticipantIn  *chatParticipant         `json:"participantAdded,omitempty"`
	ParticipantOut *chatParticipant         `json:"participantRemoved,omitempty"`
}

type chatMember struct {
	DisplayName string `json:"displayName"`
	MemberID    string `json:"memberId"`
}

type chatParticipant struct {
	DisplayName string                   `json:"displayName"`
	Participant *acswire.IdentifierModel `json:"participantCommunicationIdentifier"`
	Metadata    map[string]string        `json:"metadata,omitempty"`
}

// identifier is a raw id as the events have it: without its kind.
func identifier(raw string) *acswire.IdentifierModel {
	if raw == "" {
		return nil
	}
	parsed, err := ident.Parse(raw)
	if err != nil {
		return &acswire.IdentifierModel{RawID: &raw}
	}
	model := acswire.NewIdentifierModel(parsed)
	model.Kind = nil
	return &model
}

func participants(list []chat.Participant) []chatParticipant {
	out := make([]chatParticipant, len(list))
	for i := range list {
		p := &list[i]
		out[i] = chatParticipant{p.DisplayName, identifier(p.User), p.Metadata}
	}
	return out
}

func members(list []chat.Participant) []chatMember {
	out := make([]chatMember, len(list))
	for i := range list {
		out[i] = chatMember{list[i].DisplayName, list[i].User}
	}
	return out
}

// messageType is the type of a message as events have it.
func messageType(kind chat.MessageKind) string {
	if kind == chat.MessageHTML {
		return "RichText/Html"
	}
	return "Text"
}
