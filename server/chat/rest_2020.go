package chat

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// Kinds of things in an answer of 2020-09-21-preview2.
const (
	thing2020Thread = "Thread"
	thing2020Member = "ThreadMember"
)

// members2020 reads the members of a request.
func members2020(given []acswire.ChatMemberV2020) ([]Participant, error) {
	participants := make([]Participant, 0, len(given))
	for i := range given {
		p := Participant{User: value(given[i].ID), DisplayName: value(given[i].DisplayName)}
		var err error
		if p.HistoryFrom, err = historyFrom(given[i].ShareHistoryTime); err != nil {
			return nil, err
		}
		participants = append(participants, p)
	}
	return participants, nil
}

// status2020 tells what became of the members of a request.
func status2020(given []Participant, invalid []Invalid) []acswire.IndividualStatusV2020 {
	refused := map[string]Invalid{}
	for _, one := range invalid {
		refused[one.User] = one
	}
	list := make([]acswire.IndividualStatusV2020, 0, len(given))
	for i := range given {
		one := acswire.IndividualStatusV2020{ID: &given[i].User, StatusCode: new(int32(http.StatusCreated)), Type: new(thing2020Member)}
		if r, ok := refused[given[i].User]; ok {
			one.StatusCode, one.Message = new(int32(http.StatusForbidden)), &r.Message
		}
		list = append(list, one)
	}
	return list
}

func (s *Service) restCreateThread2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.CreateChatThreadRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	members, err := members2020(body.Members)
	if err != nil {
		return nil, err
	}
	thread, invalid, err := s.CreateThread(ctx, callerOf(r), NewThread{Topic: value(body.Topic), Participants: members})
	if err != nil {
		return nil, refusal(err)
	}
	list := []acswire.IndividualStatusV2020{{ID: &thread.ID, StatusCode: new(int32(http.StatusCreated)), Type: new(thing2020Thread)}}
	return &front.Response{
		Status: http.StatusMultiStatus, Header: located(r, acswire.ChatThreadPath(thread.ID)),
		Body: acswire.MultiStatusV2020{MultipleStatus: append(list, status2020(members, invalid)...)},
	}, nil
}

func (s *Service) restListThreads2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	threads, next, err := s.threadsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatThreadsInfoCollectionV2020{NextLink: next}
	for i := range threads {
		t := &threads[i]
		answer.Value = append(answer.Value, acswire.ChatThreadInfoV2020{
			ID: &t.ID, Topic: &t.Topic, IsDeleted: new(!t.Deleted.IsZero()), LastMessageReceivedOn: stampOf(t.LastMessage),
		})
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) restGetThread2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	caller, id := callerOf(r), r.Param(paramThread)
	thread, err := s.Thread(ctx, caller, id)
	if err != nil {
		return nil, refusal(err)
	}
	members, err := s.Participants(ctx, caller, id, 0, MaxParticipants)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.ChatThreadV2020{
		ID: &thread.ID, Topic: &thread.Topic, CreatedOn: stampOf(thread.Created), CreatedBy: &thread.Creator, Members: memberModels2020(members),
	}}, nil
}

func memberModels2020(members []Participant) []acswire.ChatMemberV2020 {
	var models []acswire.ChatMemberV2020
	for i := range members {
		p := &members[i]
		models = append(models, acswire.ChatMemberV2020{
			ID: &p.User, DisplayName: text(p.DisplayName),
			ShareHistoryTime: new(time.UnixMilli(milliseconds(p.HistoryFrom)).UTC().Format(restTime)),
		})
	}
	return models
}

func (s *Service) restUpdateThread2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.UpdateChatThreadRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	return done(s.UpdateThread(ctx, callerOf(r), r.Param(paramThread), ThreadPatch{Topic: body.Topic}), http.StatusOK)
}

func checkPriority2020(priority *string) error {
	switch value(priority) {
	case "", acswire.ChatPriorityNormalV2020, acswire.ChatPriorityHighV2020:
		return nil
	}
	return badValue("priority", "The priority must be Normal or High.")
}

func (s *Service) restSendMessage2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.SendChatMessageRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if err := checkPriority2020(body.Priority); err != nil {
		return nil, err
	}
	return s.send(ctx, r, NewMessage{Kind: MessageText, Content: value(body.Content), SenderName: value(body.SenderDisplayName)})
}

func (s *Service) restListMessages2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	messages, next, err := s.messagesPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatMessagesCollectionV2020{NextLink: next}
	for i := range messages {
		answer.Value = append(answer.Value, messageModel2020(&messages[i]))
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

// messageModel2020 is a message of that version, whose texts are all plain and
// whose priority is not kept.
func messageModel2020(message *Message) acswire.ChatMessageV2020 {
	m := acswire.ChatMessageV2020{
		ID: new(strconv.FormatInt(message.ID, 10)), Priority: new(acswire.ChatPriorityNormalV2020), Version: new(strconv.FormatInt(message.Version, 10)),
		SenderDisplayName: text(message.SenderName), CreatedOn: stampOf(message.Created()), SenderID: text(message.Sender),
		DeletedOn: stampOf(message.Deleted), EditedOn: stampOf(message.Edited),
	}
	switch message.Kind {
	case MessageText, MessageHTML:
		m.Type, m.Content = new("Text"), &message.Content
	case MessageTopicUpdated:
		m.Type = new("ThreadActivity/TopicUpdate")
	case MessageParticipantsAdded:
		m.Type = new("ThreadActivity/AddMember")
	case MessageParticipantsRemoved:
		m.Type = new("ThreadActivity/DeleteMember")
	}
	if message.Details != nil {
		m.Content, m.SenderID = text(message.Details.Topic), text(message.Details.Initiator)
	}
	return m
}

func (s *Service) restGetMessage2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	message, err := s.message(ctx, r)
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: messageModel2020(&message)}, nil
}

func (s *Service) restUpdateMessage2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.UpdateChatMessageRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if err := checkPriority2020(body.Priority); err != nil {
		return nil, err
	}
	id, err := messageID(r)
	if err != nil {
		return nil, err
	}
	return done(s.UpdateMessage(ctx, callerOf(r), r.Param(paramThread), id, MessagePatch{Content: body.Content}), http.StatusOK)
}

func (s *Service) restListMembers2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	list, next, err := s.participantsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.ChatMembersCollectionV2020{Value: memberModels2020(list), NextLink: next}}, nil
}

func (s *Service) restAddMembers2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.AddChatMembersRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	members, err := members2020(body.Members)
	if err != nil {
		return nil, err
	}
	// Who was refused the contract has no place for.
	_, err = s.AddParticipants(ctx, callerOf(r), r.Param(paramThread), members)
	return done(err, http.StatusMultiStatus)
}

func (s *Service) restRemoveMember2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	return noContent(s.RemoveParticipant(ctx, callerOf(r), r.Param(paramThread), r.Param("chatMemberId")))
}

func (s *Service) restListReadReceipts2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	list, next, err := s.receiptsPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatReadReceiptsCollectionV2020{NextLink: next}
	for i := range list {
		answer.Value = append(answer.Value, acswire.ChatReadReceiptV2020{
			SenderID: &list[i].User, ChatMessageID: new(strconv.FormatInt(list[i].MessageID, 10)), ReadOn: stampOf(list[i].Read),
		})
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) restSendReadReceipt2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	return s.markRead(ctx, r, http.StatusCreated)
}
