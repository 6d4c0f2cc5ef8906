// Package fake stands in for the identity service in tests: a struct of
// functions that serves as the Transporter of a client's options.
//
//	server := fake.Server{
//		CreateUser: func(context.Context, *identity.ClientCreateUserOptions) (identity.ClientCreateUserResponse, error) {
//			id := "8:acs:resource_user"
//			return identity.ClientCreateUserResponse{User: identity.User{ID: &id}}, nil
//		},
//	}
//	client, err := identity.NewClientFromConnectionString("endpoint=https://fake;accesskey=a2V5", &identity.ClientOptions{
//		ClientOptions: core.ClientOptions{Transport: &server},
//	})
//
// A function that returns a *core.ResponseError refuses with its status, code
// and message; any other error is one of the network. Credentials are not
// checked.
package fake

import (
	"context"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
	"github.com/parley-rtc/parley/rest/identity"
)

// Server is a fake of the service. An operation whose function is nil fails
// with an error that says so. It is safe for many goroutines if the functions
// are; they must not be changed once a client uses it.
type Server struct {
	// CreateUser answers Client.CreateUser.
	CreateUser func(ctx context.Context, options *identity.ClientCreateUserOptions) (identity.ClientCreateUserResponse, error)
	// CreateUserAndToken answers Client.CreateUserAndToken.
	CreateUserAndToken func(ctx context.Context, scopes []identity.TokenScope, options *identity.ClientCreateUserAndTokenOptions) (identity.ClientCreateUserAndTokenResponse, error)
	// GetToken answers Client.GetToken.
	GetToken func(ctx context.Context, user common.CommunicationUserIdentifier, scopes []identity.TokenScope, options *identity.ClientGetTokenOptions) (identity.ClientGetTokenResponse, error)
	// RevokeTokens answers Client.RevokeTokens.
	RevokeTokens func(ctx context.Context, user common.CommunicationUserIdentifier, options *identity.ClientRevokeTokensOptions) (identity.ClientRevokeTokensResponse, error)
	// DeleteUser answers Client.DeleteUser.
	DeleteUser func(ctx context.Context, user common.CommunicationUserIdentifier, options *identity.ClientDeleteUserOptions) (identity.ClientDeleteUserResponse, error)
	// GetUser answers Client.GetUser.
	GetUser func(ctx context.Context, user common.CommunicationUserIdentifier, options *identity.ClientGetUserOptions) (identity.ClientGetUserResponse, error)
	// ExchangeTeamsUserAccessToken answers Client.ExchangeTeamsUserAccessToken.
	ExchangeTeamsUserAccessToken func(ctx context.Context, token, appID, userID string, options *identity.ClientExchangeTeamsUserAccessTokenOptions) (identity.ClientExchangeTeamsUserAccessTokenResponse, error)
	// ExchangeEntraToken answers ExchangeClient.ExchangeEntraToken, and the exchange
	// of a common.EntraTokenCredential.
	ExchangeEntraToken func(ctx context.Context, options *identity.ExchangeClientExchangeEntraTokenOptions) (identity.ExchangeClientExchangeEntraTokenResponse, error)
	// ExchangeTeamsExtensionToken answers
	// ExchangeClient.ExchangeTeamsExtensionToken, and the exchange of a
	// common.EntraTokenCredential.
	ExchangeTeamsExtensionToken func(ctx context.Context, options *identity.ExchangeClientExchangeTeamsExtensionTokenOptions) (identity.ExchangeClientExchangeTeamsExtensionTokenResponse, error)
	// GetTeamsExtensionAssignment answers Client.GetTeamsExtensionAssignment.
	GetTeamsExtensionAssignment func(ctx context.Context, tenantID, objectID string, options *identity.ClientGetTeamsExtensionAssignmentOptions) (identity.ClientGetTeamsExtensionAssignmentResponse, error)
	// SetTeamsExtensionAssignment answers Client.SetTeamsExtensionAssignment.
	SetTeamsExtensionAssignment func(ctx context.Context, tenantID, objectID string, principalType identity.PrincipalType, options *identity.ClientSetTeamsExtensionAssignmentOptions) (identity.ClientSetTeamsExtensionAssignmentResponse, error)
	// DeleteTeamsExtensionAssignment answers Client.DeleteTeamsExtensionAssignment.
	DeleteTeamsExtensionAssignment func(ctx context.Context, tenantID, objectID string, options *identity.ClientDeleteTeamsExtensionAssignmentOptions) (identity.ClientDeleteTeamsExtensionAssignmentResponse, error)
}

