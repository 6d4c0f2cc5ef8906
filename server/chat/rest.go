package chat

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/paging"
)

// restTime is the contract's way to write times: whole seconds, as recorded.
const restTime = "2006-01-02T15:04:05Z"

// defaultPage is the size of a page when a request does not say.
const defaultPage = 100

// Values of paths.
const (
	paramThread  = "chatThreadId"
	paramMessage = "chatMessageId"
)

// Area returns the routes of the chat area.
func (s *Service) Area() front.Area {
	return front.Area{Area: acswire.AreaChat, Errors: errorShape, Handlers: map[string]front.Handler{
		acswire.OpChatCreateThread:      s.restCreateThread,
		acswire.OpChatListThreads:       s.restListThreads,
		acswire.OpChatGetThread:         s.restGetThread,
		acswire.OpChatUpdateThread:      s.restUpdateThread,
		acswire.OpChatDeleteThread:      s.restDeleteThread,
		acswire.OpChatSendMessage:       s.restSendMessage,
		acswire.OpChatListMessages:      s.restListMessages,
		acswire.OpChatGetMessage:        s.restGetMessage,
		acswire.OpChatUpdateMessage:     s.restUpdateMessage,
		acswire.OpChatDeleteMessage:     s.restDeleteMessage,
		acswire.OpChatListParticipants:  s.restListParticipants,
		acswire.OpChatAddParticipants:   s.restAddParticipants,
		acswire.OpChatRemoveParticipant: s.restRemoveParticipant,
		acswire.OpChatListReadReceipts:  s.restListReadReceipts,
		acswire.OpChatSendReadReceipt:   s.restSendReadReceipt,
		acswire.OpChatSendTyping:        s.restSendTyping,
		acswire.OpChatUploadImage:       s.restUploadImage,
		acswire.OpChatGetImage:          s.restGetImage,
		acswire.OpChatDeleteImage:       s.restDeleteImage,

		acswire.OpChatCreateThreadV2020:     s.restCreateThread2020,
		acswire.OpChatListThreadsV2020:      s.restListThreads2020,
		acswire.OpChatGetThreadV2020:        s.restGetThread2020,
		acswire.OpChatUpdateThreadV2020:     s.restUpdateThread2020,
		acswire.OpChatDeleteThreadV2020:     s.restDeleteThread,
		acswire.OpChatSendMessageV2020:      s.restSendMessage2020,
		acswire.OpChatListMessagesV2020:     s.restListMessages2020,
		acswire.OpChatGetMessageV2020:       s.restGetMessage2020,
		acswire.OpChatUpdateMessageV2020:    s.restUpdateMessage2020,
		acswire.OpChatDeleteMessageV2020:    s.restDeleteMessage,
		acswire.OpChatListMembersV2020:      s.restListMembers2020,
		acswire.OpChatAddMembersV2020:       s.restAddMembers2020,
		acswire.OpChatRemoveMemberV2020:     s.restRemoveMember2020,
		acswire.OpChatListReadReceiptsV2020: s.restListReadReceipts2020,
		acswire.OpChatSendReadReceiptV2020:  s.restSendReadReceipt2020,
		acswire.OpChatSendTypingV2020:       s.restSendTyping,
	}}
}

// errorShape is the capital envelope of the chat area; newer contracts have the
// usual one, the first has none.
func errorShape(e *front.Error, version acswire.ServedVersion) any {
	usual := acswire.Error{Code: e.Code, Message: e.Message, Target: e.Target, Details: e.Details, InnerError: e.Inner}
	switch {
	case version.Version.IsZero() || version.Contract.Compare(acswire.VersionChatErrors()) >= 0:
		return acswire.ErrorResponse{Error: usual}
	case version.Contract == acswire.VersionChatFirst():
		return usual
	}
	detail := acswire.ChatErrorDetail{Code: e.Code, Message: e.Message, Target: e.Target, Details: []acswire.ChatErrorDetail{}}
	for _, d := range e.Details {
		detail.Details = append(detail.Details, acswire.ChatErrorDetail{
			Code: d.Code, Message: d.Message, Target: d.Target, Details: []acswire.ChatErrorDetail{},
		})
	}
	return acswire.ChatErrorResponse{CommunicationError: detail}
}

// refusal is the contract's form of the errors of this package.
func refusal(err error) error {
	var refused *Error
	if !errors.As(err, &refused) {
		return err
	}
	e := &front.Error{Message: refused.Message}
	switch refused.Kind {
	case KindInvalid:
		e.Status, e.Code = http.StatusBadRequest, acswire.CodeBadRequest
	case KindForbidden:
		e.Status, e.Code = http.StatusForbidden, acswire.CodeForbidden
	case KindNotFound:
		e.Status, e.Code = http.StatusNotFound, acswire.CodeNotFound
	case KindTooLarge:
		e.Status, e.Code = http.StatusRequestEntityTooLarge, acswire.CodePayloadTooLarge
	}
	if e.Message == "" {
		e.Message = "The request is not valid."
	}
	return e
}

