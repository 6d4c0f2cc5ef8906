package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
)

func TestNew_Options(t *testing.T) {
	dialer := signaling.DialFunc(func(context.Context) (signaling.Conn, error) { return nil, errors.New("no") })
	for name, c := range map[string]struct {
		options *engine.Options
		ok      bool
	}{
		"nil":      {nil, false},
		"neither":  {&engine.Options{}, false},
		"both":     {&engine.Options{Dialer: dialer, Endpoint: "https://localhost"}, false},
		"dialer":   {&engine.Options{Dialer: dialer}, true},
		"endpoint": {&engine.Options{Endpoint: "https://localhost:1"}, true},
	} {
		client, err := engine.New(c.options)
		if (err == nil) != c.ok || !c.ok && !errors.Is(err, engine.ErrInvalidOptions) {
			t.Errorf("%s: %v", name, err)
		}
		if client != nil {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNewCallAgent_Refused(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	client, err := engine.New(&engine.Options{Dialer: s.dialer()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	if _, err := client.NewCallAgent(ctx, nil, nil); !errors.Is(err, engine.ErrInvalidOptions) {
		t.Errorf("without a credential: %v", err)
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	for name, cred := range map[string]engine.TokenCredential{
		"bad token":     engine.NewStaticTokenCredential("bad"),
		"expired token": engine.NewStaticTokenCredential("old"),
		"known as expired": engine.TokenRefresher(func(context.Context) (engine.AccessToken, error) {
			return engine.AccessToken{Token: user("alice"), ExpiresOn: yesterday}, nil
		}),
		"no token": engine.TokenRefresher(func(context.Context) (engine.AccessToken, error) {
			return engine.AccessToken{}, errors.New("the app's server is down")
		}),
	} {
		if _, err := client.NewCallAgent(ctx, cred, nil); !errors.Is(err, engine.ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := client.NewCallAgent(cancelled, engine.NewStaticTokenCredential(user("alice")), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.NewCallAgent(ctx, engine.NewStaticTokenCredential(user("alice")), nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("on a closed client: %v", err)
	}
}

// cutDialer makes connections that a test can cut.
type cutDialer struct {
	signaling.Dialer
	mu    sync.Mutex
	conns []signaling.Conn
	down  bool
	dials int
}

func (d *cutDialer) Dial(ctx context.Context) (signaling.Conn, error) {
	d.mu.Lock()
	d.dials++
	down := d.down
	d.mu.Unlock()
	if down {
		return nil, errors.New("the network is down")
	}
	conn, err := d.Dialer.Dial(ctx)
	if err == nil {
		d.mu.Lock()
		d.conns = append(d.conns, conn)
		d.mu.Unlock()
	}
	return conn, err
}

func (d *cutDialer) cut(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
	for _, c := range d.conns {
		_ = c.Close(1006, "cut")
	}
	d.conns = nil
}

func (d *cutDialer) setDown(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

func withDialer(d signaling.Dialer) func(*setup) { return func(s *setup) { s.options.Dialer = d } }

func TestAgent_ConnectionLostAndFound(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	cut := &cutDialer{Dialer: s.dialer()}
	alice, bob := signIn(t, nil, "alice", withDialer(cut)), signIn(t, s.dialer(), "bob")
	ear := newEar(440)
	a, b := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Audio = engine.NewLocalAudioTrack(&toneSource{frequency: 440})
	}, func(o *engine.AcceptCallOptions) { o.AudioSink = ear })
	ear.hears(t)
	cut.cut(true)
	alice.wait("agent Connected → Reconnecting")
	if alice.agent.ConnectionState() != engine.ConnectionStateReconnecting {
		t.Errorf("state %v", alice.agent.ConnectionState())
	}
	// Media does not care, and what is said meanwhile is said later.
	ear.hears(t)
	alice.do("mute", a.Mute)
	ear.hearsNothing(t)
	cut.setDown(false)
	alice.agent.NetworkChanged()
	alice.wait("agent Reconnecting → Connected")
	bob.wait("participant muted true")
	if a.State() != engine.CallStateConnected || b.State() != engine.CallStateConnected {
		t.Errorf("states %v and %v", a.State(), b.State())
	}
	alice.hangUp(a)
}

// TestAgent_TokenRefreshed: when the token has expired, the credential is asked
// for another one, and the agent goes on.
func TestAgent_TokenRefreshed(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	cut := &cutDialer{Dialer: s.dialer()}
	var asked atomic.Int32
	alice := signIn(t, nil, "alice", withDialer(cut), func(s *setup) {
		s.cred = engine.TokenRefresher(func(context.Context) (engine.AccessToken, error) {
			if asked.Add(1) == 2 {
				return engine.AccessToken{Token: "old"}, nil
			}
			return engine.AccessToken{Token: user("alice")}, nil
		})
	})
	cut.cut(false)
	alice.wait("agent Connected → Reconnecting")
	alice.wait("agent Reconnecting → Connected")
	if asked.Load() < 3 {
		t.Errorf("the credential was asked %d times", asked.Load())
	}
}

// TestAgent_NoFreshToken: the app is told when the credential has no token.
func TestAgent_NoFreshToken(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	cut := &cutDialer{Dialer: s.dialer()}
	var asked atomic.Int32
	var broken atomic.Bool
	alice := signIn(t, nil, "alice", withDialer(cut), func(s *setup) {
		s.cred = engine.TokenRefresher(func(context.Context) (engine.AccessToken, error) {
			asked.Add(1)
			if broken.Load() {
				return engine.AccessToken{}, errors.New("the app's server is down")
			}
			return engine.AccessToken{Token: user("alice")}, nil
		})
	})
	broken.Store(true)
	cut.cut(false)
	alice.wait("agent error engine: unauthorized: the credential gave no token")
	broken.Store(false)
	alice.wait("agent Reconnecting → Connected")
}

// TestAgent_Replaced: the same device signs in elsewhere; the old agent is over.
func TestAgent_Replaced(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{Teardown: 300 * time.Millisecond})
	short := func(s *setup) { s.options.Timeouts.Teardown = 300 * time.Millisecond }
	old, bob := signIn(t, s.dialer(), "alice", withDevice("phone"), short), signIn(t, s.dialer(), "bob")
	a, _ := connect(old, bob, nil, nil)
	signIn(t, s.dialer(), "alice", withDevice("phone"))
	old.wait("agent Connected → Disconnected")
	<-a.Done()
	bob.wait("state Disconnected")
	_, err := old.agent.StartCall(context.Background(), []engine.Identifier{bob.agent.Identifier()}, nil)
	if !errors.Is(err, engine.ErrClosed) {
		t.Errorf("a replaced agent places a call: %v", err)
	}
}

func TestAgent_Shutdown(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a, _ := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), newEar(700)
	}, nil)
	alice.do("shut down", alice.client.Shutdown)
	<-a.Done()
	// All that was queued was delivered.
	alice.order("state Disconnecting", "state Disconnected", "calls +0 -1", "agent Connected → Disconnected")
	bob.wait("ended 0/0")
	alice.do("shut down again", alice.agent.Shutdown)
	if err := alice.agent.Close(); err != nil {
		t.Error(err)
	}
	if _, err := alice.agent.StartCall(context.Background(), []engine.Identifier{bob.agent.Identifier()}, nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("a call after Shutdown: %v", err)
	}
}

// TestAgent_CloseEndsTheOtherSide: Close does not wait, yet the other side
// learns that this one has left.
func TestAgent_CloseEndsTheOtherSide(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	alice, bob := signIn(t, s.dialer(), "alice"), signIn(t, s.dialer(), "bob")
	a, _ := connect(alice, bob, nil, nil)
	if err := alice.client.Close(); err != nil {
		t.Error(err)
	}
	<-a.Done()
	if a.State() != engine.CallStateDisconnected {
		t.Errorf("state %v", a.State())
	}
	bob.wait("state Disconnected")
	if err := a.HangUp(context.Background(), nil); err != nil {
		t.Errorf("hanging up after Close: %v", err)
	}
}

// TestAgent_ShutdownGivesUp: a service that answers nothing cannot keep it.
func TestAgent_ShutdownGivesUp(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	cut := &cutDialer{Dialer: s.dialer()}
	alice, bob := signIn(t, nil, "alice", withDialer(cut)), signIn(t, s.dialer(), "bob")
	a, b := connect(alice, bob, nil, nil)
	cut.cut(true)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := alice.agent.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-a.Done()
	bob.hangUp(b)
}

// TestCall_HangUpWithoutService: without a confirmation the call ends by itself.
func TestCall_HangUpWithoutService(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newMiniService(t, callfsm.Timeouts{})
	cut := &cutDialer{Dialer: s.dialer()}
	short := func(s *setup) { s.options.Timeouts.Teardown = 200 * time.Millisecond }
	alice, bob := signIn(t, nil, "alice", withDialer(cut), short), signIn(t, s.dialer(), "bob")
	a, b := connect(alice, bob, nil, nil)
	cut.cut(true)
	alice.wait("agent Connected → Reconnecting")
	alice.hangUp(a)
	alice.order("state Disconnecting", "state Disconnected", "ended 0/0")
	bob.hangUp(b)
}

func isUnauthorized(err error) bool { return errors.Is(err, engine.ErrUnauthorized) }
