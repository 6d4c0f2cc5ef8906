package identity_test

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/rest/identity/fake"
)

var exampleExpiry = time.Date(2026, 11, 21, 0, 3, 30, 0, time.UTC)

// exampleOptions make the examples talk to a fake of the service. A program
// passes nil instead.
func exampleOptions() *identity.ClientOptions {
	id, expires := "8:acs:resource_user", exampleExpiry
	token, custom := "eyJ…", "alice@contoso.com"
	access := identity.AccessToken{Token: &token, ExpiresOn: &expires}
	server := &fake.Server{
		CreateUser: func(_ context.Context, o *identity.ClientCreateUserOptions) (identity.ClientCreateUserResponse, error) {
			return identity.ClientCreateUserResponse{User: identity.User{ID: &id, CustomID: o.CustomID}}, nil
		},
		CreateUserAndToken: func(context.Context, []identity.TokenScope, *identity.ClientCreateUserAndTokenOptions) (identity.ClientCreateUserAndTokenResponse, error) {
			return identity.ClientCreateUserAndTokenResponse{UserAndToken: identity.UserAndToken{User: &identity.User{ID: &id}, AccessToken: &access}}, nil
		},
		GetToken: func(context.Context, common.CommunicationUserIdentifier, []identity.TokenScope, *identity.ClientGetTokenOptions) (identity.ClientGetTokenResponse, error) {
			return identity.ClientGetTokenResponse{AccessToken: access}, nil
		},
		RevokeTokens: func(context.Context, common.CommunicationUserIdentifier, *identity.ClientRevokeTokensOptions) (identity.ClientRevokeTokensResponse, error) {
			return identity.ClientRevokeTokensResponse{}, nil
		},
		DeleteUser: func(context.Context, common.CommunicationUserIdentifier, *identity.ClientDeleteUserOptions) (identity.ClientDeleteUserResponse, error) {
			return identity.ClientDeleteUserResponse{}, &core.ResponseError{StatusCode: 401, ErrorCode: identity.CodeIdentityNotOwned, Message: "not a user of the resource"}
		},
		GetUser: func(context.Context, common.CommunicationUserIdentifier, *identity.ClientGetUserOptions) (identity.ClientGetUserResponse, error) {
			return identity.ClientGetUserResponse{User: identity.User{ID: &id, CustomID: &custom, LastTokenIssuedAt: &expires}}, nil
		},
		ExchangeTeamsUserAccessToken: func(context.Context, string, string, string, *identity.ClientExchangeTeamsUserAccessTokenOptions) (identity.ClientExchangeTeamsUserAccessTokenResponse, error) {
			return identity.ClientExchangeTeamsUserAccessTokenResponse{AccessToken: access}, nil
		},
	}
	return &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: server}}
}

const exampleConnectionString = "endpoint=https://contoso.communication.azure.com/;accesskey=c2VjcmV0LWtleQ=="

func ExampleNewClientFromConnectionString() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleNewClientWithKey() {
	key, err := core.NewKeyCredential("c2VjcmV0LWtleQ==")
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := identity.NewClientWithKey("https://contoso.communication.azure.com", key, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

// workloadIdentity is a core.TokenCredential: anything that gets tokens.
type workloadIdentity struct{}

func (workloadIdentity) GetToken(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
	return core.AccessToken{Token: "eyJ…", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func ExampleNewClient() {
	client, err := identity.NewClient("https://contoso.communication.azure.com", workloadIdentity{}, nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleClient_CreateUser() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	custom := "alice@contoso.com"
	made, err := client.CreateUser(context.Background(), &identity.ClientCreateUserOptions{CustomID: &custom})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.Identifier().RawID(), *made.CustomID)
	// Output: 8:acs:resource_user alice@contoso.com
}

func ExampleClient_CreateUserAndToken() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	minutes := int32(60)
	made, err := client.CreateUserAndToken(context.Background(),
		[]identity.TokenScope{identity.TokenScopeChat, identity.TokenScopeVoIP},
		&identity.ClientCreateUserAndTokenOptions{ExpiresInMinutes: &minutes})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.User.ID, made.AccessToken.ExpiresOn.UTC())
	// Output: 8:acs:resource_user 2026-11-21 00:03:30 +0000 UTC
}

func ExampleClient_GetToken() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	user := common.CommunicationUserIdentifier{ID: "8:acs:resource_user"}
	issued, err := client.GetToken(context.Background(), user, []identity.TokenScope{identity.TokenScopeVoIP}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(*issued.Token) > 0, issued.ExpiresOn.UTC())
	// Output: true 2026-11-21 00:03:30 +0000 UTC
}

func ExampleClient_RevokeTokens() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.RevokeTokens(context.Background(), common.CommunicationUserIdentifier{ID: "8:acs:resource_user"}, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_DeleteUser() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.DeleteUser(context.Background(), common.CommunicationUserIdentifier{ID: "8:acs:another_user"}, nil)
	fmt.Println(core.HasCode(err, identity.CodeIdentityNotOwned))
	// Output: true
}

func ExampleClient_GetUser() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := client.GetUser(context.Background(), common.CommunicationUserIdentifier{ID: "8:acs:resource_user"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*found.CustomID)
	// Output: alice@contoso.com
}

func ExampleClient_ExchangeTeamsUserAccessToken() {
	client, err := identity.NewClientFromConnectionString(exampleConnectionString, exampleOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.ExchangeTeamsUserAccessToken(context.Background(), "the user's Entra token", "application id", "user's object id", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got.ExpiresOn.UTC())
	// Output: 2026-11-21 00:03:30 +0000 UTC
}

func ExamplePossibleTokenScopeValues() {
	fmt.Println(identity.PossibleTokenScopeValues())
	// Output: [chat voip chat.join chat.join.limited voip.join]
}
