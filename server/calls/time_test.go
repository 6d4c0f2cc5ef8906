package calls_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/calls"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// These tests run the service of calls on virtual time: real sessions over
// pipes, a real database, timers at their full values.

// localBus is a bus within the test.
type localBus struct {
	mu   sync.Mutex
	subs []func(subject string, data []byte)
}

func (b *localBus) Publish(subject string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.subs {
		f(subject, data)
	}
	return nil
}

func (b *localBus) Subscribe(_ string, handler func(subject string, data []byte)) (calls.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = append(b.subs, handler)
	return closer{}, nil
}

type closer struct{}

func (closer) Close() error { return nil }

// countingRelay numbers the credentials that it gives out.
type countingRelay struct{ given atomic.Uint64 }

func (r *countingRelay) RelayServers(string) *signaling.RelayServers {
	return &signaling.RelayServers{Servers: []*signalpb.RelayServers_Server{{Username: fmt.Sprint(r.given.Add(1))}}}
}

func (r *countingRelay) Lifetime() time.Duration { return 12 * time.Hour }

var resource = guid.New().String()

func user(name string) string { return "8:acs:" + resource + "_" + name }

// world is a service whose tokens are the names of users.
type world struct {
	t     *testing.T
	path  string
	store *store.Store
	relay *countingRelay

	mu    sync.Mutex
	calls *calls.Service
}

// service returns the one that runs now.
func (w *world) service() *calls.Service {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

func newWorld(t *testing.T, path string) *world {
	t.Helper()
	w := &world{t: t, path: path, relay: &countingRelay{}}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.store, err = store.Open(context.Background(), store.Options{Path: w.path, URL: testkit.Database(w.t, w.path)}); err != nil {
		w.t.Fatal(err)
	}
	opened, err := calls.Open(context.Background(), calls.Options{
		Authenticate: func(_ context.Context, token string) (signaling.Principal, error) {
			return signaling.Principal{UserID: user(token), ResourceID: resource}, nil
		},
		Store: w.store, Bus: &localBus{}, Relay: w.relay,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = opened
}

func (w *world) close() {
	if err := w.service().Shutdown(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// end is an agent that can be cut off.
type end struct {
	t      *testing.T
	client *signaling.Client
	heard  chan *signaling.Message
	states chan signaling.ClientState

	mu   sync.Mutex
	off  bool
	last signaling.Conn
}

func (w *world) signIn(name, device string) *end {
	w.t.Helper()
	e := &end{t: w.t, heard: make(chan *signaling.Message, 1000), states: make(chan signaling.ClientState, 1000)}
	var err error
	e.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer: signaling.DialFunc(func(ctx context.Context) (signaling.Conn, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.off {
				return nil, errors.New("no network")
			}
			conn, err := w.service().Dialer().Dial(ctx)
			e.last = conn
			return conn, err
		}),
		Token:        func(context.Context) (string, error) { return name, nil },
		DeviceID:     device,
		Handler:      func(m *signaling.Message) error { e.heard <- m; return nil },
		StateChanged: func(s signaling.ClientState) { e.states <- s },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { e.client.Close() })
	if _, err := e.client.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// cut takes the network away or gives it back.
func (e *end) cut(off bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.off = off
	if off {
		e.last.Close(1006, "cut")
	}
}

func (e *end) send(id callfsm.CallID, m callfsm.Message) {
	e.t.Helper()
	if err := e.client.Send(signaling.EncodeCall(id, m)); err != nil {
		e.t.Fatal(err)
	}
}

// expect returns the next message and how long it took.
func (e *end) expect(id callfsm.CallID, kind callfsm.MessageKind) (callfsm.Message, time.Duration) {
	e.t.Helper()
	began := time.Now()
	select {
	case raw := <-e.heard:
		got, m, err := signaling.DecodeCall(raw)
		if err != nil || got != id || m.Kind != kind {
			e.t.Fatalf("heard %v of %v (%v), want %v", m.Kind, got, raw, kind)
		}
		return m, time.Since(began)
	case <-time.After(time.Hour):
		e.t.Fatalf("no %v in an hour", kind)
		return callfsm.Message{}, 0
	}
}

func (e *end) expectEnd(id callfsm.CallID, reason callfsm.ReasonName, after time.Duration) {
	e.t.Helper()
	m, took := e.expect(id, callfsm.KindEnded)
	if !m.Reason.Is(reason.Reason()) {
		e.t.Errorf("ended with %v, want %v", m.Reason, reason.Reason())
	}
	// A message may wait for the delayed acknowledgment before it.
	if took < after-time.Second || took > after+time.Second {
		e.t.Errorf("after %v, want %v", took, after)
	}
}

// talking returns two ends in a call that is connected.
func (w *world) talking(id callfsm.CallID) (caller, callee *end) {
	w.t.Helper()
	caller, callee = w.signIn("alice", "a"), w.signIn("bob", "b")
	caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: user("bob")})
	caller.expect(id, callfsm.KindStarted)
	callee.expect(id, callfsm.KindIncoming)
	callee.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: 1})
	caller.expect(id, callfsm.KindRinging)
	callee.send(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: 1})
	caller.expect(id, callfsm.KindAccepted)
	callee.expect(id, callfsm.KindConfirmed)
	caller.send(id, callfsm.Message{Kind: callfsm.KindConnected})
	callee.send(id, callfsm.Message{Kind: callfsm.KindConnected})
	synctest.Wait()
	return caller, callee
}

func onVirtualTime(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	testkit.CheckLeaks(t, 2*time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, path)) })
}

