package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	pion "github.com/pion/turn/v5"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// refused signs in with a token that must not do and returns the goodbye.
func refused(t *testing.T, srv *server.Server, token string) *signaling.GoodbyeError {
	t.Helper()
	a := newAgent(t, srv.Dialer(), "", token, "phone")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := a.client.Start(ctx)
	var goodbye *signaling.GoodbyeError
	if !errors.As(err, &goodbye) {
		t.Fatalf("error %v", err)
	}
	return goodbye
}

func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, c map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(c))
	for k, v := range header {
		token.Header[k] = v
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// otherLetter returns a letter of base64 that is not the one given.
func otherLetter(given byte) string {
	if given == 'A' {
		return "B"
	}
	return "A"
}

func TestAgent_BadTokens(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	_, good := r.user("chat", "voip")
	_, joiner := r.user("voip.join")
	c := claims(t, good)
	parsed, _, err := jwt.NewParser().ParseUnverified(good, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	kid := parsed.Header["kid"]
	foreignKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := start(t, server.Options{})
	_, foreign := newREST(t, other).user()
	part := strings.Split(good, ".")
	tampered := map[string]any{}
	for k, v := range c {
		tampered[k] = v
	}
	tampered["exp"] = float64(time.Now().Add(48 * time.Hour).Unix())
	for name, token := range map[string]string{
		"empty":                    "",
		"opaque":                   "opaque",
		"of another service":       foreign,
		"alg none":                 forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": kid}, c),
		"HMAC with our kid":        forge(t, jwt.SigningMethodHS256, []byte("key"), map[string]any{"kid": kid}, c),
		"foreign key, our kid":     forge(t, jwt.SigningMethodES256, foreignKey, map[string]any{"kid": kid}, c),
		"foreign key, foreign kid": forge(t, jwt.SigningMethodES256, foreignKey, map[string]any{"kid": "x"}, c),
		"foreign key, kid a list":  forge(t, jwt.SigningMethodES256, foreignKey, map[string]any{"kid": []string{"x"}}, c),
		"foreign key, no kid":      forge(t, jwt.SigningMethodES256, foreignKey, nil, c),
		"payload changed":          part[0] + "." + payload(t, tampered) + "." + part[2],
		"signature cut off":        part[0] + "." + part[1] + ".",
		"signature changed":        part[0] + "." + part[1] + "." + otherLetter(part[2][0]) + part[2][1:],
		"too long":                 good + strings.Repeat("A", 1<<16),
		"no scope of use":          joiner,
		"of the resource manager":  srv.Connection().ARMToken,
		"access key":               srv.Connection().AccessKey,
	} {
		t.Run(name, func(t *testing.T) {
			if g := refused(t, srv, token); g.Code != signaling.CodeTokenInvalid {
				t.Errorf("goodbye %v", g)
			}
		})
	}
	signWith(t, srv.Dialer(), "", good, "phone")
}

func payload(t *testing.T, c map[string]any) string {
	t.Helper()
	// A token with these claims has the payload that is wanted.
	return strings.Split(forge(t, jwt.SigningMethodHS256, []byte("k"), nil, c), ".")[1]
}

func TestAgent_ExpiredToken(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	var offset atomic.Int64
	srv := start(t, server.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	r := newREST(t, srv)
	_, token := r.user()
	offset.Store(int64(24*time.Hour - time.Minute))
	signWith(t, srv.Dialer(), "", token, "phone")
	offset.Store(int64(24*time.Hour + time.Second))
	if g := refused(t, srv, token); g.Code != signaling.CodeTokenExpired {
		t.Errorf("goodbye %v", g)
	}
}

func TestAgent_InProcess_AndOverBothPorts(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	user, token := r.user()
	called, calledToken := r.user()
	callee := signWith(t, srv.Dialer(), called, calledToken, "d")
	for i, a := range []*agent{
		signWith(t, srv.Dialer(), user, token, "a"),
		sign(t, srv, user, token, "b"),
		signWith(t, signaling.NewWebSocketDialer(srv.Connection().HTTPEndpoint, nil), user, token, "c"),
	} {
		id := callfsm.NewCallID()
		a.send(id, callfsm.Message{Kind: callfsm.KindStart, To: called})
		a.expect(id, callfsm.KindStarted)
		if m := callee.expect(id, callfsm.KindIncoming); m.From != user {
			t.Errorf("agent %d: from %s", i, m.From)
		}
		a.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
		a.expect(id, callfsm.KindEnded)
		callee.expect(id, callfsm.KindEnded)
	}
}

func TestAgent_RelayFromTheWelcome_Allocates(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	user, token := r.user()
	a := newAgent(t, srv.Dialer(), user, token, "phone")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	welcome, err := a.client.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if welcome.UserID != user || welcome.Relay == nil || len(welcome.Relay.GetServers()) != 1 {
		t.Fatalf("welcome %+v", welcome)
	}
	relay := welcome.Relay.GetServers()[0]
	addr := ""
	for _, u := range relay.GetUrls() {
		if rest, ok := strings.CutPrefix(u, "turn:"); ok {
			addr = strings.TrimSuffix(rest, "?transport=udp")
		}
	}
	if addr != srv.RelayAddr() {
		t.Errorf("urls %v, relay at %s", relay.GetUrls(), srv.RelayAddr())
	}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn, Username: relay.GetUsername(), Password: relay.GetCredential(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	allocated, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	allocated.Close()
}

func TestAgent_SessionsEnded_WhereverTheyAre(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 1)
	id, legs := p.ring()
	p.accept(id, legs)
	if err := server.EndSessions(p.srv, p.caller.user, signaling.CodeTokenInvalid); err != nil {
		t.Fatal(err)
	}
	s := p.caller.expectState(signaling.ClientClosed)
	var goodbye *signaling.GoodbyeError
	if !errors.As(s.Err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
		t.Errorf("state %+v", s)
	}
	p.devices[0].expectEnd(id, 0, 4521)
}

func TestAgent_Replaced_ByANewInstance(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	p := newPair(t, start(t, server.Options{}), 1)
	r := newREST(t, p.srv)
	user, token := r.user()
	first := sign(t, p.srv, user, token, "laptop")
	id := callfsm.NewCallID()
	first.send(id, callfsm.Message{Kind: callfsm.KindStart, To: p.devices[0].user})
	first.expect(id, callfsm.KindStarted)
	p.devices[0].expect(id, callfsm.KindIncoming)
	// The app was started again: it knows nothing of the call.
	second := sign(t, p.srv, user, token, "laptop")
	p.devices[0].expectEnd(id, 487, 0)
	if s := first.expectState(signaling.ClientClosed); s.Err == nil {
		t.Error("closed without a reason")
	}
	id = callfsm.NewCallID()
	second.send(id, callfsm.Message{Kind: callfsm.KindStart, To: p.devices[0].user})
	second.expect(id, callfsm.KindStarted)
	p.devices[0].expect(id, callfsm.KindIncoming)
}

func TestAgent_DeviceAwayForLong_IsNotReachable(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	var offset atomic.Int64
	srv := start(t, server.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	p := newPair(t, srv, 0)
	r := newREST(t, srv)
	called, token := r.user()
	cut := make(chan signaling.Conn, 10)
	dial := srv.Dialer()
	var blocked atomic.Bool
	device := signWith(t, signaling.DialFunc(func(ctx context.Context) (signaling.Conn, error) {
		if blocked.Load() {
			return nil, errors.New("no network")
		}
		c, err := dial.Dial(ctx)
		if err == nil {
			cut <- c
		}
		return c, err
	}), called, token, "phone")
	// Lost a moment ago: it is rung when it is back.
	blocked.Store(true)
	(<-cut).Close(1006, "")
	device.expectState(signaling.ClientReconnecting)
	waitMetric(t, srv, "parley_sessions", 2)
	id := callfsm.NewCallID()
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: called})
	p.caller.expect(id, callfsm.KindStarted)
	blocked.Store(false)
	device.expect(id, callfsm.KindIncoming)
	device.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: 1})
	p.caller.expect(id, callfsm.KindRinging)
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
	p.caller.expect(id, callfsm.KindEnded)
	// Away for longer.
	blocked.Store(true)
	(<-cut).Close(1006, "")
	device.expectState(signaling.ClientReconnecting)
	waitMetric(t, srv, "parley_sessions_suspended", 1)
	offset.Store(int64(11 * time.Second))
	id = callfsm.NewCallID()
	p.caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: called})
	p.caller.expectEnd(id, 480, 10037)
	blocked.Store(false)
}

// waitMetric waits until a metric has a value.
func waitMetric(t *testing.T, srv *server.Server, name string, want float64) {
	t.Helper()
	for range 2000 {
		if strings.Contains(scrape(t, srv), fmt.Sprintf("\n%s %v\n", name, want)) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s is not %v", name, want)
}
