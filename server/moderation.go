package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/resource"
)

// Paths of moderation, for whoever runs the service, with bearer tokens of the
// resource manager; the query's resource names the resource, "local" by default.
// They are no part of ACS's contract.
const (
	// ChatThreadsPath lists threads in the order of their ids (GET, with the
	// query's user, limit and after).
	ChatThreadsPath = "/parley/v1/chat/threads"
	// ChatExportPath gives the query's thread as lines of JSON (GET): ExportLine.
	ChatExportPath = "/parley/v1/chat/export"
	// ChatErasePath takes out content (POST with an Erasure).
	ChatErasePath = "/parley/v1/chat/erase"
)

const (
	operatorThreads    = 100
	maxOperatorThreads = 1000
	// exportPatience is how long a reader of an export may take for what was
	// written since the last time; flushLines how many lines are written at once.
	exportPatience = time.Minute
	flushLines     = 100

	contentTypeLines = "application/x-ndjson"
)

// ChatThread is a thread, for whoever runs the service.
type ChatThread struct {
	ID        string                   `json:"id"`
	Topic     string                   `json:"topic"`
	CreatedOn time.Time                `json:"createdOn"`
	CreatedBy *acswire.IdentifierModel `json:"createdByCommunicationIdentifier"`
	DeletedOn *time.Time               `json:"deletedOn,omitempty"`
	Metadata  map[string]string        `json:"metadata,omitempty"`
	// DeleteThreadAfterDays is the retention; 0 keeps the thread.
	DeleteThreadAfterDays int       `json:"deleteThreadAfterDays,omitempty"`
	LastMessageReceivedOn time.Time `json:"lastMessageReceivedOn"`
}

// ChatThreads is a page of threads. Next is the query's after for the next page;
// empty on the last one.
type ChatThreads struct {
	Threads []ChatThread `json:"threads"`
	Next    string       `json:"next,omitempty"`
}

// ExportLine is one line of an export; one of its members is set. The first line
// is the thread, the last one the end: an export without it is not complete.
type ExportLine struct {
	Thread      *ChatThread        `json:"thread,omitempty"`
	Participant *ExportParticipant `json:"participant,omitempty"`
	Message     *ExportMessage     `json:"message,omitempty"`
	ReadReceipt *ExportReceipt     `json:"readReceipt,omitempty"`
	End         *ExportEnd         `json:"end,omitempty"`
}

// ExportParticipant is a member of an exported thread, or one who came or went.
type ExportParticipant struct {
	CommunicationIdentifier *acswire.IdentifierModel `json:"communicationIdentifier"`
	DisplayName             string                   `json:"displayName,omitempty"`
	ShareHistoryTime        *time.Time               `json:"shareHistoryTime,omitempty"`
	Metadata                map[string]string        `json:"metadata,omitempty"`
}

// ExportMessage is a message of an exported thread, as the REST API has it.
type ExportMessage struct {
	ID                string                   `json:"id"`
	Type              string                   `json:"type"`
	SequenceID        string                   `json:"sequenceId"`
	Version           string                   `json:"version"`
	Content           *ExportContent           `json:"content,omitempty"`
	SenderDisplayName string                   `json:"senderDisplayName,omitempty"`
	CreatedOn         time.Time                `json:"createdOn"`
	Sender            *acswire.IdentifierModel `json:"senderCommunicationIdentifier,omitempty"`
	DeletedOn         *time.Time               `json:"deletedOn,omitempty"`
	EditedOn          *time.Time               `json:"editedOn,omitempty"`
	Metadata          map[string]string        `json:"metadata,omitempty"`
}

// ExportContent is what a message says.
type ExportContent struct {
	Message      string                   `json:"message,omitempty"`
	Topic        string                   `json:"topic,omitempty"`
	Participants []ExportParticipant      `json:"participants,omitempty"`
	Attachments  []ExportAttachment       `json:"attachments,omitempty"`
	Initiator    *acswire.IdentifierModel `json:"initiatorCommunicationIdentifier,omitempty"`
}

