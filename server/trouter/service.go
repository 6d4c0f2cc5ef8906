package trouter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

// Bus is what this needs of the message bus.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler func(subject string, data []byte)) (Subscription, error)
}

// Subscription is a running subscription of a Bus.
type Subscription interface {
	Close() error
}

// Hub hands out events, as chat.Hub does.
type Hub interface {
	Join(ctx context.Context, user string, sink chat.Sink) (detach func(), err error)
}

// Principal is who a token stands for.
type Principal struct {
	// User is the raw id.
	User string
	// Resource is the id of the user's resource.
	Resource string
	// Scopes are the token's; Recheck does not know them.
	Scopes []string
	// Issued and Expires are the token's.
	Issued, Expires time.Time
}

// Options configure the service. Those without a default are required.
type Options struct {
	Hub Hub
	Bus Bus
	// Secret signs tickets; the nodes of a cluster share it.
	Secret []byte
	// Resources finds the resource that a request is for.
	Resources front.Resources
	// Authenticate checks a user access token of a resource. Its errors are
	// those of front.Authenticators.
	Authenticate func(ctx context.Context, token string, res *resource.Resource) (Principal, error)
	// Void tells whether the tokens of a user that were issued at a moment are
	// void by now.
	Void func(ctx context.Context, user string, issued time.Time) (bool, error)
	// MaxQueue is how many bytes may wait for a client. Zero: 1 MiB.
	MaxQueue int
	// MaxConnections is how many connections a user has on this node; a further
	// one ends the oldest. Zero: 64.
	MaxConnections int
	// PollTime is how long a poll waits for something to tell; zero: 20 s.
	PollTime time.Duration
	// Alone says that there are no other nodes, so that a connection of another
	// one is over.
	Alone bool
	// AnswerTime is how long another node may take to say that it has a poll
	// before it counts as gone; zero: three seconds.
	AnswerTime time.Duration
	// Silence is after how long without a word from the client a connection
	// ends; zero: two minutes. Clients say something every 40 s.
	Silence time.Duration
	// Now is the clock of tokens; nil is time.Now.
	Now func() time.Time
	// Logger hears of failures; nil is silent.
	Logger *slog.Logger
}

func (o *Options) defaults() {
	if o.MaxQueue == 0 {
		o.MaxQueue = 1 << 20
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 64
	}
	if o.PollTime == 0 {
		o.PollTime = 20 * time.Second
	}
	if o.AnswerTime == 0 {
		o.AnswerTime = 3 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

const (
	// subjectOpened tells the other nodes of a connection, so that an older one
	// of the same client instance ends there.
	subjectOpened = "parley.trouter.opened"
	// subjectEnd, with a raw id behind it, ends the connections of a user.
	subjectEnd = "parley.trouter.end"
	// subjectNode, with a node's id behind it, carries polls that came to a node
	// to the one that has their connection, and the answers.
	subjectNode = "parley.trouter.node"
)

// Service keeps the connections of one node. Its methods may be called from
// any goroutine.
type Service struct {
	options       Options
	node          string
	subscriptions []Subscription
	pushes        pushes

	stopping chan struct{}
	refuse   func(w http.ResponseWriter, r *http.Request, err *front.Error) // set by Routes

	mu      sync.Mutex
	users   map[string][]*connection // oldest first
	polls   map[pollKey]*connection
	asked   map[uint64]chan relayed // of other nodes, by number
	number  uint64                  // of the last one
	closed  bool
	running sync.WaitGroup // under mu until closed
}

// pollKey names a connection of polls: a client that takes the id of another
// one's has one of its own.
type pollKey struct{ allocation, id string }

// Open starts the service. Close it when done.
func Open(options Options) (*Service, error) {
	options.defaults()
	s := &Service{
		options: options, node: guid.New().String(), users: map[string][]*connection{}, polls: map[pollKey]*connection{},
		asked: map[uint64]chan relayed{}, stopping: make(chan struct{}),
	}
	for subject, handler := range map[string]func(subject string, data []byte){
		subjectOpened: s.opened, subjectEnd + ".>": s.ended, subjectNode + "." + s.node: s.relayed,
	} {
		subscription, err := options.Bus.Subscribe(subject, handler)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("trouter: open: %w", err), s.Close())
		}
		s.subscriptions = append(s.subscriptions, subscription)
	}
	return s, nil
}

// Close tells the clients to connect again, elsewhere, and waits until their
// connections are over. It is idempotent.
func (s *Service) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		s.running.Wait()
		return nil
	}
	close(s.stopping)
	s.each(func(c *connection) { c.end(errClosing) })
	s.running.Wait()
	var errs []error
	for _, subscription := range s.subscriptions {
		errs = append(errs, subscription.Close())
	}
	return errors.Join(errs...)
}

