package signaling_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// rawAgent is an agent that the test drives frame by frame.
type rawAgent struct {
	t    *testing.T
	conn signaling.Conn
}

func (p *pair) raw() *rawAgent {
	p.t.Helper()
	conn, err := p.net.Dial(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return &rawAgent{t: p.t, conn: conn}
}

func (a *rawAgent) write(data []byte) {
	a.t.Helper()
	if err := a.conn.Write(a.t.Context(), data); err != nil {
		a.t.Fatalf("write: %v", err)
	}
}

func (a *rawAgent) frame(f *signalpb.Frame) {
	a.t.Helper()
	data, err := f.Marshal()
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(data)
}

// read returns the next frame, nil at the end of the connection.
func (a *rawAgent) read() *signalpb.Frame {
	a.t.Helper()
	data, err := a.conn.Read(a.t.Context())
	if err != nil {
		return nil
	}
	f := &signalpb.Frame{}
	if err := f.Unmarshal(data); err != nil {
		a.t.Fatalf("frame: %v", err)
	}
	return f
}

// goodbye reads up to the goodbye and closes; 0 when there is none.
func (a *rawAgent) goodbye() signaling.Code {
	a.t.Helper()
	for {
		f := a.read()
		if f == nil || f.GetGoodbye() != nil {
			a.conn.Close(0, "")
			return signaling.Code(f.GetGoodbye().GetCode())
		}
	}
}

func hello() *signalpb.Hello {
	return &signalpb.Hello{
		VersionMin: 1, VersionMax: 1, Token: "token", DeviceId: "raw", Instance: []byte{1}, Attempt: 1,
	}
}

// greet signs a raw agent in.
func (a *rawAgent) greet(h *signalpb.Hello) *signalpb.Welcome {
	a.t.Helper()
	a.frame(&signalpb.Frame{Hello: h})
	w := a.read().GetWelcome()
	if w == nil {
		a.t.Fatal("no welcome")
	}
	a.frame(&signalpb.Frame{Confirm: w.GetNonce()})
	return w
}

func TestAcceptor_BadHello_Goodbye(t *testing.T) {
	tests := []struct {
		name string
		send func(a *rawAgent)
		want signaling.Code
	}{
		{"nothing", func(*rawAgent) {}, signaling.CodeHelloTimeout},
		{"garbage", func(a *rawAgent) { a.write([]byte{0xff, 0xff, 0xff}) }, signaling.CodeProtocolError},
		{"empty", func(a *rawAgent) { a.write(nil) }, signaling.CodeProtocolError},
		{"compressed", func(a *rawAgent) { a.write([]byte{7, 0, 0, 0}) }, signaling.CodeProtocolError},
		{"no hello", func(a *rawAgent) { a.frame(&signalpb.Frame{Ping: 1}) }, signaling.CodeProtocolError},
		{"version too new", func(a *rawAgent) {
			h := hello()
			h.VersionMin, h.VersionMax = 2, 9
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeUnsupportedVersion},
		{"version too old", func(a *rawAgent) {
			h := hello()
			h.VersionMin, h.VersionMax = 0, 0
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeUnsupportedVersion},
		{"no device", func(a *rawAgent) {
			h := hello()
			h.DeviceId = ""
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeProtocolError},
		{"no instance", func(a *rawAgent) {
			h := hello()
			h.Instance = nil
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeProtocolError},
		{"long name", func(a *rawAgent) {
			h := hello()
			h.DisplayName = strings.Repeat("x", 257)
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeProtocolError},
		{"token expired", func(a *rawAgent) {
			h := hello()
			h.Token = "expired"
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeTokenExpired},
		{"token past its time", func(a *rawAgent) {
			h := hello()
			h.Token = "past"
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeTokenExpired},
		{"token foreign", func(a *rawAgent) {
			h := hello()
			h.Token = "foreign"
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeTokenInvalid},
		{"token cannot be checked", func(a *rawAgent) {
			h := hello()
			h.Token = "database down"
			a.frame(&signalpb.Frame{Hello: h})
		}, signaling.CodeOverloaded},
		{"welcome not confirmed", func(a *rawAgent) {
			a.frame(&signalpb.Frame{Hello: hello()})
			a.frame(&signalpb.Frame{Ping: 1})
		}, signaling.CodeSuperseded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) { a.Authenticate = byToken })
				a := p.raw()
				begin := time.Now()
				tt.send(a)
				if got := a.goodbye(); got != tt.want {
					t.Errorf("goodbye %d, want %d", got, tt.want)
				}
				if tt.want == signaling.CodeHelloTimeout && time.Since(begin).Round(time.Second) != 10*time.Second {
					t.Errorf("after %v", time.Since(begin))
				}
				if n := p.acceptor.Sessions(); n != 0 && tt.want != signaling.CodeSuperseded {
					t.Errorf("%d sessions", n)
				}
			})
		})
	}
}

// byToken authenticates tokens that say what is with them.
func byToken(_ context.Context, token string) (signaling.Principal, error) {
	switch token {
	case "expired":
		return signaling.Principal{}, fmt.Errorf("it was good once: %w", signaling.ErrTokenExpired)
	case "past":
		return signaling.Principal{UserID: "alice", Expires: time.Now()}, nil
	case "foreign":
		return signaling.Principal{}, signaling.ErrUnauthorized
	case "database down":
		return signaling.Principal{}, errors.New("secret detail")
	case "bob":
		return signaling.Principal{UserID: "bob", ResourceID: "local"}, nil
	case "minute":
		return signaling.Principal{UserID: "alice", ResourceID: "local", Expires: time.Now().Add(time.Minute)}, nil
	default:
		return signaling.Principal{UserID: "alice", ResourceID: "local"}, nil
	}
}

func TestAcceptor_BadFrames_EndTheSession(t *testing.T) {
	tests := []struct {
		name string
		send func(a *rawAgent)
		want signaling.Code
	}{
		{"garbage", func(a *rawAgent) { a.write([]byte("garbage")) }, signaling.CodeProtocolError},
		{"gap", func(a *rawAgent) {
			a.frame(&signalpb.Frame{Seq: 2, Messages: []*signalpb.Message{text("a")}})
		}, signaling.CodeProtocolError},
		{"number zero", func(a *rawAgent) {
			a.frame(&signalpb.Frame{Messages: []*signalpb.Message{text("a")}})
		}, signaling.CodeProtocolError},
		{"ack of what was not sent", func(a *rawAgent) { a.frame(&signalpb.Frame{Ack: 1}) }, signaling.CodeProtocolError},
		{"unknown call number", func(a *rawAgent) {
			a.frame(&signalpb.Frame{Seq: 1, Messages: []*signalpb.Message{{CallRef: 1}}})
		}, signaling.CodeProtocolError},
		{"bad packed text", func(a *rawAgent) {
			a.frame(&signalpb.Frame{Seq: 1, Messages: []*signalpb.Message{{Body: &signalpb.Message_Description{
				Description: &signalpb.CallDescription{PackedSdp: []byte{1}},
			}}}})
		}, signaling.CodeProtocolError},
		{"compressed without agreement", func(a *rawAgent) { a.write([]byte{7, 1, 2, 3}) }, signaling.CodeProtocolError},
		{"foreign token", func(a *rawAgent) {
			a.frame(&signalpb.Frame{TokenUpdate: &signalpb.TokenUpdate{Token: "bob"}})
		}, signaling.CodeTokenInvalid},
		{"flood", func(a *rawAgent) {
			for i := range 500 {
				a.frame(&signalpb.Frame{Ping: uint32(i + 1)})
			}
		}, signaling.CodeFlooding},
		{"flood of bytes", func(a *rawAgent) {
			for i := range 8 {
				a.frame(&signalpb.Frame{Seq: uint64(i + 1), Messages: []*signalpb.Message{text(strings.Repeat("1", 250<<10))}})
			}
		}, signaling.CodeFlooding},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) { a.Authenticate = byToken })
				a := p.raw()
				a.greet(hello())
				tt.send(a)
				if got := a.goodbye(); got != tt.want {
					t.Errorf("goodbye %d, want %d", got, tt.want)
				}
				settle(time.Second)
				got := p.service.take()
				if len(got) == 0 || !strings.HasPrefix(got[len(got)-1], fmt.Sprintf("closed: signaling: goodbye %d", tt.want)) {
					t.Errorf("service: %q", got)
				}
			})
		})
	}
}

