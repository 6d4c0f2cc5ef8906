package transport

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// candidateLine writes a candidate for the other side (RFC 8839 5.1). The
// related address is left blank: it would tell where a hidden end is.
func candidateLine(c *webrtc.ICECandidate, foundation int) string {
	line := fmt.Sprintf("candidate:%d %d udp %d %s %d typ %s",
		foundation, c.Component, c.Priority, c.Address, c.Port, c.Typ)
	if c.Typ != webrtc.ICECandidateTypeHost {
		line += " raddr 0.0.0.0 rport 0"
	}
	return line
}

// remoteCandidate is a candidate of the other side that passed the checks.
type remoteCandidate struct {
	line string
	addr netip.AddrPort
	// direct tells that it is no relay's address.
	direct bool
}

// parseCandidate reads a candidate. It returns false for one that is valid but
// of no use here: over TCP, by mDNS name, for RTCP apart, or at an address
// that no packet should be sent to.
func parseCandidate(line string, loopback bool) (remoteCandidate, bool, error) {
	if len(line) > MaxCandidateSize {
		return remoteCandidate{}, false, fmt.Errorf("%w: %d bytes", ErrInvalidCandidate, len(line))
	}
	line = strings.TrimPrefix(strings.TrimSpace(line), "a=")
	c, err := ice.UnmarshalCandidate(strings.TrimPrefix(line, "candidate:"))
	if err != nil {
		return remoteCandidate{}, false, fmt.Errorf("%w: %w", ErrInvalidCandidate, err)
	}
	if !c.NetworkType().IsUDP() || c.Component() != ice.ComponentRTP || strings.HasSuffix(c.Address(), ".local") {
		return remoteCandidate{}, false, nil
	}
	addr, err := netip.ParseAddr(c.Address())
	if err != nil {
		return remoteCandidate{}, false, fmt.Errorf("%w: %w", ErrInvalidCandidate, err)
	}
	addr = addr.Unmap()
	if c.Port() <= 0 || c.Port() > 65535 || !usableAddr(addr) || addr.Zone() != "" || (addr.IsLoopback() && !loopback) {
		return remoteCandidate{}, false, nil
	}
	return remoteCandidate{
		line: line, addr: netip.AddrPortFrom(addr, uint16(c.Port())), direct: c.Type() != ice.CandidateTypeRelay, //nolint:gosec // checked
	}, true, nil
}

// localCandidates holds the candidates of one generation that are not yet with
// the other side.
type localCandidates struct {
	ready, withheld []string
	foundations     map[string]int
	gathered        bool // everything was found
	ended           bool // and the other side was told so
}

// add takes a found candidate; hidden withholds it unless it is a relay's.
func (l *localCandidates) add(c *webrtc.ICECandidate, hidden bool) {
	if l.foundations == nil {
		l.foundations = map[string]int{}
	}
	f, ok := l.foundations[c.Foundation]
	if !ok {
		f = len(l.foundations) + 1
		l.foundations[c.Foundation] = f
	}
	line := candidateLine(c, f)
	if hidden && c.Typ != webrtc.ICECandidateTypeRelay {
		l.withheld = append(l.withheld, line)
		return
	}
	l.ready = append(l.ready, line)
}

// take returns what can go to the other side now.
func (l *localCandidates) take(hidden bool) (lines []string, end bool) {
	if !hidden {
		l.ready = append(l.ready, l.withheld...)
		l.withheld = nil
	}
	lines, l.ready = l.ready, nil
	if l.gathered && !l.ended && len(l.withheld) == 0 && !hidden {
		l.ended, end = true, true
	}
	return lines, end
}
