package server

import (
	"context"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/webhook"
	"github.com/parley-rtc/parley/signaling"
)

// SecondaryKey returns the secondary access key of the default resource.
func SecondaryKey(s *Server) []byte { return s.resources.Default().SecondaryKey }

// EndSessions ends the sessions of a user as a revocation does.
func EndSessions(s *Server, user string, code signaling.Code) error {
	return s.calls.EndSessions(user, code)
}

// Authenticate returns the user of a token.
func Authenticate(s *Server, token string) (string, error) {
	claims, err := s.identity.Authenticate(context.Background(), token)
	return claims.RawID(), err
}

// NewUser makes a user with a token without asking over REST.
func NewUser(s *Server) (id, token string, err error) {
	now := s.options.Now()
	user, err := s.identity.CreateUser(context.Background(), s.resources.Default().ID, "", now)
	if err != nil {
		return "", "", err
	}
	token, _, err = s.identity.Sign(&user, []string{"voip"}, now, time.Hour)
	return user.RawID(), token, err
}

// PublishEvent publishes an event of the default resource.
func PublishEvent(s *Server, event webhook.Event) error {
	event.ResourceID, event.Source = s.resources.Default().ID, s.resources.Default().Path()
	err := s.store.Write(context.Background(), func(tx *store.Tx) error { return s.webhooks.Publish(tx, event) })
	s.webhooks.Wake()
	return err
}

// WebhookService returns what sends events.
func WebhookService(s *Server) *webhook.Service { return s.webhooks }

// DefaultResource returns the id of the default resource.
func DefaultResource(s *Server) guid.GUID { return s.resources.Default().ID }

// ChatService returns the threads.
func ChatService(s *Server) *chat.Service { return s.chat }

// PushJobs returns how many notifications wait.
func PushJobs(s *Server) (n int) {
	_ = s.store.Read(context.Background(), func(q store.Querier) error { return q.QueryRow("SELECT count(*) FROM push_jobs").Scan(&n) })
	return n
}

// Present returns the users that are connected for calls.
func Present(s *Server, users ...string) []string { return s.calls.Present(users) }

// ChatLinks counts the sessions that take part in chat.
func ChatLinks(s *Server) int { return s.links.Links() }

// Wants tells whether a webhook of the default resource may want a type.
func Wants(s *Server, kind string) bool { return s.webhooks.Wants(s.resources.Default().ID, kind) }

// PushWanted tells whether the default resource is known to have devices.
func PushWanted(s *Server) bool { return s.push.Known(s.resources.Default().ID) }
