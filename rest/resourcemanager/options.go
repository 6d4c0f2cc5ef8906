package resourcemanager

import "github.com/parley-rtc/parley/rest/core"

// ClientOptions configure a Client; nil is the zero value.
type ClientOptions struct {
	// ClientOptions are those of every client.
	core.ClientOptions
	// Scope is what tokens are asked for. Empty: the endpoint's, which is
	// "https://management.azure.com/.default" for EndpointPublic.
	Scope string
}

// ClientBeginCreateOrUpdateOptions are the options of
// Client.BeginCreateOrUpdate.
type ClientBeginCreateOrUpdateOptions struct {
	// Conditions let the request depend on the resource's ETag: IfNoneMatch with
	// core.ETagAny creates only. Nil: none.
	Conditions *core.MatchConditions
	// ResumeToken is of a poller of an earlier call: the operation is followed
	// on, nothing is begun, and the other parameters do not count. Empty: begin.
	ResumeToken string
}

// ClientCreateOrUpdateResponse is the result of Client.BeginCreateOrUpdate.
type ClientCreateOrUpdateResponse struct {
	CommunicationServiceResource
	// ETag is that of the resource; nil when the service does not tell.
	ETag *core.ETag `json:"-"`
}

// ClientBeginDeleteOptions are the options of Client.BeginDelete.
type ClientBeginDeleteOptions struct {
	// Conditions let the request depend on the resource's ETag. Nil: none.
	Conditions *core.MatchConditions
	// ResumeToken is as in ClientBeginCreateOrUpdateOptions.
	ResumeToken string
}

// ClientDeleteResponse is the result of Client.BeginDelete; it is empty.
type ClientDeleteResponse struct{}

// ClientGetOptions are the options of Client.Get.
type ClientGetOptions struct {
	// Conditions let the request depend on the resource's ETag: one that has the
	// tag of IfNoneMatch is a *core.ResponseError with status 304. Nil: none.
	Conditions *core.MatchConditions
}

// ClientGetResponse is the result of Client.Get.
type ClientGetResponse struct {
	CommunicationServiceResource
	// ETag is that of the resource; nil when the service does not tell.
	ETag *core.ETag `json:"-"`
}

// ClientUpdateOptions are the options of Client.Update.
type ClientUpdateOptions struct {
	// Conditions let the request depend on the resource's ETag. Nil: none.
	Conditions *core.MatchConditions
}

// ClientUpdateResponse is the result of Client.Update.
type ClientUpdateResponse struct {
	CommunicationServiceResource
	// ETag is that of the resource; nil when the service does not tell.
	ETag *core.ETag `json:"-"`
}

// ClientListBySubscriptionOptions are the options of
// Client.NewListBySubscriptionPager; there are none yet.
type ClientListBySubscriptionOptions struct{}

// ClientListBySubscriptionResponse is a page of
// Client.NewListBySubscriptionPager.
type ClientListBySubscriptionResponse struct {
	CommunicationServiceResourceList
}

// ClientListByResourceGroupOptions are the options of
// Client.NewListByResourceGroupPager; there are none yet.
type ClientListByResourceGroupOptions struct{}

// ClientListByResourceGroupResponse is a page of
// Client.NewListByResourceGroupPager.
type ClientListByResourceGroupResponse struct {
	CommunicationServiceResourceList
}

// ClientListOperationsOptions are the options of Client.NewListOperationsPager;
// there are none yet.
type ClientListOperationsOptions struct{}

// ClientListOperationsResponse is a page of Client.NewListOperationsPager.
type ClientListOperationsResponse struct {
	OperationListResult
}

// ClientListKeysOptions are the options of Client.ListKeys; there are none yet.
type ClientListKeysOptions struct{}

// ClientListKeysResponse is the result of Client.ListKeys: secrets.
type ClientListKeysResponse struct {
	CommunicationServiceKeys
}

// ClientRegenerateKeyOptions are the options of Client.RegenerateKey; there are
// none yet.
type ClientRegenerateKeyOptions struct{}

// ClientRegenerateKeyResponse is the result of Client.RegenerateKey: secrets.
type ClientRegenerateKeyResponse struct {
	CommunicationServiceKeys
}

// ClientLinkNotificationHubOptions are the options of
// Client.LinkNotificationHub; there are none yet.
type ClientLinkNotificationHubOptions struct{}

// ClientLinkNotificationHubResponse is the result of
// Client.LinkNotificationHub.
type ClientLinkNotificationHubResponse struct {
	LinkedNotificationHub
}

// ClientCheckNameAvailabilityOptions are the options of
// Client.CheckNameAvailability; there are none yet.
type ClientCheckNameAvailabilityOptions struct{}

// ClientCheckNameAvailabilityResponse is the result of
// Client.CheckNameAvailability.
type ClientCheckNameAvailabilityResponse struct {
	CheckNameAvailabilityResponse
}
