package transport_test

import (
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/transport"
)

func TestConnect_Loopback(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	a, b := connect(t, transport.Options{VideoCodecs: videoCodecs(), IncludeLoopback: true},
		transport.Options{VideoCodecs: videoCodecs(), IncludeLoopback: true})
	for _, e := range []*end{a, b} {
		e.until("data channels", func() bool { return e.opened[transport.Reliable] == 1 && e.opened[transport.Lossy] == 1 })
	}
	for i := range 10 {
		if err := a.audio(uint16(i)); err != nil {
			t.Fatal(err)
		}
		if err := b.audio(uint16(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []*end{a, b} {
		e.until("audio", func() bool { return len(e.packets[packet.KindAudio]) == 10 })
	}
}
