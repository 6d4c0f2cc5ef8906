// Package guid holds the identifiers of resources and users: 16 random bytes,
// written as a UUID.
package guid

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrInvalid says that a text is not a GUID.
var ErrInvalid = errors.New("guid: not a GUID")

// GUID is an identifier. The zero value is none.
type GUID [16]byte

// New draws a GUID (RFC 9562 5.4).
func New() GUID {
	var g GUID
	_, _ = rand.Read(g[:]) // crypto/rand.Read never fails since Go 1.24
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// String returns the GUID in lower case, 8-4-4-4-12.
func (g GUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], g[0:4])
	hex.Encode(b[9:13], g[4:6])
	hex.Encode(b[14:18], g[6:8])
	hex.Encode(b[19:23], g[8:10])
	hex.Encode(b[24:36], g[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// IsZero tells whether the GUID is unset.
func (g GUID) IsZero() bool { return g == GUID{} }

// Parse reads what String writes; upper-case digits are taken too. The error
// wraps ErrInvalid.
func Parse(s string) (GUID, error) {
	var g GUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return GUID{}, ErrInvalid
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(g[:], []byte(digits)); err != nil {
		return GUID{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return g, nil
}

// FromBytes reads the 16 bytes that a GUID is stored as. The error is ErrInvalid.
func FromBytes(b []byte) (GUID, error) {
	if len(b) != len(GUID{}) {
		return GUID{}, ErrInvalid
	}
	return GUID(b), nil
}
