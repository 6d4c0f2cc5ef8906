package identity_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/store"
)

// alone is a service that no other one shares its database with.
func alone(t *testing.T, now func() time.Time) *identity.Service {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s, err := identity.Open(context.Background(), identity.Options{Store: st, Now: now, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestAlone_RememberedTokensEnd: a token that was good a moment ago is void when
// it was revoked, its user deleted or its resource erased, and when its time or
// that of its key is over.
func TestAlone_RememberedTokensEnd(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	var user identity.User
	for name, c := range map[string]struct {
		end  func(s *identity.Service, at *time.Time) error
		want error
	}{
		"revoked": {func(s *identity.Service, at *time.Time) error {
			return s.RevokeTokens(ctx, user.ResourceID, user.RawID(), *at)
		}, identity.ErrTokenInvalid},
		"deleted": {func(s *identity.Service, _ *time.Time) error {
			return s.DeleteUser(ctx, user.ResourceID, user.RawID())
		}, identity.ErrTokenInvalid},
		"erased": {func(s *identity.Service, _ *time.Time) error {
			return s.EraseResource(ctx, user.ResourceID)
		}, identity.ErrTokenInvalid},
		"expired": {func(_ *identity.Service, at *time.Time) error {
			*at = at.Add(time.Hour)
			return nil
		}, identity.ErrTokenExpired},
		"of the future": {func(_ *identity.Service, at *time.Time) error {
			*at = at.Add(-time.Hour)
			return nil
		}, identity.ErrTokenInvalid},
		"key retired": {func(s *identity.Service, at *time.Time) error {
			_, err := s.RotateKeys(ctx, true)
			*at = at.Add(26 * time.Hour)
			return err
		}, identity.ErrTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Now().Truncate(time.Second)
			s := alone(t, func() time.Time { return at })
			var err error
			if user, err = s.CreateUser(ctx, guid.New(), "", time.Time{}); err != nil {
				t.Fatal(err)
			}
			token, _, err := s.IssueToken(ctx, user.ResourceID, user.RawID(), []string{"chat"}, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := s.Authenticate(ctx, token); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.end(s, &at); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := s.Authenticate(ctx, token); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			}
		})
	}
}

// TestAlone_RevokedWhileRead: once a revocation has returned no request passes,
// however many are under way.
func TestAlone_RevokedWhileRead(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute) // it has two cores busy, which others may be too
	ctx := context.Background()
	s := alone(t, time.Now)
	user, err := s.CreateUser(ctx, guid.New(), "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		token, _, err := s.IssueToken(ctx, user.ResourceID, user.RawID(), []string{"chat"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					if _, err := s.Authenticate(ctx, token); err != nil {
						if !errors.Is(err, identity.ErrTokenInvalid) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		if err := s.RevokeTokens(ctx, user.ResourceID, user.RawID(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenInvalid) {
			t.Errorf("after the revocation: %v", err)
		}
		wg.Wait()
	}
}

// TestRevokeTokens_Twice: a token that was issued between two revocations of the
// same millisecond is void.
func TestRevokeTokens_Twice(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := t.Context()
	at := time.Now()
	s := alone(t, func() time.Time { return at })
	user, err := s.CreateUser(ctx, guid.New(), "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		token, _, err := s.IssueToken(ctx, user.ResourceID, user.RawID(), []string{"chat"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(ctx, token); err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeTokens(ctx, user.ResourceID, user.RawID(), at); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenInvalid) {
			t.Fatalf("after its revocation: %v", err)
		}
	}
}
