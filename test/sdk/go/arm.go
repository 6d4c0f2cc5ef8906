package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/services/preview/communication/mgmt/2020-08-20-preview/communication"
	"github.com/Azure/go-autorest/autorest"
	"github.com/Azure/go-autorest/autorest/to"
)

const (
	group   = "sdk-go"
	first   = "sdk-go-one"
	second  = "sdk-go-two"
	polled  = "sdk-go-polled"
	pollGap = 50 * time.Millisecond
)

// token is a bearer token for an autorest client.
type token string

func (t token) OAuthToken() string { return string(t) }

// client is the package's client on the service.
func (s *suite) client(bearer string) communication.ServiceClient {
	c := communication.NewServiceClientWithBaseURI(s.ARMEndpoint, s.SubscriptionID)
	c.Authorizer = autorest.NewBearerAuthorizer(token(bearer))
	c.PollingDelay = pollGap
	c.RetryAttempts = 1
	return c
}

// resources are the checks of a resource's life, in order.
type resources struct {
	*suite
	ctx    context.Context
	client communication.ServiceClient
}

func (s *suite) resourceManager() {
	r := &resources{suite: s, ctx: context.Background(), client: s.client(s.ARMToken)}
	s.check("operations", r.operations)
	s.check("create, read, again", r.create)
	s.check("operation statuses", r.statuses)
	s.check("lists", r.lists)
	s.check("update of tags", r.update)
	s.check("both keys work, and only on their resource", r.keys)
	s.check("regenerate the primary key", func() error { return r.regenerate(communication.Primary) })
	s.check("regenerate the secondary key", func() error { return r.regenerate(communication.Secondary) })
	s.check("link a notification hub", r.link)
	s.check("delete", r.remove)
	s.check("a token of another issuer is refused", r.untrusted)
}

func (r *resources) operations() error {
	c := communication.NewOperationsClientWithBaseURI(r.ARMEndpoint, r.SubscriptionID)
	c.Authorizer = r.client.Authorizer
	page, err := c.List(r.ctx)
	if err != nil {
		return err
	}
	for _, o := range page.Values() {
		if strings.HasPrefix(strings.ToLower(to.String(o.Name)), "microsoft.communication/") {
			return nil
		}
	}
	return fmt.Errorf("%d operations, none of Microsoft.Communication", len(page.Values()))
}

func (r *resources) make(name string, tags map[string]*string) (communication.ServiceResource, error) {
	future, err := r.client.CreateOrUpdate(r.ctx, group, name, &communication.ServiceResource{
		Location: to.StringPtr("Global"), Tags: tags,
		ServiceProperties: &communication.ServiceProperties{DataLocation: to.StringPtr("Europe")},
	})
	if err != nil {
		return communication.ServiceResource{}, err
	}
	if err := future.WaitForCompletionRef(r.ctx, r.client.Client); err != nil {
		return communication.ServiceResource{}, err
	}
	return future.Result(r.client)
}

func (r *resources) create() error {
	made, err := r.make(first, map[string]*string{"team": to.StringPtr("alice")})
	if err != nil {
		return err
	}
	got, err := r.client.Get(r.ctx, group, first)
	if err != nil {
		return err
	}
	again, err := r.make(first, map[string]*string{"team": to.StringPtr("alice")})
	if err != nil {
		return err
	}
	return errors.Join(
		same("name", to.String(made.Name), first),
		same("provisioning state", made.ProvisioningState, communication.Succeeded),
		same("data location", to.String(got.DataLocation), "Europe"),
		same("location", strings.ToLower(to.String(got.Location)), "global"),
		same("type", strings.ToLower(to.String(got.Type)), "microsoft.communication/communicationservices"),
		same("tag", to.String(got.Tags["team"]), "alice"),
		same("id", to.String(got.ID), to.String(made.ID)),
		same("host name", to.String(got.HostName) != "", true),
		same("immutable id", to.String(again.ImmutableResourceID), to.String(made.ImmutableResourceID)),
	)
}

// statuses reads the operation that a creation names. A resource that is there
// already would be changed at once, without an operation.
func (r *resources) statuses() error {
	future, err := r.client.CreateOrUpdate(r.ctx, group, polled, &communication.ServiceResource{
		Location:          to.StringPtr("Global"),
		ServiceProperties: &communication.ServiceProperties{DataLocation: to.StringPtr("Europe")},
	})
	if err != nil {
		return err
	}
	link := future.PollingURL()
	if err := future.WaitForCompletionRef(r.ctx, r.client.Client); err != nil {
		return err
	}
	_, rest, _ := strings.Cut(link, "/locations/")
	location, rest, found := strings.Cut(rest, "/operationStatuses/")
	if !found {
		return fmt.Errorf("the creation names no operation: %q", link)
	}
	id, _, _ := strings.Cut(rest, "?")
	c := communication.NewOperationStatusesClientWithBaseURI(r.ARMEndpoint, r.SubscriptionID)
	c.Authorizer = r.client.Authorizer
	status, err := c.Get(r.ctx, location, id)
	if err != nil {
		return err
	}
	gone, err := r.client.Delete(r.ctx, group, polled)
	if err != nil {
		return err
	}
	return errors.Join(
		same("status", status.Status, communication.StatusSucceeded),
		gone.WaitForCompletionRef(r.ctx, r.client.Client),
	)
}

