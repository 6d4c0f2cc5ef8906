package signaling_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// TestBytes_OneToOneCall counts the WebSocket payload of a whole one-to-one
// call, both agents summed: set-up while it rings, accept, hang-up. The
// descriptions are those of real sessions with fresh secrets, so the
// dictionary has never seen them.
func TestBytes_OneToOneCall(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for _, compress := range []bool{true, false} {
		var total, worst, offer uint64
		const runs = 10
		for seed := range uint64(runs) {
			synctest.Test(t, func(t *testing.T) {
				sum, first := runCall(t, seed, compress)
				total += sum
				worst = max(worst, sum)
				offer = max(offer, first)
			})
		}
		t.Logf("compression %v: one-to-one set-up and hang-up %d bytes on average, %d at most; offer %d at most",
			compress, total/runs, worst, offer)
		if compress && worst > 4096 {
			t.Errorf("a call costs %d bytes, more than 4096", worst)
		}
		if compress && offer > 600 {
			t.Errorf("an offer costs %d bytes, more than 600", offer)
		}
	}
}

// switchboard relays between a caller and a callee as the service does.
type switchboard struct {
	mu       sync.Mutex
	sessions map[string]*signaling.Session
}

func (b *switchboard) opened(s *signaling.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[s.DeviceID()] = s
}

func (b *switchboard) to(device string) *signaling.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[device]
}

func (b *switchboard) handle(s *signaling.Session, m *signaling.Message) error {
	other := map[string]string{"caller": "callee", "callee": "caller"}[s.DeviceID()]
	id, call, err := signaling.DecodeCall(m)
	if err != nil {
		return b.to(other).Send(m) // descriptions and candidates
	}
	sendCall := func(to string, c callfsm.Message) error { return b.to(to).Send(signaling.EncodeCall(id, c)) }
	switch call.Kind {
	case callfsm.KindStart:
		in := call
		in.Kind, in.Leg, in.From, in.DisplayName = callfsm.KindIncoming, 1, user(1), "Alice Example"
		if err := sendCall("caller", callfsm.Message{Kind: callfsm.KindStarted}); err != nil {
			return err
		}
		return sendCall("callee", in)
	case callfsm.KindAccept:
		if err := sendCall("caller", callfsm.Message{Kind: callfsm.KindAccepted, Leg: 1, Media: call.Media}); err != nil {
			return err
		}
		return sendCall("callee", callfsm.Message{Kind: callfsm.KindConfirmed, Leg: 1, Media: call.Media})
	case callfsm.KindHangUp:
		for _, who := range []string{"caller", "callee"} {
			if err := sendCall(who, callfsm.Message{Kind: callfsm.KindEnded, Reason: callfsm.ReasonNone.Reason()}); err != nil {
				return err
			}
		}
		return nil
	case callfsm.KindConnected:
		return nil // for the service itself
	default:
		return sendCall(other, call)
	}
}

// lockedSource lets several goroutines draw.
type lockedSource struct {
	mu     sync.Mutex
	source rand.Source
}

func (l *lockedSource) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source.Uint64()
}

func user(n int) string {
	return fmt.Sprintf("8:acs:46849534-eb08-4ab7-bde7-c36928cd1547_%08x-e155-1f06-1db7-3a3a0d00004b", n*0x12345678)
}

