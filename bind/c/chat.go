package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

//export parley_chat_new
func parley_chat_new(client, credential C.parley_handle, from C.in_chat_options, callbacks C.in_chat_callbacks, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := takeCallbacks(unsafe.Pointer(callbacks), C.sizeof_parley_chat_callbacks)
		if err != nil {
			return 0, err
		}
		chat, err := newChat(client, credential, from, c)
		if err != nil {
			c.drop()
			return 0, err
		}
		return add(chat, (*mobile.ChatClient).Close, c, client)
	})
}

func newChat(client, credential C.parley_handle, from C.in_chat_options, c *callbacks) (*mobile.ChatClient, error) {
	owner, err := find[*mobile.Client](client)
	if err != nil {
		return nil, err
	}
	cred, err := find[*mobile.Credential](credential)
	if err != nil {
		return nil, err
	}
	given, err := options[C.parley_chat_options](from)
	if err != nil {
		return nil, err
	}
	var t texts
	o := &mobile.ChatOptions{DisplayName: t.read(given.display_name), DeviceID: t.read(given.device_id), Position: t.read(given.position)}
	if t.err != nil {
		return nil, t.err
	}
	if c.isNil() {
		return owner.NewChatClient(cred, o, nil, nil)
	}
	l := &chatListener{callbacks: c}
	return owner.NewChatClient(cred, o, l, l)
}

//export parley_chat_start
func parley_chat_start(chat C.parley_handle) C.int32_t { return do(chat, (*mobile.ChatClient).Start) }

//export parley_chat_shutdown
func parley_chat_shutdown(chat C.parley_handle) C.int32_t {
	return do(chat, (*mobile.ChatClient).Shutdown)
}

//export parley_chat_position
func parley_chat_position(chat C.parley_handle, position **C.char) C.int32_t {
	return reply(chat, position, func(c *mobile.ChatClient) (string, error) { return c.Position(), nil })
}

// maxPairs bounds lists that a program gives.
const maxPairs = 1000

// pairsOf reads a list of names and values.
func pairsOf(list C.in_pairs, count C.size_t) ([][2]string, error) {
	if count > maxPairs || list == nil && count > 0 {
		return nil, invalid("no list, or one of more than %d", maxPairs)
	}
	var t texts
	var out [][2]string
	for _, p := range unsafe.Slice((*C.parley_pair)(unsafe.Pointer(list)), int(count)) {
		out = append(out, [2]string{t.read(p.name), t.read(p.value)})
	}
	return out, t.err
}

//export parley_chat_create_thread
func parley_chat_create_thread(chat C.parley_handle, topic C.in_text, members C.in_pairs, count C.size_t, from C.in_thread_options, visit C.parley_member_visitor, user unsafe.Pointer, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := find[*mobile.ChatClient](chat)
		if err != nil {
			return 0, err
		}
		about, err := read(topic)
		if err != nil {
			return 0, err
		}
		o, err := threadOptions(members, count, from)
		if err != nil {
			return 0, err
		}
		thread, err := c.CreateThread(about, o)
		if err != nil {
			return 0, err
		}
		refusedOnes := thread.InvalidParticipants()
		for i := range refusedOnes.Len() {
			p := refusedOnes.At(i)
			if visit == nil || !visitMember(visit, user, func(a *arena) *C.parley_chat_participant {
				m := a.member(thread.ID(), &mobile.ChatParticipant{UserID: p.UserID})
				m.refused_code, m.refused = a.text(p.Code), a.text(p.Message)
				return m
			}) {
				break
			}
		}
		return add(thread, nil, nil, chat)
	})
}

// threadOptions reads who is in a thread to make, and what goes with it.
func threadOptions(members C.in_pairs, count C.size_t, from C.in_thread_options) (*mobile.ChatThreadOptions, error) {
	list, err := pairsOf(members, count)
	if err != nil {
		return nil, err
	}
	o := mobile.NewChatThreadOptions()
	for _, member := range list {
		if err := o.AddParticipant(member[0], member[1]); err != nil {
			return nil, err
		}
	}
	given, err := options[C.parley_thread_options](from)
	if err != nil {
		return nil, err
	}
	metadata, err := metadataOf(given.metadata, given.metadata_count)
	if err != nil {
		return nil, err
	}
	o.SetMetadata(metadata)
	return o, nil
}

