package acswire

import (
	"net/http"
	"slices"
)

// Operations of the identity area.
//
//nolint:gosec // names of operations, not credentials
const (
	OpIdentityCreate             = "CommunicationIdentity_Create"
	OpIdentityGet                = "CommunicationIdentity_Get"
	OpIdentityDelete             = "CommunicationIdentity_Delete"
	OpIdentityIssueAccessToken   = "CommunicationIdentity_IssueAccessToken"
	OpIdentityRevokeAccessTokens = "CommunicationIdentity_RevokeAccessTokens"
	OpIdentityExchangeTeamsUser  = "CommunicationIdentity_ExchangeTeamsUserAccessToken"
	OpIdentityExchangeEntra      = "Entra_ExchangeAccessToken"
	OpEntraAssignmentsList       = "EntraIdAssignments_List"
	OpEntraAssignmentsUpdate     = "EntraIdAssignments_Update"
	OpEntraAssignmentGet         = "EntraIdAssignment_Get"
	OpEntraAssignmentUpsert      = "EntraIdAssignment_Upsert"
	OpEntraAssignmentDelete      = "EntraIdAssignment_Delete"
	OpTeamsExtensionExchange     = "TeamsExtension_ExchangeToken"
	OpTeamsExtensionGet          = "TeamsExtension_GetAssignment"
	OpTeamsExtensionUpsert       = "TeamsExtension_UpsertAssignment"
	OpTeamsExtensionDelete       = "TeamsExtension_DeleteAssignment"
	OpIdentityCreateV2020        = "CommunicationIdentity_Create_2020"
	OpIdentityIssueTokenV2020    = "CommunicationIdentity_IssueToken_2020"
	OpIdentityUpdateV2020        = "CommunicationIdentity_Update_2020"
	OpIdentityDeleteV2020        = "CommunicationIdentity_Delete_2020"
)

// identityOperations is the table of the identity area.
func identityOperations() []Operation {
	return slices.Concat(identityUsers(), identityExchanges(), identityEntraAssignments(), identityOf2020())
}

func identityID() Parameter {
	return Parameter{Name: "id", In: InPath, Kind: KindString, Required: true, Description: "The raw id of the user."}
}