func badValue(target, message string) error {
	return &front.Error{Status: http.StatusBadRequest, Code: acswire.CodeBadRequest, Message: message, Target: target}
}

// callerOf returns who sent a request.
func callerOf(r *front.Request) *Caller {
	u := &r.Principal.User
	return &Caller{User: u.RawID, Resource: u.ResourceID, Scopes: u.Scopes}
}

// identifier is a user as the contract tells of one; recorded answers have no
// kind.
func identifier(raw string) *acswire.IdentifierModel {
	id, err := ident.Parse(raw)
	if err != nil || raw == "" {
		return nil
	}
	m := acswire.NewIdentifierModel(id)
	m.Kind = nil
	return &m
}

// rawID returns the raw id that a request means.
func rawID(m *acswire.IdentifierModel) (string, error) {
	if m == nil {
		return "", badValue("communicationIdentifier", "An identifier is missing.")
	}
	given := ""
	switch {
	case m.CommunicationUser != nil && m.CommunicationUser.ID != nil:
		given = *m.CommunicationUser.ID
	case m.RawID != nil:
		given = *m.RawID
	}
	id, err := m.Identifier()
	if err != nil {
		return "", badValue("", "Identifier format is invalid ("+given+").")
	}
	return id.RawID(), nil
}

// stampOf is a time of an answer; nil for none.
func stampOf(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(restTime))
}

// text is a text of an answer; nil for an empty one.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// page reads the paging parameters of a request.
func page(r *front.Request, d paging.Dialect) (*paging.Page, error) {
	p, err := d.WithSizes(defaultPage, MaxPage).Parse(r.Query())
	if err != nil {
		return nil, badPage(err)
	}
	return p, nil
}

func badPage(err error) error {
	var bad *paging.ParameterError
	if errors.As(err, &bad) {
		return badValue(bad.Parameter, bad.Message)
	}
	return err
}

// after reads the number behind which a page begins; 0 on the first.
func after(p *paging.Page, list string) (int64, error) {
	key, err := p.After(list, 1)
	if err != nil {
		return 0, badPage(err)
	}
	if key == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(key[0], 10, 64)
	if err != nil || n <= 0 {
		return 0, badValue("", "The link to the page is not one of this service.")
	}
	return n, nil
}

// messageID reads the id of a message in the path.
func messageID(r *front.Request) (int64, error) {
	id, err := ParseMessageID(r.Param(paramMessage))
	return id, refusal(err)
}

// located is the header of an answer about what was made.
func located(r *front.Request, path string) http.Header {
	return http.Header{acswire.HeaderLocation: {r.URL(path)}}
}

func noContent(err error) (*front.Response, error) {
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}

func done(err error, status int) (*front.Response, error) {
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: status}, nil
}

// restSendTyping answers POST …/typing.
func (s *Service) restSendTyping(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.SendTypingNotificationRequest
	if r.Operation.Request != nil {
		if err := r.Decode(&body); err != nil {
			return nil, err
		}
	}
	return done(s.Typing(ctx, callerOf(r), r.Param(paramThread), value(body.SenderDisplayName)), http.StatusOK)
}

// markRead answers the two ways to say what was read.
func (s *Service) markRead(ctx context.Context, r *front.Request, status int) (*front.Response, error) {
	var body acswire.SendReadReceiptRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	id, err := ParseMessageID(value(body.ChatMessageID))
	if err != nil {
		return nil, refusal(err)
	}
	return done(s.MarkRead(ctx, callerOf(r), r.Param(paramThread), id), status)
}

func (s *Service) restSendReadReceipt(ctx context.Context, r *front.Request) (*front.Response, error) {
	return s.markRead(ctx, r, http.StatusOK)
}

// restListReadReceipts answers GET …/readReceipts.
func (s *Service) restListReadReceipts(ctx context.Context, r *front.Request) (*front.Response, error) {
	list, next, err := s.receiptsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatMessageReadReceiptsCollection{Value: []acswire.ChatMessageReadReceipt{}, NextLink: next}
	for _, one := range list {
		answer.Value = append(answer.Value, acswire.ChatMessageReadReceipt{
			SenderCommunicationIdentifier: identifier(one.User), ChatMessageID: new(strconv.FormatInt(one.MessageID, 10)), ReadOn: stampOf(one.Read),
		})
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) receiptsPage(ctx context.Context, r *front.Request) (list []Receipt, next *string, err error) {
	p, err := page(r, paging.ChatSkip())
	if err != nil {
		return nil, nil, err
	}
	found, err := s.Receipts(ctx, callerOf(r), r.Param(paramThread), p.Skip, p.Limit())
	if err != nil {
		return nil, nil, refusal(err)
	}
	list, more := paging.Cut(p, found)
	if more {
		next = new(p.Next(r, here(r), len(list)))
	}
	return list, next, nil
}

// here is the escaped path of the list that was asked for.
func here(r *front.Request) string {
	thread := acswire.ChatThreadPath(r.Param(paramThread))
	return strings.Replace(r.Operation.Route, acswire.RouteChatThread, thread, 1)
}
