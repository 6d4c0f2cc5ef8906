package identity_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
)

const tenant, object = "7a1f0c0e-0000-4000-8000-000000000001", "7a1f0c0e-0000-4000-8000-000000000002"

// TestService_TeamsExtension makes, reads and removes an assignment of the real
// service.
func TestService_TeamsExtension(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	connection, transport := startService(t)
	c, err := identity.NewClientFromConnectionString(connection.ConnectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, created := range []bool{true, false} {
		made, err := c.SetTeamsExtensionAssignment(ctx, tenant, object, identity.PrincipalTypeUser,
			&identity.ClientSetTeamsExtensionAssignmentOptions{ClientIDs: []string{tenant}})
		if err != nil || made.Created != created || *made.ObjectID != object {
			t.Fatalf("%+v, %v", made, err)
		}
	}
	got, err := c.GetTeamsExtensionAssignment(ctx, tenant, object, nil)
	if err != nil || *got.PrincipalType != identity.PrincipalTypeUser || len(got.ClientIDs) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 {
		if _, err := c.DeleteTeamsExtensionAssignment(ctx, tenant, object, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.GetTeamsExtensionAssignment(ctx, tenant, object, nil); !core.HasCode(err, "NotFound") {
		t.Errorf("after its removal: %v", err)
	}
	if _, err := c.SetTeamsExtensionAssignment(ctx, "x", object, identity.PrincipalTypeUser, nil); !core.HasCode(err, identity.CodeValidationError) {
		t.Errorf("a tenant that is no GUID: %v", err)
	}
}
