package chat

import (
	"time"

	"github.com/parley-rtc/parley/rest/common"
)

// RealtimeEvents are the handlers of a Realtime; nil ones are not interested.
// They are called in order, one at a time, and may call any method.
type RealtimeEvents struct {
	// MessageReceived, MessageEdited and MessageDeleted tell about messages of
	// people, the user's own included.
	MessageReceived, MessageEdited, MessageDeleted func(MessageEvent)
	// ThreadCreated, ThreadUpdated and ThreadDeleted tell about threads.
	ThreadCreated, ThreadUpdated, ThreadDeleted func(ThreadEvent)
	// ParticipantsAdded and ParticipantsRemoved tell who came and went, perhaps
	// the user.
	ParticipantsAdded, ParticipantsRemoved func(ParticipantsEvent)
	// TypingReceived tells that somebody else writes. It is not repeated.
	TypingReceived func(TypingEvent)
	// ReadReceiptReceived tells that somebody has read, perhaps the user at
	// another device.
	ReadReceiptReceived func(ReadReceiptEvent)
	// ThreadChanged tells where a thread stands when that is new: the user came
	// into it or left, or another number of messages is unread.
	ThreadChanged func(ThreadState)
	// ConnectionChanged tells about the connection.
	ConnectionChanged func(ConnectionEvent)
}

// MessageEvent is a message that came, was edited or deleted.
type MessageEvent struct {
	ThreadID string
	// Message is the message as it is now; its Content and the text in it are
	// never nil. One that was taken back has DeletedOn and an empty text: also
	// MessageReceived tells of it, when it was written and taken back while there
	// was no connection. It does not count as unread.
	Message Message
	// ClientID is the id that its sender gave it; empty without one.
	ClientID string
	// On is when it happened.
	On time.Time
}

// ThreadEvent is a thread that was made, changed or deleted.
type ThreadEvent struct {
	// Thread has the topic, the metadata and the retention policy after a
	// creation or a change.
	Thread Thread
	// By is who did it; nil when the service did.
	By common.Identifier
	// Participants are all, of a thread that was made.
	Participants []Participant
	On           time.Time
}

// ParticipantsEvent tells who came or went.
type ParticipantsEvent struct {
	ThreadID     string
	Participants []Participant
	// By is who did it; nil when the service did.
	By common.Identifier
	On time.Time
}

// TypingEvent tells that somebody writes.
type TypingEvent struct {
	ThreadID string
	Sender   common.Identifier
	// SenderDisplayName may be empty.
	SenderDisplayName string
	On                time.Time
}

// ReadReceiptEvent tells up to where somebody has read.
type ReadReceiptEvent struct {
	ThreadID string
	Receipt  ReadReceipt
}

// ThreadState is where a thread stands for the user.
type ThreadState struct {
	ThreadID, Topic string
	// LastRead is the id of the last message that the user has read; empty for
	// none.
	LastRead string
	// Unread counts the messages of others after it. The service counts up to
	// 1000 when it has to count.
	Unread int
	// Gone says that the user is in the thread no more, or that it was deleted.
	Gone bool
}

// ConnectionState tells whether a Realtime has a connection.
type ConnectionState string

// States of a connection.
const (
	// ConnectionSynced: everything that happened so far was told.
	ConnectionSynced ConnectionState = "synced"
	// ConnectionReconnecting: the connection is lost; what happens meanwhile is
	// told later.
	ConnectionReconnecting ConnectionState = "reconnecting"
	// ConnectionClosed: the service sent the user away. The last state; it is not
	// told after Close.
	ConnectionClosed ConnectionState = "closed"
)

// PossibleConnectionStateValues returns all states.
func PossibleConnectionStateValues() []ConnectionState {
	return []ConnectionState{ConnectionSynced, ConnectionReconnecting, ConnectionClosed}
}

// ConnectionEvent tells about the connection.
type ConnectionEvent struct {
	State ConnectionState
	// Err says why, with ConnectionReconnecting and ConnectionClosed.
	Err error
}

// Position is up to where events were handled, by thread. An application may
// keep it, as JSON for example, and go on from there after a restart.
type Position map[string]ThreadPosition

// ThreadPosition is up to where the events of a thread were handled.
type ThreadPosition struct {
	Change   uint64 `json:"change"`
	LastRead uint64 `json:"lastRead,omitempty"`
	Unread   int    `json:"unread,omitempty"`
	Topic    string `json:"topic,omitempty"`
}
