package signaling_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-rtc/parley/internal/readiness"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
)

// cuttingNet dials TCP connections that break after some bytes.
type cuttingNet struct {
	mu     sync.Mutex
	random *rand.Rand // nil: connections hold
	conns  []*cuttingConn
}

type cuttingConn struct {
	net.Conn

	mu   sync.Mutex
	left int // 0 for without end
}

func (c *cuttingConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left > 0 && len(b) >= c.left {
		n, _ := c.Conn.Write(b[:c.left-1])
		_ = c.Close()
		return n, errors.New("cut")
	}
	if c.left > 0 {
		c.left -= len(b)
	}
	return c.Conn.Write(b)
}

func (n *cuttingNet) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &cuttingConn{Conn: conn}
	if n.random != nil && n.random.IntN(2) == 0 {
		c.left = 300 + n.random.IntN(2000)
	}
	n.conns = append(n.conns, c)
	return c, nil
}

func (n *cuttingNet) cutAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
}

// serveWebSockets puts an acceptor behind an https server on loopback.
func serveWebSockets(t testing.TB, a *signaling.Acceptor) (endpoint string, roots *x509.CertPool) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(signaling.Path, func(w http.ResponseWriter, r *http.Request) {
		conn, err := signaling.AcceptWebSocket(w, r)
		if err != nil {
			return
		}
		_ = a.Serve(r.Context(), conn)
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections are cut on purpose
	server.Listener = readiness.Listener(server.Listener)
	server.StartTLS()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := a.Shutdown(ctx); err != nil {
			t.Errorf("acceptor shutdown: %v", err)
		}
		server.CloseClientConnections()
		server.Close()
	})
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// TestWebSocket_CutsAndResumes sends both ways over real WebSockets that are
// cut at random bytes.
func TestWebSocket_CutsAndResumes(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	testkit.Repeat(t, 3, 50, func(seed uint64) error { return runWebSocket(t, seed) })
}

func runWebSocket(t *testing.T, seed uint64) error {
	const messages = 60
	var mu sync.Mutex
	var up, down []string
	done := make(chan struct{}, 2)
	note := func(list *[]string, m *signaling.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if *list = append(*list, m.GetCall().GetTones()); len(*list) == messages {
			done <- struct{}{}
		}
		return nil
	}
	sessions := make(chan *signaling.Session, 10)
	a, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: signedIn,
		Opened:       func(s *signaling.Session) { sessions <- s },
		Handler:      func(_ *signaling.Session, m *signaling.Message) error { return note(&up, m) },
	})
	if err != nil {
		return err
	}
	endpoint, roots := serveWebSockets(t, a)
	network := &cuttingNet{}
	c, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{
			TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, DialContext: network.DialContext,
		}),
		Token:   func(context.Context) (string, error) { return "token", nil },
		Handler: func(m *signaling.Message) error { return note(&down, m) },
		Backoff: signaling.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	if _, err := c.Start(t.Context()); err != nil {
		return err
	}
	network.mu.Lock()
	network.random = rand.New(rand.NewPCG(seed, 1))
	network.mu.Unlock()
	s := <-sessions
	for i := range messages {
		if err := errors.Join(c.Send(text(fmt.Sprint(i))), s.Send(text(fmt.Sprint(i)))); err != nil {
			return err
		}
		if i%10 == 5 {
			network.cutAll()
		}
	}
	<-done
	<-done
	stats := c.Stats()
	if err := c.Shutdown(t.Context()); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range messages {
		if want := fmt.Sprint(i); up[i] != want || down[i] != want {
			return fmt.Errorf("message %d: %s and %s", i, up[i], down[i])
		}
	}
	if stats.Resumes == 0 || stats.Resumes != stats.Connections-1 {
		return fmt.Errorf("stats: %+v", stats)
	}
	return nil
}

