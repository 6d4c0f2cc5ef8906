package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	restchat "github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

const (
	soakClients, soakThreads   = 50, 10
	soakMessages               = 8 // of each client
	chatSoakQuick, chatSoakRun = 1, 20
	soakLimit                  = 3 * time.Minute
)

// TestChatSoak_Killed: nothing is lost, doubled or out of order while
// connections are cut, clients start anew and the service is killed.
func TestChatSoak_Killed(t *testing.T) {
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		testkit.CheckLeaks(t, time.Hour)
		w := newChatWorld(t, server.Options{DataDir: t.TempDir(), Database: database})
		testkit.Repeat(t, chatSoakQuick, chatSoakRun, func(seed uint64) error {
			return w.round(seed, func(r *rand.Rand) error {
				for range 2 {
					<-time.After(time.Duration(100+r.IntN(300)) * time.Millisecond)
					w.nodes[0].kill()
					<-time.After(time.Duration(r.IntN(200)) * time.Millisecond)
					if err := w.nodes[0].start(w.program); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}

// TestChatSoak_Nodes: the same with two nodes, of which one is killed and comes
// back when all is done.
func TestChatSoak_Nodes(t *testing.T) {
	testkit.CheckLeaks(t, time.Hour)
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 2)
	var nodes []server.Options
	for i := range 2 {
		nodes = append(nodes, server.Options{DataDir: t.TempDir(), Database: database, NATS: nats.URLs[i]})
	}
	w := newChatWorld(t, nodes...)
	testkit.Repeat(t, chatSoakQuick, chatSoakRun, func(seed uint64) error {
		dead := w.nodes[seed%2]
		err := w.round(seed, func(r *rand.Rand) error {
			<-time.After(time.Duration(100+r.IntN(400)) * time.Millisecond)
			dead.kill()
			return nil
		})
		if err != nil {
			return err
		}
		return dead.start(w.program)
	})
}

// soakClient is a user with an outbox, whose program ends and starts again.
type soakClient struct {
	world   *chatWorld
	account *account
	threads []string
	folder  string
	dialer  *cutDialer

	realtime *restchat.Realtime
	outbox   *restchat.Outbox
	position restchat.Position
	sent     map[string][]string // by thread, what was added to the outbox

	mu     sync.Mutex
	heard  map[string][]string // by thread, what was received
	failed []error
}

// start begins or goes on.
func (c *soakClient) start(ctx context.Context) error {
	credential, err := common.NewStaticTokenCredential(c.account.good[0])
	if err != nil {
		return err
	}
	for {
		c.realtime, err = restchat.NewRealtime("", credential, &restchat.RealtimeOptions{
			Dialer: c.dialer, Position: c.position, DeviceID: "phone", Backoff: signaling.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond},
			Events: restchat.RealtimeEvents{MessageReceived: func(e restchat.MessageEvent) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.heard[e.ThreadID] = append(c.heard[e.ThreadID], *e.Message.Content.Message)
			}},
		})
		if err != nil {
			return err
		}
		if err = c.realtime.Start(ctx); err == nil {
			break
		}
		// What was heard before it failed counts.
		if serr := c.realtime.Shutdown(ctx); serr != nil {
			return serr
		}
		c.position = c.realtime.Position()
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
	store, err := restchat.NewFileOutboxStore(filepath.Join(c.folder, "outbox"))
	if err != nil {
		return err
	}
	c.outbox, err = restchat.NewOutbox(restchat.OutboxOptions{
		Store: store, Sender: c.realtime, Retry: 10 * time.Millisecond,
		Failed: func(f restchat.OutboxFailed) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed = append(c.failed, f.Err)
		},
	})
	return err
}

// stop ends the program, keeping the position as an application would.
func (c *soakClient) stop() error {
	if err := c.outbox.Close(); err != nil {
		return err
	}
	c.realtime.Close()
	ctx, cancel := context.WithTimeout(context.Background(), soakLimit)
	defer cancel()
	err := c.realtime.Shutdown(ctx)
	c.position = c.realtime.Position()
	return err
}

// live writes, is cut, and starts anew, as chance has it.
func (c *soakClient) live(ctx context.Context, r *rand.Rand, name string) error {
	for i := range soakMessages {
		thread := c.threads[r.IntN(len(c.threads))]
		text := fmt.Sprintf("%s/%d", name, i)
		if _, err := c.outbox.Add(restchat.OutboxMessage{ThreadID: thread, Content: text}); err != nil {
			return err
		}
		c.sent[thread] = append(c.sent[thread], text)
		switch r.IntN(8) {
		case 0, 1:
			c.dialer.cut()
		case 2:
			if err := c.stop(); err != nil {
				return err
			}
			if err := c.start(ctx); err != nil {
				return err
			}
		}
		<-time.After(time.Duration(r.IntN(100)) * time.Millisecond)
	}
	return nil
}

// round lets clients talk while harm is done, and then looks for everything.
func (w *chatWorld) round(seed uint64, harm func(*rand.Rand) error) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), soakLimit)
	defer cancel()
	r := rand.New(rand.NewPCG(seed, 7))
	clients, members, err := w.people(ctx, r)
	if err != nil {
		return err
	}
	browsers, err := w.browsers(ctx, r, clients, members)
	if err != nil {
		return err
	}
	defer browsers.close()
	errs := make([]error, len(clients)+2)
	var all sync.WaitGroup
	for i, c := range clients { // all hear before anybody writes
		all.Go(func() { errs[i] = c.start(ctx) })
	}
	errs[len(clients)] = browsers.start(ctx)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, c := range clients {
		own := rand.New(rand.NewPCG(seed, uint64(i)+100)) //nolint:gosec // G115: small
		all.Go(func() { errs[i] = c.live(ctx, own, fmt.Sprint("client ", i)) })
	}
	all.Go(func() { errs[len(clients)] = harm(r) })
	all.Go(func() { errs[len(clients)+1] = browsers.live(ctx, seed) })
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	if err := w.compare(ctx, clients, members, browsers); err != nil {
		return err
	}
	return browsers.heardEnough()
}

