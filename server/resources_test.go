package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/oidc"
	"github.com/parley-rtc/parley/signaling"
)

const armVersion = "?api-version=2025-09-01"

// service is the path of a resource.
func (r *rest) service(name string) string {
	return "/subscriptions/" + r.conn.SubscriptionID + "/resourceGroups/team/providers/Microsoft.Communication/communicationServices/" + name
}

// settled follows the link of an answer until the work is done, and returns
// how it ended.
func (r *rest) settled(a *answer) acswire.AsyncOperationStatus {
	r.t.Helper()
	link, err := url.Parse(a.Header.Get(acswire.HeaderAsyncOperation))
	if err != nil || link.Path == "" {
		r.t.Fatalf("status %d, link %v (%v): %s", a.StatusCode, link, err, a.body)
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var status acswire.AsyncOperationStatus
		a := r.manage(http.MethodGet, link.RequestURI(), "")
		if err := json.Unmarshal(a.body, &status); err != nil || status.Status == nil {
			r.t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		if *status.Status != acswire.ProvisioningStateAccepted && *status.Status != acswire.ProvisioningStateDeleting {
			return status
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no end: %s", a.body)
		}
	}
}

// model reads a resource.
func (r *rest) model(name string) acswire.CommunicationServiceResource {
	r.t.Helper()
	var m acswire.CommunicationServiceResource
	a := r.manage(http.MethodGet, r.service(name)+armVersion, "")
	if err := json.Unmarshal(a.body, &m); err != nil || a.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %d %s", name, a.StatusCode, a.body)
	}
	return m
}

// signAt connects a device of a user at an endpoint.
func signAt(t *testing.T, srv *server.Server, endpoint, user, token, device string) *agent {
	t.Helper()
	return signWith(t, signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{
		TLSConfig: &tls.Config{RootCAs: pool(t, srv.Connection())},
	}), user, token, device)
}

