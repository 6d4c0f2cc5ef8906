// Package common is what the users of several REST clients share: identifiers
// of who takes part, and credentials made of user access tokens.
//
// # Identifiers
//
// Every participant of a call, a chat or a message is an Identifier: a user of
// a resource, a phone number, a Teams user, a Teams application, a Teams Phone
// user who works through a resource, or of a kind that this version does not
// know. Each has a raw id, one string that tells all; ParseRawID reads it:
//
//	id, err := common.ParseRawID("8:acs:3769…_0b6d…")
//	if err != nil {
//		return err
//	}
//	switch id := id.(type) {
//	case common.CommunicationUserIdentifier:
//		fmt.Println("user", id.ID)
//	case common.PhoneNumberIdentifier:
//		fmt.Println("number", id.PhoneNumber)
//	}
//
// In bodies of the REST API an identifier is an object with its kind; that is
// IdentifierModel. The types are those of the engine: an identifier of one is
// good for the other.
//
// # Credentials
//
// Chat and calls are authorized by the access token of a user, which the
// application's back end gets from the identity client. The smallest program:
//
//	credential, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
//		Refresh: func(ctx context.Context) (string, error) { return askMyBackEnd(ctx) },
//	})
//
// It asks for a token when one is needed and for the next one ten minutes
// before the end of it. A token for one short task goes into
// NewStaticTokenCredential. A user who signed in with Entra ID needs no back end:
// NewEntraTokenCredential exchanges the token of that for one of the resource.
//
// The engine takes such a credential through its own function type; the two
// AccessToken types convert into each other:
//
//	engine.TokenRefresher(func(ctx context.Context) (engine.AccessToken, error) {
//		token, err := credential.GetToken(ctx)
//		return engine.AccessToken(token), err
//	})
//
// # Lifecycle and threading
//
// Identifiers are comparable values. Credentials are safe for many goroutines,
// start none of their own and need not be closed: a token is renewed by
// whoever asks for it when it is time, one at a time.
package common
