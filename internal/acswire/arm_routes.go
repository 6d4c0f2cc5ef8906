package acswire

// Parts of the resource manager's paths.
const (
	armProvider      = "/providers/Microsoft.Communication"
	armSubscription  = "/subscriptions/{subscriptionId}"
	armGroup         = armSubscription + "/resourceGroups/{resourceGroupName}"
	armService       = armGroup + armProvider + "/communicationServices/{communicationServiceName}"
	armEmail         = armGroup + armProvider + "/emailServices/{emailServiceName}"
	armDomain        = armEmail + "/domains/{domainName}"
	armSuppression   = armDomain + "/suppressionLists/{suppressionListName}"
	armStatusSegment = "/locations/{location}/operationStatuses/{operationId}"
)

// Routes of the resource manager, as patterns with {name} for a
// percent-encoded path value. Every fixed part of them is taken in any case.
const (
	RouteARMOperations                  = armProvider + "/operations"
	RouteARMOperationStatus             = armProvider + armStatusSegment
	RouteARMSubscriptionOperationStatus = armSubscription + armProvider + armStatusSegment
	RouteARMCheckName                   = armSubscription + armProvider + "/checkNameAvailability"
	RouteARMServices                    = armSubscription + armProvider + "/communicationServices"
	RouteARMGroupServices               = armGroup + armProvider + "/communicationServices"
	RouteARMService                     = armService
	RouteARMListKeys                    = armService + "/listKeys"
	RouteARMRegenerateKey               = armService + "/regenerateKey"
	RouteARMLinkNotificationHub         = armService + "/linkNotificationHub"
	RouteARMSMTPUsernames               = armService + "/smtpUsernames"
	RouteARMSMTPUsername                = armService + "/smtpUsernames/{smtpUsername}"
	RouteARMExchangeDomains             = armSubscription + armProvider + "/listVerifiedExchangeOnlineDomains"
	RouteARMEmailServices               = armSubscription + armProvider + "/emailServices"
	RouteARMGroupEmailServices          = armGroup + armProvider + "/emailServices"
	RouteARMEmailService                = armEmail
	RouteARMDomains                     = armEmail + "/domains"
	RouteARMDomain                      = armDomain
	RouteARMInitiateVerification        = armDomain + "/initiateVerification"
	RouteARMCancelVerification          = armDomain + "/cancelVerification"
	RouteARMSenderUsernames             = armDomain + "/senderUsernames"
	RouteARMSenderUsername              = armDomain + "/senderUsernames/{senderUsername}"
	RouteARMSuppressionLists            = armDomain + "/suppressionLists"
	RouteARMSuppressionList             = armSuppression
	RouteARMSuppressionAddresses        = armSuppression + "/suppressionListAddresses"
	RouteARMSuppressionAddress          = armSuppression + "/suppressionListAddresses/{addressId}"
)
