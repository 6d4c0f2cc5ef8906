package signaling_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/signaling"
)

// inBubble runs a test in virtual time, with the leak check around it.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	testkit.CheckLeaks(t, time.Minute)
	synctest.Test(t, f)
}

// journal collects what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// signedIn is who every token stands for unless a test says otherwise.
func signedIn(context.Context, string) (signaling.Principal, error) {
	return signaling.Principal{UserID: "alice", ResourceID: "local"}, nil
}

// pair is a client and an acceptor that note what happens to them.
type pair struct {
	t        *testing.T
	net      *rawNet
	acceptor *signaling.Acceptor
	client   *signaling.Client
	service  journal
	agent    journal

	mu      sync.Mutex
	session *signaling.Session
}

// newPair makes both; change may adjust the options.
func newPair(t *testing.T, change func(*signaling.ClientOptions, *signaling.AcceptorOptions)) *pair {
	t.Helper()
	p := &pair{t: t, net: &rawNet{}}
	ao := &signaling.AcceptorOptions{
		Authenticate: signedIn,
		Opened: func(s *signaling.Session) {
			p.mu.Lock()
			p.session = s
			p.mu.Unlock()
			p.service.add("opened")
		},
		Suspended: func(*signaling.Session) { p.service.add("suspended") },
		Resumed:   func(*signaling.Session) { p.service.add("resumed") },
		Closed:    func(_ *signaling.Session, err error) { p.service.add("closed: %v", err) },
		Handler: func(_ *signaling.Session, m *signaling.Message) error {
			p.service.add("%s", m.GetCall().GetTones())
			return nil
		},
	}
	co := &signaling.ClientOptions{
		Dialer: p.net, DeviceID: "phone", UserAgent: "test/1", DisplayName: "Alice",
		Token: func(context.Context) (string, error) { return "token", nil },
		Handler: func(m *signaling.Message) error {
			p.agent.add("%s", m.GetCall().GetTones())
			return nil
		},
		StateChanged: func(s signaling.ClientState) {
			line := s.Phase.String()
			if s.NewSession {
				line += fmt.Sprintf(" new lost=%d", s.Lost)
			}
			p.agent.add("%s", line)
		},
	}
	if change != nil {
		change(co, ao)
	}
	var err error
	if p.acceptor, err = signaling.NewAcceptor(ao); err != nil {
		t.Fatal(err)
	}
	if p.client, err = signaling.NewClient(co); err != nil {
		t.Fatal(err)
	}
	p.listen(p.acceptor)
	t.Cleanup(p.stop)
	return p
}

// listen puts an acceptor behind the network.
func (p *pair) listen(a *signaling.Acceptor) {
	p.net.listen(func(c signaling.Conn) { _ = a.Serve(context.Background(), c) })
}

func (p *pair) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.client.Shutdown(ctx); err != nil {
		p.t.Errorf("client shutdown: %v", err)
	}
	if err := p.acceptor.Shutdown(ctx); err != nil {
		p.t.Errorf("acceptor shutdown: %v", err)
	}
	p.net.wg.Wait()
}

func (p *pair) start() signaling.Welcome {
	p.t.Helper()
	w, err := p.client.Start(p.t.Context())
	if err != nil {
		p.t.Fatalf("start: %v", err)
	}
	synctest.Wait()
	return w
}

func (p *pair) current() *signaling.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

// settle lets some virtual time pass.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect compares a journal with what should be in it, and empties it.
func expect(t *testing.T, j *journal, want ...string) {
	t.Helper()
	got := j.take()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("journal: %q, want %q", got, want)
	}
}

// text is a message that carries a few characters.
func text(s string) *signaling.Message {
	return signaling.EncodeCall(callfsm.CallID{1}, callfsm.Message{Kind: callfsm.KindTones, Tones: s})
}

func send(t *testing.T, to interface {
	Send(*signaling.Message) error
}, what ...string,
) {
	t.Helper()
	for _, s := range what {
		if err := to.Send(text(s)); err != nil {
			t.Fatalf("send %s: %v", s, err)
		}
	}
}
