// The echo bot repeats what is said to it in a thread. A bot is a user whose
// webhook receives what happens in its threads and answers over REST:
//
//	parley serve --data data
//	go run ./examples/echobot --connection data/connection.json
//
// It prints its id. Add that user to a thread, and write.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
)

const (
	secretSize   = 32
	headerTime   = 10 * time.Second
	shutdownTime = 5 * time.Second
)

func main() {
	connection := flag.String("connection", "parley-data/connection.json", "connection.json `file` of the service")
	listen := flag.String("listen", "127.0.0.1:8090", "`address` at which the service reaches the bot")
	name := flag.String("name", "echobot", "`name` of the bot's user and webhook")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, config{connection: *connection, listen: *listen, name: *name, ready: func(user string) {
		fmt.Println("The bot is", user)
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "echobot:", err)
		os.Exit(1)
	}
}

type config struct {
	connection, listen, name string
	ready                    func(user string) // called when the bot hears
}

// connection is what the bot needs of connection.json.
type connection struct {
	Endpoint         string `json:"endpoint"`
	ConnectionString string `json:"connectionString"`
	CAFile           string `json:"caFile"`
	ARMToken         string `json:"armToken"`
}

// run is the bot from its start until ctx is over.
func run(ctx context.Context, c config) error {
	service, client, err := connect(c.connection)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	b := &bot{logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), secret: make([]byte, secretSize)}
	if _, err := rand.Read(b.secret); err != nil {
		return err
	}
	if b.user, b.chat, err = signIn(ctx, service, client, c.name); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: b, ReadHeaderTimeout: headerTime}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	err = subscribe(ctx, service, client, c.name, "http://"+listener.Addr().String(), b)
	if err == nil {
		c.ready(b.user)
		select {
		case <-ctx.Done():
		case err = <-ended:
			return err
		}
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return errors.Join(err, web.Shutdown(closing))
}

// connect reads connection.json and makes a client that trusts the service.
func connect(file string) (*connection, *http.Client, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	service := &connection{}
	if err := json.Unmarshal(data, service); err != nil {
		return nil, nil, err
	}
	options := &core.TransportOptions{}
	if service.CAFile != "" {
		pem, err := os.ReadFile(service.CAFile)
		if err != nil {
			return nil, nil, err
		}
		options.RootCAs = x509.NewCertPool()
		options.RootCAs.AppendCertsFromPEM(pem)
	}
	return service, core.NewTransport(options), nil
}

// signIn makes the bot's user, the same at each start, and a chat client whose
// token is renewed by itself.
func signIn(ctx context.Context, service *connection, client *http.Client, name string) (string, *chat.Client, error) {
	transport := core.ClientOptions{Transport: client}
	users, err := identity.NewClientFromConnectionString(service.ConnectionString, &identity.ClientOptions{ClientOptions: transport})
	if err != nil {
		return "", nil, err
	}
	made, err := users.CreateUser(ctx, &identity.ClientCreateUserOptions{CustomID: &name})
	if err != nil {
		return "", nil, err
	}
	user := made.Identifier()
	credential, err := common.NewUserTokenCredential(common.UserTokenCredentialOptions{
		Refresh: func(ctx context.Context) (string, error) {
			token, err := users.GetToken(ctx, user, []identity.TokenScope{identity.TokenScopeChat}, nil)
			if err != nil {
				return "", err
			}
			return *token.Token, nil
		},
	})
	if err != nil {
		return "", nil, err
	}
	threads, err := chat.NewClient(service.Endpoint, credential, &chat.ClientOptions{ClientOptions: transport})
	return user.RawID(), threads, err
}

// subscribe lets the bot get the messages for its user. What was said while it
// was away comes now: the webhook of its last start is replaced.
func subscribe(ctx context.Context, service *connection, client *http.Client, name, endpoint string, b *bot) error {
	body, err := json.Marshal(map[string]any{
		"name": name, "endpoint": endpoint, "secret": b.secret,
		"types": []string{messageReceived}, "subjectEnds": "/recipient/" + b.user,
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, service.Endpoint+"/parley/v1/webhooks", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+service.ARMToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the webhook was refused: %s", resp.Status)
	}
	return nil
}
