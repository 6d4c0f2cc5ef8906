// Package identity is the identity area: users of a resource and the access
// tokens with which they sign in to calls and chat.
//
// Tokens are JSON Web Tokens signed with ES256. The official SDKs read only
// exp from them; the other claims are those that ACS puts in. The signing key
// is made at the first start and kept in the database.
package identity