// EndUser ends all connections of a user, on every node.
func (s *Service) EndUser(user string) error {
	return s.options.Bus.Publish(subjectEnd+"."+user, nil)
}

// Recheck ends the connections of this node whose tokens are void.
func (s *Service) Recheck(void func(p Principal) bool) {
	s.each(func(c *connection) {
		if void(Principal{User: c.ticket.User, Resource: c.ticket.Resource, Issued: c.ticket.Issued, Expires: c.ticket.Expires}) {
			c.end(errVoid)
		}
	})
}

// Missed ends all connections of this node: events may be lost of which nothing
// more is known. Their clients connect again and read anew what they show.
func (s *Service) Missed() { s.each(func(c *connection) { c.end(errMissed) }) }

// Connections returns how many connections there are on this node.
func (s *Service) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, list := range s.users {
		n += len(list)
	}
	return n
}

func (s *Service) each(f func(*connection)) {
	s.mu.Lock()
	var all []*connection
	for _, list := range s.users {
		all = append(all, list...)
	}
	s.mu.Unlock()
	for _, c := range all {
		f(c)
	}
}

func (s *Service) ended(subject string, _ []byte) {
	user := strings.TrimPrefix(subject, subjectEnd+".")
	s.each(func(c *connection) {
		if c.ticket.User == user {
			c.end(errVoid)
		}
	})
}

// opened ends what a client instance has open here, now that it is connected to
// another node.
func (s *Service) opened(_ string, data []byte) {
	node, rest, _ := strings.Cut(string(data), " ")
	user, endpoint, ok := strings.Cut(rest, " ")
	if !ok || node == s.node {
		return
	}
	s.mu.Lock()
	list := append([]*connection(nil), s.users[user]...)
	s.mu.Unlock()
	for _, c := range list {
		if c.ticket.Endpoint == endpoint {
			c.end(errReplaced)
		}
	}
}

// open admits a connection: from here on it gets the user's events. It reports
// an error when the ticket is not good for one any more.
func (s *Service) open(ctx context.Context, c *connection) error {
	var over []*connection
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosing
	}
	s.running.Add(1)
	list := s.users[c.ticket.User]
	for i, other := range list {
		// Whichever connection of a client instance is the newest is the one that
		// it listens to.
		if other.ticket.Endpoint == c.ticket.Endpoint || len(list)-i >= s.options.MaxConnections {
			over = append(over, other)
		}
	}
	s.users[c.ticket.User] = append(list, c)
	if c.polled {
		s.polls[pollKey{c.ticket.ID, c.id}] = c
	}
	s.mu.Unlock()
	for _, other := range over {
		other.end(errReplaced)
	}
	detach, err := s.options.Hub.Join(ctx, c.ticket.User, c)
	if err == nil {
		c.detach = detach
		// After it is known, so that a revocation at this moment meets it, or is seen.
		var void bool
		if void, err = s.options.Void(ctx, c.ticket.User, c.ticket.Issued); err == nil && void {
			err = errVoid
		}
	}
	if err != nil {
		s.closeConnection(c)
		return err
	}
	data := s.node + " " + c.ticket.User + " " + c.ticket.Endpoint
	if err := s.options.Bus.Publish(subjectOpened, []byte(data)); err != nil {
		s.options.Logger.Warn("real-time connection not told to other nodes", "error", err)
	}
	return nil
}

// closeConnection forgets a connection. It is called once for each.
func (s *Service) closeConnection(c *connection) {
	c.end(errClosing)
	if c.detach != nil {
		c.detach()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.users[c.ticket.User]
	for i, other := range list {
		if other == c {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	s.users[c.ticket.User] = list
	if len(list) == 0 {
		delete(s.users, c.ticket.User)
	}
	if key := (pollKey{c.ticket.ID, c.id}); s.polls[key] == c {
		delete(s.polls, key)
	}
	s.running.Done()
}

// pushes keeps what was encoded last, so that an event is encoded once for all
// who get it: its receivers are served one after the other.
type pushes struct {
	slots [32]struct {
		mu    sync.Mutex
		event *chat.Event
		push  *push
	}
}

func (p *pushes) of(e *chat.Event) (*push, error) {
	var sum uint32
	for i := range len(e.Thread) {
		sum = sum*31 + uint32(e.Thread[i])
	}
	slot := &p.slots[sum%uint32(len(p.slots))]
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.event == e {
		return slot.push, nil
	}
	made, err := newPush(e)
	if err == nil {
		slot.event, slot.push = e, made
	}
	return made, err
}
