package signaling_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// TestSoakExactlyOnce drives a real Client and real Acceptors over a network
// that cuts connections inside frames, delivers late and twice, and over
// services that are killed between applying a message and acknowledging it.
// Every message is applied once and in order, or both ends are told of a new
// session.
func TestSoakExactlyOnce(t *testing.T) {
	testkit.CheckLeaks(t, time.Hour)
	var total tally
	testkit.Repeat(t, 300, 10_000, func(seed uint64) error {
		var err error
		synctest.Test(t, func(t *testing.T) { err = newWorld(seed).run(&total) })
		return err
	})
	t.Logf("%+v", total)
}

// tally counts what the runs met, so that a run that met nothing is noticed.
type tally struct {
	sent, applied, connections, resumes, newSessions, lost, kills, expired int
}

// world is one run.
type world struct {
	random *rand.Rand
	net    *rawNet
	log    *slog.Logger
	// deadly tells whether services get killed in this run.
	deadly bool

	mu       sync.Mutex
	service  *service
	services []*service

	client  *signaling.Client
	sent    uint64
	current *sessionLog   // what the client is in
	seen    []*sessionLog // by client
	lost    []int
	closed  bool
	problem error
}

// service is one life of the service.
type service struct {
	world    *world
	acceptor *signaling.Acceptor
	killed   bool
	sessions map[string]*sessionLog
	order    []*sessionLog
}

// sessionLog is what one end has seen of a session.
type sessionLog struct {
	id                        string
	session                   *signaling.Session
	applied                   []uint64
	sent                      uint64
	opened, closed, suspended bool
	expired                   bool
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 0x51)), log: slog.New(slog.DiscardHandler)}
	if os.Getenv("SIGNALING_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	w.net = &rawNet{random: rand.New(rand.NewPCG(seed, 0x52))}
	calm := w.random.IntN(4) == 0
	w.deadly = w.random.IntN(2) == 0
	w.net.faults = func(r *rand.Rand) faults {
		f := faults{delay: time.Duration(r.IntN(80)) * time.Millisecond, dial: time.Duration(r.IntN(50)) * time.Millisecond}
		if calm {
			return f
		}
		switch r.IntN(6) {
		case 0:
			f.cutUp = 1 + r.IntN(600)
		case 1:
			f.cutDown = 1 + r.IntN(600)
		case 2:
			f.cutUp, f.silent = 1+r.IntN(600), true
		case 3:
			f.cutDown, f.silent = 1+r.IntN(600), true
		case 4:
			f.refuse = r.IntN(3) == 0
			f.dial = time.Duration(r.IntN(3000)) * time.Millisecond
		}
		if r.IntN(4) == 0 {
			f.jitter = time.Duration(r.IntN(6000)) * time.Millisecond // an old path that delivers late
		}
		if r.IntN(3) == 0 {
			f.replay = time.Duration(1+r.IntN(5000)) * time.Millisecond
		}
		return f
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.problem == nil {
		w.problem = fmt.Errorf(format, args...)
	}
}

// boot starts a service.
func (w *world) boot(noCompression bool) {
	s := &service{world: w, sessions: map[string]*sessionLog{}}
	var err error
	s.acceptor, err = signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(context.Context, string) (signaling.Principal, error) {
			return signaling.Principal{UserID: "alice", ResourceID: "local"}, nil
		},
		Opened: s.opened, Handler: s.apply, Closed: s.closed,
		Suspended: func(x *signaling.Session) { s.suspend(x, true) },
		Resumed:   func(x *signaling.Session) { s.suspend(x, false) },
		Logger:    w.log, NoCompression: noCompression,
	})
	if err != nil {
		w.fail("acceptor: %w", err)
		return
	}
	w.mu.Lock()
	w.service = s
	w.services = append(w.services, s)
	w.mu.Unlock()
	w.net.listen(func(c signaling.Conn) { _ = s.acceptor.Serve(context.Background(), c) })
}

// kill ends the service as a crash does: no goodbye, no memory.
func (w *world) kill() {
	w.mu.Lock()
	s := w.service
	s.killed = true
	w.mu.Unlock()
	w.net.listen(nil)
	w.net.cutAll()
}

func (s *service) get(x *signaling.Session) *sessionLog {
	l := s.sessions[x.ID()]
	if l == nil {
		l = &sessionLog{id: x.ID(), session: x}
		s.sessions[x.ID()] = l
		s.order = append(s.order, l)
	}
	return l
}

func (s *service) opened(x *signaling.Session) {
	w := s.world
	w.mu.Lock()
	l := s.get(x)
	again := l.opened
	l.opened = true
	w.mu.Unlock()
	if again {
		w.fail("session %s opened twice", x.ID())
	}
}

func (s *service) suspend(x *signaling.Session, on bool) {
	w := s.world
	w.mu.Lock()
	l := s.get(x)
	wrong := l.closed || l.suspended == on || !l.opened
	l.suspended = on
	w.mu.Unlock()
	if wrong {
		w.fail("session %s: suspended %v out of turn", x.ID(), on)
	}
}

