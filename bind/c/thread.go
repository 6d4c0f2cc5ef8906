package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

//export parley_thread_id
func parley_thread_id(thread C.parley_handle, id **C.char) C.int32_t {
	return reply(thread, id, func(t *mobile.ChatThread) (string, error) { return t.ID(), nil })
}

//export parley_thread_properties
func parley_thread_properties(thread C.parley_handle, visit C.parley_thread_visitor, user unsafe.Pointer) C.int32_t {
	return do(thread, func(t *mobile.ChatThread) error {
		if visit == nil {
			return invalid("no visitor")
		}
		p, err := t.Properties()
		if err != nil {
			return err
		}
		visitThread(visit, user, func(a *arena) *C.parley_chat_thread_info {
			out := a.thread(t.ID(), p.Topic)
			out.by, out.created_on = a.text(p.CreatedBy), C.int64_t(p.CreatedOn)
			out.metadata, out.metadata_count = a.pairs(p.Metadata())
			return out
		})
		return nil
	})
}

//export parley_thread_set_topic
func parley_thread_set_topic(thread C.parley_handle, topic C.in_text) C.int32_t {
	return withText(thread, topic, (*mobile.ChatThread).SetTopic)
}

// messageOptions reads the options of a message, which may have files or not.
func messageOptions(from C.in_message_options, files bool) (*mobile.ChatMessageOptions, error) {
	given, err := options[C.parley_message_options](from)
	if err != nil {
		return nil, err
	}
	metadata, err := metadataOf(given.metadata, given.metadata_count)
	if err != nil {
		return nil, err
	}
	var t texts
	o := &mobile.ChatMessageOptions{
		HTML: given.html != 0, SenderDisplayName: t.read(given.sender_display_name), ClientID: t.read(given.client_id), Metadata: metadata,
	}
	if !files && given.attachment_count > 0 {
		return nil, invalid("an outbox takes no attachments")
	}
	if given.attachment_count > maxPairs || given.attachments == nil && given.attachment_count > 0 {
		return nil, invalid("no attachments, or more than %d", maxPairs)
	}
	for _, a := range unsafe.Slice((*C.parley_attachment)(unsafe.Pointer(given.attachments)), int(given.attachment_count)) {
		o.AddAttachment(&mobile.ChatAttachment{ID: t.read(a.id), Name: t.read(a.name), Image: a.image != 0})
	}
	return o, t.err
}

//export parley_thread_send
func parley_thread_send(thread C.parley_handle, content C.in_text, from C.in_message_options, id **C.char) C.int32_t {
	repeated := false
	code := reply(thread, id, func(t *mobile.ChatThread) (string, error) {
		o, err := messageOptions(from, true)
		if err != nil {
			return "", err
		}
		what, err := read(content)
		if err != nil {
			return "", err
		}
		sent, err := t.SendMessage(what, o)
		if err != nil {
			return "", err
		}
		repeated = sent.Repeated
		return sent.ID, nil
	})
	if code == C.PARLEY_OK {
		return number(repeated)
	}
	return code
}

//export parley_thread_edit
func parley_thread_edit(thread C.parley_handle, message, content C.in_text) C.int32_t {
	return withTexts(thread, message, content, (*mobile.ChatThread).EditMessage)
}

//export parley_thread_delete
func parley_thread_delete(thread C.parley_handle, message C.in_text) C.int32_t {
	return withText(thread, message, (*mobile.ChatThread).DeleteMessage)
}

// visitMessage tells whether the visitor wants more.
func visitMessage(visit C.parley_message_visitor, user unsafe.Pointer, thread string, m *mobile.ChatMessage) bool {
	var a arena
	defer a.free()
	return C.bridge_visit_message(visit, user, a.message(thread, m, "")) == 0
}

//export parley_thread_message
func parley_thread_message(thread C.parley_handle, message C.in_text, visit C.parley_message_visitor, user unsafe.Pointer) C.int32_t {
	return withText(thread, message, func(t *mobile.ChatThread, id string) error {
		if visit == nil {
			return invalid("no visitor")
		}
		m, err := t.Message(id)
		if err == nil {
			visitMessage(visit, user, t.ID(), m)
		}
		return err
	})
}

//export parley_thread_messages
func parley_thread_messages(thread C.parley_handle, visit C.parley_message_visitor, user unsafe.Pointer) C.int32_t {
	return do(thread, func(t *mobile.ChatThread) error {
		return each(visit != nil, t.Messages().Next, func(m *mobile.ChatMessage) bool { return visitMessage(visit, user, t.ID(), m) })
	})
}

//export parley_thread_add_member
func parley_thread_add_member(thread C.parley_handle, id, name C.in_text) C.int32_t {
	return withTexts(thread, id, name, (*mobile.ChatThread).AddParticipant)
}

//export parley_thread_remove_member
func parley_thread_remove_member(thread C.parley_handle, id C.in_text) C.int32_t {
	return withText(thread, id, (*mobile.ChatThread).RemoveParticipant)
}

//export parley_thread_members
func parley_thread_members(thread C.parley_handle, visit C.parley_member_visitor, user unsafe.Pointer) C.int32_t {
	return do(thread, func(t *mobile.ChatThread) error {
		return each(visit != nil, t.Participants().Next, func(p *mobile.ChatParticipant) bool {
			return visitMember(visit, user, func(a *arena) *C.parley_chat_participant { return a.member(t.ID(), p) })
		})
	})
}

