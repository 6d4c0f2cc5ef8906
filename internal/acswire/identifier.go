package acswire

import (
	"fmt"

	"github.com/parley-rtc/parley/internal/ident"
)

// IdentifierModel is an identifier in the body of a request or an answer. At
// most one of the pointers to structs is set; with none it is of an unknown
// kind and RawID tells all.
type IdentifierModel struct {
	// Kind is the kind; older versions of the contract do not send it.
	Kind *ident.Kind `json:"kind,omitempty" since:"2023-11-07"`
	// RawID is the raw id; requests may leave it out.
	RawID *string `json:"rawId,omitempty"`
	// CommunicationUser is set for a user of a resource.
	CommunicationUser *CommunicationUserModel `json:"communicationUser,omitempty"`
	// PhoneNumber is set for a phone number.
	PhoneNumber *PhoneNumberModel `json:"phoneNumber,omitempty"`
	// MicrosoftTeamsUser is set for a Teams user.
	MicrosoftTeamsUser *MicrosoftTeamsUserModel `json:"microsoftTeamsUser,omitempty"`
	// MicrosoftTeamsApp is set for a Teams application.
	MicrosoftTeamsApp *MicrosoftTeamsAppModel `json:"microsoftTeamsApp,omitempty" since:"2024-03-07"`
	// TeamsExtensionUser is set for a Teams Phone user of a resource.
	TeamsExtensionUser *TeamsExtensionUserModel `json:"teamsExtensionUser,omitempty" since:"2025-03-15"`
}

// CommunicationUserModel is a user of a resource.
type CommunicationUserModel struct {
	// ID is the whole raw id.
	ID *string `json:"id,omitempty"`
}

// PhoneNumberModel is a phone number.
type PhoneNumberModel struct {
	// Value is the number, E.164.
	Value *string `json:"value,omitempty"`
	// IsAnonymous tells that the number is withheld.
	IsAnonymous *bool `json:"isAnonymous,omitempty" since:"2025-03-15"`
	// AssertedID tells the participants with one number apart.
	AssertedID *string `json:"assertedId,omitempty" since:"2025-03-15"`
}

// MicrosoftTeamsUserModel is a Teams user.
type MicrosoftTeamsUserModel struct {
	// UserID is the Entra object id, or a visitor's id.
	UserID *string `json:"userId,omitempty"`
	// IsAnonymous tells that the user is a visitor.
	IsAnonymous *bool `json:"isAnonymous,omitempty"`
	// Cloud is the user's cloud; absent is the public one.
	Cloud *ident.Cloud `json:"cloud,omitempty"`
}

// MicrosoftTeamsAppModel is a Teams application.
type MicrosoftTeamsAppModel struct {
	// AppID is the application's id.
	AppID *string `json:"appId,omitempty"`
	// Cloud is the application's cloud; absent is the public one.
	Cloud *ident.Cloud `json:"cloud,omitempty"`
}

// TeamsExtensionUserModel is a Teams Phone user who works through a resource.
type TeamsExtensionUserModel struct {
	// UserID, TenantID and ResourceID are the ids of the user, of the user's
	// tenant and of the resource.
	UserID     *string `json:"userId,omitempty"`
	TenantID   *string `json:"tenantId,omitempty"`
	ResourceID *string `json:"resourceId,omitempty"`
	// Cloud is the user's cloud; absent is the public one.
	Cloud *ident.Cloud `json:"cloud,omitempty"`
}

// NewIdentifierModel returns what travels for an identifier, its kind and raw
// id included. A nil identifier gives the zero model.
func NewIdentifierModel(id ident.Identifier) IdentifierModel {
	if id == nil {
		return IdentifierModel{}
	}
	m := IdentifierModel{Kind: new(id.Kind()), RawID: new(id.RawID())}
	switch id := id.(type) {
	case ident.CommunicationUserIdentifier:
		m.CommunicationUser = &CommunicationUserModel{ID: &id.ID}
	case ident.PhoneNumberIdentifier:
		m.PhoneNumber = &PhoneNumberModel{Value: &id.PhoneNumber, IsAnonymous: new(id.Anonymous())}
		if id.AssertedID != "" {
			m.PhoneNumber.AssertedID = &id.AssertedID
		}
	case ident.MicrosoftTeamsUserIdentifier:
		m.MicrosoftTeamsUser = &MicrosoftTeamsUserModel{UserID: &id.UserID, IsAnonymous: &id.Anonymous, Cloud: cloudOrPublic(id.Cloud)}
	case ident.MicrosoftTeamsAppIdentifier:
		m.MicrosoftTeamsApp = &MicrosoftTeamsAppModel{AppID: &id.AppID, Cloud: cloudOrPublic(id.Cloud)}
	case ident.TeamsExtensionUserIdentifier:
		m.TeamsExtensionUser = &TeamsExtensionUserModel{
			UserID: &id.UserID, TenantID: &id.TenantID, ResourceID: &id.ResourceID, Cloud: cloudOrPublic(id.Cloud),
		}
	}
	return m
}

