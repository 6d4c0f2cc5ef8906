package push_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-rtc/parley/server/push"
)

const (
	patience  = 30 * time.Second
	keyID     = "ABC123DEFG"
	team      = "DEF123GHIJ"
	topic     = "example.parley.app"
	account   = "sender@project-1.iam.example"
	accountID = "0123456789abcdef"
	project   = "project-1"
)

// pushed is a notification that a platform took or refused.
type pushed struct {
	Token, Topic, Kind, Bearer string
	Sandbox                    bool
	Status                     int
	Body                       map[string]json.RawMessage
	Data                       map[string]string
}

// standIn has what the stand-ins of both platforms have in common.
type standIn struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	script []answer // those of the next requests; then all are taken
	got    chan pushed
	pool   *x509.CertPool
}

// answer is what a platform says.
type answer struct {
	status int
	body   string
	after  string
}

func (s *standIn) start(handler http.Handler) {
	s.got = make(chan pushed, 1024)
	s.Server = httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.StartTLS()
	s.t.Cleanup(s.Close)
	s.pool = x509.NewCertPool()
	s.pool.AddCert(s.Certificate())
}

// next are the answers of the next requests.
func (s *standIn) next(answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, answers...)
}

func (s *standIn) say() answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) == 0 {
		return answer{status: http.StatusOK, body: "{}"}
	}
	a := s.script[0]
	s.script = s.script[1:]
	return a
}

// take returns the next notification.
func (s *standIn) take() pushed {
	s.t.Helper()
	select {
	case p := <-s.got:
		return p
	case <-time.After(patience):
		s.t.Fatal("nothing came")
		return pushed{}
	}
}

func (s *standIn) silent() {
	s.t.Helper()
	select {
	case p := <-s.got:
		s.t.Errorf("one too many: %+v", p)
	default:
	}
}

func (s *standIn) respond(w http.ResponseWriter, p pushed) {
	a := s.say()
	if a.after != "" {
		w.Header().Set("Retry-After", a.after)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
	p.Status = a.status
	s.got <- p
}

// apple stands in for APNs: HTTP/2, tokens of the provider, its headers.
type apple struct {
	standIn
	key *ecdsa.PrivateKey
}

func newApple(t testing.TB) *apple {
	a := &apple{standIn: standIn{t: t}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.start(http.HandlerFunc(a.serve))
	return a
}

func (a *apple) serve(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 || r.Method != http.MethodPost {
		a.t.Errorf("%s with %s", r.Method, r.Proto)
	}
	sandbox := strings.HasPrefix(r.URL.Path, "/sandbox")
	token, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/sandbox"), "/3/device/")
	if !ok {
		a.t.Errorf("path %s", r.URL.Path)
	}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "bearer ")
	// Its age is looked at by the tests that move the clock.
	claims := jwt.MapClaims{}
	parsed, err := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(bearer, claims, func(*jwt.Token) (any, error) { return &a.key.PublicKey, nil })
	if err != nil || parsed.Header["kid"] != keyID || claims["iss"] != team || claims["iat"] == nil {
		a.t.Errorf("token of the provider: %v %v %v", err, parsed, claims)
	}
	if r.Header.Get("Apns-Priority") != "10" || r.Header.Get("Apns-Expiration") == "" {
		a.t.Errorf("%v", r.Header)
	}
	p := pushed{Token: token, Topic: r.Header.Get("Apns-Topic"), Kind: r.Header.Get("Apns-Push-Type"), Bearer: bearer, Sandbox: sandbox}
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) > 4096 || json.Unmarshal(body, &p.Body) != nil || json.Unmarshal(p.Body["parley"], &p.Data) != nil {
		a.t.Errorf("%d bytes: %.60s, %v", len(body), body, err)
	}
	a.respond(w, p)
}

func (a *apple) options(now func() time.Time) push.APNsOptions {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return push.APNsOptions{
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), KeyID: keyID, TeamID: team, Topic: topic,
		URL: a.URL, SandboxURL: a.URL + "/sandbox", RootCAs: a.pool, Now: now,
	}
}

func (a *apple) sender(now func() time.Time) *push.APNs {
	a.t.Helper()
	sender, err := push.NewAPNs(a.options(now))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(sender.Close)
	return sender
}

// google stands in for FCM and for the server of its tokens.
type google struct {
	standIn
	key *rsa.PrivateKey

	granted map[string]bool // under mu
	denied  answer          // under mu: what the server of tokens says; zero: tokens
}

func newGoogle(t testing.TB) *google {
	g := &google{standIn: standIn{t: t}, granted: map[string]bool{}}
	var err error
	if g.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.grant)
	mux.HandleFunc("POST /v1/projects/"+project+"/messages:send", g.serve)
	g.start(mux)
	return g
}

// grant gives out an access token for an assertion (RFC 7523).
func (g *google) grant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		g.t.Errorf("%v %v", r.Form, err)
	}
	claims := jwt.MapClaims{}
	parsed, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(g.URL+"/token"), jwt.WithIssuer(account), jwt.WithoutClaimsValidation()).
		ParseWithClaims(r.Form.Get("assertion"), claims, func(*jwt.Token) (any, error) { return &g.key.PublicKey, nil })
	if err != nil || parsed.Header["kid"] != accountID || claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging" || claims["aud"] != g.URL+"/token" {
		g.t.Errorf("assertion: %v %v", err, claims)
	}
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	if life := expires - issued; life <= 0 || life > 3600 {
		g.t.Errorf("an assertion of %v seconds", life)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.denied.status != 0 {
		w.WriteHeader(g.denied.status)
		_, _ = io.WriteString(w, g.denied.body)
		return
	}
	token := fmt.Sprint("ya29.", len(g.granted))
	g.granted[token] = true
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, token)
}

func (g *google) serve(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 {
		g.t.Errorf("%s", r.Proto)
	}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	good := g.granted[bearer]
	g.mu.Unlock()
	if !good {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`)
		return
	}
	var asked struct {
		Message struct {
			Token   string
			Data    map[string]string
			Android struct{ Priority, TTL string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Message.Android.Priority != "HIGH" || !strings.HasSuffix(asked.Message.Android.TTL, "s") {
		g.t.Errorf("%+v %v", asked, err)
	}
	g.respond(w, pushed{Token: asked.Message.Token, Bearer: bearer, Data: asked.Message.Data})
}

// revoke makes all tokens so far void.
func (g *google) revoke() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for token := range g.granted {
		g.granted[token] = false
	}
}

func (g *google) options(now func() time.Time) push.FCMOptions {
	der, err := x509.MarshalPKCS8PrivateKey(g.key)
	if err != nil {
		g.t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": accountID, "client_email": account, "token_uri": g.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return push.FCMOptions{Account: data, URL: g.URL, RootCAs: g.pool, Now: now}
}

func (g *google) sender(now func() time.Time) *push.FCM {
	g.t.Helper()
	sender, err := push.NewFCM(g.options(now))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(sender.Close)
	return sender
}
