package resourcemanager

import (
	"context"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// NewListBySubscriptionPager returns a pager over all resources of the
// subscription.
func (c *Client) NewListBySubscriptionPager(_ *ClientListBySubscriptionOptions) *core.Pager[ClientListBySubscriptionResponse] {
	return core.NewPager(core.LinkPages(c.core, c.first(acswire.RouteARMServices, c.subscription),
		func(page ClientListBySubscriptionResponse) *string { return page.NextLink }))
}

// NewListByResourceGroupPager returns a pager over the resources of a group.
func (c *Client) NewListByResourceGroupPager(resourceGroup string, _ *ClientListByResourceGroupOptions) *core.Pager[ClientListByResourceGroupResponse] {
	return core.NewPager(core.LinkPages(c.core, c.first(acswire.RouteARMGroupServices, c.subscription, resourceGroup),
		func(page ClientListByResourceGroupResponse) *string { return page.NextLink }))
}

// NewListOperationsPager returns a pager over what the resource provider can be
// asked to do, for whoever writes roles.
func (c *Client) NewListOperationsPager(_ *ClientListOperationsOptions) *core.Pager[ClientListOperationsResponse] {
	return core.NewPager(core.LinkPages(c.core, c.first(acswire.RouteARMOperations),
		func(page ClientListOperationsResponse) *string { return page.NextLink }))
}

// first makes the request for the first page of a list.
func (c *Client) first(route string, values ...string) func(context.Context) (*core.Request, error) {
	return func(ctx context.Context) (*core.Request, error) {
		path, err := core.Path(route, values...)
		if err != nil {
			return nil, err
		}
		return c.core.NewRequest(ctx, http.MethodGet, path, nil)
	}
}
