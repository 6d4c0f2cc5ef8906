package chat

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// Attachment is a file of a message.
type Attachment struct {
	// ID is its id.
	ID *string `json:"id,omitempty"`
	// Type is what it is.
	Type *AttachmentType `json:"attachmentType,omitempty"`
	// Name is its file name; may be nil.
	Name *string `json:"name,omitempty"`
	// URL is where it can be had, with the token of a participant; may be nil.
	URL *string `json:"url,omitempty"`
	// PreviewURL is where a preview of it can be had; may be nil.
	PreviewURL *string `json:"previewUrl,omitempty"`
}

// MessageContent is what a message says.
type MessageContent struct {
	// Message is the text of MessageTypeText and MessageTypeHTML.
	Message *string
	// Topic is the new one of MessageTypeTopicUpdated.
	Topic *string
	// Participants are those of MessageTypeParticipantAdded and
	// MessageTypeParticipantRemoved.
	Participants []Participant
	// Attachments are the files of the message.
	Attachments []Attachment
	// Initiator is who made the change that a message tells of; else nil.
	Initiator common.Identifier
}

// Message is a message of a thread.
type Message struct {
	// ID is its id, unique in the thread.
	ID *string
	// Type is what it is.
	Type *MessageType
	// SequenceID orders the messages of a thread: a number as text. Version
	// changes with every change of the message.
	SequenceID, Version *string
	// Content is what it says; nil or empty once it is deleted.
	Content *MessageContent
	// Sender is who wrote it; nil for changes of the thread. SenderDisplayName is
	// the name that came with it; may be nil.
	Sender            common.Identifier
	SenderDisplayName *string
	// CreatedOn is when it was sent, EditedOn when it was last changed, DeletedOn
	// when it was deleted; the last two may be nil.
	CreatedOn, EditedOn, DeletedOn *time.Time
	// Metadata are the names and values of the application.
	Metadata map[string]string
}

// MarshalJSON writes the message as it travels.
func (m Message) MarshalJSON() ([]byte, error) {
	w := acswire.ChatMessage{
		ID: m.ID, Type: (*string)(m.Type), SequenceID: m.SequenceID, Version: m.Version,
		SenderDisplayName: m.SenderDisplayName, SenderCommunicationIdentifier: wireIdentifier(m.Sender),
		CreatedOn: formatTime(m.CreatedOn), EditedOn: formatTime(m.EditedOn), DeletedOn: formatTime(m.DeletedOn), Metadata: m.Metadata,
	}
	if c := m.Content; c != nil {
		w.Content = &acswire.ChatMessageContent{Message: c.Message, Topic: c.Topic, InitiatorCommunicationIdentifier: wireIdentifier(c.Initiator)}
		for _, p := range c.Participants {
			w.Content.Participants = append(w.Content.Participants, wireParticipant(p))
		}
		w.Content.Attachments = wireAttachments(c.Attachments)
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the message as it travels.
func (m *Message) UnmarshalJSON(data []byte) error {
	var w acswire.ChatMessage
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var r reader
	*m = Message{
		ID: w.ID, Type: (*MessageType)(w.Type), SequenceID: w.SequenceID, Version: w.Version, Content: r.content(w.Content),
		Sender:            r.identifier("senderCommunicationIdentifier", w.SenderCommunicationIdentifier),
		SenderDisplayName: w.SenderDisplayName, Metadata: w.Metadata,
		CreatedOn: r.time("createdOn", w.CreatedOn), EditedOn: r.time("editedOn", w.EditedOn), DeletedOn: r.time("deletedOn", w.DeletedOn),
	}
	return r.err
}

func (r *reader) content(w *acswire.ChatMessageContent) *MessageContent {
	if w == nil {
		return nil
	}
	c := &MessageContent{
		Message: w.Message, Topic: w.Topic, Initiator: r.identifier("initiatorCommunicationIdentifier", w.InitiatorCommunicationIdentifier),
	}
	for _, p := range w.Participants {
		c.Participants = append(c.Participants, r.participant(p))
	}
	if len(w.Attachments) > 0 {
		c.Attachments = make([]Attachment, len(w.Attachments))
	}
	for i, a := range w.Attachments {
		c.Attachments[i] = Attachment{ID: a.ID, Type: (*AttachmentType)(a.AttachmentType), Name: a.Name, URL: a.URL, PreviewURL: a.PreviewURL}
	}
	return c
}

func wireAttachments(attachments []Attachment) []acswire.ChatAttachment {
	var all []acswire.ChatAttachment
	if attachments != nil {
		all = make([]acswire.ChatAttachment, len(attachments))
	}
	for i, a := range attachments {
		all[i] = acswire.ChatAttachment{ID: a.ID, AttachmentType: (*string)(a.Type), Name: a.Name, URL: a.URL, PreviewURL: a.PreviewURL}
	}
	return all
}

// wireParticipants is never nil: an empty list is the service's to judge.
func wireParticipants(participants []Participant) ([]acswire.ChatParticipant, error) {
	all := make([]acswire.ChatParticipant, len(participants))
	for i, p := range participants {
		if p.Identifier == nil {
			return nil, fmt.Errorf("%w: participant %d has no identifier", core.ErrInvalidParameter, i)
		}
		all[i] = wireParticipant(p)
	}
	return all, nil
}
