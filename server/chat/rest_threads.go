package chat

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/paging"
)

// Names of lists, which keep the links to their pages apart.
const (
	listThreads  = "chat threads"
	listMessages = "chat messages"
)

// restCreateThread answers POST /chat/threads.
func (s *Service) restCreateThread(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.CreateChatThreadRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	participants, err := participantsOf(r, body.Participants)
	if err != nil {
		return nil, err
	}
	n := NewThread{Topic: value(body.Topic), Participants: participants, RequestID: r.Header(acswire.HeaderRepeatabilityID)}
	if len(n.RequestID) > maxRequestID {
		return nil, badValue(acswire.HeaderRepeatabilityID, "The id of the request is longer than "+strconv.Itoa(maxRequestID)+" bytes.")
	}
	if hasProperties(r) {
		n.Metadata = body.Metadata
		if n.RetentionDays, err = retentionOf(body.RetentionPolicy); err != nil {
			return nil, err
		}
	}
	thread, invalid, err := s.CreateThread(ctx, callerOf(r), n)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{
		Status: http.StatusCreated, Header: located(r, acswire.ChatThreadPath(thread.ID)),
		Body: acswire.CreateChatThreadResult{ChatThread: threadModel(r, &thread), InvalidParticipants: invalidModels(invalid)},
	}, nil
}

// maxRequestID bounds the id that makes a creation repeatable.
const maxRequestID = 128

// hasProperties tells whether the contract has metadata and retention policies
// of threads.
func hasProperties(r *front.Request) bool {
	return r.Contract.Compare(acswire.VersionChatProperties()) >= 0
}

func retentionOf(p *acswire.ChatRetentionPolicy) (days int, err error) {
	switch {
	case p == nil || value(p.Kind) == acswire.ChatRetentionNone:
		return 0, nil
	case value(p.Kind) != acswire.ChatRetentionThreadCreationDate:
		return 0, badValue("retentionPolicy", "The kind of the retention policy must be "+acswire.ChatRetentionThreadCreationDate+" or "+acswire.ChatRetentionNone+".")
	case p.DeleteThreadAfterDays == nil || *p.DeleteThreadAfterDays == 0:
		return 0, badValue("retentionPolicy", "deleteThreadAfterDays is missing.")
	}
	return int(*p.DeleteThreadAfterDays), nil
}

func threadModel(r *front.Request, t *Thread) *acswire.ChatThreadProperties {
	m := &acswire.ChatThreadProperties{
		ID: &t.ID, Topic: &t.Topic, CreatedOn: stampOf(t.Created), CreatedByCommunicationIdentifier: identifier(t.Creator), DeletedOn: stampOf(t.Deleted),
	}
	if !hasProperties(r) {
		return m
	}
	m.Metadata = t.Metadata
	m.RetentionPolicy = &acswire.ChatRetentionPolicy{Kind: new(acswire.ChatRetentionNone)}
	if t.RetentionDays != 0 {
		m.RetentionPolicy = &acswire.ChatRetentionPolicy{
			Kind: new(acswire.ChatRetentionThreadCreationDate), DeleteThreadAfterDays: new(int32(t.RetentionDays)), //nolint:gosec // G115: 90 at most
		}
	}
	return m
}

func invalidModels(invalid []Invalid) []acswire.Error {
	var models []acswire.Error
	for _, one := range invalid {
		models = append(models, acswire.Error{Code: one.Code, Message: one.Message, Target: one.User})
	}
	return models
}

// restListThreads answers GET /chat/threads.
func (s *Service) restListThreads(ctx context.Context, r *front.Request) (*front.Response, error) {
	threads, next, err := s.threadsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatThreadsItemCollection{Value: []acswire.ChatThreadItem{}, NextLink: next}
	for i := range threads {
		t := &threads[i]
		answer.Value = append(answer.Value, acswire.ChatThreadItem{
			ID: &t.ID, Topic: &t.Topic, DeletedOn: stampOf(t.Deleted), LastMessageReceivedOn: stampOf(t.LastMessage),
		})
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) threadsPage(ctx context.Context, r *front.Request) (threads []Thread, next *string, err error) {
	p, err := page(r, paging.ChatTime())
	if err != nil {
		return nil, nil, err
	}
	var position Position
	key, err := p.After(listThreads, 2)
	if err != nil {
		return nil, nil, badPage(err)
	}
	if key != nil {
		last, err := strconv.ParseInt(key[0], 10, 64)
		if err != nil {
			return nil, nil, badValue("", "The link to the page is not one of this service.")
		}
		position = Position{Last: time.UnixMilli(last), ID: key[1]}
	}
	found, err := s.Threads(ctx, callerOf(r), p.Start, position, p.Limit())
	if err != nil {
		return nil, nil, refusal(err)
	}
	threads, more := paging.Cut(p, found)
	if more {
		last := &threads[len(threads)-1]
		next = new(p.NextAfter(r, acswire.RouteChatThreads, listThreads, strconv.FormatInt(last.LastMessage.UnixMilli(), 10), last.ID))
	}
	return threads, next, nil
}

// restGetThread answers GET /chat/threads/{chatThreadId}.
func (s *Service) restGetThread(ctx context.Context, r *front.Request) (*front.Response, error) {
	thread, err := s.Thread(ctx, callerOf(r), r.Param(paramThread))
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: threadModel(r, &thread)}, nil
}

