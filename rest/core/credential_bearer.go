package core

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/parley-rtc/parley/internal/acswire"
)

// BearerPolicyOptions configure the policies that send bearer tokens.
type BearerPolicyOptions struct {
	// AllowPlainHTTP sends the token over http too.
	AllowPlainHTTP bool
	// Cache configures the cache of NewBearerPolicy.
	Cache TokenCacheOptions
}

// NewBearerPolicy returns the policy that sends a bearer token for scopes with
// each try. It keeps the token, gets the next one before it ends, and forgets
// one that the service answers with 401. When that answer asks for claims, as
// the resource manager does after a user was locked out or moved, the request is
// sent once more with a token that has them. Its errors are ErrPlainHTTP and
// those of the credential, which are not repeated.
func NewBearerPolicy(credential TokenCredential, scopes []string, options *BearerPolicyOptions) Policy {
	if options == nil {
		options = &BearerPolicyOptions{}
	}
	scopes = slices.Clone(scopes)
	cache := NewTokenCache(func(ctx context.Context) (AccessToken, error) {
		if credential == nil {
			return AccessToken{}, fmt.Errorf("%w: no credential", ErrInvalidParameter)
		}
		return credential.GetToken(ctx, TokenRequestOptions{Scopes: slices.Clone(scopes), Claims: claimsOf(ctx)})
	}, &options.Cache)
	return &bearerPolicy{get: cache.Token, forget: cache.Forget, plainHTTP: options.AllowPlainHTTP, claims: true}
}

// NewTokenPolicy returns a policy as NewBearerPolicy does, for a source that
// caches by itself and is asked before each try. refused, which may be nil, is
// told the token that the service answered with 401.
func NewTokenPolicy(get func(ctx context.Context) (AccessToken, error), refused func(token string), options *BearerPolicyOptions) Policy {
	if options == nil {
		options = &BearerPolicyOptions{}
	}
	if refused == nil {
		refused = func(string) {}
	}
	return &bearerPolicy{get: get, forget: refused, plainHTTP: options.AllowPlainHTTP}
}

type bearerPolicy struct {
	get       func(context.Context) (AccessToken, error)
	forget    func(token string)
	plainHTTP bool
	claims    bool // whether get takes claims
}

func (p *bearerPolicy) Do(req *Request) (*http.Response, error) {
	if err := checkSecure(req, p.plainHTTP); err != nil {
		return nil, err
	}
	ctx := req.raw.Context()
	resp, err := p.send(ctx, req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !p.claims {
		return resp, err
	}
	claims := claimsChallenge(resp.Header.Values("Www-Authenticate"))
	if claims == "" {
		return resp, nil
	}
	drop(resp)
	return p.send(withClaims(ctx, claims), req.forTry(ctx, req.try))
}

// send sends the request with a token that is got with ctx.
func (p *bearerPolicy) send(ctx context.Context, req *Request) (*http.Response, error) {
	token, err := p.get(ctx)
	if err != nil {
		return nil, NonRetriable(fmt.Errorf("core: get a token: %w", err))
	}
	if token.Token == "" {
		return nil, NonRetriable(ErrNoToken)
	}
	req.raw.Header.Set(acswire.HeaderAuthorization, "Bearer "+token.Token)
	resp, err := req.Next()
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		p.forget(token.Token)
	}
	return resp, err
}
