package identity_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
)

func TestService_RotateKeys(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	at := time.Now().Truncate(time.Second)
	now := func() time.Time { return at }
	s, st := open(t, filepath.Join(t.TempDir(), "a.db"), now)
	// Another node over the same database.
	other, err := identity.Open(ctx, identity.Options{Store: st, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	resource := guid.New()
	user, err := s.CreateUser(ctx, resource, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	issue := func(s *identity.Service) string {
		t.Helper()
		token, _, err := s.IssueToken(ctx, resource, user.RawID(), []string{"voip"}, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := func(s *identity.Service, token string) error { _, err := s.Authenticate(ctx, token); return err }
	first := issue(s)
	keys, err := s.RotateKeys(ctx, false)
	if err != nil || len(keys) != 2 || keys[0].State != identity.KeyPublished || keys[1].State != identity.KeyActive || keys[1].Retires.IsZero() {
		t.Fatalf("%+v, %v", keys, err)
	}
	at = at.Add(identity.RotationLead)
	if keys = s.Keys(); keys[0].State != identity.KeyActive || keys[1].State != identity.KeyRetiring {
		t.Errorf("%+v", keys)
	}
	second := issue(s)
	// The other node never heard of the new key.
	if err := errors.Join(good(s, first), good(s, second), good(other, first), good(other, second)); err != nil {
		t.Error(err)
	}
	at = at.Add(26 * time.Hour)
	if err := good(s, first); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("token of a key that retired: %v", err)
	}
	if keys, err = s.RotateKeys(ctx, true); err != nil || len(keys) != 2 || keys[0].State != identity.KeyActive {
		t.Errorf("%+v, %v", keys, err)
	}
}

func TestOpen_OtherAlgorithm_KeepsTokens(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	at := time.Now().Truncate(time.Second)
	now := func() time.Time { return at }
	s, st := open(t, filepath.Join(t.TempDir(), "a.db"), now)
	resource := guid.New()
	user, err := s.CreateUser(ctx, resource, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.IssueToken(ctx, resource, user.RawID(), []string{"voip"}, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := identity.Open(ctx, identity.Options{Store: st, Now: now, Algorithm: identity.AlgorithmRS256})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rsa.Close)
	if _, err := rsa.Authenticate(ctx, token); err != nil {
		t.Error(err)
	}
	at = at.Add(identity.RotationLead)
	if keys := rsa.Keys(); keys[0].Algorithm != identity.AlgorithmRS256 || keys[0].State != identity.KeyActive {
		t.Errorf("%+v", keys)
	}
	if _, err := identity.ParseAlgorithm("HS256"); !errors.Is(err, identity.ErrAlgorithm) {
		t.Error(err)
	}
}

// TestService_Revoke: a token from before is void, one from after is good, and
// a date that is ahead counts as now.
func TestService_Revoke(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	at := time.Now().Truncate(time.Second)
	s, _ := open(t, filepath.Join(t.TempDir(), "a.db"), func() time.Time { return at })
	resource := guid.New()
	user, err := s.CreateUser(ctx, resource, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	issue := func() string {
		t.Helper()
		token, _, err := s.IssueToken(ctx, resource, user.RawID(), []string{"voip"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	before := issue()
	if err := s.RevokeTokens(ctx, resource, user.RawID(), at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	after := issue() // within the same millisecond
	if err := s.RevokeTokens(ctx, resource, user.RawID(), at.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(ctx, before); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("before: %v", err)
	}
	if _, err := s.Authenticate(ctx, after); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := s.DeleteUser(ctx, resource, user.RawID()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(ctx, after); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("deleted: %v", err)
	}
	if err := s.DeleteUser(ctx, resource, user.RawID()); !errors.Is(err, identity.ErrNotOwned) {
		t.Errorf("deleted twice: %v", err)
	}
	if existing, err := s.Existing(ctx, resource, []string{user.RawID(), "x"}); err != nil || len(existing) != 0 {
		t.Errorf("%v, %v", existing, err)
	}
}

// foreigner stands in for another issuer: its tokens are names.
type foreigner map[string]identity.ForeignUser

func (f foreigner) VerifyUser(_ context.Context, token string) (identity.ForeignUser, error) {
	user, ok := f[token]
	if !ok {
		return user, identity.ErrForeignToken
	}
	return user, nil
}

func TestService_Exchange(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := context.Background()
	at := time.Now().Truncate(time.Second)
	_, st := open(t, filepath.Join(t.TempDir(), "a.db"), time.Now)
	s, err := identity.Open(ctx, identity.Options{Store: st, Now: func() time.Time { return at }, Exchanger: foreigner{
		"alice": {TenantID: "t", ObjectID: "alice", AppID: "app", Expires: at.Add(90 * time.Minute)},
		"late":  {TenantID: "t", ObjectID: "alice", AppID: "app", Expires: at},
		"empty": {},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	resource := guid.New()
	one, token, expires, err := s.ExchangeEntra(ctx, resource, "alice")
	if err != nil || !expires.Equal(at.Add(90*time.Minute)) {
		t.Fatalf("%v, %v", expires, err)
	}
	if claims, err := s.Authenticate(ctx, token); err != nil || claims.RawID() != one.RawID() {
		t.Errorf("%v, %v", claims, err)
	}
	two, _, _, err := s.ExchangeEntra(ctx, resource, "alice")
	if err != nil || two.ID != one.ID {
		t.Errorf("%v, %v: %v", one.ID, two.ID, err)
	}
	elsewhere, _, _, err := s.ExchangeEntra(ctx, guid.New(), "alice")
	if err != nil || elsewhere.ID == one.ID {
		t.Errorf("in another resource: %v", err)
	}
	for _, bad := range []string{"", "nobody", "late", "empty"} {
		if _, _, _, err := s.ExchangeEntra(ctx, resource, bad); !errors.Is(err, identity.ErrForeignToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := s.ExchangeTeamsUser(ctx, resource, "alice", "app", "alice"); err != nil {
		t.Error(err)
	}
	if _, _, err := s.ExchangeTeamsUser(ctx, resource, "alice", "other", "alice"); !errors.Is(err, identity.ErrForeignToken) {
		t.Errorf("another application: %v", err)
	}
	if _, _, err := s.ExchangeTeamsUser(ctx, resource, "alice", "app", "bob"); !errors.Is(err, identity.ErrForeignToken) {
		t.Errorf("another user: %v", err)
	}
	if _, _, _, err := s.ExchangeTeamsExtension(ctx, resource, "alice"); !errors.Is(err, identity.ErrNotAssigned) {
		t.Errorf("without an assignment: %v", err)
	}
	a := identity.Assignment{TenantID: "t", ObjectID: "alice", PrincipalType: "user", ClientIDs: []string{"another"}}
	if _, err := s.SetAssignment(ctx, resource, a); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.ExchangeTeamsExtension(ctx, resource, "alice"); !errors.Is(err, identity.ErrNotAssigned) {
		t.Errorf("for another application: %v", err)
	}
	a.ClientIDs = nil
	if _, err := s.SetAssignment(ctx, resource, a); err != nil {
		t.Fatal(err)
	}
	_, token, _, err = s.ExchangeTeamsExtension(ctx, resource, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteAssignment(ctx, resource, "t", "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(ctx, token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("after the assignment was removed: %v", err)
	}
}
