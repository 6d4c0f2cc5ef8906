package chatlink_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// TestRecheck: an agent that missed that its user came into one thread, left
// another and was written to in a third hears so when the node looks; one that
// missed nothing, or never subscribed, hears nothing.
func TestRecheck(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	h, lossy := openLossy(t)
	heard, idle := make(chan *signaling.Message, 1000), make(chan *signaling.Message, 1000)
	client := h.connect(t, func(m *signaling.Message) { heard <- m }, nil)
	defer client.Close()
	silent := h.connect(t, func(m *signaling.Message) { idle <- m }, nil)
	defer silent.Close()
	stays, leaves := h.thread(h.bob), h.thread(h.bob)
	if err := client.Send(subscribe(&signalpb.ChatSubscribe{})); err != nil {
		t.Fatal(err)
	}
	for (<-heard).GetChatSynced() == nil { // the threads as they were
	}
	// It asks and does not subscribe.
	if err := silent.Send(request(&signalpb.ChatRequest{Number: 1})); err != nil {
		t.Fatal(err)
	}
	<-idle
	for range 3 { // nothing was missed
		h.links.Recheck()
	}
	lossy.loses.Store(true)
	comes := h.thread(h.bob)
	_, _, err := h.threads.Send(t.Context(), h.alice, stays, chat.NewMessage{Kind: chat.MessageText, Content: "soup?"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.threads.RemoveParticipant(t.Context(), h.alice, leaves, h.bob); err != nil {
		t.Fatal(err)
	}
	lossy.loses.Store(false)
	h.links.Recheck()
	told := map[string]int{}
	for told["gone"]+told["soup?"]+told["made"] < 3 {
		m := <-heard
		switch e, th := m.GetChatEvent(), m.GetChatThread(); {
		case th.GetGone() && th.GetThreadId() == leaves:
			told["gone"]++
		case e.GetMessage().GetContent() == "soup?" && e.GetThreadId() == stays:
			told["soup?"]++
		case e.GetKind() == signalpb.ChatEvent_THREAD_CREATED && e.GetThreadId() == comes:
			told["made"]++
		case e != nil:
			t.Errorf("told %v", e)
		}
	}
	if told["gone"] != 1 || told["soup?"] != 1 || told["made"] != 1 {
		t.Errorf("told %v", told)
	}
	if len(idle) > 0 {
		t.Errorf("told %v", <-idle)
	}
}
