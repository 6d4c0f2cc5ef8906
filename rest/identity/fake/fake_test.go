package fake_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/rest/identity/fake"
)

var (
	user   = common.CommunicationUserIdentifier{ID: "8:acs:r_u"}
	token  = identity.AccessToken{Token: new("t"), ExpiresOn: new(time.Date(2026, 11, 21, 0, 3, 30, 0, time.UTC))}
	alice  = identity.User{ID: new("8:acs:r_u"), CustomID: new("alice"), LastTokenIssuedAt: new(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))}
	scopes = []identity.TokenScope{"chat", "voip"}
)

func newClient(t *testing.T, s *fake.Server) *identity.Client {
	t.Helper()
	c, err := identity.NewClientFromConnectionString("endpoint=https://fake;accesskey=a2V5", &identity.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: s, Retry: core.RetryOptions{RetryDelay: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func full(t *testing.T) *fake.Server {
	same := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	return &fake.Server{
		CreateUser: func(_ context.Context, o *identity.ClientCreateUserOptions) (identity.ClientCreateUserResponse, error) {
			same(o, &identity.ClientCreateUserOptions{CustomID: new("alice")})
			return identity.ClientCreateUserResponse{User: alice}, nil
		},
		CreateUserAndToken: func(_ context.Context, s []identity.TokenScope, o *identity.ClientCreateUserAndTokenOptions) (identity.ClientCreateUserAndTokenResponse, error) {
			same(s, scopes)
			same(o, &identity.ClientCreateUserAndTokenOptions{CustomID: new("alice"), ExpiresInMinutes: new(int32(60))})
			return identity.ClientCreateUserAndTokenResponse{UserAndToken: identity.UserAndToken{User: &alice, AccessToken: &token}}, nil
		},
		GetToken: func(_ context.Context, u common.CommunicationUserIdentifier, s []identity.TokenScope, o *identity.ClientGetTokenOptions) (identity.ClientGetTokenResponse, error) {
			same(u, user)
			same(s, scopes)
			same(o, &identity.ClientGetTokenOptions{})
			return identity.ClientGetTokenResponse{AccessToken: token}, nil
		},
		RevokeTokens: func(_ context.Context, u common.CommunicationUserIdentifier, _ *identity.ClientRevokeTokensOptions) (identity.ClientRevokeTokensResponse, error) {
			same(u, user)
			return identity.ClientRevokeTokensResponse{}, nil
		},
		DeleteUser: func(_ context.Context, u common.CommunicationUserIdentifier, _ *identity.ClientDeleteUserOptions) (identity.ClientDeleteUserResponse, error) {
			same(u, user)
			return identity.ClientDeleteUserResponse{}, nil
		},
		GetUser: func(_ context.Context, u common.CommunicationUserIdentifier, _ *identity.ClientGetUserOptions) (identity.ClientGetUserResponse, error) {
			same(u, user)
			return identity.ClientGetUserResponse{User: alice}, nil
		},
		ExchangeTeamsUserAccessToken: func(_ context.Context, tok, app, id string, _ *identity.ClientExchangeTeamsUserAccessTokenOptions) (identity.ClientExchangeTeamsUserAccessTokenResponse, error) {
			same([]string{tok, app, id}, []string{"aad", "app", "u"})
			return identity.ClientExchangeTeamsUserAccessTokenResponse{AccessToken: token}, nil
		},
		ExchangeEntraToken: func(context.Context, *identity.ExchangeClientExchangeEntraTokenOptions) (identity.ExchangeClientExchangeEntraTokenResponse, error) {
			return identity.ExchangeClientExchangeEntraTokenResponse{UserAndToken: identity.UserAndToken{User: &alice, AccessToken: &token}}, nil
		},
		ExchangeTeamsExtensionToken: func(context.Context, *identity.ExchangeClientExchangeTeamsExtensionTokenOptions) (identity.ExchangeClientExchangeTeamsExtensionTokenResponse, error) {
			return identity.ExchangeClientExchangeTeamsExtensionTokenResponse{UserAndToken: identity.UserAndToken{User: &alice, AccessToken: &token}}, nil
		},
		GetTeamsExtensionAssignment: func(_ context.Context, tenant, object string, _ *identity.ClientGetTeamsExtensionAssignmentOptions) (identity.ClientGetTeamsExtensionAssignmentResponse, error) {
			same([]string{tenant, object}, []string{"t", "o"})
			return identity.ClientGetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: assigned}, nil
		},
		SetTeamsExtensionAssignment: func(_ context.Context, tenant, object string, kind identity.PrincipalType, o *identity.ClientSetTeamsExtensionAssignmentOptions) (identity.ClientSetTeamsExtensionAssignmentResponse, error) {
			same([]string{tenant, object, kind, o.ClientIDs[0]}, []string{"t", "o", "user", "c"})
			return identity.ClientSetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: assigned, Created: true}, nil
		},
		DeleteTeamsExtensionAssignment: func(_ context.Context, tenant, object string, _ *identity.ClientDeleteTeamsExtensionAssignmentOptions) (identity.ClientDeleteTeamsExtensionAssignmentResponse, error) {
			same([]string{tenant, object}, []string{"t", "o"})
			return identity.ClientDeleteTeamsExtensionAssignmentResponse{}, nil
		},
	}
}

var assigned = identity.TeamsExtensionAssignment{TenantID: new("t"), ObjectID: new("o"), PrincipalType: new("user"), ClientIDs: []string{"c"}}

// call calls every operation and returns the results and errors by name.
func call(t *testing.T, s *fake.Server) (map[string]any, map[string]error) {
	t.Helper()
	ctx, c := t.Context(), newClient(t, s)
	got, errs := map[string]any{}, map[string]error{}
	keep := func(name string, v any, err error) { got[name], errs[name] = v, err }
	created, err := c.CreateUser(ctx, &identity.ClientCreateUserOptions{CustomID: new("alice")})
	keep("CreateUser", created.User, err)
	both, err := c.CreateUserAndToken(ctx, scopes, &identity.ClientCreateUserAndTokenOptions{CustomID: new("alice"), ExpiresInMinutes: new(int32(60))})
	keep("CreateUserAndToken", both.UserAndToken, err)
	issued, err := c.GetToken(ctx, user, scopes, nil)
	keep("GetToken", issued.AccessToken, err)
	_, err = c.RevokeTokens(ctx, user, nil)
	keep("RevokeTokens", nil, err)
	_, err = c.DeleteUser(ctx, user, nil)
	keep("DeleteUser", nil, err)
	found, err := c.GetUser(ctx, user, nil)
	keep("GetUser", found.User, err)
	exchanged, err := c.ExchangeTeamsUserAccessToken(ctx, "aad", "app", "u", nil)
	keep("ExchangeTeamsUserAccessToken", exchanged.AccessToken, err)
	assignment, err := c.GetTeamsExtensionAssignment(ctx, "t", "o", nil)
	keep("GetTeamsExtensionAssignment", assignment.TeamsExtensionAssignment, err)
	e, err := identity.NewExchangeClient("https://fake", core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: "entra"}, nil
	}), &identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{Transport: s, Retry: core.RetryOptions{RetryDelay: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	entra, err := e.ExchangeEntraToken(ctx, nil)
	keep("ExchangeEntraToken", entra.UserAndToken, err)
	teams, err := e.ExchangeTeamsExtensionToken(ctx, nil)
	keep("ExchangeTeamsExtensionToken", teams.UserAndToken, err)
	set, err := c.SetTeamsExtensionAssignment(ctx, "t", "o", identity.PrincipalTypeUser, &identity.ClientSetTeamsExtensionAssignmentOptions{ClientIDs: []string{"c"}})
	if set.Created != (err == nil) {
		t.Errorf("created %v, %v", set.Created, err)
	}
	keep("SetTeamsExtensionAssignment", set.TeamsExtensionAssignment, err)
	_, err = c.DeleteTeamsExtensionAssignment(ctx, "t", "o", nil)
	keep("DeleteTeamsExtensionAssignment", nil, err)
	return got, errs
}

func TestServer_EveryOperation(t *testing.T) {
	got, errs := call(t, full(t))
	for name, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, v := range got {
		switch v := v.(type) {
		case identity.User:
			sameUser(t, name, v)
		case identity.AccessToken:
			sameToken(t, name, v)
		case identity.UserAndToken:
			sameUser(t, name, *v.User)
			sameToken(t, name, *v.AccessToken)
		case identity.TeamsExtensionAssignment:
			if !reflect.DeepEqual(v, assigned) {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
	if len(got) != reflect.TypeFor[fake.Server]().NumField() {
		t.Errorf("%d of the operations were called", len(got))
	}
}

func sameUser(t *testing.T, name string, u identity.User) {
	t.Helper()
	if *u.ID != *alice.ID || *u.CustomID != *alice.CustomID || !u.LastTokenIssuedAt.Equal(*alice.LastTokenIssuedAt) {
		t.Errorf("%s: %+v", name, u)
	}
}

func sameToken(t *testing.T, name string, got identity.AccessToken) {
	t.Helper()
	if *got.Token != *token.Token || !got.ExpiresOn.Equal(*token.ExpiresOn) {
		t.Errorf("%s: %+v", name, got)
	}
}

func TestServer_NotFaked(t *testing.T) {
	_, errs := call(t, &fake.Server{})
	for name, err := range errs {
		if !errors.Is(err, corefake.ErrNotFaked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServer_Refuses(t *testing.T) {
	n := 0
	s := &fake.Server{GetUser: func(context.Context, common.CommunicationUserIdentifier, *identity.ClientGetUserOptions) (identity.ClientGetUserResponse, error) {
		n++
		if n < 3 {
			return identity.ClientGetUserResponse{}, &core.ResponseError{StatusCode: http.StatusServiceUnavailable}
		}
		return identity.ClientGetUserResponse{}, &core.ResponseError{StatusCode: http.StatusUnauthorized, ErrorCode: identity.CodeIdentityNotOwned, Message: "m"}
	}}
	_, err := newClient(t, s).GetUser(t.Context(), user, nil)
	if !core.HasCode(err, identity.CodeIdentityNotOwned) || n != 3 {
		t.Errorf("%v after %d tries", err, n)
	}
}

func TestServer_BrokenBodies(t *testing.T) {
	for _, path := range []string{"/identities", "/identities/x/:issueAccessToken", "/teamsUser/:exchangeAccessToken"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fake"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r, err := core.NewRequest(t.Context(), http.MethodPost, req.URL.String())
		if err != nil {
			t.Fatal(err)
		}
		r.SetBody([]byte("{"), "application/json")
		resp, err := full(t).Do(r.Raw())
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v", path, err)
		}
	}
}
