// Package fake makes user access tokens for tests: the clients read them, no
// service takes them. There is nothing else to fake in package common: it sends
// no requests of its own.
package fake

import (
	"encoding/base64"
	"fmt"
	"time"
)

// NewToken returns a token without a signature that ends at expires.
func NewToken(expires time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(fmt.Appendf(nil, `{"exp":%d}`, expires.Unix())) + "."
}
