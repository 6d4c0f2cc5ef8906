package oidc_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/oidc"
)

// fake is an issuer whose keys and documents the test holds.
type fake struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	named  string // what the discovery document says; empty is the URL
	down   atomic.Bool
	served atomic.Int32
	ahead  atomic.Int64 // of the service's clock
	keyOf  string       // the member "issuer" of the key; empty for none
	keysAt string       // where the document says the keys are; empty is the URL
	more   []any        // further keys
	wait   chan struct{}
}

func (f *fake) now() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }

func newFake(t *testing.T) *fake {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, key: key}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if f.down.Load() {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-r.Context().Done():
			return
		}
	}
	base := strings.TrimSuffix(r.URL.Path, "/.well-known/openid-configuration")
	named := f.named
	if named == "" {
		named = f.URL + base
	}
	text := base64.RawURLEncoding.EncodeToString
	var answer any = map[string]any{
		"issuer": named, "jwks_uri": cmp.Or(f.keysAt, f.URL+"/keys"), "authorization_endpoint": f.URL, "token_endpoint": f.URL,
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	if r.URL.Path == "/keys" {
		f.served.Add(1)
		key := map[string]any{
			"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256",
			"n": text(f.key.N.Bytes()), "e": text(big.NewInt(int64(f.key.E)).Bytes()),
		}
		if f.keyOf != "" {
			key["issuer"] = f.keyOf
		}
		answer = map[string]any{"keys": append([]any{key}, f.more...)}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		f.t.Error(err)
	}
}

func (f *fake) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(f.Certificate())
	return pool
}

const audience = "api://parley"

func (f *fake) claims() map[string]any {
	return map[string]any{
		"iss": f.URL, "aud": audience, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"scp": "calls.read calls.write", "roles": []string{"Admin"}, "tid": "tenant", "oid": "object", "azp": "app",
	}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, c map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(c))
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fake) token(change map[string]any) string {
	c := f.claims()
	maps.Copy(c, change)
	return sign(f.t, jwt.SigningMethodRS256, f.key, "1", c)
}

func (f *fake) verifier(change func(i *oidc.Issuer)) *oidc.Verifier {
	f.t.Helper()
	i := oidc.Issuer{URL: f.URL, Audiences: []string{audience}, Uses: []oidc.Use{oidc.UseService, oidc.UseExchange}, RootCAs: f.roots()}
	if change != nil {
		change(&i)
	}
	v, err := oidc.New(oidc.Options{Issuers: []oidc.Issuer{i}, Now: f.now})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(v.Close)
	return v
}

func TestVerify_Refused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	v := f.verifier(func(i *oidc.Issuer) {
		i.Claims = map[string][]string{"scp": {"calls.read"}, "roles": {"Owner", "Admin"}}
	})
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := v.Verify(t.Context(), f.token(nil), oidc.UseExchange); err != nil || s.ObjectID != "object" || s.TenantID != "tenant" || s.AppID != "app" {
		t.Fatalf("%+v, %v", s, err)
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"Expired":          {f.token(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), oidc.ErrTokenExpired},
		"NotYetValid":      {f.token(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), oidc.ErrTokenInvalid},
		"OtherAudience":    {f.token(map[string]any{"aud": "api://else"}), oidc.ErrTokenInvalid},
		"NoAudience":       {f.token(map[string]any{"aud": nil}), oidc.ErrTokenInvalid},
		"OtherIssuer":      {f.token(map[string]any{"iss": f.URL + "/"}), oidc.ErrTokenInvalid},
		"NoRole":           {f.token(map[string]any{"roles": []string{"Reader"}}), oidc.ErrTokenInvalid},
		"NoScope":          {f.token(map[string]any{"scp": "calls.readwrite"}), oidc.ErrTokenInvalid},
		"AlgNone":          {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "1", f.claims()), oidc.ErrTokenInvalid},
		"PublicKeyAsHMAC":  {sign(t, jwt.SigningMethodHS256, public, "1", f.claims()), oidc.ErrTokenInvalid},
		"AlgNotListed":     {sign(t, jwt.SigningMethodPS256, f.key, "1", f.claims()), oidc.ErrTokenInvalid},
		"StrangersKey":     {sign(t, jwt.SigningMethodRS256, stranger, "1", f.claims()), oidc.ErrTokenInvalid},
		"StrangersCurve":   {sign(t, jwt.SigningMethodES256, curve, "1", f.claims()), oidc.ErrTokenInvalid},
		"UnknownKey":       {sign(t, jwt.SigningMethodRS256, stranger, "2", f.claims()), oidc.ErrTokenInvalid},
		"NotAToken":        {"x", oidc.ErrTokenInvalid},
		"Dots":             {"..", oidc.ErrTokenInvalid},
		"Empty":            {"", oidc.ErrTokenInvalid},
		"Huge":             {strings.Repeat("a", 1<<20) + "..", oidc.ErrTokenInvalid},
		"PayloadExchanged": {exchanged(f.token(nil)), oidc.ErrTokenInvalid},
	} {
		if s, err := v.Verify(t.Context(), c.token, oidc.UseService); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// exchanged puts another payload behind the signature.
func exchanged(token string) string {
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return token
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "alice", "bob00", 1)))
	return strings.Join(parts, ".")
}