// metadataOf reads an application's names and values.
func metadataOf(list C.in_pairs, count C.size_t) (*mobile.Metadata, error) {
	pairs, err := pairsOf(list, count)
	if err != nil {
		return nil, err
	}
	m := mobile.NewMetadata()
	for _, pair := range pairs {
		m.Set(pair[0], pair[1])
	}
	return m, nil
}

// visitMember tells whether the visitor wants more.
func visitMember(visit C.parley_member_visitor, user unsafe.Pointer, fill func(a *arena) *C.parley_chat_participant) bool {
	var a arena
	defer a.free()
	return C.bridge_visit_member(visit, user, fill(&a)) == 0
}

// visitThread tells whether the visitor wants more.
func visitThread(visit C.parley_thread_visitor, user unsafe.Pointer, fill func(a *arena) *C.parley_chat_thread_info) bool {
	var a arena
	defer a.free()
	return C.bridge_visit_thread(visit, user, fill(&a)) == 0
}

//export parley_chat_thread
func parley_chat_thread(chat C.parley_handle, id C.in_text, out *C.parley_handle) C.int32_t {
	return create(out, func() (C.parley_handle, error) {
		c, err := find[*mobile.ChatClient](chat)
		if err != nil {
			return 0, err
		}
		which, err := read(id)
		if err != nil {
			return 0, err
		}
		thread, err := c.Thread(which)
		if err != nil {
			return 0, err
		}
		return add(thread, nil, nil, chat)
	})
}

//export parley_chat_delete_thread
func parley_chat_delete_thread(chat C.parley_handle, id C.in_text) C.int32_t {
	return withText(chat, id, (*mobile.ChatClient).DeleteThread)
}

// withText is do for operations that take a text.
func withText[T any](h C.parley_handle, s C.in_text, operation func(T, string) error) C.int32_t {
	return do(h, func(it T) error {
		given, err := read(s)
		if err != nil {
			return err
		}
		return operation(it, given)
	})
}

// withTexts is do for operations that take two.
func withTexts[T any](h C.parley_handle, first, second C.in_text, operation func(T, string, string) error) C.int32_t {
	return do(h, func(it T) error {
		var t texts
		one, two := t.read(first), t.read(second)
		if t.err != nil {
			return t.err
		}
		return operation(it, one, two)
	})
}

// each goes over a pager until its end or until the visitor has enough.
func each[T any](visitor bool, next func() (*T, error), visit func(*T) bool) error {
	if !visitor {
		return invalid("no visitor")
	}
	for {
		entry, err := next()
		if err != nil || entry == nil || !visit(entry) {
			return err
		}
	}
}

//export parley_chat_threads
func parley_chat_threads(chat C.parley_handle, visit C.parley_thread_visitor, user unsafe.Pointer) C.int32_t {
	return do(chat, func(c *mobile.ChatClient) error {
		return each(visit != nil, c.Threads().Next, func(item *mobile.ChatThreadItem) bool {
			return visitThread(visit, user, func(a *arena) *C.parley_chat_thread_info {
				t := a.thread(item.ID, item.Topic)
				t.last_message_on = C.int64_t(item.LastMessageReceivedOn)
				return t
			})
		})
	})
}

//export parley_chat_thread_states
func parley_chat_thread_states(chat C.parley_handle, visit C.parley_thread_visitor, user unsafe.Pointer) C.int32_t {
	return do(chat, func(c *mobile.ChatClient) error {
		list, i := c.ThreadStates(), int32(-1)
		return each(visit != nil, func() (*mobile.ChatThreadState, error) {
			i++
			return list.At(i), nil
		}, func(s *mobile.ChatThreadState) bool {
			return visitThread(visit, user, func(a *arena) *C.parley_chat_thread_info { return a.state(s) })
		})
	})
}

//export parley_chat_thread_state
func parley_chat_thread_state(chat C.parley_handle, id C.in_text, visit C.parley_thread_visitor, user unsafe.Pointer) C.int32_t {
	return withText(chat, id, func(c *mobile.ChatClient, which string) error {
		if visit == nil {
			return invalid("no visitor")
		}
		s := c.ThreadState(which)
		if s == nil {
			return &refused{code: mobile.ErrorCodeNotFound, message: "nothing was told of this thread"}
		}
		visitThread(visit, user, func(a *arena) *C.parley_chat_thread_info { return a.state(s) })
		return nil
	})
}