// encoded is a message as bytes, the same for equal ones.
func encoded(t *testing.T, m *signaling.Message) []byte {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAcceptor_UnknownFieldsAndMessages(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var got []*signaling.Message
		p := newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			c.DeviceID = "receiver"
			a.Handler = func(_ *signaling.Session, m *signaling.Message) error { got = append(got, m); return nil }
		})
		a := p.raw()
		a.greet(hello())
		// A frame of a later version: an unknown field in the frame, a message
		// with an unknown body, and a known one with unknown fields.
		unknown := []byte{0xa2, 0x06, 0x03, 'n', 'e', 'w'} // field 100
		strange := &signalpb.Message{CallId: make([]byte, 16)}
		strange.SetUnknown(unknown)
		known := text("a")
		known.GetCall().SetUnknown(unknown)
		known.GetCall().To = "8:acs:somebody"
		described := &signalpb.Message{Body: &signalpb.Message_Description{
			Description: &signalpb.CallDescription{Sdp: "v=0\r\n"},
		}}
		described.GetDescription().SetUnknown(unknown)
		f := &signalpb.Frame{Seq: 1, Messages: []*signalpb.Message{strange, known, described}}
		f.SetUnknown(unknown)
		a.frame(f)
		settle(time.Second)
		if len(got) != 3 {
			t.Fatalf("%d messages", len(got))
		}
		// A handler forwards them to another agent, unchanged.
		var relayed []*signaling.Message
		p2 := newPair(t, func(c *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			c.Handler = func(m *signaling.Message) error { relayed = append(relayed, m); return nil }
		})
		p2.start()
		for _, m := range got {
			if err := p2.current().Send(m); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Second)
		for i, want := range []*signalpb.Message{strange, known, described} {
			if i >= len(relayed) || !bytes.Equal(encoded(t, relayed[i]), encoded(t, want)) {
				t.Errorf("message %d changed: %v, want %v", i, relayed[i], want)
			}
		}
		a.conn.Close(0, "")
	})
}

