package identity

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
)

const maxClientIDs = 100

// exchangeTeamsUser answers POST /teamsUser/:exchangeAccessToken. The first
// version of it had the token only.
func (s *Service) exchangeTeamsUser(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.TeamsUserExchangeRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	for _, member := range []struct {
		name  string
		value *string
	}{{"token", body.Token}, {"appId", body.AppID}, {"userId", body.UserID}} {
		if member.value == nil || *member.value == "" {
			return nil, invalid(member.name, "%s is required.", member.name)
		}
	}
	token, expires, err := s.ExchangeTeamsUser(ctx, r.Resource.ID, *body.Token, *body.AppID, *body.UserID)
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: accessToken(token, expires)}, nil
}

// exchangeEntra answers POST /access/entra/:exchangeAccessToken.
func (s *Service) exchangeEntra(ctx context.Context, r *front.Request) (*front.Response, error) {
	return exchanged(s.ExchangeEntra(ctx, r.Resource.ID, r.Bearer))
}

// exchangeTeamsExtension answers POST /access/teamsExtension/:exchangeAccessToken.
func (s *Service) exchangeTeamsExtension(ctx context.Context, r *front.Request) (*front.Response, error) {
	return exchanged(s.ExchangeTeamsExtension(ctx, r.Resource.ID, r.Bearer))
}

func exchanged(user User, token string, expires time.Time, err error) (*front.Response, error) {
	if err != nil {
		return nil, refusal(err)
	}
	return &front.Response{Status: http.StatusOK, Body: acswire.CreateIdentityResponse{
		Identity: &acswire.Identity{ID: new(user.RawID())}, AccessToken: accessToken(token, expires),
	}}, nil
}

// principal reads the path of an assignment.
func principal(r *front.Request) (tenant, object string, err error) {
	tenant, object = strings.ToLower(r.Param("tenantId")), strings.ToLower(r.Param("objectId"))
	for name, value := range map[string]string{"tenantId": tenant, "objectId": object} {
		if _, err := guid.Parse(value); err != nil {
			return "", "", invalid(name, "%s must be a GUID.", name)
		}
	}
	return tenant, object, nil
}

func assignmentModel(a *Assignment) acswire.TeamsExtensionAssignment {
	return acswire.TeamsExtensionAssignment{
		ObjectID: &a.ObjectID, TenantID: &a.TenantID, PrincipalType: &a.PrincipalType, ClientIDs: a.ClientIDs,
	}
}

func notAssignment() error {
	return &front.Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no such assignment."}
}

// getAssignment answers GET on an assignment.
func (s *Service) getAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	tenant, object, err := principal(r)
	if err != nil {
		return nil, err
	}
	a, err := s.Assignment(ctx, r.Resource.ID, tenant, object)
	if errors.Is(err, ErrNotAssigned) {
		return nil, notAssignment()
	}
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: assignmentModel(&a)}, nil
}

// upsertAssignment answers PUT on an assignment.
func (s *Service) upsertAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	tenant, object, err := principal(r)
	if err != nil {
		return nil, err
	}
	var body acswire.TeamsExtensionAssignmentRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	kind, err := principalType(body.PrincipalType, acswire.PossiblePrincipalTypes())
	if err != nil {
		return nil, err
	}
	if err := checkClientIDs(body.ClientIDs); err != nil {
		return nil, err
	}
	a := Assignment{TenantID: tenant, ObjectID: object, PrincipalType: kind, ClientIDs: body.ClientIDs}
	created, err := s.SetAssignment(ctx, r.Resource.ID, a)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return &front.Response{Status: status, Body: assignmentModel(&a)}, nil
}

// principalType reads a kind of principals. Published programs write it with a
// capital too; it is kept as the contract has it.
func principalType(given *string, possible []string) (string, error) {
	if given != nil {
		for _, kind := range possible {
			if strings.EqualFold(kind, *given) {
				return kind, nil
			}
		}
	}
	return "", invalid("principalType", "principalType must be one of: %s.", strings.Join(possible, ", "))
}

func checkClientIDs(ids []string) error {
	if len(ids) > maxClientIDs {
		return invalid("clientIds", "clientIds may have %d values at most.", maxClientIDs)
	}
	for _, id := range ids {
		if _, err := guid.Parse(id); err != nil {
			return invalid("clientIds", "clientIds must be GUIDs.")
		}
	}
	return nil
}

// deleteAssignment answers DELETE on an assignment.
func (s *Service) deleteAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	tenant, object, err := principal(r)
	if err != nil {
		return nil, err
	}
	if err := s.DeleteAssignment(ctx, r.Resource.ID, tenant, object); err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}
