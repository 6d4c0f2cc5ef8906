package trouter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/chat"
)

// eventID tells the client what a push is about.
func eventID(k chat.EventKind) int {
	switch k {
	case chat.EventMessageReceived:
		return 200
	case chat.EventMessageEdited:
		return 247
	case chat.EventMessageDeleted:
		return 248
	case chat.EventTyping:
		return 245
	case chat.EventRead:
		return 246
	case chat.EventThreadCreated:
		return 257
	case chat.EventThreadUpdated:
		return 258
	case chat.EventThreadDeleted:
		return 259
	case chat.EventParticipantsAdded:
		return 260
	case chat.EventParticipantsRemoved:
		return 261
	case chat.EventHidden:
		return 0
	default:
		return 0 // one of a later version, from another node
	}
}

// wireEvent is the body of a push but for its receiver. Those of messages and
// those of threads have different members; a field that is empty is left out.
type wireEvent struct {
	EventID int    `json:"eventId"`
	Version string `json:"version,omitempty"`

	SenderID            string `json:"senderId,omitempty"`
	GroupID             string `json:"groupId,omitempty"`
	MessageID           string `json:"messageId,omitempty"`
	ClientMessageID     string `json:"clientMessageId,omitempty"`
	SenderDisplayName   string `json:"senderDisplayName,omitempty"`
	MessageType         string `json:"messageType,omitempty"`
	MessageBody         string `json:"messageBody,omitempty"`
	OriginalArrivalTime string `json:"originalArrivalTime,omitempty"`
	MessageMetadata     string `json:"acsChatMessageMetadata,omitempty"`
	Attachments         string `json:"attachments,omitempty"`
	MessageEdited       string `json:"edittime,omitempty"`
	MessageDeleted      string `json:"deletetime,omitempty"`

	ThreadID            string `json:"threadId,omitempty"`
	CreateTime          string `json:"createTime,omitempty"`
	CreatedBy           string `json:"createdBy,omitempty"`
	Members             string `json:"members,omitempty"`
	Properties          string `json:"properties,omitempty"`
	EditTime            string `json:"editTime,omitempty"`
	EditedBy            string `json:"editedBy,omitempty"`
	DeleteTime          string `json:"deleteTime,omitempty"`
	DeletedBy           string `json:"deletedBy,omitempty"`
	Reason              string `json:"reason,omitempty"`
	Time                string `json:"time,omitempty"`
	AddedBy             string `json:"addedBy,omitempty"`
	ParticipantsAdded   string `json:"participantsAdded,omitempty"`
	RemovedBy           string `json:"removedBy,omitempty"`
	ParticipantsRemoved string `json:"participantsRemoved,omitempty"`
}

type wireParticipant struct {
	ID          string `json:"participantId"`
	DisplayName string `json:"displayName"`
	HistoryFrom string `json:"shareHistoryTime,omitempty"`
	Metadata    string `json:"memberMetaData,omitempty"`
}

type wireProperties struct {
	Topic     string `json:"topic"`
	Metadata  string `json:"acsChatThreadMetadata,omitempty"`
	Retention string `json:"retentionPolicy,omitempty"`
}

type wireRetention struct {
	Type         string `json:"retentionPolicyType"`
	ExecuteAfter string `json:"executeAfter"`
}

type wireHorizon struct {
	User        string `json:"user"`
	Horizon     string `json:"consumptionhorizon"`
	VisibleFrom int64  `json:"messageVisibilityTime"`
	Version     string `json:"version"`
}

type wireAttachment struct {
	ID         string `json:"id"`
	Type       string `json:"attachmentType"`
	Name       string `json:"name,omitempty"`
	URL        string `json:"url,omitempty"`
	PreviewURL string `json:"previewUrl,omitempty"`
}

// push is an event as its receivers get it, but for what differs between them.
type push struct {
	// tail is the end of the body, within a JSON text.
	tail string
}

