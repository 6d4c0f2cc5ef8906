package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// maxText bounds what an agent says about itself, in bytes.
const maxText = 256

// Serve runs one connection until it ends, and closes it. The error says why
// it ended: nil after an orderly goodbye of the agent. The end of the context
// closes the connection; the session is kept for its retention.
func (a *Acceptor) Serve(ctx context.Context, conn Conn) error {
	ended := make(chan error, 1)
	a.Start(ctx, conn, func(err error) { ended <- err })
	return <-ended
}

// Start is Serve for one who does not wait: ended is called with what Serve
// would return, from another goroutine or before Start returns. A connection of
// AcceptWebSocket that is served so holds hardly any memory while it is idle.
func (a *Acceptor) Start(ctx context.Context, conn Conn, ended func(error)) {
	arrival, ok := a.enter()
	if !ok {
		a.turnAway(ctx, conn, refuse(CodeDraining, "service is stopping"))
		ended(ErrClosed)
		return
	}
	a.workers.run(func() { a.serve(ctx, conn, arrival, ended) })
}

// serve greets the agent and starts the link. The connection is counted by
// enter.
func (a *Acceptor) serve(ctx context.Context, conn Conn, arrival uint64, ended func(error)) {
	end := func(err error) {
		defer a.serving.Done()
		ended(err)
	}
	s, l, linkCtx, err := a.greet(ctx, conn, arrival)
	if err != nil {
		a.turnAway(ctx, conn, err)
		end(err)
		return
	}
	l.start(linkCtx, func(err error) {
		s.linkEnded(l, err)
		var goodbye *GoodbyeError
		if errors.As(err, &goodbye) && goodbye.Code == CodeNormal {
			err = nil
		}
		end(err)
	})
}

// greet reads the hello and answers it.
func (a *Acceptor) greet(ctx context.Context, conn Conn, arrival uint64) (*Session, *link, context.Context, error) {
	greeting, done := a.greeting(ctx)
	defer done()
	data, err := a.readHello(ctx, greeting, conn)
	if err != nil {
		return nil, nil, nil, err
	}
	hello, c, err := a.candidate(greeting, data)
	if err != nil {
		return nil, nil, nil, err
	}
	c.arrival = arrival
	s, replaced, err := a.session(c)
	if err != nil {
		return nil, nil, nil, err
	}
	if replaced != nil {
		replaced.replacedBy(c)
	}
	l, linkCtx, err := s.accept(ctx, greeting, conn, hello, c)
	return s, l, linkCtx, err
}

// readHello reads the first frame. The end of greeting turns the connection
// away while it is being read: ending the read first would break it, and the
// agent would not be told why.
func (a *Acceptor) readHello(ctx, greeting context.Context, conn Conn) ([]byte, error) {
	done := make(chan struct{})
	stop := context.AfterFunc(greeting, func() {
		defer close(done)
		a.turnAway(ctx, conn, context.Cause(greeting))
	})
	data, err := conn.Read(ctx)
	if !stop() {
		<-done
		err = context.Cause(greeting)
	}
	if err != nil {
		return nil, fmt.Errorf("signaling: hello: %w", err)
	}
	return data, nil
}

// candidate checks the hello.
func (a *Acceptor) candidate(ctx context.Context, data []byte) (*signalpb.Hello, *candidate, error) {
	var plain *wire.Codec
	f, _, err := plain.Decode(data)
	if err != nil {
		return nil, nil, err
	}
	h := f.GetHello()
	switch {
	case h == nil:
		return nil, nil, fmt.Errorf("%w: first frame is no hello", ErrMalformed)
	case h.GetVersionMin() > protocolVersion || h.GetVersionMax() < protocolVersion:
		return nil, nil, refuse(CodeUnsupportedVersion, fmt.Sprintf("this service speaks version %d", protocolVersion))
	case len(h.GetInstance()) == 0 || len(h.GetInstance()) > maxText || h.GetDeviceId() == "" ||
		len(h.GetDeviceId()) > maxText || len(h.GetUserAgent()) > maxText || len(h.GetDisplayName()) > maxText:
		return nil, nil, fmt.Errorf("%w: hello without device or instance, or with one too long", ErrMalformed)
	}
	p, err := a.authenticate(ctx, h.GetToken())
	if err != nil {
		return nil, nil, err
	}
	return h, &candidate{
		principal: p, device: h.GetDeviceId(), instance: h.GetInstance(), attempt: h.GetAttempt(),
		sessionID: h.GetSessionId(), chatOnly: h.GetChatOnly(), userAgent: h.GetUserAgent(), name: h.GetDisplayName(),
	}, nil
}

// authenticate turns the answer of the app into a goodbye where needed.
func (a *Acceptor) authenticate(ctx context.Context, token string) (Principal, error) {
	p, err := a.options.Authenticate(ctx, token)
	switch {
	case err == nil && !p.Expires.IsZero() && !p.Expires.After(a.options.Now()):
		return Principal{}, refuse(CodeTokenExpired, "token expired")
	case err == nil:
		return p, nil
	case errors.Is(err, ErrTokenExpired):
		return Principal{}, refuse(CodeTokenExpired, "token expired")
	case errors.Is(err, ErrUnauthorized):
		return Principal{}, refuse(CodeTokenInvalid, "token not accepted")
	default:
		// Not the agent's fault, and not its business what failed.
		a.log.Warn("token could not be checked", slog.Any("error", err))
		return Principal{}, refuse(CodeOverloaded, "token could not be checked")
	}
}

// turnAway closes a connection that has no session.
func (a *Acceptor) turnAway(ctx context.Context, conn Conn, err error) {
	r := refusalOf(err)
	if r == nil {
		_ = conn.Close(0, "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, goodbyeTime)
	defer cancel()
	var plain *wire.Codec
	data, _, err := plain.Encode(&wire.Frame{Head: &signalpb.Frame{Goodbye: goodbyeFrame(&r.GoodbyeError)}})
	if err == nil {
		_ = conn.Write(ctx, data) // the close below tells the code, too
	}
	_ = conn.Close(int(r.Code), r.Reason)
}

// remaining is what is left of a token in milliseconds; 0 for without end.
func (a *Acceptor) remaining(p Principal) uint64 {
	if p.Expires.IsZero() {
		return 0
	}
	return uint64(max(p.Expires.Sub(a.options.Now()), time.Millisecond).Milliseconds()) //nolint:gosec // positive
}
