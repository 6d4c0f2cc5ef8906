package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

const apiVersion = "2023-10-01"

func start(t testing.TB, options server.Options) *server.Server {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = t.TempDir()
	}
	if options.Database == "" {
		options.Database = testkit.Database(t, options.DataDir)
	}
	var recording bytes.Buffer
	if options.Record == nil {
		options.Record = &recording
	}
	guard := &logGuard{}
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(guard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	srv, err := server.New(options)
	if err != nil {
		t.Fatal(err)
	}
	guard.know(srv)
	t.Cleanup(func() {
		guard.know(srv)
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		guard.check(t)
		testkit.CheckContract(t, &recording)
	})
	return srv
}

// logGuard reads what every test has logged and looks for secrets.
type logGuard struct {
	mu      sync.Mutex
	secrets []string
	found   []byte // the first record that holds one
}

// know adds the secrets that a service has now: keys may have been regenerated.
func (g *logGuard) know(srv *server.Server) {
	c := srv.Connection()
	_, key, _ := strings.Cut(c.ConnectionString, "accesskey=")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.secrets = append(g.secrets, key, c.ARMToken, base64.StdEncoding.EncodeToString(server.SecondaryKey(srv)))
}

// Write takes one record.
func (g *logGuard) Write(record []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.found == nil && testkit.HasSecret(string(record), g.secrets...) {
		g.found = bytes.Clone(record)
	}
	return len(record), nil
}

func (g *logGuard) check(t testing.TB) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.found != nil {
		t.Errorf("a secret is in the log: %s", g.found)
	}
}

// pool trusts what connection.json names.
func pool(t testing.TB, c server.Connection) *x509.CertPool {
	t.Helper()
	data, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(data) {
		t.Fatal("no certificate in the CA file")
	}
	return p
}

// rest is a client of the REST API.
type rest struct {
	t      testing.TB
	conn   server.Connection
	client *http.Client
}

func newREST(t testing.TB, srv *server.Server) *rest {
	t.Helper()
	c := srv.Connection()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(t, c)}}
	t.Cleanup(transport.CloseIdleConnections)
	return &rest{t, c, &http.Client{Transport: transport}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body []byte
}

func (a *answer) error(t testing.TB) acswire.Error {
	t.Helper()
	var e acswire.ErrorResponse
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("status %d, no error body: %q", a.StatusCode, a.body)
	}
	return e.Error
}

func (r *rest) do(req *http.Request) *answer {
	r.t.Helper()
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return &answer{resp, body}
}

