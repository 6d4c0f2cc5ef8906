package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// badTokens makes tokens of a good one that nobody may take for it.
func badTokens(t *testing.T, good string) map[string]string {
	t.Helper()
	var c jwt.MapClaims
	parsed, _, err := jwt.NewParser().ParseUnverified(good, &c)
	if err != nil {
		t.Fatal(err)
	}
	kid := parsed.Header["kid"]
	ours := map[string]any{"kid": kid}
	with := func(name string, value any) map[string]any { return map[string]any{"kid": kid, name: value} }
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	header := func(text string) string { return encode(text) + "." + part[1] + "." + part[2] }
	changed := jwt.MapClaims{}
	for k, v := range c {
		changed[k] = v
	}
	changed["exp"] = time.Now().Add(48 * time.Hour).Unix()
	es := jwt.SigningMethodES256
	tokens := map[string]string{
		"nothing but dots":                "..",
		"no text at all":                  "x",
		"alg none":                        forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ours, c),
		"alg none, signature kept":        header(`{"alg":"none","typ":"JWT","kid":"` + kidText(kid) + `"}`),
		"alg None":                        header(`{"alg":"None","kid":"` + kidText(kid) + `"}`),
		"alg missing":                     header(`{"kid":"` + kidText(kid) + `"}`),
		"alg a number":                    header(`{"alg":256,"kid":"` + kidText(kid) + `"}`),
		"alg twice":                       header(`{"alg":"ES256","alg":"none","kid":"` + kidText(kid) + `"}`),
		"HS256 with the kid as its key":   forge(t, jwt.SigningMethodHS256, []byte(kidText(kid)), ours, c),
		"HS256 with an empty key":         forge(t, jwt.SigningMethodHS256, []byte{}, ours, c),
		"RS256 of a stranger":             forge(t, jwt.SigningMethodRS256, rs, ours, c),
		"PS256 of a stranger":             forge(t, jwt.SigningMethodPS256, rs, ours, c),
		"ES256 of a stranger":             forge(t, es, ec, ours, c),
		"a stranger's key in jwk":         forge(t, es, ec, with("jwk", map[string]any{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), c),
		"a stranger's key at jku":         forge(t, es, ec, with("jku", "http://127.0.0.1:1/keys"), c),
		"a stranger's key at x5u":         forge(t, es, ec, with("x5u", "http://127.0.0.1:1/cert"), c),
		"a critical header":               forge(t, es, ec, with("crit", []string{"exp"}), c),
		"kid missing":                     forge(t, es, ec, nil, c),
		"kid empty":                       forge(t, es, ec, map[string]any{"kid": ""}, c),
		"kid a path":                      forge(t, es, ec, map[string]any{"kid": "../../../../etc/passwd"}, c),
		"kid of SQL":                      forge(t, es, ec, map[string]any{"kid": "' OR '1'='1' --"}, c),
		"kid a list":                      forge(t, es, ec, map[string]any{"kid": []any{kid}}, c),
		"kid an object":                   forge(t, es, ec, map[string]any{"kid": map[string]any{"$ne": ""}}, c),
		"kid with a zero byte":            forge(t, es, ec, map[string]any{"kid": kidText(kid) + "\x00"}, c),
		"kid of a kilobyte":               forge(t, es, ec, map[string]any{"kid": strings.Repeat("k", 1024)}, c),
		"payload changed":                 part[0] + "." + payload(t, changed) + "." + part[2],
		"payload no JSON":                 part[0] + "." + encode("x") + "." + part[2],
		"payload a list":                  part[0] + "." + encode("[]") + "." + part[2],
		"signature missing":               part[0] + "." + part[1],
		"signature empty":                 part[0] + "." + part[1] + ".",
		"signature of zeros":              part[0] + "." + part[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"signature cut":                   good[:len(good)-8],
		"signature with more behind":      good + "AAAA",
		"signature padded":                good + "==",
		"a fourth part":                   good + "." + part[2],
		"nested a hundred times":          strings.Repeat(encode("{}")+".", 100) + part[2],
		"100 kB":                          good + strings.Repeat("A", 100<<10/4),
		"claims of nobody, by a stranger": forge(t, es, ec, ours, map[string]any{}),
	}
	// White space inside a token is none of it.
	tokens["a space in it"] = part[0] + " ." + part[1] + "." + part[2]
	return tokens
}

func kidText(kid any) string {
	s, _ := kid.(string)
	return s
}

// TestHostile_UserTokens brings bad tokens to the agents' socket.
func TestHostile_UserTokens(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	id, good := h.user("chat", "voip")
	other := newREST(t, start(t, server.Options{}))
	_, foreign := other.user("chat", "voip")
	tokens := badTokens(t, good)
	tokens["of another service"] = foreign
	tokens["of the resource manager"] = h.conn.ARMToken
	// Another resource's claims with our signature's neighbor.
	tokens["signature of another token"] = good[:strings.LastIndexByte(good, '.')] + foreign[strings.LastIndexByte(foreign, '.'):]
	dialer := signaling.NewWebSocketDialer(h.conn.Endpoint, &signaling.WebSocketOptions{TLSConfig: &tls.Config{RootCAs: pool(t, h.conn)}})
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			a := newAgent(t, dialer, "", token, "phone")
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, err := a.client.Start(ctx)
			var goodbye *signaling.GoodbyeError
			if !errors.As(err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
				t.Errorf("%v", err)
			}
		})
	}
	signWith(t, dialer, id, good, "phone")
	for name, token := range tokens {
		if token != "x" && strings.Contains(h.log.String(), token) {
			t.Errorf("%s: the log has the token", name)
		}
	}
}