func (s *service) closed(x *signaling.Session, err error) {
	w := s.world
	w.mu.Lock()
	l := s.get(x)
	again := l.closed
	l.closed = true
	l.expired = errors.Is(err, signaling.ErrSessionExpired)
	w.mu.Unlock()
	if again {
		w.fail("session %s closed twice", x.ID())
	}
}

var errKilled = errors.New("killed")

func (s *service) apply(x *signaling.Session, m *signaling.Message) error {
	w := s.world
	w.mu.Lock()
	l := s.get(x)
	if s.killed {
		w.mu.Unlock()
		return errKilled
	}
	if !l.opened || l.closed {
		w.mu.Unlock()
		w.fail("session %s: message while not open", x.ID())
		return nil
	}
	n, _ := payload(m)
	l.applied = append(l.applied, n)
	die := w.deadly && w.random.IntN(60) == 0 && len(w.services) < 4
	answers := w.random.IntN(3)
	slow := w.slowLocked()
	w.mu.Unlock()
	time.Sleep(slow)
	for range answers {
		s.send(x)
	}
	if die {
		w.kill() // applied, and the ack will never get out
		return errKilled
	}
	return nil
}

// send sends the next message of a session to the agent.
func (s *service) send(x *signaling.Session) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	l := s.get(x)
	if err := x.Send(message(l.sent+1, x.ID(), w.random)); err == nil {
		l.sent++
	}
}

// message makes one that says its number and session.
func message(n uint64, session string, r *rand.Rand) *signaling.Message {
	call := make([]byte, 16)
	call[0] = byte(r.IntN(3))
	name := session + string(make([]byte, r.IntN(40)))
	if r.IntN(30) == 0 {
		name += string(make([]byte, r.IntN(100_000)))
	}
	return &signaling.Message{
		CallId: append(call[:8], binary.BigEndian.AppendUint64(nil, n%5)...),
		Body: &signalpb.Message_Call{Call: &signalpb.CallSignal{
			From: fmt.Sprint(n), DisplayName: name, To: fmt.Sprint(n % 5),
		}},
	}
}

func payload(m *signaling.Message) (n uint64, session string) {
	_, _ = fmt.Sscan(m.GetCall().GetFrom(), &n)
	if len(m.GetCallId()) != 16 || binary.BigEndian.Uint64(m.GetCallId()[8:]) != n%5 {
		return 0, ""
	}
	name := m.GetCall().GetDisplayName()
	return n, name[:min(len(name), 32)]
}

// handle is the client's handler.
func (w *world) handle(m *signaling.Message) error {
	n, session := payload(m)
	w.mu.Lock()
	slow := w.slowLocked()
	w.mu.Unlock()
	time.Sleep(slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.problem = errors.Join(w.problem, errors.New("client: message after close"))
	}
	if session != w.current.id {
		w.problem = errors.Join(w.problem, fmt.Errorf("client: message of session %q in %q", session, w.current.id))
	}
	w.current.applied = append(w.current.applied, n)
	return nil
}

// slowLocked is how long a handler takes: a message may have been received,
// and not yet applied, when its connection is lost.
func (w *world) slowLocked() time.Duration {
	if w.random.IntN(10) > 0 {
		return 0
	}
	return time.Duration(w.random.IntN(1500)) * time.Millisecond
}

func (w *world) state(s signaling.ClientState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s.Phase {
	case signaling.ClientConnected:
		if s.NewSession {
			w.lost = append(w.lost, s.Lost)
			w.enter(s.Welcome.SessionID)
		}
		if s.Welcome.SessionID != w.current.id {
			w.problem = errors.Join(w.problem, errors.New("client: session changed without a word"))
		}
	case signaling.ClientReconnecting:
	case signaling.ClientClosed:
		w.closed = true
	}
}

func (w *world) enter(id string) {
	w.current = &sessionLog{id: id}
	w.seen = append(w.seen, w.current)
}

func (w *world) run(total *tally) error {
	w.boot(w.random.IntN(2) == 0)
	var err error
	w.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer: w.net, Token: func(context.Context) (string, error) { return "token", nil }, DeviceID: "phone",
		Handler: w.handle, StateChanged: w.state, NoCompression: w.random.IntN(2) == 0, Logger: w.log,
	})
	if err != nil {
		return err
	}
	for {
		// The client's own states come after Start only, so the session is
		// entered under the lock that the handler needs.
		w.mu.Lock()
		welcome, err := w.startLocked()
		if err == nil {
			w.enter(welcome.SessionID)
			w.mu.Unlock()
			break
		}
		w.mu.Unlock()
		time.Sleep(time.Second)
		w.reboot()
	}
	for range 20 + w.random.IntN(60) {
		w.step()
	}
	w.settle()
	w.check(total)
	return w.problem
}