func TestWebSocket_Goodbye_EndsCleanly(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	served := make(chan error, 1)
	a, err := signaling.NewAcceptor(&signaling.AcceptorOptions{Authenticate: signedIn})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(signaling.Path, func(w http.ResponseWriter, r *http.Request) {
		conn, err := signaling.AcceptWebSocket(w, r)
		if err == nil {
			err = a.Serve(r.Context(), conn)
		}
		served <- err
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c, err := signaling.NewClient(&signaling.ClientOptions{
		Dialer: signaling.NewWebSocketDialer(server.URL+"/ignored", nil),
		Token:  func(context.Context) (string, error) { return "token", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := a.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWebSocket_BadInput(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: signedIn, Limits: signaling.Limits{HelloTimeout: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, roots := serveWebSockets(t, a)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, DisableKeepAlives: true,
	}}
	open := func() *websocket.Conn {
		t.Helper()
		ws, _, err := websocket.Dial(t.Context(), endpoint+signaling.Path, &websocket.DialOptions{
			HTTPClient: client, Subprotocols: []string{signaling.Subprotocol},
		})
		if err != nil {
			t.Fatal(err)
		}
		return ws
	}
	// Text instead of a binary hello, and a frame over the limit.
	for name, send := range map[string]func(*websocket.Conn) error{
		"text": func(ws *websocket.Conn) error { return ws.Write(t.Context(), websocket.MessageText, []byte("hello")) },
		"large": func(ws *websocket.Conn) error {
			return ws.Write(t.Context(), websocket.MessageBinary, make([]byte, signaling.MaxFrame+1))
		},
	} {
		ws := open()
		_ = send(ws)
		for err = nil; err == nil; {
			_, _, err = ws.Read(t.Context())
		}
		if status := websocket.CloseStatus(err); name == "text" && status != websocket.StatusCode(signaling.CodeProtocolError) {
			t.Errorf("%s: %v", name, err)
		}
		_ = ws.CloseNow()
	}
	if n := a.Sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
	// One that says nothing is told why it is turned away.
	ws := open()
	for err = nil; err == nil; {
		_, _, err = ws.Read(t.Context())
	}
	if status := websocket.CloseStatus(err); status != websocket.StatusCode(signaling.CodeHelloTimeout) {
		t.Errorf("silent: %v", err)
	}
}

func TestWebSocketDialer_Errors(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err == nil {
			_ = ws.CloseNow()
		}
	}))
	defer plain.Close()
	for endpoint, want := range map[string]error{
		"ftp://localhost": nil, "https://": nil, "://": nil, "https://127.0.0.1:1": nil,
		other.URL: signaling.ErrNotParley, plain.URL: signaling.ErrNotParley,
	} {
		_, err := signaling.NewWebSocketDialer(endpoint, nil).Dial(t.Context())
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestPipe(t *testing.T) {
	a, b := signaling.Pipe()
	buf := []byte("one")
	if err := a.Write(t.Context(), buf); err != nil {
		t.Fatal(err)
	}
	buf[0] = 'X'
	if got, err := b.Read(t.Context()); string(got) != "one" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	for range 16 {
		if err := a.Write(t.Context(), buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Write(ctx, buf); !errors.Is(err, context.Canceled) {
		t.Errorf("write into a full pipe: %v", err)
	}
	_ = a.Close(1000, "")
	_ = a.Close(1000, "")
	if err := a.Write(t.Context(), buf); !errors.Is(err, signaling.ErrConnClosed) {
		t.Errorf("write: %v", err)
	}
	if err := b.Write(t.Context(), buf); !errors.Is(err, signaling.ErrConnClosed) {
		t.Errorf("write: %v", err)
	}
	// What was written before the close is still read.
	n := 0
	for {
		if _, err := b.Read(t.Context()); err != nil {
			if !errors.Is(err, signaling.ErrConnClosed) {
				t.Errorf("read: %v", err)
			}
			break
		}
		n++
	}
	if n != 16 {
		t.Errorf("%d messages left", n)
	}
	if _, err := a.Read(t.Context()); !errors.Is(err, signaling.ErrConnClosed) {
		t.Errorf("read: %v", err)
	}
}

// TestAcceptWebSocket_FrameWithTheRequest: a client that does not wait for the
// answer loses nothing of what it sent, more than a buffer holds.
func TestAcceptWebSocket_FrameWithTheRequest(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	const size = 3000
	read := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := signaling.AcceptWebSocket(w, r)
		if err != nil {
			t.Error(err)
			close(read)
			return
		}
		defer conn.Close(0, "")
		data, err := conn.Read(t.Context())
		if err != nil {
			t.Error(err)
		}
		read <- len(data)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: " + signaling.Subprotocol + "\r\n\r\n"
	// A final binary frame, masked with zeros (RFC 6455 5.2).
	frame := append([]byte{0x82, 0x80 | 126, size >> 8, size & 0xff, 0, 0, 0, 0}, make([]byte, size)...)
	if _, err := conn.Write(append([]byte(request), frame...)); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != size {
		t.Errorf("read %d bytes of %d", got, size)
	}
}
