package identity_test

import (
	"encoding/json"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/identity"
)

// FuzzUserAndToken: what is read as a user and a token is written as the same
// ones.
func FuzzUserAndToken(f *testing.F) {
	for _, s := range []string{
		goodBoth, goodUser, `{"identity":{"id":"x","customId":"c","lastTokenIssuedAt":"2025-04-14T15:32:27.1+02:00"}}`,
		`{"identity":{"lastTokenIssuedAt":""}}`, `{"accessToken":{"expiresOn":"0000-01-01T00:00:00Z"}}`, `{"accessToken":{"expiresOn":"9999-12-31T23:59:59.99999999-23:59"}}`, `null`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got, again identity.UserAndToken
		if json.Unmarshal([]byte(body), &got) != nil {
			return
		}
		if e := got.AccessToken; e != nil && e.ExpiresOn != nil && (e.ExpiresOn.UTC().Year() < 0 || e.ExpiresOn.UTC().Year() > 9999) {
			return // UTC has no spelling for it.
		}
		if e := got.User; e != nil && e.LastTokenIssuedAt != nil && (e.LastTokenIssuedAt.UTC().Year() < 0 || e.LastTokenIssuedAt.UTC().Year() > 9999) {
			return
		}
		data, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		data2, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		testkit.SameJSON(t, "again", data2, data)
	})
}
