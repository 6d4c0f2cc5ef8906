package eventgrid

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
)

const (
	// maxData is how large data may be before what can be left out of it is left
	// out: a webhook's event has a megabyte.
	maxData = 900 << 10
	// perChange is more than the events of one change for one recipient: each gets
	// a number of its own in its queue.
	perChange     = 1000
	transactionID = 16
)

// Options configure what publishes the events. All are required.
type Options struct {
	Webhooks *webhook.Service
	// Source returns the path of a resource in the resource manager; false when
	// there is no such resource any more.
	Source func(resource guid.GUID) (string, bool)
}

// Chat publishes the events of chat. It is a chat.Notifier.
type Chat struct{ options Options }

// NewChat returns what publishes the events of chat.
func NewChat(options Options) *Chat { return &Chat{options} }

var _ chat.Notifier = (*Chat)(nil)

// family are the types of events of one kind of happening.
type family struct{ user, thread string }

// families by kind; the zero value is nothing to tell.
func familyOf(kind chat.EventKind) family {
	switch kind {
	case chat.EventMessageReceived:
		return family{ChatMessageReceived, ChatMessageReceivedInThread}
	case chat.EventMessageEdited:
		return family{ChatMessageEdited, ChatMessageEditedInThread}
	case chat.EventMessageDeleted:
		return family{ChatMessageDeleted, ChatMessageDeletedInThread}
	case chat.EventThreadCreated:
		return family{ChatThreadCreatedWithUser, ChatThreadCreated}
	case chat.EventThreadDeleted:
		return family{ChatThreadWithUserDeleted, ChatThreadDeleted}
	case chat.EventThreadUpdated:
		return family{ChatThreadPropertiesUpdatedPerUser, ChatThreadPropertiesUpdated}
	case chat.EventParticipantsAdded:
		return family{ChatParticipantAddedToThreadWithUser, ChatThreadParticipantAdded}
	case chat.EventParticipantsRemoved:
		return family{ChatParticipantRemovedFromThread, ChatThreadParticipantRemoved}
	case chat.EventHidden, chat.EventTyping, chat.EventRead:
	}
	return family{}
}

// Notify publishes what subscriptions want to hear of an event.
func (c *Chat) Notify(tx *store.Tx, n *chat.Notice) error {
	types := familyOf(n.Event.Kind)
	if types == (family{}) || !c.options.Webhooks.Wants(n.Resource, types.user, types.thread) {
		return nil
	}
	source, ok := c.options.Source(n.Resource)
	if !ok {
		return nil
	}
	t := &telling{event: n.Event, source: source, transaction: newTransactionID()}
	var err error
	if t.created, err = n.Created(); err != nil {
		return err
	}
	var audience []string
	if c.options.Webhooks.Wants(n.Resource, types.user) {
		if audience, err = n.Audience(); err != nil {
			return err
		}
	}
	events, err := t.events(types, audience, c.options.Webhooks.Wants(n.Resource, types.thread))
	if err != nil {
		return err
	}
	n.Event.Noticed = len(events) > 0
	return c.options.Webhooks.PublishAll(tx, n.Resource, events)
}

// Committed lets the webhooks look for what was published.
func (c *Chat) Committed(e *chat.Event) {
	if e.Noticed {
		c.options.Webhooks.Wake()
	}
}

// newTransactionID draws what the events of one change have in common.
func newTransactionID() string {
	var random [transactionID]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails since Go 1.24
	return base64.RawStdEncoding.EncodeToString(random[:]) + ".1.1.1.1"
}

// telling makes the events of one change of a thread.
type telling struct {
	event       *chat.Event
	source      string
	transaction string
	created     time.Time
	made        []webhook.Event
	step        int64 // within the change, for one recipient
}

// events makes those of the audience, and those of the thread if wanted.
func (t *telling) events(types family, audience []string, ofThread bool) ([]webhook.Event, error) {
	if ofThread {
		if err := t.tell(types.thread, ""); err != nil {
			return nil, err
		}
	}
	for _, user := range audience {
		if user == t.event.Actor {
			continue
		}
		if err := t.tell(types.user, user); err != nil {
			return nil, err
		}
	}
	return t.made, nil
}

