package chat

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// Limits of ACS (acs-features A5).
const (
	// MaxParticipants is how many members a thread may have.
	MaxParticipants = 250
	// MaxBatch is how many members one request may add.
	MaxBatch = 200
	// MaxPage is the largest page of any list.
	MaxPage = 200
	// MaxContent is the largest message in bytes.
	MaxContent = 28 << 10
	// MaxMetadata is the largest metadata in bytes, names and values together.
	MaxMetadata = 1 << 10
	// MaxSmall is up to how many members a thread has receipts and typing.
	MaxSmall = 20
	// MaxTopic and MaxName are the longest topic and display name in bytes.
	// ACS publishes no figure; these are ours.
	MaxTopic = 1 << 10
	MaxName  = 256
	// MinRetention and MaxRetention bound the days of a retention policy.
	MinRetention = 30
	MaxRetention = 90
)

// Caller is who asks.
type Caller struct {
	// User is the raw id.
	User string
	// Resource is the resource that the user belongs to.
	Resource guid.GUID
	// Scopes are those of the token.
	Scopes []string
}

// ErrorKind says what is wrong with a request.
type ErrorKind uint8

// Kinds of errors.
const (
	// KindInvalid is a request that can never be good.
	KindInvalid ErrorKind = iota + 1
	// KindForbidden is one that this caller may not make.
	KindForbidden
	// KindNotFound is one about something that is not there.
	KindNotFound
	// KindTooLarge is one over a limit of size.
	KindTooLarge
)

// Error is a request that was refused.
type Error struct {
	Kind ErrorKind
	// Message is for a person; it may be empty.
	Message string
}

// Error returns the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return "chat: refused"
	}
	return "chat: " + e.Message
}

func refuse(kind ErrorKind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// ErrClosed is returned after Close.
var ErrClosed = errors.New("chat: closed")

// Thread is a thread of messages.
type Thread struct {
	ID       string
	Topic    string
	Creator  string
	Created  time.Time
	Deleted  time.Time // zero while it is there
	Metadata map[string]string
	// RetentionDays is after how many days from its creation the thread is
	// deleted; 0 is never.
	RetentionDays int
	// LastMessage is when the last message was sent.
	LastMessage time.Time
	// Change is the number of the last change, Members of the last change of
	// who takes part.
	Change, Members int64
}

// Participant is a member of a thread.
type Participant struct {
	User        string `json:"user"`
	DisplayName string `json:"name,omitempty"`
	// HistoryFrom is the time from which on the member sees messages.
	HistoryFrom time.Time         `json:"from"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// MessageKind is the type of a message.
type MessageKind string

// Types of messages.
const (
	MessageText                MessageKind = "text"
	MessageHTML                MessageKind = "html"
	MessageTopicUpdated        MessageKind = "topicUpdated"
	MessageParticipantsAdded   MessageKind = "participantAdded"
	MessageParticipantsRemoved MessageKind = "participantRemoved"
)

// Written tells whether a person wrote it.
func (k MessageKind) Written() bool { return k == MessageText || k == MessageHTML }

// Attachment is a file of a message.
type Attachment struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // "image" or "file"
	Name string `json:"name,omitempty"`
}

// Details is what a system message says.
type Details struct {
	Topic        string        `json:"topic,omitempty"`
	Participants []Participant `json:"participants,omitempty"`
	Initiator    string        `json:"initiator,omitempty"`
}

// Message is one message.
type Message struct {
	// ID is its time in milliseconds, unique within the thread.
	ID          int64             `json:"id"`
	Sequence    int64             `json:"sequence"`
	Kind        MessageKind       `json:"kind"`
	Sender      string            `json:"sender,omitempty"`
	SenderName  string            `json:"senderName,omitempty"`
	Content     string            `json:"content,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Details     *Details          `json:"details,omitempty"`
	Edited      time.Time         `json:"edited,omitzero"`
	Deleted     time.Time         `json:"deleted,omitzero"`
	// Version is the time of its last change in milliseconds, greater than
	// that of any change of this message before.
	Version int64 `json:"version"`
	// FirstChange is the number of the change that made it, Change that of the
	// last one.
	FirstChange int64 `json:"first"`
	Change      int64 `json:"change"`
	// ClientID is the id that the sender gave it; empty without one.
	ClientID string `json:"clientId,omitempty"`
}

// Created is when the message was sent.
func (m *Message) Created() time.Time { return time.UnixMilli(m.ID).UTC() }

// Receipt says up to which message a member has read.
type Receipt struct {
	User      string    `json:"user"`
	MessageID int64     `json:"message"`
	Read      time.Time `json:"read"`
	Change    int64     `json:"change"`
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilliseconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
