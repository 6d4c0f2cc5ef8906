package acswire

import (
	"net/http"
)

// Operations of the resource manager. The specification of 2020-08-20 writes
// CommunicationService for CommunicationServices.
//
//nolint:gosec // names of operations, not credentials
const (
	OpARMOperationsList                = "Operations_List"
	OpARMOperationStatusGet            = "OperationStatuses_Get"
	OpARMSubscriptionOperationStatus   = "OperationStatuses_GetBySubscription"
	OpARMCheckNameAvailability         = "CommunicationServices_CheckNameAvailability"
	OpARMServicesListBySubscription    = "CommunicationServices_ListBySubscription"
	OpARMServicesListByResourceGroup   = "CommunicationServices_ListByResourceGroup"
	OpARMServicesCreateOrUpdate        = "CommunicationServices_CreateOrUpdate"
	OpARMServicesGet                   = "CommunicationServices_Get"
	OpARMServicesUpdate                = "CommunicationServices_Update"
	OpARMServicesDelete                = "CommunicationServices_Delete"
	OpARMServicesListKeys              = "CommunicationServices_ListKeys"
	OpARMServicesRegenerateKey         = "CommunicationServices_RegenerateKey"
	OpARMServicesLinkNotificationHub   = "CommunicationServices_LinkNotificationHub"
	OpARMSMTPUsernamesList             = "SmtpUsernames_List"
	OpARMSMTPUsernamesGet              = "SmtpUsernames_Get"
	OpARMSMTPUsernamesCreateOrUpdate   = "SmtpUsernames_CreateOrUpdate"
	OpARMSMTPUsernamesDelete           = "SmtpUsernames_Delete"
	OpARMEmailListVerifiedExchange     = "EmailServices_ListVerifiedExchangeOnlineDomains"
	OpARMEmailListBySubscription       = "EmailServices_ListBySubscription"
	OpARMEmailListByResourceGroup      = "EmailServices_ListByResourceGroup"
	OpARMEmailCreateOrUpdate           = "EmailServices_CreateOrUpdate"
	OpARMEmailGet                      = "EmailServices_Get"
	OpARMEmailUpdate                   = "EmailServices_Update"
	OpARMEmailDelete                   = "EmailServices_Delete"
	OpARMDomainsList                   = "Domains_ListByEmailServiceResource"
	OpARMDomainsCreateOrUpdate         = "Domains_CreateOrUpdate"
	OpARMDomainsGet                    = "Domains_Get"
	OpARMDomainsUpdate                 = "Domains_Update"
	OpARMDomainsDelete                 = "Domains_Delete"
	OpARMDomainsInitiateVerification   = "Domains_InitiateVerification"
	OpARMDomainsCancelVerification     = "Domains_CancelVerification"
	OpARMSenderUsernamesList           = "SenderUsernames_ListByDomains"
	OpARMSenderUsernamesCreateOrUpdate = "SenderUsernames_CreateOrUpdate"
	OpARMSenderUsernamesGet            = "SenderUsernames_Get"
	OpARMSenderUsernamesDelete         = "SenderUsernames_Delete"
	OpARMSuppressionListsList          = "SuppressionLists_ListByDomain"
	OpARMSuppressionListsCreate        = "SuppressionLists_CreateOrUpdate"
	OpARMSuppressionListsGet           = "SuppressionLists_Get"
	OpARMSuppressionListsDelete        = "SuppressionLists_Delete"
	OpARMSuppressionAddressesList      = "SuppressionListAddresses_List"
	OpARMSuppressionAddressesCreate    = "SuppressionListAddresses_CreateOrUpdate"
	OpARMSuppressionAddressesGet       = "SuppressionListAddresses_Get"
	OpARMSuppressionAddressesDelete    = "SuppressionListAddresses_Delete"
)

// HeaderIfMatch and its like make a request of the resource manager depend on
// the resource's ETag.
const (
	HeaderETag        = "Etag"
	HeaderIfMatch     = "If-Match"
	HeaderIfNoneMatch = "If-None-Match"
)

