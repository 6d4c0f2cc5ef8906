package resourcemanager_test

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
	"github.com/parley-rtc/parley/rest/resourcemanager"
	"github.com/parley-rtc/parley/rest/resourcemanager/fake"
)

// exampleServer is a fake of the service. A program has none.
func exampleServer() *fake.Server {
	tag := core.ETag(`"1"`)
	contoso := resourcemanager.CommunicationServiceResource{
		Name: new("contoso"), Location: new("global"), Tags: map[string]*string{"team": new("alice")},
		Properties: &resourcemanager.CommunicationServiceProperties{
			DataLocation: new("Europe"), HostName: new("contoso.communication.azure.com"), ProvisioningState: new(resourcemanager.ProvisioningStateSucceeded),
		},
	}
	list := resourcemanager.CommunicationServiceResourceList{Value: []*resourcemanager.CommunicationServiceResource{&contoso}}
	return &fake.Server{
		BeginCreateOrUpdate: func(context.Context, string, string, resourcemanager.CommunicationServiceResource, *resourcemanager.ClientBeginCreateOrUpdateOptions) (corefake.Operation[resourcemanager.ClientCreateOrUpdateResponse], error) {
			return corefake.Operation[resourcemanager.ClientCreateOrUpdateResponse]{Polls: 1, Result: resourcemanager.ClientCreateOrUpdateResponse{CommunicationServiceResource: contoso, ETag: &tag}}, nil
		},
		BeginDelete: func(context.Context, string, string, *resourcemanager.ClientBeginDeleteOptions) (corefake.Operation[resourcemanager.ClientDeleteResponse], error) {
			return corefake.Operation[resourcemanager.ClientDeleteResponse]{Polls: 1}, nil
		},
		Get: func(_ context.Context, _, name string, _ *resourcemanager.ClientGetOptions) (resourcemanager.ClientGetResponse, error) {
			if name != "contoso" {
				return resourcemanager.ClientGetResponse{}, &core.ResponseError{StatusCode: 404, ErrorCode: resourcemanager.CodeResourceNotFound, Message: "there is none"}
			}
			return resourcemanager.ClientGetResponse{CommunicationServiceResource: contoso, ETag: &tag}, nil
		},
		Update: func(_ context.Context, _, _ string, update resourcemanager.CommunicationServiceResourceUpdate, o *resourcemanager.ClientUpdateOptions) (resourcemanager.ClientUpdateResponse, error) {
			if o.Conditions != nil && !o.Conditions.IfMatch.Equals(tag) {
				return resourcemanager.ClientUpdateResponse{}, &core.ResponseError{StatusCode: 412, ErrorCode: resourcemanager.CodePreconditionFailed}
			}
			return resourcemanager.ClientUpdateResponse{CommunicationServiceResource: resourcemanager.CommunicationServiceResource{Tags: update.Tags}}, nil
		},
		ListKeys: func(context.Context, string, string, *resourcemanager.ClientListKeysOptions) (resourcemanager.ClientListKeysResponse, error) {
			return resourcemanager.ClientListKeysResponse{CommunicationServiceKeys: resourcemanager.CommunicationServiceKeys{
				PrimaryKey: new("a2V5"), PrimaryConnectionString: new("endpoint=https://contoso.communication.azure.com/;accesskey=a2V5"),
			}}, nil
		},
		RegenerateKey: func(context.Context, string, string, resourcemanager.RegenerateKeyParameters, *resourcemanager.ClientRegenerateKeyOptions) (resourcemanager.ClientRegenerateKeyResponse, error) {
			return resourcemanager.ClientRegenerateKeyResponse{CommunicationServiceKeys: resourcemanager.CommunicationServiceKeys{PrimaryKey: new("bmV3")}}, nil
		},
		LinkNotificationHub: func(_ context.Context, _, _ string, p resourcemanager.LinkNotificationHubParameters, _ *resourcemanager.ClientLinkNotificationHubOptions) (resourcemanager.ClientLinkNotificationHubResponse, error) {
			return resourcemanager.ClientLinkNotificationHubResponse{LinkedNotificationHub: resourcemanager.LinkedNotificationHub{ResourceID: p.ResourceID}}, nil
		},
		CheckNameAvailability: func(context.Context, resourcemanager.NameAvailabilityParameters, *resourcemanager.ClientCheckNameAvailabilityOptions) (resourcemanager.ClientCheckNameAvailabilityResponse, error) {
			return resourcemanager.ClientCheckNameAvailabilityResponse{CheckNameAvailabilityResponse: resourcemanager.CheckNameAvailabilityResponse{
				NameAvailable: new(false), Reason: new(resourcemanager.CheckNameAvailabilityReasonAlreadyExists),
			}}, nil
		},
		NewListBySubscriptionPager: func(*resourcemanager.ClientListBySubscriptionOptions) corefake.Pages[resourcemanager.ClientListBySubscriptionResponse] {
			page := resourcemanager.ClientListBySubscriptionResponse{CommunicationServiceResourceList: list}
			return corefake.Pages[resourcemanager.ClientListBySubscriptionResponse]{Pages: []resourcemanager.ClientListBySubscriptionResponse{page, page}}
		},
		NewListByResourceGroupPager: func(string, *resourcemanager.ClientListByResourceGroupOptions) corefake.Pages[resourcemanager.ClientListByResourceGroupResponse] {
			return corefake.Pages[resourcemanager.ClientListByResourceGroupResponse]{Pages: []resourcemanager.ClientListByResourceGroupResponse{{CommunicationServiceResourceList: list}}}
		},
		NewListOperationsPager: func(*resourcemanager.ClientListOperationsOptions) corefake.Pages[resourcemanager.ClientListOperationsResponse] {
			return corefake.Pages[resourcemanager.ClientListOperationsResponse]{Pages: []resourcemanager.ClientListOperationsResponse{{OperationListResult: resourcemanager.OperationListResult{
				Value: []*resourcemanager.Operation{{Name: new("Microsoft.Communication/CommunicationServices/read")}},
			}}}}
		},
	}
}

