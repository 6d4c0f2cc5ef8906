package engine_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server"
)

// realService is the whole service in this process, reached over real sockets.
type realService struct {
	t       testing.TB
	options server.Options
	srv     *server.Server
	roots   *x509.CertPool

	mu     sync.Mutex
	users  map[string]string // name → raw id
	tokens map[string]string // name → token
}

func newRealService(t testing.TB, change ...func(*server.Options)) *realService {
	t.Helper()
	s := &realService{
		t: t, options: server.Options{DataDir: t.TempDir()},
		users: map[string]string{}, tokens: map[string]string{},
	}
	for _, c := range change {
		c(&s.options)
	}
	s.start()
	t.Cleanup(func() { _ = s.srv.Close() })
	return s
}

func (s *realService) start() {
	s.t.Helper()
	srv, err := server.New(s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.srv = srv
	ca, err := os.ReadFile(srv.Connection().CAFile)
	if err != nil {
		s.t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(ca) {
		s.t.Fatal("no certificate authority")
	}
}

// token returns a token of the user with that name; the first makes the user.
func (s *realService) token(name string) (rawID, token string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[name] == "" {
		s.create(name)
	}
	return s.users[name], s.tokens[name]
}

func (s *realService) create(name string) {
	s.t.Helper()
	conn := s.srv.Connection()
	body := []byte(`{"createTokenWithScopes":["voip"]}`)
	req, err := http.NewRequest(http.MethodPost, conn.Endpoint+"/identities?api-version=2023-10-01", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	key, err := base64.StdEncoding.DecodeString(conn.AccessKey)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := acswire.Sign(req, key, body, time.Now()); err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.roots}, DisableKeepAlives: true,
	}}
	response, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var made acswire.CreateIdentityResponse
	if err := json.Unmarshal(answer, &made); err != nil || made.Identity == nil || made.AccessToken == nil {
		s.t.Fatalf("make a user: %v %s", err, answer)
	}
	s.users[name], s.tokens[name] = *made.Identity.ID, *made.AccessToken.Token
}

// signIn signs a user in over a WebSocket with TLS.
func (s *realService) signIn(name string, change ...func(*setup)) *device {
	s.t.Helper()
	return s.signInAs(name, name, change...)
}

// signInAs signs one of several devices of a user in.
func (s *realService) signInAs(userName, name string, change ...func(*setup)) *device {
	s.t.Helper()
	_, token := s.token(userName)
	d := signIn(s.t, nil, name, append([]func(*setup){func(o *setup) {
		o.options.Endpoint, o.options.RootCAs = s.srv.Connection().Endpoint, s.roots
		o.cred = engine.NewStaticTokenCredential(token)
		o.agent.DeviceID = name
	}}, change...)...)
	d.resolve = func(name string) string {
		id, _ := s.token(name)
		return id
	}
	return d
}

// inProcess lets a device use the service without a socket.
func (s *realService) inProcess(o *setup) {
	o.options.Endpoint, o.options.RootCAs, o.options.Dialer = "", nil, s.srv.Dialer()
}

func (s *realService) String() string {
	return fmt.Sprintf("service at %s", s.srv.Connection().Endpoint)
}
