package core

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// AccessToken is a bearer token and when it ends.
//
// It prints as REDACTED; encoding/json writes the token, as a credential needs
// that keeps it.
type AccessToken struct {
	// Token is the token itself: a secret.
	Token string
	// ExpiresOn is when the service stops taking it. Zero: unknown.
	ExpiresOn time.Time
}

// String returns REDACTED.
func (AccessToken) String() string { return redacted }

// GoString returns REDACTED.
func (AccessToken) GoString() string { return redacted }

// LogValue returns REDACTED and when the token ends.
func (t AccessToken) LogValue() slog.Value {
	return slog.GroupValue(slog.String("token", redacted), slog.Time("expires_on", t.ExpiresOn))
}

// TokenRequestOptions say what a token is wanted for.
type TokenRequestOptions struct {
	// Scopes name the service, in the form of the issuer.
	Scopes []string
	// Claims are what a service wants the token to prove beyond what the last
	// one did, as JSON in the form of the issuer; empty: nothing. A credential
	// that caches must not answer them from its cache.
	Claims string
}

// TokenCredential gets bearer tokens from an issuer such as Entra ID. It must
// be safe for many goroutines. It need not cache: the policy does.
type TokenCredential interface {
	GetToken(ctx context.Context, options TokenRequestOptions) (AccessToken, error)
}

// TokenCredentialFunc is a TokenCredential made of a function. A fixed token,
// such as that of connection.json for the resource manager, is one too.
type TokenCredentialFunc func(ctx context.Context, options TokenRequestOptions) (AccessToken, error)

// GetToken calls f.
func (f TokenCredentialFunc) GetToken(ctx context.Context, options TokenRequestOptions) (AccessToken, error) {
	return f(ctx, options)
}

// Errors of tokens.
var (
	// ErrTokenExpired says that the token just got is already expired.
	ErrTokenExpired = errors.New("core: the new token is already expired")
	// ErrNoToken says that a credential gave an empty token.
	ErrNoToken = errors.New("core: the credential gave no token")
)

// DefaultRefreshBefore is how long before its end a token is replaced.
const DefaultRefreshBefore = 5 * time.Minute

// refreshPause is how long a cache waits after a refresh failed while the
// token at hand still holds.
const refreshPause = 30 * time.Second

// TokenCacheOptions configure a TokenCache.
type TokenCacheOptions struct {
	// RefreshBefore is how long before its end a token is replaced. Zero: 5
	// minutes. A token with less than twice that left when it comes is replaced
	// after half of its time.
	RefreshBefore time.Duration
	// Initial is the first token; zero: none.
	Initial AccessToken
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// TokenCache keeps one token and gets the next before it ends. It is safe for
// many goroutines. At most one of them gets a token at a time; the others go
// on with the old one while it holds, and wait when it does not.
type TokenCache struct {
	refresh func(context.Context) (AccessToken, error)
	before  time.Duration
	now     func() time.Time

	mu      sync.Mutex
	token   AccessToken
	renewAt time.Time     // zero: never
	busy    chan struct{} // closed when the refresh that runs has ended; nil when none does
}

// NewTokenCache returns a cache that gets tokens from refresh, in the goroutine
// and with the context of a caller of Token.
func NewTokenCache(refresh func(ctx context.Context) (AccessToken, error), options *TokenCacheOptions) *TokenCache {
	if options == nil {
		options = &TokenCacheOptions{}
	}
	c := &TokenCache{refresh: refresh, before: options.RefreshBefore, now: options.Now}
	if c.before <= 0 {
		c.before = DefaultRefreshBefore
	}
	if c.now == nil {
		c.now = time.Now
	}
	if options.Initial.Token != "" {
		c.store(options.Initial)
	}
	return c
}

// Token returns a token that is not expired, and gets a new one first when it
// is time. If that fails, the old token is returned as long as it holds, and
// the error only after. ErrTokenExpired and ErrNoToken say that what came was
// of no use; the other errors are those of refresh and of ctx.
func (c *TokenCache) Token(ctx context.Context) (AccessToken, error) {
	for {
		if err := ctx.Err(); err != nil {
			return AccessToken{}, err
		}
		c.mu.Lock()
		now := c.now()
		holds := c.holds(now)
		fresh := holds && (c.renewAt.IsZero() || now.Before(c.renewAt))
		if fresh || (holds && c.busy != nil) {
			token := c.token
			c.mu.Unlock()
			return token, nil
		}
		if wait := c.busy; wait != nil {
			c.mu.Unlock()
			select {
			case <-wait: // Another one's refresh may have failed with its own context: look again.
				continue
			case <-ctx.Done():
				return AccessToken{}, ctx.Err()
			}
		}
		done := make(chan struct{})
		c.busy = done
		c.mu.Unlock()
		return c.renew(ctx, done)
	}
}

// renew gets a token while no other goroutine does.
func (c *TokenCache) renew(ctx context.Context, done chan struct{}) (AccessToken, error) {
	defer func() {
		// Also when refresh panics: nobody must wait for ever.
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy = nil
		close(done)
	}()
	token, err := c.refresh(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch {
	case err != nil:
	case token.Token == "":
		err = ErrNoToken
	case !token.ExpiresOn.IsZero() && !now.Before(token.ExpiresOn):
		err = ErrTokenExpired
	default:
		c.store(token)
		return token, nil
	}
	if c.holds(now) {
		c.renewAt = now.Add(refreshPause)
		return c.token, nil
	}
	return AccessToken{}, err
}

// holds tells whether the token at hand can still be sent.
func (c *TokenCache) holds(now time.Time) bool {
	return c.token.Token != "" && (c.token.ExpiresOn.IsZero() || now.Before(c.token.ExpiresOn))
}

// store is called with the lock held or before anybody else knows the cache.
func (c *TokenCache) store(token AccessToken) {
	c.token, c.renewAt = token, time.Time{}
	if token.ExpiresOn.IsZero() {
		return
	}
	left := token.ExpiresOn.Sub(c.now())
	c.renewAt = token.ExpiresOn.Add(-min(c.before, max(left/2, 0)))
}

// Forget drops a token that the service refused, if it is still the one kept.
func (c *TokenCache) Forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.Token == token {
		c.token, c.renewAt = AccessToken{}, time.Time{}
	}
}
