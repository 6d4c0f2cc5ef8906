package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// ErrNotOwned says that a user is unknown or belongs to another resource.
var ErrNotOwned = errors.New("identity: not a user of the resource")

// Service knows the users and issues their tokens. Its methods may be called
// from any goroutine.
type Service struct {
	store  *store.Store
	now    func() time.Time
	tokens *tokens
}

// Open reads the signing keys, making one at the first start.
func Open(ctx context.Context, st *store.Store, now func() time.Time) (*Service, error) {
	keys, err := loadKeys(ctx, st, now())
	if err != nil {
		return nil, fmt.Errorf("identity: open: %w", err)
	}
	return &Service{store: st, now: now, tokens: newTokens(keys, now)}, nil
}

// User is a user of a resource.
type User struct {
	ResourceID, ID guid.GUID
	// CustomID is the caller's own id; empty when the user has none.
	CustomID string
	// LastTokenIssuedAt is zero when no token was issued yet.
	LastTokenIssuedAt time.Time
}

// RawID returns "8:acs:<resource>_<user>".
func (u *User) RawID() string { return rawID(u.ResourceID, u.ID) }

// CreateUser makes a user, or finds the one with the custom id if that is not
// empty. tokenAt is when a token is issued together with it, or zero.
func (s *Service) CreateUser(ctx context.Context, resource guid.GUID, customID string, tokenAt time.Time) (User, error) {
	id := guid.New()
	now := s.now()
	var custom any
	if customID != "" {
		custom = customID
	}
	var issued int64
	if !tokenAt.IsZero() {
		issued = tokenAt.UnixMilli()
	}
	var found []byte
	var last int64
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(`INSERT INTO users (resource_id, id, custom_id, tokens_valid_from, last_token_issued_at, created_at)
			VALUES ($1, $2, $3, 0, $4, $5)
			ON CONFLICT (resource_id, custom_id) DO UPDATE SET last_token_issued_at =
				CASE WHEN excluded.last_token_issued_at > users.last_token_issued_at
				THEN excluded.last_token_issued_at ELSE users.last_token_issued_at END
			RETURNING id, last_token_issued_at`,
			resource[:], id[:], custom, issued, now.UnixMilli()).Scan(&found, &last)
	})
	if err != nil {
		return User{}, fmt.Errorf("identity: create user: %w", err)
	}
	if id, err = guid.FromBytes(found); err != nil {
		return User{}, fmt.Errorf("identity: create user: %w", err)
	}
	user := User{ResourceID: resource, ID: id, CustomID: customID}
	if last > 0 {
		user.LastTokenIssuedAt = time.UnixMilli(last).UTC()
	}
	return user, nil
}

// Sign makes a token for a user who is known to exist.
func (s *Service) Sign(resource, user guid.GUID, scopes []string, at time.Time, life time.Duration) (token string, expires time.Time, err error) {
	expires = at.Add(life)
	token, err = s.tokens.sign(Claims{ResourceID: resource, UserID: user, Scopes: scopes, IssuedAt: at, Expires: expires})
	return token, expires, err
}

// IssueToken makes a token for a user. The error is ErrNotOwned when the
// resource has no such user.
func (s *Service) IssueToken(ctx context.Context, resource guid.GUID, raw string, scopes []string, life time.Duration) (token string, expires time.Time, err error) {
	owner, user, err := parseRawID(raw)
	if err != nil || owner != resource {
		return "", time.Time{}, ErrNotOwned
	}
	now := s.now()
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		var id []byte
		return tx.QueryRow("UPDATE users SET last_token_issued_at = $1 WHERE resource_id = $2 AND id = $3 RETURNING id",
			now.UnixMilli(), resource[:], user[:]).Scan(&id)
	})
	if store.IsNotFound(err) {
		return "", time.Time{}, ErrNotOwned
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("identity: issue token: %w", err)
	}
	return s.Sign(resource, user, scopes, now, life)
}

// Authenticate tells who a token stands for: it must be genuine, not past its
// time, and its user must still be there and not have revoked it. The error
// is ErrTokenInvalid or ErrTokenExpired, or another one when the store fails.
func (s *Service) Authenticate(ctx context.Context, token string) (Claims, error) {
	claims, err := s.tokens.verify(token)
	if err != nil {
		return Claims{}, err
	}
	var validFrom int64
	err = s.store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT tokens_valid_from FROM users WHERE resource_id = $1 AND id = $2",
			claims.ResourceID[:], claims.UserID[:]).Scan(&validFrom)
	})
	if store.IsNotFound(err) || (err == nil && claims.IssuedAt.UnixMilli() < validFrom) {
		return Claims{}, ErrTokenInvalid
	}
	if err != nil {
		return Claims{}, fmt.Errorf("identity: authenticate: %w", err)
	}
	return claims, nil
}
