package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// What a bearer token of the resource manager is for, as ACS's has it.
	managementAudience = "https://management.azure.com/"
	managementIssuer   = "parley-local"
	operatorLife       = 5 * 365 * 24 * time.Hour
)

// operator is the service's own issuer of resource-manager tokens. Its key
// lives as long as the process, so a token from an earlier start is void.
type operator struct {
	key *ecdsa.PrivateKey
}

func newOperator() (*operator, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("operator key: %w", err)
	}
	return &operator{key}, nil
}

// token makes the token of connection.json.
func (o *operator) token(now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer:    managementIssuer,
		Subject:   "operator",
		Audience:  jwt.ClaimStrings{managementAudience},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(now.Add(operatorLife)),
	})
	signed, err := token.SignedString(o.key)
	if err != nil {
		return "", fmt.Errorf("operator token: %w", err)
	}
	return signed, nil
}