func (r *resources) lists() error {
	if _, err := r.make(second, nil); err != nil {
		return err
	}
	inGroup, err := r.client.ListByResourceGroupComplete(r.ctx, group)
	if err != nil {
		return err
	}
	names, err := collect(r.ctx, inGroup)
	if err != nil {
		return err
	}
	if want := []string{first, second}; !slices.Equal(names, want) {
		return fmt.Errorf("the group has %v, want %v", names, want)
	}
	all, err := r.client.ListBySubscriptionComplete(r.ctx)
	if err != nil {
		return err
	}
	if names, err = collect(r.ctx, all); err != nil {
		return err
	}
	if !slices.Contains(names, first) || !slices.Contains(names, "local") {
		return fmt.Errorf("the subscription has %v", names)
	}
	return nil
}

func collect(ctx context.Context, all communication.ServiceResourceListIterator) ([]string, error) {
	var names []string
	for all.NotDone() {
		names = append(names, to.String(all.Value().Name))
		if err := all.NextWithContext(ctx); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

func (r *resources) update() error {
	tags := map[string]*string{"team": to.StringPtr("bob")}
	updated, err := r.client.Update(r.ctx, group, first, &communication.TaggedResource{Tags: tags})
	if err != nil {
		return err
	}
	got, err := r.client.Get(r.ctx, group, first)
	if err != nil {
		return err
	}
	equal := func(a, b *string) bool { return to.String(a) == to.String(b) }
	return errors.Join(
		same("tags answered", maps.EqualFunc(updated.Tags, tags, equal), true),
		same("tags kept", maps.EqualFunc(got.Tags, tags, equal), true),
	)
}

func (r *resources) keys() error {
	got, err := r.client.Get(r.ctx, group, first)
	if err != nil {
		return err
	}
	keys, err := r.client.ListKeys(r.ctx, group, first)
	if err != nil {
		return err
	}
	for _, connection := range []*string{keys.PrimaryConnectionString, keys.SecondaryConnectionString} {
		id, err := r.user(connection)
		if err != nil {
			return err
		}
		if prefix := "8:acs:" + strings.ToLower(to.String(got.ImmutableResourceID)) + "_"; !strings.HasPrefix(id, prefix) {
			return fmt.Errorf("user %s does not begin with %s", id, prefix)
		}
	}
	endpoint, _, _ := strings.Cut(r.ConnectionString, ";")
	return r.refused(endpoint + ";accesskey=" + to.String(keys.PrimaryKey))
}

// refused checks that a connection string is refused as one with a wrong key.
func (r *resources) refused(connectionString string) error {
	id, err := r.user(&connectionString)
	var refused refusal
	if errors.As(err, &refused) && refused.status == http.StatusUnauthorized {
		return nil
	}
	return fmt.Errorf("the key is not refused: user %q, %w", id, err)
}

func (r *resources) regenerate(kind communication.KeyType) error {
	old, err := r.client.ListKeys(r.ctx, group, first)
	if err != nil {
		return err
	}
	if _, err := r.client.RegenerateKey(r.ctx, group, first, &communication.RegenerateKeyParameters{KeyType: kind}); err != nil {
		return err
	}
	now, err := r.client.ListKeys(r.ctx, group, first)
	if err != nil {
		return err
	}
	gone, fresh, kept, wasKept := old.PrimaryConnectionString, now.PrimaryConnectionString, now.SecondaryConnectionString, old.SecondaryConnectionString
	if kind == communication.Secondary {
		gone, fresh, kept, wasKept = old.SecondaryConnectionString, now.SecondaryConnectionString, now.PrimaryConnectionString, old.PrimaryConnectionString
	}
	if _, err := r.user(fresh); err != nil {
		return fmt.Errorf("the new key: %w", err)
	}
	if _, err := r.user(kept); err != nil {
		return fmt.Errorf("the other key: %w", err)
	}
	return errors.Join(same("other key", to.String(kept), to.String(wasKept)), r.refused(to.String(gone)))
}

func (r *resources) link() error {
	hub := "/subscriptions/" + r.SubscriptionID + "/resourceGroups/" + group + "/providers/Microsoft.NotificationHubs/namespaces/n/notificationHubs/h"
	linked, err := r.client.LinkNotificationHub(r.ctx, group, first, &communication.LinkNotificationHubParameters{
		ResourceID: &hub, ConnectionString: to.StringPtr("Endpoint=sb://n.example/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0"),
	})
	if err != nil {
		return err
	}
	got, err := r.client.Get(r.ctx, group, first)
	if err != nil {
		return err
	}
	return errors.Join(same("hub answered", to.String(linked.ResourceID), hub), same("hub kept", to.String(got.NotificationHubID), hub))
}

func (r *resources) remove() error {
	keys, err := r.client.ListKeys(r.ctx, group, first)
	if err != nil {
		return err
	}
	for _, name := range []string{first, second, second} { // the last is gone already
		future, err := r.client.Delete(r.ctx, group, name)
		if err != nil {
			return err
		}
		if err := future.WaitForCompletionRef(r.ctx, r.client.Client); err != nil {
			return err
		}
		if _, err := future.Result(r.client); err != nil {
			return err
		}
	}
	gone, err := r.client.Get(r.ctx, group, first)
	if err == nil || gone.Response.Response == nil || gone.StatusCode != http.StatusNotFound {
		return fmt.Errorf("a deleted resource is still read: %w", err)
	}
	if id, err := r.user(keys.PrimaryConnectionString); err == nil {
		return fmt.Errorf("a deleted resource made user %s", id)
	}
	return nil
}

func (r *resources) untrusted() error {
	var answer struct {
		Token string `json:"token"`
	}
	if err := r.helper("/foreign", map[string]any{"kind": "untrusted"}, &answer); err != nil {
		return err
	}
	page, err := r.suite.client(answer.Token).ListBySubscription(r.ctx)
	if err == nil || page.Response().Response.Response == nil || page.Response().StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("the token is not refused with 401: %w", err)
	}
	return nil
}
