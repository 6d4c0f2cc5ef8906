package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

const (
	// DefaultAPIVersion is the version of the contract that a client asks for
	// when its options name none.
	DefaultAPIVersion = "2025-06-30"
	// previewAPIVersion is the version that has custom ids.
	previewAPIVersion = "2025-03-02-preview"
	// oldestAPIVersion is the first one of today's form.
	oldestAPIVersion = "2021-03-07"

	moduleName    = "identity"
	moduleVersion = "v0.1.0"

	// entraScope has its double slash in all SDKs.
	entraScope = "https://communication.azure.com//.default"
)

// ErrUnsupportedAPIVersion says that the options name a version that the client
// does not speak.
var ErrUnsupportedAPIVersion = errors.New("identity: unsupported api-version")

// ErrIncompleteAnswer says that the service answered with success but left out
// what the contract requires.
var ErrIncompleteAnswer = errors.New("identity: the answer is incomplete")

// Client makes users and issues their tokens. It is immutable and safe for many
// goroutines.
type Client struct {
	core    *core.Client
	preview url.Values // the query of operations that only a preview has; nil: the client's own version
}

// NewClient returns a client that is authorized by bearer tokens of an issuer
// such as Entra ID. endpoint is the root URL of the resource. options may be
// nil. The error wraps core.ErrInvalidEndpoint, core.ErrInvalidParameter or
// ErrUnsupportedAPIVersion.
func NewClient(endpoint string, credential core.TokenCredential, options *ClientOptions) (*Client, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	return newClient(endpoint, options, func(o *ClientOptions) core.Policy {
		return core.NewBearerPolicy(credential, []string{entraScope}, &core.BearerPolicyOptions{AllowPlainHTTP: o.AllowPlainHTTP})
	})
}

// NewClientWithKey returns a client that is authorized by an access key of the
// resource; else it is as NewClient.
func NewClientWithKey(endpoint string, credential *core.KeyCredential, options *ClientOptions) (*Client, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: no credential", core.ErrInvalidParameter)
	}
	return newClient(endpoint, options, func(o *ClientOptions) core.Policy {
		return core.NewKeyPolicy(credential, &core.KeyPolicyOptions{AllowPlainHTTP: o.AllowPlainHTTP})
	})
}

// NewClientFromConnectionString returns a client for a connection string of the
// resource, "endpoint=URL;accesskey=BASE64"; else it is as NewClientWithKey. The
// error may wrap core.ErrInvalidConnectionString.
func NewClientFromConnectionString(connectionString string, options *ClientOptions) (*Client, error) {
	connection, err := core.ParseConnectionString(connectionString)
	if err != nil {
		return nil, err
	}
	return NewClientWithKey(connection.Endpoint, connection.Credential, options)
}

func newClient(endpoint string, options *ClientOptions, credential func(*ClientOptions) core.Policy) (*Client, error) {
	if options == nil {
		options = &ClientOptions{}
	}
	version := options.APIVersion
	if version == "" {
		version = DefaultAPIVersion
	}
	preview, err := previewQuery(version)
	if err != nil {
		return nil, err
	}
	c, err := core.NewClient(core.ClientConfig{
		Module: moduleName, Version: moduleVersion, Endpoint: endpoint, APIVersion: version, Credential: credential(options),
	}, &options.ClientOptions)
	if err != nil {
		return nil, err
	}
	return &Client{core: c, preview: preview}, nil
}

// previewQuery checks a version and returns the query of the operations that
// only previews have: stable versions after the preview were specified without
// them.
func previewQuery(version string) (url.Values, error) {
	asked, err := acswire.ParseVersion(version)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupportedAPIVersion, err)
	}
	oldest, err := acswire.ParseVersion(oldestAPIVersion)
	if err != nil {
		return nil, err
	}
	if asked.Compare(oldest) < 0 {
		return nil, fmt.Errorf("%w: %s is older than %s", ErrUnsupportedAPIVersion, version, oldestAPIVersion)
	}
	if strings.Contains(version, "-preview") && asked.Compare(acswire.VersionCustomID()) >= 0 {
		return nil, nil
	}
	return url.Values{acswire.QueryAPIVersion: {previewAPIVersion}}, nil
}

// CreateUser makes a user, or finds the one with the custom id of the options.
// A call that was repeated after a lost answer may leave an unused user behind.
func (c *Client) CreateUser(ctx context.Context, options *ClientCreateUserOptions) (ClientCreateUserResponse, error) {
	if options == nil {
		options = &ClientCreateUserOptions{}
	}
	made, err := c.create(ctx, acswire.CreateIdentityRequest{CustomID: options.CustomID})
	if err != nil {
		return ClientCreateUserResponse{}, err
	}
	return ClientCreateUserResponse{User: *made.User}, nil
}

// CreateUserAndToken makes a user as CreateUser does and issues a token for it
// with at least one scope. The service refuses with CodeValidationError what it
// does not take of scopes and lifetime.
func (c *Client) CreateUserAndToken(
	ctx context.Context, scopes []TokenScope, options *ClientCreateUserAndTokenOptions,
) (ClientCreateUserAndTokenResponse, error) {
	if options == nil {
		options = &ClientCreateUserAndTokenOptions{}
	}
	if len(scopes) == 0 {
		// Without scopes the service would make a user without a token.
		return ClientCreateUserAndTokenResponse{}, fmt.Errorf("%w: no scopes", core.ErrInvalidParameter)
	}
	made, err := c.create(ctx, acswire.CreateIdentityRequest{
		CreateTokenWithScopes: scopeNames(scopes), ExpiresInMinutes: options.ExpiresInMinutes, CustomID: options.CustomID,
	})
	if err != nil {
		return ClientCreateUserAndTokenResponse{}, err
	}
	if made.AccessToken == nil {
		return ClientCreateUserAndTokenResponse{}, fmt.Errorf("%w: no token", ErrIncompleteAnswer)
	}
	return ClientCreateUserAndTokenResponse{UserAndToken: made}, checkToken(*made.AccessToken)
}

