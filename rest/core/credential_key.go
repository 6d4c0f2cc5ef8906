package core

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrPlainHTTP says that a credential was not sent because the endpoint is
// plain http. ClientOptions.AllowPlainHTTP allows it.
var ErrPlainHTTP = errors.New("core: credentials are not sent over plain http")

const redacted = "REDACTED"

// KeyCredential is an access key of a resource. It is safe for many goroutines
// and never shows its key.
type KeyCredential struct {
	key atomic.Pointer[[]byte]
}

// NewKeyCredential takes a key as the resource shows it, in base64. The error
// is ErrInvalidKey.
func NewKeyCredential(key string) (*KeyCredential, error) {
	c := &KeyCredential{}
	if err := c.Update(key); err != nil {
		return nil, err
	}
	return c, nil
}

// Update replaces the key, after a rotation for example. Requests that are
// under way keep the old one. The error is ErrInvalidKey; then the old key stays.
func (c *KeyCredential) Update(key string) error {
	decoded, err := decodeKey(key)
	if err != nil {
		return err
	}
	c.key.Store(&decoded)
	return nil
}

// String returns REDACTED.
func (*KeyCredential) String() string { return redacted }

// GoString returns REDACTED.
func (*KeyCredential) GoString() string { return redacted }

// LogValue returns REDACTED.
func (*KeyCredential) LogValue() slog.Value { return slog.StringValue(redacted) }

// KeyPolicyOptions configure a policy of NewKeyPolicy.
type KeyPolicyOptions struct {
	// AllowPlainHTTP signs requests that go over http too.
	AllowPlainHTTP bool
	// Now is the clock of the signature's date; nil is time.Now.
	Now func() time.Time
}

// NewKeyPolicy returns the policy that signs each try with an access key
// (HMAC-SHA256 over method, path, query, date, host and the body's hash). Its
// errors are ErrPlainHTTP and, for a nil credential, ErrInvalidParameter.
func NewKeyPolicy(credential *KeyCredential, options *KeyPolicyOptions) Policy {
	if options == nil {
		options = &KeyPolicyOptions{}
	}
	now := options.Now
	if now == nil {
		now = time.Now
	}
	allowed := options.AllowPlainHTTP
	return PolicyFunc(func(req *Request) (*http.Response, error) {
		if err := checkSecure(req, allowed); err != nil {
			return nil, err
		}
		if credential == nil || credential.key.Load() == nil {
			return nil, NonRetriable(fmt.Errorf("%w: no access key", ErrInvalidParameter))
		}
		if err := acswire.Sign(req.raw, *credential.key.Load(), req.body, now()); err != nil {
			return nil, NonRetriable(fmt.Errorf("core: sign the request: %w", err))
		}
		return req.Next()
	})
}

func checkSecure(req *Request, plainHTTPAllowed bool) error {
	if req.raw.URL.Scheme != "https" && !plainHTTPAllowed {
		return NonRetriable(ErrPlainHTTP)
	}
	return nil
}
