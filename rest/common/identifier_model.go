package common

import "github.com/parley-rtc/parley/internal/acswire"

// What travels for an identifier in the body of a request or an answer.
type (
	// IdentifierModel is an identifier: its kind, its raw id and at most one of
	// the objects below; with none it is of an unknown kind. Its method Identifier
	// returns what it stands for; as in the official SDKs, what counts is the
	// object that is set. The error of that wraps ErrInvalidIdentifier: two objects
	// at once, none and no raw id, an object without its id, or ids that cannot be
	// one.
	IdentifierModel = acswire.IdentifierModel
	// CommunicationUserModel is a user of a resource: its whole raw id.
	CommunicationUserModel = acswire.CommunicationUserModel
	// PhoneNumberModel is a phone number: its value, whether it is withheld, and
	// what tells the participants with one number apart.
	PhoneNumberModel = acswire.PhoneNumberModel
	// MicrosoftTeamsUserModel is a Teams user, or a visitor, with a cloud.
	MicrosoftTeamsUserModel = acswire.MicrosoftTeamsUserModel
	// MicrosoftTeamsAppModel is a Teams application with a cloud.
	MicrosoftTeamsAppModel = acswire.MicrosoftTeamsAppModel
	// TeamsExtensionUserModel is a Teams Phone user who works through a resource:
	// the ids of user, tenant and resource, and a cloud.
	TeamsExtensionUserModel = acswire.TeamsExtensionUserModel
)

// NewIdentifierModel returns what travels for an identifier, its kind and raw
// id included. A nil identifier gives the zero model.
func NewIdentifierModel(id Identifier) IdentifierModel { return acswire.NewIdentifierModel(id) }