// startLocked starts the client; the handler waits meanwhile.
func (w *world) startLocked() (signaling.Welcome, error) {
	w.mu.Unlock()
	defer w.mu.Lock()
	welcome, err := w.client.Start(context.Background())
	return welcome, err
}

func (w *world) reboot() {
	w.mu.Lock()
	killed := w.service.killed
	w.mu.Unlock()
	if killed {
		w.boot(w.random.IntN(2) == 0)
	}
}

// step does one random thing.
func (w *world) step() {
	w.mu.Lock()
	what := w.random.IntN(100)
	pause := time.Duration(w.random.IntN(400)) * time.Millisecond
	many := 1 + w.random.IntN(8)
	s := w.service
	w.mu.Unlock()
	switch {
	case what < 45:
		for range many {
			w.sendUp()
		}
	case what < 70:
		for range many {
			w.sendDown(s)
		}
	case what < 80:
		w.net.cutAll()
	case what < 86:
		w.client.NetworkChanged()
	case what < 87:
		// Away for longer than the session is kept.
		w.net.listen(nil)
		w.net.cutAll()
		time.Sleep(200 * time.Second)
		w.mu.Lock()
		again := w.service.acceptor
		w.mu.Unlock()
		w.net.listen(func(c signaling.Conn) { _ = again.Serve(context.Background(), c) })
	case what < 89:
		time.Sleep(30 * time.Second)
	}
	time.Sleep(pause)
	w.reboot()
}

func (w *world) sendUp() {
	w.mu.Lock()
	m := message(w.sent+1, "", w.random)
	w.mu.Unlock()
	switch err := w.client.Send(m); {
	case err == nil:
		w.mu.Lock()
		w.sent++
		w.mu.Unlock()
	case errors.Is(err, signaling.ErrQueueFull), errors.Is(err, signaling.ErrSessionLost):
	default:
		w.fail("send: %w", err)
	}
}

func (w *world) sendDown(s *service) {
	w.mu.Lock()
	var open []*sessionLog
	for _, l := range s.order {
		if l.opened && !l.closed && !s.killed {
			open = append(open, l)
		}
	}
	w.mu.Unlock()
	for _, l := range open {
		s.send(l.session)
	}
}

// settle makes the network good and waits until all is quiet.
func (w *world) settle() {
	w.mu.Lock()
	w.net.mu.Lock()
	w.net.faults = nil
	w.net.mu.Unlock()
	w.mu.Unlock()
	for range 20 {
		time.Sleep(20 * time.Second)
		w.reboot()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.client.Shutdown(ctx); err != nil {
		w.fail("client shutdown: %w", err)
	}
	time.Sleep(time.Second)
	w.net.listen(nil)
	for _, s := range w.services {
		if err := s.acceptor.Shutdown(ctx); err != nil {
			w.fail("acceptor shutdown: %w", err)
		}
		if n := s.acceptor.Sessions(); n != 0 {
			w.fail("%d sessions left", n)
		}
	}
	w.net.wg.Wait()
}

// check compares what was sent with what was applied.
func (w *world) check(total *tally) {
	var upward []uint64
	for i, s := range w.services {
		total.kills += boolToInt(s.killed)
		for _, l := range s.order {
			upward = append(upward, l.applied...)
			total.expired += boolToInt(l.expired)
			for k := 1; k < len(l.applied); k++ {
				if l.applied[k] != l.applied[k-1]+1 {
					w.fail("service %d, session %s: applied %d after %d", i, l.id, l.applied[k], l.applied[k-1])
				}
			}
			if !l.opened || !l.closed {
				w.fail("session %s: opened %v, closed %v", l.id, l.opened, l.closed)
			}
			w.checkDown(s, l)
		}
	}
	if !slices.IsSorted(upward) || len(slices.Compact(slices.Clone(upward))) != len(upward) {
		w.fail("service applied out of order or twice: %v", upward)
	}
	allowed := 0
	for _, n := range w.lost {
		allowed += n
	}
	if missing := int(w.sent) - len(upward); missing > allowed {
		w.fail("%d of %d messages are missing, %d were reported as lost", missing, w.sent, allowed)
	}
	if len(upward) > 0 && upward[len(upward)-1] > w.sent {
		w.fail("applied what was not sent")
	}
	stats := w.client.Stats()
	total.sent += int(w.sent)
	total.applied += len(upward)
	total.connections += int(stats.Connections)
	total.resumes += int(stats.Resumes)
	total.newSessions += len(w.lost)
	total.lost += int(w.sent) - len(upward)
}

// checkDown compares what a session sent with what the client applied of it.
func (w *world) checkDown(s *service, l *sessionLog) {
	for i, c := range w.seen {
		if c.id != l.id {
			continue
		}
		for k, n := range c.applied {
			if n != uint64(k+1) {
				w.fail("client, session %s: message %d at place %d", l.id, n, k+1)
				return
			}
		}
		if i == len(w.seen)-1 && !s.killed && uint64(len(c.applied)) != l.sent {
			w.fail("client, last session: applied %d of %d", len(c.applied), l.sent)
		}
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
