package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

// chatListener tells a program what happens in a user's threads.
type chatListener struct{ callbacks *callbacks }

// OnMessage implements mobile.ChatListener.
func (l *chatListener) OnMessage(event *mobile.ChatMessageEvent, change int32) {
	var a arena
	defer a.free()
	m := a.message(event.ThreadID, event.Message, event.ClientID)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_message(memory, m, C.int32_t(change)) })
}

// OnThread implements mobile.ChatListener.
func (l *chatListener) OnThread(event *mobile.ChatThreadEvent, change int32) {
	var a arena
	defer a.free()
	t := a.thread(event.ThreadID, event.Topic)
	t.by = a.text(event.By)
	t.metadata, t.metadata_count = a.pairs(event.Metadata())
	t.participants, t.participant_count = a.participants(event.Participants())
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_thread(memory, t, C.int32_t(change)) })
}

// OnParticipants implements mobile.ChatListener.
func (l *chatListener) OnParticipants(event *mobile.ChatParticipantsEvent, joined bool) {
	list := event.Participants()
	for i := range list.Len() {
		var a arena
		p := a.member(event.ThreadID, list.At(i))
		p.by = a.text(event.By)
		l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_member(memory, p, number(joined)) })
		a.free()
	}
}

// OnTyping implements mobile.ChatListener.
func (l *chatListener) OnTyping(event *mobile.ChatTypingEvent) {
	var a arena
	defer a.free()
	thread, sender, name := a.text(event.ThreadID), a.text(event.SenderID), a.text(event.SenderDisplayName)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_typing(memory, thread, sender, name) })
}

// OnReadReceipt implements mobile.ChatListener.
func (l *chatListener) OnReadReceipt(threadID string, receipt *mobile.ChatReadReceipt) {
	var a arena
	defer a.free()
	r := a.receipt(threadID, receipt)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_receipt(memory, r) })
}

// OnThreadState implements mobile.ChatStateListener.
func (l *chatListener) OnThreadState(state *mobile.ChatThreadState) {
	var a arena
	defer a.free()
	t := a.state(state)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_state(memory, t) })
}

// OnChatConnectionChanged implements mobile.ChatStateListener.
func (l *chatListener) OnChatConnectionChanged(state int32, failure *mobile.Failure) {
	e := errorOf(failure)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_chat_connection(memory, C.int32_t(state), e) })
}

func (a *arena) message(thread string, m *mobile.ChatMessage, client string) *C.parley_chat_message {
	out := &C.parley_chat_message{
		size: C.sizeof_parley_chat_message, _type: C.int32_t(m.Type), thread_id: a.text(thread), id: a.text(m.ID), version: a.text(m.Version),
		sequence: a.text(m.Sequence), content: a.text(m.Content), sender_id: a.text(m.SenderID),
		sender_display_name: a.text(m.SenderDisplayName), client_id: a.text(client),
		created_on: C.int64_t(m.CreatedOn), edited_on: C.int64_t(m.EditedOn), deleted_on: C.int64_t(m.DeletedOn),
	}
	out.metadata, out.metadata_count = a.pairs(m.Metadata())
	out.attachments, out.attachment_count = a.attachments(m.Attachments())
	out.participants, out.participant_count = a.participants(m.Participants())
	return out
}

// list makes room in C's memory for n of something; nil for none.
func list[T any](a *arena, n int) []T {
	if n == 0 {
		return nil
	}
	var one T
	memory := C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof(one)))
	a.held = append(a.held, memory)
	return unsafe.Slice((*T)(memory), n)
}

func (a *arena) attachments(from *mobile.ChatAttachmentList) (*C.parley_attachment, C.size_t) {
	to := list[C.parley_attachment](a, int(from.Len()))
	for i := range to {
		f := from.At(int32(i))
		to[i].id, to[i].name, to[i].image = a.text(f.ID), a.text(f.Name), number(f.Image)
	}
	return unsafe.SliceData(to), C.size_t(len(to))
}

func (a *arena) participants(from *mobile.ChatParticipantList) (*C.parley_pair, C.size_t) {
	to := list[C.parley_pair](a, int(from.Len()))
	for i := range to {
		p := from.At(int32(i))
		to[i].name, to[i].value = a.text(p.UserID), a.text(p.DisplayName)
	}
	return unsafe.SliceData(to), C.size_t(len(to))
}

// thread returns a thread whose other texts are empty.
func (a *arena) thread(id, topic string) *C.parley_chat_thread_info {
	none := a.text("")
	return &C.parley_chat_thread_info{
		size: C.sizeof_parley_chat_thread_info, id: a.text(id), topic: a.text(topic), by: none, last_read: none,
	}
}

func (a *arena) state(s *mobile.ChatThreadState) *C.parley_chat_thread_info {
	t := a.thread(s.ThreadID, s.Topic)
	t.unread, t.gone, t.last_read = C.int32_t(s.Unread), number(s.Gone), a.text(s.LastRead)
	return t
}

// member returns a member whose other texts are empty.
func (a *arena) member(thread string, p *mobile.ChatParticipant) *C.parley_chat_participant {
	none := a.text("")
	return &C.parley_chat_participant{
		size: C.sizeof_parley_chat_participant, thread_id: a.text(thread), id: a.text(p.UserID),
		display_name: a.text(p.DisplayName), share_history_on: C.int64_t(p.ShareHistoryOn), by: none, refused_code: none, refused: none,
	}
}

func (a *arena) receipt(thread string, r *mobile.ChatReadReceipt) *C.parley_read_receipt {
	return &C.parley_read_receipt{
		size: C.sizeof_parley_read_receipt, thread_id: a.text(thread), sender_id: a.text(r.SenderID),
		message_id: a.text(r.MessageID), read_on: C.int64_t(r.ReadOn),
	}
}

func (a *arena) outboxMessage(m *mobile.OutboxMessage) *C.parley_outbox_message {
	return &C.parley_outbox_message{
		size: C.sizeof_parley_outbox_message, html: number(m.HTML), client_id: a.text(m.ClientID), thread_id: a.text(m.ThreadID),
		content: a.text(m.Content), added_on: C.int64_t(m.AddedOn),
	}
}
