package acswire

// EmailServiceResource is an e-mail service.
type EmailServiceResource struct {
	ID         *string                 `json:"id,omitempty"`
	Name       *string                 `json:"name,omitempty"`
	Type       *string                 `json:"type,omitempty"`
	Location   *string                 `json:"location,omitempty"`
	Tags       map[string]*string      `json:"tags,omitempty"`
	SystemData *SystemData             `json:"systemData,omitempty"`
	Properties *EmailServiceProperties `json:"properties,omitempty"`
}

// EmailServiceProperties are the properties of an e-mail service.
type EmailServiceProperties struct {
	ProvisioningState *string `json:"provisioningState,omitempty"`
	DataLocation      *string `json:"dataLocation,omitempty"`
}

// EmailServiceResourceUpdate is the body of the PATCH of an e-mail service.
type EmailServiceResourceUpdate struct {
	Tags map[string]*string `json:"tags,omitempty"`
}

// EmailServiceResourceList is a page of e-mail services.
type EmailServiceResourceList struct {
	Value    []*EmailServiceResource `json:"value"`
	NextLink *string                 `json:"nextLink,omitempty"`
}

// DomainResource is a domain of an e-mail service.
type DomainResource struct {
	ID         *string            `json:"id,omitempty"`
	Name       *string            `json:"name,omitempty"`
	Type       *string            `json:"type,omitempty"`
	Location   *string            `json:"location,omitempty"`
	Tags       map[string]*string `json:"tags,omitempty"`
	SystemData *SystemData        `json:"systemData,omitempty"`
	Properties *DomainProperties  `json:"properties,omitempty"`
}

// DomainProperties are the properties of a domain.
type DomainProperties struct {
	ProvisioningState      *string                    `json:"provisioningState,omitempty"`
	DataLocation           *string                    `json:"dataLocation,omitempty"`
	FromSenderDomain       *string                    `json:"fromSenderDomain,omitempty"`
	MailFromSenderDomain   *string                    `json:"mailFromSenderDomain,omitempty"`
	DomainManagement       *string                    `json:"domainManagement,omitempty"`
	VerificationStates     *DomainVerificationStates  `json:"verificationStates,omitempty"`
	VerificationRecords    *DomainVerificationRecords `json:"verificationRecords,omitempty"`
	UserEngagementTracking *string                    `json:"userEngagementTracking,omitempty"`
}

// DomainVerificationStates tell how far the proofs of a domain have come.
type DomainVerificationStates struct {
	Domain *VerificationStatusRecord `json:"Domain,omitempty"`
	SPF    *VerificationStatusRecord `json:"SPF,omitempty"`
	DKIM   *VerificationStatusRecord `json:"DKIM,omitempty"`
	DKIM2  *VerificationStatusRecord `json:"DKIM2,omitempty"`
	DMARC  *VerificationStatusRecord `json:"DMARC,omitempty"`
}

// VerificationStatusRecord is the state of one proof.
type VerificationStatusRecord struct {
	Status    *string `json:"status,omitempty"`
	ErrorCode *string `json:"errorCode,omitempty"`
}

// DomainVerificationRecords are the DNS records that prove a domain.
type DomainVerificationRecords struct {
	Domain *DNSRecord `json:"Domain,omitempty"`
	SPF    *DNSRecord `json:"SPF,omitempty"`
	DKIM   *DNSRecord `json:"DKIM,omitempty"`
	DKIM2  *DNSRecord `json:"DKIM2,omitempty"`
	DMARC  *DNSRecord `json:"DMARC,omitempty"`
}

// DNSRecord is a record to put into the DNS.
type DNSRecord struct {
	Type  *string `json:"type,omitempty"`
	Name  *string `json:"name,omitempty"`
	Value *string `json:"value,omitempty"`
	TTL   *int32  `json:"ttl,omitempty"`
}

// UpdateDomainRequest is the body of the PATCH of a domain.
type UpdateDomainRequest struct {
	Tags       map[string]*string      `json:"tags,omitempty"`
	Properties *UpdateDomainProperties `json:"properties,omitempty"`
}

// UpdateDomainProperties are the properties that a PATCH of a domain changes.
type UpdateDomainProperties struct {
	UserEngagementTracking *string `json:"userEngagementTracking,omitempty"`
}

