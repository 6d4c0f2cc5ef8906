package acswire

// Routes of the identity area, as patterns with {name} for a percent-encoded
// path value. They are matched against the path as sent.
//
//nolint:gosec // paths, not credentials
const (
	RouteIdentities               = "/identities"
	RouteIdentity                 = "/identities/{id}"
	RouteIssueAccessToken         = "/identities/{id}/:issueAccessToken"
	RouteRevokeAccessTokens       = "/identities/{id}/:revokeAccessTokens"
	RouteIssueToken2020           = "/identities/{id}/token"
	RouteTeamsUserExchange        = "/teamsUser/:exchangeAccessToken"
	RouteEntraExchange            = "/access/entra/:exchangeAccessToken"
	RouteEntraAssignments         = "/access/entra/assignments"
	RouteEntraAssignment          = "/access/entra/assignments/{objectId}"
	RouteTeamsExtensionExchange   = "/access/teamsExtension/:exchangeAccessToken"
	RouteTeamsExtensionAssignment = "/access/teamsExtension/tenants/{tenantId}/assignments/{objectId}"
)

// IdentityPath returns the escaped path of a user.
func IdentityPath(id string) string { return RouteIdentities + "/" + EscapePathValue(id) }

// IssueAccessTokenPath returns the escaped path that issues a token for the user.
func IssueAccessTokenPath(id string) string { return IdentityPath(id) + "/:issueAccessToken" }

// RevokeAccessTokensPath returns the escaped path that revokes the tokens of
// the user.
func RevokeAccessTokensPath(id string) string { return IdentityPath(id) + "/:revokeAccessTokens" }

// TeamsExtensionAssignmentPath returns the escaped path of an assignment.
func TeamsExtensionAssignmentPath(tenant, object string) string {
	return "/access/teamsExtension/tenants/" + EscapePathValue(tenant) + "/assignments/" + EscapePathValue(object)
}

// EntraAssignmentPath returns the escaped path of an assignment to Entra users.
func EntraAssignmentPath(object string) string {
	return RouteEntraAssignments + "/" + EscapePathValue(object)
}
