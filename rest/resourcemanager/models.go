package resourcemanager

import "github.com/parley-rtc/parley/internal/acswire"

// The models of the contract. Fields are pointers: what is absent is nil.
type (
	// CommunicationServiceResource is a Communication Services resource. To make
	// one, Location ("global") and Properties.DataLocation are what it takes.
	CommunicationServiceResource = acswire.CommunicationServiceResource
	// CommunicationServiceProperties are the properties of a resource. A client
	// chooses DataLocation, once, and may change LinkedDomains,
	// PublicNetworkAccess and DisableLocalAuth; the service makes the others.
	CommunicationServiceProperties = acswire.CommunicationServiceProperties
	// CommunicationServiceResourceUpdate is what Client.Update changes.
	CommunicationServiceResourceUpdate = acswire.CommunicationServiceResourceUpdate
	// CommunicationServiceUpdateProperties are the properties that Client.Update
	// changes.
	CommunicationServiceUpdateProperties = acswire.CommunicationServiceUpdateProperties
	// CommunicationServiceResourceList is a page of resources.
	CommunicationServiceResourceList = acswire.CommunicationServiceResourceList
	// CommunicationServiceKeys are the access keys and connection strings of a
	// resource: secrets.
	CommunicationServiceKeys = acswire.CommunicationServiceKeys
	// RegenerateKeyParameters say which key is made anew.
	RegenerateKeyParameters = acswire.RegenerateKeyParameters
	// LinkNotificationHubParameters name a notification hub and how to reach it:
	// a secret.
	LinkNotificationHubParameters = acswire.LinkNotificationHubParameters
	// LinkedNotificationHub is the hub of a resource.
	LinkedNotificationHub = acswire.LinkedNotificationHub
	// NameAvailabilityParameters are a name and what it is for:
	// TypeCommunicationService.
	NameAvailabilityParameters = acswire.NameAvailabilityParameters
	// CheckNameAvailabilityResponse tells whether a name is free.
	CheckNameAvailabilityResponse = acswire.CheckNameAvailabilityResponse
	// ManagedServiceIdentity is what a resource proves itself with to other
	// services.
	ManagedServiceIdentity = acswire.ManagedServiceIdentity
	// UserAssignedIdentity is an identity that several resources may share.
	UserAssignedIdentity = acswire.UserAssignedIdentity
	// SystemData tells who made a resource and who changed it last.
	SystemData = acswire.SystemData
	// Operation is something that the resource provider can be asked to do.
	Operation = acswire.ProviderOperation
	// OperationDisplay describes an Operation to a person.
	OperationDisplay = acswire.ProviderOperationDisplay
	// OperationListResult is a page of operations.
	OperationListResult = acswire.OperationListResult
)

// TypeCommunicationService is the type of the resources of this package.
const TypeCommunicationService = acswire.TypeCommunicationService

// KeyType is one of the two keys of a resource.
type KeyType = string

// The keys.
const (
	KeyTypePrimary   KeyType = acswire.KeyTypePrimary
	KeyTypeSecondary KeyType = acswire.KeyTypeSecondary
)

// PossibleKeyTypeValues returns all values of KeyType.
func PossibleKeyTypeValues() []KeyType { return acswire.PossibleKeyTypes() }

// ProvisioningState is where a resource stands in its life.
type ProvisioningState = string

// The states of a resource.
const (
	ProvisioningStateAccepted  ProvisioningState = acswire.ProvisioningStateAccepted
	ProvisioningStateCanceled  ProvisioningState = acswire.ProvisioningStateCanceled
	ProvisioningStateCreating  ProvisioningState = acswire.ProvisioningStateCreating
	ProvisioningStateDeleting  ProvisioningState = acswire.ProvisioningStateDeleting
	ProvisioningStateFailed    ProvisioningState = acswire.ProvisioningStateFailed
	ProvisioningStateMoving    ProvisioningState = acswire.ProvisioningStateMoving
	ProvisioningStateRunning   ProvisioningState = acswire.ProvisioningStateRunning
	ProvisioningStateSucceeded ProvisioningState = acswire.ProvisioningStateSucceeded
	ProvisioningStateUnknown   ProvisioningState = acswire.ProvisioningStateUnknown
	ProvisioningStateUpdating  ProvisioningState = acswire.ProvisioningStateUpdating
)

