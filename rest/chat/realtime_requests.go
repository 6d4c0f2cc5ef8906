package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// The service ends a session whose frames come too fast; these stay below
	// what it takes, a frame counting one more for each 4 KiB.
	framesPerSecond = 60
	framesBurst     = 200
	frameUnit       = 4 << 10
	// maxAsked is how much may be asked for at a time; more waits.
	maxAsked = 128
	// retryPause is how long something is left alone that the service could not
	// do at the moment.
	retryPause = 500 * time.Millisecond
)

// request is something that the service is asked for.
type request struct {
	message  *signaling.Message
	number   uint64
	size     int
	sent     bool // in the session that is there now
	after    time.Time
	answered chan *signalpb.ChatResult // nil result: closed
}

// requests are those without an answer, in the order in which they were made.
type requests struct {
	*requestsState
}

type requestsState struct {
	mu      sync.Mutex
	next    uint64
	waiting []*request
	failed  error
	slots   chan struct{}
	wake    chan struct{}
	empty   chan struct{} // closed while nothing waits
}

func newRequests() requests {
	empty := make(chan struct{})
	close(empty)
	return requests{&requestsState{slots: make(chan struct{}, maxAsked), wake: make(chan struct{}, 1), empty: empty}}
}

func (q requests) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// add queues a request.
func (q requests) add(ask *signalpb.ChatRequest) (*request, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed != nil {
		return nil, q.failed
	}
	q.next++
	ask.Number = q.next
	r := &request{
		message: &signaling.Message{Body: &signalpb.Message_ChatRequest{ChatRequest: ask}}, number: q.next,
		answered: make(chan *signalpb.ChatResult, 1),
	}
	r.size = r.message.Size()
	if r.size > signaling.MaxMessage {
		return nil, &RefusedError{StatusCode: http.StatusRequestEntityTooLarge, Message: "The message is too large."}
	}
	if len(q.waiting) == 0 {
		q.empty = make(chan struct{})
	}
	q.waiting = append(q.waiting, r)
	q.signal()
	return r, nil
}

// remove forgets a request.
func (q requests) remove(number uint64) *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.waiting, func(r *request) bool { return r.number == number })
	if i < 0 {
		return nil
	}
	r := q.waiting[i]
	q.waiting = slices.Delete(q.waiting, i, i+1)
	if len(q.waiting) == 0 {
		close(q.empty)
	}
	return r
}

// again has everything asked again that has no answer: the session is another.
func (q requests) again() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.waiting {
		r.sent = false
	}
	q.signal()
}

// retry has one request asked again after a pause. It reports false for one
// that nobody waits for.
func (q requests) retry(number uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.waiting {
		if r.number == number {
			r.sent, r.after = false, time.Now().Add(retryPause)
			q.signal()
			return true
		}
	}
	return false
}

// unsent returns the next request to send, and how long until one is due.
func (q requests) unsent() (r *request, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, r := range q.waiting {
		if r.sent {
			continue
		}
		if left := r.after.Sub(now); left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		r.sent = true
		return r, 0
	}
	return nil, wait
}

func (q requests) unsend(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.sent, r.after = false, time.Now().Add(retryPause/10)
}

// fail ends all requests.
func (q requests) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed != nil {
		return
	}
	q.failed = err
	for _, r := range q.waiting {
		close(r.answered)
	}
	if len(q.waiting) > 0 {
		q.waiting = nil
		close(q.empty)
	}
}

// idle waits until nothing waits for an answer.
func (q requests) idle(ctx context.Context) error {
	q.mu.Lock()
	empty := q.empty
	q.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pump sends what is asked for, at the pace that the service takes.
func (r *Realtime) pump() {
	defer close(r.pumped)
	tokens, last := float64(framesBurst), time.Now()
	for {
		ask, wait := r.requests.unsent()
		if ask == nil {
			if !r.rest(wait) {
				return
			}
			continue
		}
		now := time.Now()
		tokens = min(framesBurst, tokens+now.Sub(last).Seconds()*framesPerSecond)
		last = now
		tokens -= float64(1 + ask.size/frameUnit)
		if tokens < 0 && !r.sleep(time.Duration(-tokens/framesPerSecond*float64(time.Second))) {
			return
		}
		if err := r.client.Send(ask.message); err != nil {
			// Too much waits, or the session was lost: another one is coming.
			r.requests.unsend(ask)
		}
	}
}

// rest waits until there is something to send, at most for a time when it is
// not zero. It reports false at the end.
func (r *Realtime) rest(limit time.Duration) bool {
	var due <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-r.requests.wake:
		return true
	case <-due:
		return true
	case <-r.closed:
		return false
	}
}

