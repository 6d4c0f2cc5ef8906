package acswire

import "log/slog"

// CommunicationServiceResource is a Communication Services resource.
type CommunicationServiceResource struct {
	// ID is the path of the resource; the service makes it.
	ID *string `json:"id,omitempty"`
	// Name is the last part of ID.
	Name *string `json:"name,omitempty"`
	// Type is TypeCommunicationService, in lower case.
	Type *string `json:"type,omitempty"`
	// Location is where the resource runs: "global", in any case. Required from
	// 2023-03-31.
	Location   *string                         `json:"location,omitempty"`
	Tags       map[string]*string              `json:"tags,omitempty"`
	SystemData *SystemData                     `json:"systemData,omitempty"`
	Identity   *ManagedServiceIdentity         `json:"identity,omitempty" since:"2023-04-01"`
	Properties *CommunicationServiceProperties `json:"properties,omitempty"`
}

// CommunicationServiceProperties are the properties of a resource. The service
// makes those that a client cannot choose.
type CommunicationServiceProperties struct {
	ProvisioningState *string `json:"provisioningState,omitempty"`
	// HostName is the host, with its port unless that is 443.
	HostName *string `json:"hostName,omitempty"`
	// DataLocation is chosen once. Required.
	DataLocation *string `json:"dataLocation,omitempty"`
	// NotificationHubID is the resource id of the hub that was linked.
	NotificationHubID *string `json:"notificationHubId,omitempty"`
	Version           *string `json:"version,omitempty"`
	// ImmutableResourceID is the id that stands in the ids of users.
	ImmutableResourceID *string `json:"immutableResourceId,omitempty"`
	// LinkedDomains are resource ids of e-mail domains; from 2023-03-31.
	LinkedDomains []string `json:"linkedDomains,omitempty" since:"2023-03-31"`
	// PublicNetworkAccess is one of the PublicNetworkAccess constants; from
	// 2025-09-01.
	PublicNetworkAccess *string `json:"publicNetworkAccess,omitempty" since:"2025-09-01"`
	// DisableLocalAuth refuses access keys; from 2025-09-01.
	DisableLocalAuth *bool `json:"disableLocalAuth,omitempty" since:"2025-09-01"`
}

// CommunicationServiceResourceUpdate is the body of the PATCH of a resource.
type CommunicationServiceResourceUpdate struct {
	Tags       map[string]*string                    `json:"tags,omitempty"`
	Identity   *ManagedServiceIdentity               `json:"identity,omitempty" since:"2023-04-01"`
	Properties *CommunicationServiceUpdateProperties `json:"properties,omitempty"`
}

// CommunicationServiceUpdateProperties are the properties that a PATCH changes.
type CommunicationServiceUpdateProperties struct {
	LinkedDomains       []string `json:"linkedDomains,omitempty" since:"2023-03-31"`
	PublicNetworkAccess *string  `json:"publicNetworkAccess,omitempty" since:"2025-09-01"`
	DisableLocalAuth    *bool    `json:"disableLocalAuth,omitempty" since:"2025-09-01"`
}

// CommunicationServiceResourceList is a page of resources.
type CommunicationServiceResourceList struct {
	Value []*CommunicationServiceResource `json:"value"`
	// NextLink is the address of the next page, absent on the last one.
	NextLink *string `json:"nextLink,omitempty"`
}

// CommunicationServiceKeys are the access keys of a resource: secrets.
type CommunicationServiceKeys struct {
	PrimaryKey                *string `json:"primaryKey,omitempty"`
	SecondaryKey              *string `json:"secondaryKey,omitempty"`
	PrimaryConnectionString   *string `json:"primaryConnectionString,omitempty"`
	SecondaryConnectionString *string `json:"secondaryConnectionString,omitempty"`
}

// LogValue hides the keys.
func (CommunicationServiceKeys) LogValue() slog.Value { return slog.StringValue(redacted) }

// RegenerateKeyParameters is the body of regenerateKey.
type RegenerateKeyParameters struct {
	// KeyType is KeyTypePrimary or KeyTypeSecondary, in any case.
	KeyType *string `json:"keyType,omitempty"`
}

// LinkNotificationHubParameters is the body of linkNotificationHub.
type LinkNotificationHubParameters struct {
	// ResourceID is the resource id of the hub.
	ResourceID *string `json:"resourceId,omitempty"`
	// ConnectionString is how to reach it: a secret.
	ConnectionString *string `json:"connectionString,omitempty"`
}