// request makes a signed request. target has the query.
func (r *rest) request(method, target, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequest(method, r.conn.Endpoint+target, bytes.NewBufferString(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if err := acswire.Sign(req, r.key(), []byte(body), time.Now()); err != nil {
		r.t.Fatal(err)
	}
	return req
}

func (r *rest) key() []byte {
	r.t.Helper()
	key, err := decodeKey(r.conn.AccessKey)
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

func decodeKey(key string) ([]byte, error) { return base64.StdEncoding.DecodeString(key) }

func (r *rest) post(path, body string) *answer {
	r.t.Helper()
	return r.do(r.request(http.MethodPost, path+"?api-version="+apiVersion, body))
}

// user makes a user with a token.
func (r *rest) user(scopes ...string) (id, token string) {
	r.t.Helper()
	if len(scopes) == 0 {
		scopes = []string{"voip"}
	}
	list, err := json.Marshal(scopes)
	if err != nil {
		r.t.Fatal(err)
	}
	a := r.post("/identities", fmt.Sprintf(`{"createTokenWithScopes":%s}`, list))
	if a.StatusCode != http.StatusCreated {
		r.t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	var made acswire.CreateIdentityResponse
	if err := json.Unmarshal(a.body, &made); err != nil {
		r.t.Fatal(err)
	}
	return *made.Identity.ID, *made.AccessToken.Token
}

// agent is a signaling client that keeps what it hears.
type agent struct {
	t        testing.TB
	user     string
	client   *signaling.Client
	messages chan *signaling.Message
	states   chan signaling.ClientState
}

// sign connects a device of a user over a real WebSocket.
func sign(t testing.TB, srv *server.Server, user, token, device string) *agent {
	t.Helper()
	c := srv.Connection()
	return signWith(t, signaling.NewWebSocketDialer(c.Endpoint, &signaling.WebSocketOptions{
		TLSConfig: &tls.Config{RootCAs: pool(t, c)},
	}), user, token, device)
}

func signWith(t testing.TB, dialer signaling.Dialer, user, token, device string) *agent {
	t.Helper()
	a := newAgent(t, dialer, user, token, device)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := a.client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return a
}

func newAgent(t testing.TB, dialer signaling.Dialer, user, token, device string) *agent {
	t.Helper()
	a := &agent{t: t, user: user, messages: make(chan *signaling.Message, 10000), states: make(chan signaling.ClientState, 1000)}
	var err error
	a.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer:       dialer,
		Token:        func(context.Context) (string, error) { return token, nil },
		DeviceID:     device,
		Handler:      func(m *signaling.Message) error { a.messages <- m; return nil },
		StateChanged: func(s signaling.ClientState) { a.states <- s },
		Backoff:      signaling.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.client.Close() })
	return a
}

func (a *agent) send(id callfsm.CallID, m callfsm.Message) {
	a.t.Helper()
	a.sendRaw(signaling.EncodeCall(id, m))
}

func (a *agent) sendRaw(m *signaling.Message) {
	a.t.Helper()
	if err := a.client.Send(m); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) next() *signaling.Message {
	a.t.Helper()
	select {
	case m := <-a.messages:
		return m
	case <-time.After(30 * time.Second):
		a.t.Fatal("nothing was heard for 30 s")
		return nil
	}
}

// expect returns the next message, which must be of a kind and of a call.
func (a *agent) expect(id callfsm.CallID, kind callfsm.MessageKind) callfsm.Message {
	a.t.Helper()
	raw := a.next()
	got, m, err := signaling.DecodeCall(raw)
	if err != nil {
		a.t.Fatalf("heard %v (%v), want %v", raw, err, kind)
	}
	if got != id || m.Kind != kind {
		a.t.Fatalf("heard %v %v of call %v, want %v of %v", m.Kind, m.Reason, got, kind, id)
	}
	return m
}

// expectEnd expects ENDED with a reason.
func (a *agent) expectEnd(id callfsm.CallID, code, subcode int) {
	a.t.Helper()
	if m := a.expect(id, callfsm.KindEnded); m.Reason.Code != code || m.Reason.Subcode != subcode {
		a.t.Errorf("ended with %v, want %d/%d", m.Reason, code, subcode)
	}
}

// expectState waits for a phase of the client.
func (a *agent) expectState(phase signaling.ClientPhase) signaling.ClientState {
	a.t.Helper()
	for {
		select {
		case s := <-a.states:
			if s.Phase == phase {
				return s
			}
		case <-time.After(30 * time.Second):
			a.t.Fatalf("not %v after 30 s", phase)
		}
	}
}

// pair is a caller and devices of a callee, all signed in.
type pair struct {
	srv     *server.Server
	caller  *agent
	devices []*agent
}

func newPair(t testing.TB, srv *server.Server, devices int) *pair {
	t.Helper()
	r := newREST(t, srv)
	from, fromToken := r.user()
	to, toToken := r.user()
	p := &pair{srv: srv, caller: sign(t, srv, from, fromToken, "phone")}
	for i := range devices {
		p.devices = append(p.devices, sign(t, srv, to, toToken, fmt.Sprint("device", i)))
	}
	if devices == 0 {
		p.devices = []*agent{{t: t, user: to}}
	}
	return p
}

// ring starts a call and returns the legs of the devices, in their order.
func (p *pair) ring() (callfsm.CallID, []callfsm.Leg) {
	p.caller.t.Helper()
	id := callfsm.NewCallID()
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: p.devices[0].user, DisplayName: "Alice", Media: callfsm.MediaAudio})
	p.caller.expect(id, callfsm.KindStarted)
	var legs []callfsm.Leg
	for _, d := range p.devices {
		m := d.expect(id, callfsm.KindIncoming)
		if m.From != p.caller.user || m.To != d.user || m.DisplayName != "Alice" || m.Media != callfsm.MediaAudio {
			p.caller.t.Errorf("INCOMING %+v", m)
		}
		legs = append(legs, m.Leg)
		d.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: m.Leg})
		if got := p.caller.expect(id, callfsm.KindRinging); got.Leg != m.Leg {
			p.caller.t.Errorf("leg %d rings, want %d", got.Leg, m.Leg)
		}
	}
	return id, legs
}

// accept lets the first device take the call.
func (p *pair) accept(id callfsm.CallID, legs []callfsm.Leg) {
	p.caller.t.Helper()
	p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: legs[0], Media: callfsm.MediaAudio})
	if m := p.caller.expect(id, callfsm.KindAccepted); m.Leg != legs[0] {
		p.caller.t.Errorf("leg %d accepted, want %d", m.Leg, legs[0])
	}
	p.devices[0].expect(id, callfsm.KindConfirmed)
	for _, d := range p.devices[1:] {
		d.expectEnd(id, 487, 10003)
	}
}
