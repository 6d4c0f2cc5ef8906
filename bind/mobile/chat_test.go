package mobile_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/bind/mobile"
	"github.com/parley-rtc/parley/internal/testkit"
)

func (p *person) chat(options *mobile.ChatOptions) *mobile.ChatClient {
	p.t.Helper()
	c, err := p.client.NewChatClient(p.cred, options, p.events, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// outbox hears what became of messages.
type outbox struct {
	sent   chan string
	failed chan *mobile.Failure
}

func (o *outbox) OnSent(m *mobile.OutboxMessage, _ string)                { o.sent <- m.Content }
func (o *outbox) OnSendFailed(_ *mobile.OutboxMessage, f *mobile.Failure) { o.failed <- f }

// TestChat_Everything goes through a thread: messages both ways, typing,
// receipts, edits, lists, the outbox, a new start from the position.
func TestChat_Everything(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	service := testkit.StartService(t, parley)
	alice, bob := newPerson(t, service), newPerson(t, service)
	atAlice, atBob := alice.chat(&mobile.ChatOptions{DisplayName: "Alice"}), bob.chat(&mobile.ChatOptions{DisplayName: "Bob"})
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("start", atBob.Start())
	options := mobile.NewChatThreadOptions()
	do("participant", options.AddParticipant(bob.id, "Bob"))
	wantCode(t, "no participant", options.AddParticipant("", ""), mobile.ErrorCodeInvalidArgument)
	thread, err := atAlice.CreateThread("Lunch", options)
	do("thread", err)
	bob.events.wait("thread 1 Lunch")
	// Over REST, before the start, and over the connection.
	first, err := thread.SendMessage("soup?", nil)
	do("first message", err)
	bob.events.wait("message 1 soup?")
	do("start", atAlice.Start())
	metadata := mobile.NewMetadata()
	metadata.Set("color", "green")
	second := &mobile.ChatMessageOptions{ClientID: "one", Metadata: metadata, HTML: true}
	sent, err := thread.SendMessage("<b>stew?</b>", second)
	do("second message", err)
	again, err := thread.SendMessage("<b>stew?</b>", second)
	do("the same again", err)
	if again.ID != sent.ID || !again.Repeated || sent.Repeated || sent.ID == first.ID {
		t.Errorf("%+v, then %+v", sent, again)
	}
	<-bob.events.messages
	if m := <-bob.events.messages; m.ThreadID != thread.ID() || m.Message.SenderID != alice.id || m.Message.SenderDisplayName != "Alice" ||
		m.Message.Type != mobile.MessageTypeHTML || m.Message.Metadata().Get("color") != "green" || m.Message.CreatedOn == 0 || m.ClientID != "one" {
		t.Errorf("%+v %+v", m, m.Message)
	}
	bobs, err := atBob.Thread(thread.ID())
	do("bob's thread", err)
	do("typing", bobs.SendTyping())
	alice.events.wait("typing Bob")
	do("receipt", bobs.SendReadReceipt(sent.ID))
	alice.events.wait("read " + sent.ID)
	do("edit", thread.EditMessage(first.ID, "salad?"))
	bob.events.wait("message 2 salad?")
	wantCode(t, "edit another's", bobs.EditMessage(first.ID, "x"), mobile.ErrorCodeForbidden)
	do("topic", bobs.SetTopic("Dinner"))
	alice.events.wait("thread 2 Dinner")
	properties, err := thread.Properties()
	do("properties", err)
	if properties.Topic != "Dinner" || properties.CreatedBy != alice.id || properties.CreatedOn == 0 {
		t.Errorf("%+v", properties)
	}
	checkLists(t, atBob, bobs, alice.id)

	box := &outbox{sent: make(chan string, 4), failed: make(chan *mobile.Failure, 4)}
	out, err := atAlice.OpenOutbox(tempFile(t, "outbox"), box)
	do("outbox", err)
	_, err = out.Add(thread.ID(), "bread?", nil)
	do("into the outbox", err)
	if text := <-box.sent; text != "bread?" {
		t.Errorf("sent %s", text)
	}
	bob.events.wait("message 1 bread?")
	_, err = out.Add("19:nobody@thread.v2", "x", nil)
	do("to nobody", err)
	if f := <-box.failed; f.HTTPStatus == 0 {
		t.Errorf("%+v", f)
	}

	_, err = atAlice.OpenOutbox(tempFile(t, "folder")+"/none/outbox", nil)
	wantCode(t, "an outbox nowhere", err, mobile.ErrorCodeStorage)

	position := atBob.Position()
	do("shutdown", atBob.Shutdown())
	_, err = thread.SendMessage("while you were away", nil)
	do("third message", err)
	later := bob.chat(&mobile.ChatOptions{Position: position})
	do("start again", later.Start())
	bob.events.wait("message 1 while you were away")
	if s := later.ThreadState(thread.ID()); s == nil || s.Topic != "Dinner" || s.Unread < 1 || later.ThreadStates().Len() != 1 {
		t.Errorf("state %+v", s)
	}
	do("delete a message", thread.DeleteMessage(first.ID))
	bob.events.wait("message 3 ")
	do("remove", thread.RemoveParticipant(bob.id))
	_, err = bobs.Properties()
	wantCode(t, "after Shutdown", err, mobile.ErrorCodeClosed)
	laters, err := later.Thread(thread.ID())
	do("thread", err)
	_, err = laters.Properties()
	wantCode(t, "removed", err, mobile.ErrorCodeForbidden)
	do("delete", atAlice.DeleteThread(thread.ID()))
	do("shutdown", alice.client.Shutdown())
	do("shutdown", bob.client.Shutdown())
}

// checkLists looks at the pagers.
func checkLists(t *testing.T, c *mobile.ChatClient, thread *mobile.ChatThread, alice string) {
	t.Helper()
	threads := c.Threads()
	item, err := threads.Next()
	if err != nil || item.ID != thread.ID() || item.Topic != "Dinner" {
		t.Errorf("%+v, %v", item, err)
	}
	if item, err = threads.Next(); item != nil || err != nil {
		t.Errorf("after the end: %+v, %v", item, err)
	}
	var texts []string
	for messages := thread.Messages(); ; {
		m, err := messages.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			break
		}
		if m.Type == mobile.MessageTypeText || m.Type == mobile.MessageTypeHTML {
			texts = append(texts, m.Content)
		}
	}
	if len(texts) != 2 || texts[1] != "salad?" {
		t.Errorf("messages %q", texts)
	}
	var people []string
	for participants := thread.Participants(); ; {
		p, err := participants.Next()
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			break
		}
		people = append(people, p.UserID)
	}
	if len(people) != 2 || (people[0] != alice && people[1] != alice) {
		t.Errorf("participants %q", people)
	}
	receipt, err := thread.ReadReceipts().Next()
	if err != nil || receipt == nil {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
}