func identityUsers() []Operation {
	first := stable("2021-03-07")
	return []Operation{
		{
			Area: AreaIdentity, ID: OpIdentityCreate, Method: http.MethodPost, Route: RouteIdentities, First: first, Auth: AuthService,
			Summary: "Create a user, and a token with it if scopes are given.",
			Request: CreateIdentityRequest{}, RequestOptional: true,
			Responses: []OperationResponse{{Status: http.StatusCreated, Body: CreateIdentityResponse{}, Description: "The user was created."}},
		},
		{
			// Recorded at 2025-03-02-preview; the specification of 2025-06-30 does not have it.
			Area: AreaIdentity, ID: OpIdentityGet, Method: http.MethodGet, Route: RouteIdentity, First: VersionCustomID(), Auth: AuthService,
			Summary:    "Get a user.",
			Parameters: []Parameter{identityID()},
			Responses:  []OperationResponse{{Status: http.StatusOK, Body: Identity{}, Description: "The user."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityDelete, Method: http.MethodDelete, Route: RouteIdentity, First: first, Auth: AuthService,
			Summary:    "Delete a user, its tokens and what belongs to it.",
			Parameters: []Parameter{identityID()},
			Responses:  []OperationResponse{{Status: http.StatusNoContent, Description: "The user was deleted."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityIssueAccessToken, Method: http.MethodPost, Route: RouteIssueAccessToken, First: first, Auth: AuthService,
			Summary:    "Issue a token for a user.",
			Parameters: []Parameter{identityID()},
			Request:    IssueAccessTokenRequest{},
			Responses:  []OperationResponse{{Status: http.StatusOK, Body: AccessToken{}, Description: "The token."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityRevokeAccessTokens, Method: http.MethodPost, Route: RouteRevokeAccessTokens, First: first, Auth: AuthService,
			Summary:    "Make all tokens of a user void that were issued until now.",
			Parameters: []Parameter{identityID()},
			Responses:  []OperationResponse{{Status: http.StatusNoContent, Description: "The tokens are void."}},
		},
	}
}

func identityExchanges() []Operation {
	assignment := []Parameter{
		{Name: "tenantId", In: InPath, Kind: KindString, Required: true, Description: "The tenant of the principal."},
		{Name: "objectId", In: InPath, Kind: KindString, Required: true, Description: "The object id of the principal."},
	}
	extension := VersionCustomID()
	return []Operation{
		{
			Area: AreaIdentity, ID: OpIdentityExchangeTeamsUser, Method: http.MethodPost, Route: RouteTeamsUserExchange,
			First: stable("2022-06-01"), Auth: AuthService,
			Summary:   "Exchange the access token of a Teams user for one of this service.",
			Request:   TeamsUserExchangeRequest{},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: AccessToken{}, Description: "The token."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityExchangeEntra, Method: http.MethodPost, Route: RouteEntraExchange,
			First: VersionCustomID(), Auth: AuthExchange,
			Summary: "Exchange the token of an Entra user, in the Authorization header, for one of this service.",
			Request: ExchangeRequest{}, RequestOptional: true,
			Responses: []OperationResponse{{Status: http.StatusOK, Body: CreateIdentityResponse{}, Description: "The user and the token."}},
		},
		{
			Area: AreaIdentity, ID: OpTeamsExtensionExchange, Method: http.MethodPost, Route: RouteTeamsExtensionExchange,
			First: extension, Auth: AuthExchange,
			Summary: "Exchange the token of a Teams Phone user with an assignment for one of this service.",
			Request: ExchangeRequest{}, RequestOptional: true,
			Responses: []OperationResponse{{Status: http.StatusOK, Body: CreateIdentityResponse{}, Description: "The user and the token."}},
		},
		{
			Area: AreaIdentity, ID: OpTeamsExtensionGet, Method: http.MethodGet, Route: RouteTeamsExtensionAssignment, First: extension, Auth: AuthService,
			Summary: "Get the assignment of a principal.", Parameters: assignment,
			Responses: []OperationResponse{{Status: http.StatusOK, Body: TeamsExtensionAssignment{}, Description: "The assignment."}},
		},
		{
			Area: AreaIdentity, ID: OpTeamsExtensionUpsert, Method: http.MethodPut, Route: RouteTeamsExtensionAssignment, First: extension, Auth: AuthService,
			Summary: "Let a principal of another tenant use the resource.", Parameters: assignment, Request: TeamsExtensionAssignmentRequest{},
			Responses: []OperationResponse{
				{Status: http.StatusOK, Body: TeamsExtensionAssignment{}, Description: "The assignment was replaced."},
				{Status: http.StatusCreated, Body: TeamsExtensionAssignment{}, Description: "The assignment was made."},
			},
		},
		{
			Area: AreaIdentity, ID: OpTeamsExtensionDelete, Method: http.MethodDelete, Route: RouteTeamsExtensionAssignment, First: extension, Auth: AuthService,
			Summary: "Remove the assignment of a principal.", Parameters: assignment,
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The assignment is gone."}},
		},
	}
}

// identityEntraAssignments say which users of Entra may exchange their tokens.
// They were specified for one preview; 2025-06-30 left them out.
func identityEntraAssignments() []Operation {
	object := []Parameter{{Name: "objectId", In: InPath, Kind: KindString, Required: true, Description: "The object id of the user or group, or the id of the tenant."}}
	list := []OperationResponse{{Status: http.StatusOK, Body: EntraAssignments{}, Description: "The assignments."}}
	operations := []Operation{
		{
			ID: OpEntraAssignmentsList, Method: http.MethodGet, Route: RouteEntraAssignments, Paged: true,
			Summary: "List the assignments to Entra users.", Responses: list,
		},
		{
			ID: OpEntraAssignmentsUpdate, Method: http.MethodPatch, Route: RouteEntraAssignments,
			Summary: "Make, replace and, with null, remove assignments to Entra users.", Request: EntraAssignmentsUpdate{}, RequestTypes: mergePatch(),
			Responses: append(list, OperationResponse{Status: http.StatusNoContent, Description: "Assignments were removed, and none made."}),
		},
		{
			ID: OpEntraAssignmentGet, Method: http.MethodGet, Route: RouteEntraAssignment,
			Summary: "Get an assignment to Entra users.", Parameters: object,
			Responses: []OperationResponse{{Status: http.StatusOK, Body: EntraAssignment{}, Description: "The assignment."}},
		},
		{
			ID: OpEntraAssignmentUpsert, Method: http.MethodPut, Route: RouteEntraAssignment,
			Summary: "Let Entra users exchange their tokens: one, those of a group or those of a tenant.", Parameters: object, Request: EntraAssignmentRequest{},
			Responses: []OperationResponse{
				{Status: http.StatusOK, Body: EntraAssignment{}, Description: "The assignment was replaced."},
				{Status: http.StatusCreated, Body: EntraAssignment{}, Description: "The assignment was made."},
			},
		},
		{
			ID: OpEntraAssignmentDelete, Method: http.MethodDelete, Route: RouteEntraAssignment,
			Summary: "Remove an assignment to Entra users.", Parameters: object,
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The assignment is gone."}},
		},
	}
	for i := range operations {
		o := &operations[i]
		o.Area, o.Auth, o.First, o.Last = AreaIdentity, AuthService, VersionCustomID(), VersionCustomID()
	}
	return operations
}

// identityOf2020 are the operations of the administration package's preview.
func identityOf2020() []Operation {
	only := preview("2020-07-20", 2)
	return []Operation{
		{
			Area: AreaIdentity, ID: OpIdentityCreateV2020, Method: http.MethodPost, Route: RouteIdentities, First: only, Last: only, Auth: AuthService,
			Summary:   "Create a user.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: IdentityV2020{}, Description: "The user was created."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityIssueTokenV2020, Method: http.MethodPost, Route: RouteIssueToken2020, First: only, Last: only, Auth: AuthService,
			Summary: "Issue a token for a user.", Parameters: []Parameter{identityID()}, Request: IssueTokenRequestV2020{},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: TokenV2020{}, Description: "The token."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityUpdateV2020, Method: http.MethodPatch, Route: RouteIdentity, First: only, Last: only, Auth: AuthService,
			Summary: "Make tokens of a user void.", Parameters: []Parameter{identityID()}, Request: UpdateIdentityRequestV2020{},
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The tokens are void."}},
		},
		{
			Area: AreaIdentity, ID: OpIdentityDeleteV2020, Method: http.MethodDelete, Route: RouteIdentity, First: only, Last: only, Auth: AuthService,
			Summary: "Delete a user, its tokens and what belongs to it.", Parameters: []Parameter{identityID()},
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The user was deleted."}},
		},
	}
}
