package oidc

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
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
	maxToken = 32 << 10
	// leeway is how far the clock of an issuer may be ahead or behind. For a
	// token that is not yet valid the library adds five minutes of its own,
	// which together are four.
	leeway = time.Minute
)

// Subject is whom a token stands for.
type Subject struct {
	Issuer, Subject string
	// ObjectID, TenantID, AppID and UPN are empty when the token does not say.
	ObjectID, TenantID, AppID, UPN string
	// Groups are those that the token names.
	Groups  []string
	Expires time.Time
	// Resources are the names of the resources it is for; none is all.
	Resources []string
}

// Options configure a verifier.
type Options struct {
	// Issuers are the issuers that are trusted, each for what it says.
	Issuers []Issuer
	// Local is the service's own issuer; nil for none.
	Local *Local
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger hears of issuers that cannot be asked; nil is silent. No token
	// reaches it.
	Logger *slog.Logger
}

// Verifier checks tokens. Its methods may be called from any goroutine.
type Verifier struct {
	issuers []*issuer
	sources []*source
	local   *Local
	now     func() time.Time
	logger  *slog.Logger
	life    context.Context //nolint:containedctx // of the fetches that go on behind requests
	cancel  context.CancelFunc
}

// issuer is a trusted issuer and where its keys come from.
type issuer struct {
	Issuer

	source *source
}

// New returns a verifier; close it when done. It asks no issuer. The error wraps
// ErrConfiguration.
func New(options Options) (*Verifier, error) {
	v := &Verifier{local: options.Local, now: options.Now, logger: options.Logger}
	if v.now == nil {
		v.now = time.Now
	}
	if v.logger == nil {
		v.logger = slog.New(slog.DiscardHandler)
	}
	v.life, v.cancel = context.WithCancel(context.Background())
	for _, i := range options.Issuers {
		if err := v.add(i); err != nil {
			v.cancel()
			return nil, err
		}
	}
	return v, nil
}

// add trusts an issuer. Entries for the same one share its keys.
func (v *Verifier) add(i Issuer) error {
	if err := i.check(); err != nil {
		return err
	}
	if i.CAFile != "" {
		pem, err := os.ReadFile(i.CAFile)
		if err != nil {
			return fmt.Errorf("%w: issuer %s: %w", ErrConfiguration, i.URL, err)
		}
		i.RootCAs = x509.NewCertPool()
		if !i.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%w: issuer %s: %s holds no certificate", ErrConfiguration, i.URL, i.CAFile)
		}
	}
	at, named := i.discovery()
	for _, old := range v.issuers {
		if old.source.at == at && old.source.named == named && old.CAFile == i.CAFile && (i.CAFile != "" || old.RootCAs == i.RootCAs) {
			v.issuers = append(v.issuers, &issuer{i, old.source})
			return nil
		}
	}
	s := newSource(at, named, i.RootCAs, v)
	v.sources = append(v.sources, s)
	v.issuers = append(v.issuers, &issuer{i, s})
	return nil
}

// Close ends what goes on with the issuers and closes the connections to them.
// Tokens cannot be checked any more.
func (v *Verifier) Close() {
	v.cancel()
	for _, s := range v.sources {
		s.close()
	}
}

// Any tells whether tokens of a use can be good.
func (v *Verifier) Any(use Use) bool {
	return (v.local != nil && use == UseManagement) || slices.ContainsFunc(v.issuers, func(i *issuer) bool { return slices.Contains(i.Uses, use) })
}

// Verify tells whom a token stands for. The error is ErrTokenInvalid,
// ErrTokenExpired, wraps ErrUnavailable or is the context's; it repeats nothing
// of the token.
func (v *Verifier) Verify(ctx context.Context, token string, use Use) (Subject, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return Subject{}, ErrTokenInvalid
	}
	said, err := peek(token)
	if err != nil {
		return Subject{}, ErrTokenInvalid
	}
	if v.local != nil && said.text("iss") == localIssuer {
		return v.local.verify(token, use)
	}
	var found []Subject
	failure := ErrTokenInvalid
	for _, i := range v.issuers {
		if !slices.Contains(i.Uses, use) || !i.issued(said.text("iss"), said.text("tid")) {
			continue
		}
		s, err := i.verify(ctx, token, use, said)
		if err == nil {
			found = append(found, s)
		} else if errors.Is(failure, ErrTokenInvalid) {
			failure = err
		}
	}
	if len(found) == 0 {
		return Subject{}, failure
	}
	return joined(found), nil
}

