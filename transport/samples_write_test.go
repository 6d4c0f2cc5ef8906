package transport_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/netem"
	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/transport"
)

var writeSamples = flag.Bool("write-samples", false, "write testdata/sdp anew")

// sampleCodecs are the preferences that the engine has with and without an Opus encoder.
func sampleCodecs(opusFirst bool) []packet.Codec {
	opus := packet.Codec{Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "minptime=10;useinbandfec=1"}
	list := []packet.Codec{
		{Name: "G722", PayloadType: 9, ClockRate: 8000, Channels: 1},
		{Name: "PCMU", ClockRate: 8000, Channels: 1},
		{Name: "PCMA", PayloadType: 8, ClockRate: 8000, Channels: 1},
	}
	if opusFirst {
		list = append([]packet.Codec{opus}, list...)
	} else {
		list = append(list, opus)
	}
	return append(list,
		packet.Codec{Name: "telephone-event", ClockRate: 48000, Channels: 1, Parameters: "0-15"},
		packet.Codec{Name: "telephone-event", ClockRate: 8000, Channels: 1, Parameters: "0-15"})
}

func sampleVideo() []packet.Codec {
	return append(videoCodecs(), packet.Codec{Name: "VP9", ClockRate: 90000, Parameters: "profile-id=0"}, packet.Codec{Name: "AV1", ClockRate: 90000})
}

// makeSamples gives what two ends send each other, by file name.
func makeSamples(t *testing.T, index int) map[string]string {
	t.Helper()
	files := map[string]string{}
	inWorld(t, netem.Link{Delay: time.Millisecond}, func(t *testing.T, w *world) {
		w.startRelay(t, nil)
		third := byte(17 * (index + 3))
		w.alice.SetAddrs(netip.AddrFrom4([4]byte{192, 168, third, byte(index + 20)}), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, third, 1, 7: 2, 15: byte(index) + 9}))
		w.bob.SetAddrs(netip.AddrFrom4([4]byte{10, third, 3, byte(index * 7)}))
		options := transport.Options{
			AudioCodecs: sampleCodecs(index%4 != 3), VideoCodecs: sampleVideo(), ICEServers: turnUDP(), HideAddresses: index%2 == 0,
		}
		if index%5 == 4 {
			options.VideoCodecs = videoCodecs()[:1]
		}
		certificates := [2]*transport.Certificate{}
		for i := range certificates {
			c, err := transport.NewCertificate()
			if err != nil {
				t.Fatal(err)
			}
			certificates[i] = c
		}
		options.Net, options.Certificate = w.alice, certificates[0]
		a := newEnd(t, "a", options)
		options.Net, options.Certificate = w.bob, certificates[1]
		b := newEnd(t, "b", options)
		a.joinTo(b)
		b.joinTo(a)
		offer, err := a.Offer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := b.Answer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.SetAnswer(answer); err != nil {
			t.Fatal(err)
		}
		a.until("connection", a.is(transport.StateConnected))
		a.RevealAddresses()
		b.RevealAddresses()
		time.Sleep(time.Second)
		files[fmt.Sprintf("%02d-offer-1.txt", index)] = offer.SDP
		files[fmt.Sprintf("%02d-answer-1.txt", index)] = answer.SDP
		for _, e := range []*end{a, b} {
			e.mu.Lock()
			files[fmt.Sprintf("%02d-candidates-%s.txt", index, e.name)] = strings.Join(e.candidates, "\r\n") + "\r\n"
			e.mu.Unlock()
		}
	})
	return files
}

const sampleSets = 6

// The samples, on which the dictionary of the signaling is trained, are what
// sessions say today. `go test ./transport -run Samples -write-samples` makes
// them anew.
func TestSamples_AreCurrent(t *testing.T) {
	for index := range sampleSets {
		for name, text := range makeSamples(t, index) {
			path := filepath.Join("testdata", "sdp", name)
			if *writeSamples {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "candidates") {
				continue
			}
			if got, want := shape(text), shape(string(b)); got != want {
				t.Errorf("%s: a session says now\n%s\nand in the sample\n%s", name, got, want)
			}
		}
	}
}

var random = regexp.MustCompile(`(?m)(fingerprint:sha-256 |ice-ufrag:|ice-pwd:|sctp-init:|ssrc:|ssrc-group:FID ).*$`)

// shape takes out what differs each time.
func shape(text string) string {
	return random.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "$1")
}
