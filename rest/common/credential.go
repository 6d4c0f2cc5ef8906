package common

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/rest/core"
)

// AccessToken is a user access token and when it ends.
type AccessToken = core.AccessToken

// TokenCredential gives user access tokens. It must be safe for many
// goroutines.
type TokenCredential interface {
	GetToken(ctx context.Context) (AccessToken, error)
}

// Errors of credentials.
var (
	// ErrInvalidToken says that a text is not a user access token: it has not
	// two parts with a dot between them, or the second one is not base64 of JSON.
	ErrInvalidToken = errors.New("common: not a user access token")
	// ErrNoRefresh says that a UserTokenCredential got no function to refresh with.
	ErrNoRefresh = errors.New("common: a refreshing credential needs a Refresh function")
)

// StaticTokenCredential gives one token that is never replaced.
type StaticTokenCredential struct {
	token AccessToken
}

// NewStaticTokenCredential returns a credential for a token, which may be
// expired: it is the service that refuses it. The error wraps ErrInvalidToken.
func NewStaticTokenCredential(token string) (*StaticTokenCredential, error) {
	parsed, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	return &StaticTokenCredential{token: parsed}, nil
}

// GetToken returns the token.
func (c *StaticTokenCredential) GetToken(context.Context) (AccessToken, error) { return c.token, nil }

// DefaultRefreshBefore is how long before its end a user's token is replaced.
const DefaultRefreshBefore = 10 * time.Minute

// UserTokenCredentialOptions configure a UserTokenCredential.
type UserTokenCredentialOptions struct {
	// Refresh gets a new token, from the application's back end for example. It
	// runs in the goroutine and with the context of a caller of GetToken, never
	// twice at a time. Required.
	Refresh func(ctx context.Context) (string, error)
	// Initial is a token at hand; empty: Refresh gets the first one too.
	Initial string
	// RefreshBefore is how long before its end a token is replaced. Zero: 10
	// minutes. A token with less than twice that left when it comes is replaced
	// after half of its time.
	RefreshBefore time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// UserTokenCredential keeps a user's token and gets the next before it ends. It
// is safe for many goroutines: one renews at a time, the others go on with the
// old token while it holds.
type UserTokenCredential struct {
	cache *core.TokenCache
}

// NewUserTokenCredential returns a credential. The error is ErrNoRefresh, or
// wraps ErrInvalidToken for the initial token.
func NewUserTokenCredential(options UserTokenCredentialOptions) (*UserTokenCredential, error) {
	if options.Refresh == nil {
		return nil, ErrNoRefresh
	}
	cache := &core.TokenCacheOptions{RefreshBefore: options.RefreshBefore, Now: options.Now}
	if cache.RefreshBefore <= 0 {
		cache.RefreshBefore = DefaultRefreshBefore
	}
	if options.Initial != "" {
		var err error
		if cache.Initial, err = parseToken(options.Initial); err != nil {
			return nil, err
		}
	}
	refresh := options.Refresh
	return &UserTokenCredential{cache: core.NewTokenCache(func(ctx context.Context) (AccessToken, error) {
		token, err := refresh(ctx)
		if err != nil {
			return AccessToken{}, fmt.Errorf("common: refresh the token: %w", err)
		}
		return parseToken(token)
	}, cache)}, nil
}

// GetToken returns a token that is not expired, and gets a new one first when
// it is time. When that fails the old token is returned as long as it holds.
// The errors are those of Refresh and of ctx, ErrInvalidToken and, for a new
// token that is already expired, core.ErrTokenExpired.
func (c *UserTokenCredential) GetToken(ctx context.Context) (AccessToken, error) {
	return c.cache.Token(ctx)
}

// Forget drops a token that a service refused, after a revocation for example;
// the next GetToken gets a new one.
func (c *UserTokenCredential) Forget(token string) { c.cache.Forget(token) }

// NewTokenPolicy returns the pipeline policy that authorizes requests with a
// user's token. A credential with a method Forget(token string) is told the
// token that the service answers with 401. options may be nil.
func NewTokenPolicy(credential TokenCredential, options *core.BearerPolicyOptions) core.Policy {
	var refused func(string)
	if f, ok := credential.(interface{ Forget(token string) }); ok {
		refused = f.Forget
	}
	return core.NewTokenPolicy(func(ctx context.Context) (AccessToken, error) {
		if credential == nil {
			return AccessToken{}, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
		}
		return credential.GetToken(ctx)
	}, refused, options)
}

// parseToken reads when a token ends and nothing else: the signature is the
// service's business. A token without an end is taken (azure-sdks 2.4). The
// error never shows the token.
func parseToken(token string) (AccessToken, error) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 || strings.ContainsAny(token, " \r\n\t\x00") {
		return AccessToken{}, fmt.Errorf("%w: want parts with dots between them", ErrInvalidToken)
	}
	payload := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(parts[1], "="))
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return AccessToken{}, fmt.Errorf("%w: its second part is not base64", ErrInvalidToken)
	}
	var claims struct {
		Expires any `json:"exp"`
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return AccessToken{}, fmt.Errorf("%w: its second part is not JSON", ErrInvalidToken)
	}
	seconds, err := unixSeconds(claims.Expires)
	if err != nil {
		return AccessToken{}, err
	}
	result := AccessToken{Token: token}
	if seconds > 0 {
		result.ExpiresOn = time.Unix(seconds, 0)
	}
	return result, nil
}

// unixSeconds reads a number or a text with one; some issuers write the latter.
func unixSeconds(v any) (int64, error) {
	var seconds float64
	switch v := v.(type) {
	case nil:
		return 0, nil
	case float64:
		seconds = v
	case string:
		var err error
		if seconds, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, fmt.Errorf("%w: its end is not a number", ErrInvalidToken)
		}
	default:
		return 0, fmt.Errorf("%w: its end is not a number", ErrInvalidToken)
	}
	// Up to the year 9999.
	if !(seconds > 0 && seconds < 253402300800) {
		return 0, fmt.Errorf("%w: its end is not a time", ErrInvalidToken)
	}
	return int64(seconds), nil
}
