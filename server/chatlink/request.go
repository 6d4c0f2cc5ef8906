package chatlink

import (
	"context"
	"errors"
	"math"
	"net/http"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// maxRequests and maxRequestBytes bound what one agent may ask for at a time.
	maxRequests     = 256
	maxRequestBytes = 1 << 20
)

var errMalformed = errors.New("chatlink: malformed message")

// request queues what an agent asks for.
func (l *link) request(r *signalpb.ChatRequest) {
	size := r.Size()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if len(l.requests) >= maxRequests || l.requestBytes+size > maxRequestBytes {
		l.tellLocked(resultMessage(&signalpb.ChatResult{
			Number: r.GetNumber(), Code: http.StatusTooManyRequests, Message: "Too much is asked for at once.",
		}))
		return
	}
	l.requests = append(l.requests, r)
	l.requestBytes += size
	if !l.asking {
		l.asking = true
		l.service.run(l.work)
	}
}

// work does what is asked for, in order.
func (l *link) work(ctx context.Context) {
	for {
		l.mu.Lock()
		if len(l.requests) == 0 {
			l.requests, l.requestBytes, l.asking = nil, 0, false
			l.mu.Unlock()
			return
		}
		r := l.requests[0]
		l.requests = l.requests[1:]
		l.requestBytes -= r.Size()
		l.mu.Unlock()
		result := l.do(ctx, r)
		if ctx.Err() != nil {
			return // the agent asks another node, which knows what was done
		}
		l.mu.Lock()
		l.tellLocked(resultMessage(result))
		l.mu.Unlock()
	}
}

// do does one thing.
func (l *link) do(ctx context.Context, r *signalpb.ChatRequest) *signalpb.ChatResult {
	result := &signalpb.ChatResult{Number: r.GetNumber()}
	if refused := l.count(r); refused != nil {
		result.Code, result.Message = http.StatusTooManyRequests, refused.Message()
		result.RetryAfterMs = uint32(min(max(refused.Wait.Milliseconds()+1, 1), math.MaxUint32)) //nolint:gosec // bounded here
		return result
	}
	var err error
	switch action := r.GetAction().(type) {
	case *signalpb.ChatRequest_Send:
		err = l.send(ctx, r.GetThreadId(), action.Send, result)
	case *signalpb.ChatRequest_Typing:
		err = l.service.chat.Typing(ctx, l.caller(), r.GetThreadId(), action.Typing.GetSenderName())
	case *signalpb.ChatRequest_Read:
		id := action.Read.GetMessageId()
		if id > math.MaxInt64 {
			id = 0
		}
		err = l.service.chat.MarkRead(ctx, l.caller(), r.GetThreadId(), int64(id)) //nolint:gosec // bounded above
	default:
		err = &chat.Error{Kind: chat.KindInvalid, Message: "The request is not known here."}
	}
	var refused *chat.Error
	switch {
	case err == nil:
	case errors.As(err, &refused):
		result.Code, result.Message = codeOf(refused), refused.Message
		if result.Message == "" {
			result.Message = "The request is not valid."
		}
	default:
		if ctx.Err() == nil {
			l.service.logger.Warn("request of a session", "error", err)
		}
		result.Code, result.Message = http.StatusServiceUnavailable, "The service cannot do it now."
	}
	return result
}

func (l *link) send(ctx context.Context, thread string, m *signalpb.ChatSend, result *signalpb.ChatResult) error {
	if m.GetClientId() == "" {
		return &chat.Error{Kind: chat.KindInvalid, Message: "The client's message id is missing."}
	}
	message, repeated, err := l.service.chat.Send(ctx, l.caller(), thread, chat.NewMessage{
		Kind: chat.MessageKind(m.GetKind()), Content: m.GetContent(), SenderName: m.GetSenderName(),
		Metadata: m.GetMetadata(), ClientID: m.GetClientId(),
	})
	if err != nil {
		return err
	}
	result.MessageId, result.Repeated = number(message.ID), repeated
	return nil
}

func codeOf(err *chat.Error) uint32 {
	switch err.Kind {
	case chat.KindInvalid:
		return http.StatusBadRequest
	case chat.KindForbidden:
		return http.StatusForbidden
	case chat.KindNotFound:
		return http.StatusNotFound
	case chat.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	default:
		return http.StatusBadRequest
	}
}
