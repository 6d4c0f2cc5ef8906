package common_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// issuer gets tokens of a user; it notes what they were asked for.
type issuer struct{ asked []string }

func (i *issuer) GetToken(_ context.Context, options core.TokenRequestOptions) (core.AccessToken, error) {
	i.asked = options.Scopes
	return core.AccessToken{Token: "user-token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// exchanger answers exchanges with a token, and notes the request.
type exchanger struct {
	path, query, authorization string
	n                          int
	status                     int
}

func (e *exchanger) Do(req *http.Request) (*http.Response, error) {
	e.n++
	e.path, e.query, e.authorization = req.URL.EscapedPath(), req.URL.RawQuery, req.Header.Get("Authorization")
	payload := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, time.Now().Add(time.Hour).Unix()))
	body := `{"identity":{"id":"8:acs:a_b"},"accessToken":{"token":"h.` + payload + `.s","expiresOn":"2026-11-21T00:03:30Z"}}`
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	if status != http.StatusOK {
		body = `{"error":{"code":"InvalidAccessToken","message":"no"}}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestEntraTokenCredential(t *testing.T) {
	for name, c := range map[string]struct {
		scopes      []string
		path, query string
	}{
		"Entra":          {nil, "/access/entra/:exchangeAccessToken", "api-version=2025-03-02-preview"},
		"TeamsExtension": {[]string{common.ScopeTeamsExtension + "TeamsExtension.ManageCalls"}, "/access/teamsExtension/:exchangeAccessToken", "api-version=2025-06-30"},
	} {
		t.Run(name, func(t *testing.T) {
			i, e := &issuer{}, &exchanger{}
			credential, err := common.NewEntraTokenCredential("https://contoso.example", i, &common.EntraTokenCredentialOptions{
				Scopes: c.scopes, ClientOptions: core.ClientOptions{Transport: e},
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				token, err := credential.GetToken(t.Context())
				if err != nil || !strings.HasPrefix(token.Token, "h.") {
					t.Fatalf("%v, %v", token.ExpiresOn, err)
				}
			}
			if e.n != 1 || e.path != c.path || e.query != c.query || e.authorization != "Bearer user-token" || len(i.asked) != 1 {
				t.Errorf("%+v, asked for %v", e, i.asked)
			}
		})
	}
}

func TestEntraTokenCredential_Refused(t *testing.T) {
	credential, err := common.NewEntraTokenCredential("https://contoso.example", &issuer{}, &common.EntraTokenCredentialOptions{
		ClientOptions: core.ClientOptions{Transport: &exchanger{status: http.StatusUnauthorized}, Retry: core.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.GetToken(t.Context()); !core.HasCode(err, "InvalidAccessToken") {
		t.Error(err)
	}
	for name, scopes := range map[string][]string{"Other": {"https://example.com/.default"}, "Mixed": {common.ScopeEntraClients + "a", common.ScopeTeamsExtension + "b"}} {
		if _, err := common.NewEntraTokenCredential("https://contoso.example", &issuer{}, &common.EntraTokenCredentialOptions{Scopes: scopes}); !errors.Is(err, core.ErrInvalidParameter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := common.NewEntraTokenCredential("https://contoso.example", nil, nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Error(err)
	}
}
