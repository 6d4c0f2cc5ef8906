package netem_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/testkit"
)

var (
	addrA = netip.MustParseAddr("10.0.0.1")
	addrB = netip.MustParseAddr("10.0.0.2")
)

// world is two hosts with one link and a bound socket on each.
type world struct {
	net      *netem.Network
	a, b     *netem.Host
	path     *netem.Path
	from, to net.PacketConn
}

func newWorld(t *testing.T, seed uint64, quality netem.Link) *world {
	t.Helper()
	w := &world{net: netem.New(seed)}
	w.a, w.b = w.net.Host("a", addrA), w.net.Host("b", addrB)
	w.path = w.net.Link(w.a, w.b, quality)
	w.from, w.to = listen(t, w.a, "10.0.0.1:1000"), listen(t, w.b, "10.0.0.2:2000")
	t.Cleanup(func() {
		if err := w.net.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func listen(t *testing.T, h *netem.Host, address string) net.PacketConn {
	t.Helper()
	c, err := h.ListenUDP("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, from net.PacketConn, to net.Addr, payload string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(payload), to); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next datagram and how long it took to come.
func receive(t *testing.T, c net.PacketConn) (string, time.Duration) {
	t.Helper()
	start := time.Now()
	b := make([]byte, 2000)
	n, _, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), time.Since(start)
}

// drain reads what arrives within the time.
func drain(t *testing.T, c net.PacketConn, within time.Duration) []string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	var got []string
	b := make([]byte, 2000)
	for {
		n, _, err := c.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
}

func TestDatagram_Delay(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: 40 * time.Millisecond})
		send(t, w.from, w.to.LocalAddr(), "hello")
		if got, took := receive(t, w.to); got != "hello" || took != 40*time.Millisecond {
			t.Fatalf("got %q after %v", got, took)
		}
	})
}

func TestDatagram_ZeroLinkKeepsOrderBehindDelayed(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: 10 * time.Millisecond})
		send(t, w.from, w.to.LocalAddr(), "first")
		w.path.Set(netem.Link{})
		send(t, w.from, w.to.LocalAddr(), "second")
		for _, want := range []string{"first", "second"} {
			if got, _ := receive(t, w.to); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

func TestDatagram_SameSeedSameFate(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	quality := netem.Link{
		Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1,
		Burst: netem.BurstLoss(0.05, 4), Reorder: 0.05, Duplicate: 0.05, RateBPS: 1_000_000,
	}
	run := func(seed uint64) (out string) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed, quality)
			start := time.Now()
			var log bytes.Buffer
			w.net.Trace(func(e netem.Event) {
				fmt.Fprintf(&log, "%v %v %d %v %s\n", e.Time.Sub(start), e.Op, e.Packet, e.Reason, e.Payload)
			})
			for i := range 500 {
				send(t, w.from, w.to.LocalAddr(), fmt.Sprint(i))
				time.Sleep(2 * time.Millisecond)
			}
			drain(t, w.to, time.Second)
			out = log.String()
		})
		return out
	}
	if first, again := run(7), run(7); first != again {
		t.Error("two runs of one seed differ")
	}
	if run(7) == run(8) {
		t.Error("two seeds are alike")
	}
}

func TestDatagram_LossKeepsItsRate(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	const packets = 20_000
	cases := map[string]struct {
		quality netem.Link
		loss    float64
		burst   float64 // mean length
	}{
		"independent 5%":    {netem.Link{Loss: 0.05}, 0.05, 1 / 0.95},
		"bursts of 5, 10%":  {netem.Link{Burst: netem.BurstLoss(0.1, 5)}, 0.10, 5},
		"bursts of 20, 30%": {netem.Link{Burst: netem.BurstLoss(0.3, 20)}, 0.30, 20},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, tc.quality)
			lost, bursts, before := 0, 0, false
			w.net.Trace(func(e netem.Event) {
				switch e.Op {
				case netem.Dropped:
					lost++
					if !before {
						bursts++
					}
					before = true
				case netem.Arrived:
					before = false
				case netem.Sent:
				}
			})
			for range packets {
				send(t, w.from, w.to.LocalAddr(), "x")
			}
			if got := float64(lost) / packets; math.Abs(got-tc.loss) > 0.15*tc.loss {
				t.Errorf("lost %.3f, want about %.3f", got, tc.loss)
			}
			if got := float64(lost) / float64(bursts); math.Abs(got-tc.burst) > 0.2*tc.burst {
				t.Errorf("mean burst %.2f, want about %.2f", got, tc.burst)
			}
		})
	}
}