// maxPush is how large a push may be before what can be left out of it is left
// out: the metadata of hundreds of members, quoted time and again, is more than
// may wait for a client.
const maxPush = 256 << 10

// newPush encodes an event once for all who get it. It returns nil for one that
// the client does not know.
func newPush(e *chat.Event) (*push, error) {
	p, err := encodePush(e)
	if p == nil || err != nil || len(p.tail) <= maxPush || len(e.Participants) == 0 {
		return p, err
	}
	bare := *e
	bare.Participants = slices.Clone(e.Participants)
	for i := range bare.Participants {
		bare.Participants[i].Metadata = nil
	}
	return encodePush(&bare)
}

func encodePush(e *chat.Event) (*push, error) {
	w := wireEvent{EventID: eventID(e.Kind)}
	var err error
	switch e.Kind {
	case chat.EventMessageReceived, chat.EventMessageEdited, chat.EventMessageDeleted:
		if e.Message == nil {
			return nil, nil //nolint:nilnil // nothing to tell
		}
		err = w.message(e)
	case chat.EventTyping:
		w.SenderID, w.GroupID, w.SenderDisplayName = e.Actor, e.Thread, e.ActorName
		w.Version, w.OriginalArrivalTime = versionAt(e.At), stampOf(e.At)
	case chat.EventRead:
		if e.Receipt == nil {
			return nil, nil //nolint:nilnil // nothing to tell
		}
		err = w.receipt(e)
	case chat.EventThreadCreated, chat.EventThreadUpdated, chat.EventThreadDeleted, chat.EventParticipantsAdded, chat.EventParticipantsRemoved:
		err = w.thread(e)
	case chat.EventHidden:
		return nil, nil //nolint:nilnil // nothing to tell
	default:
		return nil, nil //nolint:nilnil // of a later version
	}
	if err != nil {
		return nil, err
	}
	body, err := textOf(w)
	if err != nil {
		return nil, err
	}
	quoted, err := textOf("," + body[1:])
	if err != nil {
		return nil, err
	}
	return &push{quoted[1:]}, nil
}

// packet is what one connection sends. user has no character that JSON escapes:
// raw ids are digits, letters, ':', '-' and '_'.
func (p *push) packet(number int64, endpoint, user string) string {
	return `3:::{"id":` + strconv.FormatInt(number, 10) + `,"method":"POST","url":"` + pushPath + endpoint +
		`/","headers":{"MS-CV":"parley.0"},"body":"{\"recipientMri\":\"` + user + `\"` + p.tail + `}`
}

func (w *wireEvent) message(e *chat.Event) error {
	m := e.Message
	w.SenderID, w.GroupID, w.MessageID = m.Sender, e.Thread, strconv.FormatInt(m.ID, 10)
	w.SenderDisplayName, w.Version = m.SenderName, strconv.FormatInt(m.Version, 10)
	// Whole seconds as over REST: ChatComposite puts messages from both in order by
	// this time first, and by their ids where it is the same.
	w.OriginalArrivalTime = stampOf(m.Created().Truncate(time.Second))
	w.MessageType = "Text"
	if m.Kind == chat.MessageHTML {
		w.MessageType = "RichText/Html"
	}
	if e.Kind == chat.EventMessageDeleted {
		w.MessageDeleted = stampOf(e.At)
		return nil
	}
	if e.Kind == chat.EventMessageEdited {
		w.MessageEdited = stampOf(e.At)
	}
	w.ClientMessageID, w.MessageBody = m.ClientID, m.Content
	var err error
	if len(m.Metadata) > 0 {
		if w.MessageMetadata, err = textOf(m.Metadata); err != nil {
			return err
		}
	}
	if len(m.Attachments) > 0 {
		w.Attachments, err = textOf(attachmentsOf(e.Thread, m.Attachments))
	}
	return err
}

