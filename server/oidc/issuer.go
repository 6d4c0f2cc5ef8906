package oidc

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ErrConfiguration says that an issuer's configuration cannot be used.
var ErrConfiguration = errors.New("oidc: configuration")

// Use is what the tokens of an issuer are good for.
type Use string

// Uses of tokens.
const (
	// UseService is the data plane: what access keys are good for, too.
	UseService Use = "service"
	// UseManagement is the resource manager.
	UseManagement Use = "management"
	// UseExchange is to be exchanged for a user access token.
	UseExchange Use = "exchange"
)

// PossibleUses returns every use.
func PossibleUses() []Use { return []Use{UseService, UseManagement, UseExchange} }

// Audiences that the official SDKs ask tokens for.
const (
	AudienceService    = "https://communication.azure.com/"
	AudienceManagement = "https://management.azure.com/"
)

// PossibleAlgorithms returns the signature algorithms that are taken.
func PossibleAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

const tenantPlace = "{tenantid}"

// Issuer is an issuer that is trusted.
type Issuer struct {
	// URL is the issuer as its tokens have it, without "/.well-known/…";
	// {tenantid} stands for the tenant when there are several. Required.
	URL string
	// Audiences are those whom tokens may be for. None: AudienceService for
	// UseService and AudienceManagement for UseManagement, with and without the
	// slash at the end; for UseExchange they are required.
	Audiences []string
	// Algorithms are the signature algorithms taken. None: RS256 and ES256.
	Algorithms []string
	// Uses are what its tokens are good for. Required.
	Uses []Use
	// Tenants are those whose tokens are taken (claim tid). Required when the
	// URL has a place for them; none otherwise: any.
	Tenants []string
	// Resources are the names of the resources that UseService is for; none is
	// all of them.
	Resources []string
	// Claims are what tokens must say: a claim's name and a value that it has,
	// or that stands in its list or in its words.
	Claims map[string]string
	// RootCAs verify the issuer's certificate; nil is the system's authorities.
	RootCAs *x509.CertPool
}

// ParseIssuer reads an issuer from one line, as flags and configuration files
// have it: "issuer=URL;audience=A|B;use=service|management;tenant=T;resource=R;
// algorithm=RS256;claim=roles:Admin". The error wraps ErrConfiguration.
func ParseIssuer(line string) (Issuer, error) {
	i := Issuer{Claims: map[string]string{}}
	for part := range strings.SplitSeq(line, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return i, fmt.Errorf("%w: %q is not NAME=VALUE", ErrConfiguration, part)
		}
		values := strings.Split(value, "|")
		switch name {
		case "issuer":
			i.URL = value
		case "audience":
			i.Audiences = values
		case "algorithm":
			i.Algorithms = values
		case "tenant":
			i.Tenants = values
		case "resource":
			i.Resources = values
		case "use":
			for _, v := range values {
				i.Uses = append(i.Uses, Use(v))
			}
		case "claim":
			for _, v := range values {
				claim, want, ok := strings.Cut(v, ":")
				if !ok || claim == "" {
					return i, fmt.Errorf("%w: %q is not CLAIM:VALUE", ErrConfiguration, v)
				}
				i.Claims[claim] = want
			}
		default:
			return i, fmt.Errorf("%w: no setting is named %q; there are issuer, audience, use, tenant, resource, algorithm, claim", ErrConfiguration, name)
		}
	}
	return i, i.check()
}

// check says what is wrong.
func (i *Issuer) check() error {
	u, err := url.Parse(strings.ReplaceAll(i.URL, tenantPlace, "tenant"))
	if err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(u)) || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%w: issuer %q must be an https URL without a query", ErrConfiguration, i.URL)
	}
	if strings.Contains(i.URL, tenantPlace) && len(i.Tenants) == 0 {
		return fmt.Errorf("%w: issuer %s: the tenants must be listed", ErrConfiguration, i.URL)
	}
	if slices.Contains(i.Audiences, "") {
		return fmt.Errorf("%w: issuer %s: an audience is empty", ErrConfiguration, i.URL)
	}
	for _, a := range i.Algorithms {
		if !slices.Contains(PossibleAlgorithms(), a) {
			return fmt.Errorf("%w: issuer %s: the algorithm %q is not one of %s", ErrConfiguration, i.URL, a, strings.Join(PossibleAlgorithms(), ", "))
		}
	}
	return i.checkUses()
}

func (i *Issuer) checkUses() error {
	if len(i.Uses) == 0 {
		return fmt.Errorf("%w: issuer %s: say what its tokens are good for: use=service|management|exchange", ErrConfiguration, i.URL)
	}
	for _, use := range i.Uses {
		if !slices.Contains(PossibleUses(), use) {
			return fmt.Errorf("%w: issuer %s: no use is named %q", ErrConfiguration, i.URL, use)
		}
		if use == UseExchange && len(i.Audiences) == 0 {
			return fmt.Errorf("%w: issuer %s: tokens to exchange need an audience", ErrConfiguration, i.URL)
		}
	}
	return nil
}

// loopback tells whether plain http is no danger: an issuer on this machine.
func loopback(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

// audiences are those of a use.
func (i *Issuer) audiences(use Use) []string {
	if len(i.Audiences) > 0 {
		return i.Audiences
	}
	switch use {
	case UseService:
		return both(AudienceService)
	case UseManagement:
		return both(AudienceManagement)
	case UseExchange:
	}
	return nil
}

func both(audience string) []string {
	return []string{audience, strings.TrimSuffix(audience, "/")}
}

func (i *Issuer) algorithms() []string {
	if len(i.Algorithms) > 0 {
		return i.Algorithms
	}
	return []string{"RS256", "ES256"}
}

// issued tells whether a token's iss is this issuer's.
func (i *Issuer) issued(iss, tenant string) bool {
	if strings.Contains(i.URL, tenantPlace) {
		return tenant != "" && slices.Contains(i.Tenants, tenant) && iss == strings.ReplaceAll(i.URL, tenantPlace, tenant)
	}
	return iss == i.URL && (len(i.Tenants) == 0 || slices.Contains(i.Tenants, tenant))
}

// discovery is the URL under which the discovery document lies, and the issuer
// that it names. Entra has one document for all tenants under "common".
func (i *Issuer) discovery() (at, named string) {
	return strings.ReplaceAll(i.URL, tenantPlace, "common"), i.URL
}
