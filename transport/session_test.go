package transport_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
)

// exchangeMedia sends n packets of audio both ways and waits for them.
func exchangeMedia(t *testing.T, a, b *end, n int) {
	t.Helper()
	wantA, wantB := a.count(packet.KindAudio)+n, b.count(packet.KindAudio)+n
	for i := range n {
		if err := a.audio(uint16(wantB + i)); err != nil {
			t.Fatal(err)
		}
		if err := b.audio(uint16(wantA + i)); err != nil {
			t.Fatal(err)
		}
	}
	a.until("audio", func() bool { return len(a.packets[packet.KindAudio]) >= wantA })
	b.until("audio", func() bool { return len(b.packets[packet.KindAudio]) >= wantB })
}

func TestConnect_Loopback(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	options := transport.Options{VideoCodecs: videoCodecs(), IncludeLoopback: true}
	a, b := connect(t, options, options)
	for _, e := range []*end{a, b} {
		e.until("data channels", func() bool { return e.opened[transport.Reliable] == 1 && e.opened[transport.Lossy] == 1 })
	}
	exchangeMedia(t, a, b, 10)
}

func TestConnect_Families(t *testing.T) {
	for _, c := range []struct {
		name       string
		alice, bob []netip.Addr
		want       string
	}{
		{"IPv4", []netip.Addr{netip.MustParseAddr("10.0.1.1")}, []netip.Addr{netip.MustParseAddr("10.0.2.1")}, "10.0.2.1"},
		{"IPv6", []netip.Addr{netip.MustParseAddr("2001:db8:1::1")}, []netip.Addr{netip.MustParseAddr("2001:db8:2::1")}, "2001:db8:2::1"},
		{"OnlyIPv4InCommon", []netip.Addr{netip.MustParseAddr("10.0.1.1"), netip.MustParseAddr("2001:db8:1::1")}, []netip.Addr{netip.MustParseAddr("10.0.2.1")}, "10.0.2.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, lan(), func(t *testing.T, w *world) {
				w.alice.SetAddrs(c.alice...)
				w.bob.SetAddrs(c.bob...)
				a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
				exchangeMedia(t, a, b, 5)
				pair := a.Stats().CandidatePair
				if pair == nil || pair.Remote.Address != c.want || pair.Local.CandidateType != "host" {
					t.Errorf("pair %+v", pair)
				}
			})
		})
	}
}

// roundTrips tells how long a fresh pair takes to connect, in round trips.
func TestConnect_RoundTrips(t *testing.T) {
	const delay = 50 * time.Millisecond
	inWorld(t, netem.Link{Delay: delay}, func(t *testing.T, w *world) {
		began := time.Now()
		connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		took := time.Since(began)
		t.Logf("%.1f round trips from offer to connected at both ends (signaling takes none)", float64(took)/float64(2*delay))
		// One for ICE at each end, two for DTLS: virtual time makes this exact.
		if took > 7*delay+10*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// Every packet meets two such links on its way over the relay.
func TestConnect_Loss20Percent_OverRelay(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	for seed := range uint64(20) {
		inSeededWorld(t, seed, netem.Link{Delay: 20 * time.Millisecond, Loss: 0.2}, func(t *testing.T, w *world) {
			w.startRelay(t, nil)
			began := time.Now()
			connect(t, transport.Options{Net: w.alice, ICEServers: turnUDP(), HideAddresses: true},
				transport.Options{Net: w.bob, ICEServers: turnUDP(), HideAddresses: true})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("seed %d: connected after %v", seed, took)
			}
		})
	}
}

func TestData(t *testing.T) {
	inWorld(t, netem.Link{Delay: 10 * time.Millisecond, Loss: 0.02}, func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		for _, e := range []*end{a, b} {
			e.until("data channels", func() bool { return e.opened[transport.Reliable] == 1 && e.opened[transport.Lossy] == 1 })
		}
		var sent [][]byte
		for i := range 20 {
			m := bytes.Repeat([]byte{byte(i)}, 1+i*(transport.MaxMessageSize-1)/19)
			sent = append(sent, m)
			if err := a.SendData(transport.Reliable, m); err != nil {
				t.Fatal(err)
			}
		}
		b.until("reliable messages", func() bool { return len(b.messages[transport.Reliable]) == len(sent) })
		for i, m := range b.messages[transport.Reliable] {
			if !bytes.Equal(m, sent[i]) {
				t.Errorf("message %d: %d bytes, want %d", i, len(m), len(sent[i]))
			}
		}
		for range 50 {
			if err := b.SendData(transport.Lossy, []byte("lossy")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Second)
		a.mu.Lock()
		got := len(a.messages[transport.Lossy])
		a.mu.Unlock()
		if got < 35 || got > 50 {
			t.Errorf("%d of 50 lossy messages at 2 %% loss", got)
		}
		if err := b.SendData(transport.Reliable, nil); err != nil {
			t.Errorf("empty message: %v", err)
		}
		a.until("empty message", func() bool { return len(a.messages[transport.Reliable]) == 1 })
	})
}

func TestData_Limits(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		a.until("data channels", func() bool { return a.opened[transport.Reliable] == 1 })
		if err := a.SendData(transport.Reliable, make([]byte, transport.MaxMessageSize+1)); !errors.Is(err, transport.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if err := a.SendData(transport.Lossy+1, nil); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("unknown reliability: %v", err)
		}
		var full error
		for range 2 * transport.MaxBufferedAmount / transport.MaxMessageSize {
			if full = a.SendData(transport.Reliable, make([]byte, transport.MaxMessageSize)); full != nil {
				break
			}
		}
		if !errors.Is(full, transport.ErrBufferFull) {
			t.Errorf("endless sending: %v", full)
		}
		if n := a.BufferedAmount(transport.Reliable); n == 0 || n > transport.MaxBufferedAmount {
			t.Errorf("%d bytes buffered", n)
		}
		b.until("messages", func() bool { return len(b.messages[transport.Reliable]) > 20 })
	})
}

