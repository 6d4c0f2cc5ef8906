package common_test

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

func ExampleNewEntraTokenCredential() {
	credential, err := common.NewEntraTokenCredential("https://contoso.example", &issuer{}, &common.EntraTokenCredentialOptions{
		ClientOptions: core.ClientOptions{Transport: &exchanger{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := credential.GetToken(context.Background())
	fmt.Println(token.ExpiresOn.After(time.Now()), err)
	// Output: true <nil>
}
