// Package account signs the command line programs in: it reads connection.json,
// makes users by friendly names and fetches their tokens.
package account

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrRefused wraps every answer of the service that is not a success.
var ErrRefused = errors.New("the service refused")

const (
	requestTime  = 10 * time.Second
	largestReply = 1 << 20
	rawPrefix    = "8:"
)

// Connection is what is needed of connection.json.
type Connection struct {
	Endpoint     string `json:"endpoint"`
	HTTPEndpoint string `json:"httpEndpoint"`
	AccessKey    string `json:"accessKey"`
	CAFile       string `json:"caFile"`
}

// Service is a resource of a running service, seen by its owner.
type Service struct {
	endpoint string
	key      []byte
	roots    *x509.CertPool
	client   *http.Client
}

// Open reads connection.json.
func Open(path string) (*Service, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("connection file: %w", err)
	}
	var c Connection
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("connection file %s: %w", path, err)
	}
	if c.CAFile != "" && !filepath.IsAbs(c.CAFile) {
		// A data folder may be named by a relative path; the file lies beside.
		if _, err := os.Stat(c.CAFile); err != nil {
			c.CAFile = filepath.Join(filepath.Dir(path), filepath.Base(c.CAFile))
		}
	}
	return New(c, nil)
}

// New returns the service of a connection. dial opens its connections; nil
// means the operating system's.
func New(c Connection, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Service, error) {
	key, err := base64.StdEncoding.DecodeString(c.AccessKey)
	if err != nil || len(key) == 0 {
		return nil, errors.New("connection: the access key is not base64")
	}
	s := &Service{endpoint: strings.TrimSuffix(c.Endpoint, "/"), key: key}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("connection: certificate authority: %w", err)
		}
		s.roots = x509.NewCertPool()
		if !s.roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("connection: %s holds no certificate", c.CAFile)
		}
	}
	s.client = &http.Client{Timeout: requestTime, Transport: &http.Transport{
		TLSClientConfig: s.TLS(),
		DialContext:     dial,
	}}
	return s, nil
}

// Endpoint returns the service's address.
func (s *Service) Endpoint() string { return s.endpoint }

// RootCAs verify the service's certificate; nil means the system's authorities.
func (s *Service) RootCAs() *x509.CertPool { return s.roots }

// TLS is the configuration for connections to the service.
func (s *Service) TLS() *tls.Config {
	return &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// Close closes idle connections.
func (s *Service) Close() { s.client.CloseIdleConnections() }

// IsRawID tells a raw identifier from a friendly name.
func IsRawID(name string) bool { return strings.HasPrefix(name, rawPrefix) }

// User returns the identifier of a user. A raw id is taken as it is; a friendly
// name is the same user every time.
func (s *Service) User(ctx context.Context, name string) (engine.Identifier, error) {
	raw := name
	if !IsRawID(name) {
		made, err := s.create(ctx, acswire.CreateIdentityRequest{CustomID: &name})
		if err != nil {
			return nil, err
		}
		if made.Identity == nil || made.Identity.ID == nil {
			return nil, fmt.Errorf("user %q: the answer names nobody", name)
		}
		raw = *made.Identity.ID
	}
	id, err := engine.ParseIdentifier(raw)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", name, err)
	}
	return id, nil
}

// Credential returns a user's credential; it fetches a new token whenever one
// is needed.
func (s *Service) Credential(user engine.Identifier) engine.TokenCredential {
	return engine.TokenRefresher(func(ctx context.Context) (engine.AccessToken, error) {
		return s.Token(ctx, user)
	})
}

// Token issues a token for calls.
func (s *Service) Token(ctx context.Context, user engine.Identifier) (engine.AccessToken, error) {
	var reply acswire.AccessToken
	request := acswire.IssueAccessTokenRequest{Scopes: []string{acswire.ScopeVoIP}}
	if err := s.post(ctx, acswire.IssueAccessTokenPath(user.RawID()), request, &reply); err != nil {
		return engine.AccessToken{}, err
	}
	if reply.Token == nil {
		return engine.AccessToken{}, errors.New("token: the answer holds none")
	}
	token := engine.AccessToken{Token: *reply.Token}
	if reply.ExpiresOn != nil {
		expires, err := time.Parse(time.RFC3339, *reply.ExpiresOn)
		if err != nil {
			return engine.AccessToken{}, fmt.Errorf("token: %w", err)
		}
		token.ExpiresOn = expires
	}
	return token, nil
}

func (s *Service) create(ctx context.Context, request acswire.CreateIdentityRequest) (acswire.CreateIdentityResponse, error) {
	var reply acswire.CreateIdentityResponse
	err := s.post(ctx, acswire.RouteIdentities, request, &reply)
	return reply, err
}

func (s *Service) post(ctx context.Context, path string, body, reply any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	url := s.endpoint + path + "?" + acswire.QueryAPIVersion + "=" + acswire.VersionCustomID().String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	if err := acswire.Sign(req, s.key, data, time.Now()); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, largestReply))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if res.StatusCode/100 != 2 {
		var refused acswire.ErrorResponse
		if json.Unmarshal(answer, &refused) == nil && refused.Error.Code != "" {
			return fmt.Errorf("%w: %s: %s", ErrRefused, refused.Error.Code, refused.Error.Message)
		}
		return fmt.Errorf("%w: %s", ErrRefused, res.Status)
	}
	if err := json.Unmarshal(answer, reply); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
