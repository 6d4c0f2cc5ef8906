package identity_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
)

// The smallest whole program, against a service in the same process; with
// `parley serve` elsewhere the connection is what its connection.json says.
func Example() {
	folder, err := os.MkdirTemp("", "parley-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	srv, err := server.New(server.Options{DataDir: folder, TURNAddr: "off"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	connection := srv.Connection()

	// The service has a certificate authority of its own.
	pem, err := os.ReadFile(connection.CAFile)
	if err != nil {
		fmt.Println(err)
		return
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	transport := core.NewTransport(&core.TransportOptions{RootCAs: authorities})
	defer transport.CloseIdleConnections()

	client, err := identity.NewClientFromConnectionString(connection.ConnectionString, &identity.ClientOptions{
		ClientOptions: core.ClientOptions{Transport: transport},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := client.CreateUserAndToken(context.Background(), []identity.TokenScope{identity.TokenScopeVoIP}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.User.Identifier().Kind(), made.AccessToken.ExpiresOn != nil)
	// Output: communicationUser true
}