func TestCall_NoAnswer_EndsAfter85Seconds(t *testing.T) {
	onVirtualTime(t, func(_ *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.signIn("alice", "a"), w.signIn("bob", "b")
		caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: user("bob")})
		caller.expect(id, callfsm.KindStarted)
		callee.expect(id, callfsm.KindIncoming)
		callee.send(id, callfsm.Message{Kind: callfsm.KindRinging, Leg: 1})
		caller.expect(id, callfsm.KindRinging)
		caller.expectEnd(id, callfsm.ReasonNoAnswer, 85*time.Second)
		callee.expectEnd(id, callfsm.ReasonNoAnswer, 0)
	})
}

func TestCall_NothingRings_EndsAfter85Seconds(t *testing.T) {
	onVirtualTime(t, func(_ *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.signIn("alice", "a"), w.signIn("bob", "b")
		caller.send(id, callfsm.Message{Kind: callfsm.KindStart, To: user("bob")})
		caller.expect(id, callfsm.KindStarted)
		callee.expect(id, callfsm.KindIncoming)
		caller.expectEnd(id, callfsm.ReasonNotEstablished, 85*time.Second)
	})
}

func TestCall_SignalingLostFor100Seconds_GoesOn(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.talking(id)
		callee.cut(true)
		time.Sleep(20 * time.Second)
		if s := w.service().Stats(); s.Suspended != 1 || s.Calls != 1 {
			t.Errorf("stats %+v", s)
		}
		caller.send(id, callfsm.Message{Kind: callfsm.KindHold})
		time.Sleep(80 * time.Second)
		callee.cut(false)
		callee.expect(id, callfsm.KindHold)
		time.Sleep(time.Hour)
		if s := w.service().Stats(); s.Calls != 1 || s.Accepted != 1 || s.Suspended != 0 {
			t.Errorf("stats %+v", s)
		}
		callee.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
		caller.expectEnd(id, callfsm.ReasonNone, 0)
		callee.expectEnd(id, callfsm.ReasonNone, 0)
	})
}

func TestCall_SignalingLostForGood_EndsAfter120Seconds(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.talking(id)
		callee.cut(true)
		caller.expectEnd(id, callfsm.ReasonNetworkLost, 120*time.Second)
		// The other end hears of it when it is back in its session.
		callee.cut(false)
		if m, took := callee.expect(id, callfsm.KindEnded); !m.Reason.Is(callfsm.ReasonNetworkLost.Reason()) || took > 6*time.Second {
			t.Errorf("%v after %v", m.Reason, took)
		}
		if s := w.service().Stats(); s.Calls != 0 || s.Ended != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCall_ServiceStartedAgain_NobodyComesBack(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.talking(id)
		callee.cut(true)
		time.Sleep(time.Second)
		w.close()
		time.Sleep(time.Second)
		w.open()
		if s := w.service().Stats(); s.Restored != 1 || s.Calls != 1 {
			t.Fatalf("stats %+v", s)
		}
		for s := range caller.states {
			if s.Phase == signaling.ClientConnected && s.NewSession {
				break
			}
		}
		err := caller.client.Send(signaling.EncodeReconcile([]signaling.ReconcileCall{{
			ID: id, State: callfsm.Message{Kind: callfsm.KindReconcile, State: callfsm.StateConnected},
		}}))
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := caller.expect(id, callfsm.KindReconciled); m.State != callfsm.StateConnected {
			t.Errorf("%+v", m)
		}
		m, took := caller.expect(id, callfsm.KindEnded)
		if !m.Reason.Is(callfsm.ReasonNetworkLost.Reason()) || took > 121*time.Second {
			t.Errorf("%v after %v", m.Reason, took)
		}
	})
}

func TestCall_NotNamedInANewSession_IsOver(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.talking(id)
		// A message that is no call's makes the service end the session; the
		// agent opens another one.
		if err := callee.client.Send(&signaling.Message{CallId: []byte("short"), Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{Kind: 1}}}); err != nil {
			t.Fatal(err)
		}
		for s := range callee.states {
			if s.Phase == signaling.ClientConnected && s.NewSession {
				break
			}
		}
		if s := w.service().Stats(); s.Calls != 1 {
			t.Errorf("the call ended with the session: %+v", s)
		}
		if err := callee.client.Send(signaling.EncodeReconcile(nil)); err != nil {
			t.Fatal(err)
		}
		caller.expectEnd(id, callfsm.ReasonAbruptExit, 0)
	})
}

func TestRelay_CredentialsAreRenewed(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		a := w.signIn("alice", "a")
		began := time.Now()
		m := <-a.heard
		if took := time.Since(began); m.GetRelay() == nil || took < 5*time.Hour || took > 7*time.Hour {
			t.Errorf("heard %v after %v", m, took)
		}
		if m = <-a.heard; m.GetRelay() == nil || time.Since(began) < 11*time.Hour {
			t.Errorf("heard %v after %v", m, time.Since(began))
		}
		if s := m.GetRelay().GetServers(); len(s) != 1 || s[0].GetUsername() != "3" {
			t.Errorf("the third credentials are %v", s)
		}
	})
}

func TestEnded_RecordsAreDeleted(t *testing.T) {
	onVirtualTime(t, func(t *testing.T, w *world) {
		id := callfsm.NewCallID()
		caller, callee := w.talking(id)
		caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
		caller.expect(id, callfsm.KindEnded)
		callee.expect(id, callfsm.KindEnded)
		count := func() (n int) {
			err := w.store.Read(context.Background(), func(q store.Querier) error {
				return q.QueryRow("SELECT count(*) FROM calls").Scan(&n)
			})
			if err != nil {
				t.Error(err)
			}
			return n
		}
		time.Sleep(23 * time.Hour)
		if n := count(); n != 1 {
			t.Errorf("%d records after 23 hours", n)
		}
		time.Sleep(2 * time.Hour)
		if n := count(); n != 0 {
			t.Errorf("%d records after 25 hours", n)
		}
	})
}
