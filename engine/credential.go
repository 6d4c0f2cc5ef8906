package engine

import (
	"context"
	"time"
)

// TokenCredential gives user access tokens. GetToken is called when an agent
// signs in, when it reconnects, and shortly before a token expires; it may
// block until ctx ends. It must be safe for many goroutines.
type TokenCredential interface {
	GetToken(ctx context.Context) (AccessToken, error)
}

// AccessToken is a user access token as the identity service issued it.
type AccessToken struct {
	// Token is the token itself.
	Token string
	// ExpiresOn is when the service stops taking it. Zero: unknown; then the
	// token is replaced only when the service refuses it.
	ExpiresOn time.Time
}

// StaticTokenCredential is a TokenCredential for one token that is never
// replaced.
type StaticTokenCredential struct {
	token AccessToken
}

// NewStaticTokenCredential returns a credential that always gives token.
func NewStaticTokenCredential(token string) *StaticTokenCredential {
	return &StaticTokenCredential{token: AccessToken{Token: token}}
}

// GetToken returns the token.
func (c *StaticTokenCredential) GetToken(context.Context) (AccessToken, error) {
	return c.token, nil
}

// TokenRefresher is a TokenCredential made of a function.
type TokenRefresher func(ctx context.Context) (AccessToken, error)

// GetToken calls f.
func (f TokenRefresher) GetToken(ctx context.Context) (AccessToken, error) { return f(ctx) }
