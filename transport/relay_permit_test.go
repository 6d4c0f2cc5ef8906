package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// permissionRequest is what the TURN client sends before the first packet to a peer.
func permissionRequest(t testing.TB, peers ...string) []byte {
	t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodCreatePermission, stun.ClassRequest))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		a := stun.XORMappedAddress{IP: net.ParseIP(p), Port: 9}
		if err := a.AddToAs(m, stun.AttrXORPeerAddress); err != nil {
			t.Fatal(err)
		}
	}
	m.WriteHeader()
	return m.Raw
}

// relayStub is a stream that gives the pieces put into it.
type relayStub struct {
	net.Conn
	pieces   chan []byte
	deadline chan struct{}
}

func newRelayStub() *relayStub {
	return &relayStub{pieces: make(chan []byte, 16), deadline: make(chan struct{}, 1)}
}

func (s *relayStub) Read(b []byte) (int, error) {
	select {
	case p, ok := <-s.pieces:
		if !ok {
			return 0, io.EOF
		}
		return copy(b, p), nil
	default:
	}
	select {
	case <-s.deadline:
		return 0, os.ErrDeadlineExceeded
	case p, ok := <-s.pieces:
		if !ok {
			return 0, io.EOF
		}
		return copy(b, p), nil
	}
}

func (s *relayStub) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		select {
		case <-s.deadline:
		default:
		}
		return nil
	}
	select {
	case s.deadline <- struct{}{}:
	default:
	}
	return nil
}

func (s *relayStub) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func TestPermits_AnswerBetweenMessages(t *testing.T) {
	stub := newRelayStub()
	c := &relayConn{Conn: stub, ready: make(chan struct{}, 1), closed: make(chan struct{}), link: &relayLink{owner: &pionNet{}}}
	c.permits.wake = stub.SetReadDeadline
	request := permissionRequest(t, "10.0.0.1")
	message := append([]byte{0x40, 0, 0, 5}, "abcde\x00\x00\x00"...)

	stub.pieces <- message[:6]
	b := make([]byte, 1500)
	var got []byte
	read := func() {
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	read()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	// The answer waits; the rest of the message comes first.
	stub.pieces <- message[6:]
	read()
	if !bytes.Equal(got, message) {
		t.Errorf("read %q", got)
	}
	got = nil
	read()
	m := &stun.Message{Raw: got}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	if m.Type.Method != stun.MethodCreatePermission || m.Type.Class != stun.ClassSuccessResponse || !bytes.Equal(m.TransactionID[:], request[8:20]) {
		t.Errorf("answer %v to %x", m, request)
	}
	// A renewal, and one for several peers, are the relay's to answer.
	for _, r := range [][]byte{permissionRequest(t, "10.0.0.1"), permissionRequest(t, "10.0.0.2", "10.0.0.3"), permissionRequest(t), request[:10]} {
		if _, err := c.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	stub.pieces <- message
	got = nil
	read()
	if !bytes.Equal(got, message) {
		t.Errorf("read %q", got)
	}
	close(stub.pieces)
	if _, err := c.Read(b); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func FuzzBoundaries(f *testing.F) {
	f.Add(append([]byte{0x40, 0, 0, 5}, "abcde\x00\x00\x00"...), uint8(3))
	f.Add(permissionRequest(f, "10.0.0.1"), uint8(7))
	f.Add([]byte{0x80, 1, 2, 3, 4}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var whole, pieces boundaries
		whole.pass(b)
		for rest := b; len(rest) > 0; {
			n := min(int(step)%9+1, len(rest))
			pieces.pass(rest[:n])
			rest = rest[n:]
		}
		if whole.inside() != pieces.inside() || whole.rest != pieces.rest {
			t.Errorf("%x: %+v at once, %+v in pieces", b, whole, pieces)
		}
	})
}
