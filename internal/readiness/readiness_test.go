package readiness_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/readiness"
	"github.com/parley-rtc/parley/internal/testkit"
)

// connected returns both ends of a connection on loopback, with TLS over a
// Listener if secure is set.
func connected(t *testing.T, secure bool) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	if secure {
		// For its certificate only.
		https := httptest.NewTLSServer(nil)
		https.Close()
		config.Certificates = https.TLS.Certificates
		l = tls.NewListener(readiness.Listener(l), config)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil && secure {
			err = conn.(*tls.Conn).HandshakeContext(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		client = tls.Client(client, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}) //nolint:gosec // G402: of this test
		if err := client.(*tls.Conn).HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if server = <-accepted; server == nil {
		t.Fatal("not accepted")
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

// TestWaiter_MissesNothing: whoever waits whenever nothing is pending gets all
// that was sent, and never waits for what is there already.
func TestWaiter_MissesNothing(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			testkit.CheckLeaks(t, time.Minute)
			testkit.Repeat(t, 5, 200, func(seed uint64) error {
				client, server := connected(t, secure)
				random := rand.New(rand.NewPCG(seed, 0))
				sent := make([]byte, 1+random.IntN(200_000))
				for i := range sent {
					sent[i] = byte(random.Uint32())
				}
				chunks := rand.New(rand.NewPCG(seed, 1))
				go func() {
					for left := sent; len(left) > 0; {
						n := min(len(left), 1+chunks.IntN(5000))
						if _, err := client.Write(left[:n]); err != nil {
							t.Error(err)
							break
						}
						left = left[n:]
					}
					_ = client.Close()
				}()
				w := readiness.NewWaiter(server)
				if w == nil {
					t.Fatal("no waiter")
				}
				buffer := bufio.NewReaderSize(w.Conn(), 64+random.IntN(1000))
				var got bytes.Buffer
				for {
					if buffer.Buffered() == 0 && !w.Pending() {
						w.Wait()
					}
					_, err := io.CopyN(&got, buffer, int64(min(1+random.IntN(100), max(1, buffer.Buffered()))))
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(got.Bytes(), sent) {
					t.Errorf("seed %d: %d bytes of %d", seed, got.Len(), len(sent))
				}
				return nil
			})
		})
	}
}

// TestWaiter_Close: closing ends the wait.
func TestWaiter_Close(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, secure := range []bool{false, true} {
		client, server := connected(t, secure)
		if _, err := client.Write([]byte("soup")); err != nil {
			t.Fatal(err)
		}
		w := readiness.NewWaiter(server)
		if _, err := w.Conn().Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if w.Pending() {
			t.Error("something is pending although all was read")
		}
		waited := make(chan struct{})
		go func() {
			defer close(waited)
			w.Wait()
		}()
		_ = server.Close()
		<-waited
	}
}

// TestNewWaiter_Unknown: what cannot be waited for is refused, not waited for
// in vain.
func TestNewWaiter_Unknown(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for name, conn := range map[string]net.Conn{
		"pipe": a, "TLS without the listener": tls.Server(a, &tls.Config{MinVersion: tls.VersionTLS13}),
	} {
		if readiness.NewWaiter(conn) != nil {
			t.Errorf("%s: a waiter", name)
		}
	}
}

// scripted is a connection that gives its bytes in pieces.
type scripted struct {
	net.Conn

	data  []byte
	piece int
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.piece)], s.data)
	s.data = s.data[n:]
	return n, nil
}

type once struct{ conn net.Conn }

func (o *once) Accept() (net.Conn, error) { return o.conn, nil }
func (o *once) Close() error              { return nil }
func (o *once) Addr() net.Addr            { return nil }

// FuzzRecords: whatever comes is passed on as it is, and no read goes beyond a
// record.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{22, 3, 1, 0, 3, 'a', 'b', 'c', 23, 3, 3, 0, 1, 'd'}, 100, 7)
	f.Add([]byte{22, 3, 1, 0, 0, 23, 3, 3}, 1, 1)
	f.Add([]byte("GET / HTTP/1.1\r\n"), 3, 600)
	f.Fuzz(func(t *testing.T, data []byte, piece, size int) {
		if piece < 1 || size < 1 || size > 1<<16 {
			return
		}
		conn, err := readiness.Listener(&once{&scripted{data: bytes.Clone(data), piece: piece}}).Accept()
		if err != nil {
			t.Fatal(err)
		}
		ends := map[int]bool{}
		for at := 0; at+5 <= len(data); {
			at += 5 + int(data[at+3])<<8 + int(data[at+4])
			ends[at] = true
		}
		var got []byte
		for p := make([]byte, size); ; {
			n, err := conn.Read(p)
			for i := len(got) + 1; i < len(got)+n; i++ {
				if ends[i] {
					t.Fatalf("a read of %d bytes at %d goes over the end of a record at %d", n, len(got), i)
				}
			}
			if got = append(got, p[:n]...); err != nil {
				break
			}
			if n == 0 {
				t.Fatal("a read of nothing")
			}
		}
		if !bytes.Equal(got, data) {
			t.Fatalf("%d bytes of %d, or others", len(got), len(data))
		}
	})
}
