package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
)

// Errors of tokens.
var (
	// ErrTokenInvalid says that a token is not one of this service, or not one
	// for this use.
	ErrTokenInvalid = errors.New("identity: invalid token")
	// ErrTokenExpired says that a token was good once.
	ErrTokenExpired = errors.New("identity: token expired")
)

const (
	// clockLeeway is how far ahead the clock of the node may be that issued a
	// token.
	clockLeeway = 5 * time.Minute
	// A token with every scope has about 600 bytes.
	maxToken = 4096
	// legacyScope is what ACS puts into scp, whatever the scopes.
	legacyScope = 1792
)

// Claims are what a user access token says.
type Claims struct {
	// ResourceID and UserID, with the cloud, make up the user's raw id.
	ResourceID, UserID guid.GUID
	Cloud              ident.Cloud
	Scopes             []string
	IssuedAt, Expires  time.Time

	raw string // the raw id of a token that was read
}

// RawID returns the user's raw id, "8:acs:<resource>_<user>".
func (c *Claims) RawID() string {
	if c.raw != "" {
		return c.raw
	}
	return rawID(c.Cloud, c.ResourceID, c.UserID)
}

// Allows tells whether the token has a scope.
func (c *Claims) Allows(scope string) bool { return slices.Contains(c.Scopes, scope) }

// rawID writes the raw id of a user; the prefix tells the cloud of its resource.
func rawID(cloud ident.Cloud, resource, user guid.GUID) string {
	return ident.NewUser(cloud, resource.String(), user.String()).ID
}

// parseRawID reads the raw id of a user of this service.
func parseRawID(raw string) (cloud ident.Cloud, resource, user guid.GUID, err error) {
	id, err := ident.ParseUser(raw)
	if err != nil {
		return "", guid.GUID{}, guid.GUID{}, guid.ErrInvalid
	}
	if resource, err = guid.Parse(id.ResourceID()); err != nil {
		return "", guid.GUID{}, guid.GUID{}, err
	}
	if user, err = guid.Parse(id.UserID()); err != nil {
		return "", guid.GUID{}, guid.GUID{}, err
	}
	return id.Cloud(), resource, user, nil
}

// wireClaims is the payload of a user access token, as ACS has it (acs-rest 2.2).
type wireClaims struct {
	SkypeID    string           `json:"skypeid"`
	Scope      int              `json:"scp"`
	Issued     string           `json:"csi"`
	ExpiresAt  *jwt.NumericDate `json:"exp"`
	IssuedAt   *jwt.NumericDate `json:"iat"`
	ACSScope   string           `json:"acsScope"`
	ResourceID string           `json:"resourceId"`
	// IssuedMS is when the token was issued in milliseconds: revoking goes by
	// it. ACS's tokens do not have it.
	IssuedMS int64            `json:"iatMs,omitempty"`
	Audience jwt.ClaimStrings `json:"aud,omitempty"`
}

func (c *wireClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt, nil }
func (c *wireClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.IssuedAt, nil }
func (c *wireClaims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil } //nolint:nilnil // the interface says so
func (c *wireClaims) GetIssuer() (string, error)                   { return "", nil }
func (c *wireClaims) GetSubject() (string, error)                  { return c.SkypeID, nil }
func (c *wireClaims) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }

func (k *signingKey) method() jwt.SigningMethod {
	if k.Algorithm == AlgorithmRS256 {
		return jwt.SigningMethodRS256
	}
	return jwt.SigningMethodES256
}

// tokens signs and verifies user access tokens.
type tokens struct {
	ring     *keyring
	parser   *jwt.Parser
	now      func() time.Time
	verified verified
}

func newTokens(ring *keyring, now func() time.Time) *tokens {
	return &tokens{ring: ring, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{string(AlgorithmES256), string(AlgorithmRS256)}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)}
}

// sign makes a token.
func (t *tokens) sign(c Claims) (string, error) {
	key := t.ring.signer()
	token := jwt.NewWithClaims(key.method(), &wireClaims{
		SkypeID:    strings.TrimPrefix(c.RawID(), "8:"),
		Scope:      legacyScope,
		Issued:     strconv.FormatInt(c.IssuedAt.Unix(), 10),
		ExpiresAt:  jwt.NewNumericDate(c.Expires),
		IssuedAt:   jwt.NewNumericDate(c.IssuedAt),
		ACSScope:   strings.Join(c.Scopes, ","),
		ResourceID: c.ResourceID.String(),
		IssuedMS:   c.IssuedAt.UnixMilli(),
	})
	token.Header["kid"] = key.ID
	signed, err := token.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("identity: sign: %w", err)
	}
	return signed, nil
}

// parse reads a token that this service signed and that is not past its time,
// and tells by which key.
// The error is ErrTokenInvalid or ErrTokenExpired and repeats nothing of the token.
func (t *tokens) parse(ctx context.Context, token string) (claims Claims, signedBy string, err error) {
	var wire wireClaims
	var failed error
	_, err = t.parser.ParseWithClaims(token, &wire, func(parsed *jwt.Token) (any, error) {
		id, _ := parsed.Header["kid"].(string)
		key, err := t.ring.verifier(ctx, id)
		if err != nil {
			if !errors.Is(err, ErrTokenInvalid) {
				failed = err
			}
			return nil, ErrTokenInvalid
		}
		// The token does not choose how it is verified.
		if parsed.Method.Alg() != string(key.Algorithm) {
			return nil, ErrTokenInvalid
		}
		signedBy = key.ID
		return key.private.Public(), nil
	})
	if failed != nil {
		return Claims{}, "", failed
	}
	if err != nil {
		// The signature is checked before the times.
		if errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			return Claims{}, "", ErrTokenExpired
		}
		return Claims{}, "", ErrTokenInvalid
	}
	if claims, err = wire.claims(); err != nil {
		return Claims{}, "", err
	}
	if claims.IssuedAt.After(t.now().Add(clockLeeway)) {
		return Claims{}, "", ErrTokenInvalid
	}
	return claims, signedBy, nil
}

// claims checks what a genuine token of another use would not have.
func (c *wireClaims) claims() (Claims, error) {
	cloud, resource, user, err := parseRawID("8:" + c.SkypeID)
	if err != nil || c.ResourceID != resource.String() || len(c.Audience) != 0 || c.IssuedAt == nil || c.ExpiresAt == nil {
		return Claims{}, ErrTokenInvalid
	}
	claims := Claims{ResourceID: resource, UserID: user, Cloud: cloud, IssuedAt: c.IssuedAt.Time, Expires: c.ExpiresAt.Time}
	if c.IssuedMS != 0 {
		claims.IssuedAt = time.UnixMilli(c.IssuedMS)
	}
	claims.raw = claims.RawID()
	for scope := range strings.SplitSeq(c.ACSScope, ",") {
		if !slices.Contains(acswire.PossibleScopes(), scope) && scope != acswire.ScopePSTN {
			return Claims{}, ErrTokenInvalid
		}
		claims.Scopes = append(claims.Scopes, scope)
	}
	return claims, nil
}

// MayCall tells whether the token lets its user take part in calls.
func (c *Claims) MayCall() bool { return c.Allows(acswire.ScopeVoIP) }
