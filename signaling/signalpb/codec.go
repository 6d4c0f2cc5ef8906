// Package signalpb is the messages between an agent and the service, as
// signal.proto describes them. They hold what protoc-gen-go's would, without
// descriptors and reflection (docs/decisions/0006-messages-without-reflection.md).
package signalpb

import (
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is what Unmarshal fails with when the bytes are no message.
var ErrMalformed = errors.New("signalpb: malformed message")

// ErrText is what Marshal and Unmarshal fail with when a text is not UTF-8.
var ErrText = errors.New("signalpb: text is not UTF-8")

// writer collects an encoded message. Each method leaves out a field whose
// value is the zero value.
type writer struct {
	data    []byte
	badText bool
}

func (w *writer) result() ([]byte, error) {
	if w.badText {
		return nil, ErrText
	}
	return w.data, nil
}

func (w *writer) varint(n protowire.Number, v uint64) {
	if v != 0 {
		w.data = protowire.AppendTag(w.data, n, protowire.VarintType)
		w.data = protowire.AppendVarint(w.data, v)
	}
}

func (w *writer) fixed32(n protowire.Number, v uint32) {
	if v != 0 {
		w.data = protowire.AppendTag(w.data, n, protowire.Fixed32Type)
		w.data = protowire.AppendFixed32(w.data, v)
	}
}

func (w *writer) boolean(n protowire.Number, v bool) { w.varint(n, protowire.EncodeBool(v)) }

func (w *writer) text(n protowire.Number, v string) {
	if v != "" {
		w.someText(n, v)
	}
}

// someText writes a text that may be empty.
func (w *writer) someText(n protowire.Number, v string) {
	w.badText = w.badText || !utf8.ValidString(v)
	w.data = protowire.AppendTag(w.data, n, protowire.BytesType)
	w.data = protowire.AppendString(w.data, v)
}

func (w *writer) optionalText(n protowire.Number, v *string) {
	if v != nil {
		w.someText(n, *v)
	}
}

func (w *writer) texts(n protowire.Number, list []string) {
	for _, v := range list {
		w.someText(n, v)
	}
}

func (w *writer) bytes(n protowire.Number, v []byte) {
	if len(v) > 0 {
		w.data = protowire.AppendTag(w.data, n, protowire.BytesType)
		w.data = protowire.AppendBytes(w.data, v)
	}
}

func (w *writer) packed(n protowire.Number, list []uint32) {
	if len(list) == 0 {
		return
	}
	w.message(n, sizeNumbers(list))
	for _, v := range list {
		w.data = protowire.AppendVarint(w.data, uint64(v))
	}
}

// message begins what has a length.
func (w *writer) message(n protowire.Number, size int) {
	w.data = protowire.AppendTag(w.data, n, protowire.BytesType)
	w.data = protowire.AppendVarint(w.data, uint64(size)) //nolint:gosec // a size is not negative
}

// textMap writes the entries in the order of their keys: equal messages are equal bytes.
func (w *writer) textMap(n protowire.Number, m map[string]string) {
	if len(m) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.message(n, sizeEntry(key, m[key]))
		w.someText(mapKey, key)
		w.someText(mapValue, m[key])
	}
}

// Field numbers of an entry of a map.
const (
	mapKey   protowire.Number = 1
	mapValue protowire.Number = 2
)

func sizeVarint(n protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(n) + protowire.SizeVarint(v)
}

func sizeFixed32(n protowire.Number, v uint32) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(n) + protowire.SizeFixed32()
}

func sizeBoolean(n protowire.Number, v bool) int { return sizeVarint(n, protowire.EncodeBool(v)) }

func sizeMessage(n protowire.Number, size int) int {
	return protowire.SizeTag(n) + protowire.SizeBytes(size)
}

func sizeText(n protowire.Number, v string) int {
	if v == "" {
		return 0
	}
	return sizeMessage(n, len(v))
}

func sizeOptionalText(n protowire.Number, v *string) int {
	if v == nil {
		return 0
	}
	return sizeMessage(n, len(*v))
}

func sizeTexts(n protowire.Number, list []string) int {
	size := 0
	for _, v := range list {
		size += sizeMessage(n, len(v))
	}
	return size
}

func sizeBytes(n protowire.Number, v []byte) int {
	if len(v) == 0 {
		return 0
	}
	return sizeMessage(n, len(v))
}

func sizePacked(n protowire.Number, list []uint32) int {
	if len(list) == 0 {
		return 0
	}
	return sizeMessage(n, sizeNumbers(list))
}

func sizeNumbers(list []uint32) int {
	size := 0
	for _, v := range list {
		size += protowire.SizeVarint(uint64(v))
	}
	return size
}

func sizeTextMap(n protowire.Number, m map[string]string) int {
	size := 0
	for key, value := range m {
		size += sizeMessage(n, sizeEntry(key, value))
	}
	return size
}

func sizeEntry(key, value string) int {
	return sizeMessage(mapKey, len(key)) + sizeMessage(mapValue, len(value))
}
