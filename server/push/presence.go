package push

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// Bus is what presence needs of the message bus.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler func(subject string, data []byte)) (Subscription, error)
}

// Subscription is a running subscription of a Bus.
type Subscription interface {
	Close() error
}

const (
	subjectAsk    = "parley.present.ask"
	subjectAnswer = "parley.present.answer"
	// answerTime is how long the answers of other nodes are waited for. Who is not
	// heard of within it is pushed to although he is there, which does no harm.
	answerTime = time.Second
)

// Presence knows which users have a connection, on any node.
type Presence struct {
	bus   Bus
	node  string
	local func(users []string) []string
	subs  []Subscription

	mu      sync.Mutex
	waiting map[string]chan []string
}

type presenceMessage struct {
	ID    string   `json:"id"`
	Node  string   `json:"node,omitempty"`
	Users []string `json:"users"`
}

// OpenPresence answers other nodes. local returns those of the users who are
// connected to this node; node names it, and is empty when there is no other.
func OpenPresence(bus Bus, node string, local func(users []string) []string) (*Presence, error) {
	p := &Presence{bus: bus, node: node, local: local, waiting: map[string]chan []string{}}
	if node == "" {
		return p, nil
	}
	for subject, handler := range map[string]func(string, []byte){subjectAsk: p.asked, subjectAnswer + "." + node: p.answered} {
		sub, err := bus.Subscribe(subject, handler)
		if err != nil {
			return nil, fmt.Errorf("push: presence: %w", err)
		}
		p.subs = append(p.subs, sub)
	}
	return p, nil
}

// Close stops answering.
func (p *Presence) Close() error {
	for _, sub := range p.subs {
		if err := sub.Close(); err != nil {
			return fmt.Errorf("push: presence: %w", err)
		}
	}
	return nil
}

// Present returns those of the users who have a connection.
func (p *Presence) Present(ctx context.Context, users []string) map[string]bool {
	found := map[string]bool{}
	for _, user := range p.local(users) {
		found[user] = true
	}
	missing := func() (list []string) {
		for _, user := range users {
			if !found[user] {
				list = append(list, user)
			}
		}
		return list
	}
	left := missing()
	if p.node == "" || len(left) == 0 {
		return found
	}
	id, answers := guid.New().String(), make(chan []string, 64)
	p.mu.Lock()
	p.waiting[id] = answers
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, id)
	}()
	question, err := json.Marshal(presenceMessage{id, p.node, left})
	if err != nil || p.bus.Publish(subjectAsk, question) != nil {
		return found
	}
	limit := time.NewTimer(answerTime)
	defer limit.Stop()
	for {
		select {
		case there := <-answers:
			for _, user := range there {
				found[user] = true
			}
			if len(missing()) == 0 {
				return found
			}
		case <-limit.C:
			return found
		case <-ctx.Done():
			return found
		}
	}
}

// asked answers another node, if there is anything to say.
func (p *Presence) asked(_ string, data []byte) {
	var m presenceMessage
	if json.Unmarshal(data, &m) != nil || m.Node == p.node {
		return
	}
	if _, err := guid.Parse(m.Node); err != nil {
		return
	}
	there := p.local(m.Users)
	if len(there) == 0 {
		return
	}
	slices.Sort(there)
	if answer, err := json.Marshal(presenceMessage{ID: m.ID, Users: slices.Compact(there)}); err == nil {
		_ = p.bus.Publish(subjectAnswer+"."+m.Node, answer) // who asks does not wait for ever
	}
}

func (p *Presence) answered(_ string, data []byte) {
	var m presenceMessage
	if json.Unmarshal(data, &m) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.waiting[m.ID] <- m.Users: // nil when nobody waits any more
	default:
	}
}
