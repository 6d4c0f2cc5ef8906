package resourcemanager_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/contract"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/rest/resourcemanager"
	"github.com/parley-rtc/parley/server"
)

// service is the real service, and how to reach it.
type service struct {
	server.Connection
	t         *testing.T
	transport *http.Client
	log       bytes.Buffer // of the clients
}

// startService runs the real service; at the end its answers are held against
// the specifications, when they are there.
func startService(t *testing.T) *service {
	t.Helper()
	var recording bytes.Buffer
	srv, err := server.New(server.Options{DataDir: t.TempDir(), TURNAddr: "off", Record: &recording})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		root := testkit.Specifications()
		if root == "" {
			return
		}
		result, err := contract.CheckRecording(root, &recording)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range result.Problems {
			// The specifications know no conditions.
			if !strings.Contains(problem, "status 304") {
				t.Error(problem)
			}
		}
	})
	s := &service{t: t, Connection: srv.Connection()}
	ca, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the CA file")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	s.transport = &http.Client{Transport: tr}
	return s
}

// client asks for a version; empty is the default.
func (s *service) client(version string) *resourcemanager.Client {
	s.t.Helper()
	c, err := resourcemanager.NewClient(s.ARMEndpoint, s.SubscriptionID, core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: s.ARMToken}, nil
	}), &resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{
		APIVersion: version, Transport: s.transport,
		Logging: core.LoggingOptions{Logger: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// createUser makes a user with a connection string.
func (s *service) createUser(connectionString string) error {
	s.t.Helper()
	c, err := identity.NewClientFromConnectionString(connectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: s.transport, Retry: core.RetryOptions{MaxRetries: -1},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = c.CreateUser(s.t.Context(), nil)
	return err
}

func contoso() resourcemanager.CommunicationServiceResource {
	return resourcemanager.CommunicationServiceResource{
		Location: new("global"), Tags: map[string]*string{"team": new("alice")},
		Properties: &resourcemanager.CommunicationServiceProperties{DataLocation: new("Europe")},
	}
}

// wait looks again and again: the service asks for a second between two looks.
func wait[T any](t *testing.T, p *core.Poller[T], err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for !p.Done() {
		if _, err := p.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// names are those of all pages.
func names(t *testing.T, c *resourcemanager.Client, group string) []string {
	t.Helper()
	all := []string{}
	for page, err := range c.NewListByResourceGroupPager(group, nil).Pages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Value {
			all = append(all, *r.Name)
		}
	}
	return all
}

// TestService_Life makes a resource, uses, changes and deletes it, in every
// version whose form differs.
func TestService_Life(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	for _, version := range []string{"2020-08-20", "2023-03-31", "2023-04-01", "2023-06-01-preview", ""} {
		t.Run("version "+version, func(t *testing.T) {
			s.t = t
			c, ctx, name := s.client(version), t.Context(), "contoso-"+strings.ReplaceAll(version, "-", "")+"x"
			type response = resourcemanager.ClientCreateOrUpdateResponse
			p, err := c.BeginCreateOrUpdate(ctx, "group", name, contoso(), nil)
			made := wait[response](t, p, err)
			if *made.Name != name || *made.Properties.ProvisioningState != resourcemanager.ProvisioningStateSucceeded ||
				*made.Properties.DataLocation != "Europe" || *made.Tags["team"] != "alice" || made.Properties.ImmutableResourceID == nil || made.ETag == nil {
				t.Fatalf("%+v", made)
			}
			got, err := c.Get(ctx, "group", name, nil)
			if err != nil || *got.Properties.ImmutableResourceID != *made.Properties.ImmutableResourceID || !got.ETag.Equals(*made.ETag) {
				t.Errorf("%+v, %v", got, err)
			}
			updated, err := c.Update(ctx, "group", name, resourcemanager.CommunicationServiceResourceUpdate{Tags: map[string]*string{"team": new("bob")}}, nil)
			if err != nil || *updated.Tags["team"] != "bob" || updated.ETag.Equals(*made.ETag) {
				t.Errorf("%+v, %v", updated, err)
			}
			checkKeys(t, s, c, name)
			if all := names(t, c, "group"); len(all) != 1 || all[0] != name {
				t.Errorf("listed %q", all)
			}
			d, err := c.BeginDelete(ctx, "group", name, nil)
			wait(t, d, err)
			if _, err := c.Get(ctx, "group", name, nil); !core.HasCode(err, resourcemanager.CodeResourceNotFound) {
				t.Errorf("after its end: %v", err)
			}
			d, err = c.BeginDelete(ctx, "group", name, nil)
			wait(t, d, err)
		})
	}
	for _, secret := range []string{s.ARMToken, s.AccessKey} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log shows a secret")
		}
	}
}

func checkKeys(t *testing.T, s *service, c *resourcemanager.Client, name string) {
	t.Helper()
	ctx := t.Context()
	old, err := c.ListKeys(ctx, "group", name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{*old.PrimaryConnectionString, *old.SecondaryConnectionString} {
		if err := s.createUser(key); err != nil {
			t.Error(err)
		}
	}
	fresh, err := c.RegenerateKey(ctx, "group", name, resourcemanager.RegenerateKeyParameters{KeyType: new(resourcemanager.KeyTypePrimary)}, nil)
	if err != nil || *fresh.PrimaryKey == *old.PrimaryKey {
		t.Fatalf("%v", err)
	}
	var refused *core.ResponseError
	if err := s.createUser(*old.PrimaryConnectionString); !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the old key: %v", err)
	}
	listed, err := c.ListKeys(ctx, "group", name, nil)
	if err != nil || *listed.PrimaryKey != *fresh.PrimaryKey || *listed.SecondaryKey != *old.SecondaryKey {
		t.Errorf("%v", err)
	}
	for _, key := range []string{*listed.PrimaryConnectionString, *listed.SecondaryConnectionString} {
		if err := s.createUser(key); err != nil {
			t.Error(err)
		}
	}
	for _, secret := range []string{*old.PrimaryKey, *fresh.PrimaryKey, *old.SecondaryKey} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log shows a key")
		}
	}
}

