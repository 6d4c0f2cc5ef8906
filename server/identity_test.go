package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/signaling"
)

// at sends a signed request at an api-version.
func (r *rest) at(version, method, path, body string) *answer {
	r.t.Helper()
	return r.do(r.request(method, path+"?api-version="+version, body))
}

const custom = "2025-03-02-preview"

func TestIdentity_EveryVersion(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	for _, v := range acswire.Versions(acswire.AreaIdentity) {
		t.Run(v.Version.String(), func(t *testing.T) {
			version, old := v.Version.String(), v.Contract.String() == "2020-07-20-preview2"
			created, issue, revoke := http.StatusCreated, "/:issueAccessToken", "/:revokeAccessTokens"
			if old {
				created, issue = http.StatusOK, "/token"
			}
			a := r.at(version, http.MethodPost, "/identities", "")
			var made struct {
				ID       string
				Identity struct{ ID string }
			}
			if err := json.Unmarshal(a.body, &made); err != nil || a.StatusCode != created {
				t.Fatalf("create: %d %s", a.StatusCode, a.body)
			}
			id := made.Identity.ID
			if old {
				id = made.ID
			}
			if !rawID.MatchString(id) {
				t.Fatalf("create: %s", a.body)
			}
			path := acswire.IdentityPath(id)
			a = r.at(version, http.MethodPost, path+issue, `{"scopes":["chat"]}`)
			var token struct{ ID, Token, ExpiresOn string }
			if err := json.Unmarshal(a.body, &token); err != nil || a.StatusCode != http.StatusOK || token.Token == "" || token.ExpiresOn == "" || (token.ID == id) != old {
				t.Fatalf("issue: %d %s", a.StatusCode, a.body)
			}
			if user, err := server.Authenticate(srv, token.Token); err != nil || user != id {
				t.Fatalf("token: %v, %v", user, err)
			}
			if old {
				a = r.at(version, http.MethodPatch, path, `{"tokensValidFrom":"`+time.Now().UTC().Format(time.RFC3339Nano)+`"}`)
			} else {
				a = r.at(version, http.MethodPost, path+revoke, "")
			}
			if a.StatusCode != http.StatusNoContent || len(a.body) != 0 {
				t.Fatalf("revoke: %d %s", a.StatusCode, a.body)
			}
			if _, err := server.Authenticate(srv, token.Token); !errors.Is(err, identity.ErrTokenInvalid) {
				t.Errorf("revoked token: %v", err)
			}
			if a = r.at(version, http.MethodDelete, path, ""); a.StatusCode != http.StatusNoContent {
				t.Fatalf("delete: %d %s", a.StatusCode, a.body)
			}
			a = r.at(version, http.MethodPost, path+issue, `{"scopes":["chat"]}`)
			if a.StatusCode != http.StatusUnauthorized || a.error(t).Code != acswire.CodeIdentityNotOwned {
				t.Errorf("issue for nobody: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestIdentity_CustomID(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	read := func(a *answer) (id acswire.Identity) {
		t.Helper()
		var made acswire.CreateIdentityResponse
		if err := json.Unmarshal(a.body, &made); err != nil || made.Identity == nil {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		return *made.Identity
	}
	one := read(r.at(custom, http.MethodPost, "/identities", `{"customId":"alice"}`))
	two := read(r.at(custom, http.MethodPost, "/identities", `{"customId":"alice","createTokenWithScopes":["chat"]}`))
	bob := read(r.at(custom, http.MethodPost, "/identities", `{"customId":"bob"}`))
	if *one.ID != *two.ID || *one.ID == *bob.ID || *one.CustomID != "alice" || one.LastTokenIssuedAt != nil || two.LastTokenIssuedAt == nil {
		t.Errorf("%v, %v, %v", one, two, bob)
	}
	a := r.at(custom, http.MethodGet, acswire.IdentityPath(*one.ID), "")
	var got acswire.Identity
	if err := json.Unmarshal(a.body, &got); err != nil || a.StatusCode != http.StatusOK || *got.ID != *one.ID || *got.CustomID != "alice" || got.LastTokenIssuedAt == nil {
		t.Errorf("get: %d %s", a.StatusCode, a.body)
	}
	for _, body := range []string{`{"customId":""}`, `{"customId":"` + strings.Repeat("x", 257) + `"}`, `{"customId":"a\u0001b"}`} {
		if a := r.at(custom, http.MethodPost, "/identities", body); a.StatusCode != http.StatusBadRequest || a.error(t).Target != "customId" {
			t.Errorf("%.30s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := r.at("2023-10-01", http.MethodGet, acswire.IdentityPath(*one.ID), ""); a.StatusCode != http.StatusMethodNotAllowed || a.error(t).Code != acswire.CodeMethodNotAllowed {
		t.Errorf("get before it existed: %d %s", a.StatusCode, a.body)
	}
}

func TestIdentity_BadRequests(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	id, _ := r.user("chat")
	path := acswire.IdentityPath(id)
	foreign := acswire.IdentityPath("8:acs:" + guid.New().String() + "_" + guid.New().String())
	assignment := acswire.TeamsExtensionAssignmentPath(guid.New().String(), guid.New().String())
	for name, c := range map[string]struct {
		version, method, path, body string
		status                      int
		code, target                string
	}{
		"NoScopes":         {custom, http.MethodPost, path + "/:issueAccessToken", `{"scopes":[]}`, 400, acswire.CodeValidationError, "scopes"},
		"PSTNIsOver":       {apiVersion, http.MethodPost, path + "/:issueAccessToken", `{"scopes":["pstn"]}`, 400, acswire.CodeValidationError, "scopes"},
		"TwiceTheScope":    {apiVersion, http.MethodPost, path + "/:issueAccessToken", `{"scopes":["chat","chat"]}`, 400, acswire.CodeValidationError, "scopes"},
		"TooLong":          {apiVersion, http.MethodPost, path + "/:issueAccessToken", `{"scopes":["chat"],"expiresInMinutes":1441}`, 400, acswire.CodeValidationError, "ExpiresInMinutes"},
		"Foreign":          {apiVersion, http.MethodDelete, foreign, "", 401, acswire.CodeIdentityNotOwned, ""},
		"ForeignRevoked":   {apiVersion, http.MethodPost, foreign + "/:revokeAccessTokens", "", 401, acswire.CodeIdentityNotOwned, ""},
		"ForeignRead":      {custom, http.MethodGet, foreign, "", 401, acswire.CodeIdentityNotOwned, ""},
		"NotATime":         {"2020-07-20-preview2", http.MethodPatch, path, `{"tokensValidFrom":"now"}`, 400, acswire.CodeValidationError, "tokensValidFrom"},
		"TeamsNoToken":     {apiVersion, http.MethodPost, acswire.RouteTeamsUserExchange, `{"appId":"a","userId":"b"}`, 400, acswire.CodeValidationError, "token"},
		"TeamsBadToken":    {apiVersion, http.MethodPost, acswire.RouteTeamsUserExchange, `{"token":"t","appId":"a","userId":"b"}`, 401, acswire.CodeInvalidAccessToken, ""},
		"NoAssignment":     {"2025-06-30", http.MethodGet, assignment, "", 404, acswire.CodeNotFound, ""},
		"AssignmentKind":   {"2025-06-30", http.MethodPut, assignment, `{"principalType":"robot"}`, 400, acswire.CodeValidationError, "principalType"},
		"AssignmentClient": {"2025-06-30", http.MethodPut, assignment, `{"principalType":"user","clientIds":["x"]}`, 400, acswire.CodeValidationError, "clientIds"},
		"AssignmentOfWhom": {"2025-06-30", http.MethodGet, acswire.TeamsExtensionAssignmentPath("x", guid.New().String()), "", 400, acswire.CodeValidationError, "tenantId"},
	} {
		a := r.at(c.version, c.method, c.path, c.body)
		if e := a.error(t); a.StatusCode != c.status || e.Code != c.code || e.Target != c.target {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := r.at("2020-07-20-preview2", http.MethodPost, path+"/token", `{"scopes":["pstn"]}`); a.StatusCode != http.StatusOK {
		t.Errorf("pstn in 2020: %d %s", a.StatusCode, a.body)
	}
}

func TestIdentity_Assignments(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	const version = "2025-06-30"
	client := guid.New().String()
	path := acswire.TeamsExtensionAssignmentPath(guid.New().String(), guid.New().String())
	for _, c := range []struct {
		method, body string
		status       int
	}{
		{http.MethodPut, `{"principalType":"user","clientIds":["` + client + `"]}`, http.StatusCreated},
		{http.MethodGet, "", http.StatusOK},
		{http.MethodPut, `{"principalType":"resourceAccount"}`, http.StatusOK},
		{http.MethodPut, `{"principalType":"device"}`, http.StatusBadRequest},
		// As Microsoft's sample of the Teams Phone extension writes it.
		{http.MethodPut, `{"principalType":"User","clientIds":["` + client + `"]}`, http.StatusOK},
		{http.MethodDelete, "", http.StatusNoContent},
		{http.MethodDelete, "", http.StatusNoContent},
		{http.MethodGet, "", http.StatusNotFound},
	} {
		a := r.at(version, c.method, path, c.body)
		if a.StatusCode != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.body, a.StatusCode, a.body)
		}
		if strings.Contains(c.body, "User") && !strings.Contains(string(a.body), `"principalType":"user"`) {
			t.Errorf("%s is answered as %s", c.body, a.body)
		}
	}
}

// TestIdentity_Revoked_EndsConnections: what is open with void tokens is closed.
func TestIdentity_Revoked_EndsConnections(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	for name, end := range map[string]func(path string) *answer{
		"Revoke": func(path string) *answer { return r.post(path+"/:revokeAccessTokens", "") },
		"Delete": func(path string) *answer { return r.at(apiVersion, http.MethodDelete, path, "") },
	} {
		t.Run(name, func(t *testing.T) {
			id, token := r.user("voip")
			agent := sign(t, srv, id, token, "phone")
			if a := end(acswire.IdentityPath(id)); a.StatusCode != http.StatusNoContent {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			s := agent.expectState(signaling.ClientClosed)
			var goodbye *signaling.GoodbyeError
			if !errors.As(s.Err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
				t.Errorf("%+v", s)
			}
			if g := refused(t, srv, token); g == nil || g.Code != signaling.CodeTokenInvalid {
				t.Errorf("connected again: %v", g)
			}
		})
	}
}

func TestIdentity_JWKS(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for _, algorithm := range []identity.Algorithm{identity.AlgorithmES256, identity.AlgorithmRS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			r := newREST(t, start(t, server.Options{TokenAlgorithm: algorithm}))
			_, token := r.user("chat")
			req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.conn.Endpoint+identity.JWKSPath, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := r.do(req)
			if err := verifyWithJWKS(a.body, token, string(algorithm)); err != nil || a.StatusCode != http.StatusOK {
				t.Errorf("%d %s: %v", a.StatusCode, a.body, err)
			}
		})
	}
}
