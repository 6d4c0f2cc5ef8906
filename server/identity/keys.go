package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/store"
)

// Algorithm signs tokens.
type Algorithm string

// Algorithms of tokens.
const (
	// AlgorithmES256 is ECDSA on P-256: the default, fast to sign.
	AlgorithmES256 Algorithm = "ES256"
	// AlgorithmRS256 is RSA with 2048 bits: what ACS's own tokens have.
	AlgorithmRS256 Algorithm = "RS256"
)

// ErrAlgorithm says that an algorithm is not one of those offered.
var ErrAlgorithm = errors.New("identity: the token algorithm must be ES256 or RS256")

// ParseAlgorithm reads an algorithm; empty is ES256. The error is ErrAlgorithm.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case "":
		return AlgorithmES256, nil
	case AlgorithmES256, AlgorithmRS256:
		return a, nil
	default:
		return "", fmt.Errorf("%w, not %q", ErrAlgorithm, name)
	}
}

const (
	// RotationLead is how long a new key is published before it signs: every
	// node and every reader of the key set has it by then.
	RotationLead = 10 * time.Minute
	// rotationGrace is how long a key is known after its last token ended.
	rotationGrace = time.Hour
	rsaBits       = 2048
	maxTokenLife  = acswire.MaxTokenMinutes * time.Minute
	// reloadEvery bounds how often an unknown key id makes us look.
	reloadEvery = 5 * time.Second
)

// KeyState is where a signing key stands in its life.
type KeyState string

// States of a signing key.
const (
	// KeyPublished is a key that will sign.
	KeyPublished KeyState = "published"
	// KeyActive is the key that signs.
	KeyActive KeyState = "active"
	// KeyRetiring is a key that signed: its tokens are still good.
	KeyRetiring KeyState = "retiring"
)

// Key is what may be told of a signing key.
type Key struct {
	ID        string
	Algorithm Algorithm
	State     KeyState
	Created   time.Time
	// Activates is from when on it signs; Retires is when it is forgotten, zero
	// while nothing replaces it.
	Activates, Retires time.Time
}

// signingKey is one key of the service.
type signingKey struct {
	Key

	private crypto.Signer
}

// newSigningKey draws a key. Its id is a hash of the public part.
func newSigningKey(algorithm Algorithm) (*signingKey, error) {
	var private crypto.Signer
	var err error
	switch algorithm {
	case AlgorithmRS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case AlgorithmES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = ErrAlgorithm
	}
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(public)
	id := base64.RawURLEncoding.EncodeToString(sum[:12])
	return &signingKey{Key: Key{ID: id, Algorithm: algorithm}, private: private}, nil
}

func parseKey(k Key, der []byte) (*signingKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	switch private := parsed.(type) {
	case *ecdsa.PrivateKey:
		if k.Algorithm == AlgorithmES256 && private.Curve == elliptic.P256() {
			return &signingKey{Key: k, private: private}, nil
		}
	case *rsa.PrivateKey:
		if k.Algorithm == AlgorithmRS256 {
			return &signingKey{Key: k, private: private}, nil
		}
	}
	return nil, fmt.Errorf("not a key of %s", k.Algorithm)
}

// keyring has the keys as the database has them.
type keyring struct {
	store     *store.Store
	now       func() time.Time
	algorithm Algorithm

	mu     sync.RWMutex
	keys   []*signingKey // the newest first
	looked time.Time
}

// open reads the keys. It makes one when there is none, and when the algorithm
// is another than that of the newest.
func (r *keyring) open(ctx context.Context) error {
	if r.algorithm == "" {
		r.algorithm = AlgorithmES256
	}
	if err := r.reload(ctx); err != nil {
		return err
	}
	newest := r.newest()
	switch {
	case newest == nil:
		return r.rotate(ctx, 0)
	case newest.Algorithm != r.algorithm:
		return r.rotate(ctx, RotationLead)
	default:
		return nil
	}
}

func (r *keyring) newest() *signingKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.keys) == 0 {
		return nil
	}
	return r.keys[0]
}

// signer returns the key that signs now.
func (r *keyring) signer() *signingKey {
	now := r.now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, k := range r.keys {
		if !k.Activates.After(now) {
			return k
		}
	}
	return r.keys[len(r.keys)-1]
}

