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
	// Subjects are who may come: the subject, the object id or the id of the
	// application of a token must be among them. None is everyone whom the issuer
	// gives a token for the audience.
	Subjects []string
	// Claims are what tokens must say: for each name, the claim must have one of
	// the values, or have it in its list or among its words.
	Claims map[string][]string
	// Discovery is where "/.well-known/openid-configuration" lies when that is
	// not the URL.
	Discovery string
	// CAFile holds the certificates of the authorities that verify the issuer's;
	// RootCAs are the same as a value. Neither: the system's.
	CAFile  string
	RootCAs *x509.CertPool
}

// check says what is wrong.
func (i *Issuer) check() error {
	if !isIssuer(strings.ReplaceAll(i.URL, tenantPlace, "tenant")) {
		return fmt.Errorf("%w: issuer %q must be an https URL without a query", ErrConfiguration, i.URL)
	}
	if i.Discovery != "" && !isIssuer(i.Discovery) {
		return fmt.Errorf("%w: issuer %s: discovery %q must be an https URL without a query", ErrConfiguration, i.URL, i.Discovery)
	}
	if strings.Contains(i.URL, tenantPlace) && len(i.Tenants) == 0 {
		return fmt.Errorf("%w: issuer %s: the tenants must be listed", ErrConfiguration, i.URL)
	}
	for name, list := range map[string][]string{"audience": i.Audiences, "tenant": i.Tenants, "subject": i.Subjects, "resource": i.Resources} {
		if slices.Contains(list, "") {
			return fmt.Errorf("%w: issuer %s: %s is empty", ErrConfiguration, i.URL, name)
		}
	}
	for _, a := range i.Algorithms {
		if !slices.Contains(PossibleAlgorithms(), a) {
			return fmt.Errorf("%w: issuer %s: the algorithm %q is not one of %s", ErrConfiguration, i.URL, a, strings.Join(PossibleAlgorithms(), ", "))
		}
	}
	return i.checkUses()
}

func isIssuer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || loopback(u)) && u.RawQuery == "" && u.Fragment == ""
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
		return tenant != "" && i.knows(tenant) && iss == strings.ReplaceAll(i.URL, tenantPlace, tenant)
	}
	return iss == i.URL && (len(i.Tenants) == 0 || i.knows(tenant))
}

func (i *Issuer) knows(tenant string) bool {
	return slices.ContainsFunc(i.Tenants, func(t string) bool { return strings.EqualFold(t, tenant) })
}

// discovery is the URL under which the discovery document lies, and the issuer
// that it names. Entra has one document for all tenants under "common".
func (i *Issuer) discovery() (at, named string) {
	if i.Discovery != "" {
		return i.Discovery, i.URL
	}
	return strings.ReplaceAll(i.URL, tenantPlace, "common"), i.URL
}
