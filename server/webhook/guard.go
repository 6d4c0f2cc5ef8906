package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrTarget says that events are not sent to an endpoint. The text says why,
// without what a resolver or a network told us.
var ErrTarget = errors.New("webhook: endpoint")

// errAddress is what a connection to an address that is not public ends with.
var errAddress = fmt.Errorf("%w: its address is not public", ErrTarget)

const (
	maxEndpoint = 2048
	dialTime    = 10 * time.Second
)

// Guard keeps clients from having the service call what they cannot reach
// themselves (server-side request forgery). Endpoints are https on public
// addresses: not loopback, private, link-local (where clouds keep their metadata
// service), multicast, or otherwise special. The address is checked that the
// connection is made to, so a name whose address changes gains nothing.
type Guard struct {
	open     bool
	names    []string
	prefixes []netip.Prefix
	resolver *net.Resolver
}

// NewGuard returns a guard. open lets every endpoint pass, also plain http: for
// a service that itself listens on loopback only. Otherwise the allowed pass:
// names ("hooks.internal", "*.corp.example" for names below), addresses and
// prefixes ("10.1.2.0/24"). Plain http goes to allowed names and addresses only.
func NewGuard(open bool, allowed []string) (*Guard, error) {
	g := &Guard{open: open, resolver: net.DefaultResolver}
	for _, text := range allowed {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			g.prefixes = append(g.prefixes, prefix.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(text); err == nil {
			ip = ip.Unmap().WithZone("")
			g.prefixes = append(g.prefixes, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(text, "."))
		if !isName(strings.TrimPrefix(name, "*.")) {
			return nil, fmt.Errorf("%w: %q is no name, *.NAME, address or prefix to allow", ErrTarget, text)
		}
		g.names = append(g.names, name)
	}
	return g, nil
}

// isName tells whether a text is a host name in lower case, RFC 1123 2.1.
func isName(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		wrong := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' }
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, wrong) {
			return false
		}
	}
	return true
}

// Check tells, without asking the network, whether events may be sent to an
// endpoint. The error wraps ErrTarget.
func (g *Guard) Check(endpoint string) error {
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return err
	}
	host := hostOf(u)
	ip, err := netip.ParseAddr(host)
	literal := err == nil
	if !literal && !isName(host) {
		return fmt.Errorf("%w: it names no host", ErrTarget)
	}
	named := g.allowsName(host) || (literal && g.allowsAddress(ip))
	if u.Scheme == "http" && !g.open && !named {
		return fmt.Errorf("%w: it must be https", ErrTarget)
	}
	if literal && !g.permits(ip) {
		return errAddress
	}
	return nil
}

func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || len(endpoint) > maxEndpoint || u.Opaque != "":
		return nil, fmt.Errorf("%w: it must be an absolute URL of no more than %d characters", ErrTarget, maxEndpoint)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%w: it must be https", ErrTarget)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a name or password", ErrTarget)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: it must not have a fragment", ErrTarget)
	}
	return u, nil
}

// hostOf is the name or address of a URL.
func hostOf(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) }

func (g *Guard) allowsName(host string) bool {
	return slices.ContainsFunc(g.names, func(name string) bool {
		if below, ok := strings.CutPrefix(name, "*"); ok {
			return strings.HasSuffix(host, below) && len(host) > len(below)
		}
		return host == name
	})
}

func (g *Guard) allowsAddress(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(g.prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// permits tells whether connections to an address are made.
func (g *Guard) permits(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast():
		return false
	case g.open || g.allowsAddress(ip):
		return true
	}
	return isPublic(ip)
}

// isPublic tells whether an address is one that anybody can reach (RFC 6890 and
// the registries that it began).
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, text := range specialPrefixes() {
		if netip.MustParsePrefix(text).Contains(ip) {
			return false
		}
	}
	// Addresses that a translator turns into others: what counts is those.
	if inner, ok := translated(ip); ok {
		return isPublic(inner)
	}
	return true
}

func specialPrefixes() []string {
	return []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		// What the virtual machines of a large cloud find their host at.
		"168.63.129.16/32",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	}
}

// translated returns the IPv4 address in one of NAT64 (RFC 6052 2.1) or 6to4
// (RFC 3056 2).
func translated(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// dial connects to a host that the guard lets pass.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTime, Resolver: g.resolver}
	named := g.allowsName(strings.ToLower(strings.TrimSuffix(host, ".")))
	// Called with the address that the connection is about to be made to, for
	// each that a name has.
	d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return errAddress
		}
		ip := to.Addr().Unmap()
		if g.permits(ip) || (named && !ip.IsUnspecified() && !ip.IsMulticast()) {
			return nil
		}
		return errAddress
	}
	return d.DialContext(ctx, network, address)
}