// armOperations is the table of the resource manager.
func armOperations() []Operation {
	operations := append(append(armProviderOperations(), armServiceOperations()...), armEmailOperations()...)
	for i := range operations {
		o := &operations[i]
		o.Area, o.Auth = AreaResourceManager, AuthManagement
		o.Parameters = append(armPathParameters(o.Route), o.Parameters...)
	}
	return operations
}

// armPathParameters describes the values of a route.
func armPathParameters(route string) []Parameter {
	var parameters []Parameter
	for _, name := range pathNames(route) {
		p := Parameter{Name: name, In: InPath, Kind: KindString, Required: true}
		switch name {
		case "subscriptionId":
			p.Kind, p.Description = KindUUID, "The subscription, the one of connection.json."
		case "resourceGroupName":
			p.Description = "The group of the resource: a name of at most 90 characters. Case does not matter."
		case "communicationServiceName":
			p.Description = "The name of the resource: letters, digits, '-' and '_', at most 63. Case does not matter."
		case "location":
			p.Description = "Where the operation runs, as the link has it."
		case "operationId":
			p.Description = "The id of the operation, as the link has it."
		case "emailServiceName":
			p.Description = "The name of the e-mail service."
		case "domainName":
			p.Description = "The name of the domain."
		case "senderUsername":
			p.Description = "The name of the sender."
		case "smtpUsername":
			p.Description = "The name of the SMTP user name."
		case "suppressionListName":
			p.Description = "The name of the list."
		case "addressId":
			p.Description = "The id of the address in the list."
		}
		parameters = append(parameters, p)
	}
	return parameters
}

// VersionARMTracked is the first contract in which the body of a resource must
// name its location, and that knows e-mail.
func VersionARMTracked() Version { return stable("2023-03-31") }

// VersionARMIdentity is the first contract in which a resource has an identity.
func VersionARMIdentity() Version { return stable("2023-04-01") }

// VersionARMAccess is the first contract in which a resource can refuse access
// keys and public networks.
func VersionARMAccess() Version { return stable("2025-09-01") }

func armFirst() Version { return stable("2020-08-20") }

// armPage are the parameters of lists. SDKs do not send them; the service's own
// links do.
func armPage() []Parameter {
	return []Parameter{
		{Name: "$top", In: InQuery, Kind: KindInteger, Description: "How many to list at a time, at most 1000. The service lists 100 when it is absent."},
		{Name: "$skiptoken", In: InQuery, Kind: KindString, Description: "Where to go on, as the link to the next page has it."},
	}
}

func armIfMatch() Parameter {
	return Parameter{Name: HeaderIfMatch, In: InHeader, Kind: KindString, Description: "Do it only if the resource has this ETag; * for any."}
}

func armIfNoneMatch() Parameter {
	return Parameter{Name: HeaderIfNoneMatch, In: InHeader, Kind: KindString, Description: "Do it only if the resource does not have this ETag; * to create only."}
}

func armProviderOperations() []Operation {
	status := []OperationResponse{
		{Status: http.StatusOK, Body: AsyncOperationStatus{}, Description: "How far the work has come."},
		{
			Status: http.StatusAccepted, Body: AsyncOperationStatus{}, Headers: []string{HeaderLocation, HeaderAsyncOperation, HeaderRetryAfter},
			Description: "A resource is still being deleted.",
		},
	}
	return []Operation{
		{
			ID: OpARMOperationsList, Method: http.MethodGet, Route: RouteARMOperations, First: armFirst(), Paged: true,
			Summary:   "List what the resource provider can be asked to do.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: OperationListResult{}, Description: "The operations."}},
		},
		{
			ID: OpARMOperationStatusGet, Method: http.MethodGet, Route: RouteARMOperationStatus, First: armFirst(),
			Summary: "Get how far the work has come that a request began.", Responses: status,
			Note: "Not in the specifications; Azure's Go release 46.3.0 has it, and every SDK follows links to it.",
		},
		{
			ID: OpARMSubscriptionOperationStatus, Method: http.MethodGet, Route: RouteARMSubscriptionOperationStatus, First: armFirst(),
			Summary: "Get how far the work has come that a request began.", Responses: status,
			Note: "Not in the specifications; every SDK follows links to it.",
		},
		{
			ID: OpARMCheckNameAvailability, Method: http.MethodPost, Route: RouteARMCheckName, First: armFirst(),
			Summary: "Ask whether a name is free.", Request: NameAvailabilityParameters{},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: CheckNameAvailabilityResponse{}, Description: "Whether it is."}},
		},
	}
}

