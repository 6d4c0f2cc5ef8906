package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
)

// fixedTokens is an issuer whose key and clock never change, so that tokens in
// the corpus stay good.
func fixedTokens(t testing.TB) *tokens {
	t.Helper()
	return tokensOf(fixedKey(t, "fixed", 7), fixedKey(t, "older", 8))
}

func fixedNow() time.Time { return time.Unix(1_800_000_000, 0) }

func tokensOf(keys ...*signingKey) *tokens {
	return newTokens(&keyring{now: fixedNow, keys: keys, looked: fixedNow()}, fixedNow)
}

func fixedKey(t testing.TB, id string, fill byte) *signingKey {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &signingKey{Key: Key{ID: id, Algorithm: AlgorithmES256}, private: private}
}

func fixedClaims() Claims {
	return Claims{
		ResourceID: guid.GUID{1}, UserID: guid.GUID{2}, Scopes: []string{"chat", "voip"},
		IssuedAt: time.Unix(1_799_999_000, 0), Expires: time.Unix(1_800_003_600, 0),
	}
}

// verify reads a token twice: what is remembered of it says the same.
func (t *tokens) verify(ctx context.Context, token string) (Claims, error) {
	first, err := t.check(ctx, token)
	again, errAgain := t.check(ctx, token)
	switch {
	case !errors.Is(errAgain, err) || (err == nil && first != again):
		return Claims{}, fmt.Errorf("first %v (%w), then %v (%w)", first, err, again, errAgain)
	case err != nil:
		return Claims{}, err
	default:
		return first.claims, nil
	}
}

func TestTokens_RoundTrip(t *testing.T) {
	tk := fixedTokens(t)
	want := fixedClaims()
	token, err := tk.sign(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tk.verify(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	if got.RawID() != want.RawID() || !slices.Equal(got.Scopes, want.Scopes) || !got.Expires.Equal(want.Expires) || !got.IssuedAt.Equal(want.IssuedAt) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !got.MayCall() || !got.Allows("chat") || got.Allows("chat.join") {
		t.Errorf("scopes %v", got.Scopes)
	}
	// A token of a key before the newest one stays good.
	older := tokensOf(tk.ring.keys[1:]...)
	if token, err = older.sign(want); err != nil {
		t.Fatal(err)
	}
	if _, err := tk.verify(context.Background(), token); err != nil {
		t.Errorf("older key: %v", err)
	}
	if _, err := tokensOf(tk.ring.keys[:1]...).verify(context.Background(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("key that is gone: %v", err)
	}
}

func TestTokens_Refused(t *testing.T) {
	tk := fixedTokens(t)
	sign := func(change func(c *wireClaims)) string {
		t.Helper()
		c := &wireClaims{
			SkypeID: strings.TrimPrefix(rawID(ident.CloudPublic, guid.GUID{1}, guid.GUID{2}), "8:"), ResourceID: guid.GUID{1}.String(), ACSScope: "voip",
			ExpiresAt: jwt.NewNumericDate(time.Unix(1_800_003_600, 0)), IssuedAt: jwt.NewNumericDate(time.Unix(1_799_999_000, 0)),
		}
		change(c)
		token := jwt.NewWithClaims(jwt.SigningMethodES256, c)
		token.Header["kid"] = "fixed"
		s, err := token.SignedString(tk.ring.keys[0].private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := tk.verify(context.Background(), sign(func(*wireClaims) {})); err != nil {
		t.Fatalf("the unchanged token: %v", err)
	}
	for name, test := range map[string]struct {
		change func(c *wireClaims)
		want   error
	}{
		"expired":           {func(c *wireClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Unix(1_799_999_999, 0)) }, ErrTokenExpired},
		"ends now":          {func(c *wireClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Unix(1_800_000_000, 0)) }, ErrTokenExpired},
		"no expiry":         {func(c *wireClaims) { c.ExpiresAt = nil }, ErrTokenInvalid},
		"no issue time":     {func(c *wireClaims) { c.IssuedAt = nil }, ErrTokenInvalid},
		"no user":           {func(c *wireClaims) { c.SkypeID = "" }, ErrTokenInvalid},
		"malformed user":    {func(c *wireClaims) { c.SkypeID = "acs:x_y" }, ErrTokenInvalid},
		"three parts":       {func(c *wireClaims) { c.SkypeID += "_" + guid.GUID{3}.String() }, ErrTokenInvalid},
		"resource differs":  {func(c *wireClaims) { c.ResourceID = guid.GUID{9}.String() }, ErrTokenInvalid},
		"no scope":          {func(c *wireClaims) { c.ACSScope = "" }, ErrTokenInvalid},
		"unknown scope":     {func(c *wireClaims) { c.ACSScope = "voip,root" }, ErrTokenInvalid},
		"for somebody else": {func(c *wireClaims) { c.Audience = jwt.ClaimStrings{"https://management.azure.com/"} }, ErrTokenInvalid},
	} {
		if _, err := tk.verify(context.Background(), sign(test.change)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestParseRawID(t *testing.T) {
	r, u := guid.New(), guid.New()
	for cloud, prefix := range map[ident.Cloud]string{ident.CloudPublic: "8:acs:", ident.CloudDOD: "8:dod-acs:", ident.CloudGCCH: "8:gcch-acs:"} {
		raw := rawID(cloud, r, u)
		gotC, gotR, gotU, err := parseRawID(raw)
		if err != nil || gotC != cloud || gotR != r || gotU != u || raw != prefix+r.String()+"_"+u.String() {
			t.Errorf("%s: %v %v %v %v", raw, gotC, gotR, gotU, err)
		}
	}
	for _, s := range []string{
		"", "8:acs:", "8:acs:" + r.String(), "8:acs:_", "8:acs:" + r.String() + "_", "acs:" + r.String() + "_" + u.String(),
		rawID(ident.CloudPublic, r, u) + "_" + u.String(), "8:xyz-acs:" + r.String() + "_" + u.String(), "8:orgid:" + r.String() + "_" + u.String(),
	} {
		if _, _, _, err := parseRawID(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// FuzzVerify looks for a token that is taken although this service did not
// sign it: only tokens with the claims of the corpus can be genuine.
func FuzzVerify(f *testing.F) {
	tk := fixedTokens(f)
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := tk.verify(context.Background(), token)
		switch {
		case err == nil:
			if want := fixedClaims(); claims.RawID() != want.RawID() || !claims.Expires.Equal(want.Expires) || !slices.Equal(claims.Scopes, want.Scopes) {
				t.Errorf("%q was taken for %+v", token, claims)
			}
		case !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrTokenExpired):
			t.Errorf("%q: %v", token, err)
		case claims.RawID() != (&Claims{}).RawID():
			t.Errorf("%q: %v and %+v", token, err, claims)
		}
	})
}
