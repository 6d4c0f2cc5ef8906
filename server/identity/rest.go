package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// The contract's way to write times: seven digits in expiresOn, none in
// lastTokenIssuedAt.
const (
	expiresFormat = "2006-01-02T15:04:05.0000000-07:00"
	issuedFormat  = "2006-01-02T15:04:05-07:00"
)

const maxCustomID = 256

// Area returns the routes of the identity area.
func (s *Service) Area() front.Area {
	return front.Area{Area: acswire.AreaIdentity, Handlers: map[string]front.Handler{
		acswire.OpIdentityCreate:             s.createIdentity,
		acswire.OpIdentityGet:                s.getIdentity,
		acswire.OpIdentityDelete:             s.deleteIdentity,
		acswire.OpIdentityIssueAccessToken:   s.issueAccessToken,
		acswire.OpIdentityRevokeAccessTokens: s.revokeAccessTokens,
		acswire.OpIdentityExchangeTeamsUser:  s.exchangeTeamsUser,
		acswire.OpIdentityExchangeEntra:      s.exchangeEntra,
		acswire.OpEntraAssignmentsList:       s.listEntraAssignments,
		acswire.OpEntraAssignmentsUpdate:     s.updateEntraAssignments,
		acswire.OpEntraAssignmentGet:         s.getEntraAssignment,
		acswire.OpEntraAssignmentUpsert:      s.upsertEntraAssignment,
		acswire.OpEntraAssignmentDelete:      s.deleteEntraAssignment,
		acswire.OpTeamsExtensionExchange:     s.exchangeTeamsExtension,
		acswire.OpTeamsExtensionGet:          s.getAssignment,
		acswire.OpTeamsExtensionUpsert:       s.upsertAssignment,
		acswire.OpTeamsExtensionDelete:       s.deleteAssignment,
		acswire.OpIdentityCreateV2020:        s.createIdentity2020,
		acswire.OpIdentityIssueTokenV2020:    s.issueToken2020,
		acswire.OpIdentityUpdateV2020:        s.updateIdentity2020,
		acswire.OpIdentityDeleteV2020:        s.deleteIdentity,
	}}
}

// createIdentity answers POST /identities.
func (s *Service) createIdentity(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.CreateIdentityRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	life, err := lifetime(r, body.ExpiresInMinutes)
	if err != nil {
		return nil, err
	}
	customID, err := customID(r, body.CustomID)
	if err != nil {
		return nil, err
	}
	wanted := len(body.CreateTokenWithScopes) > 0
	var at time.Time
	if wanted {
		if err := checkScopes(body.CreateTokenWithScopes, "createTokenWithScopes", acswire.PossibleScopes()); err != nil {
			return nil, err
		}
		at = s.now()
	}
	user, err := s.CreateUser(ctx, r.Resource.ID, customID, at)
	if err != nil {
		return nil, err
	}
	answer := acswire.CreateIdentityResponse{Identity: &acswire.Identity{ID: new(user.RawID())}}
	if customID != "" {
		answer.Identity = model(&user)
	}
	if wanted {
		token, expires, err := s.Sign(&user, body.CreateTokenWithScopes, at, life)
		if err != nil {
			return nil, err
		}
		answer.AccessToken = accessToken(token, expires)
	}
	return &front.Response{Status: http.StatusCreated, Body: answer}, nil
}

// model is a user with all that is told of it.
func model(user *User) *acswire.Identity {
	m := &acswire.Identity{ID: new(user.RawID())}
	if user.CustomID != "" {
		m.CustomID = &user.CustomID
	}
	if !user.LastTokenIssuedAt.IsZero() {
		m.LastTokenIssuedAt = new(user.LastTokenIssuedAt.UTC().Format(issuedFormat))
	}
	return m
}

// getIdentity answers GET /identities/{id}.
func (s *Service) getIdentity(ctx context.Context, r *front.Request) (*front.Response, error) {
	user, err := s.User(ctx, r.Resource.ID, r.Param("id"))
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: model(&user)}, nil
}

