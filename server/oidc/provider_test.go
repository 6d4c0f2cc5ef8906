package oidc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/oidc"
)

// provider is npm's oidc-provider: an issuer that we did not write.
type provider struct {
	t     *testing.T
	url   string
	in    io.WriteCloser
	lines *bufio.Scanner
}

// startProvider runs it. A machine without Node cannot; CI can.
func startProvider(t *testing.T) *provider {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			testkit.Missing(t, "no "+program+": the real issuer is not run here")
		}
	}
	const dir = "testdata/provider"
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider", "package.json")); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			testkit.Missing(t, fmt.Sprintf("the real issuer cannot be installed: %v\n%s", err, out))
		}
	}
	cmd := exec.Command("node", "server.js") // ends with its standard input
	cmd.Dir = dir
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("issuer: %v", err)
		}
	})
	p := &provider{t: t, in: in, lines: bufio.NewScanner(out)}
	for !strings.HasPrefix(p.url, "http") { // it has advice to give first
		p.url = p.line()
	}
	return p
}

func (p *provider) line() string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the issuer ended: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// token asks for a token of a back end for an audience.
func (p *provider) token(audience string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {audience}, "scope": {"service"}}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("back-end", "test-only-secret")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		p.t.Fatalf("%s: %v", resp.Status, err)
	}
	return answer.Token
}

func TestVerify_RealIssuer(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	p := startProvider(t)
	at := time.Now()
	v, err := oidc.New(oidc.Options{Now: func() time.Time { return at }, Issuers: []oidc.Issuer{{
		URL: p.url, Uses: []oidc.Use{oidc.UseService, oidc.UseManagement}, Claims: map[string][]string{"roles": {"Calls.Manage"}}, Subjects: []string{"back-end"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	ctx := t.Context()
	service := p.token(oidc.AudienceService)
	s, err := v.Verify(ctx, service, oidc.UseService)
	if err != nil || s.Subject != "back-end" || s.AppID != "back-end" || s.Issuer != p.url || s.ObjectID == "" || s.TenantID == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := v.Verify(ctx, service, oidc.UseManagement); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("for another audience: %v", err)
	}
	if _, err := v.Verify(ctx, p.token(oidc.AudienceManagement), oidc.UseManagement); err != nil {
		t.Error(err)
	}
	if _, err := v.Verify(ctx, service, oidc.UseExchange); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("for a use that the issuer is not trusted for: %v", err)
	}
	// Its keys change: new tokens are good, the old ones are not any more.
	old := service
	if _, err := io.WriteString(p.in, "rotate\n"); err != nil {
		t.Fatal(err)
	}
	if line := p.line(); line != "rotated" {
		t.Fatal(line)
	}
	service = p.token(oidc.AudienceService)
	if _, err := v.Verify(ctx, service, oidc.UseService); err != nil {
		t.Errorf("after the keys changed: %v", err)
	}
	if _, err := v.Verify(ctx, old, oidc.UseService); !errors.Is(err, oidc.ErrTokenInvalid) {
		t.Errorf("signed by a key that is withdrawn: %v", err)
	}
	at = at.Add(30 * time.Minute)
	if _, err := v.Verify(ctx, service, oidc.UseService); !errors.Is(err, oidc.ErrTokenExpired) {
		t.Errorf("half an hour later: %v", err)
	}
}
