package common

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// What the scopes of tokens that are exchanged begin with. They tell which
// exchange it is.
const (
	// ScopeEntraClients is for Entra users.
	ScopeEntraClients = "https://communication.azure.com/clients/"
	// ScopeTeamsExtension is for Teams Phone users, ScopeTeamsExtensionUSGovernment
	// for those of the sovereign clouds.
	ScopeTeamsExtension             = "https://auth.msft.communication.azure.com/"
	ScopeTeamsExtensionUSGovernment = "https://auth.msft.communication.azure.us/"
)

// Scopes and versions that the exchanges use when nothing else is said.
const (
	DefaultEntraScope          = ScopeEntraClients + ".default"
	DefaultTeamsExtensionScope = ScopeTeamsExtension + ".default"
	// EntraExchangeAPIVersion and TeamsExtensionExchangeAPIVersion are those of the
	// official SDKs.
	EntraExchangeAPIVersion          = "2025-03-02-preview"
	TeamsExtensionExchangeAPIVersion = "2025-06-30"
)

const (
	moduleName    = "common"
	moduleVersion = "v0.1.0"
)

// EntraTokenCredentialOptions configure an EntraTokenCredential; nil is the
// zero value.
type EntraTokenCredentialOptions struct {
	// ClientOptions are those of every client. An APIVersion that is empty is that
	// of the official SDKs.
	core.ClientOptions
	// Scopes are what the user's token is asked for: all begin with
	// ScopeEntraClients, or all with ScopeTeamsExtension or
	// ScopeTeamsExtensionUSGovernment. None: DefaultEntraScope.
	Scopes []string
	// RefreshBefore is how long before its end a token is replaced. Zero:
	// DefaultRefreshBefore.
	RefreshBefore time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// EntraTokenCredential exchanges the token of a user of another issuer, such as
// Entra ID, for a user access token of the resource: whenever the user's token
// has become another one, and before the end of what was got for it. It is a
// TokenCredential, safe for many goroutines.
type EntraTokenCredential struct {
	client     *core.Client
	route      string
	credential core.TokenCredential
	scopes     []string
	options    core.TokenCacheOptions

	mu    sync.Mutex
	token string           // the user's
	cache *core.TokenCache // of what is got for it; nil at first
}

// NewEntraTokenCredential returns a credential for a user whose tokens
// credential gets. That is asked each time, because another user may sign in
// behind it, and so should keep its tokens; those of Entra ID's libraries do.
// endpoint is the root URL of the resource. options may be nil. Nothing is sent.
// The error wraps core.ErrInvalidEndpoint or core.ErrInvalidParameter.
func NewEntraTokenCredential(endpoint string, credential core.TokenCredential, options *EntraTokenCredentialOptions) (*EntraTokenCredential, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &EntraTokenCredentialOptions{}
	}
	scopes := slices.Clone(options.Scopes)
	if len(scopes) == 0 {
		scopes = []string{DefaultEntraScope}
	}
	route, version, err := exchangeOf(scopes)
	if err != nil {
		return nil, err
	}
	client, err := core.NewClient(core.ClientConfig{
		Module: moduleName, Version: moduleVersion, Endpoint: endpoint, APIVersion: version,
		Credential: core.NewTokenPolicy(func(ctx context.Context) (AccessToken, error) {
			token, _ := ctx.Value(userToken{}).(string)
			return AccessToken{Token: token}, nil
		}, nil, &core.BearerPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
	}, &options.ClientOptions)
	if err != nil {
		return nil, err
	}
	c := &EntraTokenCredential{client: client, route: route, credential: credential, scopes: scopes}
	c.options = core.TokenCacheOptions{RefreshBefore: options.RefreshBefore, Now: options.Now}
	if c.options.RefreshBefore <= 0 {
		c.options.RefreshBefore = DefaultRefreshBefore
	}
	return c, nil
}

// userToken is the key of the user's token in the context of an exchange.
type userToken struct{}

// exchangeOf tells by the scopes which exchange it is, as the official SDKs do.
func exchangeOf(scopes []string) (route, version string, err error) {
	all := func(prefixes ...string) bool {
		return !slices.ContainsFunc(scopes, func(scope string) bool {
			return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(scope, prefix) })
		})
	}
	switch {
	case all(ScopeTeamsExtension, ScopeTeamsExtensionUSGovernment):
		return acswire.RouteTeamsExtensionExchange, TeamsExtensionExchangeAPIVersion, nil
	case all(ScopeEntraClients):
		return acswire.RouteEntraExchange, EntraExchangeAPIVersion, nil
	default:
		return "", "", fmt.Errorf("%w: the scopes must all begin with %s, or all with %s or %s",
			core.ErrInvalidParameter, ScopeEntraClients, ScopeTeamsExtension, ScopeTeamsExtensionUSGovernment)
	}
}

// GetToken returns a token that is not expired, and exchanges for a new one
// first when it is time. When the exchange fails the old token is returned as
// long as it holds. The errors are those of the credential, of ctx and of the
// service: a *core.ResponseError.
func (c *EntraTokenCredential) GetToken(ctx context.Context) (AccessToken, error) {
	user, err := c.credential.GetToken(ctx, core.TokenRequestOptions{Scopes: slices.Clone(c.scopes)})
	if err != nil {
		return AccessToken{}, fmt.Errorf("common: get the user's token: %w", err)
	}
	if user.Token == "" {
		return AccessToken{}, core.ErrNoToken
	}
	return c.cacheFor(user.Token).Token(ctx)
}

// cacheFor returns the cache of what is got for a token of the user; that of
// another one is dropped.
func (c *EntraTokenCredential) cacheFor(token string) *core.TokenCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache == nil || c.token != token {
		options := c.options
		c.token = token
		c.cache = core.NewTokenCache(func(ctx context.Context) (AccessToken, error) {
			return c.exchange(context.WithValue(ctx, userToken{}, token))
		}, &options)
	}
	return c.cache
}

func (c *EntraTokenCredential) exchange(ctx context.Context) (AccessToken, error) {
	var answer acswire.CreateIdentityResponse
	_, err := c.client.Call(ctx, core.Call{
		Method: http.MethodPost, Path: c.route, Body: acswire.ExchangeRequest{}, Success: []int{http.StatusOK}, Into: &answer,
	})
	if err != nil {
		return AccessToken{}, fmt.Errorf("common: exchange the user's token: %w", err)
	}
	got := answer.AccessToken
	if got == nil || got.Token == nil || *got.Token == "" || got.ExpiresOn == nil {
		return AccessToken{}, fmt.Errorf("common: exchange the user's token: %w: the answer has none, or none with an end", ErrInvalidToken)
	}
	expires, err := time.Parse(time.RFC3339Nano, *got.ExpiresOn)
	if err != nil {
		return AccessToken{}, fmt.Errorf("common: exchange the user's token: %w: its end is not a time", ErrInvalidToken)
	}
	return AccessToken{Token: *got.Token, ExpiresOn: expires}, nil
}

// Forget drops a token that a service refused; the next GetToken exchanges for
// a new one.
func (c *EntraTokenCredential) Forget(token string) {
	c.mu.Lock()
	cache := c.cache
	c.mu.Unlock()
	if cache != nil {
		cache.Forget(token)
	}
}
