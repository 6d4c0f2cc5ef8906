package trouter

import (
	"errors"
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
	c, err := s.polledConnection(r, t)
	if err != nil {
		s.notOpened(w, r, c, err)
		return
	}
	if c == nil {
		// Over, or of another node: the client connects again.
		writeText(w, []byte(disconnectPacket))
		return
	}
	if r.URL.Query().Has("disconnect") {
		c.end(errLeft)
		writeText(w, []byte(disconnectPacket))
		return
	}
	newer := c.hold()
	timer := time.NewTimer(s.options.PollTime)
	defer timer.Stop()
	select {
	case <-c.more:
	case <-c.done:
	case <-timer.C:
		writeText(w, []byte(noopPacket))
		return
	case <-newer:
		writeText(w, []byte(noopPacket))
		return
	case <-r.Context().Done():
		return
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
	writeText(w, payloadOf(packets))
}

// polledConnection returns the connection of a poll, which its first one opens.
// It returns nil when there is none any more; with an error the connection is
// one that was not admitted.
func (s *Service) polledConnection(r *http.Request, t *ticket) (*connection, error) {
	id := path.Base(r.URL.Path)
	if c := s.polledBy(id, t); c != nil {
		return c, nil
	}
	if !s.mayBegin(t, id) {
		return nil, nil //nolint:nilnil // said above
	}
	c := s.newConnection(t, id, true)
	if err := s.open(r.Context(), c); err != nil {
		return c, err
	}
	go s.keep(c)
	return c, nil
}

func (s *Service) polledBy(id string, t *ticket) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.polls[id]; c != nil && c.ticket.ID == t.ID {
		return c
	}
	return nil
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
	var packets []packet
	if err == nil {
		packets, err = parsePayload(string(body))
	}
	c := s.polledBy(path.Base(r.URL.Path), t)
	if err == nil && c == nil {
		err = errLeft
	}
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errLeft) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		return
	}
	for _, p := range packets {
		c.handle(p)
	}
	writeText(w, []byte("1"))
}