func runCall(t *testing.T, seed uint64, compress bool) (sum, offer uint64) {
	random := rand.New(&lockedSource{source: rand.NewPCG(seed, 7)})
	board := &switchboard{sessions: map[string]*signaling.Session{}}
	a, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: signedIn, Opened: board.opened, Handler: board.handle,
	})
	if err != nil {
		t.Fatal(err)
	}
	network := &rawNet{random: random, faults: func(*rand.Rand) faults { return faults{delay: 20 * time.Millisecond} }}
	network.listen(func(c signaling.Conn) { _ = a.Serve(context.Background(), c) })
	agent := func(device string, handle func(*signaling.Message) error) *signaling.Client {
		c, err := signaling.NewClient(&signaling.ClientOptions{
			Dialer: network, DeviceID: device, Handler: handle, NoCompression: !compress,
			Token: func(context.Context) (string, error) { return "token", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	var id callfsm.CallID
	for i := range id {
		id[i] = byte(random.Uint32())
	}
	descriptions := corpus(t)
	var caller, callee *signaling.Client
	say := func(c *signaling.Client, m callfsm.Message) error { return c.Send(signaling.EncodeCall(id, m)) }
	description := func(kind signalpb.CallDescription_Kind) *signaling.Message {
		return &signaling.Message{CallId: id[:], Body: &signalpb.Message_Description{Description: &signalpb.CallDescription{
			Leg: 1, Kind: kind, Generation: 1, Sdp: fresh(random, descriptions[int(kind)-1]),
		}}}
	}
	candidates := func(end bool, lines ...string) *signaling.Message {
		return &signaling.Message{CallId: id[:], Body: &signalpb.Message_Candidates{Candidates: &signalpb.CallCandidates{
			Leg: 1, Generation: 1, Candidates: lines, End: end,
		}}}
	}
	relay := func() *signaling.Message { return candidates(false, candidate(random, 1, 16777215, "relay", v4)) }
	direct := func() *signaling.Message {
		return candidates(true, candidate(random, 2, 2130706431, "host", v4), candidate(random, 3, 2130706431, "host", v6),
			candidate(random, 4, 1694498815, "srflx", v4))
	}
	video := callfsm.MediaAudio | callfsm.MediaVideo
	ended := make(chan string, 2)
	callee = agent("callee", func(m *signaling.Message) error {
		switch m.GetCall().GetKind() {
		case uint32(callfsm.KindIncoming):
			if err := say(callee, callfsm.Message{Kind: callfsm.KindRinging, Leg: 1}); err != nil {
				return err
			}
			time.AfterFunc(5*time.Millisecond, func() {
				_ = callee.Send(description(signalpb.CallDescription_OFFER))
				time.Sleep(60 * time.Millisecond)
				_ = callee.Send(relay())
			})
		case uint32(callfsm.KindConfirmed):
			if err := callee.Send(direct()); err != nil {
				return err
			}
			return say(callee, callfsm.Message{Kind: callfsm.KindConnected, Leg: 1})
		case uint32(callfsm.KindEnded):
			ended <- "callee"
		}
		return nil
	})
	caller = agent("caller", func(m *signaling.Message) error {
		switch {
		case m.GetDescription() != nil:
			if err := caller.Send(description(signalpb.CallDescription_ANSWER)); err != nil {
				return err
			}
			time.AfterFunc(60*time.Millisecond, func() { _ = caller.Send(relay()) })
		case m.GetCall().GetKind() == uint32(callfsm.KindAccepted):
			if err := caller.Send(direct()); err != nil {
				return err
			}
			return say(caller, callfsm.Message{Kind: callfsm.KindConnected})
		case m.GetCall().GetKind() == uint32(callfsm.KindEnded):
			ended <- "caller"
		}
		return nil
	})
	settle(time.Second)
	bytes := func(c *signaling.Client) uint64 { return c.Stats().BytesSent + c.Stats().BytesReceived }
	before := bytes(caller) + bytes(callee)
	sent := callee.Stats().BytesSent
	if err := say(caller, callfsm.Message{Kind: callfsm.KindStart, To: user(2), DisplayName: "Alice Example", Media: video}); err != nil {
		t.Fatal(err)
	}
	settle(47 * time.Millisecond) // RINGING and the offer are out
	offer = callee.Stats().BytesSent - sent
	settle(2 * time.Second) // it rings
	if err := say(callee, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1, Media: video}); err != nil {
		t.Fatal(err)
	}
	settle(5 * time.Second)
	if err := say(caller, callfsm.Message{Kind: callfsm.KindHangUp}); err != nil {
		t.Fatal(err)
	}
	<-ended
	<-ended
	settle(time.Second)
	sum = bytes(caller) + bytes(callee) - before
	for _, c := range []*signaling.Client{caller, callee} {
		if err := c.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := a.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	network.wg.Wait()
	return sum, offer
}

// corpus returns an offer and an answer of real sessions.
func corpus(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("internal/training/corpus/descriptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, kind := range []string{"offer\n", "answer\n"} {
		_, rest, _ := strings.Cut(string(data), "--- "+kind)
		text, _, _ := strings.Cut(rest, "--- ")
		found = append(found, strings.ReplaceAll(text, "\n", "\r\n"))
	}
	return found
}

// fresh gives a description other secrets and numbers.
func fresh(r *rand.Rand, text string) string {
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[r.IntN(52)]
		}
		return string(b)
	}
	swap := func(pattern string, with func(old string) string) {
		seen := map[string]string{}
		text = regexp.MustCompile(pattern).ReplaceAllStringFunc(text, func(old string) string {
			if seen[old] == "" {
				seen[old] = with(old)
			}
			return seen[old]
		})
	}
	swap(`([0-9A-F]{2}:){31}[0-9A-F]{2}`, func(string) string {
		var pairs []string
		for range 32 {
			pairs = append(pairs, fmt.Sprintf("%02X", r.IntN(256)))
		}
		return strings.Join(pairs, ":")
	})
	swap(`ice-ufrag:[A-Za-z]+`, func(string) string { return "ice-ufrag:" + letters(16) })
	swap(`ice-pwd:[A-Za-z]+`, func(string) string { return "ice-pwd:" + letters(32) })
	swap(`\b[1-9][0-9]{8,9}\b`, func(string) string { return fmt.Sprint(1<<28 + r.Uint32N(1<<31)) })
	swap(`sctp-init:[A-Za-z0-9+/]+=*`, func(old string) string {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(old, "sctp-init:"))
		if err != nil {
			return old
		}
		// The tag and the first number of an INIT chunk are random (RFC 9260 3.3.2).
		for _, i := range []int{4, 5, 6, 7, 16, 17, 18, 19} {
			raw[i%len(raw)] = byte(r.Uint32())
		}
		return "sctp-init:" + base64.StdEncoding.EncodeToString(raw)
	})
	return text
}

func v4(r *rand.Rand) string {
	return fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(220), r.IntN(256), r.IntN(256), 1+r.IntN(254))
}

func v6(r *rand.Rand) string {
	groups := []string{"2001"}
	for range 7 {
		groups = append(groups, fmt.Sprintf("%x", 1+r.IntN(65535)))
	}
	return strings.Join(groups, ":")
}

func candidate(r *rand.Rand, foundation, priority int, kind string, addr func(*rand.Rand) string) string {
	line := fmt.Sprintf("candidate:%d 1 udp %d %s %d typ %s", foundation, priority, addr(r), 32768+r.IntN(28000), kind)
	if kind != "host" {
		line += " raddr 0.0.0.0 rport 0"
	}
	return line
}