// TestVerify_KeysOfNobody: tokens with invented key ids do not make the service
// ask the issuer again and again.
func TestVerify_KeysOfNobody(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	v := f.verifier(nil)
	for i := range 50 {
		token := sign(t, jwt.SigningMethodRS256, f.key, fmt.Sprint("invented-", i), f.claims())
		if _, err := v.Verify(t.Context(), token, oidc.UseService); !errors.Is(err, oidc.ErrTokenInvalid) {
			t.Fatal(err)
		}
	}
	if n := f.served.Load(); n > 3 {
		t.Errorf("the keys were fetched %d times", n)
	}
	if _, err := v.Verify(t.Context(), f.token(nil), oidc.UseService); err != nil {
		t.Error(err)
	}
}

func TestVerify_IssuerDown_ThenBack(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	f.down.Store(true)
	v := f.verifier(nil)
	if _, err := v.Verify(t.Context(), f.token(nil), oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("down: %v", err)
	}
	f.down.Store(false)
	if _, err := v.Verify(t.Context(), f.token(nil), oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("asked again at once: %v", err)
	}
	f.ahead.Store(int64(10 * time.Second))
	if _, err := v.Verify(t.Context(), f.token(nil), oidc.UseService); err != nil {
		t.Errorf("back: %v", err)
	}
}

// TestVerify_Tenants is how Entra has it: one document for all tenants, and the
// tenant in the issuer of each token.
func TestVerify_Tenants(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	f.named = f.URL + "/{tenantid}/v2.0"
	v := f.verifier(func(i *oidc.Issuer) { i.URL, i.Tenants = f.URL+"/{tenantid}/v2.0", []string{"red", "blue"} })
	of := func(tenant, iss string) string {
		return f.token(map[string]any{"tid": tenant, "iss": f.URL + "/" + iss + "/v2.0"})
	}
	if s, err := v.Verify(t.Context(), of("red", "red"), oidc.UseService); err != nil || s.TenantID != "red" {
		t.Errorf("%+v, %v", s, err)
	}
	for name, token := range map[string]string{"another tenant": of("green", "green"), "tenant and issuer differ": of("red", "blue"), "the template": of("red", "{tenantid}")} {
		if _, err := v.Verify(t.Context(), token, oidc.UseService); !errors.Is(err, oidc.ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerify_DiscoveryNamesAnother(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	f.named = "https://else.example"
	if _, err := f.verifier(nil).Verify(t.Context(), f.token(nil), oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestLocal(t *testing.T) {
	at := time.Now()
	now := func() time.Time { return at }
	local, err := oidc.NewLocal(now)
	if err != nil {
		t.Fatal(err)
	}
	other, err := oidc.NewLocal(now)
	if err != nil {
		t.Fatal(err)
	}
	v, err := oidc.New(oidc.Options{Local: local, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	token, err := local.Token()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Token()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if s, err := v.Verify(ctx, token, oidc.UseManagement); err != nil || s.Subject != "operator" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := v.Verify(ctx, token, oidc.UseService); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("for the data plane: %v", err)
	}
	if _, err := v.Verify(ctx, foreign, oidc.UseManagement); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("of an earlier start: %v", err)
	}
	at = at.Add(6 * 365 * 24 * time.Hour)
	if _, err := v.Verify(ctx, token, oidc.UseManagement); !errors.Is(err, oidc.ErrTokenExpired) {
		t.Errorf("six years later: %v", err)
	}
}

// FuzzVerify looks for a token that is taken although nobody signed it.
func FuzzVerify(f *testing.F) {
	local, err := oidc.NewLocal(time.Now)
	if err != nil {
		f.Fatal(err)
	}
	v, err := oidc.New(oidc.Options{Local: local})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJwYXJsZXktbG9jYWwiLCJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuYXp1cmUuY29tLyJ9.")
	f.Fuzz(func(t *testing.T, token string) {
		if s, err := v.Verify(context.Background(), token, oidc.UseManagement); err == nil {
			t.Errorf("%q is %+v", token, s)
		}
	})
}
