package server

import (
	"context"
	"time"
)

// recheckEvery bounds how long a session may outlive its token when the word
// of the revocation was lost between two servers of the bus, where nobody sees it.
const recheckEvery = time.Minute

// recheckSessions ends the sessions of revoked tokens whose end this node may
// not have heard of. Within one process nothing is lost.
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
			case <-tick.C:
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
