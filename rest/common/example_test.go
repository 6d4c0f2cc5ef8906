package common_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/common/fake"
	"github.com/parley-rtc/parley/rest/core"
)

func ExampleParseRawID() {
	id, err := common.ParseRawID("4:+14255550123")
	if err != nil {
		fmt.Println(err)
		return
	}
	if number, ok := id.(common.PhoneNumberIdentifier); ok {
		fmt.Println(id.Kind(), number.PhoneNumber)
	}
	fmt.Println(id.RawID())
	// Output:
	// phoneNumber +14255550123
	// 4:+14255550123
}

func ExampleNewIdentifierModel() {
	body, err := json.Marshal(common.NewIdentifierModel(common.CommunicationUserIdentifier{ID: "8:acs:resource_user"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(body))
	// Output: {"kind":"communicationUser","rawId":"8:acs:resource_user","communicationUser":{"id":"8:acs:resource_user"}}
}

func ExampleIdentifierModel_Identifier() {
	var model common.IdentifierModel
	if err := json.Unmarshal([]byte(`{"rawId":"8:orgid:u","microsoftTeamsUser":{"userId":"u"}}`), &model); err != nil {
		fmt.Println(err)
		return
	}
	id, err := model.Identifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id.Kind(), id.RawID())
	// Output: microsoftTeamsUser 8:orgid:u
}

func ExamplePossibleIdentifierKindValues() {
	fmt.Println(common.PossibleIdentifierKindValues()[1], common.PossibleCloudEnvironmentValues())
	// Output: communicationUser [public dod gcch]
}

func ExampleNewStaticTokenCredential() {
	token := fake.NewToken(time.Date(2026, 11, 21, 0, 3, 30, 0, time.UTC))
	credential, err := common.NewStaticTokenCredential(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := credential.GetToken(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got, got.ExpiresOn.UTC())
	// Output: REDACTED 2026-11-21 00:03:30 +0000 UTC
}

func ExampleNewUserTokenCredential() {
	credential, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
		Refresh: func(context.Context) (string, error) {
			// Ask the application's own back end here, which uses the identity client.
			return fake.NewToken(time.Now().Add(time.Hour)), nil
		},
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
	fmt.Println(time.Until(token.ExpiresOn) > 50*time.Minute)
	// After the service refused it; policies of NewTokenPolicy do it by themselves.
	credential.Forget(token.Token)
	// Output: true
}

func ExampleNewTokenPolicy() {
	credential, err := common.NewStaticTokenCredential(fake.NewToken(time.Now().Add(time.Hour)))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := core.NewClient(core.ClientConfig{
		Endpoint: "https://contoso.communication.azure.com", Credential: common.NewTokenPolicy(credential, nil),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Endpoint())
	// Output: https://contoso.communication.azure.com
}