func cloudOrPublic(c ident.Cloud) *ident.Cloud {
	if c == "" {
		c = ident.CloudPublic
	}
	return &c
}

// Identifier returns what the model stands for. As in the official SDKs, what
// counts is the object that is set: one with a raw id alone is of an unknown
// kind. The error wraps ident.ErrInvalid: two objects at once,
// none and no raw id, an object without its id, or ids that cannot be one.
func (m IdentifierModel) Identifier() (ident.Identifier, error) {
	set := 0
	for _, is := range []bool{
		m.CommunicationUser != nil, m.PhoneNumber != nil, m.MicrosoftTeamsUser != nil, m.MicrosoftTeamsApp != nil, m.TeamsExtensionUser != nil,
	} {
		if is {
			set++
		}
	}
	if set > 1 {
		return nil, fmt.Errorf("%w: more than one kind at once", ident.ErrInvalid)
	}
	id, err := m.read()
	if err != nil {
		return nil, err
	}
	if _, err := ident.Parse(id.RawID()); err != nil {
		return nil, err
	}
	return id, nil
}

func (m IdentifierModel) read() (ident.Identifier, error) {
	switch {
	case m.CommunicationUser != nil:
		return ident.CommunicationUserIdentifier{ID: deref(m.CommunicationUser.ID)}, nil
	case m.PhoneNumber != nil:
		return m.phoneNumber()
	case m.MicrosoftTeamsUser != nil:
		u := m.MicrosoftTeamsUser
		id := ident.MicrosoftTeamsUserIdentifier{UserID: deref(u.UserID), Anonymous: deref(u.IsAnonymous), Cloud: cloudOf(u.Cloud)}
		if id.Anonymous {
			id.Cloud = ident.CloudPublic // The raw id of a visitor has no cloud.
		}
		return id, required(id.UserID)
	case m.MicrosoftTeamsApp != nil:
		id := ident.MicrosoftTeamsAppIdentifier{AppID: deref(m.MicrosoftTeamsApp.AppID), Cloud: cloudOf(m.MicrosoftTeamsApp.Cloud)}
		return id, required(id.AppID)
	case m.TeamsExtensionUser != nil:
		u := m.TeamsExtensionUser
		id := ident.TeamsExtensionUserIdentifier{
			ResourceID: deref(u.ResourceID), TenantID: deref(u.TenantID), UserID: deref(u.UserID), Cloud: cloudOf(u.Cloud),
		}
		return id, required(id.ResourceID, id.TenantID, id.UserID)
	default:
		return ident.UnknownIdentifier{ID: deref(m.RawID)}, nil
	}
}

// phoneNumber takes the asserted id from the raw id when the object, of an
// older version, does not have it.
func (m IdentifierModel) phoneNumber() (ident.Identifier, error) {
	id := ident.PhoneNumberIdentifier{PhoneNumber: deref(m.PhoneNumber.Value), AssertedID: deref(m.PhoneNumber.AssertedID)}
	if deref(m.PhoneNumber.IsAnonymous) {
		id.PhoneNumber = ident.AnonymousNumber
	}
	if parsed, err := ident.Parse(deref(m.RawID)); err == nil && id.AssertedID == "" {
		if p, ok := parsed.(ident.PhoneNumberIdentifier); ok && (p.PhoneNumber == id.PhoneNumber || id.PhoneNumber == "") {
			id = p
		}
	}
	return id, required(id.PhoneNumber)
}

func required(ids ...string) error {
	for _, id := range ids {
		if id == "" {
			return fmt.Errorf("%w: an id is missing", ident.ErrInvalid)
		}
	}
	return nil
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func cloudOf(c *ident.Cloud) ident.Cloud {
	switch deref(c) {
	case ident.CloudDOD:
		return ident.CloudDOD
	case ident.CloudGCCH:
		return ident.CloudGCCH
	case ident.CloudPublic:
		return ident.CloudPublic
	default:
		return ident.CloudPublic
	}
}
