package core

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxChallenge bounds the WWW-Authenticate header that is looked at.
const maxChallenge = 16 << 10

// claimsChallenge reads the claims that a token lacks from the values of
// WWW-Authenticate: those of a Bearer challenge with the error
// insufficient_claims, base64 of a JSON object. It returns "" when there is
// none that can be read.
func claimsChallenge(headers []string) string {
	for _, header := range headers {
		if len(header) > maxChallenge {
			continue
		}
		for _, c := range parseChallenges(header) {
			if !strings.EqualFold(c.scheme, "Bearer") || c.params["error"] != "insufficient_claims" {
				continue
			}
			if claims := decodeClaims(c.params["claims"]); claims != "" {
				return claims
			}
		}
	}
	return ""
}

func decodeClaims(s string) string {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	data, err := base64.RawStdEncoding.DecodeString(s)
	var object map[string]any
	if err != nil || json.Unmarshal(data, &object) != nil || object == nil {
		return ""
	}
	return string(data)
}

// authChallenge is one way to prove oneself that a service names.
type authChallenge struct {
	scheme string
	params map[string]string // names in lower case
}

// parseChallenges reads a value of WWW-Authenticate (RFC 9110 11.6.1): schemes
// with parameters, all with commas between them, so that only an equals sign
// tells a parameter from the next scheme. It stops where it cannot read on.
func parseChallenges(s string) []authChallenge {
	var all []authChallenge
	for {
		s = strings.TrimLeft(s, " \t,")
		name, rest := cutToken(s)
		if name == "" {
			return all
		}
		value, isParam := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
		switch {
		case !isParam:
			all = append(all, authChallenge{scheme: name, params: map[string]string{}})
			s = rest
			continue
		case len(all) == 0:
			return all
		}
		var text string
		if text, s = paramValue(strings.TrimLeft(value, " \t")); text != "" {
			all[len(all)-1].params[strings.ToLower(name)] = text
		}
	}
}

// cutToken cuts a token (RFC 9110 5.6.2) off.
func cutToken(s string) (name, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// paramValue cuts a token or a quoted string (RFC 9110 5.6.4) off; without a
// closing quote it is empty.
func paramValue(s string) (value, rest string) {
	quoted, ok := strings.CutPrefix(s, `"`)
	if !ok {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			return s, ""
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '"':
			return b.String(), quoted[i+1:]
		case '\\':
			if i++; i == len(quoted) {
				return "", ""
			}
		}
		b.WriteByte(quoted[i])
	}
	return "", ""
}