func TestService_Conditions(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	c, ctx := s.client(""), t.Context()
	create := &resourcemanager.ClientBeginCreateOrUpdateOptions{Conditions: &core.MatchConditions{IfNoneMatch: new(core.ETagAny)}}
	p, err := c.BeginCreateOrUpdate(ctx, "group", "contoso", contoso(), create)
	wait(t, p, err)
	if _, err := c.BeginCreateOrUpdate(ctx, "group", "contoso", contoso(), create); !core.HasCode(err, resourcemanager.CodePreconditionFailed) {
		t.Errorf("create only: %v", err)
	}
	got, err := c.Get(ctx, "group", "contoso", nil)
	if err != nil {
		t.Fatal(err)
	}
	var unchanged *core.ResponseError
	if _, err := c.Get(ctx, "group", "contoso", &resourcemanager.ClientGetOptions{Conditions: &core.MatchConditions{IfNoneMatch: got.ETag}}); !errors.As(err, &unchanged) || unchanged.StatusCode != http.StatusNotModified {
		t.Errorf("not modified: %v", err)
	}
	known := &core.MatchConditions{IfMatch: got.ETag}
	update := resourcemanager.CommunicationServiceResourceUpdate{Tags: map[string]*string{"a": new("1")}}
	if _, err := c.Update(ctx, "group", "contoso", update, &resourcemanager.ClientUpdateOptions{Conditions: known}); err != nil {
		t.Error(err)
	}
	if _, err := c.Update(ctx, "group", "contoso", update, &resourcemanager.ClientUpdateOptions{Conditions: known}); !core.HasCode(err, resourcemanager.CodePreconditionFailed) {
		t.Errorf("an old tag: %v", err)
	}
	if _, err := c.BeginDelete(ctx, "group", "contoso", &resourcemanager.ClientBeginDeleteOptions{Conditions: known}); !core.HasCode(err, resourcemanager.CodePreconditionFailed) {
		t.Errorf("an old tag: %v", err)
	}
}

