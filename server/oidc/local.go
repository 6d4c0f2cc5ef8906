package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	localIssuer  = "parley-local"
	localSubject = "operator"
	localLife    = 5 * 365 * 24 * time.Hour
)

// Local is the service's own issuer of resource-manager tokens. Its key lives
// as long as the process, so a token from an earlier start is void.
type Local struct {
	key    *ecdsa.PrivateKey
	now    func() time.Time
	parser *jwt.Parser
}

// NewLocal draws a key.
func NewLocal(now func() time.Time) (*Local, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("oidc: local issuer: %w", err)
	}
	return &Local{key, now, jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(localIssuer), jwt.WithAudience(AudienceManagement),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(now), jwt.WithStrictDecoding(),
	)}, nil
}

// Token makes a token of whoever runs the service.
func (l *Local) Token() (string, error) {
	now := l.now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer:    localIssuer,
		Subject:   localSubject,
		Audience:  jwt.ClaimStrings{AudienceManagement},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(now.Add(localLife)),
	})
	signed, err := token.SignedString(l.key)
	if err != nil {
		return "", fmt.Errorf("oidc: local token: %w", err)
	}
	return signed, nil
}

func (l *Local) verify(token string, use Use) (Subject, error) {
	if use != UseManagement {
		return Subject{}, ErrTokenInvalid
	}
	var c jwt.RegisteredClaims
	_, err := l.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return &l.key.PublicKey, nil })
	if err != nil {
		if errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			return Subject{}, ErrTokenExpired
		}
		return Subject{}, ErrTokenInvalid
	}
	return Subject{Issuer: localIssuer, Subject: c.Subject, Expires: c.ExpiresAt.Time}, nil
}
