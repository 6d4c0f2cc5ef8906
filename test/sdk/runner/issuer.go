package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuerKeyID   = "one"
	issuerKeyBits = 2048
	foreignLife   = time.Hour
)

// Audiences of the tokens that clients of ACS get from Entra.
const (
	audienceService    = "https://communication.azure.com/"
	audienceManagement = "https://management.azure.com/"
	audienceTeams      = "https://auth.msft.communication.azure.com"
	audienceClients    = "https://communication.azure.com/clients"
)

// issuer is an OpenID Connect issuer as far as a verifier sees one.
type issuer struct {
	url    string
	key    *rsa.PrivateKey
	other  *rsa.PrivateKey // of nobody
	server *http.Server
}

func newIssuer() (*issuer, error) {
	i := &issuer{}
	var err error
	if i.key, err = rsa.GenerateKey(rand.Reader, issuerKeyBits); err != nil {
		return nil, err
	}
	if i.other, err = rsa.GenerateKey(rand.Reader, issuerKeyBits); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	i.server, i.url, err = serve(mux)
	return i, err
}

// serve serves on a free port of this machine.
func serve(h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, "http://" + l.Addr().String(), nil
}

func (i *issuer) close() error { return i.server.Close() }

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/keys", "authorization_endpoint": i.url + "/authorize",
		"token_endpoint": i.url + "/token", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	public := i.key.PublicKey
	reply(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": issuerKeyID,
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}}})
}

// foreign makes a token of a kind, with some claims changed.
func (i *issuer) foreign(kind string, changed map[string]any) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": i.url, "iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(foreignLife).Unix(),
		"tid": teamsTenant, "ver": "2.0",
	}
	key := i.key
	switch kind {
	case "service":
		maps.Copy(claims, jwt.MapClaims{"aud": audienceService, "sub": "back-end", "oid": "5f0e8b0c-3c55-4c0b-9d2f-0d3b9c8e7a10"})
	case "management", "untrusted":
		maps.Copy(claims, jwt.MapClaims{"aud": audienceManagement, "sub": "operator", "oid": "5f0e8b0c-3c55-4c0b-9d2f-0d3b9c8e7a10"})
	case "teams", "extension":
		maps.Copy(claims, jwt.MapClaims{"aud": audienceTeams, "sub": "alice", "oid": teamsUser, "appid": teamsClient, "scp": "Teams.ManageCalls Teams.ManageChats"})
	case "entra":
		maps.Copy(claims, jwt.MapClaims{"aud": audienceClients, "sub": "bob", "oid": teamsUser, "appid": teamsClient, "scp": "VoIP"})
	default:
		return "", fmt.Errorf("no such kind of token: %q", kind)
	}
	if kind == "untrusted" {
		key = i.other
	}
	maps.Copy(claims, changed)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = issuerKeyID
	return token.SignedString(key)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone notices by itself
}

// flags make the service trust the issuer, for each use apart.
func (i *issuer) flags() []string {
	return []string{
		"--oidc", "issuer=" + i.url + ";use=service",
		"--oidc", "issuer=" + i.url + ";use=management",
		"--oidc", "issuer=" + i.url + ";use=exchange;audience=" + audienceTeams + "|" + audienceClients,
	}
}
