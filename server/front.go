package server

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/resource"
)

// Bounds that keep a client from holding a connection for nothing.
const (
	defaultHeaderTimeout = 10 * time.Second
	defaultReadTimeout   = time.Minute
	defaultIdleTimeout   = 2 * time.Minute
	defaultWriteTimeout  = 2 * time.Minute
)

// RequestTimeouts bound how slow a client may be. Zero fields take the
// defaults.
type RequestTimeouts struct {
	// Header is for a request's headers; zero: 10 s.
	Header time.Duration
	// Read is for a request with its body, unless the operation takes large
	// bodies; zero: one minute.
	Read time.Duration
	// Write is for a request's handling and its answer, unless either is large;
	// zero: two minutes.
	Write time.Duration
	// Idle is how long a connection may wait for its next request; zero: two
	// minutes.
	Idle time.Duration
}

func (t RequestTimeouts) orDefaults() RequestTimeouts {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&t.Header, defaultHeaderTimeout}, {&t.Read, defaultReadTimeout}, {&t.Write, defaultWriteTimeout}, {&t.Idle, defaultIdleTimeout}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return t
}

// bodiesFolder is where large bodies wait until they were checked. Those of a
// process that died are removed at the next start.
const bodiesFolder = "bodies"

// openLimits reads how often what may be asked. Requests of REST and those over
// the connections of agents are counted together.
func (s *Server) openLimits() (err error) {
	s.limiter, err = limits.Load(s.options.Limits, s.options.Now)
	return err
}

// frontOptions configures the door of the REST API.
func (s *Server) frontOptions() (front.Options, error) {
	bodies := s.folder.file(bodiesFolder)
	if err := errors.Join(os.RemoveAll(bodies), os.Mkdir(bodies, 0o700)); err != nil {
		return front.Options{}, err
	}
	options := front.Options{
		Resources:      s.hosts,
		Authenticators: s.authenticators(),
		Limits:         s.limiter,
		Repeats:        repeat.New(s.store, s.options.Now),
		PublicHost:     s.publicHost(),
		TempDir:        bodies,
		Now:            s.options.Now,
		Logger:         s.logger,
		Observer:       s.metrics,
	}
	if s.options.Record != nil {
		options.Recorder = (&recorder{logger: s.logger, out: s.options.Record}).record
	}
	return options, nil
}

// authenticators check the bearer tokens of requests.
func (s *Server) authenticators() front.Authenticators {
	return front.Authenticators{User: s.authenticateUser, ServiceBearer: s.authenticateService, Management: s.authenticateManager}
}

// authenticateUser checks a user access token for a request to a resource.
func (s *Server) authenticateUser(ctx context.Context, token string, res *resource.Resource) (front.User, error) {
	claims, err := s.authenticateClaims(ctx, token, res)
	if err != nil {
		return front.User{}, err
	}
	return front.User{
		RawID: claims.RawID(), ResourceID: claims.ResourceID, ID: claims.UserID,
		Scopes: claims.Scopes, Expires: claims.Expires,
	}, nil
}

// authenticateClaims is authenticateUser with all that the token says.
func (s *Server) authenticateClaims(ctx context.Context, token string, res *resource.Resource) (identity.Claims, error) {
	claims, err := s.identity.Authenticate(ctx, token)
	switch {
	case errors.Is(err, identity.ErrTokenExpired):
		return claims, front.ErrTokenExpired
	case errors.Is(err, identity.ErrTokenInvalid):
		return claims, front.ErrTokenInvalid
	case err != nil:
		return claims, err
	case claims.ResourceID != res.ID:
		return claims, front.ErrTokenInvalid
	}
	return claims, nil
}
