package identity

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
)

// JWKSPath is where the public keys are published.
const JWKSPath = "/.well-known/jwks.json"

// jwk is a public key (RFC 7517 4, RFC 7518 6).
type jwk struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
}

func (k *signingKey) jwk() (jwk, error) {
	out := jwk{Use: "sig", KeyID: k.ID, Algorithm: string(k.Algorithm)}
	text := base64.RawURLEncoding.EncodeToString
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, X, Y
		if err != nil {
			return jwk{}, err
		}
		half := (len(point) - 1) / 2
		out.KeyType, out.Curve = "EC", "P-256"
		out.X, out.Y = text(point[1:1+half]), text(point[1+half:])
	case *rsa.PublicKey:
		out.KeyType = "RSA"
		out.Modulus, out.Exponent = text(public.N.Bytes()), text(big.NewInt(int64(public.E)).Bytes())
	}
	return out, nil
}

// ServeJWKS answers with the public keys of all tokens that are good, and of
// those to come. Whoever verifies tokens without asking the service may keep
// them for a few minutes.
func (s *Service) ServeJWKS(w http.ResponseWriter, r *http.Request) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	// Another node may have made a key.
	if err := s.tokens.ring.reload(r.Context()); err != nil {
		s.options.Logger.Warn("signing keys", "error", err)
	}
	for _, k := range s.tokens.ring.all() {
		public, err := k.jwk()
		if err != nil {
			s.options.Logger.Error("public key", "key", k.ID, "error", err)
			continue
		}
		set.Keys = append(set.Keys, public)
	}
	data, err := json.Marshal(set)
	if err != nil {
		http.Error(w, "no keys", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	// A client that is gone notices by itself.
	_, _ = w.Write(data)
}

func (r *keyring) all() []*signingKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys
}
