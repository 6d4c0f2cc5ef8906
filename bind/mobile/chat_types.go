package mobile

import (
	"slices"
	"sync"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
)

// The types of messages.
const (
	// MessageTypeOther is of a kind that this version does not know.
	MessageTypeOther int32 = 0
	// MessageTypeText is plain text.
	MessageTypeText int32 = 1
	// MessageTypeHTML is text with marks of HTML, without scripts.
	MessageTypeHTML int32 = 2
	// MessageTypeTopicUpdated tells of a new topic.
	MessageTypeTopicUpdated int32 = 3
	// MessageTypeParticipantAdded tells who came.
	MessageTypeParticipantAdded int32 = 4
	// MessageTypeParticipantRemoved tells who went.
	MessageTypeParticipantRemoved int32 = 5
)

func messageType(t *chat.MessageType) int32 {
	if t == nil {
		return MessageTypeOther
	}
	switch *t {
	case chat.MessageTypeText:
		return MessageTypeText
	case chat.MessageTypeHTML:
		return MessageTypeHTML
	case chat.MessageTypeTopicUpdated:
		return MessageTypeTopicUpdated
	case chat.MessageTypeParticipantAdded:
		return MessageTypeParticipantAdded
	case chat.MessageTypeParticipantRemoved:
		return MessageTypeParticipantRemoved
	default:
		return MessageTypeOther
	}
}

// ChatMessage is a message of a thread. Times are in milliseconds since 1970,
// zero for never.
type ChatMessage struct {
	// ID is its id, unique in the thread; Version changes with every change of it.
	ID      string
	Version string
	// Type is one of the MessageType constants.
	Type int32
	// Sequence orders the messages of a thread: a number as text.
	Sequence string
	// Content is the text, or the new topic of MessageTypeTopicUpdated; empty once
	// it is deleted.
	Content string
	// SenderID is the raw id of who wrote it, empty for changes of the thread;
	// SenderDisplayName the name that came with it, may be empty.
	SenderID          string
	SenderDisplayName string
	// CreatedOn is when it was sent, EditedOn when it was last changed, DeletedOn
	// when it was deleted.
	CreatedOn int64
	EditedOn  int64
	DeletedOn int64

	metadata     map[string]string
	participants []chat.Participant
	attachments  []chat.Attachment
}

func chatMessage(m chat.Message) *ChatMessage {
	out := &ChatMessage{
		ID: text(m.ID), Version: text(m.Version), Type: messageType(m.Type), Sequence: text(m.SequenceID),
		SenderID: rawID(m.Sender), SenderDisplayName: text(m.SenderDisplayName), CreatedOn: milliseconds(m.CreatedOn),
		EditedOn: milliseconds(m.EditedOn), DeletedOn: milliseconds(m.DeletedOn), metadata: m.Metadata,
	}
	if m.Content != nil {
		if out.Content = text(m.Content.Message); m.Content.Message == nil {
			out.Content = text(m.Content.Topic)
		}
		out.participants, out.attachments = m.Content.Participants, m.Content.Attachments
	}
	return out
}

func rawID(id common.Identifier) string {
	if id == nil {
		return ""
	}
	return id.RawID()
}

// Metadata returns the names and values that the application gave it.
func (m *ChatMessage) Metadata() *Metadata {
	defer quiet()
	return metadataOf(m.metadata)
}

// Participants returns those of MessageTypeParticipantAdded and
// MessageTypeParticipantRemoved.
func (m *ChatMessage) Participants() *ChatParticipantList {
	defer quiet()
	return participantList(m.participants)
}

// Attachments returns the files of the message.
func (m *ChatMessage) Attachments() *ChatAttachmentList {
	defer quiet()
	list := &ChatAttachmentList{}
	for _, a := range m.attachments {
		list.attachments = append(list.attachments, chatAttachment(a))
	}
	return list
}

// ChatAttachment is a file of a message.
type ChatAttachment struct {
	// ID is its id, Name its file name, which may be empty.
	ID   string
	Name string
	// Image tells images, which ChatThread.Image fetches, from other files.
	Image bool
}

func chatAttachment(a chat.Attachment) *ChatAttachment {
	return &ChatAttachment{ID: text(a.ID), Name: text(a.Name), Image: a.Type != nil && *a.Type == chat.AttachmentTypeImage}
}

// ChatAttachmentList is a list of attachments.
type ChatAttachmentList struct{ attachments []*ChatAttachment }