// restUpdateThread answers PATCH /chat/threads/{chatThreadId}.
func (s *Service) restUpdateThread(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.UpdateChatThreadRequest
	members, err := decodePatch(r, &body)
	if err != nil {
		return nil, err
	}
	patch := ThreadPatch{Topic: body.Topic}
	if hasProperties(r) {
		patch.Metadata, patch.NoMetadata = body.Metadata, members.null("metadata")
		if body.RetentionPolicy != nil || members.null("retentionPolicy") {
			days, err := retentionOf(body.RetentionPolicy)
			if err != nil {
				return nil, err
			}
			patch.RetentionDays = &days
		}
	}
	return noContent(s.UpdateThread(ctx, callerOf(r), r.Param(paramThread), patch))
}

// patchMembers are the members of a merge patch (RFC 7396): null takes one away.
type patchMembers map[string]json.RawMessage

// null tells whether a member is null. Its name is found in any case, as the
// model's is.
func (p patchMembers) null(name string) bool {
	for member, value := range p {
		if strings.EqualFold(member, name) {
			return string(value) == "null"
		}
	}
	return false
}

// decodePatch reads a patch, and which members it has.
func decodePatch(r *front.Request, body any) (patchMembers, error) {
	if err := r.Decode(body); err != nil {
		return nil, err
	}
	var members patchMembers
	return members, r.Decode(&members)
}

// restDeleteThread answers DELETE /chat/threads/{chatThreadId}.
func (s *Service) restDeleteThread(ctx context.Context, r *front.Request) (*front.Response, error) {
	return noContent(s.DeleteThread(ctx, callerOf(r), r.Param(paramThread)))
}

// participantsOf reads those that a request is about.
func participantsOf(r *front.Request, given []acswire.ChatParticipant) ([]Participant, error) {
	participants := make([]Participant, 0, len(given))
	for i := range given {
		g := &given[i]
		raw, err := rawID(g.CommunicationIdentifier)
		if err != nil {
			return nil, err
		}
		p := Participant{User: raw, DisplayName: value(g.DisplayName)}
		if p.HistoryFrom, err = historyFrom(g.ShareHistoryTime); err != nil {
			return nil, err
		}
		if hasProperties(r) {
			p.Metadata = g.Metadata
		}
		participants = append(participants, p)
	}
	return participants, nil
}

// historyFrom reads a time from which on history is shared; zero when absent.
func historyFrom(given *string) (time.Time, error) {
	if value(given) == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, *given)
	if err != nil || at.Year() > maxYear {
		return time.Time{}, badValue("shareHistoryTime", "shareHistoryTime must be a time as in RFC 3339.")
	}
	if at.UnixMilli() < 0 {
		at = time.UnixMilli(0) // .NET's smallest time means everything
	}
	return at.UTC(), nil
}

// maxYear bounds times, whose milliseconds must fit.
const maxYear = 9999

func participantModel(r *front.Request, p *Participant) acswire.ChatParticipant {
	m := acswire.ChatParticipant{
		CommunicationIdentifier: identifier(p.User), DisplayName: text(p.DisplayName),
		ShareHistoryTime: new(time.UnixMilli(milliseconds(p.HistoryFrom)).UTC().Format(restTime)),
	}
	if hasProperties(r) {
		m.Metadata = p.Metadata
	}
	return m
}

// restListParticipants answers GET …/participants.
func (s *Service) restListParticipants(ctx context.Context, r *front.Request) (*front.Response, error) {
	list, next, err := s.participantsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatParticipantsCollection{Value: []acswire.ChatParticipant{}, NextLink: next}
	for i := range list {
		answer.Value = append(answer.Value, participantModel(r, &list[i]))
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) participantsPage(ctx context.Context, r *front.Request) (list []Participant, next *string, err error) {
	p, err := page(r, paging.ChatSkip())
	if err != nil {
		return nil, nil, err
	}
	found, err := s.Participants(ctx, callerOf(r), r.Param(paramThread), p.Skip, p.Limit())
	if err != nil {
		return nil, nil, refusal(err)
	}
	list, more := paging.Cut(p, found)
	if more {
		next = new(p.Next(r, here(r), len(list)))
	}
	return list, next, nil
}

// restAddParticipants answers POST …/participants/:add.
func (s *Service) restAddParticipants(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.AddChatParticipantsRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	participants, err := participantsOf(r, body.Participants)
	if err != nil {
		return nil, err
	}
	invalid, err := s.AddParticipants(ctx, callerOf(r), r.Param(paramThread), participants)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusCreated, Body: acswire.AddChatParticipantsResult{InvalidParticipants: invalidModels(invalid)}}, nil
}

// restRemoveParticipant answers POST …/participants/:remove.
func (s *Service) restRemoveParticipant(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.IdentifierModel
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	raw, err := rawID(&body)
	if err != nil {
		return nil, err
	}
	return noContent(s.RemoveParticipant(ctx, callerOf(r), r.Param(paramThread), raw))
}
