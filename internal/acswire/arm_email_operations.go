package acswire

import "net/http"

// E-mail is not offered. There are no e-mail services then, and the operations
// say so: lists are empty, single ones are not found, deleting what is not
// there succeeds, and nothing can be created.

// armEmailKind is a type of resource under e-mail.
type armEmailKind struct {
	name, route, lists            string // lists is the route of the list
	list, get, put, patch, remove string // operation ids; empty for none
	first                         Version
	model, collection, update     any
	parent                        string // what would have to exist for a list; empty for nothing
}

func armEmailOperations() []Operation {
	email, suppressed, smtp := stable("2023-03-31"), preview("2023-06-01", 0), stable("2025-09-01")
	operations := []Operation{
		{
			ID: OpARMEmailListVerifiedExchange, Method: http.MethodPost, Route: RouteARMExchangeDomains, First: email,
			Summary:   "List the domains verified in Exchange Online.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: []string{}, Description: "None."}},
		},
		armEmailList(OpARMEmailListBySubscription, RouteARMEmailServices, email, EmailServiceResourceList{}, "List the e-mail services of a subscription.", ""),
	}
	for _, k := range []armEmailKind{
		{
			name: "e-mail service", route: RouteARMEmailService, lists: RouteARMGroupEmailServices, first: email,
			list: OpARMEmailListByResourceGroup, get: OpARMEmailGet, put: OpARMEmailCreateOrUpdate, patch: OpARMEmailUpdate, remove: OpARMEmailDelete,
			model: EmailServiceResource{}, collection: EmailServiceResourceList{}, update: EmailServiceResourceUpdate{},
		},
		{
			name: "domain", route: RouteARMDomain, lists: RouteARMDomains, first: email,
			list: OpARMDomainsList, get: OpARMDomainsGet, put: OpARMDomainsCreateOrUpdate, patch: OpARMDomainsUpdate, remove: OpARMDomainsDelete,
			model: DomainResource{}, collection: DomainResourceList{}, update: UpdateDomainRequest{}, parent: "e-mail service",
		},
		{
			name: "sender", route: RouteARMSenderUsername, lists: RouteARMSenderUsernames, first: email,
			list: OpARMSenderUsernamesList, get: OpARMSenderUsernamesGet, put: OpARMSenderUsernamesCreateOrUpdate, remove: OpARMSenderUsernamesDelete,
			model: SenderUsernameResource{}, collection: SenderUsernameResourceCollection{}, parent: "domain",
		},
		{
			name: "suppression list", route: RouteARMSuppressionList, lists: RouteARMSuppressionLists, first: suppressed,
			list: OpARMSuppressionListsList, get: OpARMSuppressionListsGet, put: OpARMSuppressionListsCreate, remove: OpARMSuppressionListsDelete,
			model: SuppressionListResource{}, collection: SuppressionListResourceCollection{}, parent: "domain",
		},
		{
			name: "suppressed address", route: RouteARMSuppressionAddress, lists: RouteARMSuppressionAddresses, first: suppressed,
			list: OpARMSuppressionAddressesList, get: OpARMSuppressionAddressesGet, put: OpARMSuppressionAddressesCreate, remove: OpARMSuppressionAddressesDelete,
			model: SuppressionListAddressResource{}, collection: SuppressionListAddressResourceCollection{}, parent: "suppression list",
		},
		{
			name: "SMTP user name", route: RouteARMSMTPUsername, lists: RouteARMSMTPUsernames, first: smtp,
			list: OpARMSMTPUsernamesList, get: OpARMSMTPUsernamesGet, put: OpARMSMTPUsernamesCreateOrUpdate, remove: OpARMSMTPUsernamesDelete,
			model: SMTPUsernameResource{}, collection: SMTPUsernameResourceCollection{},
		},
	} {
		operations = append(operations, k.operations()...)
	}
	for _, o := range []Operation{
		{ID: OpARMDomainsInitiateVerification, Route: RouteARMInitiateVerification, Summary: "Begin the proof of a domain. There is none: 404."},
		{ID: OpARMDomainsCancelVerification, Route: RouteARMCancelVerification, Summary: "End the proof of a domain. There is none: 404."},
	} {
		o.Method, o.First, o.Request, o.LongRunning = http.MethodPost, email, VerificationParameter{}, true
		operations = append(operations, o)
	}
	for i := range operations {
		operations[i].NotOffered = true
		operations[i].Note = "E-mail is not offered: lists are empty, nothing is found, creating is 501 NotImplemented."
	}
	return operations
}

func armEmailList(id, route string, first Version, body any, summary, parent string) Operation {
	o := Operation{ID: id, Method: http.MethodGet, Route: route, First: first, Paged: true, Summary: summary}
	if parent == "" {
		o.Responses = []OperationResponse{{Status: http.StatusOK, Body: body, Description: "An empty list."}}
	}
	return o
}

// operations of a type of resource that there are none of.
func (k *armEmailKind) operations() []Operation {
	operations := []Operation{
		armEmailList(k.list, k.lists, k.first, k.collection, "List resources of this kind: "+k.name+".", k.parent),
		{ID: k.get, Method: http.MethodGet, Route: k.route, First: k.first, Summary: "Get one (" + k.name + "). There is none: 404."},
		{
			ID: k.put, Method: http.MethodPut, Route: k.route, First: k.first, Request: k.model,
			Summary: "Create one (" + k.name + "). It is not offered: 501.", LongRunning: k.patch != "",
		},
		{
			ID: k.remove, Method: http.MethodDelete, Route: k.route, First: k.first,
			Summary: "Delete one (" + k.name + ").", LongRunning: k.patch != "",
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "There is none."}},
		},
	}
	if k.patch != "" {
		operations = append(operations, Operation{
			ID: k.patch, Method: http.MethodPatch, Route: k.route, First: k.first, Request: k.update, LongRunning: true,
			Summary: "Change one (" + k.name + "). There is none: 404.",
		})
	}
	return operations
}
