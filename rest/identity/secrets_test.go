package identity_test

import (
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/identity"
)

// No response shows a secret when it is printed or logged.
func TestResponsesHideSecrets(t *testing.T) {
	testkit.CheckResponsesHideSecrets(t,
		identity.ExchangeClientExchangeEntraTokenResponse{},
		identity.ExchangeClientExchangeTeamsExtensionTokenResponse{},
		identity.ClientCreateUserResponse{},
		identity.ClientCreateUserAndTokenResponse{},
		identity.ClientGetTokenResponse{},
		identity.ClientRevokeTokensResponse{},
		identity.ClientDeleteUserResponse{},
		identity.ClientGetUserResponse{},
		identity.ClientExchangeTeamsUserAccessTokenResponse{},
		identity.ClientGetTeamsExtensionAssignmentResponse{},
		identity.ClientSetTeamsExtensionAssignmentResponse{},
		identity.ClientDeleteTeamsExtensionAssignmentResponse{},
	)
}