// deleteIdentity answers DELETE /identities/{id}.
func (s *Service) deleteIdentity(ctx context.Context, r *front.Request) (*front.Response, error) {
	if err := s.DeleteUser(ctx, r.Resource.ID, r.Param("id")); err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}

// issueAccessToken answers POST /identities/{id}/:issueAccessToken.
func (s *Service) issueAccessToken(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.IssueAccessTokenRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	life, err := lifetime(r, body.ExpiresInMinutes)
	if err != nil {
		return nil, err
	}
	if err := checkScopes(body.Scopes, "scopes", acswire.PossibleScopes()); err != nil {
		return nil, err
	}
	token, expires, err := s.IssueToken(ctx, r.Resource.ID, r.Param("id"), body.Scopes, life)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: accessToken(token, expires)}, nil
}

// revokeAccessTokens answers POST /identities/{id}/:revokeAccessTokens.
func (s *Service) revokeAccessTokens(ctx context.Context, r *front.Request) (*front.Response, error) {
	if err := s.RevokeTokens(ctx, r.Resource.ID, r.Param("id"), s.now()); err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}

// refusal is the contract's form of the errors of this package.
func refusal(err error) error {
	switch {
	case errors.Is(err, ErrNotOwned):
		return &front.Error{
			Status: http.StatusUnauthorized, Code: acswire.CodeIdentityNotOwned,
			Message: "Provided identity doesn't belong to the resource.",
		}
	case errors.Is(err, ErrForeignToken):
		return &front.Error{
			Status: http.StatusUnauthorized, Code: acswire.CodeInvalidAccessToken,
			Message: "Provided access token is not valid.",
		}
	case errors.Is(err, ErrNotAssigned):
		return &front.Error{
			Status: http.StatusForbidden, Code: acswire.CodeForbidden,
			Message: "The principal has no assignment for this resource and application.",
		}
	default:
		return err
	}
}

func accessToken(token string, expires time.Time) *acswire.AccessToken {
	on := expires.UTC().Format(expiresFormat)
	return &acswire.AccessToken{Token: &token, ExpiresOn: &on}
}

func invalid(target, format string, args ...any) *front.Error {
	return &front.Error{
		Status: http.StatusBadRequest, Code: acswire.CodeValidationError,
		Message: fmt.Sprintf(format, args...), Target: target,
	}
}

func lifetime(r *front.Request, minutes *int32) (time.Duration, error) {
	if minutes == nil || r.Contract.Compare(acswire.VersionTokenLifetime()) < 0 {
		return acswire.DefaultTokenMinutes * time.Minute, nil
	}
	if *minutes < acswire.MinTokenMinutes || *minutes > acswire.MaxTokenMinutes {
		return 0, invalid("ExpiresInMinutes", "ExpiresInMinutes value %d is invalid. Value must be within the [%d, %d] interval.",
			*minutes, acswire.MinTokenMinutes, acswire.MaxTokenMinutes)
	}
	return time.Duration(*minutes) * time.Minute, nil
}

func checkScopes(scopes []string, target string, possible []string) error {
	if len(scopes) == 0 {
		return invalid(target, "At least one scope is required.")
	}
	for i, scope := range scopes {
		if !slices.Contains(possible, scope) || slices.Contains(scopes[:i], scope) {
			return invalid(target, "The scopes must be different ones of: %s.", strings.Join(possible, ", "))
		}
	}
	return nil
}

// customID reads the caller's own id, which older versions do not have: they
// ignore the member as any other unknown one.
func customID(r *front.Request, given *string) (string, error) {
	if given == nil || r.Contract.Compare(acswire.VersionCustomID()) < 0 {
		return "", nil
	}
	if *given == "" || len(*given) > maxCustomID || !printable(*given) {
		return "", invalid("customId", "customId must have 1 to %d printable characters.", maxCustomID)
	}
	return *given, nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
