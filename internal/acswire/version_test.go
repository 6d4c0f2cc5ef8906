package acswire_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
)

func TestVersion_Order(t *testing.T) {
	ordered := []string{
		"2020-07-20-preview1", "2020-07-20-preview2", "2021-03-07", "2025-03-02-preview", "2025-03-02-preview1",
		"2025-03-02-preview10", "2025-03-02", "2025-06-30",
	}
	var versions []acswire.Version
	for _, s := range ordered {
		v, err := acswire.ParseVersion(s)
		if err != nil {
			t.Fatal(err)
		}
		if v.String() != s {
			t.Errorf("%s became %s", s, v)
		}
		versions = append(versions, v)
	}
	for i := range versions {
		for j := range versions {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := versions[i].Compare(versions[j]); got != want {
				t.Errorf("%s to %s: %d, want %d", versions[i], versions[j], got, want)
			}
		}
	}
	if acswire.VersionCustomID().String() != "2025-03-02-preview" {
		t.Errorf("custom ids from %s", acswire.VersionCustomID())
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		v, err := acswire.ParseVersion(s)
		if err != nil {
			if !errors.Is(err, acswire.ErrInvalidVersion) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		again, err := acswire.ParseVersion(v.String())
		if err != nil || again != v || again.Compare(v) != 0 {
			t.Errorf("%q: %v, then %v (%v)", s, v, again, err)
		}
	})
}

func TestIssueAccessTokenPath(t *testing.T) {
	got := acswire.IssueAccessTokenPath("8:acs:a_b/../?")
	if got != "/identities/8%3Aacs%3Aa_b%2F..%2F%3F/:issueAccessToken" {
		t.Errorf("path %s", got)
	}
	u, err := url.Parse(got)
	if err != nil || u.Path != "/identities/8:acs:a_b/../?/:issueAccessToken" {
		t.Errorf("path %s, error %v", u.Path, err)
	}
}

func TestModels_AbsentIsNotZero(t *testing.T) {
	id := "8:acs:a_b"
	for want, model := range map[string]any{
		`{}`:                              acswire.CreateIdentityRequest{},
		`{"identity":{"id":"8:acs:a_b"}}`: acswire.CreateIdentityResponse{Identity: &acswire.Identity{ID: &id}},
		`{"error":{"code":"NotFound","message":"m"}}`: acswire.ErrorResponse{Error: acswire.Error{Code: acswire.CodeNotFound, Message: "m"}},
		`{"error":{"code":"a","message":"b","target":"c","details":[{"code":"d","message":"e"}],"innererror":{"code":"f","message":"g"}}}`: acswire.ErrorResponse{Error: acswire.Error{
			Code: "a", Message: "b", Target: "c",
			Details:    []acswire.Error{{Code: "d", Message: "e"}},
			InnerError: &acswire.Error{Code: "f", Message: "g"},
		}},
	} {
		got, err := json.Marshal(model)
		if err != nil || string(got) != want {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	}
}