// PossibleProvisioningStateValues returns all values of ProvisioningState.
func PossibleProvisioningStateValues() []ProvisioningState {
	return acswire.PossibleProvisioningStates()
}

// CheckNameAvailabilityReason is why a name is free or not.
type CheckNameAvailabilityReason = string

// The reasons. ACS names the last two; the service of this project says the
// first of a name that is free.
const (
	CheckNameAvailabilityReasonAvailable     CheckNameAvailabilityReason = acswire.NameReasonAvailable
	CheckNameAvailabilityReasonAlreadyExists CheckNameAvailabilityReason = acswire.NameReasonAlreadyExists
	CheckNameAvailabilityReasonInvalid       CheckNameAvailabilityReason = acswire.NameReasonInvalid
)

// PossibleCheckNameAvailabilityReasonValues returns all values of
// CheckNameAvailabilityReason.
func PossibleCheckNameAvailabilityReasonValues() []CheckNameAvailabilityReason {
	return []CheckNameAvailabilityReason{
		CheckNameAvailabilityReasonAvailable, CheckNameAvailabilityReasonAlreadyExists, CheckNameAvailabilityReasonInvalid,
	}
}

// ManagedServiceIdentityType is the kind of identity of a resource.
type ManagedServiceIdentityType = string

// The kinds of identity.
const (
	ManagedServiceIdentityTypeNone                       ManagedServiceIdentityType = acswire.IdentityTypeNone
	ManagedServiceIdentityTypeSystemAssigned             ManagedServiceIdentityType = acswire.IdentityTypeSystemAssigned
	ManagedServiceIdentityTypeSystemAssignedUserAssigned ManagedServiceIdentityType = acswire.IdentityTypeSystemAssignedUserAssigned
	ManagedServiceIdentityTypeUserAssigned               ManagedServiceIdentityType = acswire.IdentityTypeUserAssigned
)

// PossibleManagedServiceIdentityTypeValues returns all values of
// ManagedServiceIdentityType.
func PossibleManagedServiceIdentityTypeValues() []ManagedServiceIdentityType {
	return acswire.PossibleIdentityTypes()
}

// PublicNetworkAccess is from where a resource may be reached.
type PublicNetworkAccess = string

// The choices of network access.
const (
	PublicNetworkAccessDisabled           PublicNetworkAccess = acswire.PublicNetworkAccessDisabled
	PublicNetworkAccessEnabled            PublicNetworkAccess = acswire.PublicNetworkAccessEnabled
	PublicNetworkAccessSecuredByPerimeter PublicNetworkAccess = acswire.PublicNetworkAccessSecuredByPerimeter
)

// PossiblePublicNetworkAccessValues returns all values of PublicNetworkAccess.
func PossiblePublicNetworkAccessValues() []PublicNetworkAccess {
	return acswire.PossiblePublicNetworkAccess()
}

// CreatedByType is what made or changed a resource.
type CreatedByType = string

// The makers.
const (
	CreatedByTypeApplication     CreatedByType = acswire.CreatedByTypeApplication
	CreatedByTypeKey             CreatedByType = acswire.CreatedByTypeKey
	CreatedByTypeManagedIdentity CreatedByType = acswire.CreatedByTypeManagedIdentity
	CreatedByTypeUser            CreatedByType = acswire.CreatedByTypeUser
)

// PossibleCreatedByTypeValues returns all values of CreatedByType.
func PossibleCreatedByTypeValues() []CreatedByType { return acswire.PossibleCreatedByTypes() }

// Error codes of the service that callers act on; see core.HasCode.
const (
	CodeAuthenticationFailed       = acswire.CodeAuthenticationFailed
	CodeConflict                   = acswire.CodeARMConflict
	CodeExpiredAuthenticationToken = acswire.CodeExpiredAuthenticationToken
	CodeHostNamePrefixTaken        = acswire.CodeARMHostNamePrefixTaken
	CodeInvalidAuthenticationToken = acswire.CodeInvalidAuthenticationToken
	CodePreconditionFailed         = acswire.CodePreconditionFailed
	CodeResourceNotFound           = acswire.CodeARMResourceNotFound
	CodeScopeLocked                = acswire.CodeARMScopeLocked
	CodeSubscriptionNotFound       = acswire.CodeARMSubscriptionNotFound
)
