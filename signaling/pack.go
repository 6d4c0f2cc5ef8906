package signaling

import "github.com/parley-rtc/parley/signaling/signalpb"

// packMessage returns a copy of a message as it goes over the wire.
func packMessage(m *Message) *Message {
	wire := &signalpb.Message{CallId: m.GetCallId(), Body: m.GetBody()}
	wire.ProtoReflect().SetUnknown(m.ProtoReflect().GetUnknown())
	return wire
}

// unpackMessage undoes packMessage, in place.
func unpackMessage(*Message) error { return nil }