func (r *Realtime) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.closed:
		return false
	}
}

// answered takes an answer of the service.
func (r *Realtime) answered(result *signalpb.ChatResult) {
	// A limit is for the caller to know; what the service is too busy for passes.
	busy := result.GetCode() == http.StatusTooManyRequests && result.GetRetryAfterMs() == 0
	if busy || result.GetCode() >= http.StatusInternalServerError {
		r.requests.retry(result.GetNumber())
		return
	}
	if ask := r.requests.remove(result.GetNumber()); ask != nil {
		ask.answered <- result
	}
}

// ask asks for one thing and waits for the answer. What the service cannot do
// at the moment is asked again until the context ends; beyond a limit it is
// refused.
func (r *Realtime) ask(ctx context.Context, ask *signalpb.ChatRequest) (*signalpb.ChatResult, error) {
	if ask.GetThreadId() == "" {
		return nil, fmt.Errorf("%w: no thread", core.ErrInvalidParameter)
	}
	r.mu.Lock()
	phase := r.phase
	r.mu.Unlock()
	switch phase {
	case realtimeIdle, realtimeStarting:
		return nil, ErrNotStarted
	case realtimeClosed:
		return nil, ErrClosed
	case realtimeRunning:
	}
	select {
	case r.requests.slots <- struct{}{}:
		defer func() { <-r.requests.slots }()
	case <-r.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("chat: %w", context.Cause(ctx))
	}
	waiting, err := r.requests.add(ask)
	if err != nil {
		return nil, err
	}
	select {
	case result, ok := <-waiting.answered:
		switch {
		case !ok:
			return nil, ErrClosed
		case result.GetCode() != 0:
			return nil, &RefusedError{
				StatusCode: int(result.GetCode()), Message: result.GetMessage(),
				RetryAfter: time.Duration(result.GetRetryAfterMs()) * time.Millisecond,
			}
		}
		return result, nil
	case <-ctx.Done():
		r.requests.remove(waiting.number)
		return nil, fmt.Errorf("chat: %w", context.Cause(ctx))
	}
}

// SendMessage writes into a thread and returns when the message is durable.
// However often the connection is lost meanwhile, the message is written once;
// when the context ends before the answer it may be written or not, and sending
// it again with the same ClientID finds out. Errors: *RefusedError, whose
// RetryAfter is set when too many messages were sent, ErrClosed, ErrNotStarted.
func (r *Realtime) SendMessage(ctx context.Context, threadID, content string, options *RealtimeSendMessageOptions) (RealtimeSendMessageResponse, error) {
	if options == nil {
		options = &RealtimeSendMessageOptions{}
	}
	kind, id := options.Type, options.ClientID
	if kind == "" {
		kind = MessageTypeText
	}
	if id == "" {
		id = newClientID()
	}
	result, err := r.ask(ctx, &signalpb.ChatRequest{ThreadId: threadID, Action: &signalpb.ChatRequest_Send{Send: &signalpb.ChatSend{
		Kind: string(kind), Content: content, SenderName: options.SenderDisplayName, Metadata: options.Metadata, ClientId: id,
	}}})
	if err != nil {
		return RealtimeSendMessageResponse{}, err
	}
	return RealtimeSendMessageResponse{ID: strconv.FormatUint(result.GetMessageId(), 10), Repeated: result.GetRepeated()}, nil
}

// SendTypingNotification tells the others in a thread that the user writes.
// options may be nil. Errors as of SendMessage.
func (r *Realtime) SendTypingNotification(ctx context.Context, threadID string, options *RealtimeSendTypingNotificationOptions) error {
	if options == nil {
		options = &RealtimeSendTypingNotificationOptions{}
	}
	_, err := r.ask(ctx, &signalpb.ChatRequest{ThreadId: threadID, Action: &signalpb.ChatRequest_Typing{Typing: &signalpb.ChatTyping{
		SenderName: options.SenderDisplayName,
	}}})
	return err
}

// SendReadReceipt says that the user has read up to a message. Errors as of
// SendMessage.
func (r *Realtime) SendReadReceipt(ctx context.Context, threadID, messageID string) error {
	id, err := strconv.ParseUint(messageID, 10, 63)
	if err != nil {
		return errors.Join(core.ErrInvalidParameter, fmt.Errorf("chat: message id: %w", err))
	}
	_, err = r.ask(ctx, &signalpb.ChatRequest{ThreadId: threadID, Action: &signalpb.ChatRequest_Read{Read: &signalpb.ChatMarkRead{MessageId: id}}})
	return err
}
