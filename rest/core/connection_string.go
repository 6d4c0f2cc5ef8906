package core

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Errors of connection strings, endpoints and parameters.
var (
	// ErrInvalidConnectionString says that a text is not a connection string.
	ErrInvalidConnectionString = errors.New("core: invalid connection string")
	// ErrInvalidEndpoint says that a text is not the root of an http or https server.
	ErrInvalidEndpoint = errors.New("core: invalid endpoint url")
	// ErrInvalidKey says that an access key is not base64.
	ErrInvalidKey = errors.New("core: the access key is not base64")
	// ErrInvalidParameter says that a parameter that builds the URL, or the
	// request itself, is missing or cannot be sent.
	ErrInvalidParameter = errors.New("core: invalid parameter")
)

// ConnectionString is a parsed connection string of a resource. It holds a
// secret, which its credential does not show.
type ConnectionString struct {
	// Endpoint is the root URL of the resource, without a slash at its end.
	Endpoint string
	// Credential is made of the access key.
	Credential *KeyCredential
}

var connectionStringPattern = regexp.MustCompile(`(?is)^endpoint=([^;]+);accesskey=([^;]+);?$`)

// ParseConnectionString reads "endpoint=URL;accesskey=BASE64". The names may be
// in any case but not in another order; a slash behind the URL and a semicolon
// behind the key are fine; a path in the URL is not. Spaces around it all are
// dropped. The error wraps ErrInvalidConnectionString, and ErrInvalidEndpoint
// or ErrInvalidKey when that is why; it never shows the key.
func ParseConnectionString(s string) (ConnectionString, error) {
	parts := connectionStringPattern.FindStringSubmatch(strings.TrimSpace(s))
	if parts == nil {
		return ConnectionString{}, fmt.Errorf("%w: want endpoint=URL;accesskey=KEY", ErrInvalidConnectionString)
	}
	endpoint, err := parseEndpoint(parts[1])
	if err != nil {
		return ConnectionString{}, fmt.Errorf("%w: %w", ErrInvalidConnectionString, err)
	}
	credential, err := NewKeyCredential(parts[2])
	if err != nil {
		return ConnectionString{}, fmt.Errorf("%w: %w", ErrInvalidConnectionString, err)
	}
	return ConnectionString{Endpoint: endpoint.String(), Credential: credential}, nil
}

// parseEndpoint reads the root URL of a resource: the services want the root
// of a host, so a path has no use and would make every request fail later.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		// The error of url.Parse repeats its input, which may hold a password.
		return nil, fmt.Errorf("%w: not a URL", ErrInvalidEndpoint)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%w: want https://host", ErrInvalidEndpoint)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: no host", ErrInvalidEndpoint)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user", ErrInvalidEndpoint)
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("%w: it must not have a path", ErrInvalidEndpoint)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%w: it must not have a query or a fragment", ErrInvalidEndpoint)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// decodeKey reads base64 as widely as the SDKs do: with or without padding, in
// the standard and in the URL alphabet.
func decodeKey(s string) ([]byte, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	key, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(key) == 0 {
		return nil, ErrInvalidKey
	}
	return key, nil
}
