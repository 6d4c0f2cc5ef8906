package acswire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// SchemeHMAC is the name of the access-key scheme in the Authorization header.
const SchemeHMAC = "HMAC-SHA256"

// Errors of the access-key signature.
var (
	// ErrMalformedAuthorization says that the Authorization header is not one
	// of the access-key scheme, or a broken one.
	ErrMalformedAuthorization = errors.New("acswire: malformed access-key authorization")
	// ErrNoKey says that an empty key was given.
	ErrNoKey = errors.New("acswire: empty access key")
)

// ContentHash returns the value of the x-ms-content-sha256 header for a body.
func ContentHash(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// StringToSign joins what an access key signs. headers are the values of the
// signed headers in the order of their list.
func StringToSign(method, pathAndQuery string, headers []string) string {
	return strings.ToUpper(method) + "\n" + pathAndQuery + "\n" + strings.Join(headers, ";")
}

// Signature returns the signature bytes of a string under a decoded key.
func Signature(key []byte, stringToSign string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stringToSign))
	return mac.Sum(nil)
}

// Sign adds the date, content hash and Authorization headers of the
// access-key scheme to a request that will carry body. key is the decoded
// access key. The path and the query are signed as they will be sent. It
// fails only for an empty key or a request without a host.
func Sign(req *http.Request, key, body []byte, now time.Time) error {
	if len(key) == 0 {
		return ErrNoKey
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if host == "" {
		return fmt.Errorf("acswire: sign %s: the request has no host", req.Method)
	}
	host = withoutDefaultPort(req.URL.Scheme, host)
	date := now.UTC().Format(http.TimeFormat)
	hash := ContentHash(body)
	sig := Signature(key, StringToSign(req.Method, req.URL.RequestURI(), []string{date, host, hash}))
	req.Host = host
	req.Header.Set(HeaderMSDate, date)
	req.Header.Set(HeaderContentHash, hash)
	req.Header.Set(HeaderAuthorization, SchemeHMAC+" SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+
		base64.StdEncoding.EncodeToString(sig))
	return nil
}

// withoutDefaultPort drops the port that the scheme implies: SDKs sign and
// send the host without it.
func withoutDefaultPort(scheme, host string) string {
	h, port, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	if (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
		if strings.Contains(h, ":") {
			return "[" + h + "]"
		}
		return h
	}
	return host
}

// Authorization is a parsed access-key Authorization header.
type Authorization struct {
	// SignedHeaders are the names of the signed headers, lower case, in order.
	SignedHeaders []string
	// Signature is the decoded signature.
	Signature []byte
}

// IsAccessKey tells whether an Authorization header names the access-key scheme.
func IsAccessKey(header string) bool {
	scheme, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, SchemeHMAC)
}

// ParseAuthorization reads an access-key Authorization header. Its error is
// ErrMalformedAuthorization and never repeats the header.
func ParseAuthorization(header string) (Authorization, error) {
	if len(header) > maxAuthorizationHeaderSize || !IsAccessKey(header) {
		return Authorization{}, ErrMalformedAuthorization
	}
	_, rest, _ := strings.Cut(header, " ")
	var auth Authorization
	for part := range strings.SplitSeq(strings.TrimSpace(rest), "&") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Authorization{}, ErrMalformedAuthorization
		}
		var err error
		switch strings.ToLower(name) {
		case "signedheaders":
			if auth.SignedHeaders != nil {
				return Authorization{}, ErrMalformedAuthorization
			}
			auth.SignedHeaders, err = parseSignedHeaders(value)
		case "signature":
			if auth.Signature != nil {
				return Authorization{}, ErrMalformedAuthorization
			}
			auth.Signature, err = parseSignature(value)
		default:
			err = ErrMalformedAuthorization
		}
		if err != nil {
			return Authorization{}, err
		}
	}
	if auth.SignedHeaders == nil || auth.Signature == nil {
		return Authorization{}, ErrMalformedAuthorization
	}
	return auth, nil
}

// parseSignedHeaders reads the list and insists on what the scheme stands on:
// a date, the host and the body's hash, each once. A signature that leaves
// one of them out could be replayed elsewhere, later or with another body.
func parseSignedHeaders(value string) ([]string, error) {
	names := strings.Split(strings.ToLower(value), ";")
	if len(names) > maxSignedHeaders {
		return nil, ErrMalformedAuthorization
	}
	host, hash, date := false, false, false
	for i, n := range names {
		if n == "" || slices.Contains(names[:i], n) {
			return nil, ErrMalformedAuthorization
		}
		switch n {
		case "host":
			host = true
		case "x-ms-content-sha256":
			hash = true
		case "x-ms-date", "date":
			date = true
		}
	}
	if !host || !hash || !date {
		return nil, ErrMalformedAuthorization
	}
	return names, nil
}

func parseSignature(value string) ([]byte, error) {
	sig, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(sig) != sha256.Size {
		return nil, ErrMalformedAuthorization
	}
	return sig, nil
}

// FormEncodeQuery returns a request target whose query is serialized again as
// application/x-www-form-urlencoded, in the same order: some SDKs sign this
// form and send the other (azure-sdks 2.2). It reports false for a query that
// cannot be decoded.
func FormEncodeQuery(target string) (string, bool) {
	path, query, ok := strings.Cut(target, "?")
	if !ok || query == "" {
		return target, true
	}
	var b strings.Builder
	b.WriteString(path)
	sep := byte('?')
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return "", false
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return "", false
		}
		b.WriteByte(sep)
		sep = '&'
		formEscape(&b, n)
		b.WriteByte('=')
		formEscape(&b, v)
	}
	return b.String(), true
}

// formEscape follows the URL standard's form serialiser, which leaves
// A-Za-z0-9*-._ alone; the one in net/url escapes * and keeps ~.
func formEscape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ':
			b.WriteByte('+')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '*', c == '-', c == '.', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}
