package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/oidc"
)

// refused and taken check one token for the data plane.
func refused(t *testing.T, v *oidc.Verifier, name, token string) {
	t.Helper()
	if s, err := v.Verify(t.Context(), token, oidc.UseService); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("%s: %+v, %v", name, s, err)
	}
}

func taken(t *testing.T, v *oidc.Verifier, name, token string) oidc.Subject {
	t.Helper()
	s, err := v.Verify(t.Context(), token, oidc.UseService)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return s
}

func TestVerify_Subjects(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	for _, subject := range []string{"alice", "object", "app"} {
		v := f.verifier(func(i *oidc.Issuer) { i.Subjects = []string{"nobody", subject} })
		taken(t, v, subject, f.token(nil))
		refused(t, v, "not "+subject, f.token(map[string]any{"sub": "bob", "oid": "x", "azp": "y"}))
		refused(t, v, "none", f.token(map[string]any{"sub": "bob", "oid": nil, "azp": nil}))
	}
}

// TestVerify_Claims: names are exact, and of several claims each must fit.
func TestVerify_Claims(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	v := f.verifier(func(i *oidc.Issuer) {
		i.Claims = map[string][]string{"level": {"1000000"}, "paid": {"true"}, "roles": {"Owner", "Admin"}}
	})
	good := map[string]any{"level": 1000000, "paid": true}
	taken(t, v, "good", f.token(good))
	for name, change := range map[string]any{"level": 1000001, "paid": false, "roles": []any{"Reader", 5, nil}} {
		c := map[string]any{"level": 1000000, "paid": true}
		c[name] = change
		refused(t, v, name, f.token(c))
	}
	refused(t, v, "other spelling", f.token(map[string]any{"level": 1000000, "paid": nil, "Paid": true}))
	refused(t, v, "object", f.token(map[string]any{"level": 1000000, "paid": map[string]any{"true": true}}))
	// Other spellings of what says who it is do not count either.
	s := taken(t, v, "spellings", f.token(map[string]any{"level": 1000000, "paid": true, "OID": "root", "Tid": "root", "ISS": "root"}))
	if s.ObjectID != "object" || s.TenantID != "tenant" {
		t.Errorf("%+v", s)
	}
}

// TestVerify_SeveralEntries: an issuer that stands there twice may do what
// either entry says.
func TestVerify_SeveralEntries(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	entry := func(audience string, resources ...string) oidc.Issuer {
		return oidc.Issuer{URL: f.URL, Audiences: []string{audience}, Uses: []oidc.Use{oidc.UseService}, Resources: resources, RootCAs: f.roots()}
	}
	roots := f.roots()
	entries := []oidc.Issuer{entry("api://red", "red"), entry("api://blue", "blue"), entry("api://all")}
	for i := range entries {
		entries[i].RootCAs = roots
	}
	v, err := oidc.New(oidc.Options{Issuers: entries})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, c := range []struct {
		audiences []string
		resources []string
	}{
		{[]string{"api://red"}, []string{"red"}},
		{[]string{"api://blue"}, []string{"blue"}},
		{[]string{"api://blue", "api://red"}, []string{"red", "blue"}},
		{[]string{"api://blue", "api://all"}, nil},
	} {
		if s := taken(t, v, strings.Join(c.audiences, " "), f.token(map[string]any{"aud": c.audiences})); !slices.Equal(s.Resources, c.resources) {
			t.Errorf("%v: %v", c.audiences, s.Resources)
		}
	}
	refused(t, v, "none", f.token(map[string]any{"aud": "api://green"}))
	if n := f.served.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// TestVerify_ApplicationIsNoUser: a token that an application got for itself is
// not exchanged for a user's.
func TestVerify_ApplicationIsNoUser(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	v := f.verifier(nil)
	token := f.token(map[string]any{"idtyp": "app"})
	taken(t, v, "service", token)
	if _, err := v.Verify(t.Context(), token, oidc.UseExchange); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Error(err)
	}
}

// TestVerify_KeyOfAnotherIssuer: where the keys of all tenants lie together,
// each may say whose it is.
func TestVerify_KeyOfAnotherIssuer(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	f.named = f.URL + "/{tenantid}/v2.0"
	tenants := func(i *oidc.Issuer) { i.URL, i.Tenants = f.named, []string{"red", "BLUE"} }
	red := f.token(map[string]any{"tid": "red", "iss": f.URL + "/red/v2.0"})
	blue := f.token(map[string]any{"tid": "blue", "iss": f.URL + "/blue/v2.0"})
	f.keyOf = f.named
	v := f.verifier(tenants)
	taken(t, v, "any tenant's", red)
	taken(t, v, "any tenant's", blue)
	f.keyOf = f.URL + "/red/v2.0"
	v = f.verifier(tenants)
	taken(t, v, "red's own", red)
	refused(t, v, "red's for blue", blue)
}