// tell makes the events for one recipient; none is the thread.
func (t *telling) tell(kind, recipient string) error {
	e := t.event
	t.step = 0
	base := chatBase{RecipientID: recipient, Recipient: identifier(recipient), TransactionID: t.transaction, ThreadID: e.Thread}
	about := &chatThread{chatBase: base, CreateTime: t.created, Version: e.At.UnixMilli()}
	switch e.Kind {
	case chat.EventMessageReceived, chat.EventMessageEdited, chat.EventMessageDeleted:
		return t.add(kind, "/sender/"+e.Message.Sender, recipient, t.message(base))
	case chat.EventThreadCreated:
		about.CreatedBy, about.Properties, about.Metadata = identifier(e.Actor), map[string]any{"topic": e.Topic}, e.Metadata
		about.Participants = participants(e.Participants)
		if recipient != "" {
			about.CreatedByID, about.Members = e.Actor, members(e.Participants)
		}
		return t.add(kind, "/createdBy/"+e.Actor, recipient, about)
	case chat.EventThreadUpdated:
		about.EditedBy, about.EditTime = identifier(e.Actor), e.At
		about.Properties, about.Metadata = map[string]any{"topic": e.Topic}, e.Metadata
		if recipient != "" {
			about.EditedByID = e.Actor
		}
		return t.add(kind, "/editedBy/"+e.Actor, recipient, about)
	case chat.EventThreadDeleted:
		about.DeletedBy, about.DeleteTime = identifier(e.Actor), e.At
		if recipient != "" {
			about.DeletedByID = e.Actor
		}
		by := "/deletedBy/" + e.Actor
		if e.Actor == "" {
			by = "" // its retention was over: nobody did it
		}
		return t.add(kind, by, recipient, about)
	case chat.EventParticipantsAdded, chat.EventParticipantsRemoved:
		return t.roster(kind, recipient, about)
	case chat.EventHidden, chat.EventTyping, chat.EventRead:
	}
	return nil
}

func (t *telling) message(base chatBase) *chatMessage {
	m := t.event.Message
	data := &chatMessage{
		chatBase: base, MessageID: strconv.FormatInt(m.ID, 10), Sender: identifier(m.Sender), SenderName: m.SenderName,
		ComposeTime: m.Created(), Type: messageType(m.Kind), Version: m.Version,
	}
	if base.RecipientID != "" {
		data.SenderID = m.Sender
	}
	if t.event.Kind == chat.EventMessageDeleted {
		data.DeleteTime = m.Deleted
		return data
	}
	data.MessageBody, data.Metadata = &m.Content, m.Metadata
	if t.event.Kind == chat.EventMessageEdited {
		data.EditTime = m.Edited
	}
	return data
}

// roster tells a recipient who came or went, one by one. Who came together with
// others is told of himself only.
func (t *telling) roster(kind, recipient string, about *chatThread) error {
	e := t.event
	own := func(p *chat.Participant) bool { return p.User == recipient }
	newcomer := false
	for i := range e.Participants {
		newcomer = newcomer || own(&e.Participants[i])
	}
	for i := range e.Participants {
		p := &e.Participants[i]
		if newcomer && !own(p) {
			continue
		}
		data := *about
		data.Time, data.RecipientID = e.At, ""
		who := &chatParticipant{p.DisplayName, identifier(p.User), p.Metadata}
		part := "/participantAdded/"
		if e.Kind == chat.EventParticipantsRemoved {
			part = "/participantRemoved/"
			data.RemovedBy, data.ParticipantOut = identifier(e.Actor), who
		} else {
			data.AddedBy, data.ParticipantIn = identifier(e.Actor), who
		}
		if recipient == "" {
			part = strings.ToLower(part) // so ACS writes it for threads
		}
		if err := t.add(kind, part+p.User, recipient, &data); err != nil {
			return err
		}
	}
	return nil
}

// add makes one event.
func (t *telling) add(kind, subject, recipient string, data any) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if about, ok := data.(*chatThread); ok && len(encoded) > maxData {
		// Metadata of hundreds of members, all of it escaped.
		for i := range about.Participants {
			about.Participants[i].Metadata = nil
		}
		if encoded, err = json.Marshal(about); err != nil {
			return err
		}
	}
	subject, queue := "thread/"+t.event.Thread+subject, t.event.Thread
	if recipient != "" {
		subject, queue = subject+"/recipient/"+recipient, queue+" "+recipient
	}
	t.made = append(t.made, webhook.Event{
		Source: t.source, Subject: subject, Type: kind, Time: t.event.At, Data: encoded,
		Queue: queue, Position: t.event.Change*perChange + t.step,
	})
	t.step++
	return nil
}
