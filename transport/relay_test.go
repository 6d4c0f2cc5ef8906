package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
	"github.com/pion/turn/v5"
)

// localAuthority makes a certificate for the relay and the pool that trusts it.
func localAuthority(t *testing.T, ips ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, ip := range ips {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestRelayOnly(t *testing.T) {
	udp := "turn:203.0.113.1:" + strconv.Itoa(turnPort) + "?transport=udp"
	tcp := "turn:203.0.113.1:" + strconv.Itoa(turnPort) + "?transport=tcp"
	secure := "turns:203.0.113.1:" + strconv.Itoa(turnsPort) + "?transport=tcp"
	for _, c := range []struct{ name, alice, bob string }{
		{"UDP", udp, udp},
		{"TCP", tcp, tcp},
		{"TLS", secure, secure},
		{"TLSToUDP", secure, udp},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				certificate, pool := localAuthority(t, "203.0.113.1")
				w.startRelay(t, &certificate)
				w.direct.SetDown(true)
				began := time.Now()
				a, b := connect(t,
					transport.Options{Net: w.alice, ICEServers: turnServers(c.alice), RootCAs: pool, RelayOnly: true},
					transport.Options{Net: w.bob, ICEServers: turnServers(c.bob), RootCAs: pool, RelayOnly: true})
				t.Logf("connected after %v", time.Since(began))
				exchangeMedia(t, a, b, 20)
				a.RevealAddresses()
				time.Sleep(time.Second)
				for _, e := range []*end{a, b} {
					p := e.Stats().CandidatePair
					if p == nil || p.Local.CandidateType != "relay" || p.Remote.CandidateType != "relay" {
						t.Errorf("%s: %+v", e.name, p)
						continue
					}
					url := map[string]string{"a": c.alice, "b": c.bob}[e.name]
					if want := map[string]string{udp: "udp", tcp: "tcp", secure: "tls"}[url]; p.Local.RelayProtocol != want {
						t.Errorf("%s: reached over %q, want %q", e.name, p.Local.RelayProtocol, want)
					}
					e.mu.Lock()
					if len(e.candidates) != 1 {
						t.Errorf("%s: candidates %v", e.name, e.candidates)
					}
					e.mu.Unlock()
				}
			})
		})
	}
}

// One end cannot send UDP at all: it reaches the other one through its relay.
func TestRelay_UDPBlockedOnOneSide(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		w.direct.SetDown(true)
		tcp := turnServers("turn:203.0.113.1:" + strconv.Itoa(turnPort) + "?transport=tcp")
		a, b := connect(t, transport.Options{Net: noUDP{w.alice}, ICEServers: tcp}, transport.Options{Net: w.bob, ICEServers: turnUDP()})
		exchangeMedia(t, a, b, 20)
	})
}

// noUDP is a network that lets no datagram out.
type noUDP struct{ *netem.Host }

func (noUDP) ListenPacket(string, netip.AddrPort) (net.PacketConn, error) {
	return nil, errors.New("blocked")
}

func TestRelay_WrongAuthority_NoCandidate(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		certificate, _ := localAuthority(t, "203.0.113.1")
		w.startRelay(t, &certificate)
		_, other := localAuthority(t, "203.0.113.1")
		a := newEnd(t, "a", transport.Options{
			Net: w.alice, RootCAs: other, ICEServers: turnServers("turns:203.0.113.1:" + strconv.Itoa(turnsPort) + "?transport=tcp"),
		})
		if _, err := a.Offer(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.until("end of candidates", func() bool { return a.ended })
		for _, c := range a.candidates {
			t.Logf("%s", c)
		}
		if len(a.candidates) != 2 {
			t.Errorf("%d candidates, want the two host ones", len(a.candidates))
		}
	})
}

func TestRelay_Reflexive(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		a := newEnd(t, "a", transport.Options{Net: w.alice, ICEServers: []transport.ICEServer{{URLs: []string{"stun:203.0.113.1:3478"}}}})
		if _, err := a.Offer(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.until("end of candidates", func() bool { return a.ended })
		reflexive := 0
		for _, c := range a.candidates {
			if contains(c, " typ srflx raddr 0.0.0.0 rport 0") {
				reflexive++
			}
		}
		if reflexive != 1 {
			t.Errorf("candidates %v", a.candidates)
		}
	})
}

func TestRelay_Silent_GatheringEnds(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a := newEnd(t, "a", transport.Options{Net: w.alice, ICEServers: turnServers("turn:203.0.113.1:3478?transport=udp", "turn:203.0.113.1:3478?transport=tcp")})
		if _, err := a.Offer(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.until("end of candidates", func() bool { return a.ended })
	})
}

// A session that is closed while a relay is silent does not wait for it, and
// neither does one whose relay stops to answer in the middle of a message.
func TestRelay_Silent_CloseEnds(t *testing.T) {
	for _, transports := range []string{"udp", "tcp"} {
		for _, greets := range []string{"", "\x01\x03\x00\x40"} {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				w.startSilentRelay(t, greets)
				a := newEnd(t, "a", transport.Options{Net: w.alice, ICEServers: turnServers("turn:203.0.113.1:3478?transport=" + transports)})
				if _, err := a.Offer(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
				begun := time.Now()
				if err := a.Close(); err != nil {
					t.Fatal(err)
				}
				<-a.Done()
				// The clock of the world, which does not wobble.
				if took := time.Since(begun); took > time.Second {
					t.Errorf("%s, greeted with %q: closing took %v", transports, greets, took)
				}
			})
		}
	}
}

// The same over the sockets of the system.
func TestRelay_Loopback(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	certificate, pool := localAuthority(t, "127.0.0.1")
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	generator := relayGenerator{host: system{}, address: netip.MustParseAddr("127.0.0.1")}
	startTURN(t, udp, []turn.ListenerConfig{{Listener: secure, RelayAddressGenerator: generator}}, generator)
	a, b := connect(t,
		transport.Options{ICEServers: turnServers("turn:" + udp.LocalAddr().String() + "?transport=udp"), RelayOnly: true},
		transport.Options{ICEServers: turnServers("turns:" + listener.Addr().String() + "?transport=tcp"), RootCAs: pool, RelayOnly: true})
	exchangeMedia(t, a, b, 10)
}

type system struct{}

func (system) ListenPacket(network string, addr netip.AddrPort) (net.PacketConn, error) {
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
}

// The stream to a relay hangs; that must not keep the ends from finding a path
// without it.
func TestRelay_StreamHangs_DirectPathIsFound(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		tcp := turnServers("turn:203.0.113.1:" + strconv.Itoa(turnPort) + "?transport=tcp")
		a, b := connect(t,
			transport.Options{Net: w.alice, ICEServers: tcp, HideAddresses: true, VideoCodecs: videoCodecs()},
			transport.Options{Net: w.bob, ICEServers: tcp, HideAddresses: true, VideoCodecs: videoCodecs()})
		w.net.Link(w.alice, w.relay, lan()).SetDown(true)
		codec, _ := a.Codec(packet.KindVideo)
		// More than any buffer on the way holds.
		for i := range 2000 {
			if err := a.video(codec, uint16(i), 1000); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		a.RevealAddresses()
		b.RevealAddresses()
		waitUntil(t, 10*time.Second, func() bool {
			pa, pb := a.Stats().CandidatePair, b.Stats().CandidatePair
			return pa != nil && pb != nil && pa.Local.CandidateType != "relay" && pb.Local.CandidateType != "relay"
		})
		exchangeMedia(t, a, b, 10)
	})
}
