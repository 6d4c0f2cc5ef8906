package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

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

// Area returns what answers the operations of the identity area.
func (s *Service) Area() front.Area {
	return front.Area{
		Area: acswire.AreaIdentity,
		Handlers: map[string]front.Handler{
			acswire.OpIdentityCreate:           s.createIdentity,
			acswire.OpIdentityIssueAccessToken: s.issueAccessToken,
		},
	}
}

// createIdentity answers POST /identities.
func (s *Service) createIdentity(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.CreateIdentityRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	life, err := lifetime(body.ExpiresInMinutes)
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
		if err := checkScopes(body.CreateTokenWithScopes, "createTokenWithScopes"); err != nil {
			return nil, err
		}
		at = s.now()
	}
	user, err := s.CreateUser(ctx, r.Resource.ID, customID, at)
	if err != nil {
		return nil, err
	}
	id := user.RawID()
	answer := acswire.CreateIdentityResponse{Identity: &acswire.Identity{ID: &id}}
	if customID != "" {
		answer.Identity.CustomID = &customID
		if !user.LastTokenIssuedAt.IsZero() {
			issued := user.LastTokenIssuedAt.UTC().Format(issuedFormat)
			answer.Identity.LastTokenIssuedAt = &issued
		}
	}
	if wanted {
		token, expires, err := s.Sign(user.ResourceID, user.ID, body.CreateTokenWithScopes, at, life)
		if err != nil {
			return nil, err
		}
		answer.AccessToken = accessToken(token, expires)
	}
	return &front.Response{Status: http.StatusCreated, Body: answer}, nil
}

// issueAccessToken answers POST /identities/{id}/:issueAccessToken.
func (s *Service) issueAccessToken(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.IssueAccessTokenRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	life, err := lifetime(body.ExpiresInMinutes)
	if err != nil {
		return nil, err
	}
	if err := checkScopes(body.Scopes, "scopes"); err != nil {
		return nil, err
	}
	token, expires, err := s.IssueToken(ctx, r.Resource.ID, r.Param("id"), body.Scopes, life)
	if errors.Is(err, ErrNotOwned) {
		return nil, &front.Error{
			Status: http.StatusUnauthorized, Code: acswire.CodeIdentityNotOwned,
			Message: "Provided identity doesn't belong to the resource.",
		}
	}
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: accessToken(token, expires)}, nil
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

func lifetime(minutes *int32) (time.Duration, error) {
	if minutes == nil {
		return acswire.DefaultTokenMinutes * time.Minute, nil
	}
	if *minutes < acswire.MinTokenMinutes || *minutes > acswire.MaxTokenMinutes {
		return 0, invalid("ExpiresInMinutes", "ExpiresInMinutes value %d is invalid. Value must be within the [%d, %d] interval.",
			*minutes, acswire.MinTokenMinutes, acswire.MaxTokenMinutes)
	}
	return time.Duration(*minutes) * time.Minute, nil
}

func checkScopes(scopes []string, target string) error {
	if len(scopes) == 0 {
		return invalid(target, "At least one scope is required.")
	}
	seen := map[string]bool{}
	for _, scope := range scopes {
		if !slices.Contains(acswire.PossibleScopes(), scope) || seen[scope] {
			return invalid(target, "The scopes must be different ones of: %s.", strings.Join(acswire.PossibleScopes(), ", "))
		}
		seen[scope] = true
	}
	return nil
}

// customID reads the caller's own id, which older versions do not have: they
// ignore the member as any other unknown one.
func customID(r *front.Request, given *string) (string, error) {
	if given == nil || r.Version.Compare(acswire.VersionCustomID()) < 0 {
		return "", nil
	}
	if *given == "" || len(*given) > maxCustomID {
		return "", invalid("customId", "customId must have 1 to %d characters.", maxCustomID)
	}
	return *given, nil
}
