package common_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/common/fake"
	"github.com/parley-rtc/parley/rest/core"
)

func jwt(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
}

func TestStaticTokenCredential(t *testing.T) {
	end := time.Unix(1795219410, 0)
	for _, tt := range []struct {
		name, token string
		expires     time.Time
		err         error
	}{
		{"plain", jwt(`{"exp":1795219410}`), end, nil},
		{"two parts", strings.TrimSuffix(jwt(`{"exp":1795219410}`), ".sig"), end, nil},
		{"padded", "x." + base64.URLEncoding.EncodeToString([]byte(`{"exp":1795219410,"x":1}`)) + ".y", end, nil},
		{"standard alphabet", "x." + base64.StdEncoding.EncodeToString([]byte(`{"exp":1795219410,"x":"???>>>"}`)) + ".y", end, nil},
		{"text", jwt(`{"exp":"1795219410"}`), end, nil},
		{"fraction", jwt(`{"exp":1795219410.9}`), end, nil},
		{"already expired", jwt(`{"exp":1}`), time.Unix(1, 0), nil},
		{"no end", jwt(`{"sub":"x"}`), time.Time{}, nil},
		{"opaque", "geheim", time.Time{}, common.ErrInvalidToken},
		{"empty", "", time.Time{}, common.ErrInvalidToken},
		{"no base64", "a.geheim!.c", time.Time{}, common.ErrInvalidToken},
		{"no JSON", "a.Z2VoZWlt.c", time.Time{}, common.ErrInvalidToken},
		{"line break", jwt(`{}`) + "\r\nX: geheim", time.Time{}, common.ErrInvalidToken},
		{"no number", jwt(`{"exp":"geheim"}`), time.Time{}, common.ErrInvalidToken},
		{"no time", jwt(`{"exp":1e300}`), time.Time{}, common.ErrInvalidToken},
		{"NaN", jwt(`{"exp":"NaN"}`), time.Time{}, common.ErrInvalidToken},
		{"negative", jwt(`{"exp":-1}`), time.Time{}, common.ErrInvalidToken},
		{"list", jwt(`{"exp":[1]}`), time.Time{}, common.ErrInvalidToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := common.NewStaticTokenCredential(tt.token)
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != nil {
				if strings.Contains(err.Error(), "geheim") {
					t.Errorf("the error shows the token: %v", err)
				}
				return
			}
			got, err := c.GetToken(t.Context())
			if err != nil || got.Token != tt.token || !got.ExpiresOn.Equal(tt.expires) {
				t.Errorf("%+v, %v", got.ExpiresOn, err)
			}
		})
	}
}

func TestUserTokenCredential_RenewsBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var fails error
		c, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
			Initial: fake.NewToken(time.Now().Add(time.Hour)),
			Refresh: func(context.Context) (string, error) {
				asked++
				return fake.NewToken(time.Now().Add(time.Hour)), fails
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		get := func(wantAsked int, left time.Duration) {
			t.Helper()
			token, err := c.GetToken(t.Context())
			if err != nil || asked != wantAsked || time.Until(token.ExpiresOn) != left {
				t.Errorf("%v, asked %d times, %v left; want %d, %v", err, asked, time.Until(token.ExpiresOn), wantAsked, left)
			}
		}
		get(0, time.Hour)
		time.Sleep(49 * time.Minute)
		get(0, 11*time.Minute)
		time.Sleep(time.Minute)
		get(1, time.Hour)
		get(1, time.Hour)
		fails = io.ErrUnexpectedEOF
		time.Sleep(55 * time.Minute)
		get(2, 5*time.Minute)
		time.Sleep(5 * time.Minute)
		if _, err := c.GetToken(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
		fails = nil
		get(4, time.Hour)
		token, err := c.GetToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Forget(token.Token)
		get(5, time.Hour)
	})
}

func TestUserTokenCredential_ManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		c, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
			Refresh: func(ctx context.Context) (string, error) {
				asked.Add(1)
				time.Sleep(time.Second)
				return fake.NewToken(time.Now().Add(time.Hour)), ctx.Err()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := c.GetToken(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

func TestUserTokenCredential_BadInput(t *testing.T) {
	if _, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{}); !errors.Is(err, common.ErrNoRefresh) {
		t.Errorf("%v", err)
	}
	refresh := func(token string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return token, nil }
	}
	if _, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{Refresh: refresh(""), Initial: "x"}); !errors.Is(err, common.ErrInvalidToken) {
		t.Errorf("%v", err)
	}
	for token, want := range map[string]error{
		"": common.ErrInvalidToken, "opaque": common.ErrInvalidToken, fake.NewToken(time.Now().Add(-time.Second)): core.ErrTokenExpired,
	} {
		c, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{Refresh: refresh(token)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetToken(t.Context()); !errors.Is(err, want) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestTokenPolicy(t *testing.T) {
	n := 0
	refreshing, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{Refresh: func(context.Context) (string, error) {
		n++
		return fake.NewToken(time.Now().Add(time.Duration(n) * time.Hour)), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	// An expired token is sent: the service refuses it.
	static, err := common.NewStaticTokenCredential(fake.NewToken(time.Unix(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		credential common.TokenCredential
		different  bool
	}{"refreshing": {refreshing, true}, "static": {static, false}} {
		var sent []string
		client, err := core.NewClient(core.ClientConfig{Endpoint: "https://h", Credential: common.NewTokenPolicy(one.credential, nil)}, &core.ClientOptions{
			Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
				sent = append(sent, req.Header.Get("Authorization"))
				return &http.Response{StatusCode: http.StatusUnauthorized}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := client.Call(t.Context(), core.Call{Method: http.MethodGet, Path: "/"}); err == nil {
				t.Error("no error")
			}
		}
		if len(sent) != 2 || (sent[0] != sent[1]) != one.different || !strings.HasPrefix(sent[0], "Bearer eyJ") {
			t.Errorf("%s: sent %q", name, sent)
		}
	}
	client, err := core.NewClient(core.ClientConfig{Endpoint: "https://h", Credential: common.NewTokenPolicy(nil, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Call(t.Context(), core.Call{Method: http.MethodGet, Path: "/"}); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("%v", err)
	}
}

func FuzzToken(f *testing.F) {
	for _, token := range []string{jwt(`{"exp":1795219410}`), jwt(`{"exp":"1"}`), jwt(`{}`), jwt(`[]`), "a.b", "..", "", "a.e30=.c"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := common.NewStaticTokenCredential(token)
		if err != nil {
			if !errors.Is(err, common.ErrInvalidToken) {
				t.Fatal(err)
			}
			return
		}
		got, err := c.GetToken(t.Context())
		if err != nil || got.Token != token || slices.Contains([]byte(token), '\n') || got.ExpiresOn.Year() > 9999 {
			t.Fatalf("%q: %v, %v", token, got.ExpiresOn, err)
		}
	})
}