//export parley_thread_typing
func parley_thread_typing(thread C.parley_handle) C.int32_t {
	return do(thread, (*mobile.ChatThread).SendTyping)
}

//export parley_thread_read
func parley_thread_read(thread C.parley_handle, message C.in_text) C.int32_t {
	return withText(thread, message, (*mobile.ChatThread).SendReadReceipt)
}

//export parley_thread_receipts
func parley_thread_receipts(thread C.parley_handle, visit C.parley_receipt_visitor, user unsafe.Pointer) C.int32_t {
	return do(thread, func(t *mobile.ChatThread) error {
		return each(visit != nil, t.ReadReceipts().Next, func(r *mobile.ChatReadReceipt) bool {
			var a arena
			defer a.free()
			return C.bridge_visit_receipt(visit, user, a.receipt(t.ID(), r)) == 0
		})
	})
}

//export parley_thread_upload_image
func parley_thread_upload_image(thread C.parley_handle, image C.in_data, size C.size_t, name C.in_text, id **C.char) C.int32_t {
	return reply(thread, id, func(t *mobile.ChatThread) (string, error) {
		data, err := memoryOf(unsafe.Pointer(image), size)
		if err != nil {
			return "", err
		}
		file, err := read(name)
		if err != nil {
			return "", err
		}
		a, err := t.UploadImage(data, file)
		if err != nil {
			return "", err
		}
		return a.ID, nil
	})
}

//export parley_thread_image
func parley_thread_image(thread C.parley_handle, id C.in_text, preview C.int32_t, image *unsafe.Pointer, size *C.size_t) C.int32_t {
	return withText(thread, id, func(t *mobile.ChatThread, which string) error {
		if image == nil || size == nil {
			return invalid("no place for the image")
		}
		*image, *size = nil, 0
		data, err := t.Image(which, preview != 0)
		if err == nil {
			*image, *size = C.CBytes(data), C.size_t(len(data))
		}
		return err
	})
}

// outboxListener tells a program what became of messages.
type outboxListener struct{ callbacks *callbacks }

// OnSent implements mobile.OutboxListener.
func (l *outboxListener) OnSent(message *mobile.OutboxMessage, id string) {
	var a arena
	defer a.free()
	m, text := a.outboxMessage(message), a.text(id)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_outbox_sent(memory, m, text) })
}

// OnSendFailed implements mobile.OutboxListener.
func (l *outboxListener) OnSendFailed(message *mobile.OutboxMessage, failure *mobile.Failure) {
	var a arena
	defer a.free()
	m, e := a.outboxMessage(message), errorOf(failure)
	l.callbacks.call(func(memory unsafe.Pointer) { C.bridge_outbox_failed(memory, m, e) })
}

//export parley_outbox_open
func parley_outbox_open(chat C.parley_handle, path C.in_text, callbacks C.in_outbox_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		owner, err := find[*mobile.ChatClient](chat)
		if err != nil {
			return 0, err
		}
		file, err := read(path)
		if err != nil {
			return 0, err
		}
		c, err := takeCallbacks(unsafe.Pointer(callbacks), C.sizeof_parley_outbox_callbacks)
		if err != nil {
			return 0, err
		}
		var listener mobile.OutboxListener
		if !c.isNil() {
			listener = &outboxListener{callbacks: c}
		}
		outbox, err := owner.OpenOutbox(file, listener)
		if err != nil {
			c.drop()
			return 0, err
		}
		return add(outbox, (*mobile.Outbox).Close, c, chat)
	})
}

//export parley_outbox_add
func parley_outbox_add(outbox C.parley_handle, thread, content C.in_text, from C.in_message_options, client **C.char) C.int32_t {
	return reply(outbox, client, func(o *mobile.Outbox) (string, error) {
		given, err := messageOptions(from, false)
		if err != nil {
			return "", err
		}
		var t texts
		to, what := t.read(thread), t.read(content)
		if t.err != nil {
			return "", t.err
		}
		m, err := o.Add(to, what, given)
		if err != nil {
			return "", err
		}
		return m.ClientID, nil
	})
}

//export parley_outbox_remove
func parley_outbox_remove(outbox C.parley_handle, client C.in_text) C.int32_t {
	return withText(outbox, client, (*mobile.Outbox).Remove)
}

//export parley_outbox_waiting
func parley_outbox_waiting(outbox C.parley_handle, visit C.parley_outbox_visitor, user unsafe.Pointer) C.int32_t {
	return do(outbox, func(o *mobile.Outbox) error {
		list, i := o.Waiting(), int32(-1)
		return each(visit != nil, func() (*mobile.OutboxMessage, error) {
			i++
			return list.At(i), nil
		}, func(m *mobile.OutboxMessage) bool {
			var a arena
			defer a.free()
			return C.bridge_visit_outbox(visit, user, a.outboxMessage(m)) == 0
		})
	})
}

//export parley_outbox_retry
func parley_outbox_retry(outbox C.parley_handle) C.int32_t {
	return do(outbox, func(o *mobile.Outbox) error {
		o.Retry()
		return nil
	})
}