// TestResource_DeletedWithALiveCall: what its users have open ends, nothing of
// it is left, and its neighbor does not notice.
func TestResource_DeletedWithALiveCall(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	neighbors := newPair(t, srv, 1)
	kept, keptLegs := neighbors.ring()
	neighbors.accept(kept, keptLegs)

	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	p := &pair{srv: srv}
	from, fromToken := sales.user()
	to, toToken := sales.user()
	p.caller = signAt(t, srv, sales.conn.Endpoint, from, fromToken, "phone")
	p.devices = []*agent{signAt(t, srv, sales.conn.Endpoint, to, toToken, "desk")}
	id, legs := p.ring()
	p.accept(id, legs)

	a := r.manage(http.MethodDelete, r.service("sales")+armVersion, "")
	if a.StatusCode != http.StatusAccepted || a.Header.Get("Location") != a.Header.Get(acswire.HeaderAsyncOperation) {
		t.Fatalf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	for _, agent := range append(p.devices, p.caller) {
		var goodbye *signaling.GoodbyeError
		if s := agent.expectState(signaling.ClientClosed); !errors.As(s.Err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
			t.Errorf("%s ended with %v", agent.user, s.Err)
		}
	}
	if status := r.settled(a); *status.Status != acswire.ProvisioningStateSucceeded || *status.ResourceID != r.service("sales") {
		t.Errorf("%+v", status)
	}
	for what, code := range map[string]int{http.MethodGet: http.StatusNotFound, http.MethodDelete: http.StatusNoContent} {
		if a := r.manage(what, r.service("sales")+armVersion, ""); a.StatusCode != code {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	if _, err := sales.client.Do(sales.request(http.MethodPost, "/identities?api-version="+apiVersion, "")); err == nil {
		t.Error("its port still answers")
	}
	if goodbye := refused(t, srv, fromToken); goodbye.Code != signaling.CodeTokenInvalid {
		t.Errorf("its token: %v", goodbye)
	}
	// The name is free, and what comes under it is another resource.
	again := r.of(*r.resource("sales").PrimaryConnectionString)
	if a := again.post(acswire.IssueAccessTokenPath(from), `{"scopes":["voip"]}`); a.error(t).Code != acswire.CodeIdentityNotOwned {
		t.Errorf("a user of the resource before: %d %s", a.StatusCode, a.body)
	}
	neighbors.caller.send(kept, callfsm.Message{Kind: callfsm.KindHangUp})
	neighbors.devices[0].expect(kept, callfsm.KindEnded)
}

// TestResource_AgentsOfOthersAreRefused: a token is good at the host of its
// resource only.
func TestResource_AgentsOfOthersAreRefused(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	local, localToken := r.user()
	user, token := sales.user()
	for _, test := range []struct{ endpoint, user, token string }{
		{r.conn.Endpoint, user, token}, {r.conn.HTTPEndpoint, user, token}, {sales.conn.Endpoint, local, localToken},
	} {
		a := newAgent(t, signaling.NewWebSocketDialer(test.endpoint, &signaling.WebSocketOptions{
			TLSConfig: &tls.Config{RootCAs: pool(t, r.conn)},
		}), test.user, test.token, "phone")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := a.client.Start(ctx)
		cancel()
		var goodbye *signaling.GoodbyeError
		if !errors.As(err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
			t.Errorf("%s: %v", test.endpoint, err)
		}
	}
	signAt(t, srv, sales.conn.Endpoint, user, token, "phone")
	signAt(t, srv, r.conn.Endpoint, local, localToken, "phone")
}

// TestResource_OutlivesARestart: with its port, its keys and its users.
func TestResource_OutlivesARestart(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	options := server.Options{DataDir: t.TempDir()}
	options.Database = testkit.Database(t, options.DataDir)
	srv := start(t, options)
	r := newREST(t, srv)
	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	user, _ := sales.user()
	before := r.model("sales")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	r.conn = start(t, options).Connection()
	after := r.model("sales")
	if *after.Properties.HostName != *before.Properties.HostName || *after.Properties.ImmutableResourceID != *before.Properties.ImmutableResourceID {
		t.Errorf("before %+v, after %+v", before.Properties, after.Properties)
	}
	if a := sales.post(acswire.IssueAccessTokenPath(user), `{"scopes":["voip"]}`); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	// Another program may have taken the port meanwhile: then it has another.
	sales.client.CloseIdleConnections()
}

// TestResource_MadeWhileTheServiceCloses: the work waits for the next start.
func TestResource_MadeWhileTheServiceCloses(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	options := server.Options{DataDir: t.TempDir()}
	options.Database = testkit.Database(t, options.DataDir)
	srv := start(t, options)
	r := newREST(t, srv)
	// So many that some of the work begins when the doors are shut already.
	asked := make([]*answer, 40)
	for i := range asked {
		asked[i] = r.manage(http.MethodPut, r.service(fmt.Sprint("sales", i))+armVersion, `{"location":"global","properties":{"dataLocation":"Europe"}}`)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	r.conn = start(t, options).Connection()
	for _, a := range asked {
		if status := r.settled(a); *status.Status != acswire.ProvisioningStateSucceeded {
			t.Errorf("%+v", status.Error)
		}
	}
}

// TestResource_NoPort: a resource that cannot be served says so, and can be
// asked for again; the service and its other resources do not mind.
func TestResource_NoPort(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, text, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{DataDir: t.TempDir(), ResourcePorts: server.PortRange{First: port, Last: port}}
	options.Database = testkit.Database(t, options.DataDir)
	srv := start(t, options)
	r := newREST(t, srv)
	const body = `{"location":"global","properties":{"dataLocation":"Europe"}}`
	status := r.settled(r.manage(http.MethodPut, r.service("sales")+armVersion, body))
	if *status.Status != acswire.ProvisioningStateFailed || status.Error == nil || status.Error.Code == "" {
		t.Fatalf("%+v", status)
	}
	if m := r.model("sales"); *m.Properties.ProvisioningState != acswire.ProvisioningStateFailed || m.Properties.HostName != nil {
		t.Errorf("%+v", m.Properties)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	keys := r.resource("sales")
	if want := fmt.Sprintf("https://localhost:%d/", port); !strings.Contains(*keys.PrimaryConnectionString, want) {
		t.Errorf("%s, want %s", *keys.PrimaryConnectionString, want)
	}
	// The port is taken when the service starts again.
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if taken, err = net.Listen("tcp", "127.0.0.1:"+text); err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r.conn = start(t, options).Connection()
	if a := r.post("/identities", ""); a.StatusCode != http.StatusCreated {
		t.Errorf("the default resource: %d %s", a.StatusCode, a.body)
	}
	// It can still be deleted.
	if status := r.settled(r.manage(http.MethodDelete, r.service("sales")+armVersion, "")); *status.Status != acswire.ProvisioningStateSucceeded {
		t.Errorf("%+v", status)
	}
}

// TestResource_LocalKeyMadeAnew: connection.json has the new one.
func TestResource_LocalKeyMadeAnew(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	srv := start(t, server.Options{DataDir: dir})
	r := newREST(t, srv)
	path := "/subscriptions/" + r.conn.SubscriptionID + "/resourceGroups/parley/providers/Microsoft.Communication/communicationServices/local"
	if a := r.manage(http.MethodPost, path+"/regenerateKey"+armVersion, `{"keyType":"primary"}`); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := r.post("/identities", ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old key: %d %s", a.StatusCode, a.body)
	}
	eventually(t, "connection.json has the old key", func() error {
		var c server.Connection
		data, err := os.ReadFile(filepath.Join(dir, "connection.json"))
		if err == nil {
			err = json.Unmarshal(data, &c)
		}
		if err == nil && (c.AccessKey == r.conn.AccessKey || !strings.HasSuffix(c.ConnectionString, c.AccessKey)) {
			err = errors.New("the old one")
		}
		r2 := *r
		if r2.conn = c; err == nil && r2.post("/identities", "").StatusCode != http.StatusCreated {
			err = errors.New("the new one is refused")
		}
		return err
	})
}

// TestResource_Clouds: the cloud stands in the ids of the users, and stays.
func TestResource_Clouds(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	options := server.Options{DataDir: t.TempDir(), Cloud: ident.CloudDOD}
	options.Database = testkit.Database(t, options.DataDir)
	srv := start(t, options)
	r := newREST(t, srv)
	user, token := r.user()
	if !strings.HasPrefix(user, "8:dod-acs:") {
		t.Errorf("user %s", user)
	}
	sign(t, srv, user, token, "phone")
	for path, want := range map[string]int{
		user: http.StatusOK, strings.Replace(user, "8:dod-acs:", "8:acs:", 1): http.StatusUnauthorized,
	} {
		if a := r.post(acswire.IssueAccessTokenPath(path), `{"scopes":["voip"]}`); a.StatusCode != want {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	// A call between them passes.
	p := newPair(t, srv, 1)
	id, legs := p.ring()
	p.accept(id, legs)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	// What the service is told later holds for new resources.
	options.Cloud = ident.CloudGCCH
	r.conn = start(t, options).Connection()
	if a := r.post(acswire.IssueAccessTokenPath(user), `{"scopes":["voip"]}`); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	if user, _ := sales.user(); !strings.HasPrefix(user, "8:gcch-acs:") {
		t.Errorf("user %s", user)
	}
}

// TestResource_WithoutAccessKeys: they are refused, bearer tokens are not.
func TestResource_WithoutAccessKeys(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	issuer := testkit.NewIssuer(t)
	srv := start(t, server.Options{OIDC: []oidc.Issuer{{URL: issuer.URL, Uses: []oidc.Use{oidc.UseService}, Audiences: []string{"parley"}}}})
	r := newREST(t, srv)
	sales := r.of(*r.resource("sales").PrimaryConnectionString)
	set := func(off bool) {
		t.Helper()
		a := r.manage(http.MethodPatch, r.service("sales")+armVersion, fmt.Sprintf(`{"properties":{"disableLocalAuth":%t}}`, off))
		var m acswire.CommunicationServiceResource
		if err := json.Unmarshal(a.body, &m); err != nil || a.StatusCode != http.StatusOK || *m.Properties.DisableLocalAuth != off {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	set(true)
	if a := sales.post("/identities", ""); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.error(t).Message, "no access keys") {
		t.Errorf("key: %d %s", a.StatusCode, a.body)
	}
	req := sales.request(http.MethodPost, "/identities?api-version="+apiVersion, "")
	req.Header.Set("Authorization", "Bearer "+issuer.Token("parley", time.Now().Add(time.Hour), map[string]any{"sub": "alice"}))
	if a := sales.do(req); a.StatusCode != http.StatusCreated {
		t.Errorf("bearer token: %d %s", a.StatusCode, a.body)
	}
	// An older client that replaces the resource does not bring the keys back.
	older := strings.Replace(armVersion, "2025-09-01", "2023-03-31", 1)
	a := r.manage(http.MethodPut, r.service("sales")+older, `{"location":"global","tags":{"a":"b"},"properties":{"dataLocation":"europe"}}`)
	if a.StatusCode != http.StatusCreated || strings.Contains(string(a.body), "disableLocalAuth") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	r.settled(a)
	if a := sales.post("/identities", ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("key: %d %s", a.StatusCode, a.body)
	}
	set(false)
	if a := sales.post("/identities", ""); a.StatusCode != http.StatusCreated {
		t.Errorf("key: %d %s", a.StatusCode, a.body)
	}
}
