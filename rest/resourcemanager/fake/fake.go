// Package fake stands in for the resource manager in tests: a struct of
// functions that serves as the Transporter of a client's options.
//
//	server := fake.Server{
//		Get: func(context.Context, string, string, *resourcemanager.ClientGetOptions) (resourcemanager.ClientGetResponse, error) {
//			return resourcemanager.ClientGetResponse{}, &core.ResponseError{StatusCode: 404, ErrorCode: resourcemanager.CodeResourceNotFound}
//		},
//	}
//	client, err := resourcemanager.NewClient("https://fake", "subscription", credential, &resourcemanager.ClientOptions{
//		ClientOptions: core.ClientOptions{Transport: &server},
//	})
//
// A function that returns a *core.ResponseError refuses with its status, code
// and message; any other error is one of the network. What takes longer than a
// request is an Operation of package rest/core/fake, a list its Pages.
// Credentials and the subscription are not checked.
package fake

import (
	"context"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
	corefake "github.com/parley-rtc/parley/rest/core/fake"
	"github.com/parley-rtc/parley/rest/resourcemanager"
)

// Server is a fake of the service. An operation whose function is nil fails
// with an error that says so. It is safe for many goroutines if the functions
// are; they must not be changed once a client uses it, and it must not be
// copied.
type Server struct {
	// BeginCreateOrUpdate answers Client.BeginCreateOrUpdate.
	BeginCreateOrUpdate func(ctx context.Context, resourceGroup, name string, resource resourcemanager.CommunicationServiceResource, options *resourcemanager.ClientBeginCreateOrUpdateOptions) (corefake.Operation[resourcemanager.ClientCreateOrUpdateResponse], error)
	// BeginDelete answers Client.BeginDelete.
	BeginDelete func(ctx context.Context, resourceGroup, name string, options *resourcemanager.ClientBeginDeleteOptions) (corefake.Operation[resourcemanager.ClientDeleteResponse], error)
	// Get answers Client.Get.
	Get func(ctx context.Context, resourceGroup, name string, options *resourcemanager.ClientGetOptions) (resourcemanager.ClientGetResponse, error)
	// Update answers Client.Update.
	Update func(ctx context.Context, resourceGroup, name string, update resourcemanager.CommunicationServiceResourceUpdate, options *resourcemanager.ClientUpdateOptions) (resourcemanager.ClientUpdateResponse, error)
	// ListKeys answers Client.ListKeys.
	ListKeys func(ctx context.Context, resourceGroup, name string, options *resourcemanager.ClientListKeysOptions) (resourcemanager.ClientListKeysResponse, error)
	// RegenerateKey answers Client.RegenerateKey.
	RegenerateKey func(ctx context.Context, resourceGroup, name string, parameters resourcemanager.RegenerateKeyParameters, options *resourcemanager.ClientRegenerateKeyOptions) (resourcemanager.ClientRegenerateKeyResponse, error)
	// LinkNotificationHub answers Client.LinkNotificationHub.
	LinkNotificationHub func(ctx context.Context, resourceGroup, name string, parameters resourcemanager.LinkNotificationHubParameters, options *resourcemanager.ClientLinkNotificationHubOptions) (resourcemanager.ClientLinkNotificationHubResponse, error)
	// CheckNameAvailability answers Client.CheckNameAvailability.
	CheckNameAvailability func(ctx context.Context, parameters resourcemanager.NameAvailabilityParameters, options *resourcemanager.ClientCheckNameAvailabilityOptions) (resourcemanager.ClientCheckNameAvailabilityResponse, error)
	// NewListBySubscriptionPager answers Client.NewListBySubscriptionPager; it is
	// called once a page.
	NewListBySubscriptionPager func(options *resourcemanager.ClientListBySubscriptionOptions) corefake.Pages[resourcemanager.ClientListBySubscriptionResponse]
	// NewListByResourceGroupPager answers Client.NewListByResourceGroupPager; it
	// is called once a page.
	NewListByResourceGroupPager func(resourceGroup string, options *resourcemanager.ClientListByResourceGroupOptions) corefake.Pages[resourcemanager.ClientListByResourceGroupResponse]
	// NewListOperationsPager answers Client.NewListOperationsPager; it is called
	// once a page.
	NewListOperationsPager func(options *resourcemanager.ClientListOperationsOptions) corefake.Pages[resourcemanager.ClientListOperationsResponse]

	operations corefake.Operations
}

