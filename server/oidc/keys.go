package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const (
	// askTime is how long an issuer may take to answer.
	askTime = 10 * time.Second
	// Keys are fetched again in the background when they are keysFresh old: one
	// that the issuer has withdrawn is good for no longer. When the issuer does
	// not answer they are used until they are keysGood old.
	keysFresh = time.Hour
	keysGood  = 24 * time.Hour
	// A token that names an unknown key makes us look for new ones: keysBurst
	// times at once, then every keysEvery.
	keysEvery = 5 * time.Second
	keysBurst = 3
	// maxAnswer bounds what an issuer may send; Entra's keys are some 20 kB.
	maxAnswer = 1 << 20
)

var (
	errUnknownKey = errors.New("oidc: no key of the issuer has signed the token")
	errPlain      = errors.New("oidc: the issuer's document names a plain http address")
)

// publicKey is a key of an issuer.
type publicKey struct {
	jose.JSONWebKey

	// issuer is whose tokens the key signs, which Entra says where its keys for
	// all tenants lie; empty when it does not say.
	issuer string
}

// signs tells whether the key may have signed tokens of an issuer.
func (k *publicKey) signs(iss, tenant string) bool {
	return k.issuer == "" || strings.ReplaceAll(k.issuer, tenantPlace, tenant) == iss
}

// source is where the keys of an issuer come from.
type source struct {
	at, named string // where discovery lies, and the issuer that it must name
	client    *http.Client
	limit     *rate.Limiter
	now       func() time.Time
	logger    *slog.Logger
	life      context.Context //nolint:containedctx // ends fetches that go on behind requests
	fetches   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	keys    []publicKey
	fetched time.Time     // when the keys were; zero before
	tried   time.Time     // when the last attempt ended
	failed  error         // of the last attempt
	running chan struct{} // closed when the attempt that runs has ended; nil when none does
}

func newSource(at, named string, roots *x509.CertPool, v *Verifier) *source {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: askTime, IdleConnTimeout: time.Minute, MaxIdleConns: 1,
	}
	return &source{
		at: at, named: named, now: v.now, logger: v.logger, life: v.life, limit: rate.NewLimiter(rate.Every(keysEvery), keysBurst),
		client: &http.Client{
			Transport: guarded{transport}, Timeout: askTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// close waits for what runs.
func (s *source) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.fetches.Wait()
	s.client.CloseIdleConnections()
}

// guarded bounds what an issuer's documents can make us do.
type guarded struct{ *http.Transport }

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL) {
		return nil, errPlain
	}
	resp, err := g.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = bounded{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

type bounded struct {
	io.Reader
	io.Closer
}

// verify returns the payload of a token that a key of the issuer has signed.
// The error is errUnknownKey, wraps ErrUnavailable, or is the context's.
func (s *source) verify(ctx context.Context, token *jose.JSONWebSignature, iss, tenant string) ([]byte, error) {
	keys, age := s.known()
	payload, ok := tryKeys(keys, token, iss, tenant)
	switch {
	case ok && age < keysFresh:
		return payload, nil
	case ok && age < keysGood:
		_, _ = s.fetch() // in the background
		return payload, nil
	}
	// There are no keys yet, they are too old, or new ones may have come.
	running, err := s.fetch()
	if err != nil {
		return nil, err
	}
	select {
	case <-running:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	keys, err = s.keys, s.failed
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if payload, ok = tryKeys(keys, token, iss, tenant); ok {
		return payload, nil
	}
	return nil, errUnknownKey
}

func (s *source) known() ([]publicKey, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys, s.now().Sub(s.fetched)
}

func tryKeys(keys []publicKey, token *jose.JSONWebSignature, iss, tenant string) ([]byte, bool) {
	head := token.Signatures[0].Header
	for i := range keys {
		k := &keys[i]
		if (head.KeyID != "" && k.KeyID != head.KeyID) || (k.Algorithm != "" && k.Algorithm != head.Algorithm) || !k.signs(iss, tenant) {
			continue
		}
		if payload, err := token.Verify(k.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// fetch begins to fetch the keys, unless that goes on already, and returns what
// is closed at its end. The error says why it does not: the last attempt
// failed, or succeeded, a moment ago.
func (s *source) fetch() (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return s.running, nil
	}
	now := s.now()
	if s.failed != nil && now.Sub(s.tried) < keysEvery {
		return nil, s.failed
	}
	if s.closed || !s.limit.AllowN(now, 1) {
		if s.fetched.IsZero() || now.Sub(s.fetched) >= keysGood {
			return nil, fmt.Errorf("%w: %s: asked too often", ErrUnavailable, s.named)
		}
		return nil, errUnknownKey
	}
	running := make(chan struct{})
	s.running = running
	s.fetches.Go(func() {
		keys, err := s.ask(s.life)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tried, s.failed, s.running = s.now(), nil, nil
		if err == nil {
			s.keys, s.fetched = keys, s.tried
		} else {
			s.failed = fmt.Errorf("%w: %s: %w", ErrUnavailable, s.named, err)
			s.logger.Warn("the keys of an issuer of bearer tokens cannot be fetched", "issuer", s.named, "error", err)
		}
		close(running)
	})
	return running, nil
}

// ask asks the issuer where its keys are, and for them.
func (s *source) ask(ctx context.Context) ([]publicKey, error) {
	ctx = oidc.ClientContext(ctx, s.client)
	if s.at != s.named {
		ctx = oidc.InsecureIssuerURLContext(ctx, s.named) // checked by Issuer.issued, with the tenant
	}
	provider, err := oidc.NewProvider(ctx, s.at)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, err
	}
	if u, err := url.Parse(document.Keys); err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: its document has no jwks_uri", ErrConfiguration)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, document.Keys, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its keys: %s", resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseKeys(body)
}

// parseKeys reads a JWK set. Keys that are no public keys for signatures, or
// that we cannot use, are left out (RFC 7517 5).
func parseKeys(set []byte) ([]publicKey, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(set, &document); err != nil {
		return nil, fmt.Errorf("its keys: %w", err)
	}
	var keys []publicKey
	for _, raw := range document.Keys {
		var k publicKey
		var more struct {
			Issuer string `json:"issuer"`
		}
		if k.UnmarshalJSON(raw) != nil || json.Unmarshal(raw, &more) != nil {
			continue
		}
		if !k.Valid() || !k.IsPublic() || (k.Use != "" && k.Use != "sig") {
			continue
		}
		k.issuer = more.Issuer
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: it has no key that signs", ErrConfiguration)
	}
	return keys, nil
}
