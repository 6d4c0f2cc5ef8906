package signalpb

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of an encoded message. The methods that take a pointer
// put its value there if it has the right form; one of another form counts as
// unknown, and is kept.
type field struct {
	number protowire.Number
	form   protowire.Type
	// value is that of a number, data that of what has a length. It belongs to
	// the message that is decoded.
	value uint64
	data  []byte
	// raw is what follows the tag.
	raw   []byte
	known bool
	err   error
}

// read takes the first field and returns what follows it. When it fails, err is
// set and the number is none.
func (f *field) read(data []byte) []byte {
	number, form, tag := protowire.ConsumeTag(data)
	if tag < 0 || number > protowire.MaxValidNumber {
		f.err = ErrMalformed
		return nil
	}
	rest, n := data[tag:], 0
	switch form {
	case protowire.VarintType:
		f.value, n = protowire.ConsumeVarint(rest)
	case protowire.BytesType:
		f.data, n = protowire.ConsumeBytes(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(rest)
		f.value = uint64(v)
	case protowire.Fixed64Type, protowire.StartGroupType, protowire.EndGroupType:
		n = protowire.ConsumeFieldValue(number, form, rest)
	default:
		n = -1
	}
	if n < 0 {
		f.err = ErrMalformed
		return nil
	}
	f.number, f.form, f.raw = number, form, rest[:n]
	return rest[n:]
}

// keep appends a field that is not known.
func (f *field) keep(unknown []byte) []byte {
	return append(protowire.AppendTag(unknown, f.number, f.form), f.raw...)
}

// is marks a field of the right form as known.
func (f *field) is(form protowire.Type) bool {
	f.known = f.form == form
	return f.known
}

func (f *field) isVarint() bool { return f.is(protowire.VarintType) }

func (f *field) isMessage() bool { return f.is(protowire.BytesType) }

func (f *field) fixed32(to *uint32) {
	if f.is(protowire.Fixed32Type) {
		*to = uint32(f.value) //nolint:gosec // read has made it of 32 bits
	}
}

func (f *field) boolean(to *bool) {
	if f.isVarint() {
		*to = protowire.DecodeBool(f.value)
	}
}

func (f *field) text(to *string) {
	if !f.is(protowire.BytesType) {
		return
	}
	if !utf8.Valid(f.data) {
		f.err = ErrText
		return
	}
	*to = string(f.data)
}

func (f *field) optionalText(to **string) {
	var v string
	if f.text(&v); f.known && f.err == nil {
		*to = &v
	}
}

func (f *field) texts(to *[]string) {
	var v string
	if f.text(&v); f.known && f.err == nil {
		*to = append(*to, v)
	}
}

func (f *field) bytes(to *[]byte) {
	if f.is(protowire.BytesType) {
		*to = append([]byte(nil), f.data...)
	}
}

// packed takes numbers one by one as well as together: a decoder must.
func (f *field) packed(to *[]uint32) {
	if f.isVarint() {
		*to = append(*to, uint32(f.value)) //nolint:gosec // longer numbers are cut, as the format says
		return
	}
	if !f.is(protowire.BytesType) {
		return
	}
	for rest := f.data; len(rest) > 0; {
		v, n := protowire.ConsumeVarint(rest)
		if n < 0 {
			f.err = ErrMalformed
			return
		}
		*to = append(*to, uint32(v)) //nolint:gosec // as above
		rest = rest[n:]
	}
}

// textMap takes one entry. A key or value that is missing is empty.
func (f *field) textMap(to *map[string]string) {
	if !f.is(protowire.BytesType) {
		return
	}
	var key, value string
	for rest := f.data; len(rest) > 0; {
		var inner field
		rest = inner.read(rest)
		switch inner.number { //nolint:exhaustive // an entry has these two; what else is in it nobody knows
		case mapKey:
			inner.text(&key)
		case mapValue:
			inner.text(&value)
		}
		if inner.err != nil {
			f.err = inner.err
			return
		}
	}
	if *to == nil {
		*to = make(map[string]string)
	}
	(*to)[key] = value
}
