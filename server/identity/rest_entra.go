package identity

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/paging"
)

const (
	// entraList keeps the links to pages of the assignments apart from others.
	entraList = "entra-assignments"
	// maxEntraChanges bounds one transaction.
	maxEntraChanges = 1000
)

func entraModel(a *EntraAssignment) acswire.EntraAssignment {
	return acswire.EntraAssignment{ObjectID: a.ObjectID, TenantID: a.TenantID, PrincipalType: a.PrincipalType, ClientIDs: a.ClientIDs}
}

// entraObject reads the id of a principal.
func entraObject(given string) (string, error) {
	object := strings.ToLower(given)
	if _, err := guid.Parse(object); err != nil {
		return "", invalid("objectId", "objectId must be a GUID.")
	}
	return object, nil
}

// entraAssignment reads what is said of an assignment.
func entraAssignment(object string, body *acswire.EntraAssignmentRequest) (*EntraAssignment, error) {
	kind, err := principalType(body.PrincipalType, acswire.PossibleEntraPrincipalTypes())
	if err != nil {
		return nil, err
	}
	if body.TenantID == nil {
		return nil, invalid("tenantId", "tenantId is required.")
	}
	tenant := strings.ToLower(*body.TenantID)
	if _, err := guid.Parse(tenant); err != nil {
		return nil, invalid("tenantId", "tenantId must be a GUID.")
	}
	if body.ClientIDs == nil {
		return nil, invalid("clientIds", "clientIds is required.")
	}
	if err := checkClientIDs(body.ClientIDs); err != nil {
		return nil, err
	}
	return &EntraAssignment{ObjectID: object, TenantID: tenant, PrincipalType: kind, ClientIDs: body.ClientIDs}, nil
}

// listEntraAssignments answers GET /access/entra/assignments.
func (s *Service) listEntraAssignments(ctx context.Context, r *front.Request) (*front.Response, error) {
	p, err := paging.Links().Parse(r.Query())
	if err != nil {
		return nil, badPage(err)
	}
	after := ""
	if key, err := p.After(entraList, 1); err != nil {
		return nil, badPage(err)
	} else if key != nil {
		after = key[0]
	}
	found, err := s.EntraAssignments(ctx, r.Resource.ID, after, p.Limit())
	if err != nil {
		return nil, err
	}
	list, more := paging.Cut(p, found)
	answer := acswire.EntraAssignments{Value: []acswire.EntraAssignment{}}
	for i := range list {
		answer.Value = append(answer.Value, entraModel(&list[i]))
	}
	if more {
		answer.NextLink = new(p.NextAfter(r, acswire.RouteEntraAssignments, entraList, list[len(list)-1].ObjectID))
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

func badPage(err error) error {
	var bad *paging.ParameterError
	if errors.As(err, &bad) {
		return invalid(bad.Parameter, "%s", bad.Message)
	}
	return err
}

// updateEntraAssignments answers PATCH /access/entra/assignments with those that
// it made or replaced.
func (s *Service) updateEntraAssignments(ctx context.Context, r *front.Request) (*front.Response, error) {
	var body acswire.EntraAssignmentsUpdate
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if len(body) > maxEntraChanges {
		return nil, invalid("", "A request may have %d assignments at most.", maxEntraChanges)
	}
	changes := map[string]*EntraAssignment{}
	for given, one := range body {
		object, err := entraObject(given)
		if err != nil {
			return nil, err
		}
		if _, twice := changes[object]; twice {
			return nil, invalid(given, "The object id stands twice, in different cases.")
		}
		changes[object] = nil
		if one == nil {
			continue
		}
		if changes[object], err = entraAssignment(object, one); err != nil {
			return nil, err
		}
	}
	if _, err := s.UpdateEntraAssignments(ctx, r.Resource.ID, changes); err != nil {
		return nil, err
	}
	answer := acswire.EntraAssignments{}
	for _, object := range slices.Sorted(maps.Keys(changes)) {
		if a := changes[object]; a != nil {
			answer.Value = append(answer.Value, entraModel(a))
		}
	}
	if answer.Value == nil {
		return &front.Response{Status: http.StatusNoContent}, nil
	}
	return &front.Response{Status: http.StatusOK, Body: answer}, nil
}

// getEntraAssignment answers GET on an assignment to Entra users.
func (s *Service) getEntraAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	object, err := entraObject(r.Param("objectId"))
	if err != nil {
		return nil, err
	}
	a, err := s.EntraAssignment(ctx, r.Resource.ID, object)
	if errors.Is(err, ErrNotAssigned) {
		return nil, notAssignment()
	}
	if err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusOK, Body: entraModel(&a)}, nil
}

// upsertEntraAssignment answers PUT on an assignment to Entra users.
func (s *Service) upsertEntraAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	object, err := entraObject(r.Param("objectId"))
	if err != nil {
		return nil, err
	}
	var body acswire.EntraAssignmentRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	a, err := entraAssignment(object, &body)
	if err != nil {
		return nil, err
	}
	created, err := s.UpdateEntraAssignments(ctx, r.Resource.ID, map[string]*EntraAssignment{object: a})
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if len(created) > 0 {
		status = http.StatusCreated
	}
	return &front.Response{Status: status, Body: entraModel(a)}, nil
}

// deleteEntraAssignment answers DELETE on an assignment to Entra users.
func (s *Service) deleteEntraAssignment(ctx context.Context, r *front.Request) (*front.Response, error) {
	object, err := entraObject(r.Param("objectId"))
	if err != nil {
		return nil, err
	}
	if _, err := s.UpdateEntraAssignments(ctx, r.Resource.ID, map[string]*EntraAssignment{object: nil}); err != nil {
		return nil, err
	}
	return &front.Response{Status: http.StatusNoContent}, nil
}
