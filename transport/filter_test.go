package transport_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/transport"
)

// filtered is a host behind an address translator that lets only those in to
// whom something was sent before (address and port dependent filtering, RFC 4787 5).
type filtered struct{ *netem.Host }

func (f filtered) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	c, err := f.Host.ListenPacket(network, addr)
	if err != nil {
		return nil, err
	}
	return &filteredConn{PacketConn: c, sent: map[string]bool{}}, nil
}

type filteredConn struct {
	net.PacketConn
	mu   sync.Mutex
	sent map[string]bool
}

func (c *filteredConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.mu.Lock()
	c.sent[to.String()] = true
	c.mu.Unlock()
	return c.PacketConn.WriteTo(b, to)
}

func (c *filteredConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		c.mu.Lock()
		known := c.sent[from.String()]
		c.mu.Unlock()
		if known {
			return n, from, nil
		}
	}
}

// Neither end lets the other one in unasked: the one that does not check on its
// own any more punches the hole.
func TestHidden_BothFiltered_PathImproves(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		a, b := connect(t,
			transport.Options{Net: filtered{w.alice}, ICEServers: turnUDP(), HideAddresses: true},
			transport.Options{Net: filtered{w.bob}, ICEServers: turnUDP(), HideAddresses: true})
		time.Sleep(3 * time.Second)
		if n := w.viaDirect.Load(); n != 0 {
			t.Errorf("%d packets went directly while addresses are hidden", n)
		}
		began := time.Now()
		a.RevealAddresses()
		time.Sleep(300 * time.Millisecond)
		b.RevealAddresses()
		waitUntil(t, 10*time.Second, func() bool {
			for _, e := range []*end{a, b} {
				p := e.Stats().CandidatePair
				if p == nil || p.Local.CandidateType == "relay" || p.Remote.CandidateType == "relay" {
					return false
				}
			}
			return true
		})
		t.Logf("direct after %v", time.Since(began))
		exchangeMedia(t, a, b, 10)
	})
}
