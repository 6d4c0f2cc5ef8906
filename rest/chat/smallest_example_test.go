package chat_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/server"
)

// signIn stands for the application's back end: it makes a user and a token.
func signIn(ctx context.Context, back *identity.Client, endpoint string, transport core.Transporter) (common.Identifier, *chat.Client, error) {
	made, err := back.CreateUserAndToken(ctx, []identity.TokenScope{identity.TokenScopeChat}, nil)
	if err != nil {
		return nil, nil, err
	}
	user := made.User.Identifier()
	credential, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
		Initial: *made.AccessToken.Token,
		Refresh: func(ctx context.Context) (string, error) {
			next, err := back.GetToken(ctx, user, []identity.TokenScope{identity.TokenScopeChat}, nil)
			if err != nil {
				return "", err
			}
			return *next.Token, nil
		},
	})
	if err != nil {
		return nil, nil, err
	}
	client, err := chat.NewClient(endpoint, credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport}})
	return user, client, err
}

// converse lets Alice write and Bob read.
func converse(ctx context.Context, connection server.Connection) error {
	// The service has a certificate authority of its own.
	pem, err := os.ReadFile(connection.CAFile)
	if err != nil {
		return err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	transport := core.NewTransport(&core.TransportOptions{RootCAs: authorities})
	defer transport.CloseIdleConnections()
	back, err := identity.NewClientFromConnectionString(connection.ConnectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: transport}})
	if err != nil {
		return err
	}
	_, alice, err := signIn(ctx, back, connection.Endpoint, transport)
	if err != nil {
		return err
	}
	bobID, bob, err := signIn(ctx, back, connection.Endpoint, transport)
	if err != nil {
		return err
	}
	made, err := alice.CreateThread(ctx, "Lunch", &chat.ClientCreateThreadOptions{Participants: []chat.Participant{{Identifier: bobID}}})
	if err != nil {
		return err
	}
	writes, err := alice.NewThreadClient(*made.Thread.ID)
	if err != nil {
		return err
	}
	if _, err := writes.SendMessage(ctx, "Are you hungry?", nil); err != nil {
		return err
	}
	reads, err := bob.NewThreadClient(*made.Thread.ID)
	if err != nil {
		return err
	}
	page, err := reads.NewListMessagesPager(nil).NextPage(ctx)
	if err != nil {
		return err
	}
	fmt.Println(*page.Value[0].Content.Message)
	return nil
}

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
	if err := converse(context.Background(), srv.Connection()); err != nil {
		fmt.Println(err)
	}
	// Output: Are you hungry?
}
