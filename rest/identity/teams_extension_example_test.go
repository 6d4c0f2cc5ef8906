package identity_test

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/rest/identity/fake"
)

func assignmentClient() (*identity.Client, error) {
	assigned := identity.TeamsExtensionAssignment{TenantID: new(tenant), ObjectID: new(object), PrincipalType: new("user")}
	server := &fake.Server{
		GetTeamsExtensionAssignment: func(context.Context, string, string, *identity.ClientGetTeamsExtensionAssignmentOptions) (identity.ClientGetTeamsExtensionAssignmentResponse, error) {
			return identity.ClientGetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: assigned}, nil
		},
		SetTeamsExtensionAssignment: func(context.Context, string, string, identity.PrincipalType, *identity.ClientSetTeamsExtensionAssignmentOptions) (identity.ClientSetTeamsExtensionAssignmentResponse, error) {
			return identity.ClientSetTeamsExtensionAssignmentResponse{TeamsExtensionAssignment: assigned}, nil
		},
		DeleteTeamsExtensionAssignment: func(context.Context, string, string, *identity.ClientDeleteTeamsExtensionAssignmentOptions) (identity.ClientDeleteTeamsExtensionAssignmentResponse, error) {
			return identity.ClientDeleteTeamsExtensionAssignmentResponse{}, nil
		},
	}
	return identity.NewClientFromConnectionString(exampleConnectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: server}})
}

func ExampleClient_SetTeamsExtensionAssignment() {
	client, err := assignmentClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := client.SetTeamsExtensionAssignment(context.Background(), tenant, object, identity.PrincipalTypeUser, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*made.PrincipalType, len(identity.PossiblePrincipalTypeValues()))
	// Output: user 2
}

func ExampleClient_GetTeamsExtensionAssignment() {
	client, err := assignmentClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.GetTeamsExtensionAssignment(context.Background(), tenant, object, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*got.ObjectID)
	// Output: 7a1f0c0e-0000-4000-8000-000000000002
}

func ExampleClient_DeleteTeamsExtensionAssignment() {
	client, err := assignmentClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.DeleteTeamsExtensionAssignment(context.Background(), tenant, object, nil)
	fmt.Println(err)
	// Output: <nil>
}
