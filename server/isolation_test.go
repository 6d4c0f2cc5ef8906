package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// manage sends a request to the resource manager.
func (r *rest) manage(method, path, body string) *answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.conn.ARMEndpoint+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.conn.ARMToken)
	return r.do(req)
}

// resource makes a resource and returns its keys.
func (r *rest) resource(name string) (keys acswire.CommunicationServiceKeys) {
	r.t.Helper()
	path := "/subscriptions/" + r.conn.SubscriptionID + "/resourceGroups/team/providers/Microsoft.Communication/communicationServices/" + name
	const version = "?api-version=2025-09-01"
	if a := r.manage(http.MethodPut, path+version, `{"location":"global","properties":{"dataLocation":"Europe"}}`); a.StatusCode != http.StatusCreated {
		r.t.Fatalf("create: %d %s", a.StatusCode, a.body)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		a := r.manage(http.MethodGet, path+version, "")
		if strings.Contains(string(a.body), `"Succeeded"`) {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("not ready: %d %s", a.StatusCode, a.body)
		}
	}
	a := r.manage(http.MethodPost, path+"/listKeys"+version, "")
	if err := json.Unmarshal(a.body, &keys); err != nil || a.StatusCode != http.StatusOK {
		r.t.Fatalf("keys: %d %s", a.StatusCode, a.body)
	}
	return keys
}

// of returns a client of another resource, by its connection string.
func (r *rest) of(connectionString string) *rest {
	r.t.Helper()
	endpoint, key, ok := strings.Cut(strings.TrimPrefix(connectionString, "endpoint="), "/;accesskey=")
	if !ok {
		r.t.Fatalf("connection string %q", connectionString)
	}
	other := *r
	other.conn.Endpoint, other.conn.AccessKey = endpoint, key
	return &other
}

// TestResources_AreIsolated: by port, and by host name under a domain.
func TestResources_AreIsolated(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for name, domain := range map[string]string{"Ports": "", "Domain": "chat.example"} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, server.Options{Domain: domain})
			r := newREST(t, srv)
			_, port, err := net.SplitHostPort(strings.TrimPrefix(r.conn.Endpoint, "https://"))
			if err != nil {
				t.Fatal(err)
			}
			sales := r.of(*r.resource("Sales").PrimaryConnectionString)
			if domain != "" {
				if want := "https://sales.chat.example:" + port; sales.conn.Endpoint != want {
					t.Errorf("endpoint %s, want %s", sales.conn.Endpoint, want)
				}
				sales.client = &http.Client{Transport: &http.Transport{
					TLSClientConfig: &tls.Config{RootCAs: pool(t, r.conn), ServerName: "sales.chat.example"},
					DialContext:     toThisMachine(port), DisableKeepAlives: true,
				}}
			}
			a := sales.post("/identities", `{"createTokenWithScopes":["chat"]}`)
			if a.StatusCode != http.StatusCreated {
				t.Fatalf("create a user: %d %s", a.StatusCode, a.body)
			}
			var made acswire.CreateIdentityResponse
			if err := json.Unmarshal(a.body, &made); err != nil {
				t.Fatal(err)
			}
			local, _ := r.user("chat")
			if strings.HasPrefix(local, (*made.Identity.ID)[:44]) {
				t.Error("both resources have one id")
			}
			// Neither knows the other's users, nor takes its key.
			for what, a := range map[string]*answer{
				"user of the other": sales.post(acswire.IssueAccessTokenPath(local), `{"scopes":["chat"]}`),
				"the other's user":  r.post(acswire.IssueAccessTokenPath(*made.Identity.ID), `{"scopes":["chat"]}`),
			} {
				if a.StatusCode != http.StatusUnauthorized || a.error(t).Code != acswire.CodeIdentityNotOwned {
					t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
				}
			}
			wrong := *sales
			wrong.conn.AccessKey = r.conn.AccessKey
			if a := wrong.post("/identities", ""); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("the other's key: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

// toThisMachine dials a port of this machine whatever the name.
func toThisMachine(port string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
}