// people makes the users and the threads between them.
func (w *chatWorld) people(ctx context.Context, r *rand.Rand) ([]*soakClient, map[string][]*soakClient, error) {
	conn, _ := w.nodes[0].alive()
	rest := newClient(conn)
	defer rest.close()
	clients := make([]*soakClient, soakClients)
	for i := range clients {
		c := &soakClient{world: w, account: &account{scope: "chat"}, folder: w.t.TempDir(), dialer: &cutDialer{world: w, next: i}, sent: map[string][]string{}, heard: map[string][]string{}}
		if err := rest.create(c.account); err != nil {
			return nil, nil, err
		}
		clients[i] = c
	}
	members := map[string][]*soakClient{}
	for i := range soakThreads {
		thread := slices.Clone(clients)
		r.Shuffle(len(thread), func(a, b int) { thread[a], thread[b] = thread[b], thread[a] })
		thread = thread[:4+r.IntN(16)]
		for j := i; j < len(clients); j += soakThreads { // everybody is somewhere
			if !slices.Contains(thread, clients[j]) {
				thread = append(thread, clients[j])
			}
		}
		id, err := thread[0].make(ctx, conn, thread)
		if err != nil {
			return nil, nil, err
		}
		members[id] = thread
		for _, c := range thread {
			c.threads = append(c.threads, id)
		}
	}
	return clients, members, nil
}

