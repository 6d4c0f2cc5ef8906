// Package resourcemanager is the client of the resource manager's
// Microsoft.Communication provider: it makes, changes and deletes the resources
// that the other clients have connection strings of, and manages their keys. It
// works against the service of this project and against Azure.
//
// # Smallest program
//
//	connection := … // connection.json of a service; see cmd/parley serve
//	credential := core.TokenCredentialFunc(func(context.Context, core.TokenRequestOptions) (core.AccessToken, error) {
//		return core.AccessToken{Token: connection.ARMToken}, nil
//	})
//	client, err := resourcemanager.NewClient(connection.ARMEndpoint, connection.SubscriptionID, credential, nil)
//	if err != nil {
//		return err
//	}
//	poller, err := client.BeginCreateOrUpdate(ctx, "group", "contoso", resourcemanager.CommunicationServiceResource{
//		Location:   new("global"),
//		Properties: &resourcemanager.CommunicationServiceProperties{DataLocation: new("Europe")},
//	}, nil)
//	if err != nil {
//		return err
//	}
//	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
//		return err
//	}
//	keys, err := client.ListKeys(ctx, "group", "contoso", nil)
//	if err != nil {
//		return err
//	}
//	users, err := identity.NewClientFromConnectionString(*keys.PrimaryConnectionString, nil)
//
// With Azure the endpoint is EndpointPublic, or that of another cloud, and the
// credential is one of Entra ID: anything with a GetToken, such as a wrapper of
// few lines around those of azidentity. The resource provider must be registered
// in the subscription, once; this client does not do it.
//
// # Operations that take longer
//
// BeginCreateOrUpdate and BeginDelete return a core.Poller. PollUntilDone waits
// for the end; a program that cannot wait keeps ResumeToken and hands it to the
// same method later, in another process if need be. Ending a context ends the
// waiting, not the operation.
//
// # Errors
//
// A refusal is a *core.ResponseError; the Code constants are what to look at
// with core.HasCode. An operation that fails after it was begun is one too, of
// the poller's Result.
//
// # Limits
//
// The e-mail resources of the provider have no client here: the service does
// not offer them (docs/scope.md).
//
// # Lifecycle and threading
//
// A Client is immutable, safe for many goroutines and needs no closing; a poller
// or a pager belongs to one goroutine at a time. The package fake stands in for
// the service in tests.
package resourcemanager
