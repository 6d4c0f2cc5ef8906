package mobile

import (
	"github.com/parley-rtc/parley/rest/chat"
)

// What happened to a message or a thread.
const (
	// ChatChangeCreated is new.
	ChatChangeCreated int32 = 1
	// ChatChangeUpdated was changed.
	ChatChangeUpdated int32 = 2
	// ChatChangeDeleted was deleted.
	ChatChangeDeleted int32 = 3
)

// The states of the connection for events.
const (
	// ChatConnectionSynced means that everything that happened so far was told.
	ChatConnectionSynced int32 = 1
	// ChatConnectionReconnecting means that the connection is lost; what happens
	// meanwhile is told later.
	ChatConnectionReconnecting int32 = 2
	// ChatConnectionClosed means that the service sent the user away. Final.
	ChatConnectionClosed int32 = 3
)

// ChatListener hears what happens in the user's threads, each thing once and in
// order, on one thread of the library. Its methods may call any method but
// Shutdown. An event counts as told when the method has returned, see
// ChatClient.Position.
type ChatListener interface {
	// OnMessage is called for each message that came, was edited or deleted, the
	// user's own included; change is one of the ChatChange constants.
	OnMessage(event *ChatMessageEvent, change int32)
	// OnThread is called when a thread was made, changed or deleted.
	OnThread(event *ChatThreadEvent, change int32)
	// OnParticipants is called when members came, or went (joined is false).
	OnParticipants(event *ChatParticipantsEvent, joined bool)
	// OnTyping is called when somebody else writes.
	OnTyping(event *ChatTypingEvent)
	// OnReadReceipt is called when somebody has read, perhaps the user at another
	// device.
	OnReadReceipt(threadID string, receipt *ChatReadReceipt)
}

// ChatStateListener hears where threads and the connection stand, on the thread
// of the ChatListener.
type ChatStateListener interface {
	// OnThreadState is called when another number of messages is unread, and when
	// the user came into a thread or left it.
	OnThreadState(state *ChatThreadState)
	// OnChatConnectionChanged is called with one of the ChatConnection constants;
	// failure says why, or is nothing.
	OnChatConnectionChanged(state int32, failure *Failure)
}

// ChatMessageEvent is a message that came, was edited or deleted.
type ChatMessageEvent struct {
	ThreadID string
	// Message is the message as it is now.
	Message *ChatMessage
	// ClientID is the id that its sender gave it; empty without one.
	ClientID string
}

// ChatThreadEvent is a thread that was made, changed or deleted.
type ChatThreadEvent struct {
	ThreadID string
	Topic    string
	// By is the raw id of who did it; empty when the service did.
	By string

	metadata     map[string]string
	participants []chat.Participant
}

// Metadata returns the names and values of the application.
func (e *ChatThreadEvent) Metadata() *Metadata {
	defer quiet()
	return metadataOf(e.metadata)
}

// Participants returns all members of a thread that was made.
func (e *ChatThreadEvent) Participants() *ChatParticipantList {
	defer quiet()
	return participantList(e.participants)
}

// ChatParticipantsEvent tells who came or went.
type ChatParticipantsEvent struct {
	ThreadID string
	// By is the raw id of who did it; empty when the service did.
	By string

	participants []chat.Participant
}

// Participants returns who came or went.
func (e *ChatParticipantsEvent) Participants() *ChatParticipantList {
	defer quiet()
	return participantList(e.participants)
}

// ChatTypingEvent tells that somebody writes.
type ChatTypingEvent struct {
	ThreadID string
	// SenderID is the raw id, SenderDisplayName may be empty.
	SenderID          string
	SenderDisplayName string
}

// ChatThreadState is where a thread stands for the user.
type ChatThreadState struct {
	ThreadID string
	Topic    string
	// LastRead is the id of the last message that the user has read, or nothing.
	LastRead string
	// Unread counts the messages of others after it.
	Unread int32
	// Gone says that the user is in the thread no more, or that it was deleted.
	Gone bool
}

func threadState(s chat.ThreadState) *ChatThreadState {
	return &ChatThreadState{ThreadID: s.ThreadID, Topic: s.Topic, LastRead: s.LastRead, Unread: int32(min(s.Unread, 1<<30)), Gone: s.Gone}
}

