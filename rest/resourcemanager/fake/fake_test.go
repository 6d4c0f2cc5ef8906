package fake_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
	rm "github.com/parley-rtc/parley/rest/resourcemanager"
	"github.com/parley-rtc/parley/rest/resourcemanager/fake"
)

var (
	resource   = rm.CommunicationServiceResource{Name: new("n"), Tags: map[string]*string{"a": new("b")}}
	etag       = core.ETag(`"1"`)
	conditions = &core.MatchConditions{IfMatch: &etag, IfNoneMatch: new(core.ETagAny)}
	keys       = rm.CommunicationServiceKeys{PrimaryKey: new("k")}
	hub        = rm.LinkNotificationHubParameters{ResourceID: new("h"), ConnectionString: new("c")}
	list       = rm.CommunicationServiceResourceList{Value: []*rm.CommunicationServiceResource{&resource}}
)

func newClient(t *testing.T, s *fake.Server) *rm.Client {
	t.Helper()
	c, err := rm.NewClient("https://fake", "s", core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
		return core.AccessToken{Token: "t"}, nil
	}), &rm.ClientOptions{ClientOptions: core.ClientOptions{Transport: s, Retry: core.RetryOptions{RetryDelay: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// full is a server whose functions look at what they are given.
func full(t *testing.T) *fake.Server {
	same := func(got ...any) {
		t.Helper()
		for i := 0; i < len(got); i += 2 {
			if !reflect.DeepEqual(got[i], got[i+1]) {
				t.Errorf("got %+v, want %+v", got[i], got[i+1])
			}
		}
	}
	return &fake.Server{
		BeginCreateOrUpdate: func(_ context.Context, g, n string, r rm.CommunicationServiceResource, o *rm.ClientBeginCreateOrUpdateOptions) (corefake.Operation[rm.ClientCreateOrUpdateResponse], error) {
			same(g, "g", n, "n", r, resource, o.Conditions, conditions)
			return corefake.Operation[rm.ClientCreateOrUpdateResponse]{Polls: 2, Result: rm.ClientCreateOrUpdateResponse{CommunicationServiceResource: resource, ETag: &etag}}, nil
		},
		BeginDelete: func(_ context.Context, g, n string, o *rm.ClientBeginDeleteOptions) (corefake.Operation[rm.ClientDeleteResponse], error) {
			same(g, "g", n, "n", o.Conditions, conditions)
			return corefake.Operation[rm.ClientDeleteResponse]{}, nil
		},
		Get: func(_ context.Context, g, n string, o *rm.ClientGetOptions) (rm.ClientGetResponse, error) {
			same(g, "g", n, "n", o.Conditions, (*core.MatchConditions)(nil))
			return rm.ClientGetResponse{CommunicationServiceResource: resource, ETag: &etag}, nil
		},
		Update: func(_ context.Context, g, n string, u rm.CommunicationServiceResourceUpdate, o *rm.ClientUpdateOptions) (rm.ClientUpdateResponse, error) {
			same(g, "g", n, "n", u.Tags, resource.Tags, o.Conditions, &core.MatchConditions{IfMatch: &etag})
			return rm.ClientUpdateResponse{CommunicationServiceResource: resource, ETag: &etag}, nil
		},
		ListKeys: func(_ context.Context, g, n string, _ *rm.ClientListKeysOptions) (rm.ClientListKeysResponse, error) {
			same(g, "g", n, "n")
			return rm.ClientListKeysResponse{CommunicationServiceKeys: keys}, nil
		},
		RegenerateKey: func(_ context.Context, g, n string, p rm.RegenerateKeyParameters, _ *rm.ClientRegenerateKeyOptions) (rm.ClientRegenerateKeyResponse, error) {
			same(g, "g", n, "n", *p.KeyType, rm.KeyTypeSecondary)
			return rm.ClientRegenerateKeyResponse{CommunicationServiceKeys: keys}, nil
		},
		LinkNotificationHub: func(_ context.Context, g, n string, p rm.LinkNotificationHubParameters, _ *rm.ClientLinkNotificationHubOptions) (rm.ClientLinkNotificationHubResponse, error) {
			same(g, "g", n, "n", p, hub)
			return rm.ClientLinkNotificationHubResponse{LinkedNotificationHub: rm.LinkedNotificationHub{ResourceID: p.ResourceID}}, nil
		},
		CheckNameAvailability: func(_ context.Context, p rm.NameAvailabilityParameters, _ *rm.ClientCheckNameAvailabilityOptions) (rm.ClientCheckNameAvailabilityResponse, error) {
			same(*p.Name, "n", *p.Type, "t")
			return rm.ClientCheckNameAvailabilityResponse{CheckNameAvailabilityResponse: rm.CheckNameAvailabilityResponse{NameAvailable: new(true)}}, nil
		},
		NewListBySubscriptionPager: func(*rm.ClientListBySubscriptionOptions) corefake.Pages[rm.ClientListBySubscriptionResponse] {
			return corefake.Pages[rm.ClientListBySubscriptionResponse]{Pages: make([]rm.ClientListBySubscriptionResponse, 3)}
		},
		NewListByResourceGroupPager: func(g string, _ *rm.ClientListByResourceGroupOptions) corefake.Pages[rm.ClientListByResourceGroupResponse] {
			same(g, "g")
			return corefake.Pages[rm.ClientListByResourceGroupResponse]{Pages: []rm.ClientListByResourceGroupResponse{{CommunicationServiceResourceList: list}}}
		},
		NewListOperationsPager: func(*rm.ClientListOperationsOptions) corefake.Pages[rm.ClientListOperationsResponse] {
			return corefake.Pages[rm.ClientListOperationsResponse]{}
		},
	}
}

// count goes over a list.
func count[T any](ctx context.Context, p *core.Pager[T]) (n int, err error) {
	for p.More() {
		if _, err = p.NextPage(ctx); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func finish[T any](ctx context.Context, p *core.Poller[T], err error) (T, error) {
	if err != nil {
		var zero T
		return zero, err
	}
	return p.PollUntilDone(ctx, nil)
}

// call calls every operation and returns the results and errors by name.
func call(t *testing.T, s *fake.Server) (map[string]any, map[string]error) {
	t.Helper()
	ctx, c := t.Context(), newClient(t, s)
	got, errs := map[string]any{}, map[string]error{}
	keep := func(name string, v any, err error) { got[name], errs[name] = v, err }
	p, err := c.BeginCreateOrUpdate(ctx, "g", "n", resource, &rm.ClientBeginCreateOrUpdateOptions{Conditions: conditions})
	made, err := finish(ctx, p, err)
	keep("BeginCreateOrUpdate", made, err)
	d, err := c.BeginDelete(ctx, "g", "n", &rm.ClientBeginDeleteOptions{Conditions: conditions})
	gone, err := finish(ctx, d, err)
	keep("BeginDelete", gone, err)
	found, err := c.Get(ctx, "g", "n", nil)
	keep("Get", found, err)
	updated, err := c.Update(ctx, "g", "n", rm.CommunicationServiceResourceUpdate{Tags: resource.Tags}, &rm.ClientUpdateOptions{Conditions: &core.MatchConditions{IfMatch: &etag}})
	keep("Update", updated, err)
	listed, err := c.ListKeys(ctx, "g", "n", nil)
	keep("ListKeys", listed.CommunicationServiceKeys, err)
	fresh, err := c.RegenerateKey(ctx, "g", "n", rm.RegenerateKeyParameters{KeyType: new(rm.KeyTypeSecondary)}, nil)
	keep("RegenerateKey", fresh.CommunicationServiceKeys, err)
	linked, err := c.LinkNotificationHub(ctx, "g", "n", hub, nil)
	keep("LinkNotificationHub", linked, err)
	free, err := c.CheckNameAvailability(ctx, rm.NameAvailabilityParameters{Name: new("n"), Type: new("t")}, nil)
	keep("CheckNameAvailability", free, err)
	n, err := count(ctx, c.NewListBySubscriptionPager(nil))
	keep("NewListBySubscriptionPager", n, err)
	n, err = count(ctx, c.NewListByResourceGroupPager("g", nil))
	keep("NewListByResourceGroupPager", n, err)
	n, err = count(ctx, c.NewListOperationsPager(nil))
	keep("NewListOperationsPager", n, err)
	return got, errs
}

func TestServer_EveryOperation(t *testing.T) {
	got, errs := call(t, full(t))
	for name, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := map[string]any{
		"BeginCreateOrUpdate": rm.ClientCreateOrUpdateResponse{CommunicationServiceResource: resource, ETag: &etag}, "BeginDelete": rm.ClientDeleteResponse{},
		"Get":    rm.ClientGetResponse{CommunicationServiceResource: resource, ETag: &etag},
		"Update": rm.ClientUpdateResponse{CommunicationServiceResource: resource, ETag: &etag}, "ListKeys": keys, "RegenerateKey": keys,
		"LinkNotificationHub":        rm.ClientLinkNotificationHubResponse{LinkedNotificationHub: rm.LinkedNotificationHub{ResourceID: hub.ResourceID}},
		"CheckNameAvailability":      rm.ClientCheckNameAvailabilityResponse{CheckNameAvailabilityResponse: rm.CheckNameAvailabilityResponse{NameAvailable: new(true)}},
		"NewListBySubscriptionPager": 3, "NewListByResourceGroupPager": 1, "NewListOperationsPager": 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if exported := reflect.TypeFor[fake.Server]().NumField() - 1; len(got) != exported {
		t.Errorf("%d of %d operations were called", len(got), exported)
	}
}

func TestServer_NotFaked(t *testing.T) {
	_, errs := call(t, &fake.Server{})
	for name, err := range errs {
		if !errors.Is(err, corefake.ErrNotFaked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServer_Refuses(t *testing.T) {
	refusal := &core.ResponseError{StatusCode: http.StatusNotFound, ErrorCode: rm.CodeResourceNotFound}
	c := newClient(t, &fake.Server{
		Get: func(context.Context, string, string, *rm.ClientGetOptions) (rm.ClientGetResponse, error) {
			return rm.ClientGetResponse{}, refusal
		},
		BeginDelete: func(context.Context, string, string, *rm.ClientBeginDeleteOptions) (corefake.Operation[rm.ClientDeleteResponse], error) {
			return corefake.Operation[rm.ClientDeleteResponse]{Polls: 1, Failure: refusal}, nil
		},
	})
	if _, err := c.Get(t.Context(), "g", "n", nil); !core.HasCode(err, rm.CodeResourceNotFound) {
		t.Errorf("%v", err)
	}
	p, err := c.BeginDelete(t.Context(), "g", "n", nil)
	if _, err := finish(t.Context(), p, err); !core.HasCode(err, rm.CodeResourceNotFound) {
		t.Errorf("%v", err)
	}
}
