package signaling

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// protocolVersion is the only version there is.
const protocolVersion = 1

// opened is a connection that has been greeted.
type opened struct {
	link    *link
	ctx     context.Context //nolint:containedctx // passed on once, from connect to run
	welcome Welcome
	// fresh is set for a session that replaces another, lost counts its messages.
	fresh bool
	lost  int
}

// run serves connections, one after the other, until the client is closed.
func (c *Client) run(ctx context.Context, o *opened) {
	failures := 0
	for {
		since := time.Now()
		err := c.serve(o)
		if time.Since(since) >= c.options.Backoff.Max {
			failures = 0
		}
		if c.lost(err) {
			return
		}
		c.log.Debug("connection lost", slog.Any("error", err))
		for {
			pause := c.pause(failures, err)
			failures++
			if o, err = c.reconnect(ctx, pause); err == nil {
				break
			}
			if c.isClosed() || c.refused(err) {
				return
			}
			c.log.Debug("reconnect failed", slog.Any("error", err))
		}
		c.changed(ClientState{Phase: ClientConnected, NewSession: o.fresh, Lost: o.lost, Welcome: o.welcome})
	}
}

// serve runs one connection until it ends.
func (c *Client) serve(o *opened) error {
	refreshed := make(chan struct{})
	go func() {
		defer close(refreshed)
		c.refreshToken(o.ctx, o.link, o.welcome.TokenExpires)
	}()
	err := o.link.run(o.ctx)
	<-refreshed
	o.link.stream.detach(o.link)
	return err
}

// lost notes the end of a connection and tells whether the client ends, too.
func (c *Client) lost(err error) bool {
	c.mu.Lock()
	c.link = nil
	state := ClientState{Phase: ClientReconnecting, Welcome: c.welcome, Err: err}
	closed := c.phase == clientClosed
	c.mu.Unlock()
	if closed || c.refused(err) {
		return true
	}
	c.changed(state)
	return false
}

// refused acts on a goodbye and tells whether it was for good.
func (c *Client) refused(err error) bool {
	var goodbye *GoodbyeError
	if !errors.As(err, &goodbye) {
		return false
	}
	if goodbye.Code.Permanent() {
		c.close(goodbye, false)
		return true
	}
	if !goodbye.Code.Resumable() {
		c.mu.Lock()
		c.session = nil
		st := c.stream
		c.mu.Unlock()
		if st != nil {
			st.end(false) // what came before the goodbye still counts
		}
	}
	return false
}

func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == clientClosed
}

// pause is how long to wait before the next attempt after err.
func (c *Client) pause(failures int, err error) time.Duration {
	if errors.Is(err, errNetworkChanged) {
		return 0
	}
	pause := c.options.Backoff.Max
	if failures < 16 {
		pause = min(pause, c.options.Backoff.Min<<failures)
	}
	pause -= rand.N(pause/2 + 1) //nolint:gosec // spreads load, no secret
	var goodbye *GoodbyeError
	if errors.As(err, &goodbye) {
		// An hour at most: a wrong number must not silence the client for good.
		pause = max(pause, min(goodbye.RetryAfter, time.Hour))
	}
	return pause
}

// reconnect waits and makes one attempt. NetworkChanged ends either.
func (c *Client) reconnect(ctx context.Context, pause time.Duration) (*opened, error) {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	c.interrupt = cancel
	closed := c.phase == clientClosed
	c.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-attempt.Done():
		return nil, context.Cause(attempt)
	}
	return c.connect(attempt, ctx)
}

// connect makes one attempt within ctx; the connection it opens lives in
// connection's time.
func (c *Client) connect(ctx, connection context.Context) (*opened, error) {
	limited, cancel := context.WithTimeout(ctx, c.options.DialTimeout)
	defer cancel()
	o, err := c.greet(limited, connection)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return o, err
}

func (c *Client) greet(ctx, connection context.Context) (*opened, error) {
	token, err := c.options.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("signaling: token: %w", err)
	}
	conn, err := c.options.Dialer.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("signaling: dial: %w", err)
	}
	hello := c.hello(token)
	w, err := c.exchange(ctx, conn, hello)
	if err == nil {
		var o *opened
		if o, err = c.open(connection, conn, hello, w); err == nil {
			return o, nil
		}
	}
	_ = conn.Close(0, "")
	return nil, err
}

func (c *Client) hello(token string) *signalpb.Hello {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempt++
	h := &signalpb.Hello{
		VersionMin: protocolVersion, VersionMax: protocolVersion, Token: token,
		DeviceId: c.options.DeviceID, Instance: c.instance, Attempt: c.attempt,
		ChatOnly: c.options.ChatOnly, UserAgent: c.options.UserAgent, DisplayName: c.options.DisplayName,
		Dictionaries: c.codecs.Versions(),
	}
	if len(c.session) > 0 {
		h.SessionId, h.Applied = c.session, c.stream.applied()
	}
	return h
}

// exchange sends the hello and reads the welcome.
func (c *Client) exchange(ctx context.Context, conn Conn, hello *signalpb.Hello) (*signalpb.Welcome, error) {
	var plain *wire.Codec
	data, size, err := plain.Encode(&wire.Frame{Head: &signalpb.Frame{Hello: hello}})
	if err != nil {
		return nil, err
	}
	if err := conn.Write(ctx, data); err != nil {
		return nil, fmt.Errorf("signaling: hello: %w", err)
	}
	c.counters.sent(len(data), size)
	if data, err = conn.Read(ctx); err != nil {
		return nil, fmt.Errorf("signaling: welcome: %w", err)
	}
	f, size, err := plain.Decode(data)
	if err != nil {
		return nil, err
	}
	c.counters.received(len(data), size)
	switch {
	case f.GetGoodbye() != nil:
		return nil, goodbyeError(f.GetGoodbye())
	case f.GetWelcome() == nil:
		return nil, fmt.Errorf("%w: no welcome", ErrMalformed)
	case f.GetWelcome().GetVersion() != protocolVersion:
		return nil, fmt.Errorf("%w: version %d", ErrMalformed, f.GetWelcome().GetVersion())
	case len(f.GetWelcome().GetSessionId()) == 0:
		return nil, fmt.Errorf("%w: no session", ErrMalformed)
	}
	return f.GetWelcome(), nil
}

