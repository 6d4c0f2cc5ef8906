package limits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrRules says that a file of limits does not make sense.
var ErrRules = errors.New("limits: bad rules")

const (
	maxRequests = 1 << 20
	maxFile     = 1 << 20
)

// Load returns the limiter that the operator asks for: "off" or nothing, "acs",
// or the path of a file.
func Load(what string, now func() time.Time) (*Limiter, error) {
	switch what {
	case "", "off":
		return nil, nil //nolint:nilnil // a nil Limiter lets everything pass
	case "acs":
		return New(ACS(), now), nil
	}
	data, err := os.ReadFile(what)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	rules, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return New(rules, now), nil
}

// ACS returns the limits that ACS publishes for what is served here.
func ACS() []Rule {
	per30s := func(n int) []Window { return []Window{{Requests: n, Per: 30 * time.Second}} }
	return append(acsChat(), []Rule{
		{Name: "create users", Operations: []string{acswire.OpIdentityCreate, acswire.OpIdentityCreateV2020}, Without: "createTokenWithScopes", Allow: per30s(1000)},
		{Name: "create users with tokens", Operations: []string{acswire.OpIdentityCreate}, With: "createTokenWithScopes", Allow: per30s(1000)},
		{Name: "issue tokens", Operations: []string{acswire.OpIdentityIssueAccessToken, acswire.OpIdentityIssueTokenV2020}, Allow: per30s(1000)},
		{Name: "delete users", Operations: []string{acswire.OpIdentityDelete, acswire.OpIdentityDeleteV2020}, Allow: per30s(500)},
		{Name: "revoke tokens", Operations: []string{acswire.OpIdentityRevokeAccessTokens, acswire.OpIdentityUpdateV2020}, Allow: per30s(500)},
		{Name: "exchange tokens", Operations: []string{
			acswire.OpIdentityExchangeTeamsUser, acswire.OpIdentityExchangeEntra, acswire.OpTeamsExtensionExchange,
		}, Allow: per30s(500)},
	}...)
}

type file struct {
	Limits []fileRule `yaml:"limits"`
}

type fileRule struct {
	Name       string   `yaml:"name"`
	Operations []string `yaml:"operations"`
	Scope      string   `yaml:"scope"`
	With       string   `yaml:"with"`
	Without    string   `yaml:"without"`
	Allow      []struct {
		Requests int           `yaml:"requests"`
		Per      time.Duration `yaml:"per"`
	} `yaml:"allow"`
}

// Parse reads a file of limits. Its error wraps ErrRules.
func Parse(data []byte) ([]Rule, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrRules, maxFile)
	}
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	known := map[string]bool{}
	for _, area := range acswire.Areas() {
		for _, o := range acswire.Operations(area) {
			known[o.ID] = true
		}
	}
	rules := make([]Rule, 0, len(f.Limits))
	for i, r := range f.Limits {
		if r.Name == "" {
			r.Name = fmt.Sprintf("limit %d", i+1)
		}
		rule, err := r.rule(known)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrRules, r.Name, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (r *fileRule) rule(known map[string]bool) (Rule, error) {
	rule := Rule{Name: r.Name, Operations: r.Operations, With: r.With, Without: r.Without}
	var err error
	if rule.Scope, rule.Parameter, err = parseScope(r.Scope); err != nil {
		return Rule{}, err
	}
	if len(r.Operations) == 0 {
		return Rule{}, errors.New("no operations")
	}
	for _, o := range r.Operations {
		if !known[o] {
			return Rule{}, fmt.Errorf("there is no operation %q", o)
		}
	}
	if len(r.Allow) == 0 {
		return Rule{}, errors.New("nothing is allowed")
	}
	for _, w := range r.Allow {
		if w.Requests < 1 || w.Requests > maxRequests || w.Per <= 0 {
			return Rule{}, fmt.Errorf("a window takes 1 to %d requests in a time above zero", maxRequests)
		}
		rule.Allow = append(rule.Allow, Window{Requests: w.Requests, Per: w.Per})
	}
	return rule, nil
}

func parseScope(s string) (scope Scope, parameter string, err error) {
	switch {
	case s == "" || s == "resource":
		return ScopeResource, "", nil
	case s == "user":
		return ScopeUser, "", nil
	case strings.HasPrefix(s, "user {") && strings.HasSuffix(s, "}") && len(s) > len("user {}"):
		return ScopeUserValue, s[len("user {") : len(s)-1], nil
	case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") && len(s) > 2:
		return ScopeValue, s[1 : len(s)-1], nil
	}
	return 0, "", fmt.Errorf("the scope %q is none of resource, user, {parameter}, user {parameter}", s)
}
