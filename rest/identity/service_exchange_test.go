package identity_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/oidc"
)

const (
	exchangeAudience = "https://communication.azure.com/clients"
	application      = "7a1f0c0e-0000-4000-8000-000000000003"
)

// signedIn is a credential of a user of an issuer whose tokens live for an hour.
func signedIn(issuer *testkit.Issuer, audience, objectID string) core.TokenCredential {
	expires := time.Now().Add(time.Hour)
	token := issuer.Token(audience, expires, map[string]any{"oid": objectID, "tid": tenant, "appid": application, "scp": "VoIP"})
	return core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: token, ExpiresOn: expires}, nil
	})
}

// TestService_Exchanges: users who signed in with an issuer get users and tokens
// of the resource, in all three ways.
func TestService_Exchanges(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	issuer := testkit.NewIssuer(t)
	connection, transport := startService(t,
		oidc.Issuer{URL: issuer.URL, Uses: []oidc.Use{oidc.UseExchange}, Audiences: []string{exchangeAudience}},
		oidc.Issuer{URL: issuer.URL, Uses: []oidc.Use{oidc.UseService}})
	options := core.ClientOptions{Transport: transport}
	alice := signedIn(issuer, exchangeAudience, object)
	exchanges, err := identity.NewExchangeClient(connection.Endpoint, alice, &identity.ExchangeClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	first, err := exchanges.ExchangeEntraToken(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLife(t, first.AccessToken, time.Hour)
	if again, err := exchanges.ExchangeEntraToken(ctx, nil); err != nil || *again.User.ID != *first.User.ID {
		t.Errorf("%+v, %v", again, err)
	}
	checkCredential(t, connection, transport, alice)
	// A back end without an access key: the same issuer, another audience.
	backEnd, err := identity.NewClient(connection.Endpoint, signedIn(issuer, oidc.AudienceService, application), &identity.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exchanges.ExchangeTeamsExtensionToken(ctx, nil); !core.HasCode(err, identity.CodeForbidden) {
		t.Errorf("without an assignment: %v", err)
	}
	if _, err := backEnd.SetTeamsExtensionAssignment(ctx, tenant, object, identity.PrincipalTypeUser, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := exchanges.ExchangeTeamsExtensionToken(ctx, nil); err != nil || *got.User.ID != *first.User.ID {
		t.Errorf("%+v, %v", got, err)
	}
	token, err := alice.GetToken(ctx, core.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	teams, err := backEnd.ExchangeTeamsUserAccessToken(ctx, token.Token, application, object, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLife(t, &teams.AccessToken, time.Hour)
	if _, err := backEnd.ExchangeTeamsUserAccessToken(ctx, token.Token, tenant, object, nil); !core.HasCode(err, identity.CodeInvalidAccessToken) {
		t.Errorf("of another application: %v", err)
	}
}

// checkCredential exchanges through a credential, and with a token that the
// service does not take.
func checkCredential(t *testing.T, connection server.Connection, transport *http.Client, alice core.TokenCredential) {
	t.Helper()
	options := &common.EntraTokenCredentialOptions{ClientOptions: core.ClientOptions{Transport: transport}}
	credential, err := common.NewEntraTokenCredential(connection.Endpoint, alice, options)
	if err != nil {
		t.Fatal(err)
	}
	got, err := credential.GetToken(t.Context())
	if left := time.Until(got.ExpiresOn); err != nil || left > time.Hour || left < 55*time.Minute {
		t.Errorf("%v left, %v", left, err)
	}
	// The end that the service tells is that of the token itself.
	if parsed, err := common.NewStaticTokenCredential(got.Token); err != nil {
		t.Error(err)
	} else if same, err := parsed.GetToken(t.Context()); err != nil || same.ExpiresOn.Unix() != got.ExpiresOn.Unix() {
		t.Errorf("%v, %v", same.ExpiresOn, err)
	}
	stranger := signedIn(testkit.NewIssuer(t), exchangeAudience, object)
	if credential, err = common.NewEntraTokenCredential(connection.Endpoint, stranger, options); err != nil {
		t.Fatal(err)
	}
	if _, err := credential.GetToken(t.Context()); !core.HasCode(err, identity.CodeInvalidAccessToken) {
		t.Errorf("of an issuer who is not trusted: %v", err)
	}
}