func armServiceOperations() []Operation {
	one := func(description string) []OperationResponse {
		return []OperationResponse{{Status: http.StatusOK, Body: CommunicationServiceResource{}, Headers: []string{HeaderETag}, Description: description}}
	}
	list := []OperationResponse{{Status: http.StatusOK, Body: CommunicationServiceResourceList{}, Description: "The resources, by name."}}
	return []Operation{
		{
			ID: OpARMServicesListBySubscription, Method: http.MethodGet, Route: RouteARMServices, First: armFirst(), Paged: true,
			Summary: "List the resources of a subscription.", Parameters: armPage(), Responses: list,
		},
		{
			ID: OpARMServicesListByResourceGroup, Method: http.MethodGet, Route: RouteARMGroupServices, First: armFirst(), Paged: true,
			Summary: "List the resources of a group.", Parameters: armPage(), Responses: list,
			Note: "Groups need not be made first: one without resources is empty, not unknown.",
		},
		{
			ID: OpARMServicesGet, Method: http.MethodGet, Route: RouteARMService, First: armFirst(),
			Summary: "Get a resource.", Parameters: []Parameter{armIfNoneMatch()},
			Responses: append(one("The resource."), OperationResponse{Status: http.StatusNotModified, Headers: []string{HeaderETag}, Description: "It has the ETag of If-None-Match."}),
		},
		{
			ID: OpARMServicesCreateOrUpdate, Method: http.MethodPut, Route: RouteARMService, First: armFirst(), LongRunning: true,
			Summary:    "Create a resource, or replace what can be changed of one.",
			Parameters: []Parameter{armIfMatch(), armIfNoneMatch()}, Request: CommunicationServiceResource{},
			Responses: append(one("The resource is as asked for already."), OperationResponse{
				Status: http.StatusCreated, Body: CommunicationServiceResource{}, Headers: []string{HeaderAsyncOperation, HeaderRetryAfter, HeaderETag},
				Description: "The work has begun.",
			}),
			Note: "Managed identities and private network access are refused: the service has none.",
		},
		{
			ID: OpARMServicesUpdate, Method: http.MethodPatch, Route: RouteARMService, First: armFirst(),
			Summary: "Change the tags or properties of a resource.", Parameters: []Parameter{armIfMatch()}, Request: CommunicationServiceResourceUpdate{},
			Responses: one("The resource."),
		},
		{
			ID: OpARMServicesDelete, Method: http.MethodDelete, Route: RouteARMService, First: armFirst(), LongRunning: true,
			Summary: "Delete a resource, its users and all that is theirs.", Parameters: []Parameter{armIfMatch()},
			Responses: []OperationResponse{
				{Status: http.StatusAccepted, Headers: []string{HeaderLocation, HeaderAsyncOperation, HeaderRetryAfter}, Description: "The work has begun."},
				{Status: http.StatusNoContent, Description: "There is no such resource."},
			},
			Note: "The resource local is locked: 409 ScopeLocked.",
		},
		{
			ID: OpARMServicesListKeys, Method: http.MethodPost, Route: RouteARMListKeys, First: armFirst(),
			Summary:   "Get the access keys of a resource.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: CommunicationServiceKeys{}, Description: "The keys."}},
		},
		{
			ID: OpARMServicesRegenerateKey, Method: http.MethodPost, Route: RouteARMRegenerateKey, First: armFirst(),
			Summary: "Replace an access key of a resource. The old one is refused at once.", Request: RegenerateKeyParameters{},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: CommunicationServiceKeys{}, Description: "The new key."}},
		},
		{
			ID: OpARMServicesLinkNotificationHub, Method: http.MethodPost, Route: RouteARMLinkNotificationHub, First: armFirst(),
			Summary: "Note the notification hub of a resource.", Request: LinkNotificationHubParameters{},
			Responses: []OperationResponse{{Status: http.StatusOK, Body: LinkedNotificationHub{}, Description: "The hub."}},
			Note:      "The id is kept and shown; nothing is sent through the hub, and its connection string is not kept.",
		},
	}
}
