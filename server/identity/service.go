package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// ErrNotOwned says that a user is unknown or belongs to another resource.
var ErrNotOwned = errors.New("identity: not a user of the resource")

// Options configure the service. Store is required.
type Options struct {
	Store *store.Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Algorithm signs the tokens. The zero value is ES256.
	Algorithm Algorithm
	// Cloud returns the cloud of a resource, which decides the raw ids of its
	// users. Nil: all are public.
	Cloud func(resource guid.GUID) ident.Cloud
	// Exchanger checks tokens of other issuers; nil refuses them all.
	Exchanger Exchanger
	// Revoked hears, after it is durable, that the tokens of a user are void:
	// what is open with them must be closed. It must not block. Nil is nobody.
	Revoked func(user string)
	// Deleted hears, after it is durable, that a user is gone, after Revoked
	// did. An error is answered to whoever deletes, who may try again. Nil is
	// nobody.
	Deleted func(ctx context.Context, resource guid.GUID, user string) error
	// Alone says that no other process changes the database: what was read of a
	// user is good until this one changes it.
	Alone bool
	// Logger hears of failures nobody waits for; nil is silent.
	Logger *slog.Logger
}

// Service knows the users and issues their tokens. Its methods may be called
// from any goroutine.
type Service struct {
	options Options
	store   *store.Store
	now     func() time.Time
	tokens  *tokens
	cancel  context.CancelFunc
	running sync.WaitGroup
	// revocations counts what may have made tokens void, after the commit.
	revocations atomic.Uint64
}

// Open reads the signing keys, making one at the first start. Close it when
// done.
func Open(ctx context.Context, options Options) (*Service, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	ring := &keyring{store: options.Store, now: options.Now, algorithm: options.Algorithm}
	if err := ring.open(ctx); err != nil {
		return nil, fmt.Errorf("identity: open: %w", err)
	}
	s := &Service{options: options, store: options.Store, now: options.Now, tokens: newTokens(ring, options.Now)}
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.running.Go(func() { s.keepKeys(keeping) })
	return s, nil
}

// Close ends what runs. It is idempotent.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
}

// keysEvery is how often the keys are read again: another node may have made
// new ones.
const keysEvery = time.Minute

func (s *Service) keepKeys(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.tokens.ring.reload(ctx); err != nil && ctx.Err() == nil {
				s.options.Logger.Warn("signing keys", "error", err)
			}
		}
	}
}

// User is a user of a resource.
type User struct {
	ResourceID, ID guid.GUID
	// Cloud is that of the resource; it stands in the raw id.
	Cloud ident.Cloud
	// CustomID is the caller's own id; empty when the user has none.
	CustomID string
	// LastTokenIssuedAt is zero when no token was issued yet.
	LastTokenIssuedAt time.Time

	// validFrom is when the tokens that are good were issued at the earliest: a
	// token made now counts as made then if the clock is not there yet.
	validFrom time.Time
}

// RawID returns "8:acs:<resource>_<user>".
func (u *User) RawID() string { return rawID(u.Cloud, u.ResourceID, u.ID) }

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
	var last, from int64
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(`INSERT INTO users (resource_id, id, custom_id, tokens_valid_from, last_token_issued_at, created_at)
			VALUES ($1, $2, $3, 0, $4, $5)
			ON CONFLICT (resource_id, custom_id) DO UPDATE SET last_token_issued_at =
				CASE WHEN excluded.last_token_issued_at > users.last_token_issued_at
				THEN excluded.last_token_issued_at ELSE users.last_token_issued_at END
			RETURNING id, last_token_issued_at, tokens_valid_from`,
			resource[:], id[:], custom, issued, now.UnixMilli()).Scan(&found, &last, &from)
	})
	if err != nil {
		return User{}, fmt.Errorf("identity: create user: %w", err)
	}
	if id, err = guid.FromBytes(found); err != nil {
		return User{}, fmt.Errorf("identity: create user: %w", err)
	}
	return User{ResourceID: resource, ID: id, Cloud: s.cloud(resource), CustomID: customID, LastTokenIssuedAt: moment(last), validFrom: moment(from)}, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// cloud returns the cloud of a resource.
