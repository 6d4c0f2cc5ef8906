package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// encoded is a message as bytes, the same for equal ones.
func encoded(t *testing.T, m *wire.Message) []byte {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRefs sends messages of more calls than there are numbers.
func TestRefs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var from, to wire.Refs
	small := 0
	for range 20_000 {
		m := &wire.Message{Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{Kind: random.Uint32N(30)}}}
		switch call := random.IntN(400); {
		case call == 0:
			m.CallId = []byte("odd")
		case call < 350:
			m.CallId = binary.BigEndian.AppendUint64(make([]byte, 8), uint64(call*random.IntN(2)+random.IntN(2)))
		}
		want := encoded(t, m)
		data, err := from.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, m), want) {
			t.Fatal("encode changed the message")
		}
		if random.IntN(10) == 0 {
			continue // a message that was encoded and then not taken changes nothing
		}
		from.Sent(m)
		if len(data) < 16 {
			small++
		}
		got := &wire.Message{}
		if err := got.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		if err := to.Decode(got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, got), want) {
			t.Fatalf("got %x, want %x", encoded(t, got), want)
		}
	}
	if small < 5000 {
		t.Errorf("only %d messages were small", small)
	}
}

func TestRefs_Malformed(t *testing.T) {
	var r wire.Refs
	for _, m := range []*wire.Message{
		{CallRef: 1},
		{CallRef: 1, CallId: make([]byte, 16)},
		{CallRef: 1 << 31},
		{Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{PackedNames: []byte("no line feed")}}},
		{Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{PackedNames: []byte("a\nb"), To: "c"}}},
		{Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{PackedSdp: []byte("a"), Sdp: "b"}}},
		{Body: &signalpb.Message_Candidates{Candidates: &signalpb.CallCandidates{PackedCandidates: []byte{2}}}},
	} {
		if err := r.Decode(m); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%v: %v", m, err)
		}
	}
}
