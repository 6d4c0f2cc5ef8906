package xmpp_test

import (
	"bufio"
	"context"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/xmpp"
	"github.com/parley-rtc/parley/internal/testkit"
)

// script answers what a client writes: the first pattern that is found in what
// has come so far takes it and gives its answer, in which $1 and so on stand for
// what the pattern caught.
type script []struct{ pattern, answer string }

const features = "<?xml version='1.0'?><stream:stream id='1'><stream:features><mechanisms/></stream:features>"

func signedIn(more ...struct{ pattern, answer string }) script {
	return append(script{
		{`<\?xml.*<stream:stream[^>]*to='example.org'>`, features},
		{`<auth[^>]*>AGFsaWNlAHNlY3JldA==</auth>`, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"},
		{`<iq id='bind'.*<resource>(\w+)</resource>.*</iq>`, "<iq id='bind' type='result'><bind><jid>alice@example.org/$1</jid></bind></iq>"},
		{`<presence/>`, ""},
	}, more...)
}

// serve runs a script for each connection and returns the address.
func serve(t *testing.T, s script) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { play(c, s) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func play(c net.Conn, s script) {
	defer c.Close()
	var come []byte
	for r := bufio.NewReader(c); ; {
		b, err := r.ReadByte()
		if err != nil {
			return
		}
		come = append(come, b)
		for _, one := range s {
			pattern := regexp.MustCompile(`(?s)^\s*` + one.pattern + "$")
			if at := pattern.FindSubmatchIndex(come); at != nil {
				answer := pattern.Expand(nil, []byte(one.answer), come, at)
				come = come[:0]
				if _, err := c.Write(answer); err != nil || strings.HasSuffix(string(answer), "</stream:stream>") {
					return
				}
				break
			}
		}
	}
}

func options(address string) *xmpp.Options {
	return &xmpp.Options{Address: address, Domain: "example.org", User: "alice", Password: "secret", Resource: "desk"}
}

func TestClient(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	address := serve(t, signedIn(script{
		{
			`<presence to='(room@rooms)/(\w+)'>.*</presence>`,
			"<presence from='$1/code-201-110'/><presence from='$1/$2'><x><status code='110'/><status code='201'/></x></presence>",
		},
		{`<iq id='(\d+)' type='set' to='room@rooms'>.*muc#owner.*</iq>`, "<iq type='get' id='ping' from='example.org'><ping/></iq><iq type='result' id='$1'/>"},
		{`<iq id='ping' type='result' to='example.org'/>`, ""},
		{
			`<message to='(room@rooms)' type='groupchat' id='\d+'>(<body>.*</body>)</message>`,
			"<message from='$1/alice'><subject>x</subject></message><message from='$1/alice'>$2<stanza-id xmlns='urn:xmpp:sid:0'/></message><message from='bob@example.org/x'>$2</message>",
		},
		{`<iq id='(\d+)' type='set' to='room@rooms'>.*mam:2.*</iq>`, "<iq type='result' id='$1'><fin><set><count>7</count></set></fin></iq>"},
		{`<iq id='(\d+)' type='set'>.*mam:2.*</iq>`, "<iq type='result' id='$1'><fin/></iq>"},
	}...))
	heard := make(chan xmpp.Message, 8)
	o := options(address)
	o.Heard = func(m xmpp.Message) { heard <- m }
	c, err := xmpp.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if c.JID() != "alice@example.org/desk" {
		t.Errorf("bound to %q", c.JID())
	}
	if err := c.Join(t.Context(), "room@rooms", "alice"); err != nil {
		t.Fatal(err)
	}
	if err := c.Say("room@rooms", xmpp.Groupchat, "<hello> & 'bye'"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []xmpp.Message{
		{From: "room@rooms/alice", Body: "<hello> & 'bye'", Archived: true}, {From: "bob@example.org/x", Body: "<hello> & 'bye'"},
	} {
		if got := <-heard; got != want {
			t.Errorf("heard %+v, want %+v", got, want)
		}
	}
	if n, err := c.Archived(t.Context(), "room@rooms"); n != 7 || err != nil {
		t.Errorf("archived %d, %v", n, err)
	}
	if _, err := c.Archived(t.Context(), ""); err == nil {
		t.Error("an archive without a count has one")
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := c.Join(t.Context(), "room@rooms", "alice"); err == nil {
		t.Error("joined after Close")
	}
}

func TestClient_Refused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	for name, s := range map[string]script{
		"wrong password": {{`<\?xml.*<stream:stream[^>]*>`, features}, {`<auth.*</auth>`, "<failure><not-authorized/></failure>"}},
		"no resource": {
			{`<\?xml.*<stream:stream[^>]*>`, features},
			{`<auth.*</auth>`, "<success/>"},
			{`<iq.*</iq>`, "<iq id='bind' type='error'><error/></iq>"},
		},
		"not a stream":      {{`<\?xml.*<stream:stream[^>]*>`, "<html></html>"}},
		"closed at once":    {{`<\?xml.*<stream:stream[^>]*>`, "<stream:stream></stream:stream>"}},
		"not even XML":      {{`<\?xml.*<stream:stream[^>]*>`, "HTTP/1.1 400 Bad Request\r\n"}},
		"closed after that": {{`<\?xml.*<stream:stream[^>]*>`, features}, {`<auth.*</auth>`, "</stream:stream>"}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if c, err := xmpp.Dial(ctx, options(serve(t, s))); err == nil {
			t.Errorf("%s: signed in", name)
			_ = c.Close()
		}
		if ctx.Err() != nil {
			t.Errorf("%s: waited until the end", name)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	silent := serve(t, script{{`<\?xml.*<stream:stream[^>]*>`, ""}})
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := xmpp.Dial(ctx, options(silent)); err == nil {
		t.Error("a silent server signed in")
	}
}

func TestClient_RoomRefuses_ConnectionEnds(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	c, err := xmpp.Dial(t.Context(), options(serve(t, signedIn(script{
		{`<presence to='(full@rooms)/(\w+)'>.*</presence>`, "<presence type='error' from='$1/$2'><error/></presence>"},
		{`<iq id='(\d+)' type='set' to='none@rooms'>.*</iq>`, "<iq type='error' id='$1'/>"},
	}...))))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Join(t.Context(), "full@rooms", "alice"); err == nil {
		t.Error("joined a room that refused")
	}
	if _, err := c.Archived(t.Context(), "none@rooms"); err == nil {
		t.Error("a refused archive has a count")
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Join(short, "silent@rooms", "alice"); err == nil {
		t.Error("joined a room that says nothing")
	}
}

func TestClient_ConnectionEnds(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	c, err := xmpp.Dial(t.Context(), options(serve(t, signedIn(script{{`<presence to='gone@rooms/\w+'>.*</presence>`, "</stream:stream>"}}...))))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Join(t.Context(), "gone@rooms", "alice"); err == nil {
		t.Error("joined a room of a server that is gone")
	}
}
