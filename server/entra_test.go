package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/oidc"
)

// entraDoor is a service that takes the tokens of an issuer for those of Entra.
type entraDoor struct {
	*rest
	issuer *testkit.Issuer
}

func newEntraDoor(t *testing.T) *entraDoor {
	issuer := testkit.NewIssuer(t)
	srv := start(t, server.Options{OIDC: []oidc.Issuer{{URL: issuer.URL, Uses: []oidc.Use{oidc.UseExchange}, Audiences: []string{walkAudience}}}})
	return &entraDoor{newREST(t, srv), issuer}
}

// exchange returns the status of an exchange, and the token if there is one.
func (d *entraDoor) exchange(object string, groups ...string) (status int, token string) {
	d.t.Helper()
	claims := map[string]any{"oid": object, "tid": walkTenant, "appid": walkApplication, "scp": "VoIP"}
	if len(groups) > 0 {
		claims["groups"] = groups
	}
	req := d.request(http.MethodPost, "/access/entra/:exchangeAccessToken?api-version="+custom, "{}")
	req.Header.Set("Authorization", "Bearer "+d.issuer.Token(walkAudience, time.Now().Add(time.Hour), claims))
	a := d.do(req)
	var made acswire.CreateIdentityResponse
	if err := json.Unmarshal(a.body, &made); err != nil || made.AccessToken == nil {
		return a.StatusCode, ""
	}
	return a.StatusCode, *made.AccessToken.Token
}

func entraBody(tenant, kind string, clients ...string) string {
	list, _ := json.Marshal(append([]string{}, clients...)) //nolint:errchkjson // texts
	return fmt.Sprintf(`{"tenantId":%q,"principalType":%q,"clientIds":%s}`, tenant, kind, list)
}

// TestEntra_Assignments: they are kept as they were written, one by one and many
// at once.
func TestEntra_Assignments(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	d := newEntraDoor(t)
	one, other := guid.New().String(), guid.New().String()
	path := acswire.EntraAssignmentPath(strings.ToUpper(one))
	user, group := entraBody(walkTenant, "User", walkApplication), entraBody(walkTenant, "group", walkApplication)
	said := func(object, kind string) string {
		return fmt.Sprintf(`{"objectId":%q,"tenantId":%q,"principalType":%q,"clientIds":[%q]}`, object, walkTenant, kind, walkApplication)
	}
	for i, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodGet, acswire.RouteEntraAssignments, "", http.StatusOK, `{"value":[]}`},
		{http.MethodGet, path, "", http.StatusNotFound, ""},
		{http.MethodPut, path, user, http.StatusCreated, said(one, "user")},
		{http.MethodPut, path, user, http.StatusOK, said(one, "user")},
		{http.MethodGet, path, "", http.StatusOK, said(one, "user")},
		{http.MethodPatch, acswire.RouteEntraAssignments, fmt.Sprintf(`{%q:%s,%q:null}`, other, group, one), http.StatusOK, `{"value":[` + said(other, "group") + `]}`},
		{http.MethodGet, acswire.RouteEntraAssignments, "", http.StatusOK, `{"value":[` + said(other, "group") + `]}`},
		{http.MethodPatch, acswire.RouteEntraAssignments, fmt.Sprintf(`{%q:null}`, other), http.StatusNoContent, ""},
		{http.MethodPut, path, entraBody(walkTenant, "tenant"), http.StatusCreated, ""},
		{http.MethodDelete, path, "", http.StatusNoContent, ""},
		{http.MethodDelete, path, "", http.StatusNoContent, ""},
		{http.MethodGet, acswire.RouteEntraAssignments, "", http.StatusOK, `{"value":[]}`},
	} {
		req := d.request(c.method, c.path+"?api-version="+custom, c.body)
		if c.method == http.MethodPatch {
			req.Header.Set("Content-Type", "application/merge-patch+json")
		}
		if a := d.do(req); a.StatusCode != c.status || c.want != "" && string(a.body) != c.want {
			t.Errorf("%d: %s %s: %d %s, want %d %s", i, c.method, c.body, a.StatusCode, a.body, c.status, c.want)
		}
	}
	// Only that preview has them.
	if a := d.at("2025-06-30", http.MethodGet, acswire.RouteEntraAssignments, ""); a.StatusCode != http.StatusBadRequest || a.error(t).Code != acswire.CodeUnsupportedAPIVersion {
		t.Errorf("at 2025-06-30: %d %s", a.StatusCode, a.body)
	}
}

