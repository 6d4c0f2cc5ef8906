package testkit

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
)

// serviceTime bounds what is asked of a service, on a machine that does much else.
const serviceTime = 2 * time.Minute

// BuildParley builds the program cmd/parley into a folder and returns its path.
func BuildParley(folder string) (string, error) {
	path := filepath.Join(folder, "parley")
	cmd := exec.Command("go", "build", "-o", path, "github.com/parley-rtc/parley/cmd/parley")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build parley: %w\n%s", err, out)
	}
	return path, nil
}

// Service is a service of its own process, `parley serve` on loopback.
type Service struct {
	// Endpoint is https, with the authority of CAFile.
	Endpoint, CAFile string

	accessKey string
	transport core.Transporter
}

// StartService starts program, as BuildParley made it, with a folder of its own
// and ends it with the test, or with the process of the test, however that
// ended. args are further ones of `parley serve`.
func StartService(t testing.TB, program string, args ...string) *Service {
	t.Helper()
	folder := t.TempDir()
	log := filepath.Join(folder, "log")
	p, err := run(launch{log: log, signal: "TERM"}, program, append([]string{
		"serve", "--data", filepath.Join(folder, "data"),
		"--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--turn", "127.0.0.1:0",
	}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end("TERM"); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the service's log:\n%s", tail(log))
		}
	})
	var connection struct{ Endpoint, AccessKey, CAFile string }
	err = within(func() error {
		data, err := os.ReadFile(filepath.Join(folder, "data", "connection.json"))
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &connection)
	}, func() string { return tail(log) })
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(connection.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := core.NewTransport(&core.TransportOptions{RootCAs: roots})
	t.Cleanup(client.CloseIdleConnections)
	return &Service{Endpoint: connection.Endpoint, CAFile: connection.CAFile, accessKey: connection.AccessKey, transport: client}
}

// NewUser makes a user and a token for calls and chat.
func (s *Service) NewUser(t testing.TB) (id, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serviceTime)
	defer cancel()
	made, err := s.newUser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return *made.User.ID, *made.AccessToken.Token
}

func (s *Service) newUser(ctx context.Context) (made identity.ClientCreateUserAndTokenResponse, err error) {
	client, err := identity.NewClientFromConnectionString("endpoint="+s.Endpoint+";accesskey="+s.accessKey,
		&identity.ClientOptions{ClientOptions: core.ClientOptions{Transport: s.transport}})
	if err != nil {
		return made, err
	}
	made, err = client.CreateUserAndToken(ctx, []identity.TokenScope{identity.TokenScopeChat, identity.TokenScopeVoIP}, nil)
	if err == nil && (made.User == nil || made.User.ID == nil || made.AccessToken == nil || made.AccessToken.Token == nil) {
		err = errors.New("the answer holds no user")
	}
	return made, err
}

// NewThread makes a chat thread of the user whose token it is, and of others,
// and returns its id.
func (s *Service) NewThread(t testing.TB, token string, others ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serviceTime)
	defer cancel()
	id, err := s.newThread(ctx, token, others)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (s *Service) newThread(ctx context.Context, token string, others []string) (string, error) {
	credential, err := common.NewStaticTokenCredential(token)
	if err != nil {
		return "", err
	}
	client, err := chat.NewClient(s.Endpoint, credential, &chat.ClientOptions{ClientOptions: core.ClientOptions{Transport: s.transport}})
	if err != nil {
		return "", err
	}
	options := &chat.ClientCreateThreadOptions{}
	for _, other := range others {
		id, err := common.ParseRawID(other)
		if err != nil {
			return "", err
		}
		options.Participants = append(options.Participants, chat.Participant{Identifier: id})
	}
	made, err := client.CreateThread(ctx, "bindings", options)
	if err != nil {
		return "", err
	}
	return *made.Thread.ID, nil
}
