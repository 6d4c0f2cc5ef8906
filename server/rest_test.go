package server_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

var rawID = regexp.MustCompile(`^8:acs:[0-9a-f-]{36}_[0-9a-f-]{36}$`)

// claims decodes the payload of a token as the SDKs do: without verification.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token with %d parts", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestIdentities_Create(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	a := r.post("/identities", "")
	var made acswire.CreateIdentityResponse
	if err := json.Unmarshal(a.body, &made); err != nil || a.StatusCode != http.StatusCreated {
		t.Fatalf("status %d, %s", a.StatusCode, a.body)
	}
	if made.Identity == nil || !rawID.MatchString(*made.Identity.ID) || made.AccessToken != nil || made.Identity.CustomID != nil {
		t.Errorf("made %s", a.body)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/json; charset=utf-8" {
		t.Errorf("content type %s", ct)
	}
	if v := a.Header.Get("api-supported-versions"); !strings.Contains(v, "2023-10-01") {
		t.Errorf("supported versions %q", v)
	}
	if a.Header.Get("x-ms-request-id") == "" {
		t.Error("no request id")
	}
	for _, body := range []string{`{}`, `{"unknown":1}`, "  ", `{"createTokenWithScopes":[]}`, `{"createTokenWithScopes":null}`} {
		if a := r.post("/identities", body); a.StatusCode != http.StatusCreated || strings.Contains(string(a.body), "accessToken") {
			t.Errorf("%s: status %d, %s", body, a.StatusCode, a.body)
		}
	}
}

func TestIdentities_CreateWithToken(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	a := r.post("/identities", `{"createTokenWithScopes":["chat","voip"],"expiresInMinutes":60}`)
	var made acswire.CreateIdentityResponse
	if err := json.Unmarshal(a.body, &made); err != nil || a.StatusCode != http.StatusCreated || made.AccessToken == nil {
		t.Fatalf("status %d, %s", a.StatusCode, a.body)
	}
	c := claims(t, *made.AccessToken.Token)
	id := *made.Identity.ID
	if c["skypeid"] != strings.TrimPrefix(id, "8:") || c["acsScope"] != "chat,voip" || c["scp"] != 1792.0 ||
		!strings.HasPrefix(id, "8:acs:"+c["resourceId"].(string)+"_") || c["csi"] != fmt.Sprint(int64(c["iat"].(float64))) {
		t.Errorf("claims %v of %s", c, id)
	}
	if life := c["exp"].(float64) - c["iat"].(float64); life != 3600 {
		t.Errorf("lifetime %v s", life)
	}
	expires, err := time.Parse("2006-01-02T15:04:05.0000000-07:00", *made.AccessToken.ExpiresOn)
	if err != nil || !strings.HasSuffix(*made.AccessToken.ExpiresOn, "+00:00") || expires.Unix() != int64(c["exp"].(float64)) {
		t.Errorf("expires on %s (%v), exp %v", *made.AccessToken.ExpiresOn, err, c["exp"])
	}
	// The default lifetime is a day.
	if _, token := r.user("voip"); claims(t, token)["exp"].(float64)-claims(t, token)["iat"].(float64) != 86400 {
		t.Error("the default lifetime is not 1440 minutes")
	}
}

// Before 2022-10-01 there is no lifetime to ask for: the member is one that
// nobody knows.
func TestIdentities_LifetimeBeforeItsVersion(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	id, _ := r.user()
	for version, knows := range map[string]bool{"2021-03-07": false, "2022-06-01": false, "2022-10-01": true} {
		create, issue := r.at(version, http.MethodPost, "/identities", `{"createTokenWithScopes":["chat"],"expiresInMinutes":60}`),
			r.at(version, http.MethodPost, acswire.IssueAccessTokenPath(id), `{"scopes":["chat"],"expiresInMinutes":60}`)
		var made acswire.CreateIdentityResponse
		var issued acswire.AccessToken
		if err := errors.Join(json.Unmarshal(create.body, &made), json.Unmarshal(issue.body, &issued)); err != nil || made.AccessToken == nil || issued.Token == nil {
			t.Fatalf("%s: %s %s", version, create.body, issue.body)
		}
		want := 86400.0
		if knows {
			want = 3600
		}
		for _, token := range []string{*made.AccessToken.Token, *issued.Token} {
			if c := claims(t, token); c["exp"].(float64)-c["iat"].(float64) != want {
				t.Errorf("%s: from %v to %v, want %v s", version, c["iat"], c["exp"], want)
			}
		}
		if a := r.at(version, http.MethodPost, "/identities", `{"createTokenWithScopes":["chat"],"expiresInMinutes":59}`); (a.StatusCode == http.StatusBadRequest) != knows {
			t.Errorf("%s: 59 minutes: %d %s", version, a.StatusCode, a.body)
		}
	}
}

