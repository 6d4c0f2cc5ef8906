package arm

import (
	"context"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
)

const noEmailMessage = "This service does not offer e-mail."

// noEmailServices lists the e-mail services: none.
func (s *Service) noEmailServices(_ context.Context, r *front.Request) (*front.Response, error) {
	if _, err := s.scope(r); err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.EmailServiceResourceList{Value: []*acswire.EmailServiceResource{}}}, nil
}

// noExchangeDomains lists the domains verified in Exchange Online: none.
func (s *Service) noExchangeDomains(_ context.Context, r *front.Request) (*front.Response, error) {
	if _, err := s.subscription(r); err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: []string{}}, nil
}

// smtpUsernames lists those of a resource: none.
func (s *Service) smtpUsernames(ctx context.Context, r *front.Request) (*front.Response, error) {
	sc, err := s.scope(r)
	if err != nil {
		return nil, err
	}
	if _, err := s.find(ctx, sc); err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.SMTPUsernameResourceCollection{Value: []*acswire.SMTPUsernameResource{}}}, nil
}

// noEmail answers an operation on something of e-mail that cannot be there.
func (s *Service) noEmail(o acswire.Operation) front.Handler {
	segments := strings.Split(o.Route, "/")
	single := strings.HasPrefix(segments[len(segments)-1], "{")
	return func(_ context.Context, r *front.Request) (*front.Response, error) {
		if _, err := s.scope(r); err != nil {
			return nil, err
		}
		switch {
		case o.Method == http.MethodDelete:
			return &front.Response{Status: http.StatusNoContent}, nil
		case o.Method == http.MethodPut:
			return nil, refuse(http.StatusNotImplemented, acswire.CodeARMNotOffered, "", noEmailMessage)
		case o.Method == http.MethodGet && !single:
			return nil, refuse(http.StatusNotFound, acswire.CodeARMParentResourceNotFound, "", "There is nothing of which this could be listed. "+noEmailMessage)
		}
		return nil, refuse(http.StatusNotFound, acswire.CodeARMResourceNotFound, "", "The resource was not found. "+noEmailMessage)
	}
}
