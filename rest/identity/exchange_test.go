package identity_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
)

// exchangeCalls calls each operation of an ExchangeClient.
func exchangeCalls() map[string]func(ctx context.Context, c *identity.ExchangeClient) (identity.UserAndToken, error) {
	return map[string]func(context.Context, *identity.ExchangeClient) (identity.UserAndToken, error){
		"entra": func(ctx context.Context, c *identity.ExchangeClient) (identity.UserAndToken, error) {
			got, err := c.ExchangeEntraToken(ctx, nil)
			return got.UserAndToken, err
		},
		"teamsExtension": func(ctx context.Context, c *identity.ExchangeClient) (identity.UserAndToken, error) {
			got, err := c.ExchangeTeamsExtensionToken(ctx, nil)
			return got.UserAndToken, err
		},
	}
}

func newExchangeClient(t testing.TB, from core.TokenCredential, options identity.ExchangeClientOptions) *identity.ExchangeClient {
	t.Helper()
	options.Retry.MaxRetries = -1
	c, err := identity.NewExchangeClient("https://contoso.example", from, &options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExchangeClient(t *testing.T) {
	for name, want := range map[string]struct {
		version string
		scopes  []string
	}{
		"entra":          {"2025-03-02-preview", []string{"https://communication.azure.com/clients/.default"}},
		"teamsExtension": {"2025-06-30", []string{"https://auth.msft.communication.azure.com/.default"}},
	} {
		t.Run(name, func(t *testing.T) {
			call, from, r := exchangeCalls()[name], &tokens{}, &recorder{status: 200, body: goodBoth}
			got, err := call(t.Context(), newExchangeClient(t, from, identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{Transport: transport(func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("Authorization") != "Bearer entra" {
					t.Errorf("sent %s", req.Header.Get("Authorization"))
				}
				return r.Do(req)
			})}}))
			if err != nil || got.User.Identifier() != user || *got.AccessToken.Token != "t" {
				t.Fatalf("%+v, %v", got, err)
			}
			if r.method != "POST" || r.path != "/access/"+name+"/:exchangeAccessToken" || r.query != "api-version="+want.version || string(r.sent) != "{}" || !slices.Equal(from.scopes, want.scopes) {
				t.Errorf("sent %s %s?%s %s for %q", r.method, r.path, r.query, r.sent, from.scopes)
			}
			mine := []string{"mine"}
			r = &recorder{status: 200, body: goodBoth}
			if _, err := call(t.Context(), newExchangeClient(t, from, identity.ExchangeClientOptions{
				EntraScopes: mine, TeamsExtensionScopes: mine, ClientOptions: core.ClientOptions{Transport: r, APIVersion: "2026-01-01-preview"},
			})); err != nil || r.query != "api-version=2026-01-01-preview" || !slices.Equal(from.scopes, mine) {
				t.Errorf("%v: %s for %q", err, r.query, from.scopes)
			}
			for _, status := range []int{201, 204, 401, 403, 404} {
				r := &recorder{status: status, body: `{"error":{"code":"C","message":"m"}}`}
				got, err := call(t.Context(), newExchangeClient(t, from, identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{Transport: r}}))
				if !core.HasCode(err, "C") || got != (identity.UserAndToken{}) {
					t.Errorf("%d: %+v, %v", status, got, err)
				}
			}
			for _, body := range []string{``, `{}`, `null`, goodUser, `{"accessToken":` + goodToken + `}`, `{"identity":{"id":"x"},"accessToken":{"token":"t"}}`} {
				r := &recorder{status: 200, body: body}
				if _, err := call(t.Context(), newExchangeClient(t, from, identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{Transport: r}})); err == nil {
					t.Errorf("%s is taken for an answer", body)
				}
			}
		})
	}
	for name, one := range map[string]struct{ err, want error }{
		"no credential": {second(identity.NewExchangeClient("https://h", nil, nil)), core.ErrInvalidParameter},
		"endpoint":      {second(identity.NewExchangeClient("https://h/path", &tokens{}, nil)), core.ErrInvalidEndpoint},
		"version": {
			second(identity.NewExchangeClient("https://h", &tokens{}, &identity.ExchangeClientOptions{ClientOptions: core.ClientOptions{APIVersion: "latest"}})),
			identity.ErrUnsupportedAPIVersion,
		},
	} {
		if !errors.Is(one.err, one.want) {
			t.Errorf("%s: %v", name, one.err)
		}
	}
}
