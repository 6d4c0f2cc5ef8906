// Package core is what all REST clients of this module stand on: a pipeline of
// policies over an HTTP transport, credentials, retries, errors, pages and
// long-running operations. Whoever uses a client meets five of its types:
//
//   - ClientOptions, embedded in the options of every client;
//   - KeyCredential and TokenCredential, which authorize requests;
//   - ResponseError, what a client returns when the service refuses;
//   - Pager, over the pages of a list;
//   - Poller, over an operation that takes longer than one request.
//
// # Smallest program
//
//	client, err := identity.NewClientFromConnectionString(connectionString, nil)
//	if err != nil {
//		return err
//	}
//	user, err := client.CreateUser(ctx, nil)
//	var refused *core.ResponseError
//	if errors.As(err, &refused) {
//		return fmt.Errorf("the service says %s: %s", refused.ErrorCode, refused.Message)
//	}
//
// # What happens to a request
//
// A request passes these policies, in this order:
//
//	telemetry → headers of the context → request id → PerCallPolicies → retry → PerRetryPolicies →
//	credential → logging → body → Transport
//
// All above retry run once a call, all below once a try: a repeated request is
// signed again, with the date of its own try, and its body is sent from its
// start. Answers are read whole (at most 64 MiB) before they are returned, so
// that one that breaks off is repeated too; Request.StreamResponse asks for
// the other way.
//
// The default transport follows no redirect: a signature is good for one path,
// and a token must not travel to where an answer points. For the same reason
// links in answers (next pages, operations) are followed only within the host
// of the client's endpoint. Credentials are not sent over plain http unless
// ClientOptions.AllowPlainHTTP says so.
//
// # Lifecycle and threading
//
// Clients, pipelines, credentials and policies are immutable or guard
// themselves: any goroutine may use them, and nothing needs to be closed. A
// Pager or a Poller belongs to one goroutine at a time. Nothing here starts a
// goroutine. The end of a context ends the request that it was given to, also
// while that waits to be repeated.
//
// # Writing a client
//
// A client of one service holds a *Client made by NewClient and describes each
// operation as a Call; NewPoller and NewPager take what comes after. The
// package fake answers requests without a network.
package core
