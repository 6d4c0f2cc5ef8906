package server

import (
	"context"
	"errors"

	"github.com/parley-rtc/parley/signaling"
)

// Errors of the service.
var (
	// ErrClosed says that the service was closed.
	ErrClosed = errors.New("server: closed")
	// ErrInUse says that another service uses the data folder.
	ErrInUse = errors.New("server: the data folder is in use")
)

// Server is a running service.
type Server struct {
	connection Connection
}

// New starts the service and returns when it answers on all its ports and has
// written connection.json.
func New(options Options) (*Server, error) {
	return nil, errors.New("server: not written yet")
}

// Dialer connects an engine to this service within the process: no socket, the
// same messages.
func (s *Server) Dialer() signaling.Dialer { return nil }

// Connection returns the contents of connection.json.
func (s *Server) Connection() Connection { return s.connection }

// Shutdown drains: it takes no new work, tells the agents to connect
// elsewhere, lets REST requests finish, stores the calls and closes. It takes
// at most ten seconds, less if ctx ends sooner. The error says what was cut
// short.
func (s *Server) Shutdown(ctx context.Context) error { return nil }

// Close ends the service at once. It is idempotent.
func (s *Server) Close() error { return nil }