// TestService_Resume follows operations on in what could be another process:
// another client, and nothing kept but the token.
func TestService_Resume(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	ctx := t.Context()
	p, err := s.client("").BeginCreateOrUpdate(ctx, "group", "contoso", contoso(), nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := p.ResumeToken()
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := s.client("").BeginCreateOrUpdate(ctx, "", "", resourcemanager.CommunicationServiceResource{}, &resourcemanager.ClientBeginCreateOrUpdateOptions{ResumeToken: token})
	if made := wait(t, resumed, err); *made.Name != "contoso" {
		t.Errorf("%+v", made)
	}
	// The other one may go on too; a token of one operation is none of another.
	if made := wait(t, p, nil); *made.Name != "contoso" {
		t.Errorf("%+v", made)
	}
	if _, err := s.client("").BeginDelete(ctx, "", "", &resourcemanager.ClientBeginDeleteOptions{ResumeToken: token}); !errors.Is(err, core.ErrInvalidResumeToken) {
		t.Errorf("%v", err)
	}
	d, err := s.client("").BeginDelete(ctx, "group", "contoso", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = d.ResumeToken(); err != nil {
		t.Fatal(err)
	}
	d, err = s.client("").BeginDelete(ctx, "", "", &resourcemanager.ClientBeginDeleteOptions{ResumeToken: token})
	wait(t, d, err)
}

func TestService_Rest(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	s := startService(t)
	c, ctx := s.client(""), t.Context()
	for n := range 3 {
		p, err := c.BeginCreateOrUpdate(ctx, "many", fmt.Sprintf("contoso-%d", n), contoso(), nil)
		wait(t, p, err)
	}
	all := 0
	for page, err := range c.NewListBySubscriptionPager(nil).Pages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		all += len(page.Value)
	}
	if all != 4 || len(names(t, c, "many")) != 3 || len(names(t, c, "none")) != 0 {
		t.Errorf("%d resources, %q", all, names(t, c, "many"))
	}
	operations := 0
	for page, err := range c.NewListOperationsPager(nil).Pages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		operations += len(page.Value)
	}
	if operations == 0 {
		t.Error("no operations")
	}
	for name, reason := range map[string]string{"contoso-1": resourcemanager.CheckNameAvailabilityReasonAlreadyExists, "no spaces": resourcemanager.CheckNameAvailabilityReasonInvalid} {
		answer, err := c.CheckNameAvailability(ctx, resourcemanager.NameAvailabilityParameters{Name: &name, Type: new(resourcemanager.TypeCommunicationService)}, nil)
		if err != nil || *answer.NameAvailable || *answer.Reason != reason {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
	hub := "/subscriptions/" + s.SubscriptionID + "/resourceGroups/many/providers/Microsoft.NotificationHubs/namespaces/n/notificationHubs/h"
	linked, err := c.LinkNotificationHub(ctx, "many", "contoso-1", resourcemanager.LinkNotificationHubParameters{ResourceID: &hub, ConnectionString: new("Endpoint=sb://n.example/;SharedAccessKey=c2VjcmV0")}, nil)
	if err != nil || *linked.ResourceID != hub {
		t.Errorf("%+v, %v", linked, err)
	}
	for name, one := range map[string]struct {
		err   error
		codes []string
	}{
		"taken":   {begin(c.BeginCreateOrUpdate(ctx, "other", "contoso-1", contoso(), nil)), []string{resourcemanager.CodeHostNamePrefixTaken}},
		"locked":  {lockedDelete(t, c), []string{resourcemanager.CodeScopeLocked}},
		"unknown": {refusal(c.ListKeys(ctx, "many", "none", nil)), []string{resourcemanager.CodeResourceNotFound}},
	} {
		if !core.HasCode(one.err, one.codes...) {
			t.Errorf("%s: %v", name, one.err)
		}
	}
	stranger, err := resourcemanager.NewClient(s.ARMEndpoint, s.SubscriptionID, core.TokenCredentialFunc(armToken), &resourcemanager.ClientOptions{ClientOptions: core.ClientOptions{Transport: s.transport}})
	if err != nil {
		t.Fatal(err)
	}
	var refused *core.ResponseError
	if _, err := stranger.Get(ctx, "many", "contoso-1", nil); !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
}

func begin[T any](_ *core.Poller[T], err error) error { return err }

func refusal[T any](_ T, err error) error { return err }

// lockedDelete tries to delete the resource that cannot be.
func lockedDelete(t *testing.T, c *resourcemanager.Client) error {
	t.Helper()
	for page, err := range c.NewListBySubscriptionPager(nil).Pages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Value {
			if *r.Name == "local" {
				return begin(c.BeginDelete(t.Context(), strings.Split(*r.ID, "/")[4], "local", nil))
			}
		}
	}
	return errors.New("there is no resource named local")
}