// Do answers a request of a client. It makes Server a core.Transporter.
func (s *Server) Do(req *http.Request) (*http.Response, error) {
	return corefake.Serve(req, []corefake.Route{
		{Method: http.MethodPut, Pattern: acswire.RouteARMService, Handle: s.createOrUpdate},
		{Method: http.MethodDelete, Pattern: acswire.RouteARMService, Handle: s.delete},
		{Method: http.MethodGet, Pattern: acswire.RouteARMService, Handle: s.get},
		{Method: http.MethodPatch, Pattern: acswire.RouteARMService, Handle: s.update},
		{Method: http.MethodPost, Pattern: acswire.RouteARMListKeys, Handle: s.listKeys},
		{Method: http.MethodPost, Pattern: acswire.RouteARMRegenerateKey, Handle: s.regenerateKey},
		{Method: http.MethodPost, Pattern: acswire.RouteARMLinkNotificationHub, Handle: s.linkNotificationHub},
		{Method: http.MethodPost, Pattern: acswire.RouteARMCheckName, Handle: s.checkName},
		{Method: http.MethodGet, Pattern: acswire.RouteARMServices, Handle: s.listBySubscription},
		{Method: http.MethodGet, Pattern: acswire.RouteARMGroupServices, Handle: s.listByResourceGroup},
		{Method: http.MethodGet, Pattern: acswire.RouteARMOperations, Handle: s.listOperations},
		s.operations.Route(),
	})
}

func names(r *corefake.Request) (group, name string) {
	return r.Param("resourceGroupName"), r.Param("communicationServiceName")
}

// conditions are nil when the request has none.
func conditions(r *corefake.Request) *core.MatchConditions {
	match, noneMatch := tag(r, acswire.HeaderIfMatch), tag(r, acswire.HeaderIfNoneMatch)
	if match == nil && noneMatch == nil {
		return nil
	}
	return &core.MatchConditions{IfMatch: match, IfNoneMatch: noneMatch}
}

func tag(r *corefake.Request, header string) *core.ETag {
	value := r.Raw.Header.Get(header)
	if value == "" {
		return nil
	}
	return new(core.ETag(value))
}

// answer sends a resource with its ETag, which may be nil.
func answer(body any, etag *core.ETag) *corefake.Response {
	response := &corefake.Response{Body: body}
	if etag != nil {
		response.Header = http.Header{acswire.HeaderETag: {string(*etag)}}
	}
	return response
}

func (s *Server) createOrUpdate(r *corefake.Request) (*corefake.Response, error) {
	if s.BeginCreateOrUpdate == nil {
		return nil, corefake.NotFaked("BeginCreateOrUpdate")
	}
	var resource resourcemanager.CommunicationServiceResource
	if err := r.Decode(&resource); err != nil {
		return nil, err
	}
	group, name := names(r)
	return corefake.Begin(&s.operations, r, func(ctx context.Context) (corefake.Operation[resourcemanager.ClientCreateOrUpdateResponse], error) {
		op, err := s.BeginCreateOrUpdate(ctx, group, name, resource, &resourcemanager.ClientBeginCreateOrUpdateOptions{Conditions: conditions(r)})
		if op.Result.ETag != nil && op.Header == nil {
			op.Header = http.Header{acswire.HeaderETag: {string(*op.Result.ETag)}}
		}
		return op, err
	})
}

func (s *Server) delete(r *corefake.Request) (*corefake.Response, error) {
	if s.BeginDelete == nil {
		return nil, corefake.NotFaked("BeginDelete")
	}
	group, name := names(r)
	return corefake.Begin(&s.operations, r, func(ctx context.Context) (corefake.Operation[resourcemanager.ClientDeleteResponse], error) {
		return s.BeginDelete(ctx, group, name, &resourcemanager.ClientBeginDeleteOptions{Conditions: conditions(r)})
	})
}

