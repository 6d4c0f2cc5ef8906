package identity

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

// PrincipalType is the kind of a principal that an assignment is for.
type PrincipalType = string

// Kinds of principals.
const (
	// PrincipalTypeUser is a person.
	PrincipalTypeUser PrincipalType = acswire.PrincipalTypeUser
	// PrincipalTypeResourceAccount is an account of a device or an application.
	PrincipalTypeResourceAccount PrincipalType = acswire.PrincipalTypeResourceAccount
)

// PossiblePrincipalTypeValues returns all values of PrincipalType.
func PossiblePrincipalTypeValues() []PrincipalType {
	return acswire.PossiblePrincipalTypes()
}

// TeamsExtensionAssignment lets a principal of another tenant use the resource
// through the Teams Phone extension.
type TeamsExtensionAssignment = acswire.TeamsExtensionAssignment

// ClientGetTeamsExtensionAssignmentOptions are the options of
// Client.GetTeamsExtensionAssignment; there are none yet.
type ClientGetTeamsExtensionAssignmentOptions struct{}

// ClientGetTeamsExtensionAssignmentResponse is the result of
// Client.GetTeamsExtensionAssignment.
type ClientGetTeamsExtensionAssignmentResponse struct {
	TeamsExtensionAssignment
}

// ClientSetTeamsExtensionAssignmentOptions are the options of
// Client.SetTeamsExtensionAssignment.
type ClientSetTeamsExtensionAssignmentOptions struct {
	// ClientIDs are the applications that the principal may use. None: all.
	ClientIDs []string
}

// ClientSetTeamsExtensionAssignmentResponse is the result of
// Client.SetTeamsExtensionAssignment.
type ClientSetTeamsExtensionAssignmentResponse struct {
	TeamsExtensionAssignment
	// Created tells that there was none before.
	Created bool `json:"-"`
}

// ClientDeleteTeamsExtensionAssignmentOptions are the options of
// Client.DeleteTeamsExtensionAssignment; there are none yet.
type ClientDeleteTeamsExtensionAssignmentOptions struct{}

// ClientDeleteTeamsExtensionAssignmentResponse is the result of
// Client.DeleteTeamsExtensionAssignment; it is empty.
type ClientDeleteTeamsExtensionAssignmentResponse struct{}

// GetTeamsExtensionAssignment returns the assignment of a principal, named by
// the GUIDs of its tenant and object. The service refuses with CodeNotFound one
// that is not there. It is there from version 2025-06-30 on.
func (c *Client) GetTeamsExtensionAssignment(
	ctx context.Context, tenantID, objectID string, _ *ClientGetTeamsExtensionAssignmentOptions,
) (ClientGetTeamsExtensionAssignmentResponse, error) {
	path, err := core.Path(acswire.RouteTeamsExtensionAssignment, tenantID, objectID)
	if err != nil {
		return ClientGetTeamsExtensionAssignmentResponse{}, err
	}
	var found TeamsExtensionAssignment
	_, err = c.core.Call(ctx, core.Call{Method: http.MethodGet, Path: path, Success: []int{http.StatusOK}, Into: &found})
	if err != nil {
		return ClientGetTeamsExtensionAssignmentResponse{}, err
	}
	return ClientGetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: found}, checkAssignment(&found)
}

// SetTeamsExtensionAssignment makes or replaces the assignment of a
// principal. The service refuses with CodeValidationError ids that are no GUIDs.
// It is there from version 2025-06-30 on.
func (c *Client) SetTeamsExtensionAssignment(
	ctx context.Context, tenantID, objectID string, principalType PrincipalType, options *ClientSetTeamsExtensionAssignmentOptions,
) (ClientSetTeamsExtensionAssignmentResponse, error) {
	if options == nil {
		options = &ClientSetTeamsExtensionAssignmentOptions{}
	}
	path, err := core.Path(acswire.RouteTeamsExtensionAssignment, tenantID, objectID)
	if err != nil {
		return ClientSetTeamsExtensionAssignmentResponse{}, err
	}
	var made TeamsExtensionAssignment
	resp, err := c.core.Call(ctx, core.Call{
		Method: http.MethodPut, Path: path, Success: []int{http.StatusOK, http.StatusCreated}, Into: &made,
		Body: acswire.TeamsExtensionAssignmentRequest{PrincipalType: &principalType, ClientIDs: options.ClientIDs},
	})
	if err != nil {
		return ClientSetTeamsExtensionAssignmentResponse{}, err
	}
	return ClientSetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: made, Created: resp.StatusCode == http.StatusCreated}, checkAssignment(&made)
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

func checkAssignment(a *TeamsExtensionAssignment) error {
	if a.TenantID == nil || a.ObjectID == nil || a.PrincipalType == nil {
		return fmt.Errorf("%w: no assignment", ErrIncompleteAnswer)
	}
	return nil
}