// ExportAttachment is a file of a message; what is in it is not exported.
type ExportAttachment struct {
	ID             string `json:"id"`
	AttachmentType string `json:"attachmentType"`
	Name           string `json:"name,omitempty"`
}

// ExportReceipt says up to which message a member has read.
type ExportReceipt struct {
	Sender        *acswire.IdentifierModel `json:"senderCommunicationIdentifier"`
	ChatMessageID string                   `json:"chatMessageId"`
	ReadOn        time.Time                `json:"readOn"`
}

// ExportEnd is the last line.
type ExportEnd struct {
	Messages int `json:"messages"`
}

// Erasure says what to take out: all that a user wrote (User), or wrote in one
// thread (User and Thread); one message (Thread and Message); a whole thread
// (Thread).
type Erasure struct {
	User    string `json:"user,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Message string `json:"message,omitempty"`
}

// Erased is how much was taken out.
type Erased struct {
	Threads  int `json:"threads"`
	Messages int `json:"messages"`
}

// moderationError tells what chat refused.
func moderationError(err error) error {
	var refused *chat.Error
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Kind == chat.KindNotFound {
		return notFound(refused.Message)
	}
	return badRequest(refused.Message)
}

func (s *Server) serveChatThreads(w http.ResponseWriter, r *http.Request) error {
	of, err := s.resourceOf(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	limit := operatorThreads
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxOperatorThreads {
			return badRequest("limit is 1 to " + strconv.Itoa(maxOperatorThreads) + ".")
		}
		limit = n
	}
	list, err := s.chat.AllThreads(r.Context(), of.ID, query.Get("user"), query.Get("after"), limit)
	if err != nil {
		return err
	}
	answer := ChatThreads{Threads: []ChatThread{}}
	for i := range list {
		answer.Threads = append(answer.Threads, chatThreadOf(&list[i]))
	}
	if len(list) == limit {
		answer.Next = list[limit-1].ID
	}
	return answerJSON(w, http.StatusOK, answer)
}

func (s *Server) serveChatExport(w http.ResponseWriter, r *http.Request) error {
	of, err := s.resourceOf(r)
	if err != nil {
		return err
	}
	lines := &exporter{w: w, control: http.NewResponseController(w)}
	lines.encoder = json.NewEncoder(w)
	lines.encoder.SetEscapeHTML(false)
	err = s.chat.Export(r.Context(), of.ID, r.URL.Query().Get("thread"), lines)
	if err == nil {
		err = lines.end()
	}
	if err != nil && lines.lines > 0 {
		// Too late for another answer: the line that is missing tells.
		s.logger.Warn("an export was cut short", "resource_id", of.ID, "error", err)
		return nil
	}
	return moderationError(err)
}

// exporter writes the lines of an export.
type exporter struct {
	w        io.Writer
	control  *http.ResponseController
	encoder  *json.Encoder
	lines    int
	messages int
}

func (x *exporter) line(l *ExportLine) error {
	if x.lines == 0 {
		if w, ok := x.w.(http.ResponseWriter); ok {
			w.Header().Set(acswire.HeaderContentType, contentTypeLines)
		}
	}
	if x.lines%flushLines == 0 {
		// A reader may be slow as long as it reads on.
		if err := x.control.SetWriteDeadline(time.Now().Add(exportPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	x.lines++
	return x.encoder.Encode(l)
}

func (x *exporter) end() error { return x.line(&ExportLine{End: &ExportEnd{x.messages}}) }

// Thread writes the first line.
func (x *exporter) Thread(t *chat.Thread) error {
	made := chatThreadOf(t)
	return x.line(&ExportLine{Thread: &made})
}

// Participant writes a member.
func (x *exporter) Participant(p *chat.Participant) error {
	made := exportParticipant(p)
	return x.line(&ExportLine{Participant: &made})
}

// Message writes a message.
func (x *exporter) Message(m *chat.Message) error {
	x.messages++
	return x.line(&ExportLine{Message: exportMessage(m)})
}

// Receipt writes how far a member has read.
func (x *exporter) Receipt(r *chat.Receipt) error {
	return x.line(&ExportLine{ReadReceipt: &ExportReceipt{identifierModel(r.User), strconv.FormatInt(r.MessageID, 10), r.Read}})
}

// identifierModel is a raw id as the REST API has it; nil for none.
func identifierModel(raw string) *acswire.IdentifierModel {
	if raw == "" {
		return nil
	}
	parsed, err := ident.Parse(raw)
	if err != nil {
		return &acswire.IdentifierModel{RawID: &raw}
	}
	model := acswire.NewIdentifierModel(parsed)
	return &model
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func chatThreadOf(t *chat.Thread) ChatThread {
	return ChatThread{
		ID: t.ID, Topic: t.Topic, CreatedOn: t.Created, CreatedBy: identifierModel(t.Creator), DeletedOn: timeOrNil(t.Deleted),
		Metadata: t.Metadata, DeleteThreadAfterDays: t.RetentionDays, LastMessageReceivedOn: t.LastMessage,
	}
}

func exportParticipant(p *chat.Participant) ExportParticipant {
	return ExportParticipant{identifierModel(p.User), p.DisplayName, timeOrNil(p.HistoryFrom), p.Metadata}
}

func exportMessage(m *chat.Message) *ExportMessage {
	out := &ExportMessage{
		ID: strconv.FormatInt(m.ID, 10), Type: string(m.Kind), SequenceID: strconv.FormatInt(m.Sequence, 10), Version: strconv.FormatInt(m.Version, 10),
		SenderDisplayName: m.SenderName, CreatedOn: m.Created(), Sender: identifierModel(m.Sender),
		DeletedOn: timeOrNil(m.Deleted), EditedOn: timeOrNil(m.Edited), Metadata: m.Metadata,
	}
	content := ExportContent{Message: m.Content}
	for _, a := range m.Attachments {
		content.Attachments = append(content.Attachments, ExportAttachment{a.ID, a.Kind, a.Name})
	}
	if d := m.Details; d != nil {
		content.Topic, content.Initiator = d.Topic, identifierModel(d.Initiator)
		for i := range d.Participants {
			content.Participants = append(content.Participants, exportParticipant(&d.Participants[i]))
		}
	}
	if m.Deleted.IsZero() {
		out.Content = &content
	}
	return out
}

func (s *Server) serveChatErase(w http.ResponseWriter, r *http.Request) error {
	of, err := s.resourceOf(r)
	if err != nil {
		return err
	}
	var asked Erasure
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return badRequest("The body is not an erasure: JSON with user, thread, message.")
	}
	erasure := chat.Erasure{User: asked.User, Thread: asked.Thread}
	if asked.Message != "" {
		if erasure.Message, err = chat.ParseMessageID(asked.Message); err != nil {
			return moderationError(err)
		}
	}
	if err := erasure.Check(); err != nil {
		return moderationError(err)
	}
	// First what has not left yet; what is told of the erasure comes after it.
	if err := s.forgetEvents(r, of, &asked); err != nil {
		return err
	}
	done, err := s.chat.Erase(r.Context(), of.ID, erasure)
	if err != nil {
		return moderationError(err)
	}
	s.logger.Info("content of threads erased", "resource_id", of.ID, "threads", done.Threads, "messages", done.Messages)
	return answerJSON(w, http.StatusOK, Erased(done))
}

// forgetEvents removes the webhooks' events with what is to be erased.
func (s *Server) forgetEvents(r *http.Request, of *resource.Resource, asked *Erasure) error {
	var texts []string
	if asked.Thread != "" {
		texts = append(texts, `"subject":"thread/`+asked.Thread+"/")
	}
	if asked.User != "" {
		texts = append(texts, "/sender/"+asked.User)
	}
	if asked.Message != "" {
		texts = append(texts, `"messageId":"`+asked.Message+`"`)
	}
	if err := s.webhooks.Forget(r.Context(), of.ID, texts...); err != nil || asked.User == "" {
		return err
	}
	texts[len(texts)-1] = "/editedBy/" + asked.User // a topic
	return s.webhooks.Forget(r.Context(), of.ID, texts...)
}

var _ chat.Exporter = (*exporter)(nil)
