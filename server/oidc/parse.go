package oidc

import (
	"fmt"
	"strings"
)

// Entra ID's issuers of tokens of both versions, and where the document of the
// older one lies.
const (
	entraV2          = "https://login.microsoftonline.com/" + tenantPlace + "/v2.0"
	entraV1          = "https://sts.windows.net/" + tenantPlace + "/"
	entraV1Discovery = "https://login.microsoftonline.com/common"
)

// ParseIssuers reads issuers, as flags, the environment and configuration files
// have them: settings NAME=VALUE between semicolons, "|" between several values
// of one, white space between issuers.
//
//	issuer=URL       the issuer, as its tokens have it; {tenantid} for a tenant
//	entra=T|T        instead: Entra ID for these tenants, tokens v1 and v2
//	use=U|U          service, management, exchange
//	audience=A|A     for whom tokens must be
//	subject=S|S      who may come: sub, oid, appid, azp or client_id
//	claim=C:V|C:V    what tokens must say; one of the values of each claim
//	tenant=T|T       whose tokens are taken: tid
//	resource=R|R     the resources that use=service is for
//	algorithm=A|A    signature algorithms
//	discovery=URL    where the discovery document lies, if not at the issuer
//	ca=FILE          authorities of the issuer's certificate
//
// The error wraps ErrConfiguration.
func ParseIssuers(text string) ([]Issuer, error) {
	var all []Issuer
	for line := range strings.FieldsSeq(text) {
		some, err := parseIssuer(line)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no issuer is given", ErrConfiguration)
	}
	return all, nil
}

func parseIssuer(line string) ([]Issuer, error) {
	i := Issuer{Claims: map[string][]string{}}
	entra := false
	for part := range strings.SplitSeq(strings.TrimSuffix(line, ";"), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%w: %q is not NAME=VALUE", ErrConfiguration, part)
		}
		if name == "entra" {
			entra, name = true, "tenant"
		}
		if err := i.set(name, value); err != nil {
			return nil, err
		}
	}
	if !entra {
		return []Issuer{i}, i.check()
	}
	if i.URL != "" || i.Discovery != "" {
		return nil, fmt.Errorf("%w: entra=… says what the issuer is", ErrConfiguration)
	}
	older := i
	i.URL, older.URL, older.Discovery = entraV2, entraV1, entraV1Discovery
	return []Issuer{i, older}, i.check()
}

func (i *Issuer) set(name, value string) error {
	texts := map[string]*string{"issuer": &i.URL, "discovery": &i.Discovery, "ca": &i.CAFile}
	if text := texts[name]; text != nil {
		*text = value
		return nil
	}
	lists := map[string]*[]string{
		"audience": &i.Audiences, "algorithm": &i.Algorithms, "tenant": &i.Tenants, "resource": &i.Resources, "subject": &i.Subjects,
	}
	values := strings.Split(value, "|")
	if list := lists[name]; list != nil {
		*list = values
		return nil
	}
	switch name {
	case "use":
		for _, v := range values {
			i.Uses = append(i.Uses, Use(v))
		}
		return nil
	case "claim":
		for _, v := range values {
			claim, want, ok := strings.Cut(v, ":")
			if !ok || claim == "" {
				return fmt.Errorf("%w: %q is not CLAIM:VALUE", ErrConfiguration, v)
			}
			i.Claims[claim] = append(i.Claims[claim], want)
		}
		return nil
	}
	return fmt.Errorf("%w: no setting is named %q", ErrConfiguration, name)
}