func (r *keyring) find(id string) *signingKey {
	now := r.now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, k := range r.keys {
		if k.ID == id && (k.Retires.IsZero() || now.Before(k.Retires)) {
			return k
		}
	}
	return nil
}

// verifier returns the key with an id. One that is not known may have been made
// by another node a moment ago.
func (r *keyring) verifier(ctx context.Context, id string) (*signingKey, error) {
	if k := r.find(id); k != nil {
		return k, nil
	}
	r.mu.Lock()
	again := r.now().Sub(r.looked).Abs() >= reloadEvery
	r.mu.Unlock()
	if !again {
		return nil, ErrTokenInvalid
	}
	if err := r.reload(ctx); err != nil {
		return nil, err
	}
	if k := r.find(id); k != nil {
		return k, nil
	}
	return nil, ErrTokenInvalid
}

// reload reads the keys again.
func (r *keyring) reload(ctx context.Context) error {
	var keys []*signingKey
	now := r.now()
	err := r.store.Read(ctx, func(q store.Querier) (err error) {
		keys, err = readKeys(q)
		return err
	})
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k *signingKey) bool { return !k.Retires.IsZero() && !now.Before(k.Retires) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = now
	if len(keys) > 0 || len(r.keys) == 0 {
		r.keys = keys
	}
	return nil
}

func readKeys(q store.Querier) (keys []*signingKey, err error) {
	rows, err := q.Query(`SELECT kid, algorithm, private_key, created_at, activates_at, retires_at FROM signing_keys
		ORDER BY activates_at DESC, created_at DESC, kid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k Key
		var algorithm string
		var der []byte
		var created, activates, retires int64
		if err := rows.Scan(&k.ID, &algorithm, &der, &created, &activates, &retires); err != nil {
			return nil, err
		}
		k.Algorithm, k.Created, k.Activates, k.Retires = Algorithm(algorithm), moment(created), moment(activates), moment(retires)
		key, err := parseKey(k, der)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// rotate makes a key that signs after a while; the ones before it retire when
// their last tokens have ended.
func (r *keyring) rotate(ctx context.Context, lead time.Duration) error {
	key, err := newSigningKey(r.algorithm)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key.private)
	if err != nil {
		return err
	}
	now := r.now()
	activates := now.Add(lead)
	retires := activates.Add(maxTokenLife + rotationGrace)
	err = r.store.Write(ctx, func(tx *store.Tx) error {
		// A second node that starts at the same moment for the first time finds
		// the first one's key and leaves it at that.
		var others int
		if err := tx.QueryRow("SELECT count(*) FROM signing_keys").Scan(&others); err != nil {
			return err
		}
		if others > 0 && lead == 0 && r.newest() == nil {
			return nil
		}
		if _, err := tx.Exec("UPDATE signing_keys SET retires_at = $1 WHERE retires_at = 0", retires.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM signing_keys WHERE retires_at > 0 AND retires_at < $1", now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO signing_keys (kid, algorithm, private_key, created_at, activates_at, retires_at)
			VALUES ($1, $2, $3, $4, $5, 0)`, key.ID, string(key.Algorithm), der, now.UnixMilli(), activates.UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	return r.reload(ctx)
}

// list tells of the keys, the newest first.
func (r *keyring) list() []Key {
	now := r.now()
	signer := r.signer()
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Key, 0, len(r.keys))
	for _, k := range r.keys {
		key := k.Key
		switch {
		case k == signer:
			key.State = KeyActive
		case key.Activates.After(now):
			key.State = KeyPublished
		default:
			key.State = KeyRetiring
		}
		list = append(list, key)
	}
	return list
}

// Keys tells of the signing keys, the newest first.
func (s *Service) Keys() []Key { return s.tokens.ring.list() }

// RotateKeys makes a new signing key. It signs after RotationLead, or at once:
// then a node or a reader of the key set that has not seen it yet refuses its
// tokens for a while. The keys before it are known until their tokens ended.
func (s *Service) RotateKeys(ctx context.Context, atOnce bool) ([]Key, error) {
	lead := RotationLead
	if atOnce {
		lead = 0
	}
	if err := s.tokens.ring.rotate(ctx, lead); err != nil {
		return nil, fmt.Errorf("identity: rotate keys: %w", err)
	}
	return s.Keys(), nil
}