// open makes a link of a greeted connection.
func (c *Client) open(ctx context.Context, conn Conn, hello *signalpb.Hello, w *signalpb.Welcome) (*opened, error) {
	used, err := c.codecs.Find(w.GetDictionary())
	if err != nil {
		return nil, err
	}
	st, fresh, err := c.streamFor(hello, w)
	if err != nil {
		return nil, err
	}
	l := c.newLink(conn, st, used, w)
	linkCtx := l.prepare(ctx)
	applied := hello.GetApplied()
	if _, _, err := st.attach(l, w.GetApplied(), &applied); err != nil {
		l.abort(err)
		c.applyFailed(err) // the service knows of messages that were never sent
		return nil, err
	}
	o := &opened{link: l, ctx: linkCtx, welcome: c.welcomeOf(w, used != nil)}
	c.publish(o, st, w, fresh)
	return o, nil
}

// streamFor returns the stream that the welcome is about.
func (c *Client) streamFor(hello *signalpb.Hello, w *signalpb.Welcome) (st *stream, fresh bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.GetResumed() {
		return newStream(c.options.QueueLimit, &c.events, &c.counters, c.apply, c.applyFailed), true, nil
	}
	if len(hello.GetSessionId()) == 0 || !bytes.Equal(hello.GetSessionId(), w.GetSessionId()) {
		return nil, false, fmt.Errorf("%w: resumed another session", ErrMalformed)
	}
	return c.stream, false, nil
}

// publish makes o the client's connection.
func (c *Client) publish(o *opened, st *stream, w *signalpb.Welcome, fresh bool) {
	c.mu.Lock()
	before := c.stream
	c.stream, c.link, c.welcome, c.session = st, o.link, o.welcome, w.GetSessionId()
	closed := c.phase == clientClosed
	c.mu.Unlock()
	c.counters.connections.Add(1)
	if !fresh {
		c.counters.resumes.Add(1)
	} else if before != nil {
		_, o.lost = before.end(true)
		o.fresh = true
	}
	if closed {
		// Closed while connecting: the service must not keep the session.
		st.end(true)
		o.link.finish(goodbyeFrame(&GoodbyeError{Code: CodeNormal}), false)
	}
}

func (c *Client) newLink(conn Conn, st *stream, used *wire.Codec, w *signalpb.Welcome) *link {
	heartbeat := c.options.Heartbeat
	if heartbeat <= 0 {
		// Bounded on both sides: the number comes from the network.
		heartbeat = min(max(time.Duration(w.GetHeartbeatMs())*time.Millisecond, minHeartbeat), maxHeartbeat)
	}
	l := newLink(linkConfig{
		conn: conn, stream: st, codec: used, counters: &c.counters,
		pingEvery: heartbeat, pongWithin: c.options.HeartbeatTimeout, writeWithin: c.options.DialTimeout,
	})
	l.confirm = w.GetNonce()
	l.expiry = make(chan time.Time, 1)
	l.control = func(_ context.Context, f *signalpb.Frame) error {
		if t := f.GetTokenAccepted(); t != nil {
			l.tokenAccepted(expiresAt(t.GetExpiresMs()))
		}
		return nil
	}
	return l
}

const (
	minHeartbeat = 500 * time.Millisecond
	maxHeartbeat = 5 * time.Minute
	// tokenRetry is the pause after a token could not be refreshed.
	tokenRetry = 10 * time.Second
)

func (c *Client) welcomeOf(w *signalpb.Welcome, compressed bool) Welcome {
	return Welcome{
		SessionID: hex.EncodeToString(w.GetSessionId()), Epoch: w.GetEpoch(),
		UserID: w.GetUserId(), ResourceID: w.GetResourceId(),
		TokenExpires: expiresAt(w.GetTokenExpiresMs()),
		Heartbeat:    time.Duration(w.GetHeartbeatMs()) * time.Millisecond,
		Retention:    time.Duration(w.GetRetentionMs()) * time.Millisecond,
		Compressed:   compressed, Version: w.GetVersion(), Relay: w.GetRelay(),
	}
}

// expiresAt turns what is left of a token's time into a moment of this clock.
func expiresAt(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	const most = 100 * 365 * 24 * time.Hour
	return time.Now().Add(time.Duration(min(ms, uint64(most.Milliseconds()))) * time.Millisecond) //nolint:gosec // bounded
}

// refreshToken sends a fresh token before the one in use ends, until the link ends.
func (c *Client) refreshToken(ctx context.Context, l *link, expires time.Time) {
	for {
		wait := time.Duration(1<<63 - 1)
		if !expires.IsZero() {
			left := time.Until(expires)
			wait = max(left-tokenLead(left), 0)
		}
		timer := time.NewTimer(wait)
		select {
		case expires = <-l.expiry:
			timer.Stop()
			continue
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		token, err := c.options.Token(ctx)
		if err != nil {
			c.log.Warn("token could not be refreshed", slog.Any("error", err))
		} else {
			l.push(&signalpb.Frame{TokenUpdate: &signalpb.TokenUpdate{Token: token}})
		}
		// Until the service has answered, or for a while before the next try.
		expires = time.Now().Add(tokenRetry + tokenRetry/4)
	}
}