func TestBeforeConnected(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		e := newEnd(t, "a", transport.Options{Net: w.alice, VideoCodecs: videoCodecs()})
		p := &packet.Packet{PayloadType: 0}
		if err := e.WritePacket(packet.KindAudio, p); !errors.Is(err, transport.ErrNotConnected) {
			t.Errorf("write: %v", err)
		}
		if err := e.WritePacket(7, p); !errors.Is(err, transport.ErrNotNegotiated) {
			t.Errorf("write of no kind: %v", err)
		}
		if err := e.SendData(transport.Reliable, nil); !errors.Is(err, transport.ErrNotConnected) {
			t.Errorf("data: %v", err)
		}
		if _, ok := e.Codec(packet.KindAudio); ok || e.Codecs(packet.KindVideo) != nil {
			t.Error("codecs before there was a negotiation")
		}
		if e.State() != transport.StateNew {
			t.Errorf("state %v", e.State())
		}
		e.RequestKeyFrame()
		e.RevealAddresses()
		if s := e.Stats(); len(s.InboundRTP) != 0 || s.CandidatePair != nil {
			t.Errorf("stats %+v", s)
		}
		ctx := context.Background()
		if _, err := e.Restart(ctx); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("restart: %v", err)
		}
		if err := e.SetAnswer(transport.Description{Kind: transport.KindAnswer}); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("answer: %v", err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := e.Offer(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled offer: %v", err)
		}
		if _, err := e.Offer(ctx); err != nil {
			t.Error(err)
		}
		if _, err := e.Offer(ctx); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("second offer: %v", err)
		}
		if _, err := e.Answer(ctx, transport.Description{Kind: transport.KindOffer, Generation: 9}); !errors.Is(err, transport.ErrWrongState) {
			t.Errorf("answer of the offering side: %v", err)
		}
	})
}

func TestClosed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		e := newEnd(t, "a", transport.Options{Net: w.alice})
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		<-e.Done()
		ctx := context.Background()
		if _, err := e.Offer(ctx); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("offer: %v", err)
		}
		if _, err := e.Answer(ctx, transport.Description{Kind: transport.KindOffer}); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("answer: %v", err)
		}
		if err := e.SetAnswer(transport.Description{Kind: transport.KindAnswer}); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("set answer: %v", err)
		}
		if _, err := e.Restart(ctx); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("restart: %v", err)
		}
		if err := e.AddCandidates(transport.CandidateBatch{}); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("candidates: %v", err)
		}
		if err := e.SendData(transport.Lossy, nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("data: %v", err)
		}
		if err := e.WritePacket(packet.KindAudio, &packet.Packet{}); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("packet: %v", err)
		}
		e.RevealAddresses()
		e.RequestKeyFrame()
		_ = e.Stats()
		if e.State() != transport.StateClosed {
			t.Errorf("state %v", e.State())
		}
	})
}

func TestPeerCloses_SessionIsLost(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		a, b := connect(t, transport.Options{Net: w.alice}, transport.Options{Net: w.bob})
		a.close()
		b.until("loss", b.is(transport.StateLost))
		if err := b.audio(1); !errors.Is(err, transport.ErrNotConnected) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestOutage_LostThenConnectedThenFailed(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		timers := transport.Timers{Disconnected: 3 * time.Second, Failed: 10 * time.Second}
		a, b := connect(t, transport.Options{Net: w.alice, Timers: timers}, transport.Options{Net: w.bob, Timers: timers})
		began := time.Now()
		w.direct.SetDown(true)
		a.until("loss", a.is(transport.StateLost))
		b.until("loss", b.is(transport.StateLost))
		if d := time.Since(began); d < 2*time.Second || d > 6*time.Second {
			t.Errorf("lost after %v", d)
		}
		w.direct.SetDown(false)
		a.until("return", a.is(transport.StateConnected))
		b.until("return", b.is(transport.StateConnected))
		exchangeMedia(t, a, b, 5)
		began = time.Now()
		w.direct.SetDown(true)
		a.until("failure", a.is(transport.StateFailed))
		b.until("failure", b.is(transport.StateFailed))
		if d := time.Since(began); d < 10*time.Second || d > 16*time.Second {
			t.Errorf("failed after %v", d)
		}
	})
}

func TestNeverAnswered_Fails(t *testing.T) {
	inWorld(t, lan(), func(t *testing.T, w *world) {
		timers := transport.Timers{Disconnected: 3 * time.Second, Failed: 10 * time.Second}
		a := newEnd(t, "a", transport.Options{Net: w.alice, Timers: timers})
		b := newEnd(t, "b", transport.Options{Net: w.bob, Timers: timers})
		// No candidates reach anybody.
		negotiate(t, a, b)
		a.until("failure", a.is(transport.StateFailed))
		b.until("failure", b.is(transport.StateFailed))
	})
}
