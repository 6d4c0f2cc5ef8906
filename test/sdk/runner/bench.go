package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server"
)

// limit is how many users the limited service lets be made in a window; a suite
// makes one more.
const (
	limit       = 3
	limitWindow = "3s"
	limitsFile  = `limits:
  - name: users
    operations: [CommunicationIdentity_Create]
    scope: resource
    allow:
      - {requests: %[1]d, per: %[2]s}
  - name: messages
    operations: [ChatThread_SendChatMessage]
    scope: "{chatThreadId}"
    allow:
      - {requests: %[1]d, per: %[2]s}
`
)

// bench is what the suites run against: the service, one with limits, an
// issuer that it trusts, and the helper.
type bench struct {
	options options
	scratch string
	issuer  *issuer
	helper  *helper
	service *service
	limited *service
	client  *http.Client // trusts the service's authority
	tls     *tls.Config

	mu      sync.Mutex
	secrets map[string]struct{} // what no log may hold
}

// suiteConfig is what a suite reads from the file that PARLEY_SDK names.
type suiteConfig struct {
	ConnectionString        string `json:"connectionString"`
	Endpoint                string `json:"endpoint"`
	AccessKey               string `json:"accessKey"`
	CAFile                  string `json:"caFile"`
	TrustStore              string `json:"trustStore"`
	ARMEndpoint             string `json:"armEndpoint"`
	ARMToken                string `json:"armToken"`
	SubscriptionID          string `json:"subscriptionId"`
	LimitedConnectionString string `json:"limitedConnectionString"`
	LimitedCAFile           string `json:"limitedCaFile"`
	// Limit is how many requests in a row the limited service takes.
	Limit int `json:"limit"`
	// Helper is the base URL of the helper.
	Helper string `json:"helper"`
	// ForeignUser is a well-formed user of no resource here.
	ForeignUser string `json:"foreignUser"`
	Teams       teams  `json:"teams"`
}

type teams struct {
	ClientID     string `json:"clientId"`
	UserObjectID string `json:"userObjectId"`
	TenantID     string `json:"tenantId"`
}

const (
	foreignUser = "8:acs:0b1e60ee-7d3e-4ff1-9a2b-5c6f0f5ad1c1_6a1c3c56-2f1e-4f0e-8f5e-3d2f6a1b9c77"
	teamsClient = "3a4b1c9e-58a1-4f9b-8d53-2b0c7a1e9f10"
	teamsUser   = "9d2b7c44-0c1f-4d60-9f3a-71e5c2a8b601"
	teamsTenant = "72c9a1d5-6b3e-4c07-8a52-f4d01e9b3c28"
	trustFile   = "trust.p12"
)

func newBench(ctx context.Context, o options, scratch string) (*bench, error) {
	b := &bench{options: o, scratch: scratch, secrets: map[string]struct{}{}}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) start(ctx context.Context) (err error) {
	if b.issuer, err = newIssuer(); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	limits := filepath.Join(b.scratch, "limits.yaml")
	text := fmt.Sprintf(limitsFile, limit, limitWindow)
	if err := os.WriteFile(limits, []byte(text), 0o600); err != nil {
		return err
	}
	if b.service, err = startService(ctx, b.options.parley, filepath.Join(b.scratch, "service"), b.issuer.flags()...); err != nil {
		return err
	}
	if b.limited, err = startService(ctx, b.options.parley, filepath.Join(b.scratch, "limited"), "--limits", limits); err != nil {
		return err
	}
	for _, c := range []server.Connection{b.service.connection, b.limited.connection} {
		b.secret(c.AccessKey)
		b.secret(c.ARMToken)
	}
	pem, err := os.ReadFile(b.service.connection.CAFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("the service's authority is no certificate")
	}
	b.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	b.client = &http.Client{Transport: &http.Transport{TLSClientConfig: b.tls}, Timeout: time.Minute}
	if b.helper, err = newHelper(b); err != nil {
		return fmt.Errorf("helper: %w", err)
	}
	return b.writeConfig()
}

// configPath is the file that the suites read.
func (b *bench) configPath() string { return filepath.Join(b.scratch, "sdk.json") }

// authorities is one file with the authorities of both services.
func (b *bench) authorities() string { return filepath.Join(b.scratch, "ca.pem") }

func (b *bench) trustStore() string { return filepath.Join(b.scratch, trustFile) }

func (b *bench) writeConfig() error {
	c, l := b.service.connection, b.limited.connection
	var all []byte
	for _, file := range []string{c.CAFile, l.CAFile} {
		pem, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(all, pem...)
	}
	if err := os.WriteFile(b.authorities(), all, 0o600); err != nil {
		return err
	}
	text, err := json.MarshalIndent(suiteConfig{
		ConnectionString: c.ConnectionString, Endpoint: c.Endpoint, AccessKey: c.AccessKey,
		CAFile: b.authorities(), TrustStore: b.trustStore(),
		ARMEndpoint: c.ARMEndpoint, ARMToken: c.ARMToken, SubscriptionID: c.SubscriptionID,
		LimitedConnectionString: l.ConnectionString, LimitedCAFile: l.CAFile, Limit: limit,
		Helper: b.helper.url, ForeignUser: foreignUser,
		Teams: teams{ClientID: teamsClient, UserObjectID: teamsUser, TenantID: teamsTenant},
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.configPath(), text, 0o600)
}

// secret remembers what no log may hold.
func (b *bench) secret(s string) {
	if len(s) < 16 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets[s] = struct{}{}
	// The signature alone would do to recognize a token.
	if i := strings.LastIndexByte(s, '.'); i >= 0 && len(s)-i > 16 {
		b.secrets[s[i+1:]] = struct{}{}
	}
}

// silent checks that the services' logs hold no secret.
func (b *bench) silent() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range []*service{b.service, b.limited} {
		text, err := os.ReadFile(s.log())
		if err != nil {
			return err
		}
		for secret := range b.secrets {
			if strings.Contains(string(text), secret) {
				return fmt.Errorf("the log of %s holds a key or token", s.name())
			}
		}
	}
	return nil
}

// key is the decoded access key of the default resource.
func (b *bench) key() ([]byte, error) {
	return base64.StdEncoding.DecodeString(b.service.connection.AccessKey)
}

func (b *bench) stopServices() error {
	return errors.Join(b.service.stop(), b.limited.stop())
}

func (b *bench) close() error {
	var errs []error
	if b.helper != nil {
		errs = append(errs, b.helper.close())
	}
	for _, s := range []*service{b.service, b.limited} {
		if s != nil {
			errs = append(errs, s.stop())
		}
	}
	if b.issuer != nil {
		errs = append(errs, b.issuer.close())
	}
	return errors.Join(errs...)
}
