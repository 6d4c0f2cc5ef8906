package identity

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// ExchangeClientOptions configure an ExchangeClient; nil is the zero value.
type ExchangeClientOptions struct {
	// ClientOptions are those of every client. An APIVersion that is empty is that
	// of the official SDKs, which is another one for each operation.
	core.ClientOptions
	// EntraScopes are what tokens of Entra users are asked for. None: those of
	// common.ScopeEntraClients.
	EntraScopes []string
	// TeamsExtensionScopes are what tokens of Teams Phone users are asked for.
	// None: those of common.ScopeTeamsExtension.
	TeamsExtensionScopes []string
}

// ExchangeClient exchanges the tokens of users of another issuer, such as Entra
// ID, for users and tokens of the resource. It needs no access key: a user's
// device may hold it. What asks for a token again and again takes a
// common.EntraTokenCredential instead. It is immutable and safe for many
// goroutines.
type ExchangeClient struct {
	entra, teamsExtension *core.Client
}

// NewExchangeClient returns a client for a user whose tokens credential gets.
// endpoint is the root URL of the resource. options may be nil. The error wraps
// core.ErrInvalidEndpoint, core.ErrInvalidParameter or ErrUnsupportedAPIVersion.
func NewExchangeClient(endpoint string, credential core.TokenCredential, options *ExchangeClientOptions) (*ExchangeClient, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	if options == nil {
		options = &ExchangeClientOptions{}
	}
	if options.APIVersion != "" {
		if _, err := acswire.ParseVersion(options.APIVersion); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsupportedAPIVersion, err)
		}
	}
	one := func(scopes []string, byDefault, version string) (*core.Client, error) {
		if len(scopes) == 0 {
			scopes = []string{byDefault}
		}
		return core.NewClient(core.ClientConfig{
			Module: moduleName, Version: moduleVersion, Endpoint: endpoint, APIVersion: version,
			Credential: core.NewBearerPolicy(credential, scopes, &core.BearerPolicyOptions{AllowPlainHTTP: options.AllowPlainHTTP}),
		}, &options.ClientOptions)
	}
	entra, err := one(options.EntraScopes, common.DefaultEntraScope, common.EntraExchangeAPIVersion)
	if err != nil {
		return nil, err
	}
	teams, err := one(options.TeamsExtensionScopes, common.DefaultTeamsExtensionScope, common.TeamsExtensionExchangeAPIVersion)
	if err != nil {
		return nil, err
	}
	return &ExchangeClient{entra: entra, teamsExtension: teams}, nil
}

// ExchangeClientExchangeEntraTokenOptions are the options of
// ExchangeClient.ExchangeEntraToken; there are none yet.
type ExchangeClientExchangeEntraTokenOptions struct{}

// ExchangeClientExchangeEntraTokenResponse is the result of
// ExchangeClient.ExchangeEntraToken.
type ExchangeClientExchangeEntraTokenResponse struct {
	UserAndToken
}

// ExchangeEntraToken returns the user of the resource who stands for an Entra
// user, the same one every time, and a token. The service refuses with
// CodeInvalidAccessToken a token that is not valid.
func (c *ExchangeClient) ExchangeEntraToken(
	ctx context.Context, _ *ExchangeClientExchangeEntraTokenOptions,
) (ExchangeClientExchangeEntraTokenResponse, error) {
	got, err := exchange(ctx, c.entra, acswire.RouteEntraExchange)
	if err != nil {
		return ExchangeClientExchangeEntraTokenResponse{}, err
	}
	return ExchangeClientExchangeEntraTokenResponse{UserAndToken: got}, nil
}

// ExchangeClientExchangeTeamsExtensionTokenOptions are the options of
// ExchangeClient.ExchangeTeamsExtensionToken; there are none yet.
type ExchangeClientExchangeTeamsExtensionTokenOptions struct{}

// ExchangeClientExchangeTeamsExtensionTokenResponse is the result of
// ExchangeClient.ExchangeTeamsExtensionToken.
type ExchangeClientExchangeTeamsExtensionTokenResponse struct {
	UserAndToken
}

// ExchangeTeamsExtensionToken returns the user of the resource who stands for a
// Teams Phone user with an assignment (see Client.SetTeamsExtensionAssignment),
// and a token. The service refuses with CodeInvalidAccessToken a token that is
// not valid, and with status 403 a user who has no assignment.
func (c *ExchangeClient) ExchangeTeamsExtensionToken(
	ctx context.Context, _ *ExchangeClientExchangeTeamsExtensionTokenOptions,
) (ExchangeClientExchangeTeamsExtensionTokenResponse, error) {
	got, err := exchange(ctx, c.teamsExtension, acswire.RouteTeamsExtensionExchange)
	if err != nil {
		return ExchangeClientExchangeTeamsExtensionTokenResponse{}, err
	}
	return ExchangeClientExchangeTeamsExtensionTokenResponse{UserAndToken: got}, nil
}

func exchange(ctx context.Context, c *core.Client, route string) (UserAndToken, error) {
	var got UserAndToken
	_, err := c.Call(ctx, core.Call{
		Method: http.MethodPost, Path: route, Body: acswire.ExchangeRequest{}, Success: []int{http.StatusOK}, Into: &got,
	})
	if err != nil {
		return UserAndToken{}, err
	}
	if err := checkUser(got.User); err != nil {
		return UserAndToken{}, err
	}
	if got.AccessToken == nil {
		return UserAndToken{}, fmt.Errorf("%w: no token", ErrIncompleteAnswer)
	}
	return got, checkToken(*got.AccessToken)
}
