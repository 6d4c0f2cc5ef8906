package chat_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/store"
)

// unfairBus delays what is published, each by itself, and loses some of it.
type unfairBus struct {
	busOf
	delay   time.Duration
	losing  int // of a hundred
	flights sync.WaitGroup
}

func (b *unfairBus) Publish(subject string, data []byte) error {
	if rand.IntN(100) < b.losing {
		return nil
	}
	wait := time.Duration(rand.Int64N(int64(b.delay)))
	b.flights.Go(func() {
		<-time.After(wait)
		_ = b.busOf.Publish(subject, data) // one more that is lost
	})
	return nil
}

// listener is one connection, which ends when something is missed, as one of the
// official client does.
type listener struct {
	user         string
	before, from map[string]int64 // the last changes before and after it began

	mu     sync.Mutex
	ended  bool
	told   map[string][]int64
	failed error
}

func (l *listener) Deliver(e *chat.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || e.Change == 0 {
		return
	}
	list := l.told[e.Thread]
	if n := len(list); n > 0 && list[n-1] >= e.Change && l.failed == nil {
		l.failed = fmt.Errorf("told %d after %v", e.Change, list)
	}
	l.told[e.Thread] = append(list, e.Change)
}

func (l *listener) Missed(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// chaos is what a random test does harm to.
type chaos struct {
	*world
	bus     *unfairBus
	members []*chat.Caller // the first two stay
	threads []string

	mu        sync.Mutex
	listeners []*listener
	detaches  []func()
}

func (c *chaos) changes() (map[string]int64, error) {
	found := map[string]int64{}
	return found, c.store.Read(c.ctx, func(q store.Querier) error {
		for _, id := range c.threads {
			var change int64
			if err := q.QueryRow("SELECT change FROM chat_threads WHERE id = $1", id).Scan(&change); err != nil {
				return err
			}
			found[id] = change
		}
		return nil
	})
}

// join begins a connection of a member.
func (c *chaos) join(who *chat.Caller) error {
	l := &listener{user: who.User, told: map[string][]int64{}}
	var err error
	if l.before, err = c.changes(); err != nil {
		return err
	}
	detach, err := c.chat.Hub().Join(c.ctx, who.User, l)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.listeners, c.detaches = append(c.listeners, l), append(c.detaches, detach)
	c.mu.Unlock()
	l.from, err = c.changes()
	return err
}

// leave ends one of the connections, or all of them.
func (c *chaos) leave(r *rand.Rand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, all := r.IntN(len(c.listeners)), r.IntN(4) == 0
	for i := range c.listeners {
		if all || i == one {
			c.detaches[i]()
			c.listeners[i].Missed("") // what it was told so far has to be in order
		}
	}
}

// act does something in a thread. Others do so at the same time: that something is
// not there, or somebody no member any more, is no failure.
func (c *chaos) act(r *rand.Rand) error {
	id, who := c.threads[r.IntN(len(c.threads))], c.members[r.IntN(len(c.members))]
	messages, err := c.chat.Messages(c.ctx, who, id, time.Time{}, 0, 10)
	messages = slices.DeleteFunc(messages, func(m chat.Message) bool { return !m.Kind.Written() })
	switch n := r.IntN(20); {
	case err != nil:
	case n < 8 || len(messages) == 0:
		_, _, err = c.chat.Send(c.ctx, who, id, chat.NewMessage{Kind: chat.MessageText, Content: "x"})
	case n < 11:
		err = c.chat.UpdateMessage(c.ctx, who, id, messages[r.IntN(len(messages))].ID, chat.MessagePatch{Content: new("y")})
	case n < 12:
		err = c.chat.DeleteMessage(c.ctx, who, id, messages[r.IntN(len(messages))].ID)
	case n < 15:
		err = c.chat.MarkRead(c.ctx, who, id, messages[r.IntN(len(messages))].ID)
	case n < 16:
		err = c.chat.UpdateThread(c.ctx, who, id, chat.ThreadPatch{Metadata: map[string]*string{"k": new(fmt.Sprint(r.Int()))}})
	case n < 17:
		err = c.chat.RemoveParticipant(c.ctx, c.members[0], id, c.members[2+r.IntN(len(c.members)-2)].User)
	case n < 18:
		_, err = c.chat.AddParticipants(c.ctx, c.members[0], id, people(c.members[2+r.IntN(len(c.members)-2)]))
	case n < 19:
		return c.join(who)
	default:
		c.leave(r)
		return c.chat.Hub().Recheck(c.ctx)
	}
	if kind(err) != 0 {
		return nil
	}
	return err
}

// expected returns the changes after one that a thread still shows.
func (c *chaos) expected(id string, since int64) (list []int64, err error) {
	return list, c.store.Read(c.ctx, func(q store.Querier) error {
		rows, err := q.Query(`SELECT first_change FROM chat_messages WHERE thread_id = $1 AND first_change > $2
			UNION SELECT change FROM chat_messages WHERE thread_id = $1 AND change > $2
			UNION SELECT change FROM chat_receipts WHERE thread_id = $1 AND change > $2
			UNION SELECT updated_change FROM chat_threads WHERE id = $1 AND updated_change > $2`, id, since)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var change int64
			if err := rows.Scan(&change); err != nil {
				return err
			}
			list = append(list, change)
		}
		return rows.Err()
	})
}

