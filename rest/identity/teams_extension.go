package identity

import (
	"context"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// PrincipalType is the kind of a principal that an assignment is for.
type PrincipalType string

// Kinds of principals.
const (
	// PrincipalTypeUser is a person.
	PrincipalTypeUser PrincipalType = acswire.PrincipalTypeUser
	// PrincipalTypeResourceAccount is an account of a device or an application.
	PrincipalTypeResourceAccount PrincipalType = acswire.PrincipalTypeResourceAccount
)

// PossiblePrincipalTypeValues returns all values of PrincipalType.
func PossiblePrincipalTypeValues() []PrincipalType {
	return []PrincipalType{PrincipalTypeUser, PrincipalTypeResourceAccount}
}

// TeamsExtensionAssignment lets a principal of another tenant use the resource
// through the Teams Phone extension.
type TeamsExtensionAssignment = acswire.TeamsExtensionAssignment

// ClientGetTeamsExtensionAssignmentOptions are the options of
// Client.GetTeamsExtensionAssignment; there are none yet.
type ClientGetTeamsExtensionAssignmentOptions struct{}

// ClientGetTeamsExtensionAssignmentResponse is the result of
// Client.GetTeamsExtensionAssignment.
type ClientGetTeamsExtensionAssignmentResponse struct{ TeamsExtensionAssignment }

// ClientUpsertTeamsExtensionAssignmentOptions are the options of
// Client.UpsertTeamsExtensionAssignment.
type ClientUpsertTeamsExtensionAssignmentOptions struct {
	// ClientIDs are the applications that the principal may use. None: all.
	ClientIDs []string
}

// ClientUpsertTeamsExtensionAssignmentResponse is the result of
// Client.UpsertTeamsExtensionAssignment.
type ClientUpsertTeamsExtensionAssignmentResponse struct {
	TeamsExtensionAssignment

	// Created tells that there was none before.
	Created bool
}

// ClientDeleteTeamsExtensionAssignmentOptions are the options of
// Client.DeleteTeamsExtensionAssignment; there are none yet.
type ClientDeleteTeamsExtensionAssignmentOptions struct{}

// ClientDeleteTeamsExtensionAssignmentResponse is the result of
// Client.DeleteTeamsExtensionAssignment; it is empty.
type ClientDeleteTeamsExtensionAssignmentResponse struct{}

// GetTeamsExtensionAssignment returns the assignment of a principal, named by
// the GUIDs of its tenant and object. The service refuses with status 404 one
// that is not there. It is there from version 2025-06-30 on.
func (c *Client) GetTeamsExtensionAssignment(
	ctx context.Context, tenantID, objectID string, _ *ClientGetTeamsExtensionAssignmentOptions,
) (ClientGetTeamsExtensionAssignmentResponse, error) {
	var answer ClientGetTeamsExtensionAssignmentResponse
	path, err := core.Path(acswire.RouteTeamsExtensionAssignment, tenantID, objectID)
	if err != nil {
		return answer, err
	}
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodGet, Path: path, Success: []int{http.StatusOK}, Into: &answer.TeamsExtensionAssignment})
	return answer, err
}

// UpsertTeamsExtensionAssignment makes or replaces the assignment of a
// principal. The service refuses with CodeValidationError ids that are no GUIDs.
// It is there from version 2025-06-30 on.
func (c *Client) UpsertTeamsExtensionAssignment(
	ctx context.Context, tenantID, objectID string, principalType PrincipalType, options *ClientUpsertTeamsExtensionAssignmentOptions,
) (ClientUpsertTeamsExtensionAssignmentResponse, error) {
	if options == nil {
		options = &ClientUpsertTeamsExtensionAssignmentOptions{}
	}
	var answer ClientUpsertTeamsExtensionAssignmentResponse
	path, err := core.Path(acswire.RouteTeamsExtensionAssignment, tenantID, objectID)
	if err != nil {
		return answer, err
	}
	resp, err := c.core.Call(ctx, core.Call{
		Method: http.MethodPut, Path: path, Success: []int{http.StatusOK, http.StatusCreated}, Into: &answer.TeamsExtensionAssignment,
		Body: acswire.TeamsExtensionAssignmentRequest{PrincipalType: new(string(principalType)), ClientIDs: options.ClientIDs},
	})
	if err != nil {
		return answer, err
	}
	answer.Created = resp.StatusCode == http.StatusCreated
	return answer, nil
}

// DeleteTeamsExtensionAssignment removes the assignment of a principal; the
// tokens it got by it are void. Removing one that is not there succeeds. It is
// there from version 2025-06-30 on.
func (c *Client) DeleteTeamsExtensionAssignment(
	ctx context.Context, tenantID, objectID string, _ *ClientDeleteTeamsExtensionAssignmentOptions,
) (ClientDeleteTeamsExtensionAssignmentResponse, error) {
	path, err := core.Path(acswire.RouteTeamsExtensionAssignment, tenantID, objectID)
	if err != nil {
		return ClientDeleteTeamsExtensionAssignmentResponse{}, err
	}
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodDelete, Path: path, Success: []int{http.StatusNoContent}})
	return ClientDeleteTeamsExtensionAssignmentResponse{}, err
}
