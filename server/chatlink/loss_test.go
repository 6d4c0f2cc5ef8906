package chatlink_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// lossyBus loses what is published while it is told to.
type lossyBus struct {
	chatBus
	loses atomic.Bool
}

func (b *lossyBus) Publish(subject string, data []byte) error {
	if b.loses.Load() {
		return nil
	}
	return b.chatBus.Publish(subject, data)
}

// openLossy opens a harness with a bus that loses what it is told to.
func openLossy(t *testing.T) (*harness, *lossyBus) {
	t.Helper()
	var lossy *lossyBus
	h := open(t, func(b *bus.Bus) chat.Bus {
		lossy = &lossyBus{chatBus: chatBus{b}}
		return lossy
	}, chatlink.Options{})
	return h, lossy
}

// TestLoss: what the bus loses is told with what follows, or when the node
// looks again, in order and once.
func TestLoss(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	h, lossy := openLossy(t)
	heard := make(chan *signaling.Message, 1000)
	client := h.connect(t, func(m *signaling.Message) { heard <- m }, nil)
	defer client.Close()
	thread := h.thread(h.bob)
	if err := client.Send(subscribe(&signalpb.ChatSubscribe{})); err != nil {
		t.Fatal(err)
	}
	for m := range heard {
		if m.GetChatSynced() != nil {
			break
		}
	}
	said, next := 0, 0
	say := func(count int) {
		for range count {
			if _, _, err := h.threads.Send(t.Context(), h.alice, thread, chat.NewMessage{Kind: chat.MessageText, Content: fmt.Sprint(said)}); err != nil {
				t.Fatal(err)
			}
			said++
		}
	}
	listen := func() {
		t.Helper()
		for next < said {
			e := (<-heard).GetChatEvent()
			if e.GetKind() != signalpb.ChatEvent_MESSAGE_RECEIVED {
				continue
			}
			if e.GetMessage().GetContent() != fmt.Sprint(next) {
				t.Fatalf("message %d is %v", next, e)
			}
			next++
		}
	}
	say(3)
	listen()
	lossy.loses.Store(true)
	say(50)
	lossy.loses.Store(false)
	say(1) // what follows shows the gap
	listen()
	lossy.loses.Store(true)
	say(40)
	lossy.loses.Store(false)
	h.links.Recheck() // nothing follows
	listen()
	say(2)
	listen()
	if h.links.Links() != 1 {
		t.Errorf("%d links", h.links.Links())
	}
}

// TestLoss_OfComing: an agent whose user came into a thread hears so, although
// that and more than is read at once was lost.
func TestLoss_OfComing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	h, lossy := openLossy(t)
	heard := make(chan *signaling.Message, 1000)
	client := h.connect(t, func(m *signaling.Message) { heard <- m }, nil)
	defer client.Close()
	thread := h.thread()
	if err := client.Send(subscribe(&signalpb.ChatSubscribe{})); err != nil {
		t.Fatal(err)
	}
	for (<-heard).GetChatSynced() == nil { // there is none
	}
	say := func() {
		t.Helper()
		if _, _, err := h.threads.Send(t.Context(), h.alice, thread, chat.NewMessage{Kind: chat.MessageText, Content: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	say() // the node knows of the thread
	lossy.loses.Store(true)
	if _, err := h.threads.AddParticipants(t.Context(), h.alice, thread, []chat.Participant{{User: h.bob}}); err != nil {
		t.Fatal(err)
	}
	for range 250 {
		say()
	}
	for told := false; !told; {
		if err := h.threads.Hub().Recheck(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-heard:
			told = m.GetChatThread().GetThreadId() == thread
		case <-time.After(10 * time.Millisecond):
		}
	}
}
