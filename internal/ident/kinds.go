package ident

import (
	"fmt"
	"strings"
)

// CommunicationUserIdentifier is a user of a resource.
type CommunicationUserIdentifier struct {
	// ID is the whole raw id, "8:acs:<resource>_<user>".
	ID string
}

// NewUser returns the identifier of a user of a resource. Neither part may
// hold an underscore (see ParseUser).
func NewUser(cloud Cloud, resourceID, userID string) CommunicationUserIdentifier {
	return CommunicationUserIdentifier{ID: acsPrefix(cloud) + resourceID + "_" + userID}
}

// ParseUser reads the raw id of a user strictly: a known cloud's prefix and
// exactly one underscore between two parts that are not empty. The error
// wraps ErrInvalid.
func ParseUser(rawID string) (CommunicationUserIdentifier, error) {
	if err := check(rawID); err != nil {
		return CommunicationUserIdentifier{}, err
	}
	user := CommunicationUserIdentifier{ID: rawID}
	if _, _, ok := user.split(); !ok {
		return CommunicationUserIdentifier{}, fmt.Errorf("%w: not a user of a resource", ErrInvalid)
	}
	return user, nil
}

// RawID returns the identifier as one string.
func (u CommunicationUserIdentifier) RawID() string { return u.ID }

// Kind returns KindCommunicationUser.
func (CommunicationUserIdentifier) Kind() Kind { return KindCommunicationUser }

// Cloud returns the cloud that the user's resource lives in.
func (u CommunicationUserIdentifier) Cloud() Cloud {
	prefix, _ := splitPrefix(u.ID)
	return cloudOf(prefix)
}

// ResourceID returns the id of the user's resource, or "" when the raw id does
// not tell it.
func (u CommunicationUserIdentifier) ResourceID() string {
	resource, _, _ := u.split()
	return resource
}

// UserID returns the part behind the resource, or "" when the raw id does not
// have it.
func (u CommunicationUserIdentifier) UserID() string {
	_, user, _ := u.split()
	return user
}

func (u CommunicationUserIdentifier) split() (resource, user string, ok bool) {
	prefix, rest := splitPrefix(u.ID)
	if prefix != acsPrefix(cloudOf(prefix)) {
		return "", "", false
	}
	resource, user, ok = strings.Cut(rest, "_")
	if !ok || resource == "" || user == "" || strings.Contains(user, "_") {
		return "", "", false
	}
	return resource, user, true
}

func acsPrefix(cloud Cloud) string {
	switch cloud {
	case CloudDOD:
		return prefixACSDOD
	case CloudGCCH:
		return prefixACSGCCH
	case CloudPublic:
		return prefixACS
	default:
		return prefixACS
	}
}

// AnonymousNumber is the PhoneNumber of a caller who withholds the number.
const AnonymousNumber = "anonymous"

// PhoneNumberIdentifier is a phone number.
type PhoneNumberIdentifier struct {
	// PhoneNumber is the number, usually in E.164 form with a leading +, or
	// AnonymousNumber.
	PhoneNumber string
	// AssertedID tells the participants apart when one number is in a call more
	// than once. Mostly empty.
	AssertedID string
}

// RawID returns the identifier as one string.
func (p PhoneNumberIdentifier) RawID() string {
	if p.AssertedID == "" {
		return prefixPhone + p.PhoneNumber
	}
	return prefixPhone + p.PhoneNumber + "_" + p.AssertedID
}

// Kind returns KindPhoneNumber.
func (PhoneNumberIdentifier) Kind() Kind { return KindPhoneNumber }

// Anonymous tells whether the number is withheld.
func (p PhoneNumberIdentifier) Anonymous() bool { return p.PhoneNumber == AnonymousNumber }

// E164 tells whether the number is a + and 2 to 15 digits that do not start
// with 0 (ITU-T E.164 6.2.1).
func (p PhoneNumberIdentifier) E164() bool {
	digits, ok := strings.CutPrefix(p.PhoneNumber, "+")
	if !ok || len(digits) < 2 || len(digits) > 15 || digits[0] == '0' {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// MicrosoftTeamsUserIdentifier is a Teams user.
type MicrosoftTeamsUserIdentifier struct {
	// UserID is the user's Entra object id, or a visitor's id.
	UserID string
	// Anonymous tells that the user is a visitor; then the raw id has no cloud.
	Anonymous bool
	// Cloud is the user's cloud; zero means CloudPublic.
	Cloud Cloud
}

// RawID returns the identifier as one string.
func (t MicrosoftTeamsUserIdentifier) RawID() string {
	if t.Anonymous {
		return prefixTeamsVisitor + t.UserID
	}
	switch t.Cloud {
	case CloudDOD:
		return prefixTeamsDOD + t.UserID
	case CloudGCCH:
		return prefixTeamsGCCH + t.UserID
	case CloudPublic:
		return prefixTeams + t.UserID
	default:
		return prefixTeams + t.UserID
	}
}

// Kind returns KindMicrosoftTeamsUser.
func (MicrosoftTeamsUserIdentifier) Kind() Kind { return KindMicrosoftTeamsUser }

// MicrosoftTeamsAppIdentifier is a Teams application, a bot for example.
type MicrosoftTeamsAppIdentifier struct {
	// AppID is the application's id.
	AppID string
	// Cloud is the application's cloud; zero means CloudPublic.
	Cloud Cloud
}

// RawID returns the identifier as one string.
func (a MicrosoftTeamsAppIdentifier) RawID() string {
	switch a.Cloud {
	case CloudDOD:
		return prefixAppDOD + a.AppID
	case CloudGCCH:
		return prefixAppGCCH + a.AppID
	case CloudPublic:
		return prefixApp + a.AppID
	default:
		return prefixApp + a.AppID
	}
}

// Kind returns KindMicrosoftTeamsApp.
func (MicrosoftTeamsAppIdentifier) Kind() Kind { return KindMicrosoftTeamsApp }

// TeamsExtensionUserIdentifier is a Teams Phone user who works through a
// resource.
type TeamsExtensionUserIdentifier struct {
	// ResourceID, TenantID and UserID are the ids of the resource, of the user's
	// tenant and of the user in it.
	ResourceID, TenantID, UserID string
	// Cloud is the user's cloud; zero means CloudPublic.
	Cloud Cloud
}

// RawID returns the identifier as one string.
func (t TeamsExtensionUserIdentifier) RawID() string {
	return acsPrefix(t.Cloud) + t.ResourceID + "_" + t.TenantID + "_" + t.UserID
}

// Kind returns KindTeamsExtensionUser.
func (TeamsExtensionUserIdentifier) Kind() Kind { return KindTeamsExtensionUser }

// UnknownIdentifier is an identifier of a kind that this version does not know.
type UnknownIdentifier struct {
	// ID is the raw id.
	ID string
}

// RawID returns the identifier as one string.
func (u UnknownIdentifier) RawID() string { return u.ID }

// Kind returns KindUnknown.
func (UnknownIdentifier) Kind() Kind { return KindUnknown }

func (CommunicationUserIdentifier) sealed()  {}
func (PhoneNumberIdentifier) sealed()        {}
func (MicrosoftTeamsUserIdentifier) sealed() {}
func (MicrosoftTeamsAppIdentifier) sealed()  {}
func (TeamsExtensionUserIdentifier) sealed() {}
func (UnknownIdentifier) sealed()            {}
