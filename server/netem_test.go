package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/turn/v5"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// The whole service on an emulated network: two agents on nodes of their own,
// 10 ms away.
func TestNew_OnAnEmulatedNetwork(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	n := netem.New(1)
	defer n.Close()
	node := n.Host("service", netip.MustParseAddr("10.0.0.1"))
	srv := start(t, server.Options{
		HTTPAddr: "10.0.0.1:0", HTTPSAddr: "10.0.0.1:0", TURNAddr: "10.0.0.1:0",
		Listen: node.Listen, ListenPacket: node.ListenUDP,
	})
	c := srv.Connection()
	if !strings.HasPrefix(c.Endpoint, "https://10.0.0.1:") || !strings.HasPrefix(srv.RelayAddr(), "10.0.0.1:") {
		t.Fatalf("endpoint %s, relay %s", c.Endpoint, srv.RelayAddr())
	}
	agentOn := func(name, ip string) (*agent, *netem.Host, signaling.Welcome) {
		t.Helper()
		host := n.Host(name, netip.MustParseAddr(ip))
		n.Link(host, node, netem.Link{Delay: 10 * time.Millisecond})
		user, token, err := server.NewUser(srv)
		if err != nil {
			t.Fatal(err)
		}
		a := newAgent(t, signaling.NewWebSocketDialer(c.Endpoint, &signaling.WebSocketOptions{
			TLSConfig: &tls.Config{RootCAs: pool(t, c)}, DialContext: host.DialContext,
		}), user, token, name)
		welcome, err := a.client.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return a, host, welcome
	}
	caller, callerHost, callerWelcome := agentOn("alice", "10.0.0.2")
	callee, calleeHost, calleeWelcome := agentOn("bob", "10.0.0.3")
	id := callfsm.NewCallID()
	caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: callee.user})
	caller.expect(id, callfsm.KindStarted)
	callee.expect(id, callfsm.KindIncoming)
	// The nodes do not know each other: all goes over the relay.
	a := relayOn(t, callerHost, callerWelcome)
	b := relayOn(t, calleeHost, calleeWelcome)
	if _, err := b.WriteTo([]byte("open"), a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.WriteTo([]byte("hello"), b.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	m, src, err := b.ReadFrom(buf)
	if err != nil || string(buf[:m]) != "hello" || src.String() != a.LocalAddr().String() {
		t.Errorf("%q from %v (%v)", buf[:m], src, err)
	}
}

// relayOn allocates a relayed address from a node.
func relayOn(t *testing.T, host *netem.Host, welcome signaling.Welcome) net.PacketConn {
	t.Helper()
	conn, err := host.ListenPacket("udp4", netip.MustParseAddrPort("0.0.0.0:0"))
	if err != nil {
		t.Fatal(err)
	}
	relay := welcome.Relay.GetServers()[0]
	_, addr, _ := strings.Cut(relay.GetUrls()[0], ":")
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn, Username: relay.GetUsername(), Password: relay.GetCredential(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); conn.Close() })
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	allocated, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { allocated.Close() })
	return allocated
}