func TestIdentities_IssueToken(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	id, _ := r.user()
	// Ids arrive percent-encoded from the SDKs and plain from others.
	for _, path := range []string{
		"/identities/" + strings.ReplaceAll(id, ":", "%3A") + "/:issueAccessToken",
		"/identities/" + strings.ReplaceAll(strings.ReplaceAll(id, ":", "%3a"), "_", "%5F") + "/:issueAccessToken",
		acswire.IssueAccessTokenPath(id),
	} {
		a := r.post(path, `{"scopes":["voip.join","chat.join"],"expiresInMinutes":1440}`)
		var token acswire.AccessToken
		if err := json.Unmarshal(a.body, &token); err != nil || a.StatusCode != http.StatusOK || token.Token == nil {
			t.Fatalf("%s: status %d, %s", path, a.StatusCode, a.body)
		}
		if c := claims(t, *token.Token); c["acsScope"] != "voip.join,chat.join" {
			t.Errorf("claims %v", c)
		}
	}
	foreign := "8:acs:00000000-1111-2222-3333-444444444444_55555555-6666-7777-8888-999999999999"
	unknown := id[:len(id)-12] + "000000000000"
	for _, id := range []string{foreign, unknown, "8:acs:x", "nobody", "4:+1425", id + "_1", "%00", "%zz"} {
		req := r.request(http.MethodPost, "/identities/x/:issueAccessToken?api-version="+apiVersion, `{"scopes":["chat"]}`)
		if !strings.HasPrefix(id, "%") {
			req = r.request(http.MethodPost, acswire.IssueAccessTokenPath(id)+"?api-version="+apiVersion, `{"scopes":["chat"]}`)
		}
		if a := r.do(req); a.StatusCode != http.StatusUnauthorized || a.error(t).Code != "IdentityNotOwned" {
			t.Errorf("%s: status %d, %s", id, a.StatusCode, a.body)
		}
	}
}

func TestIdentities_CustomID(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	const preview = "/identities?api-version=2025-03-02-preview"
	create := func(body string) acswire.CreateIdentityResponse {
		t.Helper()
		a := r.do(r.request(http.MethodPost, preview, body))
		var made acswire.CreateIdentityResponse
		if err := json.Unmarshal(a.body, &made); err != nil || a.StatusCode != http.StatusCreated {
			t.Fatalf("status %d, %s", a.StatusCode, a.body)
		}
		return made
	}
	first := create(`{"customId":"alice@contoso.com"}`)
	if first.Identity.CustomID == nil || *first.Identity.CustomID != "alice@contoso.com" || first.Identity.LastTokenIssuedAt != nil {
		t.Errorf("made %+v", first.Identity)
	}
	second := create(`{"customId":"alice@contoso.com","createTokenWithScopes":["voip"],"expiresInMinutes":120}`)
	if *second.Identity.ID != *first.Identity.ID || second.AccessToken == nil || second.Identity.LastTokenIssuedAt == nil {
		t.Errorf("made %+v, then %+v", first.Identity, second.Identity)
	}
	if at, err := time.Parse("2006-01-02T15:04:05-07:00", *second.Identity.LastTokenIssuedAt); err != nil || time.Since(at) > time.Minute {
		t.Errorf("last token issued at %s (%v)", *second.Identity.LastTokenIssuedAt, err)
	}
	third := create(`{"customId":"alice@contoso.com"}`)
	if *third.Identity.ID != *first.Identity.ID || *third.Identity.LastTokenIssuedAt != *second.Identity.LastTokenIssuedAt {
		t.Errorf("made %+v, then %+v", second.Identity, third.Identity)
	}
	if other := create(`{"customId":"bob@contoso.com"}`); *other.Identity.ID == *first.Identity.ID {
		t.Error("two custom ids have one user")
	}
	// Versions before do not know the member.
	a := r.post("/identities", `{"customId":"alice@contoso.com"}`)
	if a.StatusCode != http.StatusCreated || strings.Contains(string(a.body), *first.Identity.ID) || strings.Contains(string(a.body), "customId") {
		t.Errorf("status %d, %s", a.StatusCode, a.body)
	}
	for _, id := range []string{"", strings.Repeat("a", 257)} {
		a := r.do(r.request(http.MethodPost, preview, fmt.Sprintf(`{"customId":%q}`, id)))
		if a.StatusCode != http.StatusBadRequest || a.error(t).Target != "customId" {
			t.Errorf("%q: status %d, %s", id, a.StatusCode, a.body)
		}
	}
}

