package identity_test

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/rest/identity/fake"
)

// exampleExchange makes a client for a signed-in user, of a fake of the service.
func exampleExchange() (*identity.ExchangeClient, error) {
	id, token := "8:acs:resource_user", "eyJ…"
	both := identity.UserAndToken{User: &identity.User{ID: &id}, AccessToken: &identity.AccessToken{Token: &token, ExpiresOn: &exampleExpiry}}
	server := &fake.Server{
		ExchangeEntraToken: func(context.Context, *identity.ExchangeClientExchangeEntraTokenOptions) (identity.ExchangeClientExchangeEntraTokenResponse, error) {
			return identity.ExchangeClientExchangeEntraTokenResponse{UserAndToken: both}, nil
		},
		ExchangeTeamsExtensionToken: func(context.Context, *identity.ExchangeClientExchangeTeamsExtensionTokenOptions) (identity.ExchangeClientExchangeTeamsExtensionTokenResponse, error) {
			return identity.ExchangeClientExchangeTeamsExtensionTokenResponse{}, &core.ResponseError{StatusCode: 403, ErrorCode: identity.CodeForbidden, Message: "no assignment"}
		},
	}
	return identity.NewExchangeClient("https://contoso.communication.azure.com", workloadIdentity{},
		&identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{Transport: server}})
}

func ExampleNewExchangeClient() {
	client, err := identity.NewExchangeClient("https://contoso.communication.azure.com", workloadIdentity{}, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleExchangeClient_ExchangeEntraToken() {
	client, err := exampleExchange()
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.ExchangeEntraToken(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*got.User.ID, got.AccessToken.ExpiresOn.UTC())
	// Output: 8:acs:resource_user 2026-11-21 00:03:30 +0000 UTC
}

func ExampleExchangeClient_ExchangeTeamsExtensionToken() {
	client, err := exampleExchange()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.ExchangeTeamsExtensionToken(context.Background(), nil)
	fmt.Println(core.HasCode(err, identity.CodeForbidden))
	// Output: true
}