// LogValue returns the id of the hub, without how to reach it.
func (p LinkNotificationHubParameters) LogValue() slog.Value {
	if p.ResourceID == nil {
		return slog.StringValue(redacted)
	}
	return slog.GroupValue(slog.String("resource_id", *p.ResourceID))
}

// LinkedNotificationHub answers linkNotificationHub.
type LinkedNotificationHub struct {
	ResourceID *string `json:"resourceId,omitempty"`
}

// NameAvailabilityParameters is the body of checkNameAvailability.
type NameAvailabilityParameters struct {
	Name *string `json:"name,omitempty"`
	// Type is TypeCommunicationService.
	Type *string `json:"type,omitempty"`
}

// CheckNameAvailabilityResponse answers checkNameAvailability.
type CheckNameAvailabilityResponse struct {
	NameAvailable *bool `json:"nameAvailable,omitempty"`
	// Reason is one of the NameReason constants.
	Reason  *string `json:"reason,omitempty"`
	Message *string `json:"message,omitempty"`
}

// ManagedServiceIdentity is what a resource proves itself with to other
// services.
type ManagedServiceIdentity struct {
	PrincipalID *string `json:"principalId,omitempty"`
	TenantID    *string `json:"tenantId,omitempty"`
	// Type is one of the IdentityType constants. Required.
	Type                   *string                          `json:"type,omitempty"`
	UserAssignedIdentities map[string]*UserAssignedIdentity `json:"userAssignedIdentities,omitempty"`
}

// UserAssignedIdentity is an identity that several resources may share.
type UserAssignedIdentity struct {
	PrincipalID *string `json:"principalId,omitempty"`
	ClientID    *string `json:"clientId,omitempty"`
}

// SystemData tells who made a resource and who changed it last.
type SystemData struct {
	CreatedBy          *string `json:"createdBy,omitempty"`
	CreatedByType      *string `json:"createdByType,omitempty"`
	CreatedAt          *string `json:"createdAt,omitempty"`
	LastModifiedBy     *string `json:"lastModifiedBy,omitempty"`
	LastModifiedByType *string `json:"lastModifiedByType,omitempty"`
	LastModifiedAt     *string `json:"lastModifiedAt,omitempty"`
}

// ProviderOperation is something that the resource provider can be asked to do.
type ProviderOperation struct {
	Name         *string                   `json:"name,omitempty"`
	IsDataAction *bool                     `json:"isDataAction,omitempty"`
	Display      *ProviderOperationDisplay `json:"display,omitempty"`
	Origin       *string                   `json:"origin,omitempty"`
	ActionType   *string                   `json:"actionType,omitempty"`
}

// ProviderOperationDisplay describes an operation to a person.
type ProviderOperationDisplay struct {
	Provider    *string `json:"provider,omitempty"`
	Resource    *string `json:"resource,omitempty"`
	Operation   *string `json:"operation,omitempty"`
	Description *string `json:"description,omitempty"`
}

// OperationListResult is a page of what the resource provider can be asked to do.
type OperationListResult struct {
	Value    []*ProviderOperation `json:"value"`
	NextLink *string              `json:"nextLink,omitempty"`
}

// AsyncOperationStatus tells how far the work that a request began has come.
type AsyncOperationStatus struct {
	ID   *string `json:"id,omitempty"`
	Name *string `json:"name,omitempty"`
	// ResourceID is the path of the resource that is worked on.
	ResourceID *string `json:"resourceId,omitempty"`
	// Status is one of the ProvisioningState constants.
	Status    *string `json:"status,omitempty"`
	StartTime *string `json:"startTime,omitempty"`
	// EndTime is absent while the work goes on.
	EndTime *string `json:"endTime,omitempty"`
	// Error says what went wrong when it failed.
	Error *Error `json:"error,omitempty"`
	// Properties is null, as recorded.
	Properties *struct{} `json:"properties"`
}

const redacted = "REDACTED"

// Types of resources.
const (
	TypeCommunicationService = "Microsoft.Communication/communicationServices"
	TypeEmailService         = "Microsoft.Communication/emailServices"
)

// Keys that can be made anew.
const (
	KeyTypePrimary   = "Primary"
	KeyTypeSecondary = "Secondary"
)

// PossibleKeyTypes returns every kind of key.
func PossibleKeyTypes() []string { return []string{KeyTypePrimary, KeyTypeSecondary} }

