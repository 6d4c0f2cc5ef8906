package arm

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/resource"
)

// listOperations tells what the resource provider can be asked to do.
func (s *Service) listOperations(context.Context, *front.Request) (*front.Response, error) {
	list := acswire.OperationListResult{Value: []*acswire.ProviderOperation{}}
	for _, o := range []struct{ name, kind, operation, description string }{
		{"operations/read", "Operations", "Read operations", "Lists what the provider can be asked to do."},
		{"checkNameAvailability/action", "Communication Services", "Check name", "Tells whether a name is free."},
		{"locations/operationStatuses/read", "Operation statuses", "Read operation status", "Tells how far work has come."},
		{"communicationServices/read", "Communication Services", "Read resource", "Reads and lists resources."},
		{"communicationServices/write", "Communication Services", "Create or update resource", "Creates or changes a resource."},
		{"communicationServices/delete", "Communication Services", "Delete resource", "Deletes a resource and all that is its."},
		{"communicationServices/listKeys/action", "Communication Services", "Read keys", "Reads the access keys of a resource."},
		{"communicationServices/regenerateKey/action", "Communication Services", "Replace key", "Replaces an access key of a resource."},
		{"communicationServices/linkNotificationHub/action", "Communication Services", "Link notification hub", "Notes the notification hub of a resource."},
	} {
		list.Value = append(list.Value, &acswire.ProviderOperation{
			Name: ptr("Microsoft.Communication/" + o.name), IsDataAction: ptr(false), Origin: ptr("user,system"),
			Display: &acswire.ProviderOperationDisplay{
				Provider: ptr("Microsoft Communication"), Resource: ptr(o.kind), Operation: ptr(o.operation), Description: ptr(o.description),
			},
		})
	}
	return &front.Response{Status: http.StatusOK, Body: list}, nil
}

// checkName tells whether a name is free.
func (s *Service) checkName(ctx context.Context, r *front.Request) (*front.Response, error) {
	if _, err := s.subscription(r); err != nil {
		return nil, err
	}
	var body acswire.NameAvailabilityParameters
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	kind := value(body.Type)
	switch {
	case body.Name == nil:
		return nil, invalid("name", "The name is missing.")
	case strings.EqualFold(kind, acswire.TypeEmailService):
		return availability(acswire.NameReasonInvalid, noEmailMessage), nil
	case !strings.EqualFold(kind, acswire.TypeCommunicationService):
		return nil, refuse(http.StatusBadRequest, acswire.CodeARMInvalidResourceType, "type", "The type must be '"+acswire.TypeCommunicationService+"'.")
	case !validName(*body.Name):
		return availability(acswire.NameReasonInvalid, invalidName), nil
	}
	_, err := s.options.Resources.Find(ctx, *body.Name)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		return availability(acswire.NameReasonAvailable, "Requested name is available for the requested type"), nil
	case err != nil:
		return nil, err
	}
	return availability(acswire.NameReasonAlreadyExists, "Requested name is unavailable for the requested type"), nil
}

func availability(reason, message string) *front.Response {
	return &front.Response{Status: http.StatusOK, Body: acswire.CheckNameAvailabilityResponse{
		NameAvailable: ptr(reason == acswire.NameReasonAvailable), Reason: &reason, Message: &message,
	}}
}
