package signaling_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// event is a message of chat.
func event(content string) *signaling.Message {
	return &signaling.Message{Body: &signalpb.Message_ChatEvent{ChatEvent: &signalpb.ChatEvent{
		ThreadId: "19:thread@thread.v2", Message: &signalpb.ChatMessage{Content: content},
	}}}
}

// TestSession_SendEncoded: what is encoded once arrives once, in its turn among
// other messages, also after the connection was lost.
func TestSession_SendEncoded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var p *pair
		p = newPair(t, func(co *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			co.Handler = func(m *signaling.Message) error {
				p.agent.add("%s%s", m.GetCall().GetTones(), m.GetChatEvent().GetMessage().GetContent())
				return nil
			}
		})
		p.start()
		p.agent.take()
		long := strings.Repeat("So where should we get lunch from today? ", 5)
		encoded, err := signaling.Encode(event(long))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			send(t, p.current(), "1")
			for range 3 {
				if err := p.current().SendEncoded(encoded); err != nil {
					t.Fatal(err)
				}
				settle(time.Millisecond)
			}
			send(t, p.current(), "2")
			settle(time.Second)
			expect(t, &p.agent, "1", long, long, long, "2")
		}
		p.net.cutAll()
		if err := p.current().SendEncoded(encoded); err != nil {
			t.Fatal(err)
		}
		send(t, p.current(), "3")
		settle(time.Minute)
		got := strings.Join(p.agent.take(), "\n")
		if !strings.HasSuffix(got, long+"\n3") || strings.Count(got, long) != 1 {
			t.Errorf("after the connection was lost: %q", got)
		}
	})
}

func TestEncode_Refused(t *testing.T) {
	if _, err := signaling.Encode(text("1")); err == nil {
		t.Error("a message of a call was taken")
	}
	if _, err := signaling.Encode(event(strings.Repeat("x", signaling.MaxMessage))); !errors.Is(err, signaling.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := signaling.Encode(event("\xff")); err == nil {
		t.Error("a text that is not UTF-8 was taken")
	}
}

// TestSession_SendEncoded_QueueFull: an agent that does not read ends its session.
func TestSession_SendEncoded_QueueFull(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, ao *signaling.AcceptorOptions) { ao.Limits.QueuedBytes = 10_000 })
		p.start()
		s := p.current()
		p.net.cutAll()
		encoded, err := signaling.Encode(event(strings.Repeat("x", 1000)))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if err = s.SendEncoded(encoded); err != nil {
				break
			}
		}
		if !errors.Is(err, signaling.ErrQueueFull) {
			t.Errorf("%v", err)
		}
		if err := s.SendEncoded(encoded); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("after that: %v", err)
		}
	})
}