// make makes a thread over REST.
func (c *soakClient) make(ctx context.Context, conn server.Connection, thread []*soakClient) (string, error) {
	client, err := c.rest(conn)
	if err != nil {
		return "", err
	}
	options := &restchat.ClientCreateThreadOptions{}
	for _, m := range thread[1:] {
		id, err := common.ParseRawID(m.account.id)
		if err != nil {
			return "", err
		}
		options.Participants = append(options.Participants, restchat.Participant{Identifier: id})
	}
	made, err := client.CreateThread(ctx, "soak", options)
	if err != nil {
		return "", err
	}
	if len(made.InvalidParticipants) > 0 {
		return "", fmt.Errorf("not added: %v", made.InvalidParticipants)
	}
	return *made.Thread.ID, nil
}

func (c *soakClient) rest(conn server.Connection) (*restchat.Client, error) {
	credential, err := common.NewStaticTokenCredential(c.account.good[0])
	if err != nil {
		return nil, err
	}
	return restchat.NewClient(conn.HTTPEndpoint, credential, &restchat.ClientOptions{ClientOptions: core.ClientOptions{AllowPlainHTTP: true}})
}

// settle waits until everything was sent.
func (c *soakClient) settle(ctx context.Context) error {
	for len(c.outbox.Waiting()) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("still waiting: %v", c.outbox.Waiting())
		case <-time.After(time.Millisecond):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) > 0 {
		return c.failed[0]
	}
	return nil
}

// compare holds what everybody has heard against what the service has and what
// was written.
func (w *chatWorld) compare(ctx context.Context, clients []*soakClient, members map[string][]*soakClient, browsers *browsers) error {
	var conn server.Connection
	for _, n := range w.nodes {
		if to, ok := n.alive(); ok {
			conn = to
		}
	}
	for id, thread := range members {
		stored, err := thread[0].history(ctx, conn, id)
		if err != nil {
			return err
		}
		if err := browsers.compare(id, stored); err != nil {
			return err
		}
		for _, c := range thread {
			if err := c.hears(ctx, id, stored); err != nil {
				return err
			}
			name := ""
			if len(c.sent[id]) > 0 {
				name, _, _ = strings.Cut(c.sent[id][0], "/")
			}
			own := slices.DeleteFunc(slices.Clone(stored), func(text string) bool { return !strings.HasPrefix(text, name+"/") })
			if len(c.sent[id]) > 0 && !slices.Equal(own, c.sent[id]) {
				return fmt.Errorf("written %q, stored %q", c.sent[id], own)
			}
			if err := c.counts(ctx, id, len(stored)-len(c.sent[id])); err != nil {
				return err
			}
		}
	}
	for _, c := range clients {
		if err := c.stop(); err != nil {
			return err
		}
	}
	return nil
}

// history returns what was written in a thread, the oldest first.
func (c *soakClient) history(ctx context.Context, conn server.Connection, id string) (texts []string, err error) {
	client, err := c.rest(conn)
	if err != nil {
		return nil, err
	}
	thread, err := client.NewThreadClient(id)
	if err != nil {
		return nil, err
	}
	for page, err := range thread.NewListMessagesPager(nil).Pages(ctx) {
		if err != nil {
			return nil, err
		}
		for _, m := range page.Value {
			if *m.Type == restchat.MessageTypeText {
				texts = append(texts, *m.Content.Message)
			}
		}
	}
	slices.Reverse(texts)
	return texts, nil
}

// hears waits until the client has heard as much as there is, and compares.
func (c *soakClient) hears(ctx context.Context, id string, stored []string) error {
	for {
		c.mu.Lock()
		heard := slices.Clone(c.heard[id])
		c.mu.Unlock()
		if len(heard) >= len(stored) {
			if !slices.Equal(heard, stored) {
				return fmt.Errorf("heard %q, stored %q", heard, stored)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("heard %d of %d: %q, stored %q", len(heard), len(stored), heard, stored)
		case <-time.After(time.Millisecond):
		}
	}
}

// counts waits until so many messages of others are unread.
func (c *soakClient) counts(ctx context.Context, id string, unread int) error {
	for {
		state, _ := c.realtime.Thread(id)
		if state.Unread == unread {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d unread, %d are", state.Unread, unread)
		case <-time.After(time.Millisecond):
		}
	}
}
