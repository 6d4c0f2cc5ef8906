package trouter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// relayed is what nodes tell each other about polls: one that came to another
// node than its connection's, that it was taken, and its answer.
type relayed struct {
	Kind relayKind `json:"k"`
	// From is the node that asks, Number its number for the question, which the
	// answer says back.
	From   string `json:"f,omitempty"`
	Number uint64 `json:"n"`
	// ID is the connection's, Ticket the client's.
	ID     string `json:"i,omitempty"`
	Ticket string `json:"t,omitempty"`
	Leave  bool   `json:"l,omitempty"`
	// Status is that of the answer, as in HTTP.
	Status int    `json:"s,omitempty"`
	Body   []byte `json:"b,omitempty"`
}

type relayKind uint8

const (
	relayPoll relayKind = iota + 1
	relayWords
	relayTaken
	relayAnswer
)

// elsewhere returns the node that has the connection of a poll; empty when that
// is this one, or there can be none.
func (s *Service) elsewhere(id string) string {
	if s.options.Alone {
		return ""
	}
	parts := strings.Split(id, ".")
	if len(parts) != 3 || parts[2] == s.node {
		return ""
	}
	node, err := guid.Parse(parts[2])
	if err != nil {
		return ""
	}
	return node.String()
}

// forwardPoll has a poll answered by the node that has its connection.
func (s *Service) forwardPoll(ctx context.Context, node, id string, t *ticket, leave bool) ([]byte, error) {
	answer := s.askNode(ctx, node, t, relayed{Kind: relayPoll, ID: id, Leave: leave})
	switch answer.Status {
	case http.StatusOK:
		return answer.Body, nil
	case http.StatusUnauthorized:
		return nil, errVoid
	case http.StatusServiceUnavailable:
		return nil, errClosing
	case http.StatusInternalServerError:
		return nil, errRelay
	default:
		return []byte(disconnectPacket), nil // gone; the client connects again
	}
}

// leaveNode has a connection end at the node that has it. It does not wait.
func (s *Service) leaveNode(node, id string, t *ticket) {
	sealed, err := s.seal(t)
	if err != nil {
		s.options.Logger.Warn("poll of another node", "error", err)
		return
	}
	s.tellNode(node, relayed{Kind: relayPoll, From: s.node, ID: id, Ticket: sealed, Leave: true})
}

// forwardWords has what a client says heard by the node that has its
// connection.
func (s *Service) forwardWords(ctx context.Context, node, id string, t *ticket, body []byte) int {
	answer := s.askNode(ctx, node, t, relayed{Kind: relayWords, ID: id, Body: body})
	if answer.Status == 0 {
		return http.StatusNotFound
	}
	return answer.Status
}

var errRelay = errors.New("trouter: another node has failed")

// askNode asks another node and waits for its answer; without a status it has
// none.
func (s *Service) askNode(ctx context.Context, node string, t *ticket, m relayed) (answer relayed) {
	sealed, err := s.seal(t)
	if err != nil {
		return relayed{Status: http.StatusInternalServerError}
	}
	answers := make(chan relayed, 2)
	s.mu.Lock()
	s.number++
	m.From, m.Number, m.Ticket = s.node, s.number, sealed
	s.asked[m.Number] = answers
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.asked, m.Number)
		s.mu.Unlock()
	}()
	s.tellNode(node, m)
	timer := time.NewTimer(s.options.AnswerTime)
	defer timer.Stop()
	for {
		select {
		case answer = <-answers:
			if answer.Kind == relayAnswer {
				return answer
			}
			timer.Reset(s.options.PollTime + s.options.AnswerTime)
		case <-timer.C:
			return relayed{}
		case <-ctx.Done():
			return relayed{}
		case <-s.stopping:
			return relayed{}
		}
	}
}

func (s *Service) tellNode(node string, m relayed) {
	data, err := json.Marshal(m)
	if err == nil {
		err = s.options.Bus.Publish(subjectNode+"."+node, data)
	}
	if err != nil {
		s.options.Logger.Warn("poll of another node", "error", err)
	}
}

// relayed takes what another node says.
func (s *Service) relayed(_ string, data []byte) {
	var m relayed
	if err := json.Unmarshal(data, &m); err != nil {
		s.options.Logger.Warn("word of another node", "error", err)
		return
	}
	switch m.Kind {
	case relayTaken, relayAnswer:
		s.mu.Lock()
		defer s.mu.Unlock()
		if answers := s.asked[m.Number]; answers != nil {
			select {
			case answers <- m:
			default: // nobody sends more than the two
			}
		}
	case relayPoll, relayWords:
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.running.Go(func() { s.answerNode(m) })
		}
	}
}

// answerNode does what another node asks for.
func (s *Service) answerNode(m relayed) {
	answer := relayed{Kind: relayAnswer, Number: m.Number, Status: http.StatusNotFound}
	t, err := s.unseal(m.Ticket)
	if err != nil {
		s.tellNode(m.From, answer)
		return
	}
	if m.Kind == relayWords {
		answer.Status = s.takeWords(m.ID, t, m.Body)
		s.tellNode(m.From, answer)
		return
	}
	s.tellNode(m.From, relayed{Kind: relayTaken, Number: m.Number})
	// The service that stops ends the connection, and with it the poll.
	answer.Body, err = s.answerPoll(context.Background(), m.ID, t, m.Leave)
	switch {
	case err == nil:
		answer.Status = http.StatusOK
	case errors.Is(err, errVoid):
		answer.Status = http.StatusUnauthorized
	case errors.Is(err, errClosing):
		answer.Status = http.StatusServiceUnavailable
	default:
		answer.Status = http.StatusInternalServerError
	}
	s.tellNode(m.From, answer)
}
