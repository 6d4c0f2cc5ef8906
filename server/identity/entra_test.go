package identity_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
)

// TestEraseResource_Entra: assignments go with their resource, those of another
// stay.
func TestEraseResource_Entra(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	ctx := t.Context()
	_, st := open(t, filepath.Join(t.TempDir(), "a.db"), time.Now)
	s, err := identity.Open(ctx, identity.Options{Store: st, Exchanger: foreigner{
		"alice": {TenantID: "t", ObjectID: "alice", AppID: "app", Expires: time.Now().Add(time.Hour)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	mine, other := guid.New(), guid.New()
	bob := &identity.EntraAssignment{ObjectID: "bob", TenantID: "t", PrincipalType: acswire.PrincipalTypeUser, ClientIDs: []string{"app"}}
	for _, resource := range []guid.GUID{mine, other} {
		if created, err := s.UpdateEntraAssignments(ctx, resource, map[string]*identity.EntraAssignment{"bob": bob}); err != nil || len(created) != 1 {
			t.Fatalf("%v, %v", created, err)
		}
		if _, _, _, err := s.ExchangeEntra(ctx, resource, "alice"); !errors.Is(err, identity.ErrNotAssigned) {
			t.Errorf("without an assignment: %v", err)
		}
	}
	if err := s.EraseResource(ctx, mine); err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[guid.GUID]int{mine: 0, other: 1} {
		if found, err := s.EntraAssignments(ctx, resource, "", 10); err != nil || len(found) != want {
			t.Errorf("%d left, want %d, %v", len(found), want, err)
		}
	}
	if _, _, _, err := s.ExchangeEntra(ctx, mine, "alice"); err != nil {
		t.Errorf("nothing is known of the resource any more: %v", err)
	}
}

// TestEntra_RemovedByWhoLeaves: who removes an assignment and is gone before the
// answer, and then asks again, has made the tokens of the user void.
func TestEntra_RemovedByWhoLeaves(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	_, st := open(t, filepath.Join(t.TempDir(), "a.db"), time.Now)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var leaving atomic.Bool
	s, err := identity.Open(t.Context(), identity.Options{Store: st, Now: func() time.Time {
		if leaving.Load() {
			leave()
		}
		return time.Now()
	}, Exchanger: foreigner{"alice": {TenantID: "t", ObjectID: "alice", AppID: "app", Expires: time.Now().Add(time.Hour)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	resource := guid.New()
	assigned := &identity.EntraAssignment{ObjectID: "alice", TenantID: "t", PrincipalType: acswire.PrincipalTypeUser, ClientIDs: []string{"app"}}
	if _, err := s.UpdateEntraAssignments(ctx, resource, map[string]*identity.EntraAssignment{"alice": assigned}); err != nil {
		t.Fatal(err)
	}
	_, token, _, err := s.ExchangeEntra(ctx, resource, "alice")
	if err != nil {
		t.Fatal(err)
	}
	leaving.Store(true)
	_, _ = s.UpdateEntraAssignments(ctx, resource, map[string]*identity.EntraAssignment{"alice": nil}) // nobody reads the answer
	leaving.Store(false)
	if ctx.Err() == nil {
		t.Fatal("the one who asked is still there")
	}
	if _, err := s.UpdateEntraAssignments(t.Context(), resource, map[string]*identity.EntraAssignment{"alice": nil}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("the token afterwards: %v", err)
	}
}
