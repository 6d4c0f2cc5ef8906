package server

import (
	"context"
	"time"
)

// recheckEvery bounds how long a session may outlive its token, and how late the
// last message of a thread may be, when the word of it was lost between two servers
// of the bus, where nobody sees it.
const recheckEvery = time.Minute

// recheckSessions ends the sessions of revoked tokens whose end this node may
// not have heard of, and tells what it may have missed of threads. Within one
// process nothing is lost.
func (s *Server) recheckSessions() {
	if s.options.NATS == "" {
		return
	}
	due := make(chan struct{}, 1)
	losses := s.bus.Losses(func() {
		select {
		case due <- struct{}{}:
		default:
		}
	})
	s.serving.Go(func() {
		defer losses.Close()
		tick := time.NewTicker(recheckEvery)
		defer tick.Stop()
		for {
			select {
			case <-s.base.Done():
				return
			case <-due:
				// Browsers cannot say up to where they know their threads.
				s.missedRealTime()
			case <-tick.C:
				if err := s.chat.Hub().Recheck(s.base); err != nil && s.base.Err() == nil {
					s.logger.Warn("threads not compared", "error", err)
				}
			}
			s.links.Recheck()
			s.recheck(func(user, _ string, issued time.Time) bool { return s.isVoid(s.base, user, issued) })
		}
	})
}

// isVoid asks the database. While that does not answer sessions go on.
func (s *Server) isVoid(ctx context.Context, user string, issued time.Time) bool {
	void, err := s.identity.Revoked(ctx, user, issued)
	if err != nil && ctx.Err() == nil {
		s.logger.Warn("sessions not checked again", "error", err)
	}
	return err == nil && void
}