func TestDatagram_JitterKeepsOrderReorderBreaksIt(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	inversions := func(quality netem.Link) (n int) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 5, quality)
			for i := range 300 {
				send(t, w.from, w.to.LocalAddr(), fmt.Sprintf("%04d", i))
				time.Sleep(5 * time.Millisecond)
			}
			got := drain(t, w.to, time.Second)
			if len(got) != 300 {
				t.Errorf("%d of 300 arrived", len(got))
			}
			for i := 1; i < len(got); i++ {
				if got[i] < got[i-1] {
					n++
				}
			}
		})
		return n
	}
	if n := inversions(netem.Link{Delay: 20 * time.Millisecond, Jitter: 15 * time.Millisecond}); n != 0 {
		t.Errorf("jitter alone reordered %d packets", n)
	}
	if n := inversions(netem.Link{Delay: 20 * time.Millisecond, Reorder: 0.1}); n < 10 {
		t.Errorf("only %d packets reordered", n)
	}
}

func TestDatagram_Duplicate(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	w := newWorld(t, 1, netem.Link{Duplicate: 1})
	send(t, w.from, w.to.LocalAddr(), "x")
	if got := drain(t, w.to, 10*time.Millisecond); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestDatagram_RateLimitAndQueue(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		// 100 kbit/s: 1000 bytes with headers take 80 ms.
		w := newWorld(t, 1, netem.Link{RateBPS: 100_000, QueueBytes: 3000})
		drops := 0
		w.net.Trace(func(e netem.Event) {
			if e.Reason == netem.DropQueue {
				drops++
			}
		})
		for range 5 {
			send(t, w.from, w.to.LocalAddr(), string(make([]byte, 1000-28)))
		}
		if drops != 2 {
			t.Errorf("%d drops, want 2 of 5", drops)
		}
		for i := range 3 {
			if _, took := receive(t, w.to); took != 80*time.Millisecond {
				t.Errorf("packet %d took %v", i, took)
			}
		}
	})
}

func TestDatagram_MTUOutageAndNoSocket(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{MTU: 1280})
		reasons := map[netem.DropReason]int{}
		w.net.Trace(func(e netem.Event) {
			if e.Op == netem.Dropped {
				reasons[e.Reason]++
			}
		})
		send(t, w.from, w.to.LocalAddr(), string(make([]byte, 1280-27)))
		send(t, w.from, w.to.LocalAddr(), string(make([]byte, 1280-28)))
		w.path.SetDown(true)
		send(t, w.from, w.to.LocalAddr(), "down")
		w.path.SetDown(false)
		send(t, w.from, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addrB, 9)), "nobody")
		send(t, w.from, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.9.9.9:9")), "nowhere")
		if got := drain(t, w.to, time.Second); len(got) != 1 {
			t.Errorf("%d arrived", len(got))
		}
		for _, r := range []netem.DropReason{netem.DropMTU, netem.DropDown, netem.DropNoSocket, netem.DropAddress} {
			if reasons[r] != 1 {
				t.Errorf("%v: %d drops", r, reasons[r])
			}
		}
	})
}

func TestDatagram_AddressChange(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: time.Millisecond})
		anywhere := listen(t, w.a, ":5000")
		w.a.SetAddrs(netip.MustParseAddr("10.0.1.7"))
		if _, err := w.from.WriteTo([]byte("x"), w.to.LocalAddr()); !errors.Is(err, netem.ErrUnreachable) {
			t.Errorf("old address still sends: %v", err)
		}
		send(t, anywhere, w.to.LocalAddr(), "moved")
		b := make([]byte, 10)
		_, from, err := w.to.ReadFrom(b)
		if err != nil || from.String() != "10.0.1.7:5000" {
			t.Fatalf("from %v, %v", from, err)
		}
		send(t, w.to, w.from.LocalAddr(), "to the old one")
		send(t, w.to, from, "to the new one")
		if got, _ := receive(t, anywhere); got != "to the new one" {
			t.Errorf("got %q", got)
		}
		if got := drain(t, w.from, time.Second); len(got) != 0 {
			t.Errorf("old address still receives: %q", got)
		}
		prefixes, err := w.a.Addrs()
		if err != nil || len(prefixes) != 1 || prefixes[0].String() != "10.0.1.7/24" {
			t.Errorf("addresses %v, %v", prefixes, err)
		}
	})
}

