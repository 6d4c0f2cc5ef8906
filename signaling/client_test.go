package signaling_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

func TestClient_SendAndReceive(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			a.Welcome = func(*signaling.Session) *signaling.RelayServers {
				return &signaling.RelayServers{TtlSeconds: 60, Servers: []*signalpb.RelayServers_Server{{
					Urls: []string{"turn:localhost:3478"}, Username: "u", Credential: "c",
				}}}
			}
		})
		w := p.start()
		if w.UserID != "alice" || w.ResourceID != "local" || !w.Compressed || w.Version != 1 ||
			w.Epoch != p.acceptor.Epoch() || w.Retention != 150*time.Second || w.Heartbeat != 10*time.Second ||
			w.Relay.GetServers()[0].GetUrls()[0] != "turn:localhost:3478" || !w.TokenExpires.IsZero() {
			t.Errorf("welcome: %+v", w)
		}
		s := p.current()
		if s.ID() != w.SessionID || s.DeviceID() != "phone" || s.UserAgent() != "test/1" || s.DisplayName() != "Alice" ||
			s.Principal().UserID != "alice" || !s.Connected() {
			t.Errorf("session: %+v", s)
		}
		send(t, p.client, "a", "b", "c")
		send(t, s, "x", "y")
		settle(time.Second)
		expect(t, &p.service, "opened", "a", "b", "c")
		expect(t, &p.agent, "x", "y")
		if err := p.client.Close(); err != nil {
			t.Error(err)
		}
		settle(3 * time.Second)
		expect(t, &p.service, "closed: <nil>")
		expect(t, &p.agent, "closed")
		if err := p.client.Send(text("late")); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("send after close: %v", err)
		}
		if n := p.acceptor.Sessions(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestClient_Cut_Resumes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		p.net.cutAll()
		send(t, p.client, "a", "b")
		send(t, p.current(), "x")
		settle(time.Second)
		send(t, p.client, "c")
		settle(time.Second)
		expect(t, &p.service, "opened", "suspended", "resumed", "a", "b", "c")
		expect(t, &p.agent, "reconnecting", "connected", "x")
		if s := p.client.Stats(); s.Connections != 2 || s.Resumes != 1 || s.MessagesSent != 3 || s.MessagesReceived != 1 {
			t.Errorf("stats: %+v", s)
		}
		if s := p.current().Stats(); s.Connections != 2 || s.Resumes != 1 || s.MessagesSent != 1 || s.MessagesReceived != 3 {
			t.Errorf("session stats: %+v", s)
		}
	})
}

func TestClient_OutageLongerThanRetention_NewSession(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		p.net.listen(nil)
		p.net.cutAll()
		send(t, p.client, "lost")
		settle(149 * time.Second)
		expect(t, &p.service, "opened", "suspended")
		settle(2 * time.Second)
		expect(t, &p.service, "closed: signaling: session expired")
		p.listen(p.acceptor)
		settle(6 * time.Second)
		send(t, p.client, "a")
		settle(time.Second)
		expect(t, &p.service, "opened", "a")
		expect(t, &p.agent, "reconnecting", "connected new lost=1")
	})
}

func TestClient_ServiceRestart_NewEpoch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var states []signaling.ClientState
		p := newPair(t, func(c *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			c.StateChanged = func(s signaling.ClientState) { states = append(states, s) }
		})
		first := p.start()
		p.net.listen(nil)
		p.net.cutAll()
		settle(time.Second)
		second, err := signaling.NewAcceptor(&signaling.AcceptorOptions{Authenticate: signedIn})
		if err != nil {
			t.Fatal(err)
		}
		p.listen(second)
		settle(6 * time.Second)
		if len(states) != 2 {
			t.Fatalf("states: %+v", states)
		}
		s := states[1]
		if !s.NewSession || s.Welcome.Epoch == first.Epoch || s.Welcome.Epoch != second.Epoch() || s.Welcome.SessionID == first.SessionID {
			t.Errorf("state: %+v", s)
		}
		if err := second.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestClient_NetworkChanged_ReconnectsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		begin := time.Now()
		p.client.NetworkChanged()
		synctest.Wait()
		for range 100 {
			if p.client.Stats().Connections == 2 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(begin); d > 50*time.Millisecond {
			t.Errorf("took %v", d)
		}
		// While the client waits between attempts, it tries at once, too.
		p.net.listen(nil)
		p.net.cutAll()
		settle(time.Minute)
		p.listen(p.acceptor)
		p.client.NetworkChanged()
		settle(50 * time.Millisecond)
		if n := p.client.Stats().Connections; n != 3 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestClient_SilentPath_HeartbeatFinds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.net.random = rand.New(rand.NewPCG(1, 1))
		silent := true
		p.net.faults = func(*rand.Rand) faults {
			f := faults{delay: time.Millisecond}
			if silent {
				f.cutUp, f.silent = 200, true
				silent = false
			}
			return f
		}
		p.start()
		for range 20 {
			send(t, p.client, fmt.Sprint(rand.Uint64(), rand.Uint64()))
		}
		settle(14 * time.Second) // the ping is out after 10 s, given up after 15 s
		if n := p.client.Stats().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
		settle(3 * time.Second)
		if n := p.client.Stats().Connections; n != 2 {
			t.Errorf("%d connections", n)
		}
		if got := len(p.service.take()); got != 1+20 && got != 3+20 {
			t.Errorf("%d events at the service", got)
		}
	})
}

