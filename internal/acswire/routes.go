package acswire

import "net/url"

// Routes of the identity area, as patterns with {name} for a percent-encoded
// path value. They are matched against the path as sent.
const (
	RouteIdentities       = "/identities"
	RouteIssueAccessToken = "/identities/{id}/:issueAccessToken" //nolint:gosec // a path, not a credential
)

// IssueAccessTokenPath returns the escaped path that issues a token for the user.
func IssueAccessTokenPath(id string) string {
	return RouteIdentities + "/" + url.PathEscape(id) + "/:issueAccessToken"
}
