package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// turnALPN lets a relay share its port with a web server (RFC 7443 4).
const turnALPN = "stun.turn"

// relayDialer opens the streams to TURN servers. It stands where the stack
// below expects a proxy, because that is the only place where it lets go of
// dialing: its own TLS takes no certificate pool.
type relayDialer struct {
	ctx     context.Context //nolint:containedctx // the interface has none; it ends with the session
	net     *pionNet
	roots   *x509.CertPool
	timeout time.Duration
	// tls has the servers, as host:port, that are reached over TLS.
	tls map[string]bool
}

var errNoRelay = errors.New("transport: not a configured relay")

// Dial implements proxy.Dialer. The network is one of IPv4 whatever the relay
// is, so the dialer chooses by itself.
func (d *relayDialer) Dial(_, address string) (net.Conn, error) {
	secure, ok := d.tls[address]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errNoRelay, address)
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	conn, err := d.connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("transport: dial relay: %w", err)
	}
	if !secure {
		return d.net.stream(conn), nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("transport: relay address: %w", err)
	}
	client := tls.Client(conn, &tls.Config{
		ServerName: host, RootCAs: d.roots, NextProtos: []string{turnALPN}, MinVersion: tls.VersionTLS12,
	})
	if err := client.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("transport: TLS to relay: %w", err)
	}
	return d.net.stream(client), nil
}

// attempts are when connections to a relay are tried, counted from the first.
// The system would try again after 1, 3 and 7 s when one of the first packets is
// lost (RFC 6298 2).
func attempts() []time.Duration {
	return []time.Duration{0, 400 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second}
}

// connect opens a stream, trying again beside what hangs; the first wins.
func (d *relayDialer) connect(ctx context.Context, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	times := attempts()
	results := make(chan result, len(times))
	var tries sync.WaitGroup
	defer func() {
		cancel()
		tries.Wait()
		close(results)
		for r := range results {
			if r.conn != nil {
				_ = r.conn.Close()
			}
		}
	}()
	begun := time.Now()
	started, failed := 0, 0
	for {
		var next <-chan time.Time
		if started < len(times) {
			timer := time.NewTimer(times[started] - time.Since(begun))
			defer timer.Stop()
			next = timer.C
		}
		select {
		case <-next:
			started++
			tries.Go(func() {
				conn, err := d.net.net.DialContext(ctx, "tcp", address)
				results <- result{conn, err}
			})
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			// A refusal is an answer; only what hangs is worth another try.
			if failed++; failed == started {
				return nil, r.err
			}
		}
	}
}

// iceServers checks the servers and returns them as the stack below wants them,
// and the dialing table of those reached over streams.
func iceServers(servers []ICEServer) ([]webrtc.ICEServer, map[string]bool, error) {
	var list []webrtc.ICEServer
	streams := map[string]bool{}
	for _, s := range servers {
		for _, text := range s.URLs {
			u, err := stun.ParseURI(text)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: ICE server %q: %w", ErrInvalidOptions, text, err)
			}
			one := webrtc.ICEServer{URLs: []string{text}}
			switch u.Scheme {
			case stun.SchemeTypeSTUN:
			case stun.SchemeTypeTURN, stun.SchemeTypeTURNS:
				if s.Username == "" || s.Credential == "" {
					return nil, nil, fmt.Errorf("%w: ICE server %q without credential", ErrInvalidOptions, text)
				}
				one.Username, one.Credential = s.Username, s.Credential
				secure := u.Scheme == stun.SchemeTypeTURNS
				if u.Proto == stun.ProtoTypeTCP {
					streams[net.JoinHostPort(u.Host, strconv.Itoa(u.Port))] = secure
				} else if secure {
					// TURN over DTLS: the stack below cannot verify its certificate.
					continue
				}
			case stun.SchemeTypeSTUNS, stun.SchemeTypeUnknown:
				// STUN over TLS tells nothing that is worth a connection.
				continue
			default:
				continue
			}
			list = append(list, one)
		}
	}
	return list, streams, nil
}

// onThisMachine tells whether any or all of the servers are of this machine, as
// in a demo: relayed addresses are loopback addresses then, and a server that
// is asked how it sees this host has nothing new to tell.
func onThisMachine(servers []ICEServer) (some, all bool) {
	total, here := 0, 0
	for _, s := range servers {
		for _, text := range s.URLs {
			u, err := stun.ParseURI(text)
			if err != nil {
				continue
			}
			total++
			if ip := net.ParseIP(u.Host); u.Host == "localhost" || (ip != nil && ip.IsLoopback()) {
				here++
			}
		}
	}
	return here > 0, here > 0 && here == total
}
