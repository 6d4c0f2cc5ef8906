package acswire

import (
	"net/url"
	"strings"
)

// EscapePathValue percent-encodes a value of a path as the SDKs do: everything
// but letters, digits and "-._~" (RFC 3986 2.3).
func EscapePathValue(value string) string {
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}
