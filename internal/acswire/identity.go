package acswire

// CreateIdentityRequest is the body of POST /identities. The body may be absent.
type CreateIdentityRequest struct {
	// CreateTokenWithScopes asks for a token with these scopes; absent means no token.
	CreateTokenWithScopes []string `json:"createTokenWithScopes,omitempty"`
	// ExpiresInMinutes is the lifetime of that token; absent means DefaultTokenMinutes.
	ExpiresInMinutes *int32 `json:"expiresInMinutes,omitempty" since:"2022-10-01"`
	// CustomID ties the identity to an id of the caller's own: the same id
	// gives the same identity every time. From api-version 2025-03-02-preview.
	CustomID *string `json:"customId,omitempty" since:"2025-03-02-preview"`
}

// Identity is a user of a resource.
type Identity struct {
	// ID is the raw id, "8:acs:<resource>_<user>".
	ID *string `json:"id,omitempty"`
	// CustomID is the caller's own id, when the identity was made with one.
	CustomID *string `json:"customId,omitempty" since:"2025-03-02-preview"`
	// LastTokenIssuedAt is when the last token was issued, RFC 3339.
	LastTokenIssuedAt *string `json:"lastTokenIssuedAt,omitempty" since:"2025-03-02-preview"`
}

// AccessToken is a user access token and when it ends.
type AccessToken struct {
	// Token is the token: a secret.
	Token *string `json:"token,omitempty"`
	// ExpiresOn is the end of its life, RFC 3339 with an offset.
	ExpiresOn *string `json:"expiresOn,omitempty"`
}

// CreateIdentityResponse is the body of the 201 that answers POST /identities.
type CreateIdentityResponse struct {
	Identity    *Identity    `json:"identity,omitempty"`
	AccessToken *AccessToken `json:"accessToken,omitempty"`
}

// IssueAccessTokenRequest is the body of POST /identities/{id}/:issueAccessToken.
type IssueAccessTokenRequest struct {
	// Scopes are the scopes of the token; at least one.
	Scopes []string `json:"scopes"`
	// ExpiresInMinutes is the lifetime; absent means DefaultTokenMinutes.
	ExpiresInMinutes *int32 `json:"expiresInMinutes,omitempty" since:"2022-10-01"`
}

// IdentityV2020 is the user and the body of the 200 that answers POST
// /identities at 2020-07-20-preview2.
type IdentityV2020 struct {
	ID *string `json:"id,omitempty"`
}

// UpdateIdentityRequestV2020 is the body of PATCH /identities/{id} at
// 2020-07-20-preview2.
type UpdateIdentityRequestV2020 struct {
	// TokensValidFrom makes all tokens void that were issued before it, RFC 3339.
	TokensValidFrom *string `json:"tokensValidFrom,omitempty"`
}

// IssueTokenRequestV2020 is the body of POST /identities/{id}/token at
// 2020-07-20-preview2.
type IssueTokenRequestV2020 struct {
	Scopes []string `json:"scopes"`
}

// TokenV2020 answers POST /identities/{id}/token at 2020-07-20-preview2.
type TokenV2020 struct {
	ID        *string `json:"id,omitempty"`
	Token     *string `json:"token,omitempty"`
	ExpiresOn *string `json:"expiresOn,omitempty"`
}

// TeamsUserExchangeRequest is the body of POST /teamsUser/:exchangeAccessToken.
type TeamsUserExchangeRequest struct {
	// Token is the access token of the Entra user: a secret.
	Token *string `json:"token,omitempty"`
	// AppID is the application that the token was issued to.
	AppID *string `json:"appId,omitempty"`
	// UserID is the object id of the user.
	UserID *string `json:"userId,omitempty"`
}

// ExchangeRequest is the body of the exchanges whose token stands in the
// Authorization header: an empty object.
type ExchangeRequest struct{}

// Kinds of principals of an assignment.
const (
	PrincipalTypeUser            = "user"
	PrincipalTypeResourceAccount = "resourceAccount"
)

// PossiblePrincipalTypes returns every kind of principal of an assignment.
func PossiblePrincipalTypes() []string {
	return []string{PrincipalTypeUser, PrincipalTypeResourceAccount}
}

// TeamsExtensionAssignmentRequest is the body of the PUT of an assignment.
type TeamsExtensionAssignmentRequest struct {
	PrincipalType *string `json:"principalType,omitempty"`
	// ClientIDs are the applications that the principal may use; none is all.
	ClientIDs []string `json:"clientIds,omitempty"`
}

// TeamsExtensionAssignment is an assignment.
type TeamsExtensionAssignment struct {
	ObjectID      *string  `json:"objectId,omitempty"`
	TenantID      *string  `json:"tenantId,omitempty"`
	PrincipalType *string  `json:"principalType,omitempty"`
	ClientIDs     []string `json:"clientIds,omitempty"`
}

// Kinds of principals of an assignment to Entra users, beside PrincipalTypeUser.
const (
	PrincipalTypeGroup  = "group"
	PrincipalTypeTenant = "tenant"
)

// PossibleEntraPrincipalTypes returns every kind of principal of an assignment
// to Entra users.
func PossibleEntraPrincipalTypes() []string {
	return []string{PrincipalTypeUser, PrincipalTypeGroup, PrincipalTypeTenant}
}

// EntraAssignmentRequest is the body of the PUT of an assignment to Entra users,
// and what is said of each in an EntraAssignmentsUpdate.
type EntraAssignmentRequest struct {
	TenantID      *string `json:"tenantId,omitempty"`
	PrincipalType *string `json:"principalType,omitempty"`
	// ClientIDs are the applications that the principal may use; it must be there.
	ClientIDs []string `json:"clientIds,omitempty"`
}

// EntraAssignmentsUpdate is the body of the PATCH of assignments to Entra users,
// by object ids; what is null is removed.
type EntraAssignmentsUpdate map[string]*EntraAssignmentRequest

// EntraAssignment is an assignment to Entra users.
type EntraAssignment struct {
	ObjectID      string   `json:"objectId"`
	TenantID      string   `json:"tenantId"`
	PrincipalType string   `json:"principalType"`
	ClientIDs     []string `json:"clientIds"`
}

// EntraAssignments is a page of assignments to Entra users.
type EntraAssignments struct {
	Value    []EntraAssignment `json:"value"`
	NextLink *string           `json:"nextLink,omitempty"`
}

// Lifetimes of a user access token in minutes.
const (
	MinTokenMinutes     = 60
	MaxTokenMinutes     = 1440
	DefaultTokenMinutes = 1440
)

// Scopes of a user access token.
const (
	ScopeChat            = "chat"
	ScopeVoIP            = "voip"
	ScopeChatJoin        = "chat.join"
	ScopeChatJoinLimited = "chat.join.limited"
	ScopeVoIPJoin        = "voip.join"
	// ScopePSTN existed at 2020-07-20-preview2 only.
	ScopePSTN = "pstn"
)

// PossibleScopes returns every scope that a token may have.
func PossibleScopes() []string {
	return []string{ScopeChat, ScopeVoIP, ScopeChatJoin, ScopeChatJoinLimited, ScopeVoIPJoin}
}