// Do answers a request of a client. It makes Server a core.Transporter.
func (s *Server) Do(req *http.Request) (*http.Response, error) {
	return corefake.Serve(req, []corefake.Route{
		{Method: http.MethodPost, Pattern: acswire.RouteIdentities, Handle: s.create},
		{Method: http.MethodPost, Pattern: acswire.RouteIssueAccessToken, Handle: s.getToken},
		{Method: http.MethodPost, Pattern: acswire.RouteRevokeAccessTokens, Handle: s.revokeTokens},
		{Method: http.MethodDelete, Pattern: acswire.RouteIdentity, Handle: s.deleteUser},
		{Method: http.MethodGet, Pattern: acswire.RouteIdentity, Handle: s.getUser},
		{Method: http.MethodPost, Pattern: acswire.RouteTeamsUserExchange, Handle: s.exchange},
		{Method: http.MethodPost, Pattern: acswire.RouteEntraExchange, Handle: s.exchangeEntra},
		{Method: http.MethodPost, Pattern: acswire.RouteTeamsExtensionExchange, Handle: s.exchangeTeamsExtension},
		{Method: http.MethodGet, Pattern: acswire.RouteTeamsExtensionAssignment, Handle: s.getAssignment},
		{Method: http.MethodPut, Pattern: acswire.RouteTeamsExtensionAssignment, Handle: s.setAssignment},
		{Method: http.MethodDelete, Pattern: acswire.RouteTeamsExtensionAssignment, Handle: s.deleteAssignment},
	})
}

// create tells the two operations of the route apart by the scopes.
func (s *Server) create(r *corefake.Request) (*corefake.Response, error) {
	var body acswire.CreateIdentityRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	ctx := r.Raw.Context()
	if len(body.CreateTokenWithScopes) > 0 {
		if s.CreateUserAndToken == nil {
			return nil, corefake.NotFaked("CreateUserAndToken")
		}
		made, err := s.CreateUserAndToken(ctx, scopes(body.CreateTokenWithScopes), &identity.ClientCreateUserAndTokenOptions{
			CustomID: body.CustomID, ExpiresInMinutes: body.ExpiresInMinutes,
		})
		return &corefake.Response{Status: http.StatusCreated, Body: made.UserAndToken}, err
	}
	if s.CreateUser == nil {
		return nil, corefake.NotFaked("CreateUser")
	}
	made, err := s.CreateUser(ctx, &identity.ClientCreateUserOptions{CustomID: body.CustomID})
	return &corefake.Response{Status: http.StatusCreated, Body: identity.UserAndToken{User: &made.User}}, err
}

func (s *Server) getToken(r *corefake.Request) (*corefake.Response, error) {
	if s.GetToken == nil {
		return nil, corefake.NotFaked("GetToken")
	}
	var body acswire.IssueAccessTokenRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	got, err := s.GetToken(r.Raw.Context(), user(r), scopes(body.Scopes), &identity.ClientGetTokenOptions{ExpiresInMinutes: body.ExpiresInMinutes})
	return &corefake.Response{Body: got.AccessToken}, err
}

