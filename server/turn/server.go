package turn

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/parley-rtc/parley/internal/slogpion"
)

const (
	defaultAllocationsPerUser = 32
	// Realm of the long-term credentials.
	realm = "parley"
	// afterlife is how long credentials that expired still refresh what was
	// allocated with them: the longest call.
	afterlife = 30 * time.Hour
)

// Options configure a relay.
type Options struct {
	// Addr is the UDP address to listen on.
	Addr string
	// PublicIP is the address at which peers reach the relay; the zero value is
	// the address listened on, or the machine's own for a wildcard.
	PublicIP netip.Addr
	// Secret signs the credentials. Required.
	Secret []byte
	// AllowedPeers are special ranges that may be peers all the same.
	AllowedPeers []netip.Prefix
	// AllocationsPerUser is how many relayed addresses one user may hold. Zero: 32.
	AllocationsPerUser int
	// ListenPacket opens sockets; nil is net.ListenPacket.
	ListenPacket func(network, addr string) (net.PacketConn, error)
	// Now is the clock of the credentials; nil is time.Now.
	Now func() time.Time
	// Logger gets warnings; nil is silent.
	Logger *slog.Logger
}

// Stats counts what the relay did since it started.
type Stats struct {
	// Allocations are the relayed addresses at this moment.
	Allocations int
	// Allocated counts all that there were.
	Allocated uint64
	// BytesSent and BytesReceived are payload to and from peers.
	BytesSent, BytesReceived uint64
	// Refused counts packets to or from peers that are not allowed.
	Refused uint64
}

// Server is a running relay. Its methods may be called from any goroutine.
type Server struct {
	options Options
	policy  policy
	addr    netip.AddrPort
	conn    net.PacketConn
	server  *turn.Server
	logger  *slog.Logger

	allocated, sent, received, refused atomic.Uint64

	mu     sync.Mutex
	relays map[netip.AddrPort]*relayConn // by the address that peers see
	users  map[string]int
	empty  chan struct{} // closed when closing and no relay is left
	closed bool
}

// Listen starts a relay.
func Listen(options Options) (*Server, error) {
	if len(options.Secret) == 0 {
		return nil, errors.New("turn: no secret")
	}
	if options.ListenPacket == nil {
		options.ListenPacket = net.ListenPacket
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.AllocationsPerUser <= 0 {
		options.AllocationsPerUser = defaultAllocationsPerUser
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := options.ListenPacket("udp", options.Addr)
	if err != nil {
		return nil, fmt.Errorf("turn: listen: %w", err)
	}
	s := &Server{
		options: options,
		conn:    conn,
		logger:  options.Logger,
		relays:  map[netip.AddrPort]*relayConn{},
		users:   map[string]int{},
		empty:   make(chan struct{}),
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("turn: start: %w", err), conn.Close())
	}
	return s, nil
}

func (s *Server) start() error {
	local, err := addrPort(s.conn.LocalAddr())
	if err != nil {
		return err
	}
	public := s.options.PublicIP
	open := local.Addr().IsLoopback() && (!public.IsValid() || public.IsLoopback())
	s.policy = newPolicy(ownAddresses(local.Addr(), public), open, s.options.AllowedPeers)
	if len(s.policy.own) == 0 {
		return errors.New("no address to relay from")
	}
	s.addr = netip.AddrPortFrom(s.policy.own[0], local.Port())
	s.server, err = turn.NewServer(turn.ServerConfig{
		Realm:         realm,
		AuthHandler:   s.authenticate,
		QuotaHandler:  s.withinQuota,
		LoggerFactory: slogpion.NewFactory(s.logger),
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn:            &patientConn{PacketConn: s.conn},
			RelayAddressGenerator: &generator{server: s},
			PermissionHandler: func(_ net.Addr, peer net.IP) bool {
				ip, ok := netip.AddrFromSlice(peer)
				return ok && s.policy.permits(ip)
			},
		}},
	})
	return err
}

// Addr returns the address at which agents reach the relay.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Credentials makes credentials for a user.
func (s *Server) Credentials(user string, ttl time.Duration) Credentials {
	return NewCredentials(s.options.Secret, user, s.options.Now(), ttl)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.relays)
	s.mu.Unlock()
	return Stats{
		Allocations:   n,
		Allocated:     s.allocated.Load(),
		BytesSent:     s.sent.Load(),
		BytesReceived: s.received.Load(),
		Refused:       s.refused.Load(),
	}
}

// Close ends all relayed addresses and waits until their sockets are closed.
// It is idempotent.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	if first && len(s.relays) == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	if !first {
		<-s.empty
		return nil
	}
	err := s.server.Close()
	<-s.empty
	if err != nil {
		return fmt.Errorf("turn: close: %w", err)
	}
	return nil
}

// authenticate finds the key of a username. The keys are not secret from
// whoever holds the credentials; an expired username gets none.
func (s *Server) authenticate(request *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expires, user, ok := parseUsername(request.Username)
	if !ok {
		return "", nil, false
	}
	// A call may outlive its credentials: they still keep what they made.
	if request.Method != stun.MethodAllocate {
		expires = expires.Add(afterlife)
	}
	if !s.options.Now().Before(expires) {
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(request.Username, request.Realm, password(s.options.Secret, request.Username)), true
}

func (s *Server) withinQuota(user, _ string, _ net.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[user] < s.options.AllocationsPerUser
}

// ownAddresses returns where peers see the relay, the preferred one first, at
// most one of each family.
func ownAddresses(local, public netip.Addr) []netip.Addr {
	if public.IsValid() {
		return []netip.Addr{public.Unmap()}
	}
	if !local.IsUnspecified() {
		return []netip.Addr{local.Unmap().WithZone("")}
	}
	var v4, v6 netip.Addr
	for _, ip := range interfaceAddresses() {
		switch {
		case !ip.IsGlobalUnicast():
		case ip.Is4() && !v4.IsValid():
			v4 = ip
		case ip.Is6() && !v6.IsValid() && !local.Is4():
			v6 = ip
		}
	}
	var own []netip.Addr
	for _, ip := range []netip.Addr{v4, v6} {
		if ip.IsValid() {
			own = append(own, ip)
		}
	}
	if len(own) == 0 { // a machine without a network still calls itself
		own = append(own, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return own
}

func interfaceAddresses() []netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then loopback has to do
	}
	var ips []netip.Addr
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			ips = append(ips, prefix.Addr().Unmap())
		}
	}
	return ips
}

// addrPort reads a socket's address without its zone and without the IPv6 form
// of IPv4.
func addrPort(addr net.Addr) (netip.AddrPort, error) {
	if udp, ok := addr.(*net.UDPAddr); ok {
		ap := udp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %s: %w", addr, err)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}