// TestHostile_TokensOutOfTheirTime moves the service's clock.
func TestHostile_TokensOutOfTheirTime(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	var offset atomic.Int64
	srv := start(t, server.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	key, err := decodeKey(srv.Connection().AccessKey)
	if err != nil {
		t.Fatal(err)
	}
	r := newREST(t, srv)
	issue := func() string {
		t.Helper()
		req := r.request(http.MethodPost, createTarget, `{"createTokenWithScopes":["voip"],"expiresInMinutes":60}`)
		if err := acswire.Sign(req, key, []byte(`{"createTokenWithScopes":["voip"],"expiresInMinutes":60}`), time.Now().Add(time.Duration(offset.Load()))); err != nil {
			t.Fatal(err)
		}
		a := r.do(req)
		var made acswire.CreateIdentityResponse
		if err := json.Unmarshal(a.body, &made); err != nil || made.AccessToken == nil {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		return *made.AccessToken.Token
	}
	now := issue()
	offset.Store(int64(2 * time.Hour))
	if g := refused(t, srv, now); g.Code != signaling.CodeTokenExpired {
		t.Errorf("expired: %v", g)
	}
	later := issue()
	offset.Store(0)
	if g := refused(t, srv, later); g.Code != signaling.CodeTokenInvalid {
		t.Errorf("not yet valid: %v", g)
	}
	signWith(t, srv.Dialer(), "", now, "phone")
}

// TestHostile_Bearers brings bad bearer tokens to an operation of each kind.
func TestHostile_Bearers(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	h := newHostile(t, server.Options{})
	_, user := h.user("chat", "voip")
	tokens := badTokens(t, h.conn.ARMToken)
	tokens["a user's"] = user
	codes := map[acswire.Auth][]string{
		acswire.AuthService:    {"Denied"},
		acswire.AuthUser:       {"Unauthorized"},
		acswire.AuthExchange:   {"InvalidAccessToken", "Unauthorized"},
		acswire.AuthManagement: {"InvalidAuthenticationToken", "ExpiredAuthenticationToken", "AuthenticationFailed"},
	}
	done := map[acswire.Auth]bool{}
	for _, area := range acswire.Areas() {
		for _, o := range acswire.Operations(area) {
			if done[o.Auth] || len(codes[o.Auth]) == 0 {
				continue
			}
			done[o.Auth] = true
			path := strings.NewReplacer("{", "", "}", "").Replace(o.Route) + "?api-version=" + versionOf(t, &o)
			t.Run(o.ID, func(t *testing.T) {
				for name, token := range tokens {
					if token == user && o.Auth == acswire.AuthUser {
						continue // it is good here
					}
					req, err := http.NewRequest(o.Method, h.conn.Endpoint+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Authorization", "Bearer "+token)
					a := h.do(req)
					if a.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
						continue
					}
					if code := a.Header.Get("x-ms-error-code"); a.StatusCode != http.StatusUnauthorized || !slices.Contains(codes[o.Auth], code) {
						t.Errorf("%s: %d %s, code %q", name, a.StatusCode, a.body, code)
					}
				}
			})
		}
	}
}

// versionOf returns a version that has the operation.
func versionOf(t *testing.T, o *acswire.Operation) string {
	t.Helper()
	for _, v := range acswire.Versions(o.Area) {
		if o.In(v) {
			return v.Version.String()
		}
	}
	t.Fatalf("no version has %s", o.ID)
	return ""
}