// create answers with a user that has an id.
func (c *Client) create(ctx context.Context, body acswire.CreateIdentityRequest) (UserAndToken, error) {
	call := core.Call{Method: http.MethodPost, Path: acswire.RouteIdentities, Success: []int{http.StatusCreated}}
	if body.CustomID != nil {
		call.Query = c.preview
	}
	if body.CustomID != nil || len(body.CreateTokenWithScopes) > 0 {
		call.Body = body
	}
	var made UserAndToken
	call.Into = &made
	if _, err := c.core.Call(ctx, call); err != nil {
		return UserAndToken{}, err
	}
	return made, checkUser(made.User)
}

// GetToken issues a token with at least one scope for a user. The service
// refuses with CodeIdentityNotOwned a user that is not of the resource, and with
// CodeValidationError what it does not take of scopes and lifetime.
func (c *Client) GetToken(
	ctx context.Context, user common.CommunicationUserIdentifier, scopes []TokenScope, options *ClientGetTokenOptions,
) (ClientGetTokenResponse, error) {
	if options == nil {
		options = &ClientGetTokenOptions{}
	}
	path, err := core.Path(acswire.RouteIssueAccessToken, user.ID)
	if err != nil {
		return ClientGetTokenResponse{}, err
	}
	var token AccessToken
	_, err = c.core.Call(ctx, core.Call{
		Method: http.MethodPost, Path: path, Success: []int{http.StatusOK}, Into: &token,
		Body: acswire.IssueAccessTokenRequest{Scopes: scopeNames(scopes), ExpiresInMinutes: options.ExpiresInMinutes},
	})
	if err != nil {
		return ClientGetTokenResponse{}, err
	}
	return ClientGetTokenResponse{AccessToken: token}, checkToken(token)
}

// RevokeTokens makes all tokens of a user that were issued so far useless. The
// service refuses with CodeIdentityNotOwned a user that is not of the resource.
func (c *Client) RevokeTokens(
	ctx context.Context, user common.CommunicationUserIdentifier, _ *ClientRevokeTokensOptions,
) (ClientRevokeTokensResponse, error) {
	path, err := core.Path(acswire.RouteRevokeAccessTokens, user.ID)
	if err != nil {
		return ClientRevokeTokensResponse{}, err
	}
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodPost, Path: path, Success: []int{http.StatusNoContent}})
	return ClientRevokeTokensResponse{}, err
}

// DeleteUser revokes the tokens of a user and deletes the user and its data. The
// service refuses with CodeIdentityNotOwned a user that is not of the resource.
func (c *Client) DeleteUser(
	ctx context.Context, user common.CommunicationUserIdentifier, _ *ClientDeleteUserOptions,
) (ClientDeleteUserResponse, error) {
	path, err := core.Path(acswire.RouteIdentity, user.ID)
	if err != nil {
		return ClientDeleteUserResponse{}, err
	}
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodDelete, Path: path, Success: []int{http.StatusNoContent}})
	return ClientDeleteUserResponse{}, err
}

// GetUser returns what the service knows of a user: the custom id and when the
// last token was issued. It asks for a preview of the contract. The service
// refuses with CodeIdentityNotOwned a user that is not of the resource.
func (c *Client) GetUser(
	ctx context.Context, user common.CommunicationUserIdentifier, _ *ClientGetUserOptions,
) (ClientGetUserResponse, error) {
	path, err := core.Path(acswire.RouteIdentity, user.ID)
	if err != nil {
		return ClientGetUserResponse{}, err
	}
	var found User
	_, err = c.core.Call(ctx, core.Call{
		Method: http.MethodGet, Path: path, Query: c.preview, Success: []int{http.StatusOK}, Into: &found,
	})
	if err != nil {
		return ClientGetUserResponse{}, err
	}
	return ClientGetUserResponse{User: found}, checkUser(&found)
}

// ExchangeTeamsUserAccessToken returns a token of the service for a Teams user.
// token is the user's Entra ID access token, appID the client id of the
// application it was issued to, userID the user's Entra object id. The service
// refuses with CodeInvalidAccessToken a token that is not valid. It is there
// from version 2022-06-01 on.
func (c *Client) ExchangeTeamsUserAccessToken(
	ctx context.Context, token, appID, userID string, _ *ClientExchangeTeamsUserAccessTokenOptions,
) (ClientExchangeTeamsUserAccessTokenResponse, error) {
	var got AccessToken
	_, err := c.core.Call(ctx, core.Call{
		Method: http.MethodPost, Path: acswire.RouteTeamsUserExchange, Success: []int{http.StatusOK}, Into: &got,
		Body: acswire.TeamsUserExchangeRequest{Token: &token, AppID: &appID, UserID: &userID},
	})
	if err != nil {
		return ClientExchangeTeamsUserAccessTokenResponse{}, err
	}
	return ClientExchangeTeamsUserAccessTokenResponse{AccessToken: got}, checkToken(got)
}

func checkUser(u *User) error {
	if u == nil || u.ID == nil || *u.ID == "" {
		return fmt.Errorf("%w: no user", ErrIncompleteAnswer)
	}
	return nil
}

func checkToken(t AccessToken) error {
	if t.Token == nil || *t.Token == "" || t.ExpiresOn == nil {
		return fmt.Errorf("%w: no token, or none with an end", ErrIncompleteAnswer)
	}
	return nil
}

// scopeNames is never nil: an empty list is the service's to refuse.
func scopeNames(scopes []TokenScope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}
