package yardstick_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/transport/v4"

	"github.com/parley-rtc/parley/cmd/bench/internal/yardstick"
	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/testkit"
)

func TestFirstPackets_Loopback(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	took, err := yardstick.FirstPackets(t.Context(), [2]transport.Net{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(took)
}

func TestFirstPackets_EmulatedNetwork(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	n := netem.New(1)
	defer n.Close()
	a, b := n.Host("a", netip.MustParseAddr("10.0.0.1")), n.Host("b", netip.MustParseAddr("10.0.0.2"))
	n.Link(a, b, netem.Link{Delay: 50 * time.Millisecond})
	var nets [2]transport.Net
	for i, h := range []*netem.Host{a, b} {
		var err error
		if nets[i], err = yardstick.OverHost(h); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	took, err := yardstick.FirstPackets(ctx, nets)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(took)
	for i, d := range took {
		// At least a check and its answer, the DTLS handshake and the packet.
		if d < 200*time.Millisecond {
			t.Errorf("end %d heard after %v: faster than the network allows", i, d)
		}
	}
}