func TestAcceptor_SameDevice_Replaces(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		first := p.current()
		a := p.raw()
		h := hello()
		h.DeviceId = "phone"
		a.greet(h)
		settle(5 * time.Second)
		// The first client is told to stay away; its session is closed before
		// the other one is opened.
		expect(t, &p.agent, "closed")
		expect(t, &p.service, "opened", "closed: signaling: goodbye 4501: signed in elsewhere", "opened")
		if err := first.Send(text("late")); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("send: %v", err)
		}
		if n := p.acceptor.Sessions(); n != 1 {
			t.Errorf("%d sessions", n)
		}
		a.conn.Close(0, "")
	})
}

func TestAcceptor_EarlierConnection_TurnedAway(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		later := p.raw()
		h := hello()
		h.Attempt = 7
		w := later.greet(h)
		for _, attempt := range []uint32{7, 3} {
			early := p.raw()
			h := hello()
			h.Attempt, h.SessionId = attempt, w.GetSessionId()
			early.frame(&signalpb.Frame{Hello: h})
			if got := early.goodbye(); got != signaling.CodeSuperseded {
				t.Errorf("attempt %d: goodbye %d", attempt, got)
			}
		}
		later.frame(&signalpb.Frame{Seq: 1, Messages: []*signalpb.Message{text("a")}})
		settle(time.Second)
		expect(t, &p.service, "opened", "a")
		later.conn.Close(0, "")
	})
}

func TestAcceptor_ForeignSession_IsNotResumed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) { a.Authenticate = byToken })
		alice, bob := p.raw(), p.raw()
		w := alice.greet(hello())
		h := hello()
		h.Token, h.SessionId, h.Attempt = "bob", w.GetSessionId(), 2
		if got := bob.greet(h); got.GetResumed() || string(got.GetSessionId()) == string(w.GetSessionId()) {
			t.Error("bob resumed alice's session")
		}
		alice.conn.Close(0, "")
		bob.conn.Close(0, "")
	})
}

