package transport_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/transport"
)

// nowhere is a network without addresses.
type nowhere struct{}

func (nowhere) Addrs() ([]netip.Prefix, error) { return nil, nil }
func (nowhere) ListenPacket(string, netip.AddrPort) (net.PacketConn, error) {
	return nil, errors.New("no network")
}

func (nowhere) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no network")
}

// FuzzAnswer gives descriptions to a whole session, the stack below included:
// each is answered or refused with a documented error.
func FuzzAnswer(f *testing.F) {
	for _, pattern := range []string{"00-offer-1", "03-offer-1", "04-offer-1", "01-answer-1"} {
		b, err := os.ReadFile(filepath.Join("testdata", "sdp", pattern+".txt"))
		if err != nil {
			f.Fatal(err)
		}
		text := string(b)
		f.Add(text)
		f.Add(strings.Replace(text, "a=sendrecv", "a=inactive", 1))
		f.Add(strings.Replace(text, "m=video 9", "m=video 0", 1))
		f.Add(strings.Replace(text, "UDP/TLS/RTP/SAVPF", "RTP/AVP", 1))
		f.Add(text + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:9\r\n")
		f.Add(text + "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=rid:1 send\r\na=simulcast:send 1\r\n")
	}
	certificate, err := shared()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sdp string) {
		s, err := transport.New(&transport.Options{
			AudioCodecs: audioCodecs(), VideoCodecs: videoCodecs(), Net: nowhere{}, Certificate: certificate,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			<-s.Done()
		}()
		answer, err := s.Answer(context.Background(), transport.Description{Kind: transport.KindOffer, Generation: 1, SDP: sdp})
		if err != nil {
			if !errors.Is(err, transport.ErrInvalidDescription) && !errors.Is(err, transport.ErrNoCommonCodec) {
				t.Errorf("undocumented error %v", err)
			}
			return
		}
		if len(s.Codecs(1)) == 0 || !strings.Contains(answer.SDP, "m=audio") {
			t.Errorf("answered without audio: %q to %q", answer.SDP, sdp)
		}
	})
}
