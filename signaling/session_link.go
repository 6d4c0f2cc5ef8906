package signaling

import (
	"context"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// frameUnit is how many bytes of a frame count as one more towards the rate.
const frameUnit = 4 << 10

// newLink makes the link of a connection of this session.
func (s *Session) newLink(conn Conn, used *wire.Codec, attempt uint32) *link {
	o := &s.acceptor.options
	rate := newBucket(o.Limits.FramesPerSecond, o.Limits.Burst, time.Now())
	l := newLink(linkConfig{
		conn: conn, stream: s.stream, attempt: attempt, codec: used, counters: &s.counters, workers: s.acceptor.workers,
		// The agent asks every heartbeat and waits for the answer.
		silentFor: 2*o.Heartbeat + o.Heartbeat/2, writeWithin: o.Limits.WriteTimeout,
		admit: func(bytes int) error {
			if !rate.take(time.Now(), 1+float64(bytes/frameUnit)) {
				return refuse(CodeFlooding, "too many frames")
			}
			return nil
		},
	})
	l.control = func(ctx context.Context, f *signalpb.Frame) error {
		if f.GetTokenUpdate() == nil {
			return nil
		}
		return s.updateToken(ctx, l, f.GetTokenUpdate().GetToken())
	}
	return l
}

// updateToken takes a fresher token of the same user.
func (s *Session) updateToken(ctx context.Context, l *link, token string) error {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	p, err := s.acceptor.authenticate(ctx, token)
	if err != nil {
		return err
	}
	if p.UserID != s.key.user || p.ResourceID != s.key.resource {
		return refuse(CodeTokenInvalid, "token of another user")
	}
	s.mu.Lock()
	if s.link == l {
		s.principal = p
		s.tokenTimerLocked()
	}
	s.mu.Unlock()
	l.push(&signalpb.Frame{TokenAccepted: &signalpb.TokenAccepted{ExpiresMs: s.acceptor.remaining(p)}})
	return nil
}
