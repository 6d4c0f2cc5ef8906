package server

import (
	"context"

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