func TestDatagram_LoopbackIPv6AndPorts(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	w := newWorld(t, 1, netem.Link{Loss: 1})
	six := w.net.Host("six", netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.6"))
	s := listen(t, six, "[::1]:0")
	send(t, listen(t, six, ":0"), s.LocalAddr(), "self")
	if got, _ := receive(t, s); got != "self" {
		t.Errorf("got %q", got)
	}
	if _, err := six.ListenUDP("udp", "10.0.0.9:0"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("foreign address: %v", err)
	}
	if _, err := w.a.ListenUDP("udp4", "0.0.0.0:1000"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("used port: %v", err)
	}
	c, err := w.b.DialContext(t.Context(), "udp", "a:1000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("lost")); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

func TestDatagram_CloseAndDeadlineWakeTheReader(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{})
		ends := make(chan error, 1)
		read := func() {
			_, _, err := w.to.ReadFrom(make([]byte, 10))
			ends <- err
		}
		go read()
		synctest.Wait()
		if err := w.to.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := w.to.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := <-ends; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		if err := w.to.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go read()
		synctest.Wait()
		if err := w.net.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ends; !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// connect dials from a to b and returns both ends.
func connect(t *testing.T, w *world) (dialed, accepted net.Conn) {
	t.Helper()
	l, err := w.b.Listen("tcp", ":443")
	if err != nil {
		t.Fatal(err)
	}
	dialed, err = w.a.DialContext(t.Context(), "tcp", "b:443")
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

func TestStream_HandshakeAndDataTakeTheirTime(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: 50 * time.Millisecond})
		start := time.Now()
		dialed, accepted := connect(t, w)
		if took := time.Since(start); took != 150*time.Millisecond {
			t.Errorf("dial and accept took %v, want three legs", took)
		}
		start = time.Now()
		if _, err := dialed.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		n, err := accepted.Read(b)
		if err != nil || string(b[:n]) != "ping" || time.Since(start) != 50*time.Millisecond {
			t.Errorf("read %q, %v after %v", b[:n], err, time.Since(start))
		}
		if err := dialed.Close(); err != nil {
			t.Error(err)
		}
		if _, err := accepted.Read(b); !errors.Is(err, io.EOF) {
			t.Errorf("after close: %v", err)
		}
		if _, err := accepted.Write([]byte("late")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := accepted.Write([]byte("later")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write to a closed peer: %v", err)
		}
	})
}

func TestStream_BadLinkLosesNothing(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 9, netem.Link{
			Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.2,
			Reorder: 0.1, RateBPS: 5_000_000, QueueBytes: 20_000, MTU: 600,
		})
		dialed, accepted := connect(t, w)
		want := make([]byte, 1<<20)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		go func() {
			for rest := want; len(rest) > 0; {
				n, err := dialed.Write(rest[:min(len(rest), 5000)])
				if err != nil {
					t.Error(err)
					return
				}
				rest = rest[n:]
			}
			if err := dialed.Close(); err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(accepted)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
		}
	})
}

func TestStream_OutageDelaysThenDelivers(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: 10 * time.Millisecond})
		dialed, accepted := connect(t, w)
		w.path.SetDown(true)
		if _, err := dialed.Write([]byte("waits")); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Second, func() { w.path.SetDown(false) })
		start := time.Now()
		b := make([]byte, 10)
		n, err := accepted.Read(b)
		took := time.Since(start)
		if err != nil || string(b[:n]) != "waits" || took < 5*time.Second || took > 11*time.Second {
			t.Errorf("read %q, %v after %v", b[:n], err, took)
		}
	})
}

func TestStream_RefusedUnreachableCancelled(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: 10 * time.Millisecond})
		start := time.Now()
		_, err := w.a.DialContext(t.Context(), "tcp", "10.0.0.2:1")
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) != 20*time.Millisecond {
			t.Errorf("refused: %v after %v", err, time.Since(start))
		}
		if _, err := w.a.DialContext(t.Context(), "tcp", "10.9.9.9:1"); !errors.Is(err, netem.ErrUnreachable) {
			t.Errorf("unreachable: %v", err)
		}
		var dns *net.DNSError
		if _, err := w.a.DialContext(t.Context(), "tcp", "nobody:1"); !errors.As(err, &dns) {
			t.Errorf("unknown name: %v", err)
		}
		w.path.SetDown(true)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := w.a.DialContext(ctx, "tcp", "b:443"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("down: %v", err)
		}
	})
}

func TestStream_WriterWaitsForTheReader(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{})
		dialed, _ := connect(t, w)
		if err := dialed.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := dialed.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 1<<20 {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
}

func TestNetwork_CloseEndsEverything(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, netem.Link{Delay: time.Millisecond})
		dialed, accepted := connect(t, w)
		if _, err := dialed.Write([]byte("under way")); err != nil {
			t.Fatal(err)
		}
		if err := w.net.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.net.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		if _, err := w.a.ListenUDP("udp", ":0"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("listen: %v", err)
		}
	})
}