// joined is the subject that several entries let in: it may do what any of them
// allows.
func joined(found []Subject) Subject {
	s := found[0]
	for _, other := range found[1:] {
		if len(s.Resources) == 0 || len(other.Resources) == 0 {
			s.Resources = nil
			continue
		}
		s.Resources = slices.Concat(s.Resources, other.Resources)
	}
	return s
}

// claims are what a token says, by the exact names.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// list returns the texts of a claim that is a list.
func (c claims) list(name string) (texts []string) {
	values, _ := c[name].([]any)
	for _, v := range values {
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// has tells whether a claim is one of the values, or has one of them in its
// list or among its words.
func (c claims) has(name string, values []string) bool {
	is := func(v any) bool { return slices.Contains(values, fmt.Sprint(v)) }
	switch v := c[name].(type) {
	case nil, map[string]any:
		return false
	case string:
		return is(v) || slices.ContainsFunc(strings.Fields(v), func(word string) bool { return is(word) })
	case []any:
		return slices.ContainsFunc(v, is)
	default: // a number, a truth value
		return is(v)
	}
}

func parseClaims(payload []byte) (claims, error) {
	c := claims{}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	return c, d.Decode(&c)
}

// peek reads the payload of a token that nobody has verified: it says whose
// keys to verify it with, no more.
func peek(token string) (claims, error) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return nil, err
	}
	return parseClaims(payload)
}

// checked is the key set for one token: it keeps the error, which the library
// wraps out of sight.
type checked struct {
	source      *source
	algorithms  []jose.SignatureAlgorithm
	iss, tenant string
	err         error
}

// VerifySignature implements the library's KeySet.
func (c *checked) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	jws, err := jose.ParseSigned(token, c.algorithms)
	if err == nil && len(jws.Signatures) == 1 {
		payload, c.err = c.source.verify(ctx, jws, c.iss, c.tenant)
		return payload, c.err
	}
	return nil, ErrTokenInvalid
}

func (i *issuer) verify(ctx context.Context, token string, use Use, said claims) (Subject, error) {
	keys := &checked{source: i.source, iss: said.text("iss"), tenant: said.text("tid")}
	for _, a := range i.algorithms() {
		keys.algorithms = append(keys.algorithms, jose.SignatureAlgorithm(a))
	}
	good, err := oidc.NewVerifier(keys.iss, keys, &oidc.Config{
		SupportedSigningAlgs: i.algorithms(), Now: func() time.Time { return i.source.now().Add(-leeway) },
		SkipClientIDCheck: true, // several audiences: checked below
	}).Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Subject{}, ErrTokenExpired
	case keys.err != nil && !errors.Is(keys.err, errUnknownKey):
		return Subject{}, keys.err
	case err != nil:
		return Subject{}, ErrTokenInvalid
	}
	var payload json.RawMessage
	if err := good.Claims(&payload); err != nil {
		return Subject{}, ErrTokenInvalid
	}
	all, err := parseClaims(payload)
	if err != nil || !i.entitled(use, good, all) {
		return Subject{}, ErrTokenInvalid
	}
	return Subject{
		Issuer: good.Issuer, Subject: good.Subject, ObjectID: all.text("oid"), TenantID: all.text("tid"),
		AppID: cmp.Or(all.text("appid"), all.text("azp"), all.text("client_id")), // RFC 9068 2.2
		UPN:   cmp.Or(all.text("upn"), all.text("preferred_username")), Expires: good.Expiry, Resources: i.Resources,
		Groups: all.list("groups"),
	}, nil
}

// entitled tells whether a verified token is for us, and says what it must.
func (i *issuer) entitled(use Use, token *oidc.IDToken, all claims) bool {
	if !slices.ContainsFunc(i.audiences(use), func(a string) bool { return slices.Contains(token.Audience, a) }) {
		return false
	}
	// Entra says so of tokens that no user has asked for: an application is
	// nobody that could be exchanged for a user.
	if use == UseExchange && all.text("idtyp") == "app" {
		return false
	}
	if len(i.Subjects) > 0 {
		one := func(name string) bool { return all[name] != nil && slices.Contains(i.Subjects, all.text(name)) }
		if !slices.ContainsFunc(subjectClaims(), one) {
			return false
		}
	}
	for name, values := range i.Claims {
		if !all.has(name, values) {
			return false
		}
	}
	return true
}

// subjectClaims are the claims that say who asks.
func subjectClaims() []string { return []string{"sub", "oid", "appid", "azp", "client_id"} }
