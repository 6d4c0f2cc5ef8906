package common

import "github.com/parley-rtc/parley/internal/ident"

// Identifier is one of CommunicationUserIdentifier, PhoneNumberIdentifier,
// MicrosoftTeamsUserIdentifier, MicrosoftTeamsAppIdentifier,
// TeamsExtensionUserIdentifier and UnknownIdentifier, all by value.
type Identifier = ident.Identifier

// The identifiers.
type (
	// CommunicationUserIdentifier is a user of a resource.
	CommunicationUserIdentifier = ident.CommunicationUserIdentifier
	// PhoneNumberIdentifier is a phone number.
	PhoneNumberIdentifier = ident.PhoneNumberIdentifier
	// MicrosoftTeamsUserIdentifier is a Teams user.
	MicrosoftTeamsUserIdentifier = ident.MicrosoftTeamsUserIdentifier
	// MicrosoftTeamsAppIdentifier is a Teams application, a bot for example.
	MicrosoftTeamsAppIdentifier = ident.MicrosoftTeamsAppIdentifier
	// TeamsExtensionUserIdentifier is a Teams Phone user who works through a
	// resource.
	TeamsExtensionUserIdentifier = ident.TeamsExtensionUserIdentifier
	// UnknownIdentifier is of a kind that this version does not know.
	UnknownIdentifier = ident.UnknownIdentifier
)

// IdentifierKind tells the kinds of identifiers apart, with the names of the
// REST contract.
type IdentifierKind = ident.Kind

// The kinds of identifiers.
const (
	KindUnknown            = ident.KindUnknown
	KindCommunicationUser  = ident.KindCommunicationUser
	KindPhoneNumber        = ident.KindPhoneNumber
	KindMicrosoftTeamsUser = ident.KindMicrosoftTeamsUser
	KindMicrosoftTeamsApp  = ident.KindMicrosoftTeamsApp
	KindTeamsExtensionUser = ident.KindTeamsExtensionUser
)

// PossibleIdentifierKindValues returns all kinds.
func PossibleIdentifierKindValues() []IdentifierKind {
	return []IdentifierKind{
		KindUnknown, KindCommunicationUser, KindPhoneNumber, KindMicrosoftTeamsUser, KindMicrosoftTeamsApp, KindTeamsExtensionUser,
	}
}

// CloudEnvironment is the cloud that an identity lives in. The zero value
// counts as CloudPublic.
type CloudEnvironment = ident.Cloud

// The clouds.
const (
	CloudPublic = ident.CloudPublic
	CloudDOD    = ident.CloudDOD
	CloudGCCH   = ident.CloudGCCH
)

// PossibleCloudEnvironmentValues returns all clouds.
func PossibleCloudEnvironmentValues() []CloudEnvironment {
	return []CloudEnvironment{CloudPublic, CloudDOD, CloudGCCH}
}

// ErrInvalidIdentifier is wrapped by the errors of ParseRawID and of
// IdentifierModel.Identifier.
var ErrInvalidIdentifier = ident.ErrInvalid

// ParseRawID reads a raw id; the RawID method of the result writes the same one
// again. A prefix that it does not know gives an UnknownIdentifier. The error
// wraps ErrInvalidIdentifier: the text is empty, too long, not UTF-8, has spaces
// or control characters, or has nothing behind a known prefix.
func ParseRawID(rawID string) (Identifier, error) { return ident.Parse(rawID) }
