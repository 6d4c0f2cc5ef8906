package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// verifyWithJWKS verifies a token with nothing but the published keys, as a
// program of the operator's own would.
func verifyWithJWKS(set []byte, token, algorithm string) error {
	var keys struct {
		Keys []struct{ Kty, Kid, Alg, Crv, X, Y, N, E string }
	}
	if err := json.Unmarshal(set, &keys); err != nil {
		return err
	}
	number := func(s string) *big.Int {
		data, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(data)
	}
	_, err := jwt.Parse(token, func(parsed *jwt.Token) (any, error) {
		for _, k := range keys.Keys {
			if k.Kid != parsed.Header["kid"] || k.Alg != algorithm {
				continue
			}
			if k.Kty == "RSA" {
				return &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}, nil
			}
			point := make([]byte, 65) // uncompressed: 4, X, Y
			point[0] = 4
			number(k.X).FillBytes(point[1:33])
			number(k.Y).FillBytes(point[33:])
			return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		}
		return nil, errors.New("no such key")
	}, jwt.WithValidMethods([]string{algorithm}))
	return err
}
