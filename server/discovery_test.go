package server_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/oidc"
	"github.com/parley-rtc/parley/server/webhook"
)

// TestDiscovery_TokenOfAnEvent: a receiver that knows the endpoint alone sees by
// discovery that an event came from here, and nobody signs in with its token.
func TestDiscovery_TokenOfAnEvent(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for _, algorithm := range []string{"ES256", "RS256"} {
		srv := start(t, server.Options{TokenAlgorithm: identity.Algorithm(algorithm)})
		conn, r := srv.Connection(), newReceiver(t)
		_, err := server.WebhookService(srv).Subscribe(t.Context(), webhook.Subscription{
			ResourceID: server.DefaultResource(srv), Name: "hook", Endpoint: r.URL, Schema: webhook.SchemaEventGrid, Audience: "crm.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.PublishEvent(srv, webhook.Event{Type: "Parley.Test"}); err != nil {
			t.Fatal(err)
		}
		token := strings.TrimPrefix((<-r.events).Header.Get("Authorization"), "Bearer ")
		<-r.content
		v, err := oidc.New(oidc.Options{Issuers: []oidc.Issuer{{
			URL: strings.TrimSuffix(conn.Endpoint, "/"), Audiences: []string{"crm.example"}, Uses: []oidc.Use{oidc.UseService}, CAFile: conn.CAFile,
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token, oidc.UseService); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		v.Close()
		if user, err := server.Authenticate(srv, token); err == nil {
			t.Errorf("the token of an event is one of the user %s", user)
		}
		rest := newREST(t, srv)
		resp, err := rest.client.Get(strings.TrimSuffix(conn.Endpoint, "/") + "/calling/.well-known/acsopenidconfiguration")
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&document); err != nil || document["issuer"] != strings.TrimSuffix(conn.Endpoint, "/") {
			t.Errorf("%v, %v", document, err)
		}
		resp.Body.Close()
	}
}

// TestWebhooks_Targets: a service that others reach sends to nobody inside,
// unless it is told to.
func TestWebhooks_Targets(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for name, c := range map[string]struct {
		options server.Options
		want    error
	}{
		"Loopback": {server.Options{}, webhook.ErrValidation}, // nobody listens there
		"Domain":   {server.Options{Domain: "parley.example"}, webhook.ErrTarget},
		"PublicIP": {server.Options{PublicIP: "203.0.113.7"}, webhook.ErrTarget},
		"Allowed":  {server.Options{Domain: "parley.example", WebhookTargets: []string{"localhost"}}, webhook.ErrValidation},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, c.options)
			n := webhook.Subscription{ResourceID: guid.New(), Name: "hook", Endpoint: "http://localhost:1/", Schema: webhook.SchemaCloudEvents}
			if _, err := server.WebhookService(srv).Subscribe(t.Context(), n); !errors.Is(err, c.want) {
				t.Error(err)
			}
		})
	}
}
