package turn

import (
	"net/netip"
)

// policy decides which peers the relay talks to.
type policy struct {
	// own are the relay's addresses as peers see them.
	own []netip.Addr
	// open is set when the relay listens on loopback only.
	open    bool
	allowed []netip.Prefix
	special []netip.Prefix
}

func newPolicy(own []netip.Addr, open bool, allowed []netip.Prefix) policy {
	return policy{own: own, open: open, allowed: allowed, special: specialRanges()}
}

// specialRanges returns the ranges that are never on the open internet or that hide
// an address of another family, beyond those that netip knows by name.
func specialRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // RFC 791 3.2: this network
		netip.MustParsePrefix("100.64.0.0/10"),   // RFC 6598: carrier NAT
		netip.MustParsePrefix("192.0.0.0/24"),    // RFC 6890: protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // RFC 5737: documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // RFC 7526: 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // RFC 2544: benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // RFC 5737
		netip.MustParsePrefix("203.0.113.0/24"),  // RFC 5737
		netip.MustParsePrefix("240.0.0.0/4"),     // RFC 1112 4: reserved, and broadcast
		netip.MustParsePrefix("::/96"),           // RFC 4291 2.5.5.1: IPv4-compatible
		netip.MustParsePrefix("64:ff9b::/96"),    // RFC 6052: NAT64
		netip.MustParsePrefix("64:ff9b:1::/48"),  // RFC 8215: NAT64, local
		netip.MustParsePrefix("100::/64"),        // RFC 6666: discard
		netip.MustParsePrefix("2001::/23"),       // RFC 2928: protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"),   // RFC 3849: documentation
		netip.MustParsePrefix("2002::/16"),       // RFC 3056: 6to4
		netip.MustParsePrefix("fec0::/10"),       // RFC 3879: site-local
	}
}

// isOwn tells whether an address is the relay's.
func (p *policy) isOwn(ip netip.Addr) bool {
	for _, own := range p.own {
		if own == ip {
			return true
		}
	}
	return false
}

// permits tells whether the relay may talk to an address at all. What ports of
// its own it may talk to is decided packet by packet.
func (p *policy) permits(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.IsMulticast() || ip.IsUnspecified() {
		return false
	}
	if p.open || p.isOwn(ip) {
		return true
	}
	for _, prefix := range p.allowed {
		if prefix.Contains(ip.WithZone("")) {
			return true
		}
	}
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, prefix := range p.special {
		if prefix.Contains(ip.WithZone("")) {
			return false
		}
	}
	return true
}