// TestVerify_KeysThatAreNone: what stands among the keys but cannot sign, or
// cannot be read, is left out.
func TestVerify_KeysThatAreNone(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	secret := []byte("0123456789abcdef0123456789abcdef")
	f.more = []any{
		map[string]any{"kty": "oct", "kid": "2", "k": base64.RawURLEncoding.EncodeToString(secret)},
		map[string]any{"kty": "OKP", "crv": "Ed448", "kid": "3", "x": "AA"},
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "4", "x": "AA", "y": "AA"},
		map[string]any{"kty": "later", "kid": "5"},
		"text", nil, 7,
	}
	v := f.verifier(nil)
	taken(t, v, "the one key", f.token(nil))
	refused(t, v, "shared secret", sign(t, jwt.SigningMethodHS256, secret, "2", f.claims()))
	refused(t, v, "key for another algorithm", sign(t, jwt.SigningMethodRS384, f.key, "1", f.claims()))
}

// TestVerify_WithdrawnKey: a key is good for an hour after the issuer withdrew
// it, and a day while the issuer is not there to ask.
func TestVerify_WithdrawnKey(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	v := f.verifier(nil)
	long := f.token(map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()})
	taken(t, v, "at first", long)
	f.down.Store(true)
	f.ahead.Store(int64(2 * time.Hour))
	taken(t, v, "while the issuer is down", long)
	f.ahead.Store(int64(25 * time.Hour))
	if _, err := v.Verify(t.Context(), long, oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("a day later: %v", err)
	}
	f.down.Store(false)
	f.ahead.Store(int64(25*time.Hour + 10*time.Second))
	taken(t, v, "the issuer is back", long)
	f.more, f.key = nil, newFake(t).key // the old key is withdrawn
	f.ahead.Store(int64(27 * time.Hour))
	served := f.served.Load()
	taken(t, v, "fetched behind the request", long)
	for f.served.Load() == served { // until the fetch has come
		time.Sleep(time.Millisecond)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := v.Verify(t.Context(), long, oidc.UseService); errors.Is(err, oidc.ErrTokenInvalid) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the withdrawn key is good for ever")
		}
	}
}

// TestVerify_SlowIssuer_HoldsNobodyElse: a request that gives up does so at
// once, and the tokens of other issuers are checked meanwhile.
func TestVerify_SlowIssuer_HoldsNobodyElse(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	slow, quick := newFake(t), newFake(t)
	slow.wait = make(chan struct{})
	issuer := func(f *fake) oidc.Issuer {
		return oidc.Issuer{URL: f.URL, Audiences: []string{audience}, Uses: []oidc.Use{oidc.UseService}, RootCAs: f.roots()}
	}
	v, err := oidc.New(oidc.Options{Issuers: []oidc.Issuer{issuer(slow), issuer(quick)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := v.Verify(ctx, slow.token(nil), oidc.UseService)
		done <- err
	}()
	taken(t, v, "the other issuer", quick.token(nil))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	v.Close() // does not wait for the issuer
	refused(t, v, "new key after the close", sign(t, jwt.SigningMethodRS256, quick.key, "9", quick.claims()))
}

func TestVerify_DocumentsThatAreNoGood(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for name, change := range map[string]func(f *fake){
		"plain http":  func(f *fake) { f.keysAt = "http://issuer.example/keys" },
		"no keys":     func(f *fake) { f.keysAt = "/" },
		"a redirect":  func(f *fake) { f.Config.Handler = http.RedirectHandler("https://else.example/", http.StatusFound) },
		"a huge text": func(f *fake) { f.named = f.URL + strings.Repeat("x", 2<<20) },
		"a file":      func(f *fake) { f.keysAt = "file:///etc/passwd" },
		"no document": func(f *fake) { f.Config.Handler = http.NotFoundHandler() },
		"not JSON": func(f *fake) {
			f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) })
		},
	} {
		f := newFake(t)
		change(f)
		if _, err := f.verifier(nil).Verify(t.Context(), f.token(nil), oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNew_OwnAuthority(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	v := f.verifier(func(i *oidc.Issuer) { i.RootCAs, i.CAFile = nil, file })
	taken(t, v, "given authority", f.token(nil))
	v = f.verifier(func(i *oidc.Issuer) { i.RootCAs = nil })
	if _, err := v.Verify(t.Context(), f.token(nil), oidc.UseService); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("the system's authorities: %v", err)
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir(), os.Args[0]} {
		_, err := oidc.New(oidc.Options{Issuers: []oidc.Issuer{{URL: f.URL, Uses: []oidc.Use{oidc.UseService}, CAFile: bad}}})
		if !errors.Is(err, oidc.ErrConfiguration) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestVerify_DiscoveryElsewhere is how the older of Entra's issuers has it.
func TestVerify_DiscoveryElsewhere(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	f := newFake(t)
	f.named = "https://sts.example/{tenantid}/"
	v := f.verifier(func(i *oidc.Issuer) {
		i.URL, i.Tenants, i.Discovery = f.named, []string{"red"}, f.URL+"/common"
	})
	taken(t, v, "red", f.token(map[string]any{"tid": "red", "iss": "https://sts.example/red/", "appid": "old", "azp": nil}))
	refused(t, v, "template", f.token(map[string]any{"tid": "red", "iss": f.named}))
}
