package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

const algorithm = "ES256"

// signingKey is one key of the service. Tokens are signed with the newest and
// verified with any of them.
type signingKey struct {
	id      string
	private *ecdsa.PrivateKey
}

// newSigningKey draws a key. Its id is a hash of the public part.
func newSigningKey() (*signingKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(public)
	return &signingKey{id: base64.RawURLEncoding.EncodeToString(sum[:12]), private: private}, nil
}

// loadKeys reads the signing keys, newest first, making one at the first start.
func loadKeys(ctx context.Context, st *store.Store, now time.Time) ([]*signingKey, error) {
	keys, err := readKeys(ctx, st)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key.private)
	if err != nil {
		return nil, err
	}
	err = st.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO signing_keys (kid, algorithm, private_key, created_at) VALUES ($1, $2, $3, $4)",
			key.id, algorithm, der, now.UnixMilli())
		return err
	})
	if err != nil {
		return nil, err
	}
	return []*signingKey{key}, nil
}

func readKeys(ctx context.Context, st *store.Store) ([]*signingKey, error) {
	var keys []*signingKey
	err := st.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query("SELECT kid, private_key FROM signing_keys WHERE algorithm = $1 ORDER BY created_at DESC, kid", algorithm)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var der []byte
			if err := rows.Scan(&id, &der); err != nil {
				return err
			}
			key, err := parseKey(id, der)
			if err != nil {
				return fmt.Errorf("signing key %s: %w", id, err)
			}
			keys = append(keys, key)
		}
		return rows.Err()
	})
	return keys, err
}

func parseKey(id string, der []byte) (*signingKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("not an ECDSA key on P-256")
	}
	return &signingKey{id: id, private: private}, nil
}