// DomainResourceList is a page of domains.
type DomainResourceList struct {
	Value    []*DomainResource `json:"value"`
	NextLink *string           `json:"nextLink,omitempty"`
}

// VerificationParameter is the body of initiateVerification and
// cancelVerification.
type VerificationParameter struct {
	VerificationType *string `json:"verificationType,omitempty"`
}

// SenderUsernameResource is a name before the @ of a domain.
type SenderUsernameResource struct {
	ID         *string                   `json:"id,omitempty"`
	Name       *string                   `json:"name,omitempty"`
	Type       *string                   `json:"type,omitempty"`
	SystemData *SystemData               `json:"systemData,omitempty"`
	Properties *SenderUsernameProperties `json:"properties,omitempty"`
}

// SenderUsernameProperties are the properties of a sender.
type SenderUsernameProperties struct {
	DataLocation      *string `json:"dataLocation,omitempty"`
	Username          *string `json:"username,omitempty"`
	DisplayName       *string `json:"displayName,omitempty"`
	ProvisioningState *string `json:"provisioningState,omitempty"`
}

// SenderUsernameResourceCollection is a page of senders.
type SenderUsernameResourceCollection struct {
	Value    []*SenderUsernameResource `json:"value"`
	NextLink *string                   `json:"nextLink,omitempty"`
}

// SMTPUsernameResource is a user name for SMTP.
type SMTPUsernameResource struct {
	ID         *string                 `json:"id,omitempty"`
	Name       *string                 `json:"name,omitempty"`
	Type       *string                 `json:"type,omitempty"`
	SystemData *SystemData             `json:"systemData,omitempty"`
	Properties *SMTPUsernameProperties `json:"properties,omitempty"`
}

// SMTPUsernameProperties are the properties of a user name for SMTP.
type SMTPUsernameProperties struct {
	Username           *string `json:"username,omitempty"`
	EntraApplicationID *string `json:"entraApplicationId,omitempty"`
	TenantID           *string `json:"tenantId,omitempty"`
}

// SMTPUsernameResourceCollection is a page of user names for SMTP.
type SMTPUsernameResourceCollection struct {
	Value    []*SMTPUsernameResource `json:"value"`
	NextLink *string                 `json:"nextLink,omitempty"`
}

// SuppressionListResource is a list of addresses that get no mail.
type SuppressionListResource struct {
	ID         *string                    `json:"id,omitempty"`
	Name       *string                    `json:"name,omitempty"`
	Type       *string                    `json:"type,omitempty"`
	SystemData *SystemData                `json:"systemData,omitempty"`
	Properties *SuppressionListProperties `json:"properties,omitempty"`
}

// SuppressionListProperties are the properties of such a list.
type SuppressionListProperties struct {
	ListName             *string `json:"listName,omitempty"`
	LastUpdatedTimeStamp *string `json:"lastUpdatedTimeStamp,omitempty"`
	CreatedTimeStamp     *string `json:"createdTimeStamp,omitempty"`
	DataLocation         *string `json:"dataLocation,omitempty"`
}

// SuppressionListResourceCollection is a page of such lists.
type SuppressionListResourceCollection struct {
	Value    []*SuppressionListResource `json:"value"`
	NextLink *string                    `json:"nextLink,omitempty"`
}

// SuppressionListAddressResource is an address that gets no mail.
type SuppressionListAddressResource struct {
	ID         *string                           `json:"id,omitempty"`
	Name       *string                           `json:"name,omitempty"`
	Type       *string                           `json:"type,omitempty"`
	SystemData *SystemData                       `json:"systemData,omitempty"`
	Properties *SuppressionListAddressProperties `json:"properties,omitempty"`
}

// SuppressionListAddressProperties are the properties of such an address.
type SuppressionListAddressProperties struct {
	Email        *string `json:"email,omitempty"`
	FirstName    *string `json:"firstName,omitempty"`
	LastName     *string `json:"lastName,omitempty"`
	Notes        *string `json:"notes,omitempty"`
	LastModified *string `json:"lastModified,omitempty"`
	DataLocation *string `json:"dataLocation,omitempty"`
}

// SuppressionListAddressResourceCollection is a page of such addresses.
type SuppressionListAddressResourceCollection struct {
	Value    []*SuppressionListAddressResource `json:"value"`
	NextLink *string                           `json:"nextLink,omitempty"`
}