// settle looks again until those who were there all along were told everything.
func (c *chaos) settle() error {
	c.bus.flights.Wait()
	for limit := time.Now().Add(10 * time.Second); ; {
		if err := c.chat.Hub().Recheck(c.ctx); err != nil {
			return err
		}
		missing, err := c.missing()
		if missing == "" || err != nil {
			return err
		}
		if time.Now().After(limit) {
			return fmt.Errorf("not told: %s", missing)
		}
		<-time.After(time.Millisecond)
	}
}

func (c *chaos) missing() (string, error) {
	for _, l := range c.listeners {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.failed != nil {
			return "", l.failed
		}
		if l.user != c.members[0].User && l.user != c.members[1].User {
			continue // that they were removed they may hear when they come
		}
		for id, told := range l.told {
			if told[0] <= l.before[id] {
				return "", fmt.Errorf("told %v, from before %d", told, l.before[id])
			}
		}
		if l.ended {
			continue
		}
		for _, id := range c.threads {
			want, err := c.expected(id, l.from[id])
			if err != nil {
				return "", err
			}
			for _, change := range want {
				if !slices.Contains(l.told[id], change) {
					return fmt.Sprintf("%d of %v, but %v", change, want, l.told[id]), nil
				}
			}
		}
	}
	return "", nil
}

// TestHub_Random: whatever the bus does, and whoever comes and goes, everybody is
// told what happens in a thread in its order, each thing once, and those who stay
// are told all of it or that something is missed.
func TestHub_Random(t *testing.T) {
	testkit.Repeat(t, 3, 100, func(seed uint64) (err error) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { err = randomHub(t, seed) })
		return err
	})
}

func randomHub(t *testing.T, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 11))
	c := &chaos{}
	c.world = newWorldOn(t, everybody{}, func(b *bus.Bus) chat.Bus {
		c.bus = &unfairBus{busOf: busOf{b}, delay: 20 * time.Millisecond, losing: r.IntN(10)}
		return c.bus
	})
	chat.WaitForGaps(c.chat.Hub(), 5*time.Millisecond)
	for range 5 {
		c.members = append(c.members, user())
	}
	for range 3 {
		c.threads = append(c.threads, c.thread(c.members[0], c.members[1:]...).ID)
	}
	for _, who := range c.members {
		if err := c.join(who); err != nil {
			return err
		}
	}
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		own := rand.New(rand.NewPCG(seed, uint64(i)+100)) //nolint:gosec // G115: small
		all.Go(func() {
			for n := 0; n < 100 && errs[i] == nil; n++ {
				errs[i] = c.act(own)
				c.clock.move(time.Duration(own.IntN(200)) * time.Millisecond)
			}
		})
	}
	all.Wait()
	err := errors.Join(append(errs, c.settle())...)
	open := 0
	for i, l := range c.listeners {
		c.detaches[i]()
		if !l.ended {
			open++
		}
	}
	t.Logf("%d connections, %d to the end", len(c.listeners), open)
	return err
}
