package oidc

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// Errors of Verify.
var (
	// ErrTokenInvalid says that a token is not good for the use.
	ErrTokenInvalid = errors.New("oidc: invalid token")
	// ErrTokenExpired says that it was good once.
	ErrTokenExpired = errors.New("oidc: token expired")
	// ErrUnavailable says that the issuer could not be asked for its keys.
	ErrUnavailable = errors.New("oidc: the issuer cannot be reached")
)

const (
	// Tokens of Entra with many groups have some kilobytes.
	maxToken     = 32 << 10
	askTime      = 10 * time.Second
	keysEvery    = 5 * time.Second
	discoverWait = 5 * time.Second
	// leeway is how far the clocks of issuer and service may be apart.
	leeway = time.Minute
)

// Subject is whom a token stands for.
type Subject struct {
	Issuer, Subject string
	// ObjectID, TenantID, AppID and UPN are empty when the token does not say.
	ObjectID, TenantID, AppID, UPN string
	Expires                        time.Time
	// Resources are the names of the resources it is for; none is all.
	Resources []string
}

// Verifier checks tokens. Its methods may be called from any goroutine.
type Verifier struct {
	issuers []*issuer
	local   *Local
	now     func() time.Time
}

// New returns a verifier. local may be nil. The error wraps ErrConfiguration.
func New(issuers []Issuer, local *Local, now func() time.Time) (*Verifier, error) {
	if now == nil {
		now = time.Now
	}
	v := &Verifier{local: local, now: now}
	for _, i := range issuers {
		if err := i.check(); err != nil {
			return nil, err
		}
		v.issuers = append(v.issuers, newIssuer(i, now))
	}
	return v, nil
}

// Close closes idle connections to the issuers.
func (v *Verifier) Close() {
	for _, i := range v.issuers {
		i.client.CloseIdleConnections()
	}
}

// Any tells whether tokens of a use can be good.
func (v *Verifier) Any(use Use) bool {
	return (v.local != nil && use == UseManagement) || slices.ContainsFunc(v.issuers, func(i *issuer) bool { return slices.Contains(i.Uses, use) })
}

// Verify tells whom a token stands for. The error is ErrTokenInvalid,
// ErrTokenExpired or wraps ErrUnavailable; it repeats nothing of the token.
func (v *Verifier) Verify(ctx context.Context, token string, use Use) (Subject, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return Subject{}, ErrTokenInvalid
	}
	said, err := peek(token)
	if err != nil {
		return Subject{}, ErrTokenInvalid
	}
	if v.local != nil && said.Issuer == localIssuer {
		return v.local.verify(token, use)
	}
	for _, i := range v.issuers {
		if slices.Contains(i.Uses, use) && i.issued(said.Issuer, said.Tenant) {
			return i.verify(ctx, token, use, said)
		}
	}
	return Subject{}, ErrTokenInvalid
}

// claims are what is read of a token.
type claims struct {
	Issuer   string `json:"iss"`
	Tenant   string `json:"tid"`
	ObjectID string `json:"oid"`
	AppID    string `json:"appid"`
	AZP      string `json:"azp"`
	Client   string `json:"client_id"` // RFC 9068 2.2
	UPN      string `json:"upn"`
	Name     string `json:"preferred_username"`
}

// peek reads the payload of a token that nobody has verified: it says whose
// keys to verify it with, no more.
func peek(token string) (claims, error) {
	var c claims
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(payload, &c)
}

// issuer is a trusted issuer and what was learned of it.
type issuer struct {
	Issuer

	now    func() time.Time
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	asked    time.Time
	failed   error
}

// errTooOften says that the keys were fetched a moment ago.
var errTooOften = errors.New("keys were fetched a moment ago")

// throttled bounds how often an issuer is asked: a token with a key id of its
// sender's own invention makes us look.
type throttled struct {
	next  *http.Transport
	limit *rate.Limiter
}

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (t *throttled) CloseIdleConnections() { t.next.CloseIdleConnections() }

func (t *throttled) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.limit.Allow() {
		return nil, errTooOften
	}
	return t.next.RoundTrip(r)
}

func newIssuer(i Issuer, now func() time.Time) *issuer {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: i.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: askTime, IdleConnTimeout: time.Minute, MaxIdleConns: 1,
	}
	// Discovery and the first keys come at once; after that it is patient.
	limit := rate.NewLimiter(rate.Every(keysEvery), 3)
	return &issuer{Issuer: i, now: now, client: &http.Client{
		Transport: &throttled{transport, limit}, Timeout: askTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// discover asks the issuer for its keys' address, the first time and, when that
// failed, again after a while.
func (i *issuer) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	if i.failed != nil && i.now().Sub(i.asked) < discoverWait {
		return nil, i.failed
	}
	i.asked = i.now()
	at, named := i.discovery()
	// The context lives on in the key set: it is not that of the request.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), i.client)
	if at != named {
		ctx = oidc.InsecureIssuerURLContext(ctx, named) // checked by issued, with the tenant
	}
	provider, err := oidc.NewProvider(ctx, at)
	if err != nil {
		i.failed = fmt.Errorf("%w: %s: %w", ErrUnavailable, i.URL, err)
		return nil, i.failed
	}
	i.failed = nil
	i.verifier = provider.VerifierContext(ctx, &oidc.Config{
		SupportedSigningAlgs: i.algorithms(), Now: func() time.Time { return i.now().Add(-leeway) },
		SkipClientIDCheck: true, // several audiences: checked below
		SkipIssuerCheck:   true, // issued has checked it
	})
	return i.verifier, nil
}

func (i *issuer) verify(ctx context.Context, token string, use Use, said claims) (Subject, error) {
	verifier, err := i.discover(ctx)
	if err != nil {
		return Subject{}, err
	}
	good, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Subject{}, ErrTokenExpired
	case err != nil && strings.Contains(err.Error(), errTooOften.Error()): // the library does not wrap it
		return Subject{}, ErrTokenInvalid
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return Subject{}, fmt.Errorf("%w: %s: %w", ErrUnavailable, i.URL, err)
	case err != nil:
		return Subject{}, ErrTokenInvalid
	}
	if !slices.ContainsFunc(i.audiences(use), func(a string) bool { return slices.Contains(good.Audience, a) }) {
		return Subject{}, ErrTokenInvalid
	}
	var all map[string]any
	if err := good.Claims(&all); err != nil || !i.entitled(all) {
		return Subject{}, ErrTokenInvalid
	}
	s := Subject{
		Issuer: said.Issuer, Subject: good.Subject, ObjectID: said.ObjectID, TenantID: said.Tenant, AppID: said.AppID,
		UPN: said.UPN, Expires: good.Expiry, Resources: i.Resources,
	}
	s.AppID = cmp.Or(s.AppID, said.AZP, said.Client)
	s.UPN = cmp.Or(s.UPN, said.Name)
	return s, nil
}

// entitled tells whether a token has the claims asked for.
func (i *issuer) entitled(all map[string]any) bool {
	for name, want := range i.Claims {
		var has bool
		switch v := all[name].(type) {
		case string:
			has = v == want || slices.Contains(strings.Fields(v), want)
		case []any:
			has = slices.Contains(v, any(want))
		default:
			has = v != nil && fmt.Sprint(v) == want
		}
		if !has {
			return false
		}
	}
	return true
}