func TestREST_BadInput(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	id, _ := r.user()
	issue := acswire.IssueAccessTokenPath(id) + "?api-version=" + apiVersion
	const create = "/identities?api-version=" + apiVersion
	for _, test := range []struct {
		name, method, target, body string
		status                     int
		code, field                string
	}{
		{"lifetime too short", "POST", create, `{"createTokenWithScopes":["chat"],"expiresInMinutes":59}`, 400, "ValidationError", "ExpiresInMinutes"},
		{"lifetime too long", "POST", issue, `{"scopes":["chat"],"expiresInMinutes":1441}`, 400, "ValidationError", "ExpiresInMinutes"},
		{"lifetime no integer", "POST", issue, `{"scopes":["chat"],"expiresInMinutes":60.5}`, 400, "ValidationError", "expiresInMinutes"},
		{"lifetime huge", "POST", issue, `{"scopes":["chat"],"expiresInMinutes":99999999999}`, 400, "ValidationError", "expiresInMinutes"},
		{"no scopes", "POST", issue, `{"scopes":[]}`, 400, "ValidationError", "scopes"},
		{"no body", "POST", issue, ``, 400, "ValidationError", "scopes"},
		{"unknown scope", "POST", issue, `{"scopes":["voip","root"]}`, 400, "ValidationError", "scopes"},
		{"scope twice", "POST", issue, `{"scopes":["voip","voip"]}`, 400, "ValidationError", "scopes"},
		{"scopes no list", "POST", issue, `{"scopes":"voip"}`, 400, "ValidationError", "scopes"},
		{"unknown scope at creation", "POST", create, `{"createTokenWithScopes":["x"]}`, 400, "ValidationError", "createTokenWithScopes"},
		{"broken JSON", "POST", create, `{"createTokenWithScopes":["chat"`, 400, "BadRequest", ""},
		{"JSON of another kind", "POST", create, `[]`, 400, "ValidationError", ""},
		{"too deep", "POST", create, strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000), 400, "BadRequest", ""},
		{"not UTF-8", "POST", create, "{\"customId\":\"\xff\"}", 400, "BadRequest", ""},
		{"too large", "POST", create, `"` + strings.Repeat("a", 1<<20) + `"`, 413, "PayloadTooLarge", ""},
		{"no version", "POST", "/identities", ``, 400, "ApiVersionUnspecified", ""},
		{"empty version", "POST", "/identities?api-version=", ``, 400, "ApiVersionUnspecified", ""},
		{"malformed version", "POST", "/identities?api-version=latest", ``, 400, "InvalidApiVersion", ""},
		{"two versions", "POST", create + "&api-version=2021-03-07", ``, 400, "InvalidApiVersion", ""},
		{"unknown path", "POST", "/nothing?api-version=" + apiVersion, ``, 404, "NotFound", ""},
		{"unknown action", "POST", "/identities/x/:destroy?api-version=" + apiVersion, ``, 404, "NotFound", ""},
		{"wrong method", "PUT", create, ``, 405, "MethodNotAllowed", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := r.do(r.request(test.method, test.target, test.body))
			e := a.error(t)
			if a.StatusCode != test.status || e.Code != test.code || e.Target != test.field || e.Message == "" {
				t.Errorf("status %d, %s; want %d %s %s", a.StatusCode, a.body, test.status, test.code, test.field)
			}
			if got := a.Header.Get("x-ms-error-code"); got != test.code {
				t.Errorf("x-ms-error-code %q", got)
			}
			if ct := a.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %s", ct)
			}
		})
	}
}

func TestREST_EchoesTheClientsRequestID(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	for _, target := range []string{"/identities?api-version=" + apiVersion, "/identities", "/nothing"} {
		req := r.request(http.MethodPost, target, "")
		req.Header.Set("x-ms-client-request-id", "my-id")
		if got := r.do(req).Header.Get("x-ms-client-request-id"); got != "my-id" {
			t.Errorf("%s: %q", target, got)
		}
	}
}
