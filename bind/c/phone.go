package main

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/parley-rtc/parley/bind/mobile"
)

// hint tells a client what the system says.
func hint(client C.parley_handle, tell func(*mobile.Client)) C.int32_t {
	return do(client, func(c *mobile.Client) error {
		tell(c)
		return nil
	})
}

//export parley_client_network_changed
func parley_client_network_changed(client C.parley_handle) C.int32_t {
	return hint(client, (*mobile.Client).NetworkChanged)
}

//export parley_client_enter_background
func parley_client_enter_background(client C.parley_handle) C.int32_t {
	return hint(client, (*mobile.Client).EnterBackground)
}

//export parley_client_enter_foreground
func parley_client_enter_foreground(client C.parley_handle) C.int32_t {
	return hint(client, (*mobile.Client).EnterForeground)
}

//export parley_client_low_memory
func parley_client_low_memory(client C.parley_handle) C.int32_t {
	return hint(client, (*mobile.Client).LowMemory)
}

//export parley_push_parse
func parley_push_parse(payload C.in_text, visit C.parley_push_visitor, user unsafe.Pointer) C.int32_t {
	return result(func() error {
		if visit == nil {
			return invalid("no visitor")
		}
		given, err := read(payload)
		if err != nil {
			return err
		}
		p, err := mobile.ParsePush(given)
		if err != nil {
			return err
		}
		var a arena
		defer a.free()
		C.bridge_visit_push(visit, user, &C.parley_push{
			size: C.sizeof_parley_push, kind: C.int32_t(p.Kind), video: number(p.Video), call_id: a.text(p.CallID), from_id: a.text(p.FromID),
			display_name: a.text(p.DisplayName), thread_id: a.text(p.ThreadID), message_id: a.text(p.MessageID),
			sender_id: a.text(p.SenderID), sender_display_name: a.text(p.SenderDisplayName), text: a.text(p.Text),
		})
		return nil
	})
}

//export parley_push_register
func parley_push_register(client, credential C.parley_handle, device C.in_push_device) C.int32_t {
	return do(client, func(c *mobile.Client) error {
		user, err := find[*mobile.Credential](credential)
		if err != nil {
			return err
		}
		given, err := options[C.parley_push_device](device)
		if err != nil {
			return err
		}
		var t texts
		d := &mobile.PushDevice{
			ID: t.read(given.id), Platform: int32(given.platform), Token: t.read(given.token), VoIPToken: t.read(given.voip_token),
			Sandbox: given.sandbox != 0,
		}
		if t.err != nil {
			return t.err
		}
		return c.RegisterPush(user, d)
	})
}

//export parley_push_unregister
func parley_push_unregister(client, credential C.parley_handle, id C.in_text) C.int32_t {
	return withText(client, id, func(c *mobile.Client, device string) error {
		user, err := find[*mobile.Credential](credential)
		if err != nil {
			return err
		}
		return c.UnregisterPush(user, device)
	})
}