func (s *Server) get(r *corefake.Request) (*corefake.Response, error) {
	if s.Get == nil {
		return nil, corefake.NotFaked("Get")
	}
	group, name := names(r)
	got, err := s.Get(r.Raw.Context(), group, name, &resourcemanager.ClientGetOptions{Conditions: conditions(r)})
	return answer(got, got.ETag), err
}

func (s *Server) update(r *corefake.Request) (*corefake.Response, error) {
	if s.Update == nil {
		return nil, corefake.NotFaked("Update")
	}
	var update resourcemanager.CommunicationServiceResourceUpdate
	if err := r.Decode(&update); err != nil {
		return nil, err
	}
	group, name := names(r)
	got, err := s.Update(r.Raw.Context(), group, name, update, &resourcemanager.ClientUpdateOptions{Conditions: conditions(r)})
	return answer(got, got.ETag), err
}

func (s *Server) listKeys(r *corefake.Request) (*corefake.Response, error) {
	if s.ListKeys == nil {
		return nil, corefake.NotFaked("ListKeys")
	}
	group, name := names(r)
	got, err := s.ListKeys(r.Raw.Context(), group, name, &resourcemanager.ClientListKeysOptions{})
	return &corefake.Response{Body: got}, err
}

func (s *Server) regenerateKey(r *corefake.Request) (*corefake.Response, error) {
	if s.RegenerateKey == nil {
		return nil, corefake.NotFaked("RegenerateKey")
	}
	var parameters resourcemanager.RegenerateKeyParameters
	if err := r.Decode(&parameters); err != nil {
		return nil, err
	}
	group, name := names(r)
	got, err := s.RegenerateKey(r.Raw.Context(), group, name, parameters, &resourcemanager.ClientRegenerateKeyOptions{})
	return &corefake.Response{Body: got}, err
}

func (s *Server) linkNotificationHub(r *corefake.Request) (*corefake.Response, error) {
	if s.LinkNotificationHub == nil {
		return nil, corefake.NotFaked("LinkNotificationHub")
	}
	var parameters resourcemanager.LinkNotificationHubParameters
	if err := r.Decode(&parameters); err != nil {
		return nil, err
	}
	group, name := names(r)
	got, err := s.LinkNotificationHub(r.Raw.Context(), group, name, parameters, &resourcemanager.ClientLinkNotificationHubOptions{})
	return &corefake.Response{Body: got}, err
}

func (s *Server) checkName(r *corefake.Request) (*corefake.Response, error) {
	if s.CheckNameAvailability == nil {
		return nil, corefake.NotFaked("CheckNameAvailability")
	}
	var parameters resourcemanager.NameAvailabilityParameters
	if err := r.Decode(&parameters); err != nil {
		return nil, err
	}
	got, err := s.CheckNameAvailability(r.Raw.Context(), parameters, &resourcemanager.ClientCheckNameAvailabilityOptions{})
	return &corefake.Response{Body: got}, err
}

func (s *Server) listBySubscription(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListBySubscriptionPager == nil {
		return nil, corefake.NotFaked("NewListBySubscriptionPager")
	}
	return corefake.ServePages(r, s.NewListBySubscriptionPager(&resourcemanager.ClientListBySubscriptionOptions{}),
		func(page *resourcemanager.ClientListBySubscriptionResponse) **string { return &page.NextLink })
}

func (s *Server) listByResourceGroup(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListByResourceGroupPager == nil {
		return nil, corefake.NotFaked("NewListByResourceGroupPager")
	}
	pages := s.NewListByResourceGroupPager(r.Param("resourceGroupName"), &resourcemanager.ClientListByResourceGroupOptions{})
	return corefake.ServePages(r, pages, func(page *resourcemanager.ClientListByResourceGroupResponse) **string { return &page.NextLink })
}

func (s *Server) listOperations(r *corefake.Request) (*corefake.Response, error) {
	if s.NewListOperationsPager == nil {
		return nil, corefake.NotFaked("NewListOperationsPager")
	}
	return corefake.ServePages(r, s.NewListOperationsPager(&resourcemanager.ClientListOperationsOptions{}),
		func(page *resourcemanager.ClientListOperationsResponse) **string { return &page.NextLink })
}