func TestClient_Idle_StaysConnected(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		settle(time.Hour)
		s := p.client.Stats()
		if s.Connections != 1 || s.RoundTripTime != 2*time.Millisecond {
			t.Errorf("stats: %+v", s)
		}
		// A ping and a pong every 10 s are 4 bytes or so.
		if s.BytesSent > 360*4+1000 || s.BytesReceived > 360*4+1000 {
			t.Errorf("idle costs too much: %+v", s)
		}
	})
}

func TestClient_HandlerError_NewSessionAtBothEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(c *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			handler := c.Handler
			c.Handler = func(m *signaling.Message) error {
				if m.GetCall().GetTones() == "bad" {
					return errors.New("does not apply")
				}
				return handler(m)
			}
		})
		p.start()
		send(t, p.current(), "x", "bad", "dropped")
		settle(2 * time.Second)
		send(t, p.current(), "y")
		settle(time.Second)
		expect(t, &p.agent, "x", "reconnecting", "connected new lost=0", "y")
		expect(t, &p.service, "opened",
			"closed: signaling: goodbye 3500: message could not be applied", "opened")
	})
}

func TestAcceptor_HandlerError_NewSessionAtBothEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(_ *signaling.ClientOptions, a *signaling.AcceptorOptions) {
			handler := a.Handler
			a.Handler = func(s *signaling.Session, m *signaling.Message) error {
				if m.GetCall().GetTones() == "bad" {
					return errors.New("does not apply")
				}
				return handler(s, m)
			}
		})
		p.start()
		send(t, p.client, "a", "bad", "dropped")
		settle(2 * time.Second)
		send(t, p.client, "b")
		settle(time.Second)
		expect(t, &p.service, "opened", "a", "closed: signaling: apply message: does not apply", "opened", "b")
		// "a" was applied; whether its ack came before the goodbye is open.
		got := p.agent.take()
		if len(got) != 2 || got[0] != "reconnecting" || !strings.HasPrefix(got[1], "connected new lost=") {
			t.Errorf("agent: %q", got)
		}
	})
}

func TestClient_CloseFromHandlers(t *testing.T) {
	for _, where := range []string{"message", "state", "opened", "apply"} {
		t.Run(where, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var p *pair
				p = newPair(t, func(c *signaling.ClientOptions, a *signaling.AcceptorOptions) {
					handler, changed := c.Handler, c.StateChanged
					c.Handler = func(m *signaling.Message) error {
						_ = p.client.Send(text("answer"))
						p.client.NetworkChanged()
						_ = p.client.Stats()
						if where == "message" {
							_ = p.client.Close()
							_ = p.client.Close()
						}
						return handler(m)
					}
					c.StateChanged = func(s signaling.ClientState) {
						if where == "state" && s.Phase != signaling.ClientClosed {
							_ = p.client.Close()
						}
						changed(s)
					}
					opened, apply := a.Opened, a.Handler
					a.Opened = func(s *signaling.Session) {
						opened(s)
						_ = s.Send(text("hello"))
						if where == "opened" {
							s.Close(signaling.CodeSignedOut, "no")
							_ = s.Send(text("never"))
						}
					}
					a.Handler = func(s *signaling.Session, m *signaling.Message) error {
						if where == "apply" {
							s.Close(signaling.CodeSignedOut, "no")
						}
						return apply(s, m)
					}
				})
				_, err := p.client.Start(t.Context())
				// The service may have closed the session before it greeted the agent.
				var goodbye *signaling.GoodbyeError
				early := where == "opened" && errors.As(err, &goodbye) && goodbye.Code == signaling.CodeSignedOut
				if err != nil && !early {
					t.Fatal(err)
				}
				synctest.Wait()
				_ = p.client.Send(text("a"))
				p.net.cutAll()
				settle(time.Minute)
				got := p.agent.take()
				if !early && (len(got) == 0 || got[len(got)-1] != "closed") {
					t.Errorf("agent: %q", got)
				}
				if n := p.acceptor.Sessions(); n != 0 {
					// A client that was closed while it had no connection cannot say so.
					settle(200 * time.Second)
					if n = p.acceptor.Sessions(); n != 0 {
						t.Errorf("%d sessions left", n)
					}
				}
			})
		})
	}
}