// TestAcceptor_OvertakenHello: a program was ended and started anew; that its
// last hello is dealt with after the new one's first does not end the session of
// the new one.
func TestAcceptor_OvertakenHello(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		held := make(chan struct{})
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Authenticate = func(ctx context.Context, token string) (signaling.Principal, error) {
				if token == "slow" {
					<-held
				}
				return signedIn(ctx, "token")
			}
		})
		before := p.raw()
		h := hello()
		h.Token = "slow"
		before.frame(&signalpb.Frame{Hello: h})
		synctest.Wait()
		after := p.raw()
		h = hello()
		h.Instance = []byte{2}
		after.greet(h)
		close(held)
		if got := before.goodbye(); got != signaling.CodeReplaced {
			t.Errorf("the program before: goodbye %d", got)
		}
		if n := p.acceptor.Sessions(); n != 1 {
			t.Errorf("%d sessions", n)
		}
		send(t, p.current(), "still here")
		if f := after.read(); f.GetGoodbye() != nil || len(f.GetMessages()) != 1 {
			t.Errorf("the new program: %+v", f)
		}
		after.conn.Close(0, "")
	})
}

func TestAcceptor_SessionsPerUser(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) { a.Limits.SessionsPerUser = 2 })
		for i := range 3 {
			a := p.raw()
			h := hello()
			h.DeviceId = fmt.Sprint(i)
			if i < 2 {
				a.greet(h)
				defer a.conn.Close(0, "")
				continue
			}
			a.frame(&signalpb.Frame{Hello: h})
			if got := a.goodbye(); got != signaling.CodeOverloaded {
				t.Errorf("goodbye %d", got)
			}
		}
	})
}

func TestAcceptor_SlowReader_Bounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) { a.Limits.QueuedBytes = 10_000 })
		p.start()
		s := p.current()
		p.net.listen(nil)
		p.net.cutAll()
		settle(time.Second)
		var err error
		n := 0
		for ; err == nil && n < 1000; n++ {
			err = s.Send(text(strings.Repeat("1", 100)))
		}
		if !errors.Is(err, signaling.ErrQueueFull) || n > 100 {
			t.Errorf("%d sends: %v", n, err)
		}
		if err := s.Send(text("a")); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("send: %v", err)
		}
		p.listen(p.acceptor)
		settle(10 * time.Second)
		expect(t, &p.service, "opened", "suspended", "closed: signaling: goodbye 3501: too much is queued", "opened")
		expect(t, &p.agent, "reconnecting", "connected new lost=0")
	})
}

// TestAcceptor_StuckHandler_StopsReading shows that an agent cannot fill the
// service's memory while its messages wait for the handler.
func TestAcceptor_StuckHandler_StopsReading(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Handler = func(*signaling.Session, *signaling.Message) error { <-release; return nil }
			a.Limits.Burst = 1e6
		})
		a := p.raw()
		a.greet(hello())
		for i := range 2000 {
			a.frame(&signalpb.Frame{Seq: uint64(i + 1), Messages: []*signalpb.Message{text("1")}})
		}
		settle(10 * time.Second)
		if n := p.current().Stats().MessagesReceived; n > 300 {
			t.Errorf("%d messages were read", n)
		}
		close(release)
		settle(10 * time.Second)
		if n := p.current().Stats().MessagesReceived; n != 2000 {
			t.Errorf("%d messages were read", n)
		}
		a.conn.Close(0, "")
	})
}

func TestAcceptor_SilentAgent_Suspended(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		a := p.raw()
		a.greet(hello())
		settle(24 * time.Second)
		expect(t, &p.service, "opened")
		settle(2 * time.Second)
		expect(t, &p.service, "suspended")
		settle(150 * time.Second)
		expect(t, &p.service, "closed: signaling: session expired")
		a.conn.Close(0, "")
	})
}

func TestAcceptor_Shutdown_Drains(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		waiting := p.raw() // has not said hello
		send(t, p.current(), "last")
		if err := p.acceptor.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, &p.service, "opened", "closed: signaling: goodbye 3000: service is stopping")
		got := p.agent.take()
		if len(got) != 2 || got[0] != "last" || got[1] != "reconnecting" {
			t.Errorf("agent: %q", got)
		}
		if code := waiting.goodbye(); code != signaling.CodeDraining {
			t.Errorf("goodbye %d", code)
		}
		late := p.raw()
		if code := late.goodbye(); code != signaling.CodeDraining {
			t.Errorf("goodbye %d", code)
		}
		if _, err := p.acceptor.Dialer().Dial(t.Context()); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("dial: %v", err)
		}
	})
}

