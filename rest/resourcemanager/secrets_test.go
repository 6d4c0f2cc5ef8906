package resourcemanager_test

import (
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/resourcemanager"
)

// No response shows a secret when it is printed or logged.
func TestResponsesHideSecrets(t *testing.T) {
	testkit.CheckResponsesHideSecrets(t,
		resourcemanager.ClientCreateOrUpdateResponse{},
		resourcemanager.ClientDeleteResponse{},
		resourcemanager.ClientGetResponse{},
		resourcemanager.ClientUpdateResponse{},
		resourcemanager.ClientListBySubscriptionResponse{},
		resourcemanager.ClientListByResourceGroupResponse{},
		resourcemanager.ClientListOperationsResponse{},
		resourcemanager.ClientListKeysResponse{},
		resourcemanager.ClientRegenerateKeyResponse{},
		resourcemanager.ClientLinkNotificationHubResponse{},
		resourcemanager.ClientCheckNameAvailabilityResponse{},
	)
}
