package identity

import "github.com/parley-rtc/parley/rest/core"

// ClientOptions configure a Client; nil is the zero value.
type ClientOptions struct {
	// ClientOptions are those of every client.
	core.ClientOptions
}

// ClientCreateUserOptions are the options of Client.CreateUser.
type ClientCreateUserOptions struct {
	// CustomID ties the user to an id of the caller's own: the same id gives the
	// same user every time. Nil: a new user.
	CustomID *string
}

// ClientCreateUserResponse is the result of Client.CreateUser.
type ClientCreateUserResponse struct {
	User
}

// ClientCreateUserAndTokenOptions are the options of Client.CreateUserAndToken.
type ClientCreateUserAndTokenOptions struct {
	// CustomID is as in ClientCreateUserOptions.
	CustomID *string
	// ExpiresInMinutes is the lifetime of the token, 60 to 1440. Nil: 1440.
	// Versions before 2022-10-01 do not know it.
	ExpiresInMinutes *int32
}

// ClientCreateUserAndTokenResponse is the result of Client.CreateUserAndToken.
type ClientCreateUserAndTokenResponse struct {
	UserAndToken
}

// ClientGetTokenOptions are the options of Client.GetToken.
type ClientGetTokenOptions struct {
	// ExpiresInMinutes is the lifetime of the token, 60 to 1440. Nil: 1440.
	// Versions before 2022-10-01 do not know it.
	ExpiresInMinutes *int32
}

// ClientGetTokenResponse is the result of Client.GetToken.
type ClientGetTokenResponse struct {
	AccessToken
}

// ClientRevokeTokensOptions are the options of Client.RevokeTokens; there are
// none yet.
type ClientRevokeTokensOptions struct{}

// ClientRevokeTokensResponse is the result of Client.RevokeTokens; it is empty.
type ClientRevokeTokensResponse struct{}

// ClientDeleteUserOptions are the options of Client.DeleteUser; there are none
// yet.
type ClientDeleteUserOptions struct{}

// ClientDeleteUserResponse is the result of Client.DeleteUser; it is empty.
type ClientDeleteUserResponse struct{}

// ClientGetUserOptions are the options of Client.GetUser; there are none yet.
type ClientGetUserOptions struct{}

// ClientGetUserResponse is the result of Client.GetUser.
type ClientGetUserResponse struct {
	User
}

// ClientExchangeTeamsUserAccessTokenOptions are the options of
// Client.ExchangeTeamsUserAccessToken; there are none yet.
type ClientExchangeTeamsUserAccessTokenOptions struct{}

// ClientExchangeTeamsUserAccessTokenResponse is the result of
// Client.ExchangeTeamsUserAccessToken.
type ClientExchangeTeamsUserAccessTokenResponse struct {
	AccessToken
}
