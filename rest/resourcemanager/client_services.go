package resourcemanager

import (
	"context"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// Names of operations in resume tokens.
const (
	operationCreateOrUpdate = "resourcemanager.Client.BeginCreateOrUpdate"
	operationDelete         = "resourcemanager.Client.BeginDelete"
)

// BeginCreateOrUpdate makes a resource, or replaces what can be changed of the
// one with that name: to keep what a resource has, change what Get returned, or
// call Update. name is that of a host: letters, digits and hyphens. The
// operation goes on when ctx ends. Codes to look at: CodeHostNamePrefixTaken
// (another group has the name), CodeConflict (the resource is being deleted),
// CodePreconditionFailed (the conditions do not hold).
func (c *Client) BeginCreateOrUpdate(
	ctx context.Context, resourceGroup, name string, resource CommunicationServiceResource, options *ClientBeginCreateOrUpdateOptions,
) (*core.Poller[ClientCreateOrUpdateResponse], error) {
	if options == nil {
		options = &ClientBeginCreateOrUpdateOptions{}
	}
	poller := &core.PollerOptions[ClientCreateOrUpdateResponse]{
		Operation: operationCreateOrUpdate,
		Result: func(resp *http.Response) (ClientCreateOrUpdateResponse, error) {
			result := ClientCreateOrUpdateResponse{ETag: core.ReadETag(resp)}
			return result, core.UnmarshalJSON(resp, &result.CommunicationServiceResource)
		},
	}
	if options.ResumeToken != "" {
		return core.NewPollerFromResumeToken(c.core, options.ResumeToken, poller)
	}
	path, err := c.path(acswire.RouteARMService, resourceGroup, name)
	if err != nil {
		return nil, err
	}
	resp, err := c.core.Call(ctx, core.Call{
		Method: http.MethodPut, Path: path, Body: resource, Conditions: options.Conditions,
		Success: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	})
	if err != nil {
		return nil, err
	}
	return core.NewPoller(c.core, resp, poller)
}

// BeginDelete deletes a resource, its users and all that is theirs; nothing
// serves it any more once it returns. Deleting one that is not there succeeds.
// The operation goes on when ctx ends. Codes to look at: CodeScopeLocked (the
// resource cannot be deleted), CodePreconditionFailed.
func (c *Client) BeginDelete(
	ctx context.Context, resourceGroup, name string, options *ClientBeginDeleteOptions,
) (*core.Poller[ClientDeleteResponse], error) {
	if options == nil {
		options = &ClientBeginDeleteOptions{}
	}
	poller := &core.PollerOptions[ClientDeleteResponse]{
		Operation: operationDelete,
		Result:    func(*http.Response) (ClientDeleteResponse, error) { return ClientDeleteResponse{}, nil },
	}
	if options.ResumeToken != "" {
		return core.NewPollerFromResumeToken(c.core, options.ResumeToken, poller)
	}
	path, err := c.path(acswire.RouteARMService, resourceGroup, name)
	if err != nil {
		return nil, err
	}
	resp, err := c.core.Call(ctx, core.Call{
		Method: http.MethodDelete, Path: path, Conditions: options.Conditions,
		Success: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
	})
	if err != nil {
		return nil, err
	}
	return core.NewPoller(c.core, resp, poller)
}

// Get returns a resource. A code to look at: CodeResourceNotFound.
func (c *Client) Get(ctx context.Context, resourceGroup, name string, options *ClientGetOptions) (ClientGetResponse, error) {
	if options == nil {
		options = &ClientGetOptions{}
	}
	var result ClientGetResponse
	resp, err := c.call(ctx, core.Call{Method: http.MethodGet, Conditions: options.Conditions, Into: &result.CommunicationServiceResource},
		acswire.RouteARMService, resourceGroup, name)
	if err != nil {
		return ClientGetResponse{}, err
	}
	result.ETag = core.ReadETag(resp)
	return result, nil
}

// Update changes the tags and properties of a resource that are not nil; the
// tags replace all of its tags. Codes to look at: CodeResourceNotFound,
// CodeConflict, CodePreconditionFailed.
func (c *Client) Update(
	ctx context.Context, resourceGroup, name string, update CommunicationServiceResourceUpdate, options *ClientUpdateOptions,
) (ClientUpdateResponse, error) {
	if options == nil {
		options = &ClientUpdateOptions{}
	}
	var result ClientUpdateResponse
	resp, err := c.call(ctx, core.Call{Method: http.MethodPatch, Body: update, Conditions: options.Conditions, Into: &result.CommunicationServiceResource},
		acswire.RouteARMService, resourceGroup, name)
	if err != nil {
		return ClientUpdateResponse{}, err
	}
	result.ETag = core.ReadETag(resp)
	return result, nil
}

// ListKeys returns the access keys and connection strings of a resource. A code
// to look at: CodeResourceNotFound.
func (c *Client) ListKeys(ctx context.Context, resourceGroup, name string, _ *ClientListKeysOptions) (ClientListKeysResponse, error) {
	var result ClientListKeysResponse
	_, err := c.call(ctx, core.Call{Method: http.MethodPost, Into: &result}, acswire.RouteARMListKeys, resourceGroup, name)
	if err != nil {
		return ClientListKeysResponse{}, err
	}
	return result, nil
}

// RegenerateKey makes one of the two access keys anew and returns it; the old
// one is refused from then on. Replace one key, move everybody to it, then
// replace the other. A code to look at: CodeResourceNotFound.
func (c *Client) RegenerateKey(
	ctx context.Context, resourceGroup, name string, parameters RegenerateKeyParameters, _ *ClientRegenerateKeyOptions,
) (ClientRegenerateKeyResponse, error) {
	var result ClientRegenerateKeyResponse
	_, err := c.call(ctx, core.Call{Method: http.MethodPost, Body: parameters, Into: &result}, acswire.RouteARMRegenerateKey, resourceGroup, name)
	if err != nil {
		return ClientRegenerateKeyResponse{}, err
	}
	return result, nil
}

// LinkNotificationHub links a notification hub to a resource. A code to look
// at: CodeResourceNotFound.
func (c *Client) LinkNotificationHub(
	ctx context.Context, resourceGroup, name string, parameters LinkNotificationHubParameters, _ *ClientLinkNotificationHubOptions,
) (ClientLinkNotificationHubResponse, error) {
	var result ClientLinkNotificationHubResponse
	_, err := c.call(ctx, core.Call{Method: http.MethodPost, Body: parameters, Into: &result}, acswire.RouteARMLinkNotificationHub, resourceGroup, name)
	if err != nil {
		return ClientLinkNotificationHubResponse{}, err
	}
	return result, nil
}

// CheckNameAvailability tells whether a name is free for a resource: names are
// unique in a whole service, because hosts have them.
func (c *Client) CheckNameAvailability(
	ctx context.Context, parameters NameAvailabilityParameters, _ *ClientCheckNameAvailabilityOptions,
) (ClientCheckNameAvailabilityResponse, error) {
	var result ClientCheckNameAvailabilityResponse
	_, err := c.call(ctx, core.Call{Method: http.MethodPost, Body: parameters, Into: &result}, acswire.RouteARMCheckName)
	if err != nil {
		return ClientCheckNameAvailabilityResponse{}, err
	}
	return result, nil
}

// call sends an operation of a route of the subscription that succeeds with
// 200.
func (c *Client) call(ctx context.Context, call core.Call, route string, values ...string) (*http.Response, error) {
	var err error
	if call.Path, err = c.path(route, values...); err != nil {
		return nil, err
	}
	call.Success = []int{http.StatusOK}
	return c.core.Call(ctx, call)
}

// path fills the places of a route of the subscription.
func (c *Client) path(route string, values ...string) (string, error) {
	return core.Path(route, append([]string{c.subscription}, values...)...)
}
