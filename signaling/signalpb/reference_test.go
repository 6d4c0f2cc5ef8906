package signalpb_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/parley-rtc/parley/signaling/signalpb"
	"github.com/parley-rtc/parley/signaling/signalpb/internal/referencepb"
)

// plain is what each of our messages can do.
type plain interface {
	Marshal() ([]byte, error)
	Unmarshal(data []byte) error
	Size() int
	Unknown() []byte
	SetUnknown(fields []byte)
}

// newPlain makes ours of the same name.
var newPlain = map[protoreflect.Name]func() plain{
	"Frame":           func() plain { return new(signalpb.Frame) },
	"Hello":           func() plain { return new(signalpb.Hello) },
	"Welcome":         func() plain { return new(signalpb.Welcome) },
	"Goodbye":         func() plain { return new(signalpb.Goodbye) },
	"TokenUpdate":     func() plain { return new(signalpb.TokenUpdate) },
	"TokenAccepted":   func() plain { return new(signalpb.TokenAccepted) },
	"Message":         func() plain { return new(signalpb.Message) },
	"CallSignal":      func() plain { return new(signalpb.CallSignal) },
	"EndReason":       func() plain { return new(signalpb.EndReason) },
	"CallDescription": func() plain { return new(signalpb.CallDescription) },
	"CallCandidates":  func() plain { return new(signalpb.CallCandidates) },
	"CallReconcile":   func() plain { return new(signalpb.CallReconcile) },
	"RelayServers":    func() plain { return new(signalpb.RelayServers) },
	"ChatSubscribe":   func() plain { return new(signalpb.ChatSubscribe) },
	"ChatRequest":     func() plain { return new(signalpb.ChatRequest) },
	"ChatSend":        func() plain { return new(signalpb.ChatSend) },
	"ChatTyping":      func() plain { return new(signalpb.ChatTyping) },
	"ChatMarkRead":    func() plain { return new(signalpb.ChatMarkRead) },
	"ChatResult":      func() plain { return new(signalpb.ChatResult) },
	"ChatThread":      func() plain { return new(signalpb.ChatThread) },
	"ChatEvent":       func() plain { return new(signalpb.ChatEvent) },
	"ChatMessage":     func() plain { return new(signalpb.ChatMessage) },
	"ChatAttachment":  func() plain { return new(signalpb.ChatAttachment) },
	"ChatReceipt":     func() plain { return new(signalpb.ChatReceipt) },
	"ChatParticipant": func() plain { return new(signalpb.ChatParticipant) },
	"ChatSynced":      func() plain { return new(signalpb.ChatSynced) },
}

// eachMessage runs a test for each message of the .proto.
func eachMessage(t *testing.T, run func(t *testing.T, ours func() plain, theirs protoreflect.MessageType)) {
	t.Helper()
	descriptors := referencepb.File_signaling_signalpb_signal_proto.Messages()
	if descriptors.Len() != len(newPlain) {
		t.Errorf("%d messages in the .proto, %d here", descriptors.Len(), len(newPlain))
	}
	for i := range descriptors.Len() {
		d := descriptors.Get(i)
		t.Run(string(d.Name()), func(t *testing.T) {
			ours, ok := newPlain[d.Name()]
			theirs, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
			if !ok || err != nil {
				t.Fatalf("not in newPlain, or %v", err)
			}
			run(t, ours, theirs)
		})
	}
}

// bytesOf is the one encoding of a message of the reference.
func bytesOf(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// check decodes what the reference has encoded, and encodes it again.
func check(t *testing.T, m plain, want []byte) {
	t.Helper()
	if err := m.Unmarshal(want); err != nil {
		t.Fatalf("%x: %v", want, err)
	}
	got, err := m.Marshal()
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %x, %v, want %x", got, err, want)
	}
	if m.Size() != len(want) {
		t.Fatalf("size %d, want %d", m.Size(), len(want))
	}
}

// TestReference: random messages are the same bytes here and with the
// implementation of Protocol Buffers itself, each field in turn and all together.
func TestReference(t *testing.T) {
	eachMessage(t, func(t *testing.T, ours func() plain, theirs protoreflect.MessageType) {
		random := rand.New(rand.NewPCG(1, 2))
		fields := theirs.Descriptor().Fields()
		for i := range fields.Len() {
			for range 50 {
				m := theirs.New()
				setRandom(random, m, fields.Get(i))
				check(t, ours(), bytesOf(t, m.Interface()))
			}
		}
		for range 1000 {
			m := theirs.New()
			fill(random, m)
			check(t, ours(), bytesOf(t, m.Interface()))
		}
	})
}

// fill sets some fields of a message, and now and then one that nobody knows.
func fill(random *rand.Rand, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if random.IntN(3) > 0 {
			setRandom(random, m, fields.Get(i))
		}
	}
	if random.IntN(8) == 0 {
		unknown := protowire.AppendTag(nil, 1000, protowire.BytesType)
		m.SetUnknown(protowire.AppendString(unknown, "later"))
	}
}