func TestSession_Close_CodesDecide(t *testing.T) {
	tests := []struct {
		code signaling.Code
		want []string
	}{
		{signaling.CodeDraining, []string{"last", "reconnecting", "connected new lost=0"}},
		{signaling.CodeFlooding, []string{"reconnecting", "connected new lost=0"}},
		{signaling.CodeSignedOut, []string{"last", "closed"}},
		{4999, []string{"last", "closed"}},
		{3400, []string{"last", "reconnecting", "connected new lost=0"}},
		{3999, []string{"last", "reconnecting", "connected new lost=0"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := newPair(t, nil)
				p.start()
				if tt.want[0] == "last" {
					send(t, p.current(), "last")
				}
				p.current().Close(tt.code, "because")
				p.current().Close(1, "again")
				settle(10 * time.Second)
				expect(t, &p.agent, tt.want...)
			})
		})
	}
}

func TestToken_RefreshedBeforeItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		tokens := 0
		p := newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Authenticate = byToken
			c.Token = func(context.Context) (string, error) {
				tokens++
				if tokens == 3 {
					return "", errors.New("no network")
				}
				return "minute", nil
			}
		})
		w := p.start()
		if left := time.Until(w.TokenExpires).Round(time.Second); left != time.Minute {
			t.Errorf("token has %v", left)
		}
		settle(10 * time.Minute)
		if s := p.client.Stats(); s.Connections != 1 {
			t.Errorf("%d connections", s.Connections)
		}
		if tokens < 10 || tokens > 15 {
			t.Errorf("%d tokens in ten minutes", tokens)
		}
		if left := time.Until(p.current().Principal().Expires); left <= 0 {
			t.Errorf("principal has %v", left)
		}
	})
}

func TestToken_Expires_ReconnectsWithAnother(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		tokens := 0
		p := newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Authenticate = byToken
			c.Token = func(context.Context) (string, error) {
				tokens++
				if tokens > 1 && tokens < 6 {
					return "", errors.New("no network") // until after the token has ended
				}
				return "minute", nil
			}
		})
		p.start()
		settle(2 * time.Minute)
		expect(t, &p.service, "opened", "suspended", "resumed")
		expect(t, &p.agent, "reconnecting", "connected")
	})
}

func TestToken_Refused_Stops(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		token := "good"
		var last signaling.ClientState
		p := newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Authenticate = byToken
			c.Token = func(context.Context) (string, error) { return token, nil }
			c.StateChanged = func(s signaling.ClientState) { last = s }
		})
		p.start()
		token = "foreign"
		p.net.cutAll()
		settle(time.Minute)
		var goodbye *signaling.GoodbyeError
		if last.Phase != signaling.ClientClosed || !errors.As(last.Err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
			t.Errorf("state: %+v", last)
		}
		if err := p.client.Send(text("a")); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("send: %v", err)
		}
		other := newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Authenticate = byToken
			c.Token = func(context.Context) (string, error) { return "foreign", nil }
		})
		if _, err := other.client.Start(t.Context()); !errors.As(err, &goodbye) || goodbye.Code != signaling.CodeTokenInvalid {
			t.Errorf("start: %v", err)
		}
	})
}

func TestCode_Ranges(t *testing.T) {
	tests := []struct {
		code                             signaling.Code
		resumable, permanent, needsToken bool
	}{
		{0, true, false, false},
		{1000, false, false, false},
		{1006, true, false, false},
		{3000, true, false, false},
		{3499, true, false, false},
		{3500, false, false, false},
		{3999, false, false, false},
		{4000, true, false, true},
		{4499, true, false, true},
		{4500, false, true, false},
		{4999, false, true, false},
	}
	for _, tt := range tests {
		if tt.code.Resumable() != tt.resumable || tt.code.Permanent() != tt.permanent || tt.code.NeedsToken() != tt.needsToken {
			t.Errorf("%d: resumable %v, permanent %v, needs token %v", tt.code,
				tt.code.Resumable(), tt.code.Permanent(), tt.code.NeedsToken())
		}
	}
}
