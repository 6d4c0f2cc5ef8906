package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

// createIdentity2020 answers POST /identities at 2020-07-20-preview2.
func (s *Service) createIdentity2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	user, err := s.CreateUser(ctx, r.Resource.ID, "", time.Time{})
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.IdentityV2020{ID: new(user.RawID())}}, nil
}

// issueToken2020 answers POST /identities/{id}/token at 2020-07-20-preview2.
func (s *Service) issueToken2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.IssueTokenRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	possible := []string{acswire.ScopeChat, acswire.ScopeVoIP, acswire.ScopePSTN}
	if err := checkScopes(body.Scopes, "scopes", possible); err != nil {
		return nil, err
	}
	raw := r.Param("id")
	token, expires, err := s.IssueToken(ctx, r.Resource.ID, raw, body.Scopes, acswire.DefaultTokenMinutes*time.Minute)
	if err != nil {
		return nil, refusal(err)
	}
	issued := accessToken(token, expires)
	return &front.Response{Status: http.StatusOK, Body: acswire.TokenV2020{ID: &raw, Token: issued.Token, ExpiresOn: issued.ExpiresOn}}, nil
}

// updateIdentity2020 answers PATCH /identities/{id} at 2020-07-20-preview2.
func (s *Service) updateIdentity2020(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.UpdateIdentityRequestV2020
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	raw := r.Param("id")
	if body.TokensValidFrom == nil {
		// Nothing to change, but the user must be one.
		if _, err := s.User(ctx, r.Resource.ID, raw); err != nil {
			return nil, refusal(err)
		}
		return &front.Response{Status: http.StatusNoContent}, nil
	}
	from, err := time.Parse(time.RFC3339, *body.TokensValidFrom)
	if err != nil {
		return nil, invalid("tokensValidFrom", "tokensValidFrom must be a time, as in 2020-07-20T15:04:05Z.")
	}
	if err := s.RevokeTokens(ctx, r.Resource.ID, raw, from); err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}
