package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/server/guid"
)

// SignEvent returns a JSON Web Token that tells the receiver of an event who
// sent it: issuer, audience, an id of its own and a life. The keys are those of
// user access tokens, in the key set at JWKSPath; a token with an audience is no
// user access token.
func (s *Service) SignEvent(_ context.Context, issuer, audience string, life time.Duration) (string, error) {
	now := s.tokens.now()
	key := s.tokens.ring.signer()
	token := jwt.NewWithClaims(key.method(), &jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, ID: guid.New().String(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-clockLeeway)), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
	})
	token.Header["kid"] = key.ID
	signed, err := token.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("identity: sign an event: %w", err)
	}
	return signed, nil
}