// armToken is the credential of the examples: the armToken of connection.json.
func armToken(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
	return core.AccessToken{Token: "eyJ…"}, nil
}

// newExampleClient makes a client of the fake. A program leaves the transport
// out and takes endpoint and subscription from connection.json.
func newExampleClient() (*resourcemanager.Client, error) {
	return resourcemanager.NewClient("https://localhost:8443", "11112222-3333-4444-5555-666677778888", core.TokenCredentialFunc(armToken),
		&resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{Transport: exampleServer()}})
}

func ExampleNewClient() {
	client, err := resourcemanager.NewClient(resourcemanager.EndpointPublic, "11112222-3333-4444-5555-666677778888", core.TokenCredentialFunc(armToken), nil)
	fmt.Println(client != nil, err)
	// Output: true <nil>
}

func ExampleClient_BeginCreateOrUpdate() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err := client.BeginCreateOrUpdate(context.Background(), "group", "contoso", resourcemanager.CommunicationServiceResource{
		Location:   new("global"),
		Properties: &resourcemanager.CommunicationServiceProperties{DataLocation: new("Europe")},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := poller.PollUntilDone(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.Properties.HostName, *made.ETag)
	// Output: contoso.communication.azure.com "1"
}

// The operation goes on in another process: what is kept is the resume token.
func ExampleClient_BeginCreateOrUpdate_resume() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err := client.BeginCreateOrUpdate(context.Background(), "group", "contoso", resourcemanager.CommunicationServiceResource{
		Location:   new("global"),
		Properties: &resourcemanager.CommunicationServiceProperties{DataLocation: new("Europe")},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := poller.ResumeToken()
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err = client.BeginCreateOrUpdate(context.Background(), "", "", resourcemanager.CommunicationServiceResource{},
		&resourcemanager.ClientBeginCreateOrUpdateOptions{ResumeToken: token})
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := poller.PollUntilDone(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.Properties.ProvisioningState)
	// Output: Succeeded
}

func ExampleClient_BeginDelete() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	poller, err := client.BeginDelete(context.Background(), "group", "contoso", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = poller.PollUntilDone(context.Background(), nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_Get() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"contoso", "fabrikam"} {
		got, err := client.Get(context.Background(), "group", name, nil)
		if core.HasCode(err, resourcemanager.CodeResourceNotFound) {
			fmt.Println("no", name)
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(*got.Properties.DataLocation)
	}
	// Output:
	// Europe
	// no fabrikam
}

// Update changes a resource only if nobody else did meanwhile.
func ExampleClient_Update() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.Get(context.Background(), "group", "contoso", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	updated, err := client.Update(context.Background(), "group", "contoso",
		resourcemanager.CommunicationServiceResourceUpdate{Tags: map[string]*string{"team": new("bob")}},
		&resourcemanager.ClientUpdateOptions{Conditions: &core.MatchConditions{IfMatch: got.ETag}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*updated.Tags["team"])
	// Output: bob
}

func ExampleClient_ListKeys() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := client.ListKeys(context.Background(), "group", "contoso", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	connection, err := core.ParseConnectionString(*keys.PrimaryConnectionString)
	fmt.Println(connection.Endpoint, err)
	// Output: https://contoso.communication.azure.com <nil>
}

func ExampleClient_RegenerateKey() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := client.RegenerateKey(context.Background(), "group", "contoso", resourcemanager.RegenerateKeyParameters{KeyType: new(resourcemanager.KeyTypePrimary)}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(keys.PrimaryKey != nil)
	// Output: true
}

func ExampleClient_LinkNotificationHub() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	linked, err := client.LinkNotificationHub(context.Background(), "group", "contoso", resourcemanager.LinkNotificationHubParameters{
		ResourceID:       new("/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/group/providers/Microsoft.NotificationHubs/namespaces/n/notificationHubs/hub"),
		ConnectionString: new("Endpoint=sb://n.servicebus.windows.net/;SharedAccessKey=…"),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(linked.ResourceID != nil)
	// Output: true
}

func ExampleClient_CheckNameAvailability() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := client.CheckNameAvailability(context.Background(), resourcemanager.NameAvailabilityParameters{
		Name: new("contoso"), Type: new(resourcemanager.TypeCommunicationService),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*answer.NameAvailable, *answer.Reason)
	// Output: false AlreadyExists
}

func ExampleClient_NewListBySubscriptionPager() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	pager := client.NewListBySubscriptionPager(nil)
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, resource := range page.Value {
			fmt.Println(*resource.Name)
		}
	}
	// Output:
	// contoso
	// contoso
}

func ExampleClient_NewListByResourceGroupPager() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	for page, err := range client.NewListByResourceGroupPager("group", nil).Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(page.Value))
	}
	// Output: 1
}

func ExampleClient_NewListOperationsPager() {
	client, err := newExampleClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	for page, err := range client.NewListOperationsPager(nil).Pages(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(*page.Value[0].Name)
	}
	// Output: Microsoft.Communication/CommunicationServices/read
}

func ExamplePossibleKeyTypeValues() {
	fmt.Println(resourcemanager.PossibleKeyTypeValues())
	fmt.Println(resourcemanager.PossibleCheckNameAvailabilityReasonValues())
	fmt.Println(resourcemanager.PossiblePublicNetworkAccessValues())
	fmt.Println(resourcemanager.PossibleManagedServiceIdentityTypeValues())
	fmt.Println(resourcemanager.PossibleCreatedByTypeValues())
	fmt.Println(len(resourcemanager.PossibleProvisioningStateValues()))
	// Output:
	// [Primary Secondary]
	// [NameAvailable AlreadyExists Invalid]
	// [Disabled Enabled SecuredByPerimeter]
	// [None SystemAssigned SystemAssigned,UserAssigned UserAssigned]
	// [Application Key ManagedIdentity User]
	// 10
}
