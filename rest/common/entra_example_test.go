package common_test

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// signedIn is a core.TokenCredential: a user who signed in, for example with the
// libraries of Entra ID.
func signedIn(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
	return core.AccessToken{Token: "eyJ…", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func ExampleNewEntraTokenCredential() {
	credential, err := common.NewEntraTokenCredential("https://contoso.communication.azure.com", core.TokenCredentialFunc(signedIn), &common.EntraTokenCredentialOptions{
		Scopes: []string{"https://communication.azure.com/clients/VoIP", "https://communication.azure.com/clients/Chat"},
		// The service of the example; a program leaves it out.
		ClientOptions: core.ClientOptions{Transport: &exchanger{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := credential.GetToken(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(time.Until(token.ExpiresOn) > 59*time.Minute)
	// When a service refuses it; NewTokenPolicy does so by itself.
	credential.Forget(token.Token)
	// Output: true
}
