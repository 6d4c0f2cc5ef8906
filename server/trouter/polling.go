package trouter

import (
	"context"
	"io"
	"net/http"
	"path"
	"time"
)

const (
	// pollBatch is about how much one poll is answered with.
	pollBatch = 256 << 10
	// lingering is how long a connection that was ended waits for the poll that
	// hears of it.
	lingering = 5 * time.Second
)

// poll is step 4 over long polling: what there is to tell, or will be soon.
func (s *Service) poll(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ticketOf(w, r)
	if !ok {
		return
	}
	id, leave := path.Base(r.URL.Path), r.URL.Query().Has("disconnect")
	var body []byte
	var err error
	node := s.elsewhere(id)
	if node != "" {
		body, err = s.forwardPoll(r.Context(), node, id, t, leave)
	} else {
		body, err = s.answerPoll(r.Context(), id, t, leave)
	}
	switch {
	case r.Context().Err() != nil: // nobody reads it
		s.unread(node, id, t, body)
	case err != nil:
		s.notOpened(w, r, err)
	default:
		if writeText(w, body) != nil {
			s.unread(node, id, t, body)
		}
	}
}

// unread ends a connection an answer of which did not get through: what was told
// in it is lost for its client.
func (s *Service) unread(node, id string, t *ticket, body []byte) {
	switch c := s.polledBy(id, t); {
	case string(body) == noopPacket: // nothing was
	case node != "":
		// It may wait there still, without an answer, and take what comes.
		s.leaveNode(node, id, t)
	case c != nil && len(body) > 0:
		c.end(errMissed)
	}
}

// answerPoll waits for what a poll is answered with. An error says that its
// connection was not admitted.
func (s *Service) answerPoll(ctx context.Context, id string, t *ticket, leave bool) ([]byte, error) {
	c, err := s.polledConnection(ctx, id, t)
	if err != nil {
		return nil, err
	}
	if c == nil {
		// Over, or of another node: the client connects again.
		return []byte(disconnectPacket), nil
	}
	if leave {
		c.end(errLeft)
		return []byte(disconnectPacket), nil
	}
	newer := c.hold()
	timer := time.NewTimer(s.options.PollTime)
	defer timer.Stop()
	select {
	case <-c.more:
	case <-c.done:
	case <-timer.C:
		return []byte(noopPacket), nil
	case <-newer:
		return []byte(noopPacket), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	packets, cause := c.take(pollBatch)
	if cause != nil {
		packets = []string{disconnectPacket}
		select {
		case c.told <- struct{}{}:
		default:
		}
	}
	if len(packets) == 0 {
		packets = []string{noopPacket}
	}
	return payloadOf(packets), nil
}

// polledConnection returns the connection of a poll, which its first one opens.
// It returns nil when there is none any more; an error says that it was not
// admitted.
func (s *Service) polledConnection(ctx context.Context, id string, t *ticket) (*connection, error) {
	if c := s.polledBy(id, t); c != nil {
		return c, nil
	}
	if !s.mayBegin(t, id) {
		return nil, nil //nolint:nilnil // said above
	}
	c := s.newConnection(t, id, true)
	if err := s.open(ctx, c); err != nil {
		c.end(err)
		return nil, err
	}
	go s.keep(c)
	return c, nil
}

func (s *Service) polledBy(id string, t *ticket) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls[pollKey{t.ID, id}]
}

// keep ends a connection that nobody polls, and forgets one that is over.
func (s *Service) keep(c *connection) {
	defer s.closeConnection(c)
	idle := time.NewTimer(s.options.Silence)
	defer idle.Stop()
	for {
		select {
		case <-idle.C:
			return
		case <-c.polledNow:
			idle.Reset(s.options.Silence)
			continue
		case <-c.done:
		}
		break
	}
	if c.left() {
		return
	}
	linger := time.NewTimer(lingering)
	defer linger.Stop()
	select {
	case <-c.told:
	case <-linger.C:
	case <-s.stopping:
	}
}

// hold makes a poll the one that waits. What it returns is closed when a newer
// one takes its place.
func (c *connection) hold() <-chan struct{} {
	select {
	case c.polledNow <- struct{}{}:
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		close(c.held)
	}
	c.held = make(chan struct{})
	return c.held
}

// polled takes what a client says by a request of its own.
func (s *Service) polled(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ticketOf(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id, status := path.Base(r.URL.Path), 0
	if node := s.elsewhere(id); node != "" {
		status = s.forwardWords(r.Context(), node, id, t, body)
	} else {
		status = s.takeWords(id, t, body)
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	_ = writeText(w, []byte("1")) // nobody reads it
}

// takeWords hears what a client says; it returns the status of the answer.
func (s *Service) takeWords(id string, t *ticket, body []byte) int {
	packets, err := parsePayload(string(body))
	if err != nil {
		return http.StatusBadRequest
	}
	c := s.polledBy(id, t)
	if c == nil {
		return http.StatusNotFound
	}
	for _, p := range packets {
		c.handle(p)
	}
	return http.StatusOK
}
