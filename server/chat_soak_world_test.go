package server_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// chatNode is a process of the service that is killed and started again.
type chatNode struct {
	options server.Options

	mu      sync.Mutex
	process *serviceProcess // nil while dead
	conn    server.Connection
}

func (n *chatNode) start(program string) error {
	p, err := startService(program, n.options)
	if err != nil {
		return err
	}
	conn, err := p.ready()
	if err != nil {
		p.kill()
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process, n.conn = p, conn
	return nil
}

func (n *chatNode) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		n.process.kill()
		n.process = nil
	}
}

// alive returns how to reach the node.
func (n *chatNode) alive() (server.Connection, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.conn, n.process != nil
}

// chatWorld is a service of one node or several.
type chatWorld struct {
	t       *testing.T
	program string
	nodes   []*chatNode
}

func newChatWorld(t *testing.T, nodes ...server.Options) *chatWorld {
	w := &chatWorld{t: t, program: testkit.Program(t, "cmd/parley")}
	for _, o := range nodes {
		n := &chatNode{options: o}
		t.Cleanup(n.kill)
		if err := n.start(w.program); err != nil {
			t.Fatal(err)
		}
		w.nodes = append(w.nodes, n)
	}
	return w
}

// cutDialer connects to a node that lives, and cuts what it has opened.
type cutDialer struct {
	world *chatWorld

	mu   sync.Mutex
	next int
	conn signaling.Conn
}

// Dial connects to the next node.
func (d *cutDialer) Dial(ctx context.Context) (signaling.Conn, error) {
	d.mu.Lock()
	node := d.world.nodes[d.next%len(d.world.nodes)]
	d.next++
	d.mu.Unlock()
	to, ok := node.alive()
	if !ok {
		return nil, fmt.Errorf("the node is dead")
	}
	conn, err := signaling.NewWebSocketDialer(to.HTTPEndpoint, nil).Dial(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = conn
	return conn, nil
}

func (d *cutDialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.Close(0, "")
	}
}