// ThreadState returns where a thread stands, as far as it was told; nothing for
// one that the user is not in, and before Start.
func (c *ChatClient) ThreadState(id string) *ChatThreadState {
	defer quiet()
	state, ok := c.realtime.Thread(id)
	if !ok {
		return nil
	}
	return threadState(state)
}

// ChatThreadStateList is a list of states as it was when it was asked for.
type ChatThreadStateList struct{ states []*ChatThreadState }

// Len returns how many there are.
func (l *ChatThreadStateList) Len() int32 {
	defer quiet()
	return int32(len(l.states))
}

// At returns one of them, from 0 on; nothing outside the list.
func (l *ChatThreadStateList) At(i int32) *ChatThreadState {
	defer quiet()
	return at(l.states, i)
}

// ThreadStates returns where the user's threads stand, as far as it was told.
func (c *ChatClient) ThreadStates() *ChatThreadStateList {
	defer quiet()
	list := &ChatThreadStateList{}
	for _, s := range c.realtime.Threads() {
		list.states = append(list.states, threadState(s))
	}
	return list
}

// events are the handlers of the connection.
func (c *ChatClient) events() chat.RealtimeEvents {
	message := func(change int32) func(chat.MessageEvent) {
		return func(e chat.MessageEvent) {
			event := &ChatMessageEvent{ThreadID: e.ThreadID, Message: chatMessage(e.Message), ClientID: e.ClientID}
			c.tell(func(l ChatListener) { l.OnMessage(event, change) })
		}
	}
	thread := func(change int32) func(chat.ThreadEvent) {
		return func(e chat.ThreadEvent) {
			event := &ChatThreadEvent{
				ThreadID: text(e.Thread.ID), Topic: text(e.Thread.Topic), By: rawID(e.By), metadata: e.Thread.Metadata, participants: e.Participants,
			}
			c.tell(func(l ChatListener) { l.OnThread(event, change) })
		}
	}
	participants := func(joined bool) func(chat.ParticipantsEvent) {
		return func(e chat.ParticipantsEvent) {
			event := &ChatParticipantsEvent{ThreadID: e.ThreadID, By: rawID(e.By), participants: e.Participants}
			c.tell(func(l ChatListener) { l.OnParticipants(event, joined) })
		}
	}
	return chat.RealtimeEvents{
		MessageReceived: message(ChatChangeCreated), MessageEdited: message(ChatChangeUpdated), MessageDeleted: message(ChatChangeDeleted),
		ThreadCreated: thread(ChatChangeCreated), ThreadUpdated: thread(ChatChangeUpdated), ThreadDeleted: thread(ChatChangeDeleted),
		ParticipantsAdded: participants(true), ParticipantsRemoved: participants(false),
		TypingReceived: func(e chat.TypingEvent) {
			event := &ChatTypingEvent{ThreadID: e.ThreadID, SenderID: rawID(e.Sender), SenderDisplayName: e.SenderDisplayName}
			c.tell(func(l ChatListener) { l.OnTyping(event) })
		},
		ReadReceiptReceived: func(e chat.ReadReceiptEvent) {
			receipt := chatReceipt(e.Receipt)
			c.tell(func(l ChatListener) { l.OnReadReceipt(e.ThreadID, receipt) })
		},
		ThreadChanged: func(e chat.ThreadState) {
			state := threadState(e)
			c.tellState(func(l ChatStateListener) { l.OnThreadState(state) })
		},
		ConnectionChanged: func(e chat.ConnectionEvent) {
			state := ChatConnectionSynced
			switch e.State {
			case chat.ConnectionSynced:
			case chat.ConnectionReconnecting:
				state = ChatConnectionReconnecting
			case chat.ConnectionClosed:
				state = ChatConnectionClosed
			}
			failure := FailureOf(e.Err)
			c.tellState(func(l ChatStateListener) { l.OnChatConnectionChanged(state, failure) })
		},
	}
}

func (c *ChatClient) tell(event func(ChatListener)) {
	if l, ok := c.listener.get(); ok {
		c.client.scope.call(func() { event(l) })
	}
}

func (c *ChatClient) tellState(event func(ChatStateListener)) {
	if l, ok := c.states.get(); ok {
		c.client.scope.call(func() { event(l) })
	}
}
