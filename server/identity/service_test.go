package identity_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/store"
)

func open(t *testing.T, path string, now func() time.Time) (*identity.Service, *store.Store) {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s, err := identity.Open(context.Background(), identity.Options{Store: st, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, st
}

func TestService_Tokens(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	at := time.Now().Truncate(time.Second)
	path := filepath.Join(t.TempDir(), "a.db")
	s, st := open(t, path, func() time.Time { return at })
	resource := guid.New()
	user, err := s.CreateUser(ctx, resource, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	token, expires, err := s.IssueToken(ctx, resource, user.RawID(), []string{"voip"}, time.Hour)
	if err != nil || !expires.Equal(at.Add(time.Hour)) {
		t.Fatalf("%v, expires %v", err, expires)
	}
	if claims, err := s.Authenticate(ctx, token); err != nil || claims.RawID() != user.RawID() {
		t.Fatalf("%+v, %v", claims, err)
	}
	for _, raw := range []string{"", "x", "8:acs:" + resource.String() + "_" + guid.New().String(), strings.Replace(user.RawID(), resource.String(), guid.New().String(), 1)} {
		if _, _, err := s.IssueToken(ctx, resource, raw, []string{"voip"}, time.Hour); !errors.Is(err, identity.ErrNotOwned) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	// The key is kept.
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	s, st = open(t, path, func() time.Time { return at })
	if _, err := s.Authenticate(ctx, token); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	// Revoked, and then the user deleted.
	exec := func(query string, args ...any) {
		t.Helper()
		if err := st.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	exec("UPDATE users SET tokens_valid_from = $1", at.Add(time.Second).UnixMilli())
	if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("revoked: %v", err)
	}
	exec("UPDATE users SET tokens_valid_from = 0")
	exec("DELETE FROM users")
	if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("user deleted: %v", err)
	}
	at = at.Add(2 * time.Hour)
	if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(ctx, resource, "", time.Time{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("closed store: %v", err)
	}
}

func TestOpen_BrokenKey_Fails(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	_, st := open(t, filepath.Join(t.TempDir(), "a.db"), time.Now)
	err := st.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE signing_keys SET private_key = $1", []byte("broken"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Open(ctx, identity.Options{Store: st}); err == nil {
		t.Error("opened")
	}
}
