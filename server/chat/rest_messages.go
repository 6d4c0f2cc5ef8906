package chat

import (
	"context"
	"net/http"
	"strconv"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/paging"
)

// restSendMessage answers POST …/messages.
func (s *Service) restSendMessage(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.SendChatMessageRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	n := NewMessage{Kind: MessageText, Content: value(body.Content), SenderName: value(body.SenderDisplayName)}
	if body.Type != nil {
		n.Kind = MessageKind(*body.Type)
	}
	if hasMetadata(r) {
		n.Metadata = body.Metadata
	}
	if sendsAttachments(r) {
		var err error
		if n.Attachments, err = attachmentsOf(body.Attachments); err != nil {
			return nil, err
		}
	}
	return s.send(ctx, r, n)
}

func (s *Service) send(ctx context.Context, r *front.Request, n NewMessage) (*front.Response, error) {
	thread := r.Param(paramThread)
	message, _, err := s.Send(ctx, callerOf(r), thread, n)
	if err != nil {
		return nil, refusal(err)
	}
	id := strconv.FormatInt(message.ID, 10)
	return &front.Response{
		Status: http.StatusCreated, Header: located(r, acswire.ChatMessagePath(thread, id)), Body: acswire.SendChatMessageResult{ID: &id},
	}, nil
}

// hasMetadata tells whether the contract has metadata of messages.
func hasMetadata(r *front.Request) bool {
	return r.Contract.Compare(acswire.VersionChatMetadata()) >= 0
}

// hasAttachments tells whether the contract has attachments of messages.
func hasAttachments(r *front.Request) bool {
	return r.Contract.Compare(acswire.VersionChatAttachments()) >= 0
}

// restListMessages answers GET …/messages.
func (s *Service) restListMessages(ctx context.Context, r *front.Request) (*front.Response, error) {
	messages, next, err := s.messagesPage(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := acswire.ChatMessagesCollection{Value: []acswire.ChatMessage{}, NextLink: next}
	for i := range messages {
		answer.Value = append(answer.Value, messageModel(r, &messages[i]))
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func (s *Service) messagesPage(ctx context.Context, r *front.Request) (messages []Message, next *string, err error) {
	p, err := page(r, paging.ChatTime())
	if err != nil {
		return nil, nil, err
	}
	before, err := after(p, listMessages)
	if err != nil {
		return nil, nil, err
	}
	found, err := s.Messages(ctx, callerOf(r), r.Param(paramThread), p.Start, before, p.Limit())
	if err != nil {
		return nil, nil, refusal(err)
	}
	messages, more := paging.Cut(p, found)
	if more {
		next = new(p.NextAfter(r, here(r), listMessages, strconv.FormatInt(messages[len(messages)-1].ID, 10)))
	}
	return messages, next, nil
}

func messageModel(r *front.Request, message *Message) acswire.ChatMessage {
	m := acswire.ChatMessage{
		ID: new(strconv.FormatInt(message.ID, 10)), Type: new(string(message.Kind)), SequenceID: new(strconv.FormatInt(message.Sequence, 10)),
		Version: new(strconv.FormatInt(message.Version, 10)), CreatedOn: stampOf(message.Created()),
		SenderDisplayName: text(message.SenderName), SenderCommunicationIdentifier: identifier(message.Sender),
		EditedOn: stampOf(message.Edited), DeletedOn: stampOf(message.Deleted),
	}
	if hasMetadata(r) {
		m.Metadata = message.Metadata
	}
	content := &acswire.ChatMessageContent{}
	switch {
	case message.Details != nil:
		content.Topic, content.InitiatorCommunicationIdentifier = text(message.Details.Topic), identifier(message.Details.Initiator)
		for i := range message.Details.Participants {
			content.Participants = append(content.Participants, participantModel(r, &message.Details.Participants[i]))
		}
	default:
		content.Message = &message.Content
		if hasAttachments(r) {
			content.Attachments = attachmentModels(r, message.Attachments)
		}
	}
	m.Content = content
	return m
}

// restGetMessage answers GET …/messages/{chatMessageId}.
func (s *Service) restGetMessage(ctx context.Context, r *front.Request) (*front.Response, error) {
	message, err := s.message(ctx, r)
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: messageModel(r, &message)}, nil
}

func (s *Service) message(ctx context.Context, r *front.Request) (Message, error) {
	id, err := messageID(r)
	if err != nil {
		return Message{}, err
	}
	message, err := s.Message(ctx, callerOf(r), r.Param(paramThread), id)
	return message, refusal(err)
}

// restUpdateMessage answers PATCH …/messages/{chatMessageId}.
func (s *Service) restUpdateMessage(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.UpdateChatMessageRequest
	members, err := decodePatch(r, &body)
	if err != nil {
		return nil, err
	}
	id, err := messageID(r)
	if err != nil {
		return nil, err
	}
	patch := MessagePatch{Content: body.Content}
	if hasMetadata(r) {
		patch.Metadata, patch.NoMetadata = body.Metadata, members.null("metadata")
	}
	if sendsAttachments(r) && (body.Attachments != nil || members.null("attachments")) {
		var given []acswire.ChatAttachment
		if body.Attachments != nil {
			given = *body.Attachments
		}
		attachments, err := attachmentsOf(given)
		if err != nil {
			return nil, err
		}
		patch.Attachments = &attachments
	}
	return noContent(s.UpdateMessage(ctx, callerOf(r), r.Param(paramThread), id, patch))
}

// restDeleteMessage answers DELETE …/messages/{chatMessageId}.
func (s *Service) restDeleteMessage(ctx context.Context, r *front.Request) (*front.Response, error) {
	id, err := messageID(r)
	if err != nil {
		return nil, err
	}
	return noContent(s.DeleteMessage(ctx, callerOf(r), r.Param(paramThread), id))
}
