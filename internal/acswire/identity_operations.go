package acswire

import "net/http"

// identityOperations is the table of the identity area.
func identityOperations() []Operation {
	return []Operation{
		{
			Area: AreaIdentity, ID: OpIdentityCreate, Method: http.MethodPost, Route: RouteIdentities,
			First: stable("2021-03-07"), Auth: AuthService,
			Summary: "Create a user, and a token with it if scopes are given.",
			Request: CreateIdentityRequest{}, RequestOptional: true,
			Responses: []OperationResponse{{Status: http.StatusCreated, Body: CreateIdentityResponse{}, Description: "The user was created."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityIssueAccessToken, Method: http.MethodPost, Route: RouteIssueAccessToken,
			First: stable("2021-03-07"), Auth: AuthService,
			Summary:    "Issue a token for a user.",
			Parameters: []Parameter{{Name: "id", In: InPath, Kind: KindString, Required: true, Description: "The raw id of the user."}},
			Request:    IssueAccessTokenRequest{},
			Responses:  []OperationResponse{{Status: http.StatusOK, Body: AccessToken{}, Description: "The token."}},
		},
	}
}

// Operations of the identity area.
const (
	OpIdentityCreate           = "CommunicationIdentity_Create"
	OpIdentityIssueAccessToken = "CommunicationIdentity_IssueAccessToken" //nolint:gosec // an operation, not a credential
)