func (s *Service) cloud(resource guid.GUID) ident.Cloud {
	if s.options.Cloud == nil {
		return ident.CloudPublic
	}
	return s.options.Cloud(resource)
}

// owned reads a raw id. The error is ErrNotOwned when it is not one of the
// resource.
func (s *Service) owned(resource guid.GUID, raw string) (guid.GUID, error) {
	cloud, owner, user, err := parseRawID(raw)
	if err != nil || owner != resource || cloud != s.cloud(resource) {
		return guid.GUID{}, ErrNotOwned
	}
	return user, nil
}

// User returns a user of a resource. The error is ErrNotOwned when there is no
// such user.
func (s *Service) User(ctx context.Context, resource guid.GUID, raw string) (User, error) {
	id, err := s.owned(resource, raw)
	if err != nil {
		return User{}, err
	}
	user := User{ResourceID: resource, ID: id, Cloud: s.cloud(resource)}
	var custom *string
	var last int64
	err = s.store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT custom_id, last_token_issued_at FROM users WHERE resource_id = $1 AND id = $2", resource[:], id[:]).Scan(&custom, &last)
	})
	if store.IsNotFound(err) {
		return User{}, ErrNotOwned
	}
	if err != nil {
		return User{}, fmt.Errorf("identity: user: %w", err)
	}
	if custom != nil {
		user.CustomID = *custom
	}
	user.LastTokenIssuedAt = moment(last)
	return user, nil
}

// Existing returns which of the raw ids are users of the resource.
func (s *Service) Existing(ctx context.Context, resource guid.GUID, users []string) (map[string]bool, error) {
	existing := make(map[string]bool, len(users))
	err := s.store.Read(ctx, func(q store.Querier) error {
		for _, raw := range users {
			id, err := s.owned(resource, raw)
			if err != nil {
				continue
			}
			var one int
			err = q.QueryRow("SELECT 1 FROM users WHERE resource_id = $1 AND id = $2", resource[:], id[:]).Scan(&one)
			if err == nil {
				existing[raw] = true
			} else if !store.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("identity: existing users: %w", err)
	}
	return existing, nil
}

// DeleteUser deletes a user; its tokens are void. The error is ErrNotOwned
// when there is no such user.
func (s *Service) DeleteUser(ctx context.Context, resource guid.GUID, raw string) error {
	id, err := s.owned(resource, raw)
	if err != nil {
		return err
	}
	err = s.voiding(ctx, func(tx *store.Tx) error {
		var found []byte
		if err := tx.QueryRow("DELETE FROM users WHERE resource_id = $1 AND id = $2 RETURNING id", resource[:], id[:]).Scan(&found); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM foreign_users WHERE resource_id = $1 AND user_id = $2", resource[:], id[:])
		return err
	})
	if store.IsNotFound(err) {
		return ErrNotOwned
	}
	if err != nil {
		return fmt.Errorf("identity: delete user: %w", err)
	}
	s.revoked(raw)
	if s.options.Deleted != nil {
		return s.options.Deleted(ctx, resource, raw)
	}
	return nil
}

// RevokeTokens makes the tokens void that were issued before a moment; a later
// one than now counts as now, and an earlier one than that of the last
// revocation changes nothing. The error is ErrNotOwned when there is no such
// user.
func (s *Service) RevokeTokens(ctx context.Context, resource guid.GUID, raw string, before time.Time) error {
	id, err := s.owned(resource, raw)
	if err != nil {
		return err
	}
	// A token of this very millisecond was issued before, too.
	now := s.now().UnixMilli()
	from := min(before.UnixMilli(), now) + 1
	err = s.voiding(ctx, func(tx *store.Tx) error { return voidTokens(tx, resource, id[:], from, before.UnixMilli() >= now) })
	if store.IsNotFound(err) {
		return ErrNotOwned
	}
	if err != nil {
		return fmt.Errorf("identity: revoke tokens: %w", err)
	}
	s.revoked(raw)
	return nil
}

// voidTokens makes the tokens of a user void that were issued before a time; with
// all, those too that were issued after a revocation of this very millisecond, which
// have the time from which on it lets tokens be valid.
func voidTokens(tx *store.Tx, resource guid.GUID, user []byte, from int64, all bool) error {
	step := int64(0)
	if all {
		step = 1
	}
	var found []byte
	return tx.QueryRow(`UPDATE users SET tokens_valid_from = CASE WHEN tokens_valid_from < $1 THEN $1 ELSE tokens_valid_from + $4 END
		WHERE resource_id = $2 AND id = $3 RETURNING id`, from, resource[:], user, step).Scan(&found)
}

func (s *Service) revoked(user string) {
	if s.options.Revoked != nil {
		s.options.Revoked(user)
	}
}

// Sign makes a token for a user whom CreateUser returned just now.
func (s *Service) Sign(user *User, scopes []string, at time.Time, life time.Duration) (token string, expires time.Time, err error) {
	expires = at.Add(life)
	if at.Before(user.validFrom) {
		at = user.validFrom
	}
	token, err = s.tokens.sign(Claims{ResourceID: user.ResourceID, UserID: user.ID, Cloud: user.Cloud, Scopes: scopes, IssuedAt: at, Expires: expires})
	return token, expires, err
}

// IssueToken makes a token for a user. The error is ErrNotOwned when the
// resource has no such user.
func (s *Service) IssueToken(ctx context.Context, resource guid.GUID, raw string, scopes []string, life time.Duration) (token string, expires time.Time, err error) {
	user, err := s.owned(resource, raw)
	if err != nil {
		return "", time.Time{}, err
	}
	now := s.now()
	var from int64
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		return tx.QueryRow("UPDATE users SET last_token_issued_at = $1 WHERE resource_id = $2 AND id = $3 RETURNING tokens_valid_from",
			now.UnixMilli(), resource[:], user[:]).Scan(&from)
	})
	if store.IsNotFound(err) {
		return "", time.Time{}, ErrNotOwned
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("identity: issue token: %w", err)
	}
	return s.Sign(&User{ResourceID: resource, ID: user, Cloud: s.cloud(resource), validFrom: moment(from)}, scopes, now, life)
}

