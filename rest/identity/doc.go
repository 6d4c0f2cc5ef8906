// Package identity is the client of the identity service: it makes users,
// issues and revokes their access tokens, exchanges the tokens of Teams and
// Entra users for those of the service, and says which Teams Phone users of other
// tenants may use the resource. Client is for back ends: whoever holds the
// access key can act as every user. ExchangeClient is for the device of a user
// who signed in elsewhere; it holds no key.
//
// # Smallest program
//
//	client, err := identity.NewClientFromConnectionString(os.Getenv("CONNECTION_STRING"), nil)
//	if err != nil {
//		return err
//	}
//	made, err := client.CreateUserAndToken(ctx, []identity.TokenScope{identity.TokenScopeChat, identity.TokenScopeVoIP}, nil)
//	if err != nil {
//		return err
//	}
//	fmt.Println(*made.User.ID, *made.AccessToken.ExpiresOn)
//
// The token goes to the user's device, whose chat and call clients take it.
// Keep the user's id: with it GetToken issues the next token.
//
// # Versions
//
// The client asks for the newest stable version of the contract. What only a
// preview has, users with an id of the caller's own (CustomID, GetUser), is
// asked for in that preview, whatever version the options name, unless they
// name a later preview. Versions before 2021-03-07 have another form and are
// refused by the constructors.
//
// # Errors
//
// A refusal is a *core.ResponseError. Codes to look at with core.HasCode:
// CodeIdentityNotOwned (the user is unknown or belongs to another resource),
// CodeValidationError (scopes, lifetime or ids), CodeInvalidAccessToken (the
// token to exchange), CodeForbidden (its user has no assignment), CodeNotFound
// (there is no such assignment), CodeDenied or CodeUnauthorized (the credential).
//
// # Lifecycle and threading
//
// Clients are immutable, safe for many goroutines and need no closing. Every
// method blocks until the service answered, the retries ended or the context
// did. The package fake stands in for the service in tests.
package identity
