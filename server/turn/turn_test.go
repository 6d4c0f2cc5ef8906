package turn_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v5"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/turn"
)

var secret = []byte("a secret of this test")

func listen(t *testing.T, options turn.Options) *turn.Server {
	t.Helper()
	if options.Addr == "" {
		options.Addr = "127.0.0.1:0"
	}
	if options.Secret == nil {
		options.Secret = secret
	}
	srv, err := turn.Listen(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// silent keeps the client's expected failures out of the test's output.
func silent() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

func client(t *testing.T, srv *turn.Server, creds turn.Credentials) *pion.Client {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", srv.Addr().Port())
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn,
		Username: creds.Username, Password: creds.Password, LoggerFactory: silent(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); conn.Close() })
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

func allocate(t *testing.T, srv *turn.Server, user string) net.PacketConn {
	t.Helper()
	relay, err := client(t, srv, srv.Credentials(user, time.Hour)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	return relay
}

// say sends until the packet is there: UDP may lose one even here.
func say(t *testing.T, from, to net.PacketConn, addr net.Addr) (seenFrom net.Addr) {
	t.Helper()
	buf := make([]byte, 100)
	for range 20 {
		if _, err := from.WriteTo([]byte("hello"), addr); err != nil {
			t.Fatal(err)
		}
		if err := to.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, src, err := to.ReadFrom(buf)
		if err == nil && string(buf[:n]) == "hello" {
			return src
		}
	}
	t.Fatalf("nothing arrived at %v", addr)
	return nil
}

func TestRelay_TwoRelayedEnds_BehindAPublicAddress(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := listen(t, turn.Options{PublicIP: netip.MustParseAddr("203.0.113.9")})
	a, b := allocate(t, srv, "alice"), allocate(t, srv, "bob")
	for _, r := range []net.PacketConn{a, b} {
		if ip := r.LocalAddr().(*net.UDPAddr).IP.String(); ip != "203.0.113.9" {
			t.Fatalf("relayed address %v", r.LocalAddr())
		}
	}
	// Permissions are needed in both directions.
	if _, err := b.WriteTo([]byte("open"), a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if src := say(t, a, b, b.LocalAddr()); src.String() != a.LocalAddr().String() {
		t.Errorf("from %v, want %v", src, a.LocalAddr())
	}
	if src := say(t, b, a, a.LocalAddr()); src.String() != b.LocalAddr().String() {
		t.Errorf("from %v, want %v", src, b.LocalAddr())
	}
	stats := srv.Stats()
	if stats.Allocations != 2 || stats.Allocated != 2 || stats.BytesSent == 0 || stats.BytesReceived == 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestRelay_OwnAddress_OnlyRelayedPorts(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	// The machine's own address is public here, and something else listens on it.
	victim, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	public := netip.MustParseAddr("203.0.113.9")
	srv := listen(t, turn.Options{PublicIP: public})
	a := allocate(t, srv, "alice")
	port := victim.LocalAddr().(*net.UDPAddr).Port
	if _, err := a.WriteTo([]byte("attack"), &net.UDPAddr{IP: net.ParseIP("203.0.113.9"), Port: port}); err != nil {
		t.Fatal(err) // the permission is by address; the packet is dropped
	}
	for srv.Stats().Refused == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := victim.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, _, err := victim.ReadFrom(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes reached a port that is no relayed address", n)
	}
	// The other way: a process of this machine writes to the relayed address.
	if _, err := victim.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.LocalAddr().(*net.UDPAddr).Port}); err != nil {
		t.Fatal(err)
	}
	for srv.Stats().Refused < 2 {
		time.Sleep(time.Millisecond)
	}
}

func TestRelay_PrivatePeer_IsRefused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := listen(t, turn.Options{PublicIP: netip.MustParseAddr("203.0.113.9")})
	c := client(t, srv, srv.Credentials("alice", time.Hour))
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.1.1", "224.0.0.1", "0.0.0.0"} {
		if err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP(ip), Port: 53}); err == nil {
			t.Errorf("%s was permitted", ip)
		}
	}
	if err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP("8.8.8.8"), Port: 53}); err != nil {
		t.Errorf("a public peer was refused: %v", err)
	}
}

