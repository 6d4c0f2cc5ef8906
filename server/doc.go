// Package server is the service that Parley's engines and the SDKs of Azure
// Communication Services talk to, as one value inside a Go program: users and
// access tokens over REST, call control over WebSockets, and a TURN relay.
//
//	srv, err := server.New(server.Options{DataDir: "data"})
//	if err != nil {
//		return err
//	}
//	defer srv.Close()
//	fmt.Println(srv.Connection().ConnectionString)
//
// # Lifecycle
//
// New answers on every port before it returns and then writes
// connection.json into the data folder. Shutdown drains: agents are told to
// connect elsewhere, calls are stored and the process may end. Close ends at
// once; the store recovers by itself at the next New on the same folder, the
// same keys and the same certificate authority serve again, and calls that
// were alive go on once both ends came back.
//
// # Threading
//
// All methods of Server may be called from any goroutine.
package server
