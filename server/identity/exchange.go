package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Errors of exchanges.
var (
	// ErrForeignToken says that the token of another issuer is not good here.
	ErrForeignToken = errors.New("identity: the token to exchange is not valid")
	// ErrNotAssigned says that a principal has no assignment, or not for the
	// application that its token is of.
	ErrNotAssigned = errors.New("identity: no assignment")
)

// ForeignUser is whom a token of another issuer stands for.
type ForeignUser struct {
	// TenantID and ObjectID name the user; both are set.
	TenantID, ObjectID string
	// AppID is the application that the token was issued to.
	AppID string
	// Groups are the object ids of the groups that the token names.
	Groups []string
	// Expires is the end of the token's life.
	Expires time.Time
}

// Exchanger checks the tokens of other issuers. Its error is or wraps
// ErrForeignToken, or is another one when the check itself fails.
type Exchanger interface {
	VerifyUser(ctx context.Context, token string) (ForeignUser, error)
}

// foreign checks a token of another issuer.
func (s *Service) foreign(ctx context.Context, token string) (ForeignUser, error) {
	if s.options.Exchanger == nil || token == "" {
		return ForeignUser{}, ErrForeignToken
	}
	user, err := s.options.Exchanger.VerifyUser(ctx, token)
	if err == nil && (user.ObjectID == "" || user.TenantID == "") {
		err = ErrForeignToken
	}
	return user, err
}

// exchange issues a token for the user who stands for a foreign one; it makes
// that user the first time. The token does not outlive the one given.
func (s *Service) exchange(ctx context.Context, resource guid.GUID, f ForeignUser, scopes []string) (User, string, time.Time, error) {
	now := s.now()
	life := min(f.Expires.Sub(now), acswire.DefaultTokenMinutes*time.Minute)
	if life <= 0 {
		return User{}, "", time.Time{}, ErrForeignToken
	}
	user, err := s.foreignUser(ctx, resource, f, now)
	if err != nil {
		return User{}, "", time.Time{}, fmt.Errorf("identity: exchange: %w", err)
	}
	token, expires, err := s.Sign(&user, scopes, now, life)
	return user, token, expires, err
}

func (s *Service) foreignUser(ctx context.Context, resource guid.GUID, f ForeignUser, now time.Time) (User, error) {
	var found []byte
	var from int64
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		id := guid.New()
		err := tx.QueryRow(`INSERT INTO foreign_users (resource_id, tenant, object, user_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (resource_id, tenant, object) DO UPDATE SET user_id = foreign_users.user_id RETURNING user_id`,
			resource[:], f.TenantID, f.ObjectID, id[:]).Scan(&found)
		if err != nil {
			return err
		}
		return tx.QueryRow(`INSERT INTO users (resource_id, id, custom_id, tokens_valid_from, last_token_issued_at, created_at)
			VALUES ($1, $2, NULL, 0, $3, $3)
			ON CONFLICT (resource_id, id) DO UPDATE SET last_token_issued_at = excluded.last_token_issued_at
			RETURNING tokens_valid_from`, resource[:], found, now.UnixMilli()).Scan(&from)
	})
	if err != nil {
		return User{}, err
	}
	id, err := guid.FromBytes(found)
	return User{ResourceID: resource, ID: id, Cloud: s.cloud(resource), LastTokenIssuedAt: now, validFrom: moment(from)}, err
}

// ExchangeTeamsUser exchanges the token of a Teams user; it must be of the
// user and of the application named.
func (s *Service) ExchangeTeamsUser(ctx context.Context, resource guid.GUID, token, app, object string) (string, time.Time, error) {
	f, err := s.foreign(ctx, token)
	if err != nil {
		return "", time.Time{}, err
	}
	if f.AppID != app || f.ObjectID != object {
		return "", time.Time{}, ErrForeignToken
	}
	_, issued, expires, err := s.exchange(ctx, resource, f, []string{acswire.ScopeVoIP})
	return issued, expires, err
}

// ExchangeEntra exchanges the token of an Entra user, who needs an assignment in
// a resource that had one once.
func (s *Service) ExchangeEntra(ctx context.Context, resource guid.GUID, token string) (User, string, time.Time, error) {
	f, err := s.foreign(ctx, token)
	if err != nil {
		return User{}, "", time.Time{}, err
	}
	if err := s.entraAssigned(ctx, resource, &f); err != nil {
		return User{}, "", time.Time{}, err
	}
	return s.exchange(ctx, resource, f, []string{acswire.ScopeChat, acswire.ScopeVoIP})
}