func (s *Server) revokeTokens(r *corefake.Request) (*corefake.Response, error) {
	if s.RevokeTokens == nil {
		return nil, corefake.NotFaked("RevokeTokens")
	}
	_, err := s.RevokeTokens(r.Raw.Context(), user(r), &identity.ClientRevokeTokensOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) deleteUser(r *corefake.Request) (*corefake.Response, error) {
	if s.DeleteUser == nil {
		return nil, corefake.NotFaked("DeleteUser")
	}
	_, err := s.DeleteUser(r.Raw.Context(), user(r), &identity.ClientDeleteUserOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func (s *Server) getUser(r *corefake.Request) (*corefake.Response, error) {
	if s.GetUser == nil {
		return nil, corefake.NotFaked("GetUser")
	}
	got, err := s.GetUser(r.Raw.Context(), user(r), &identity.ClientGetUserOptions{})
	return &corefake.Response{Body: got.User}, err
}

func (s *Server) exchange(r *corefake.Request) (*corefake.Response, error) {
	if s.ExchangeTeamsUserAccessToken == nil {
		return nil, corefake.NotFaked("ExchangeTeamsUserAccessToken")
	}
	var body acswire.TeamsUserExchangeRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	got, err := s.ExchangeTeamsUserAccessToken(r.Raw.Context(), text(body.Token), text(body.AppID), text(body.UserID), &identity.ClientExchangeTeamsUserAccessTokenOptions{})
	return &corefake.Response{Body: got.AccessToken}, err
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (s *Server) exchangeEntra(r *corefake.Request) (*corefake.Response, error) {
	if s.ExchangeEntraToken == nil {
		return nil, corefake.NotFaked("ExchangeEntraToken")
	}
	got, err := s.ExchangeEntraToken(r.Raw.Context(), &identity.ExchangeClientExchangeEntraTokenOptions{})
	return &corefake.Response{Body: got.UserAndToken}, err
}

func (s *Server) exchangeTeamsExtension(r *corefake.Request) (*corefake.Response, error) {
	if s.ExchangeTeamsExtensionToken == nil {
		return nil, corefake.NotFaked("ExchangeTeamsExtensionToken")
	}
	got, err := s.ExchangeTeamsExtensionToken(r.Raw.Context(), &identity.ExchangeClientExchangeTeamsExtensionTokenOptions{})
	return &corefake.Response{Body: got.UserAndToken}, err
}

func (s *Server) getAssignment(r *corefake.Request) (*corefake.Response, error) {
	if s.GetTeamsExtensionAssignment == nil {
		return nil, corefake.NotFaked("GetTeamsExtensionAssignment")
	}
	got, err := s.GetTeamsExtensionAssignment(r.Raw.Context(), r.Param("tenantId"), r.Param("objectId"),
		&identity.ClientGetTeamsExtensionAssignmentOptions{})
	return &corefake.Response{Body: got.TeamsExtensionAssignment}, err
}

func (s *Server) setAssignment(r *corefake.Request) (*corefake.Response, error) {
	if s.SetTeamsExtensionAssignment == nil {
		return nil, corefake.NotFaked("SetTeamsExtensionAssignment")
	}
	var body acswire.TeamsExtensionAssignmentRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	got, err := s.SetTeamsExtensionAssignment(r.Raw.Context(), r.Param("tenantId"), r.Param("objectId"), text(body.PrincipalType),
		&identity.ClientSetTeamsExtensionAssignmentOptions{ClientIDs: body.ClientIDs})
	status := http.StatusOK
	if got.Created {
		status = http.StatusCreated
	}
	return &corefake.Response{Status: status, Body: got.TeamsExtensionAssignment}, err
}

func (s *Server) deleteAssignment(r *corefake.Request) (*corefake.Response, error) {
	if s.DeleteTeamsExtensionAssignment == nil {
		return nil, corefake.NotFaked("DeleteTeamsExtensionAssignment")
	}
	_, err := s.DeleteTeamsExtensionAssignment(r.Raw.Context(), r.Param("tenantId"), r.Param("objectId"),
		&identity.ClientDeleteTeamsExtensionAssignmentOptions{})
	return &corefake.Response{Status: http.StatusNoContent}, err
}

func user(r *corefake.Request) common.CommunicationUserIdentifier {
	return common.CommunicationUserIdentifier{ID: r.Param("id")}
}

func scopes(names []string) []identity.TokenScope {
	all := make([]identity.TokenScope, len(names))
	for i, name := range names {
		all[i] = identity.TokenScope(name)
	}
	return all
}
