package wire_test

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// TestCodec_MessageForMany: each of many receivers gets the message in a frame of
// its own, whole and hardly longer than the first one's.
func TestCodec_MessageForMany(t *testing.T) {
	c, reader := newCodec(t), newCodec(t)
	for name, content := range map[string]string{
		"short": "lunch?", "text": strings.Repeat("Where should we get lunch from? ", 10), "long": strings.Repeat("lunch ", 4000),
	} {
		t.Run(name, func(t *testing.T) {
			message, err := (&wire.Message{Body: &signalpb.Message_ChatEvent{ChatEvent: &signalpb.ChatEvent{
				ThreadId: "19:parley_thread@thread.v2", Message: &signalpb.ChatMessage{Content: content},
			}}}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			first, _, err := c.Encode(&wire.Frame{Head: &signalpb.Frame{}, Seq: 1, Messages: [][]byte{message}})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for seq := uint64(1); seq != 0 && seq < math.MaxUint64/2; seq *= 5 {
				wg.Go(func() {
					head := &signalpb.Frame{Ack: seq, Pong: 7}
					data, plain, err := c.Encode(&wire.Frame{Head: head, Seq: seq, Messages: [][]byte{message}})
					if err != nil {
						t.Error(err)
						return
					}
					if len(data) > len(first)+2*10+16 {
						t.Errorf("%d bytes, the first time %d", len(data), len(first))
					}
					f, size, err := reader.Decode(data)
					if err != nil || size != plain {
						t.Errorf("%v, %d bytes, want %d", err, size, plain)
						return
					}
					if f.GetSeq() != seq || f.GetAck() != seq || f.GetPong() != 7 || len(f.GetMessages()) != 1 ||
						f.GetMessages()[0].GetChatEvent().GetMessage().GetContent() != content {
						t.Errorf("frame %d: %v", seq, f)
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkEncode_ForMany encodes one message for one receiver after the other.
func BenchmarkEncode_ForMany(b *testing.B) {
	c := newCodec(b)
	f := frameOf(b, "So where should we get lunch from today? "+strings.Repeat("0123456789", 20))
	b.ReportAllocs()
	for i := range b.N {
		f.Seq = uint64(i) //nolint:gosec // G115: counts from 0
		if _, _, err := c.Encode(f); err != nil {
			b.Fatal(err)
		}
	}
}
