package identity

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
)

// TokenScope is what a token allows.
type TokenScope string

// The scopes.
const (
	// TokenScopeChat allows all of chat.
	TokenScopeChat TokenScope = acswire.ScopeChat
	// TokenScopeVoIP allows all of calling.
	TokenScopeVoIP TokenScope = acswire.ScopeVoIP
	// TokenScopeChatJoin allows chat without making, changing or deleting threads.
	TokenScopeChatJoin TokenScope = acswire.ScopeChatJoin
	// TokenScopeChatJoinLimited is TokenScopeChatJoin without adding or removing
	// participants: for bearers who are not fully trusted.
	TokenScopeChatJoinLimited TokenScope = acswire.ScopeChatJoinLimited
	// TokenScopeVoIPJoin allows calling without starting new calls.
	TokenScopeVoIPJoin TokenScope = acswire.ScopeVoIPJoin
)

// PossibleTokenScopeValues returns all scopes.
func PossibleTokenScopeValues() []TokenScope {
	all := acswire.PossibleScopes()
	scopes := make([]TokenScope, len(all))
	for i, s := range all {
		scopes[i] = TokenScope(s)
	}
	return scopes
}

// Lifetimes of a token in minutes.
const (
	MinTokenMinutes     = acswire.MinTokenMinutes
	MaxTokenMinutes     = acswire.MaxTokenMinutes
	DefaultTokenMinutes = acswire.DefaultTokenMinutes
)

// Error codes of the service that callers act on; see core.HasCode.
const (
	CodeDenied             = acswire.CodeDenied
	CodeForbidden          = acswire.CodeForbidden
	CodeIdentityNotOwned   = acswire.CodeIdentityNotOwned
	CodeInvalidAccessToken = acswire.CodeInvalidAccessToken
	CodeNotFound           = acswire.CodeNotFound
	CodeUnauthorized       = acswire.CodeUnauthorized
	CodeValidationError    = acswire.CodeValidationError
)

// How the service writes times.
const (
	expiresFormat = "2006-01-02T15:04:05.0000000-07:00"
	issuedFormat  = "2006-01-02T15:04:05-07:00"
)

// User is a user of the resource.
type User struct {
	// ID is the raw id, "8:acs:<resource>_<user>".
	ID *string
	// CustomID is the caller's own id; nil when the user was made without one.
	CustomID *string
	// LastTokenIssuedAt is when the last token was issued; nil when none was, or
	// when the service does not tell.
	LastTokenIssuedAt *time.Time
}

// Identifier returns the identifier of the user, which the other methods and
// the other clients take. It is zero when ID is nil.
func (u User) Identifier() common.CommunicationUserIdentifier {
	if u.ID == nil {
		return common.CommunicationUserIdentifier{}
	}
	return common.CommunicationUserIdentifier{ID: *u.ID}
}

// MarshalJSON writes the user as it travels.
func (u User) MarshalJSON() ([]byte, error) {
	return json.Marshal(acswire.Identity{ID: u.ID, CustomID: u.CustomID, LastTokenIssuedAt: formatTime(u.LastTokenIssuedAt, issuedFormat)})
}

// UnmarshalJSON reads the user as it travels.
func (u *User) UnmarshalJSON(data []byte) error {
	var w acswire.Identity
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	issued, err := parseTime(w.LastTokenIssuedAt)
	if err != nil {
		return fmt.Errorf("lastTokenIssuedAt: %w", err)
	}
	*u = User{ID: w.ID, CustomID: w.CustomID, LastTokenIssuedAt: issued}
	return nil
}

// AccessToken is a user access token: a secret.
type AccessToken struct {
	// Token is the token itself.
	Token *string
	// ExpiresOn is when the service stops taking it.
	ExpiresOn *time.Time
}

const redacted = "REDACTED"

// String returns REDACTED.
func (AccessToken) String() string { return redacted }

// GoString returns REDACTED.
func (AccessToken) GoString() string { return redacted }

// LogValue returns when the token ends, without the token.
func (t AccessToken) LogValue() slog.Value {
	if t.ExpiresOn == nil {
		return slog.GroupValue(slog.String("token", redacted))
	}
	return slog.GroupValue(slog.String("token", redacted), slog.Time("expires_on", *t.ExpiresOn))
}

// MarshalJSON writes the token as it travels: this is how an application hands
// it to its user.
func (t AccessToken) MarshalJSON() ([]byte, error) {
	return json.Marshal(acswire.AccessToken{Token: t.Token, ExpiresOn: formatTime(t.ExpiresOn, expiresFormat)})
}

// UnmarshalJSON reads the token as it travels.
func (t *AccessToken) UnmarshalJSON(data []byte) error {
	var w acswire.AccessToken
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	expires, err := parseTime(w.ExpiresOn)
	if err != nil {
		return fmt.Errorf("expiresOn: %w", err)
	}
	*t = AccessToken{Token: w.Token, ExpiresOn: expires}
	return nil
}

// UserAndToken is a user and a token for it.
type UserAndToken struct {
	// User is the user.
	User *User `json:"identity,omitempty"`
	// AccessToken is the token; nil when none was asked for.
	AccessToken *AccessToken `json:"accessToken,omitempty"`
}

// LogValue returns who the user is and when the token ends, without the token.
func (u UserAndToken) LogValue() slog.Value {
	var known []slog.Attr
	if u.User != nil && u.User.ID != nil {
		known = append(known, slog.String("user_id", *u.User.ID))
	}
	if u.AccessToken != nil {
		known = append(known, slog.Any("access_token", *u.AccessToken))
	}
	return slog.GroupValue(known...)
}

func formatTime(t *time.Time, format string) *string {
	if t == nil {
		return nil
	}
	return new(t.UTC().Format(format))
}

func parseTime(s *string) (*time.Time, error) {
	if s == nil || *s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		return nil, err
	}
	return &t, nil
}
