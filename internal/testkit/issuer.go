package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Issuer is an OpenID Connect issuer on this machine, as far as a service sees
// one: a discovery document, a key and tokens.
type Issuer struct {
	// URL is the issuer as its tokens have it.
	URL string

	t   testing.TB
	key *ecdsa.PrivateKey
}

// NewIssuer starts an issuer that ends with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.reply(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			t.Error(err)
			return
		}
		i.reply(w, map[string]any{"keys": []map[string]string{{
			"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": "one",
			"x": encodeSegment(point[1:33]), "y": encodeSegment(point[33:]),
		}}})
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	i.URL = srv.URL
	return i
}

func encodeSegment(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func (i *Issuer) reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.t.Log(err)
	}
}

// Token returns a token for an audience that ends at expires, with further
// claims.
func (i *Issuer) Token(audience string, expires time.Time, claims map[string]any) string {
	i.t.Helper()
	now := time.Now()
	all := map[string]any{"iss": i.URL, "aud": audience, "sub": "alice", "iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": expires.Unix()}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	if err != nil {
		i.t.Fatal(err)
	}
	signed := encodeSegment([]byte(`{"alg":"ES256","kid":"one","typ":"JWT"}`)) + "." + encodeSegment(payload)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, hash[:])
	if err != nil {
		i.t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encodeSegment(signature)
}