// Len returns how many there are.
func (l *ChatAttachmentList) Len() int32 {
	defer quiet()
	return int32(len(l.attachments))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *ChatAttachmentList) At(i int32) *ChatAttachment {
	defer quiet()
	return at(l.attachments, i)
}

// ChatParticipant is a member of a thread.
type ChatParticipant struct {
	// UserID is the raw id, DisplayName may be empty.
	UserID      string
	DisplayName string
	// ShareHistoryOn is from when on the member sees messages, in milliseconds
	// since 1970; zero: from the beginning.
	ShareHistoryOn int64
}

func chatParticipant(p chat.Participant) *ChatParticipant {
	return &ChatParticipant{UserID: rawID(p.Identifier), DisplayName: text(p.DisplayName), ShareHistoryOn: milliseconds(p.ShareHistoryTime)}
}

// ChatParticipantList is a list of members.
type ChatParticipantList struct{ participants []*ChatParticipant }

func participantList(list []chat.Participant) *ChatParticipantList {
	out := &ChatParticipantList{}
	for _, p := range list {
		out.participants = append(out.participants, chatParticipant(p))
	}
	return out
}

// Len returns how many there are.
func (l *ChatParticipantList) Len() int32 {
	defer quiet()
	return int32(len(l.participants))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *ChatParticipantList) At(i int32) *ChatParticipant {
	defer quiet()
	return at(l.participants, i)
}

// InvalidParticipant is a user that was not added, and why.
type InvalidParticipant struct {
	// UserID is the raw id, Code a status as text ("403"), Message a sentence.
	UserID  string
	Code    string
	Message string
}

// InvalidParticipantList is a list of users that were not added.
type InvalidParticipantList struct{ participants []*InvalidParticipant }

func invalidParticipants(list []chat.InvalidParticipant) *InvalidParticipantList {
	out := &InvalidParticipantList{}
	for _, p := range list {
		out.participants = append(out.participants, &InvalidParticipant{UserID: text(p.Target), Code: text(p.Code), Message: text(p.Message)})
	}
	return out
}

// Len returns how many there are.
func (l *InvalidParticipantList) Len() int32 {
	defer quiet()
	return int32(len(l.participants))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *InvalidParticipantList) At(i int32) *InvalidParticipant {
	defer quiet()
	return at(l.participants, i)
}

// ChatReadReceipt says up to where a participant has read.
type ChatReadReceipt struct {
	// SenderID is the raw id of the participant.
	SenderID string
	// MessageID is the last message that was read, ReadOn when, in milliseconds
	// since 1970.
	MessageID string
	ReadOn    int64
}

func chatReceipt(r chat.ReadReceipt) *ChatReadReceipt {
	return &ChatReadReceipt{SenderID: rawID(r.Sender), MessageID: text(r.MessageID), ReadOn: milliseconds(r.ReadOn)}
}

// Metadata are names and values of the application's own. It may be used from
// any thread.
type Metadata struct {
	mu    sync.Mutex
	pairs map[string]string
}

// NewMetadata makes one without names.
func NewMetadata() *Metadata { return &Metadata{} }

func metadataOf(pairs map[string]string) *Metadata {
	m := &Metadata{}
	for name, value := range pairs {
		m.Set(name, value)
	}
	return m
}

// Set gives a name a value.
func (m *Metadata) Set(name string, value string) {
	defer quiet()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pairs == nil {
		m.pairs = map[string]string{}
	}
	m.pairs[name] = value
}

// Get returns the value of a name, or nothing.
func (m *Metadata) Get(name string) string {
	defer quiet()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pairs[name]
}

// Len returns how many names there are.
func (m *Metadata) Len() int32 {
	defer quiet()
	m.mu.Lock()
	defer m.mu.Unlock()
	return int32(len(m.pairs))
}

// NameAt returns one of the names, in alphabetical order from 0 on; nothing
// outside of it.
func (m *Metadata) NameAt(i int32) string {
	defer quiet()
	m.mu.Lock()
	defer m.mu.Unlock()
	names := make([]string, 0, len(m.pairs))
	for name := range m.pairs {
		names = append(names, name)
	}
	if i < 0 || int(i) >= len(names) {
		return ""
	}
	slices.Sort(names)
	return names[i]
}

// values returns a copy; nil for none.
func (m *Metadata) values() map[string]string {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.pairs) == 0 {
		return nil
	}
	pairs := make(map[string]string, len(m.pairs))
	for name, value := range m.pairs {
		pairs[name] = value
	}
	return pairs
}