// States of a resource, and of the work on it.
const (
	ProvisioningStateAccepted  = "Accepted"
	ProvisioningStateCanceled  = "Canceled"
	ProvisioningStateCreating  = "Creating"
	ProvisioningStateDeleting  = "Deleting"
	ProvisioningStateFailed    = "Failed"
	ProvisioningStateMoving    = "Moving"
	ProvisioningStateRunning   = "Running"
	ProvisioningStateSucceeded = "Succeeded"
	ProvisioningStateUnknown   = "Unknown"
	ProvisioningStateUpdating  = "Updating"
)

// PossibleProvisioningStates returns every state of a resource.
func PossibleProvisioningStates() []string {
	return []string{
		ProvisioningStateAccepted, ProvisioningStateCanceled, ProvisioningStateCreating, ProvisioningStateDeleting,
		ProvisioningStateFailed, ProvisioningStateMoving, ProvisioningStateRunning, ProvisioningStateSucceeded,
		ProvisioningStateUnknown, ProvisioningStateUpdating,
	}
}

// What the availability of a name comes from.
const (
	NameReasonAlreadyExists = "AlreadyExists"
	NameReasonAvailable     = "NameAvailable"
	NameReasonInvalid       = "Invalid"
)

// Kinds of identities of a resource.
const (
	IdentityTypeNone                       = "None"
	IdentityTypeSystemAssigned             = "SystemAssigned"
	IdentityTypeSystemAssignedUserAssigned = "SystemAssigned,UserAssigned"
	IdentityTypeUserAssigned               = "UserAssigned"
)

// PossibleIdentityTypes returns every kind of identity of a resource.
func PossibleIdentityTypes() []string {
	return []string{IdentityTypeNone, IdentityTypeSystemAssigned, IdentityTypeSystemAssignedUserAssigned, IdentityTypeUserAssigned}
}

// From where a resource may be reached.
const (
	PublicNetworkAccessDisabled           = "Disabled"
	PublicNetworkAccessEnabled            = "Enabled"
	PublicNetworkAccessSecuredByPerimeter = "SecuredByPerimeter"
)

// PossiblePublicNetworkAccess returns every choice of network access.
func PossiblePublicNetworkAccess() []string {
	return []string{PublicNetworkAccessDisabled, PublicNetworkAccessEnabled, PublicNetworkAccessSecuredByPerimeter}
}

// Who made or changed a resource.
const (
	CreatedByTypeApplication     = "Application"
	CreatedByTypeKey             = "Key"
	CreatedByTypeManagedIdentity = "ManagedIdentity"
	CreatedByTypeUser            = "User"
)

// PossibleCreatedByTypes returns every kind of maker.
func PossibleCreatedByTypes() []string {
	return []string{CreatedByTypeApplication, CreatedByTypeKey, CreatedByTypeManagedIdentity, CreatedByTypeUser}
}

// Error codes of the resource manager.
const (
	CodeARMConflict                  = "Conflict"
	CodeARMHostNamePrefixTaken       = "HostNamePrefixTaken"
	CodeARMInvalidConnectionString   = "InvalidConnectionString"
	CodeARMInvalidLinkedID           = "LinkedInvalidPropertyId"
	CodeARMInvalidRequestContent     = "InvalidRequestContent"
	CodeARMInvalidResourceName       = "InvalidResourceName"
	CodeARMInvalidSkipToken          = "InvalidSkipToken"
	CodeARMInvalidSubscriptionID     = "InvalidSubscriptionId"
	CodeARMInvalidTags               = "InvalidTags"
	CodeARMLocationNotAvailable      = "LocationNotAvailableForResourceType"
	CodeARMLocationRequired          = "LocationRequired"
	CodeARMNotOffered                = "NotImplemented"
	CodeARMParentResourceNotFound    = "ParentResourceNotFound"
	CodeARMPropertyChangeNotAllowed  = "PropertyChangeNotAllowed"
	CodeARMResourceGroupNameInvalid  = "InvalidResourceGroupName"
	CodeARMResourceNotFound          = "ResourceNotFound"
	CodeARMScopeLocked               = "ScopeLocked"
	CodeARMSubscriptionNotFound      = "SubscriptionNotFound"
	CodeARMUnsupportedProperty       = "PropertyNotSupported"
	CodeARMWrongSubscription         = "WrongSubscription"
	CodeARMInvalidResourceType       = "InvalidResourceType"
	CodeARMOperationStatusNotFound   = "OperationStatusNotFound"
	CodeARMAnotherOperationInProcess = "AnotherOperationInProgress"
)
