package server

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/trouter"
	"github.com/parley-rtc/parley/signaling"
)

const realTimeSecretSize = 32

// openRealTime opens what serves the real-time connections of the official
// chat package.
func (s *Server) openRealTime() error {
	secret, err := s.store.Secret(s.base, "trouter", realTimeSecretSize)
	if err != nil {
		return err
	}
	s.trouter, err = trouter.Open(trouter.Options{
		Hub: s.chat.Hub(), Bus: realTimeBus{s.bus}, Secret: secret, Resources: s.hosts, Authenticate: s.authenticateRealTime,
		Void: s.identity.Revoked, Alone: s.options.NATS == "", Now: s.options.Now, Logger: s.logger,
	})
	return err
}

// authenticateRealTime checks the token of a client that wants the events of
// threads.
func (s *Server) authenticateRealTime(ctx context.Context, token string, res *resource.Resource) (trouter.Principal, error) {
	claims, err := s.authenticateClaims(ctx, token, res)
	if err != nil {
		return trouter.Principal{}, err
	}
	return trouter.Principal{
		User: claims.RawID(), Resource: claims.ResourceID.String(), Scopes: claims.Scopes, Issued: claims.IssuedAt, Expires: claims.Expires,
	}, nil
}

// handleRealTime serves the paths of the real-time connections.
func (s *Server) handleRealTime(f *front.Front) {
	s.trouter.Routes(f.Refuse, func(method, pattern string, handler http.Handler) {
		f.Handle(method, pattern, handler)
		// The package puts this path behind the endpoint that it was given, and
		// that of a connection string ends with a slash.
		if pattern == trouter.ConfigPath {
			f.Handle(method, "/"+pattern, handler)
		}
	})
}

// recheck ends what users have open on this node by tokens that are void.
func (s *Server) recheck(void func(user, resource string, issued time.Time) bool) {
	s.calls.Recheck(func(p signaling.Principal) bool { return void(p.UserID, p.ResourceID, p.Issued) })
	if s.trouter != nil {
		s.trouter.Recheck(func(p trouter.Principal) bool { return void(p.User, p.Resource, p.Issued) })
	}
}

// missedRealTime ends all real-time connections: something may be lost for them.
func (s *Server) missedRealTime() {
	if s.trouter != nil {
		s.trouter.Missed()
	}
}

func (s *Server) closeRealTime(note func(what string, err error)) {
	if s.trouter != nil {
		note("real-time connections", s.trouter.Close())
	}
}

// realTimeBus gives trouter the bus as the interface that it asks for.
type realTimeBus struct{ *bus.Bus }

func (b realTimeBus) Subscribe(subject string, handler func(subject string, data []byte)) (trouter.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}
