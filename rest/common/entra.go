package common

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// Scopes of tokens that are exchanged.
const (
	// ScopeEntraClients is what tokens of Entra users begin with.
	ScopeEntraClients = "https://communication.azure.com/clients/"
	// ScopeTeamsExtension is what tokens of Teams Phone users begin with.
	ScopeTeamsExtension = "https://auth.msft.communication.azure.com/"

	defaultEntraScope     = ScopeEntraClients + ".default"
	entraExchangeVersion  = "2025-03-02-preview"
	teamsExtensionVersion = "2025-06-30"
)

// EntraTokenCredentialOptions configure an EntraTokenCredential; nil is the
// zero value.
type EntraTokenCredentialOptions struct {
	// ClientOptions are those of every client.
	core.ClientOptions

	// Scopes are what the user's token is asked for: all begin with
	// ScopeEntraClients, or all with ScopeTeamsExtension. None: those of an Entra
	// user by default.
	Scopes []string
	// RefreshBefore is how long before its end a token is replaced. Zero:
	// DefaultRefreshBefore.
	RefreshBefore time.Duration
}

// EntraTokenCredential exchanges the token of a user of another issuer, such as
// Entra ID, for a user access token of the resource, and again before it ends. It
// is a TokenCredential, safe for many goroutines.
type EntraTokenCredential struct {
	cache *core.TokenCache
}

// NewEntraTokenCredential returns a credential for a user whose tokens
// credential gets. endpoint is the root URL of the resource. options may be nil.
// The error wraps core.ErrInvalidEndpoint or core.ErrInvalidParameter.
func NewEntraTokenCredential(endpoint string, credential core.TokenCredential, options *EntraTokenCredentialOptions) (*EntraTokenCredential, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &EntraTokenCredentialOptions{}
	}
	scopes := options.Scopes
	if len(scopes) == 0 {
		scopes = []string{defaultEntraScope}
	}
	route, version, err := exchangeRoute(scopes)
	if err != nil {
		return nil, err
	}
	client, err := core.NewClient(core.ClientConfig{
		Module: "common", Version: "v0.1.0", Endpoint: endpoint, APIVersion: version,
		Credential: core.NewBearerPolicy(credential, scopes, &core.BearerPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
	}, &options.ClientOptions)
	if err != nil {
		return nil, err
	}
	cache := &core.TokenCacheOptions{RefreshBefore: options.RefreshBefore}
	if cache.RefreshBefore <= 0 {
		cache.RefreshBefore = DefaultRefreshBefore
	}
	return &EntraTokenCredential{core.NewTokenCache(func(ctx context.Context) (AccessToken, error) {
		return exchange(ctx, client, route)
	}, cache)}, nil
}

// exchangeRoute tells by the scopes which exchange it is, as the official SDKs do.
func exchangeRoute(scopes []string) (route, version string, err error) {
	all := func(prefix string) bool {
		for _, s := range scopes {
			if !strings.HasPrefix(s, prefix) {
				return false
			}
		}
		return true
	}
	switch {
	case all(ScopeEntraClients):
		return acswire.RouteEntraExchange, entraExchangeVersion, nil
	case all(ScopeTeamsExtension):
		return acswire.RouteTeamsExtensionExchange, teamsExtensionVersion, nil
	default:
		return "", "", fmt.Errorf("%w: the scopes must all begin with %s or all with %s", core.ErrInvalidParameter, ScopeEntraClients, ScopeTeamsExtension)
	}
}

func exchange(ctx context.Context, client *core.Client, route string) (AccessToken, error) {
	var answer acswire.CreateIdentityResponse
	_, err := client.Call(ctx, core.Call{
		Method: http.MethodPost, Path: route, Body: acswire.ExchangeRequest{}, Success: []int{http.StatusOK}, Into: &answer,
	})
	if err != nil {
		return AccessToken{}, fmt.Errorf("common: exchange the token: %w", err)
	}
	if answer.AccessToken == nil || answer.AccessToken.Token == nil {
		return AccessToken{}, fmt.Errorf("common: exchange the token: %w", ErrInvalidToken)
	}
	return parseToken(*answer.AccessToken.Token)
}

// GetToken returns a token that is not expired, and exchanges for a new one
// first when it is time. When that fails the old token is returned as long as it
// holds. The errors are those of the credential, of the service and of ctx.
func (c *EntraTokenCredential) GetToken(ctx context.Context) (AccessToken, error) {
	return c.cache.Token(ctx)
}

// Forget drops a token that a service refused; the next GetToken gets a new one.
func (c *EntraTokenCredential) Forget(token string) { c.cache.Forget(token) }