func TestEntra_BadAssignments(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	d := newEntraDoor(t)
	object := guid.New().String()
	good := entraBody(walkTenant, "user", walkApplication)
	for name, c := range map[string]struct{ method, path, body string }{
		"NoBody":      {http.MethodPut, acswire.EntraAssignmentPath(object), ""},
		"NoClients":   {http.MethodPut, acswire.EntraAssignmentPath(object), fmt.Sprintf(`{"tenantId":%q,"principalType":"user"}`, walkTenant)},
		"NoTenant":    {http.MethodPut, acswire.EntraAssignmentPath(object), `{"principalType":"user","clientIds":[]}`},
		"Client":      {http.MethodPut, acswire.EntraAssignmentPath(object), entraBody(walkTenant, "user", "app")},
		"Tenant":      {http.MethodPut, acswire.EntraAssignmentPath(object), entraBody("contoso", "user", walkApplication)},
		"Kind":        {http.MethodPut, acswire.EntraAssignmentPath(object), entraBody(walkTenant, "resourceAccount", walkApplication)},
		"Object":      {http.MethodPut, acswire.EntraAssignmentPath("alice"), good},
		"ObjectOfGet": {http.MethodGet, acswire.EntraAssignmentPath("alice"), ""},
		"ObjectGone":  {http.MethodDelete, acswire.EntraAssignmentPath("alice"), ""},
		"OneOfMany":   {http.MethodPatch, acswire.RouteEntraAssignments, fmt.Sprintf(`{%q:%s,"alice":%s}`, object, good, good)},
		"NullOfMany":  {http.MethodPatch, acswire.RouteEntraAssignments, `{"alice":null}`},
		"Twice":       {http.MethodPatch, acswire.RouteEntraAssignments, fmt.Sprintf(`{"%s":%s,"%s":null}`, "a"+object[1:], good, "A"+object[1:])},
		"NoObject":    {http.MethodPatch, acswire.RouteEntraAssignments, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			if a := d.at(custom, c.method, c.path, c.body); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	if a := d.at(custom, http.MethodGet, acswire.RouteEntraAssignments, ""); string(a.body) != `{"value":[]}` {
		t.Errorf("something was kept: %s", a.body)
	}
	if status, _ := d.exchange(walkObject); status != http.StatusOK {
		t.Errorf("what was refused has closed the door: %d", status)
	}
}

// TestEntra_Pages: a long list is read in pages, nothing twice.
func TestEntra_Pages(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	d := newEntraDoor(t)
	const many = 250
	var changes []string
	for range many {
		changes = append(changes, fmt.Sprintf("%q:%s", guid.New().String(), entraBody(walkTenant, "user", walkApplication)))
	}
	if a := d.at(custom, http.MethodPatch, acswire.RouteEntraAssignments, "{"+strings.Join(changes, ",")+"}"); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	seen, pages := map[string]bool{}, 0
	for next := acswire.RouteEntraAssignments + "?api-version=" + custom; next != ""; pages++ {
		var page acswire.EntraAssignments
		if a := d.do(d.request(http.MethodGet, next, "")); json.Unmarshal(a.body, &page) != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		for _, a := range page.Value {
			seen[a.ObjectID] = true
		}
		next = ""
		if page.NextLink != nil {
			link, err := url.Parse(*page.NextLink)
			if err != nil {
				t.Fatal(err)
			}
			next = link.RequestURI()
		}
	}
	if len(seen) != many || pages != 3 {
		t.Errorf("%d of %d in %d pages", len(seen), many, pages)
	}
	if a := d.do(d.request(http.MethodGet, acswire.RouteEntraAssignments+"?api-version="+custom+"&continuationToken=mine", "")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a link of nobody: %d %s", a.StatusCode, a.body)
	}
}

// TestEntra_Exchange: a resource without assignments is open to whom the
// operator lets in; one that had any is for those alone who have one.
func TestEntra_Exchange(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	d := newEntraDoor(t)
	bob, group, tenant := guid.New().String(), guid.New().String(), guid.New().String()
	set := func(object, body string) {
		t.Helper()
		if a := d.at(custom, http.MethodPut, acswire.EntraAssignmentPath(object), body); a.StatusCode/100 != 2 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	want := func(name string, status int, object string, groups ...string) string {
		t.Helper()
		got, token := d.exchange(object, groups...)
		if got != status {
			t.Errorf("%s: %d, want %d", name, got, status)
		}
		return token
	}
	want("before the first assignment", http.StatusOK, bob)
	set(walkObject, entraBody(walkTenant, "user", strings.ToUpper(walkApplication)))
	alices := want("who has one", http.StatusOK, walkObject)
	want("who has none", http.StatusForbidden, bob)
	set(bob, entraBody(walkTenant, "user"))
	want("for no application", http.StatusForbidden, bob)
	set(bob, entraBody(walkTenant, "user", guid.New().String()))
	want("for another application", http.StatusForbidden, bob)
	set(bob, entraBody(tenant, "user", walkApplication))
	want("of another tenant", http.StatusForbidden, bob)
	set(bob, entraBody(walkTenant, "group", walkApplication))
	want("a group with the id of the user", http.StatusForbidden, bob)
	set(group, entraBody(walkTenant, "group", walkApplication))
	want("in the group", http.StatusOK, bob, guid.New().String(), group)
	want("in another group", http.StatusForbidden, bob, guid.New().String())
	set(walkTenant, entraBody(walkTenant, "tenant", walkApplication))
	want("all of the tenant", http.StatusOK, bob)
	// The last one that goes does not open the door, and takes the tokens along.
	body := fmt.Sprintf(`{%q:null,%q:null,%q:null,%q:null}`, walkObject, bob, group, walkTenant)
	if a := d.at(custom, http.MethodPatch, acswire.RouteEntraAssignments, body); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	want("after the last", http.StatusForbidden, walkObject)
	req := d.request(http.MethodGet, "/chat/threads?api-version=2024-03-07", "")
	req.Header.Set("Authorization", "Bearer "+alices)
	if a := d.do(req); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token of who was removed: %d %s", a.StatusCode, a.body)
	}
}
