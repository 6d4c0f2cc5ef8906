package identity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// verifiedSlots bounds how many tokens are remembered.
const verifiedSlots = 1 << 13

// verified remembers tokens whose signature was found good: to check one costs
// more than the rest of a small request. A token is known by its hash only.
type verified struct {
	slots [verifiedSlots]atomic.Pointer[verifiedToken]
}

// verifiedToken is one of them; it never changes.
type verifiedToken struct {
	hash   [sha256.Size]byte
	key    string // the id of its signing key
	claims Claims
	// checked is the generation of revocations, counted from 1, of which the user
	// was found to be there and the token not revoked; 0 is none.
	checked uint64
}

func (v *verified) slot(hash *[sha256.Size]byte) *atomic.Pointer[verifiedToken] {
	return &v.slots[binary.LittleEndian.Uint64(hash[:])%verifiedSlots]
}

// find returns what is remembered of a token, nil if nothing is.
func (v *verified) find(hash *[sha256.Size]byte) *verifiedToken {
	if t := v.slot(hash).Load(); t != nil && t.hash == *hash {
		return t
	}
	return nil
}

// keep remembers a token in place of another one.
func (v *verified) keep(t *verifiedToken) { v.slot(&t.hash).Store(t) }

// check reads a token as parse does, unless it is remembered: then its key must
// still be known, and its time not over.
func (t *tokens) check(ctx context.Context, token string) (*verifiedToken, error) {
	if len(token) > maxToken {
		return nil, ErrTokenInvalid
	}
	hash := sha256.Sum256([]byte(token))
	if known := t.verified.find(&hash); known != nil && t.ring.find(known.key) != nil {
		if err := known.claims.timely(t.now()); err != nil {
			return nil, err
		}
		return known, nil
	}
	claims, key, err := t.parse(ctx, token)
	if err != nil {
		return nil, err
	}
	made := &verifiedToken{hash: hash, key: key, claims: claims}
	t.verified.keep(made)
	return made, nil
}

// timely checks the times of a token as parse does.
func (c *Claims) timely(now time.Time) error {
	switch {
	case !now.Before(c.Expires):
		return ErrTokenExpired
	case c.IssuedAt.After(now.Add(clockLeeway)):
		return ErrTokenInvalid
	default:
		return nil
	}
}