func (w *wireEvent) receipt(e *chat.Event) error {
	r := e.Receipt
	at := strconv.FormatInt(r.Read.UnixMilli(), 10)
	w.SenderID, w.GroupID, w.MessageID = r.User, e.Thread, strconv.FormatInt(r.MessageID, 10)
	var err error
	w.MessageBody, err = textOf(wireHorizon{User: r.User, Horizon: w.MessageID + ";" + at + ";0", Version: at})
	return err
}

func (w *wireEvent) thread(e *chat.Event) error {
	at := stampOf(e.At)
	w.ThreadID, w.Version = e.Thread, versionAt(e.At)
	var actor, people, properties string
	var err error
	note := func(text string, failed error) string {
		if err == nil {
			err = failed
		}
		return unescapable(text)
	}
	if e.Actor != "" {
		actor = note(textOf(wireParticipant{ID: e.Actor, DisplayName: e.ActorName}))
	}
	if len(e.Participants) > 0 {
		people = note(participantsOf(e.Participants))
	}
	if e.Kind == chat.EventThreadCreated || e.Kind == chat.EventThreadUpdated {
		properties = note(propertiesOf(e))
	}
	switch e.Kind {
	case chat.EventThreadCreated:
		w.CreateTime, w.CreatedBy, w.Members, w.Properties = at, actor, people, properties
	case chat.EventThreadUpdated:
		w.EditTime, w.EditedBy, w.Properties = at, actor, properties
	case chat.EventThreadDeleted:
		w.DeleteTime, w.DeletedBy, w.Reason = at, actor, "deletedByUser"
		if actor == "" {
			w.Reason = "deletedByPolicy"
		}
	case chat.EventParticipantsAdded:
		w.Time, w.AddedBy, w.ParticipantsAdded = at, actor, people
	case chat.EventParticipantsRemoved:
		w.Time, w.RemovedBy, w.ParticipantsRemoved = at, actor, people
	case chat.EventMessageReceived, chat.EventMessageEdited, chat.EventMessageDeleted, chat.EventTyping, chat.EventRead, chat.EventHidden:
	}
	return err
}

func participantsOf(list []chat.Participant) (string, error) {
	wire := make([]wireParticipant, len(list))
	for i := range list {
		p := &list[i]
		wire[i] = wireParticipant{ID: p.User, DisplayName: p.DisplayName}
		if !p.HistoryFrom.IsZero() {
			wire[i].HistoryFrom = stampOf(p.HistoryFrom)
		}
		if len(p.Metadata) > 0 {
			var err error
			if wire[i].Metadata, err = textOf(p.Metadata); err != nil {
				return "", err
			}
		}
	}
	return textOf(wire)
}

func propertiesOf(e *chat.Event) (string, error) {
	p := wireProperties{Topic: e.Topic}
	var err error
	if len(e.Metadata) > 0 {
		if p.Metadata, err = textOf(e.Metadata); err != nil {
			return "", err
		}
	}
	if e.RetentionDays > 0 {
		p.Retention, err = textOf(wireRetention{"DeleteAfterCreationTime", strconv.Itoa(e.RetentionDays) + ".00:00:00"})
		if err != nil {
			return "", err
		}
	}
	return textOf(p)
}

// attachmentsOf gives an image the two addresses under which REST has it.
func attachmentsOf(thread string, list []chat.Attachment) []wireAttachment {
	wire := make([]wireAttachment, len(list))
	for i, a := range list {
		wire[i] = wireAttachment{ID: a.ID, Type: a.Kind, Name: a.Name}
		if a.Kind == "image" {
			wire[i].URL = acswire.ChatImageViewPath(thread, a.ID, "original")
			wire[i].PreviewURL = acswire.ChatImageViewPath(thread, a.ID, "small")
		}
	}
	return wire
}

// unescapable makes a text survive the old unescape function of JavaScript,
// which the client applies to parts of the events of threads.
func unescapable(text string) string { return strings.ReplaceAll(text, "%", "%25") }

func stampOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func versionAt(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func textOf(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("trouter: event: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
