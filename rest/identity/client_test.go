package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
)

const connectionString = "endpoint=https://contoso.example/;accesskey=c2VjcmV0LWtleQ=="

// recorder answers every request with one answer and keeps the last request.
type recorder struct {
	status int
	body   string
	method string
	path   string // as sent
	query  string
	sent   []byte
	n      int
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	var err error
	if r.sent, err = io.ReadAll(req.Body); err != nil {
		return nil, err
	}
	r.n++
	r.method, r.path, r.query = req.Method, req.URL.EscapedPath(), req.URL.RawQuery
	header := http.Header{}
	header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	return &http.Response{StatusCode: r.status, Header: header, Body: io.NopCloser(strings.NewReader(r.body))}, nil
}

func newClient(t testing.TB, transport core.Transporter, version string) *identity.Client {
	t.Helper()
	c, err := identity.NewClientFromConnectionString(connectionString, &identity.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: transport, APIVersion: version, Retry: core.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var user = common.CommunicationUserIdentifier{ID: "8:acs:r_u"}

const (
	goodUser    = `{"identity":{"id":"8:acs:r_u"}}`
	goodToken   = `{"token":"t","expiresOn":"2023-10-10T21:39:39.3244584+00:00"}`
	assignments = "/access/teamsExtension/tenants/t/assignments/o"
	assignment  = `{"objectId":"o","tenantId":"t","principalType":"user","clientIds":["c"]}`
	goodBoth    = `{"identity":{"id":"8:acs:r_u"},"accessToken":` + goodToken + `}`
)

// operations calls each operation once and returns its result.
func operations() map[string]func(ctx context.Context, c *identity.Client) (any, error) {
	type client = *identity.Client
	return map[string]func(context.Context, client) (any, error){
		"CreateUser": func(ctx context.Context, c client) (any, error) { return c.CreateUser(ctx, nil) },
		"CreateUser with a custom id": func(ctx context.Context, c client) (any, error) {
			return c.CreateUser(ctx, &identity.ClientCreateUserOptions{CustomID: new("alice")})
		},
		"CreateUserAndToken": func(ctx context.Context, c client) (any, error) {
			return c.CreateUserAndToken(ctx, []identity.TokenScope{"chat", "voip"}, nil)
		},
		"CreateUserAndToken with all": func(ctx context.Context, c client) (any, error) {
			return c.CreateUserAndToken(ctx, []identity.TokenScope{"chat"}, &identity.ClientCreateUserAndTokenOptions{CustomID: new("alice"), ExpiresInMinutes: new(int32(60))})
		},
		"GetToken": func(ctx context.Context, c client) (any, error) {
			return c.GetToken(ctx, user, []identity.TokenScope{"voip.join"}, &identity.ClientGetTokenOptions{ExpiresInMinutes: new(int32(61))})
		},
		"GetToken without scopes": func(ctx context.Context, c client) (any, error) { return c.GetToken(ctx, user, nil, nil) },
		"RevokeTokens":            func(ctx context.Context, c client) (any, error) { return c.RevokeTokens(ctx, user, nil) },
		"DeleteUser":              func(ctx context.Context, c client) (any, error) { return c.DeleteUser(ctx, user, nil) },
		"GetUser":                 func(ctx context.Context, c client) (any, error) { return c.GetUser(ctx, user, nil) },
		"ExchangeTeamsUserAccessToken": func(ctx context.Context, c client) (any, error) {
			return c.ExchangeTeamsUserAccessToken(ctx, "aad", "app", "u", nil)
		},
		"GetTeamsExtensionAssignment": func(ctx context.Context, c client) (any, error) {
			return c.GetTeamsExtensionAssignment(ctx, "t", "o", nil)
		},
		"SetTeamsExtensionAssignment": func(ctx context.Context, c client) (any, error) {
			return c.SetTeamsExtensionAssignment(ctx, "t", "o", identity.PrincipalTypeUser, nil)
		},
		"SetTeamsExtensionAssignment with all": func(ctx context.Context, c client) (any, error) {
			return c.SetTeamsExtensionAssignment(ctx, "t", "o", identity.PrincipalTypeResourceAccount, &identity.ClientSetTeamsExtensionAssignmentOptions{ClientIDs: []string{"c"}})
		},
		"DeleteTeamsExtensionAssignment": func(ctx context.Context, c client) (any, error) {
			return c.DeleteTeamsExtensionAssignment(ctx, "t", "o", nil)
		},
	}
}

func TestClient_Requests(t *testing.T) {
	const stable, preview = "api-version=2025-06-30", "api-version=2025-03-02-preview"
	for name, want := range map[string]struct {
		request, query, body string
		status               int
		answer               string
	}{
		"CreateUser":                  {"POST /identities", stable, ``, 201, goodUser},
		"CreateUser with a custom id": {"POST /identities", preview, `{"customId":"alice"}`, 201, goodUser},
		"CreateUserAndToken":          {"POST /identities", stable, `{"createTokenWithScopes":["chat","voip"]}`, 201, goodBoth},
		"CreateUserAndToken with all": {
			"POST /identities", preview, `{"createTokenWithScopes":["chat"],"expiresInMinutes":60,"customId":"alice"}`, 201, goodBoth,
		},
		"GetToken":                     {"POST /identities/8%3Aacs%3Ar_u/:issueAccessToken", stable, `{"scopes":["voip.join"],"expiresInMinutes":61}`, 200, goodToken},
		"GetToken without scopes":      {"POST /identities/8%3Aacs%3Ar_u/:issueAccessToken", stable, `{"scopes":[]}`, 200, goodToken},
		"RevokeTokens":                 {"POST /identities/8%3Aacs%3Ar_u/:revokeAccessTokens", stable, ``, 204, ""},
		"DeleteUser":                   {"DELETE /identities/8%3Aacs%3Ar_u", stable, ``, 204, ""},
		"GetUser":                      {"GET /identities/8%3Aacs%3Ar_u", preview, ``, 200, `{"id":"8:acs:r_u","customId":"alice","lastTokenIssuedAt":"2025-04-14T15:32:27+00:00"}`},
		"ExchangeTeamsUserAccessToken": {"POST /teamsUser/:exchangeAccessToken", stable, `{"token":"aad","appId":"app","userId":"u"}`, 200, goodToken},
		"GetTeamsExtensionAssignment":  {"GET " + assignments, stable, ``, 200, assignment},
		"SetTeamsExtensionAssignment":  {"PUT " + assignments, stable, `{"principalType":"user"}`, 200, assignment},
		"SetTeamsExtensionAssignment with all": {
			"PUT " + assignments, stable, `{"principalType":"resourceAccount","clientIds":["c"]}`, 201, assignment,
		},
		"DeleteTeamsExtensionAssignment": {"DELETE " + assignments, stable, ``, 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			call := operations()[name]
			r := &recorder{status: want.status, body: want.answer}
			got, err := call(t.Context(), newClient(t, r, ""))
			if err != nil {
				t.Fatal(err)
			}
			if sent := r.method + " " + r.path; sent != want.request || r.query != want.query || string(r.sent) != want.body {
				t.Errorf("sent %s?%s %s", sent, r.query, r.sent)
			}
			if want.answer != "" {
				if data, err := json.Marshal(got); err != nil || !sameJSON(t, data, []byte(want.answer)) && !strings.HasPrefix(name, "CreateUser") {
					t.Errorf("got %s, %v", data, err)
				}
			}
			// Another success is not one; a refusal is a ResponseError.
			for _, status := range []int{202, 302, 400, 401, 404, 500} {
				r := &recorder{status: status, body: `{"error":{"code":"C","message":"m"}}`}
				got, err := call(t.Context(), newClient(t, r, ""))
				var refused *core.ResponseError
				if !errors.As(err, &refused) || refused.StatusCode != status || refused.ErrorCode != "C" || !reflect.ValueOf(got).IsZero() {
					t.Errorf("%d: %+v, %v", status, got, err)
				}
			}
			if want.answer == "" {
				return
			}
			for _, body := range []string{
				``, `{`, `{}`, `null`, `[]`, `{"identity":{}}`, `{"identity":{"id":""}}`, `{"identity":{"id":7}}`, `{"token":"t"}`, `{"token":"t","expiresOn":"soon"}`,
				`{"identity":{"id":"x"},"accessToken":{"expiresOn":7}}`, `{"id":"","lastTokenIssuedAt":"yesterday"}`, `{"id":7}`,
			} {
				if _, err := call(t.Context(), newClient(t, &recorder{status: want.status, body: body}, "")); err == nil {
					t.Errorf("%s is taken for an answer", body)
				}
			}
		})
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestClient_Versions(t *testing.T) {
	for version, want := range map[string]string{
		"":                    "2025-06-30 2025-03-02-preview",
		"2021-03-07":          "2021-03-07 2025-03-02-preview",
		"2023-10-01":          "2023-10-01 2025-03-02-preview",
		"2025-03-02-preview":  "2025-03-02-preview 2025-03-02-preview",
		"2026-01-01-preview2": "2026-01-01-preview2 2026-01-01-preview2",
		"2026-01-01":          "2026-01-01 2025-03-02-preview",
	} {
		r := &recorder{status: 201, body: goodUser}
		c := newClient(t, r, version)
		if _, err := c.CreateUser(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimPrefix(r.query, "api-version=")
		if _, err := c.CreateUser(t.Context(), &identity.ClientCreateUserOptions{CustomID: new("x")}); err != nil {
			t.Fatal(err)
		}
		if got += " " + strings.TrimPrefix(r.query, "api-version="); got != want {
			t.Errorf("%q: %s, want %s", version, got, want)
		}
	}
	for _, version := range []string{"2020-07-20-preview2", "2021-03-06", "latest", "2021-03-07&x=y"} {
		_, err := identity.NewClientFromConnectionString(connectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{APIVersion: version}})
		if !errors.Is(err, identity.ErrUnsupportedAPIVersion) {
			t.Errorf("%q: %v", version, err)
		}
	}
}

type tokens struct{ scopes []string }

func (c *tokens) GetToken(_ context.Context, options core.TokenRequestOptions) (core.AccessToken, error) {
	c.scopes = options.Scopes
	return core.AccessToken{Token: "entra", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestConstructors(t *testing.T) {
	key, err := core.NewKeyCredential("a2V5")
	if err != nil {
		t.Fatal(err)
	}
	var authorization string
	options := &identity.ClientOptions{ClientOptions: core.ClientOptions{PerCallPolicies: nil, Transport: transport(func(req *http.Request) (*http.Response, error) {
		authorization = req.Header.Get("Authorization")
		return (&recorder{status: 204}).Do(req)
	})}}
	entra := &tokens{}
	c, err := identity.NewClient("https://contoso.example", entra, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUser(t.Context(), user, nil); err != nil || authorization != "Bearer entra" || entra.scopes[0] != "https://communication.azure.com//.default" {
		t.Errorf("%v: %q for %v", err, authorization, entra.scopes)
	}
	if c, err = identity.NewClientWithKey("https://contoso.example", key, options); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUser(t.Context(), user, nil); err != nil || !strings.HasPrefix(authorization, "HMAC-SHA256 ") {
		t.Errorf("%v: %q", err, authorization)
	}
	// Without options; nothing is sent.
	if _, err := identity.NewClientWithKey("https://contoso.example", key, nil); err != nil {
		t.Error(err)
	}
	for name, one := range map[string]struct {
		err, want error
	}{
		"no token credential": {second(identity.NewClient("https://h", nil, nil)), core.ErrInvalidParameter},
		"no key":              {second(identity.NewClientWithKey("https://h", nil, nil)), core.ErrInvalidParameter},
		"no connection":       {second(identity.NewClientFromConnectionString("", nil)), core.ErrInvalidConnectionString},
		"endpoint":            {second(identity.NewClient("https://h/path", entra, nil)), core.ErrInvalidEndpoint},
	} {
		if !errors.Is(one.err, one.want) {
			t.Errorf("%s: %v", name, one.err)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(req *http.Request) (*http.Response, error) { return f(req) }

func second[T any](_ T, err error) error { return err }

func TestClient_BadParameters(t *testing.T) {
	r := &recorder{status: 200}
	c := newClient(t, r, "")
	ctx := t.Context()
	for _, id := range []string{"", ".", ".."} {
		u := common.CommunicationUserIdentifier{ID: id}
		for name, err := range map[string]error{
			"GetToken":     second(c.GetToken(ctx, u, []identity.TokenScope{"chat"}, nil)),
			"RevokeTokens": second(c.RevokeTokens(ctx, u, nil)),
			"DeleteUser":   second(c.DeleteUser(ctx, u, nil)),
			"GetUser":      second(c.GetUser(ctx, u, nil)),
			"Get":          second(c.GetTeamsExtensionAssignment(ctx, "t", id, nil)),
			"Set":          second(c.SetTeamsExtensionAssignment(ctx, id, "o", identity.PrincipalTypeUser, nil)),
			"Delete":       second(c.DeleteTeamsExtensionAssignment(ctx, id, "o", nil)),
		} {
			if !errors.Is(err, core.ErrInvalidParameter) {
				t.Errorf("%s(%q): %v", name, id, err)
			}
		}
	}
	if _, err := c.CreateUserAndToken(ctx, nil, nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no scopes: %v", err)
	}
	if r.n != 0 {
		t.Errorf("%d requests were sent", r.n)
	}
}

func TestModels(t *testing.T) {
	if id := (identity.User{}).Identifier(); id.ID != "" {
		t.Errorf("%v", id)
	}
	if id := (identity.User{ID: new("8:acs:r_u")}).Identifier(); id != user {
		t.Errorf("%v", id)
	}
	if all := identity.PossibleTokenScopeValues(); len(all) != 5 || all[0] != identity.TokenScopeChat {
		t.Errorf("%v", all)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "token", identity.AccessToken{Token: new("geheim")}, "pointer", &identity.AccessToken{Token: new("geheim"), ExpiresOn: new(time.Unix(1795219410, 0))})
	if strings.Contains(out.String(), "geheim") || !strings.Contains(out.String(), "2026-") {
		t.Errorf("logged %s", out.String())
	}
	data, err := json.Marshal(identity.UserAndToken{})
	if err != nil || string(data) != "{}" {
		t.Errorf("%s, %v", data, err)
	}
}
