package trouter

import (
	"context"
	"errors"
	"net/http"
	"path"
	"time"

	"github.com/coder/websocket"
)

const (
	writeTimeout = 10 * time.Second
	closeTime    = time.Second
	// batch is about how much is taken from a queue at once.
	batch = 64 << 10
)

// webSocket is step 4 over a WebSocket.
func (s *Service) webSocket(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ticketOf(w, r)
	if !ok {
		return
	}
	id := path.Base(r.URL.Path)
	if !s.mayBegin(t, id) {
		s.unauthorized(w, r, "The handshake was too long ago.")
		return
	}
	// The request's context ends with the service; the client is told before.
	ctx, cut := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cut()
	c := s.newConnection(t, id, false)
	c.cut = cut
	if err := s.open(r.Context(), c); err != nil {
		c.end(err)
		s.notOpened(w, r, err)
		return
	}
	defer s.closeConnection(c)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		// Any origin: the ticket decides. There is no cookie that a foreign page
		// could misuse.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return // it has answered
	}
	ws.SetReadLimit(maxBody)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		c.write(ctx, ws)
	}()
	c.end(c.read(ctx, ws))
	<-wrote
}

// notOpened answers for a connection that was not admitted.
func (s *Service) notOpened(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errVoid) {
		s.unauthorized(w, r, "The token is not valid any more.")
		return
	}
	s.failed(w, r, err)
}

// read hears the client until it leaves or falls silent.
func (c *connection) read(ctx context.Context, ws *websocket.Conn) error {
	for {
		within, cancel := context.WithTimeout(ctx, c.service.options.Silence)
		kind, data, err := ws.Read(within)
		silent := within.Err() != nil
		cancel()
		switch {
		case silent:
			return errSilent
		case err != nil || kind != websocket.MessageText:
			return errLeft
		}
		p, err := parsePacket(string(data))
		if err != nil {
			return errLeft
		}
		if c.handle(p); p.kind == packetDisconnect {
			return errLeft
		}
	}
}

// write sends what is queued until the connection is over.
func (c *connection) write(ctx context.Context, ws *websocket.Conn) {
	defer func() { _ = ws.CloseNow() }()
	for {
		select {
		case <-c.more:
		case <-c.done:
		}
		packets, cause := c.take(batch)
		if errors.Is(cause, errSlow) {
			return // it would not read the word of it either
		}
		for _, p := range packets {
			within, cancel := context.WithTimeout(ctx, writeTimeout)
			err := ws.Write(within, websocket.MessageText, []byte(p))
			cancel()
			if err != nil {
				c.end(errSlow)
				return
			}
		}
		if cause != nil {
			cut := time.AfterFunc(closeTime, c.cut)
			_ = ws.Close(websocket.StatusNormalClosure, "")
			cut.Stop()
			return
		}
	}
}