func setRandom(random *rand.Rand, m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch {
	case f.IsMap():
		for range random.IntN(4) {
			key := protoreflect.ValueOfString(randomText(random)).MapKey()
			m.Mutable(f).Map().Set(key, protoreflect.ValueOfString(randomText(random)))
		}
	case f.IsList():
		list := m.Mutable(f).List()
		for range random.IntN(4) {
			if f.Kind() == protoreflect.MessageKind {
				fill(random, list.AppendMutable().Message())
			} else {
				list.Append(randomValue(random, f))
			}
		}
	case f.Kind() == protoreflect.MessageKind:
		fill(random, m.Mutable(f).Message())
	default:
		m.Set(f, randomValue(random, f))
	}
}

func randomText(random *rand.Rand) string {
	return strings.Repeat([]string{"a", "Ä", "話", "\x00"}[random.IntN(4)], random.IntN(200)*random.IntN(2))
}

// randomValue prefers the ends of each range.
func randomValue(random *rand.Rand, f protoreflect.FieldDescriptor) protoreflect.Value {
	bits := []uint64{0, 1, 127, 128, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64, random.Uint64()}[random.IntN(9)]
	switch f.Kind() {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(bits))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(bits)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(bits))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(bits))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(int32(bits)))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(bits&1 == 1)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(randomText(random)))
	default:
		return protoreflect.ValueOfString(randomText(random))
	}
}

// TestUnmarshal_Malformed: what the reference refuses is refused.
func TestUnmarshal_Malformed(t *testing.T) {
	tests := map[string]struct {
		data []byte
		want error
	}{
		"tag cut":                  {[]byte{0x80}, signalpb.ErrMalformed},
		"field 0":                  {[]byte{0x00, 0x00}, signalpb.ErrMalformed},
		"field too high":           {protowire.AppendVarint(nil, uint64(protowire.MaxValidNumber+1)<<3), signalpb.ErrMalformed},
		"number cut":               {[]byte{0x18, 0x80}, signalpb.ErrMalformed},
		"number too long":          {append([]byte{0x18}, bytes.Repeat([]byte{0xff}, 10)...), signalpb.ErrMalformed},
		"text cut":                 {[]byte{0x0a, 0x05, 0x00}, signalpb.ErrMalformed},
		"fixed number cut":         {[]byte{0x5d, 0x00}, signalpb.ErrMalformed},
		"end of a group":           {[]byte{0x0c}, signalpb.ErrMalformed},
		"group without an end":     {[]byte{0x0b, 0x08, 0x01}, signalpb.ErrMalformed},
		"form 6":                   {[]byte{0x0e}, signalpb.ErrMalformed},
		"inner message malformed":  {[]byte{0x0a, 0x01, 0x80}, signalpb.ErrMalformed},
		"packed numbers cut":       {[]byte{0x0a, 0x03, 0x5a, 0x01, 0x80}, signalpb.ErrMalformed},
		"inner text is not UTF-8":  {[]byte{0x0a, 0x03, 0x1a, 0x01, 0xff}, signalpb.ErrText},
		"unknown text of any kind": {[]byte{0x9a, 0x06, 0x01, 0xff}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := new(signalpb.Frame).Unmarshal(test.data); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err := proto.Unmarshal(test.data, new(referencepb.Frame)); (err == nil) != (test.want == nil) {
				t.Errorf("the reference says %v", err)
			}
		})
	}
}

// TestMarshal_Text: what is not UTF-8 does not leave.
func TestMarshal_Text(t *testing.T) {
	for name, m := range map[string]plain{
		"text":  &signalpb.Hello{Token: "\xff"},
		"inner": &signalpb.Frame{Hello: &signalpb.Hello{Token: "\xff"}},
		"list":  &signalpb.CallCandidates{Candidates: []string{"a", "\xff"}},
		"key":   &signalpb.ChatSend{Metadata: map[string]string{"\xff": ""}},
		"value": &signalpb.ChatSend{Metadata: map[string]string{"a": "\xff"}},
	} {
		if data, err := m.Marshal(); !errors.Is(err, signalpb.ErrText) || data != nil {
			t.Errorf("%s: %x, %v", name, data, err)
		}
	}
}

// TestNil: getters of what is not there, and encoding of a list with holes.
func TestNil(t *testing.T) {
	var none *signalpb.Message
	if none.GetCall().GetReason().GetMessage() != "" || none.GetBody() != nil || none.GetCallId() != nil || none.Unknown() != nil || none.Size() != 0 {
		t.Error("nothing is something")
	}
	got, err := (&signalpb.Frame{Messages: []*signalpb.Message{nil}}).Marshal()
	want := bytesOf(t, &referencepb.Frame{Messages: []*referencepb.Message{nil}})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

// FuzzReference: any bytes are taken or refused as the reference does, and those
// that are taken become the same message.
func FuzzReference(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		m := new(referencepb.Frame)
		fill(random, m.ProtoReflect())
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		// Twice: fields that come again.
		f.Add(append(data, data...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		theirs, ours := new(referencepb.Frame), new(signalpb.Frame)
		wrong, err := proto.Unmarshal(data, theirs), ours.Unmarshal(data)
		if (wrong == nil) != (err == nil) {
			t.Fatalf("we say %v, the reference %v", err, wrong)
		}
		if err != nil {
			if !errors.Is(err, signalpb.ErrMalformed) && !errors.Is(err, signalpb.ErrText) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		got, err := ours.Marshal()
		if want := bytesOf(t, theirs); err != nil || !bytes.Equal(got, want) || ours.Size() != len(want) {
			t.Errorf("got %x, %v, want %x", got, err, want)
		}
	})
}
