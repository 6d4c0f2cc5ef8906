// Package ident holds communication identifiers: who takes part in a call, a
// chat or a message. Every identifier has a raw id, a string with a prefix that
// tells its kind:
//
//	8:acs:<resource>_<user>           a user of a resource (8:dod-acs:, 8:gcch-acs: in other clouds)
//	8:acs:<resource>_<tenant>_<user>  a Teams user who extends a resource
//	8:spool:<id>                      a user of a resource, from interop
//	4:<number>                        a phone number; 4:anonymous; 4:<number>_<asserted id>
//	8:orgid:<id>                      a Teams user (8:dod:, 8:gcch:)
//	8:teamsvisitor:<id>               an anonymous Teams user
//	28:orgid:<id>                     a Teams application or bot (28:dod:, 28:gcch:)
//	anything else                     unknown; it is carried along as it is
//
// Parse reads a raw id and RawID writes it; Parse(x).RawID() is x for every x
// that Parse takes. All identifiers are comparable values without pointers and
// safe for concurrent use.
package ident

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid is wrapped by the errors of Parse and ParseUser.
var ErrInvalid = errors.New("ident: invalid identifier")

// MaxRawID is the largest number of bytes in a raw id.
const MaxRawID = 512

// Kind tells the kinds of identifiers apart, with the names of the REST contract.
type Kind string

// The kinds of identifiers.
const (
	KindUnknown            Kind = "unknown"
	KindCommunicationUser  Kind = "communicationUser"
	KindPhoneNumber        Kind = "phoneNumber"
	KindMicrosoftTeamsUser Kind = "microsoftTeamsUser"
	KindMicrosoftTeamsApp  Kind = "microsoftTeamsApp"
	KindTeamsExtensionUser Kind = "teamsExtensionUser"
)

// Cloud is the cloud that an identity lives in, with the names of the REST
// contract. The zero value counts as CloudPublic.
type Cloud string

// The clouds.
const (
	CloudPublic Cloud = "public"
	CloudDOD    Cloud = "dod"
	CloudGCCH   Cloud = "gcch"
)

// Identifier is one of CommunicationUserIdentifier, PhoneNumberIdentifier,
// MicrosoftTeamsUserIdentifier, MicrosoftTeamsAppIdentifier,
// TeamsExtensionUserIdentifier and UnknownIdentifier, all by value.
type Identifier interface {
	// RawID returns the identifier as one string.
	RawID() string
	// Kind tells which of the types it is.
	Kind() Kind
	sealed()
}

// The prefixes of raw ids.
const (
	prefixACS          = "8:acs:"
	prefixACSDOD       = "8:dod-acs:"
	prefixACSGCCH      = "8:gcch-acs:"
	prefixSpool        = "8:spool:"
	prefixPhone        = "4:"
	prefixTeams        = "8:orgid:"
	prefixTeamsDOD     = "8:dod:"
	prefixTeamsGCCH    = "8:gcch:"
	prefixTeamsVisitor = "8:teamsvisitor:"
	prefixApp          = "28:orgid:"
	prefixAppDOD       = "28:dod:"
	prefixAppGCCH      = "28:gcch:"
)

// Parse reads a raw id. A prefix that it does not know gives an
// UnknownIdentifier. The error wraps ErrInvalid: the text is empty, longer than
// MaxRawID, not UTF-8, has control characters or spaces, or has nothing behind
// a known prefix.
func Parse(rawID string) (Identifier, error) {
	if err := check(rawID); err != nil {
		return nil, err
	}
	if number, ok := strings.CutPrefix(rawID, prefixPhone); ok {
		return parsePhone(number)
	}
	prefix, rest := splitPrefix(rawID)
	if prefix != "" && rest == "" {
		return nil, fmt.Errorf("%w: nothing behind %s", ErrInvalid, prefix)
	}
	switch prefix {
	case prefixACS, prefixACSDOD, prefixACSGCCH:
		return parseACS(rawID, prefix, rest), nil
	case prefixSpool:
		return CommunicationUserIdentifier{ID: rawID}, nil
	case prefixTeams, prefixTeamsDOD, prefixTeamsGCCH:
		return MicrosoftTeamsUserIdentifier{UserID: rest, Cloud: cloudOf(prefix)}, nil
	case prefixTeamsVisitor:
		return MicrosoftTeamsUserIdentifier{UserID: rest, Anonymous: true, Cloud: CloudPublic}, nil
	case prefixApp, prefixAppDOD, prefixAppGCCH:
		return MicrosoftTeamsAppIdentifier{AppID: rest, Cloud: cloudOf(prefix)}, nil
	default:
		return UnknownIdentifier{ID: rawID}, nil
	}
}

func check(rawID string) error {
	switch {
	case rawID == "":
		return fmt.Errorf("%w: empty", ErrInvalid)
	case len(rawID) > MaxRawID:
		return fmt.Errorf("%w: %d bytes are more than %d", ErrInvalid, len(rawID), MaxRawID)
	case !utf8.ValidString(rawID):
		return fmt.Errorf("%w: not UTF-8", ErrInvalid)
	}
	for _, r := range rawID {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return fmt.Errorf("%w: it has a control character or a space", ErrInvalid)
		}
	}
	return nil
}

// splitPrefix cuts after the second colon, which ends every prefix but that of
// phone numbers. An unknown prefix gives "".
func splitPrefix(rawID string) (prefix, rest string) {
	for _, p := range [...]string{
		prefixACS, prefixTeams, prefixApp, prefixACSDOD, prefixACSGCCH, prefixTeamsDOD, prefixTeamsGCCH,
		prefixTeamsVisitor, prefixAppDOD, prefixAppGCCH, prefixSpool,
	} {
		if r, ok := strings.CutPrefix(rawID, p); ok {
			return p, r
		}
	}
	return "", rawID
}

func cloudOf(prefix string) Cloud {
	switch prefix {
	case prefixACSDOD, prefixTeamsDOD, prefixAppDOD:
		return CloudDOD
	case prefixACSGCCH, prefixTeamsGCCH, prefixAppGCCH:
		return CloudGCCH
	default:
		return CloudPublic
	}
}

// parseACS tells a user (one underscore) from a Teams extension user (two).
// Other forms are users too: the service decides whether it knows them.
func parseACS(rawID, prefix, rest string) Identifier {
	resource, more, _ := strings.Cut(rest, "_")
	tenant, user, ok := strings.Cut(more, "_")
	if ok && resource != "" && tenant != "" && user != "" && !strings.Contains(user, "_") {
		return TeamsExtensionUserIdentifier{
			ResourceID: resource, TenantID: tenant, UserID: user, Cloud: cloudOf(prefix),
		}
	}
	return CommunicationUserIdentifier{ID: rawID}
}

func parsePhone(number string) (Identifier, error) {
	if number == "" || number[0] == '_' {
		return nil, fmt.Errorf("%w: a phone number without digits", ErrInvalid)
	}
	if i := strings.LastIndexByte(number, '_'); i >= 0 && i < len(number)-1 {
		return PhoneNumberIdentifier{PhoneNumber: number[:i], AssertedID: number[i+1:]}, nil
	}
	return PhoneNumberIdentifier{PhoneNumber: number}, nil
}