// Revoked tells whether the tokens of a user that were issued at a moment are
// void: revoked since, or the user is gone.
func (s *Service) Revoked(ctx context.Context, raw string, issued time.Time) (bool, error) {
	_, resource, user, err := parseRawID(raw)
	if err != nil {
		return true, nil //nolint:nilerr // nobody's token
	}
	var validFrom int64
	err = s.store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT tokens_valid_from FROM users WHERE resource_id = $1 AND id = $2", resource[:], user[:]).Scan(&validFrom)
	})
	if store.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("identity: revoked: %w", err)
	}
	return issued.UnixMilli() < validFrom, nil
}

// Authenticate tells who a token stands for: it must be genuine, not past its
// time, and its user must still be there and not have revoked it. The error
// is ErrTokenInvalid or ErrTokenExpired, or another one when the store fails.
func (s *Service) Authenticate(ctx context.Context, token string) (Claims, error) {
	known, err := s.tokens.check(ctx, token)
	if err != nil {
		return Claims{}, err
	}
	// Before the database is asked: what is revoked meanwhile makes this old.
	generation := s.revocations.Load() + 1
	if s.options.Alone && known.checked == generation {
		return known.claims, nil
	}
	claims := &known.claims
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
	if s.options.Alone {
		fresh := *known
		fresh.checked = generation
		s.tokens.verified.keep(&fresh)
	}
	return *claims, nil
}

// voiding is a write that may make tokens void. It goes on to its end although
// whoever asked is gone: tokens that are remembered are looked at again after it.
func (s *Service) voiding(ctx context.Context, f func(tx *store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer s.revocations.Add(1)
	return s.store.Write(context.WithoutCancel(ctx), f)
}
