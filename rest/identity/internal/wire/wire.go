// Package wire holds the routes and models of the identity area that the client
// and its fake use and that package acswire does not have yet. They belong
// there as soon as the service answers them.
package wire

// Routes, as patterns with {name} for a percent-encoded path value.
const (
	RouteIdentity            = "/identities/{id}"
	RouteRevokeAccessTokens  = "/identities/{id}/:revokeAccessTokens"
	RouteExchangeAccessToken = "/teamsUser/:exchangeAccessToken"
)

// TeamsUserExchangeTokenRequest is the body of POST
// /teamsUser/:exchangeAccessToken.
type TeamsUserExchangeTokenRequest struct {
	// Token is the Entra ID access token of the Teams user: a secret.
	Token string `json:"token"`
	// AppID is the client id of the Entra ID application.
	AppID string `json:"appId"`
	// UserID is the Entra object id of the user.
	UserID string `json:"userId"`
}
