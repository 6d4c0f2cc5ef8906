package transport

import (
	"fmt"
	"net"
	"time"

	"github.com/pion/webrtc/v4"
)

// How often checks are sent while there is no path yet. The stack below sends
// them every 200 ms, and loses that much whenever the answer to one comes at the
// wrong moment.
const (
	hurryInterval = 50 * time.Millisecond
	hurryFor      = 2 * time.Second
)

// nowhere is an address reserved for documentation (RFC 5737).
const nowhere = "192.0.2.1"

// check makes the ICE agent send its checks now. There is no call for that; but
// the agent does it whenever it learns a candidate. A passive TCP candidate is
// one that it does nothing else with, because ICE over TCP is off.
func (s *Session) check() {
	port := s.checks.Add(1)%65535 + 1
	line := fmt.Sprintf("candidate:0 1 tcp 1 %s %d typ host tcptype passive", nowhere, port)
	// It fails only when the session is over or not yet begun.
	_ = s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: line})
}

// startChecks hurries the checks until there is a path.
func (s *Session) startChecks() {
	if s.keeper.chosen() {
		return
	}
	s.mu.Lock()
	start := !s.hurrying
	s.hurrying = true
	s.mu.Unlock()
	if start {
		s.spawn(s.hurry)
	}
}

func (s *Session) hurry() {
	defer func() {
		s.mu.Lock()
		s.hurrying = false
		s.mu.Unlock()
	}()
	ticker := time.NewTicker(hurryInterval)
	defer ticker.Stop()
	for range int(hurryFor / hurryInterval) {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		if s.keeper.chosen() {
			return
		}
		s.check()
	}
}

// admitRemote bounds the candidates that the other side may have by any way:
// the addresses that its checks come from count as well. It is called on the
// loop of the ICE agent for each new one.
func (s *Session) admitRemote(ip net.IP) bool {
	return ip.String() == nowhere || s.admitted.Add(1) <= 2*MaxRemoteCandidates
}
