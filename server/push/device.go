package push

import (
	"context"
	"fmt"
	"strings"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

const (
	// maxDevices is how many devices a user may have; the one that was not heard
	// of for the longest time makes room.
	maxDevices  = 20
	maxDeviceID = 64
	maxToken    = 4096
	maxAPNs     = 200
	hexDigits   = "0123456789abcdefABCDEF"
)

// Device is a phone whose app wants to be woken.
type Device struct {
	// ID is the app's own, unique for its user.
	ID       string
	Platform Platform
	// Token is that for alerts, VoIPToken that of APNs for calls; one may be empty.
	Token, VoIPToken string
	// Sandbox tells that the tokens are of APNs' development environment.
	Sandbox bool
}

func (s *Service) check(d *Device) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case d.ID == "" || len(d.ID) > maxDeviceID || strings.ContainsFunc(d.ID, odd):
		return fmt.Errorf("%w: an id has 1 to %d visible characters of ASCII", ErrDevice, maxDeviceID)
	case d.Token == "" && d.VoIPToken == "":
		return fmt.Errorf("%w: it has no token", ErrDevice)
	case s.options.Senders[d.Platform] == nil:
		return fmt.Errorf("%w: the service sends nothing to the platform %q", ErrDevice, d.Platform)
	}
	return d.checkTokens(odd)
}

func (d *Device) checkTokens(odd func(rune) bool) error {
	notHex := func(r rune) bool { return !strings.ContainsRune(hexDigits, r) }
	switch d.Platform {
	case PlatformAPNs:
		for _, token := range []string{d.Token, d.VoIPToken} {
			if len(token) > maxAPNs || strings.ContainsFunc(token, notHex) {
				return fmt.Errorf("%w: a token of APNs has up to %d hexadecimal digits", ErrDevice, maxAPNs)
			}
		}
	case PlatformFCM:
		if d.VoIPToken != "" || d.Sandbox || len(d.Token) > maxToken || strings.ContainsFunc(d.Token, odd) {
			return fmt.Errorf("%w: a device of FCM has one token, of visible characters", ErrDevice)
		}
	}
	return nil
}

// Register notes a user's device, in the place of an earlier one with its id. A
// token that another device had is this one's now: its phone has changed hands.
// The error wraps ErrDevice.
func (s *Service) Register(ctx context.Context, resource guid.GUID, user string, d Device) error {
	if err := s.check(&d); err != nil {
		return err
	}
	now := s.options.Now().UnixMilli()
	sandbox := 0
	if d.Sandbox {
		sandbox = 1
	}
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		for column, token := range map[string]string{"token": d.Token, "voip_token": d.VoIPToken} {
			if token == "" {
				continue
			}
			query := "DELETE FROM push_devices WHERE platform = $1 AND token = $2"
			if column == "voip_token" {
				query = "DELETE FROM push_devices WHERE platform = $1 AND voip_token = $2"
			}
			if _, err := tx.Exec(query, string(d.Platform), token); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO push_devices (resource_id, user_id, device_id, platform, sandbox, token, voip_token, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_id, device_id) DO UPDATE SET
			platform = excluded.platform, sandbox = excluded.sandbox, token = excluded.token, voip_token = excluded.voip_token, updated_at = excluded.updated_at`,
			resource[:], user, d.ID, string(d.Platform), sandbox, d.Token, d.VoIPToken, now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM push_devices WHERE user_id = $1 AND device_id IN
			(SELECT device_id FROM push_devices WHERE user_id = $1 ORDER BY updated_at DESC, device_id LIMIT 1000 OFFSET $2)`, user, maxDevices)
		return err
	})
	if err == nil {
		s.relearn(ctx)
	}
	return err
}

// Unregister forgets a user's device. The error is ErrNotFound.
func (s *Service) Unregister(ctx context.Context, user, id string) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec("DELETE FROM push_devices WHERE user_id = $1 AND device_id = $2", user, id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNotFound
	})
}

// Devices returns a user's devices in the order of their ids.
func (s *Service) Devices(ctx context.Context, user string) (list []Device, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		list, err = devices(q, "user_id = $1 ORDER BY device_id", user)
		return err
	})
	return list, err
}

func devices(q store.Querier, where string, args ...any) ([]Device, error) {
	rows, err := q.Query("SELECT device_id, platform, sandbox, token, voip_token FROM push_devices WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Device{}
	for rows.Next() {
		var d Device
		var sandbox int
		if err := rows.Scan(&d.ID, &d.Platform, &sandbox, &d.Token, &d.VoIPToken); err != nil {
			return nil, err
		}
		d.Sandbox = sandbox != 0
		list = append(list, d)
	}
	return list, rows.Err()
}

// RemoveUser forgets the devices of a user who is gone.
func (s *Service) RemoveUser(ctx context.Context, user string) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM push_devices WHERE user_id = $1", user)
		return err
	})
}

// EraseResource forgets the devices of a resource that is deleted.
func (s *Service) EraseResource(ctx context.Context, id guid.GUID) error {
	defer s.relearn(ctx)
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		for _, query := range []string{"DELETE FROM push_devices WHERE resource_id = $1", "DELETE FROM push_jobs WHERE resource_id = $1"} {
			if _, err := tx.Exec(query, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// forget drops a token that its platform does not know any more.
func (s *Service) forget(ctx context.Context, user string, d *Device, voip bool) error {
	query, token := "UPDATE push_devices SET token = '' WHERE user_id = $1 AND device_id = $2 AND token = $3", d.Token
	if voip {
		query, token = "UPDATE push_devices SET voip_token = '' WHERE user_id = $1 AND device_id = $2 AND voip_token = $3", d.VoIPToken
	}
	s.forgotten.Add(1)
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(query, user, d.ID, token); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM push_devices WHERE user_id = $1 AND device_id = $2 AND token = '' AND voip_token = ''", user, d.ID)
		return err
	})
}
