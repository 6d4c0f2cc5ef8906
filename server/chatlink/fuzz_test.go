package chatlink_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// In the bodies these stand for a thread of bob's and for one that he is not in.
	bobsThread  = "19:mine@thread.v2"
	otherThread = "19:other@thread.v2"
	// maxBodies bounds one input: more than the service takes at a time is
	// answered out of turn.
	maxBodies = 100
	// lastNumber is that of the request that follows those of the input.
	lastNumber = math.MaxUint64
)

// agentMessages reads what an agent sends: messages, each after its length.
func agentMessages(data []byte, mine, other string) []*signaling.Message {
	var list []*signaling.Message
	r := bufio.NewReader(bytes.NewReader(data))
	for len(list) < maxBodies {
		size, err := binary.ReadUvarint(r)
		if err != nil || size > signaling.MaxMessage {
			return list
		}
		body := make([]byte, size)
		m := &signaling.Message{}
		if _, err := io.ReadFull(r, body); err != nil || m.Unmarshal(body) != nil {
			return list
		}
		known := strings.NewReplacer(bobsThread, mine, otherThread, other)
		switch body := m.GetBody().(type) {
		case *signalpb.Message_ChatSubscribe:
			for _, k := range body.ChatSubscribe.GetKnown() {
				k.ThreadId = known.Replace(k.GetThreadId())
			}
		case *signalpb.Message_ChatRequest:
			if body.ChatRequest == nil || body.ChatRequest.GetNumber() == lastNumber {
				continue
			}
			body.ChatRequest.ThreadId = known.Replace(body.ChatRequest.GetThreadId())
		default:
			continue
		}
		list = append(list, m)
	}
	return list
}

// conversation is what one agent said and heard.
type conversation struct {
	tb      testing.TB
	heard   chan *signaling.Message
	ended   chan struct{}
	results []*signalpb.ChatResult
}

// converse connects an agent that sends all messages, and returns when the
// service has answered the last one or has ended the session.
func converse(h *harness, tb testing.TB, list []*signaling.Message) (c *conversation, refused bool) {
	c = &conversation{tb: tb, heard: make(chan *signaling.Message, 16), ended: make(chan struct{}, 16)}
	over := make(chan struct{})
	defer close(over)
	client := h.connect(tb, func(m *signaling.Message) {
		select {
		case c.heard <- m:
		case <-over:
		}
	}, func(s signaling.ClientState) {
		if s.Err != nil {
			select {
			case c.ended <- struct{}{}:
			default:
			}
		}
	})
	defer client.Close()
	list = append(list, request(&signalpb.ChatRequest{Number: lastNumber, ThreadId: "x"}))
	for _, m := range list {
		if err := client.Send(m); err != nil {
			return c, true
		}
	}
	for {
		select {
		case m := <-c.heard:
			if c.take(m) {
				return c, false
			}
		case <-c.ended:
			return c, true
		}
	}
}

// take notes one answer; it reports the last one.
func (c *conversation) take(m *signaling.Message) bool {
	switch body := m.GetBody().(type) {
	case *signalpb.Message_ChatResult:
		if body.ChatResult.GetNumber() == lastNumber {
			return true
		}
		c.results = append(c.results, body.ChatResult)
	case *signalpb.Message_ChatEvent:
		if strings.Contains(strings.ToLower(body.ChatEvent.GetMessage().GetContent()), "<script") && body.ChatEvent.GetMessage().GetKind() == "html" {
			c.tb.Errorf("a script was told: %v", body.ChatEvent)
		}
	}
	return false
}

// FuzzBodies: whatever an agent says of chat is answered request for request,
// in order, with a code that says what is wrong with it and never with a
// failure of the service, or it ends the session; and nothing of it reaches a
// thread in which the user is not.
func FuzzBodies(f *testing.F) {
	h := open(f, func(b *bus.Bus) chat.Bus { return chatBus{b} }, chatlink.Options{})
	mine, other := h.thread(h.bob), h.thread()
	before, err := h.threads.Thread(context.Background(), h.alice, other)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list := agentMessages(data, mine, other)
		c, refused := converse(h, t, list)
		var asked []*signalpb.ChatRequest
		for _, m := range list {
			if r := m.GetChatRequest(); r != nil {
				asked = append(asked, r)
			}
		}
		if !refused && len(c.results) != len(asked) {
			t.Fatalf("%d requests have %d answers", len(asked), len(c.results))
		}
		for i, r := range c.results {
			if r.GetNumber() != asked[i].GetNumber() {
				t.Fatalf("answer %d is %v, for %v", i, r, asked[i])
			}
			checkResult(t, asked[i], r, mine)
		}
		after, err := h.threads.Thread(context.Background(), h.alice, other)
		if err != nil || !reflect.DeepEqual(after, before) {
			t.Fatalf("a thread in which the agent is not was %+v and is %+v, %v", before, after, err)
		}
		written, err := h.threads.Messages(context.Background(), h.alice, mine, time.Time{}, 0, maxBodies)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written {
			if m.Sender == h.bob && m.Kind == chat.MessageHTML && strings.Contains(strings.ToLower(m.Content), "<script") {
				t.Errorf("a script was kept: %q", m.Content)
			}
		}
	})
}

// checkResult holds an answer against what was asked for.
func checkResult(t *testing.T, asked *signalpb.ChatRequest, r *signalpb.ChatResult, mine string) {
	t.Helper()
	switch r.GetCode() {
	case 0:
		if asked.GetThreadId() != mine {
			t.Errorf("%v was done", asked)
		}
		if send := asked.GetSend(); send != nil && (r.GetMessageId() == 0 || send.GetClientId() == "") {
			t.Errorf("%v was answered %v", asked, r)
		}
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge:
		if r.GetMessage() == "" || r.GetMessageId() != 0 {
			t.Errorf("%v was refused with %v", asked, r)
		}
	default:
		t.Errorf("%v was answered %v", asked, r)
	}
}
