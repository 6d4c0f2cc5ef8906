package chatlink

import (
	"encoding/json"
	"strconv"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// count counts a request as the one of REST that does the same. What it returns
// says that it has to wait.
func (l *link) count(r *signalpb.ChatRequest) *limits.Refusal {
	if l.service.limits == nil {
		return nil
	}
	call := limits.Call{ResourceID: l.resource, User: l.user, Param: func(name string) string {
		if name == "chatThreadId" {
			return r.GetThreadId()
		}
		return ""
	}}
	var body any
	switch action := r.GetAction().(type) {
	case *signalpb.ChatRequest_Send:
		m := action.Send
		call.Operation = acswire.OpChatSendMessage
		body = acswire.SendChatMessageRequest{
			Content: given(m.GetContent()), Type: given(m.GetKind()), SenderDisplayName: given(m.GetSenderName()), Metadata: m.GetMetadata(),
		}
	case *signalpb.ChatRequest_Typing:
		call.Operation = acswire.OpChatSendTyping
		body = acswire.SendTypingNotificationRequest{SenderDisplayName: given(action.Typing.GetSenderName())}
	case *signalpb.ChatRequest_Read:
		call.Operation = acswire.OpChatSendReadReceipt
		body = acswire.SendReadReceiptRequest{ChatMessageID: new(strconv.FormatUint(action.Read.GetMessageId(), 10))}
	default:
		return nil
	}
	call.Body, _ = json.Marshal(body) // for rules about members; texts cannot fail
	return l.service.limits.Take(call)
}

// given is a text of a body; nil for an empty one.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