func TestClient_QueueLimit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, func(c *signaling.ClientOptions, _ *signaling.AcceptorOptions) { c.QueueLimit = 1000 })
		if err := p.client.Send(text("early")); !errors.Is(err, signaling.ErrNotStarted) {
			t.Errorf("send before start: %v", err)
		}
		p.start()
		p.net.listen(nil)
		p.net.cutAll()
		settle(time.Millisecond)
		taken := 0
		var err error
		for err == nil {
			if err = p.client.Send(text(strings.Repeat("1", 90))); err == nil {
				taken++
			}
		}
		if !errors.Is(err, signaling.ErrQueueFull) || taken < 5 || taken > 10 {
			t.Errorf("%d taken, then %v", taken, err)
		}
		p.listen(p.acceptor)
		settle(10 * time.Second)
		send(t, p.client, "last")
		settle(time.Second)
		if got := p.service.take(); len(got) != taken+4 {
			t.Errorf("service: %q", got)
		}
		if err := p.client.Send(text(strings.Repeat("1", signaling.MaxMessage))); !errors.Is(err, signaling.ErrTooLarge) {
			t.Errorf("large message: %v", err)
		}
	})
}

func TestClient_Shutdown_DeliversFirst(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		p.net.listen(nil)
		p.net.cutAll()
		send(t, p.client, "a", "b")
		go func() {
			time.Sleep(3 * time.Second)
			p.listen(p.acceptor)
		}()
		if err := p.client.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, &p.service, "opened", "suspended", "resumed", "a", "b", "closed: <nil>")
	})
}

func TestClient_Shutdown_ContextEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.start()
		p.net.listen(nil)
		p.net.cutAll()
		send(t, p.client, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.client.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if err := p.client.Send(text("late")); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("send: %v", err)
		}
	})
}

func TestClient_StartFails_MayBeCalledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.net.listen(nil)
		if _, err := p.client.Start(t.Context()); err == nil {
			t.Fatal("start succeeded")
		}
		p.listen(p.acceptor)
		p.start()
		if _, err := p.client.Start(t.Context()); err == nil {
			t.Error("second start succeeded")
		}
	})
}

func TestClient_Start_ContextEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.net.listen(func(c signaling.Conn) {
			_, _ = c.Read(context.Background()) // hello, and never a word
			_, _ = c.Read(context.Background())
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.client.Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("start: %v", err)
		}
		begin := time.Now()
		if _, err := p.client.Start(t.Context()); err == nil || time.Since(begin) != 10*time.Second {
			t.Errorf("start: %v after %v", err, time.Since(begin))
		}
		go func() {
			time.Sleep(time.Second)
			_ = p.client.Close()
		}()
		if _, err := p.client.Start(t.Context()); !errors.Is(err, signaling.ErrClosed) {
			t.Errorf("start: %v", err)
		}
	})
}

func TestClient_Backoff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var dials []time.Time
		p := newPair(t, func(c *signaling.ClientOptions, _ *signaling.AcceptorOptions) {
			dialer := c.Dialer
			c.Dialer = signaling.DialFunc(func(ctx context.Context) (signaling.Conn, error) {
				dials = append(dials, time.Now())
				return dialer.Dial(ctx)
			})
		})
		p.start()
		settle(time.Minute)
		p.net.listen(nil)
		p.net.cutAll()
		lost := time.Now()
		settle(time.Minute)
		want := 100 * time.Millisecond
		before := lost
		for i, at := range dials[1:] {
			pause := at.Sub(before)
			if pause < want/2-time.Millisecond || pause > want+time.Millisecond {
				t.Errorf("pause %d is %v, want half to all of %v", i+1, pause, want)
			}
			before, want = at, min(2*want, 5*time.Second)
		}
		if len(dials) < 12 {
			t.Errorf("%d attempts in a minute", len(dials))
		}
	})
}

func TestClient_OverPipe(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, nil)
		c, err := signaling.NewClient(&signaling.ClientOptions{
			Dialer: p.acceptor.Dialer(), DeviceID: "in process",
			Token: func(context.Context) (string, error) { return "token", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		send(t, c, "a", "b")
		if err := c.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, &p.service, "opened", "a", "b", "closed: <nil>")
		p.start() // for the cleanup
	})
}

func TestNewClient_Options(t *testing.T) {
	for _, o := range []*signaling.ClientOptions{nil, {}, {Dialer: &rawNet{}}} {
		if _, err := signaling.NewClient(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := signaling.NewAcceptor(nil); err == nil {
		t.Error("acceptor without options was taken")
	}
}
