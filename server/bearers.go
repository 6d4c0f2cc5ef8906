package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/oidc"
	"github.com/parley-rtc/parley/server/resource"
)

// openBearers makes what checks the bearer tokens of issuers.
func (s *Server) openBearers() (err error) {
	if s.operator, err = oidc.NewLocal(s.options.Now); err != nil {
		return err
	}
	s.bearers, err = oidc.New(oidc.Options{Issuers: s.options.OIDC, Local: s.operator, Now: s.options.Now, Logger: s.logger})
	return err
}

// bearer checks a token for the front door.
func (s *Server) bearer(ctx context.Context, token string, use oidc.Use) (oidc.Subject, error) {
	subject, err := s.bearers.Verify(ctx, token, use)
	switch {
	case errors.Is(err, oidc.ErrTokenExpired):
		return subject, front.ErrTokenExpired
	case errors.Is(err, oidc.ErrTokenInvalid):
		return subject, front.ErrTokenInvalid
	case errors.Is(err, oidc.ErrUnavailable):
		s.logger.Debug("bearer token not checked", "error", err)
		return subject, &front.Error{
			Status: http.StatusServiceUnavailable, Code: acswire.CodeServiceUnavailable,
			Message: "The token cannot be checked: its issuer does not answer. Try again.", Header: http.Header{acswire.HeaderRetryAfter: {"5"}},
		}
	}
	return subject, err
}

// authenticateService checks a bearer token for the data plane of a resource.
func (s *Server) authenticateService(ctx context.Context, token string, res *resource.Resource) (front.Subject, error) {
	subject, err := s.bearer(ctx, token, oidc.UseService)
	if err != nil {
		return front.Subject{}, err
	}
	mine := func(name string) bool { return strings.EqualFold(name, res.Name) }
	if len(subject.Resources) > 0 && !slices.ContainsFunc(subject.Resources, mine) {
		return front.Subject{}, front.ErrTokenInvalid
	}
	return frontSubject(&subject), nil
}

// authenticateManager checks a bearer token for the resource manager.
func (s *Server) authenticateManager(ctx context.Context, token string) (front.Subject, error) {
	subject, err := s.bearer(ctx, token, oidc.UseManagement)
	if err != nil {
		return front.Subject{}, err
	}
	return frontSubject(&subject), nil
}

func frontSubject(s *oidc.Subject) front.Subject {
	return front.Subject{Issuer: s.Issuer, Subject: s.Subject, ObjectID: s.ObjectID, TenantID: s.TenantID, AppID: s.AppID}
}

// exchanger checks the tokens that are exchanged for user access tokens.
type exchanger struct{ bearers *oidc.Verifier }

// VerifyUser implements identity.Exchanger.
func (e exchanger) VerifyUser(ctx context.Context, token string) (identity.ForeignUser, error) {
	subject, err := e.bearers.Verify(ctx, token, oidc.UseExchange)
	if errors.Is(err, oidc.ErrTokenInvalid) || errors.Is(err, oidc.ErrTokenExpired) {
		return identity.ForeignUser{}, identity.ErrForeignToken
	}
	if err != nil {
		return identity.ForeignUser{}, err
	}
	user := identity.ForeignUser{
		TenantID: subject.TenantID, ObjectID: subject.ObjectID, AppID: subject.AppID, Groups: subject.Groups, Expires: subject.Expires,
	}
	// Issuers other than Entra have neither tenants nor object ids.
	if user.TenantID == "" {
		user.TenantID = subject.Issuer
	}
	if user.ObjectID == "" {
		user.ObjectID = subject.Subject
	}
	return user, nil
}