// ExchangeTeamsExtension exchanges the token of a Teams Phone user who has an
// assignment.
func (s *Service) ExchangeTeamsExtension(ctx context.Context, resource guid.GUID, token string) (User, string, time.Time, error) {
	f, err := s.foreign(ctx, token)
	if err != nil {
		return User{}, "", time.Time{}, err
	}
	a, err := s.Assignment(ctx, resource, f.TenantID, f.ObjectID)
	if err != nil {
		return User{}, "", time.Time{}, err
	}
	if len(a.ClientIDs) > 0 && !names(a.ClientIDs, f.AppID) {
		return User{}, "", time.Time{}, ErrNotAssigned
	}
	return s.exchange(ctx, resource, f, []string{acswire.ScopeChat, acswire.ScopeVoIP})
}

// Assignment lets a principal of another tenant use a resource.
type Assignment struct {
	TenantID, ObjectID string
	PrincipalType      string
	// ClientIDs are the applications it is for; none is all.
	ClientIDs []string
}

// Assignment returns an assignment. The error is ErrNotAssigned when there is
// none.
func (s *Service) Assignment(ctx context.Context, resource guid.GUID, tenant, object string) (Assignment, error) {
	a := Assignment{TenantID: tenant, ObjectID: object}
	var clients string
	err := s.store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT principal_type, client_ids FROM teams_assignments WHERE resource_id = $1 AND tenant = $2 AND object = $3",
			resource[:], tenant, object).Scan(&a.PrincipalType, &clients)
	})
	if store.IsNotFound(err) {
		return a, ErrNotAssigned
	}
	if err == nil {
		err = json.Unmarshal([]byte(clients), &a.ClientIDs)
	}
	if err != nil {
		return a, fmt.Errorf("identity: assignment: %w", err)
	}
	return a, nil
}

// SetAssignment makes or replaces an assignment; created tells which.
func (s *Service) SetAssignment(ctx context.Context, resource guid.GUID, a Assignment) (created bool, err error) {
	clients, err := json.Marshal(a.ClientIDs)
	if err != nil {
		return false, fmt.Errorf("identity: assignment: %w", err)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		var one int
		err := tx.QueryRow("SELECT 1 FROM teams_assignments WHERE resource_id = $1 AND tenant = $2 AND object = $3", resource[:], a.TenantID, a.ObjectID).Scan(&one)
		if created = store.IsNotFound(err); err != nil && !created {
			return err
		}
		_, err = tx.Exec(`INSERT INTO teams_assignments (resource_id, tenant, object, principal_type, client_ids) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (resource_id, tenant, object) DO UPDATE SET principal_type = excluded.principal_type, client_ids = excluded.client_ids`,
			resource[:], a.TenantID, a.ObjectID, a.PrincipalType, string(clients))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("identity: assignment: %w", err)
	}
	return created, nil
}

// DeleteAssignment removes an assignment, and makes the tokens void that its
// principal got by it. Nothing happens when there is none.
func (s *Service) DeleteAssignment(ctx context.Context, resource guid.GUID, tenant, object string) error {
	var user []byte
	err := s.voiding(ctx, func(tx *store.Tx) (err error) {
		if _, err := tx.Exec("DELETE FROM teams_assignments WHERE resource_id = $1 AND tenant = $2 AND object = $3", resource[:], tenant, object); err != nil {
			return err
		}
		user, err = s.voidForeign(tx, resource, tenant, object)
		return err
	})
	if err == nil {
		err = s.revokedForeign(resource, user)
	}
	if err != nil {
		return fmt.Errorf("identity: assignment: %w", err)
	}
	return nil
}

// voidForeign makes the tokens void of the user who stands for a foreign one, in
// the transaction that takes away what they were given for: whoever asks again
// does not find it any more. It returns the user's id for revokedForeign; nil when
// there is none yet.
func (s *Service) voidForeign(tx *store.Tx, resource guid.GUID, tenant, object string) (user []byte, err error) {
	err = tx.QueryRow("SELECT user_id FROM foreign_users WHERE resource_id = $1 AND tenant = $2 AND object = $3", resource[:], tenant, object).Scan(&user)
	if err == nil {
		err = voidTokens(tx, resource, user, s.now().UnixMilli()+1, true)
	}
	if store.IsNotFound(err) {
		return nil, nil
	}
	return user, err
}

// revokedForeign tells that the tokens of users are void; nil is nobody.
func (s *Service) revokedForeign(resource guid.GUID, users ...[]byte) error {
	for _, user := range users {
		if user == nil {
			continue
		}
		id, err := guid.FromBytes(user)
		if err != nil {
			return err
		}
		s.revoked(rawID(s.cloud(resource), resource, id))
	}
	return nil
}

// names tells whether an id is among others: those of Entra are GUIDs, which
// are written in either case.
func names(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(one string) bool { return strings.EqualFold(one, id) })
}