func TestRelay_LoopbackService_ReachesLoopbackPeers(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, test := range []struct {
		name    string
		options turn.Options
	}{
		{"listens on loopback only", turn.Options{}},
		{"allowed by name", turn.Options{
			PublicIP:     netip.MustParseAddr("203.0.113.9"),
			AllowedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := listen(t, test.options)
			a := allocate(t, srv, "alice")
			peer, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			src := say(t, a, peer, peer.LocalAddr())
			if src := say(t, peer, a, src); src.String() != peer.LocalAddr().String() {
				t.Errorf("from %v, want %v", src, peer.LocalAddr())
			}
		})
	}
}

func TestAllocate_Quota(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := listen(t, turn.Options{AllocationsPerUser: 2})
	first := allocate(t, srv, "alice")
	allocate(t, srv, "alice")
	_, err := client(t, srv, srv.Credentials("alice", time.Hour)).Allocate()
	if !isCode(err, stun.CodeAllocQuotaReached) {
		t.Errorf("error %v", err)
	}
	allocate(t, srv, "bob") // his own quota
	first.Close()
	for srv.Stats().Allocations != 2 {
		time.Sleep(time.Millisecond)
	}
	allocate(t, srv, "alice")
}

func isCode(err error, code stun.ErrorCode) bool {
	var te *stun.TurnError
	if errors.As(err, &te) {
		return te.ErrorCodeAttr.Code == code
	}
	return err != nil && strings.Contains(err.Error(), fmt.Sprint(int(code)))
}

func TestAllocate_BadCredentials(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	var offset atomic.Int64
	srv := listen(t, turn.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	good := srv.Credentials("alice", time.Hour)
	later := turn.NewCredentials(secret, "alice", time.Now(), 2*time.Hour)
	for name, creds := range map[string]turn.Credentials{
		"expired":           srv.Credentials("alice", -time.Second),
		"expiry moved":      {Username: later.Username, Password: good.Password},
		"foreign secret":    turn.NewCredentials([]byte("other"), "alice", time.Now(), time.Hour),
		"no expiry":         {Username: "alice", Password: "x"},
		"no user":           {Username: "99999999999:", Password: "x"},
		"negative expiry":   {Username: "-1:alice", Password: "x"},
		"number too large":  {Username: "99999999999999999999999:alice", Password: "x"},
		"overlong username": {Username: "99999999999:" + strings.Repeat("a", 200), Password: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			if relay, err := client(t, srv, creds).Allocate(); err == nil {
				relay.Close()
				t.Error("allocated")
			}
		})
	}
	// An allocation outlives its credentials; a new one needs new credentials.
	c := client(t, srv, good)
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	offset.Store(int64(2 * time.Hour))
	if err := c.CreatePermission(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53}); err != nil {
		t.Errorf("permission of a long call: %v", err)
	}
	if relay, err := client(t, srv, good).Allocate(); err == nil {
		relay.Close()
		t.Error("allocated with expired credentials")
	}
}

func TestCredentials_DoNotShowTheUser(t *testing.T) {
	creds := turn.NewCredentials(secret, "8:acs:resource_user", time.Unix(1000, 0), time.Minute)
	if !strings.HasPrefix(creds.Username, "1060:") || strings.Contains(creds.Username, "user") {
		t.Errorf("username %s", creds.Username)
	}
	if creds.Expires != time.Unix(1060, 0) {
		t.Errorf("expires %v", creds.Expires)
	}
}

func TestClose_EndsAllocations(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := listen(t, turn.Options{})
	for i := range 5 {
		allocate(t, srv, fmt.Sprint("user", i))
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if n := srv.Stats().Allocations; n != 0 {
		t.Errorf("%d allocations left", n)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

func TestListen_Wildcard_HasAnAddress(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	srv := listen(t, turn.Options{Addr: "0.0.0.0:0"})
	if addr := srv.Addr(); !addr.IsValid() || addr.Addr().IsUnspecified() || addr.Port() == 0 {
		t.Errorf("address %v", addr)
	}
	a, b := allocate(t, srv, "alice"), allocate(t, srv, "bob")
	if _, err := b.WriteTo([]byte("open"), a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if src := say(t, a, b, b.LocalAddr()); src.String() != a.LocalAddr().String() {
		t.Errorf("from %v, want %v", src, a.LocalAddr())
	}
}

func TestListen_Errors(t *testing.T) {
	if _, err := turn.Listen(turn.Options{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("started without a secret")
	}
	if _, err := turn.Listen(turn.Options{Addr: "nowhere", Secret: secret}); err == nil {
		t.Error("listened nowhere")
	}
}
