package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/slogpion"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
	"github.com/pion/turn/v5"
)

// world is an emulated network with two ends and a relay between them.
type world struct {
	net               *netem.Network
	alice, bob, relay *netem.Host
	direct            *netem.Path // alice to bob
	// forwarded counts packets that arrived at the relay's relayed addresses or
	// left from them, between the two ends directly the others.
	viaRelay, viaDirect atomic.Int64
}

const (
	turnUser, turnPassword = "user", "password"
	turnPort               = 3478
	turnsPort              = 5349
)

// inWorld runs a test on virtual time in an emulated network whose links all
// have the given quality.
func inWorld(t *testing.T, quality netem.Link, test func(t *testing.T, w *world)) {
	t.Helper()
	testkit.CheckLeaks(t, 2*time.Minute)
	inSeededWorld(t, 1, quality, test)
}

// inSeededWorld is inWorld with other dice, for tests that make many worlds and
// check for leaks around them all.
func inSeededWorld(t *testing.T, seed uint64, quality netem.Link, test func(t *testing.T, w *world)) {
	t.Helper()
	// Inside it would be one of the year 2000, expired for all other tests.
	if _, err := shared(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		n := netem.New(seed)
		w := &world{
			net:   n,
			alice: n.Host("alice", netip.MustParseAddr("10.0.1.1"), netip.MustParseAddr("2001:db8:1::1")),
			bob:   n.Host("bob", netip.MustParseAddr("10.0.2.1"), netip.MustParseAddr("2001:db8:2::1")),
			relay: n.Host("relay", netip.MustParseAddr("203.0.113.1")),
		}
		w.direct = n.Link(w.alice, w.bob, quality)
		n.Link(w.alice, w.relay, quality)
		n.Link(w.bob, w.relay, quality)
		n.Trace(w.trace)
		t.Cleanup(func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		})
		test(t, w)
	})
}

func (w *world) trace(e netem.Event) {
	if e.Op != netem.Arrived {
		return
	}
	relay := netip.MustParseAddr("203.0.113.1")
	if e.From.Addr() == relay || e.To.Addr() == relay {
		w.viaRelay.Add(1)
		return
	}
	w.viaDirect.Add(1)
}

// startRelay starts a TURN server on the relay host: UDP, TCP and, with a
// certificate, TLS.
func (w *world) startRelay(t *testing.T, certificate *tls.Certificate) {
	t.Helper()
	address := netip.MustParseAddr("203.0.113.1")
	generator := relayGenerator{host: w.relay, address: address}
	udp, err := w.relay.ListenPacket("udp4", netip.AddrPortFrom(address, turnPort))
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := w.relay.Listen("tcp4", netip.AddrPortFrom(address, turnPort).String())
	if err != nil {
		t.Fatal(err)
	}
	listeners := []turn.ListenerConfig{{Listener: tcp, RelayAddressGenerator: generator}}
	if certificate != nil {
		plain, err := w.relay.Listen("tcp4", netip.AddrPortFrom(address, turnsPort).String())
		if err != nil {
			t.Fatal(err)
		}
		secure := tls.NewListener(plain, &tls.Config{
			Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"stun.turn"}, MinVersion: tls.VersionTLS12,
		})
		listeners = append(listeners, turn.ListenerConfig{Listener: secure, RelayAddressGenerator: generator})
	}
	startTURN(t, udp, listeners, generator)
}

// startSilentRelay starts something on the relay host that takes packets and
// streams, greets the latter, and says no more.
func (w *world) startSilentRelay(t *testing.T, greeting string) {
	t.Helper()
	address := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), turnPort)
	udp, err := w.relay.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := w.relay.Listen("tcp4", address.String())
	if err != nil {
		t.Fatal(err)
	}
	var streams sync.WaitGroup
	streams.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			streams.Go(func() {
				_, _ = io.WriteString(conn, greeting)
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		if err := errors.Join(udp.Close(), tcp.Close()); err != nil {
			t.Error(err)
		}
		streams.Wait()
	})
}

func startTURN(t *testing.T, udp net.PacketConn, listeners []turn.ListenerConfig, generator turn.RelayAddressGenerator) {
	t.Helper()
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "test", LoggerFactory: slogpion.NewFactory(nil),
		AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
			return a.Username, turn.GenerateAuthKey(a.Username, a.Realm, turnPassword), a.Username == turnUser
		},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: generator}},
		ListenerConfigs:   listeners,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

// relayGenerator opens relayed addresses on a host.
type relayGenerator struct {
	host interface {
		ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error)
	}
	address netip.Addr
}

func (g relayGenerator) Validate() error { return nil }

func (g relayGenerator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	conn, err := g.host.ListenPacket("udp4", netip.AddrPortFrom(g.address, uint16(c.RequestedPort)))
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.LocalAddr(), nil
}

func (g relayGenerator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, net.ErrClosed
}

func (g relayGenerator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, net.ErrClosed
}

func turnServers(urls ...string) []transport.ICEServer {
	return []transport.ICEServer{{URLs: urls, Username: turnUser, Credential: turnPassword}}
}

func turnUDP() []transport.ICEServer {
	return turnServers("turn:203.0.113.1:" + strconv.Itoa(turnPort) + "?transport=udp")
}
