package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-rtc/parley/internal/acswire"
	restchat "github.com/parley-rtc/parley/rest/chat"
	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/server"
)

// soakBrowsers is how many of a round send over REST and hear as the official
// JavaScript package does, half of them by polling.
const soakBrowsers = 6

// soakBrowser is a user of the official package: a message that was not
// acknowledged is not sent again, and what is missed between two connections is
// not told.
type soakBrowser struct {
	of      *browsers
	account *account
	name    string
	polls   bool
	threads []string
	client  *http.Client
	ready   sync.Once // for the first connection

	mu    sync.Mutex
	tried map[string][]string // by thread, every text sent
	acked map[string][]string // by thread, those that were acknowledged
	heard []hearing           // the connections
	cut   context.CancelFunc  // of the connection that is there
}

// hearing is what one connection was told, by thread.
type hearing map[string][]string

// browsers are those of a round.
type browsers struct {
	world *chatWorld
	list  []*soakBrowser
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// browsers makes users and adds each to some threads.
func (w *chatWorld) browsers(ctx context.Context, r *rand.Rand, clients []*soakClient, members map[string][]*soakClient) (*browsers, error) {
	conn, _ := w.nodes[0].alive()
	rest := newClient(conn)
	defer rest.close()
	all := &browsers{world: w}
	for i := range soakBrowsers {
		b := &soakBrowser{
			of: all, account: &account{scope: "chat"}, name: fmt.Sprint("browser ", i), polls: i%2 == 1,
			client: &http.Client{Transport: &http.Transport{}}, tried: map[string][]string{}, acked: map[string][]string{},
		}
		if err := rest.create(b.account); err != nil {
			return nil, err
		}
		id, err := common.ParseRawID(b.account.id)
		if err != nil {
			return nil, err
		}
		for _, at := range []int{i, i + 1 + r.IntN(soakThreads-1)} {
			thread := clients[at%soakThreads].threads[0]
			if slices.Contains(b.threads, thread) {
				continue
			}
			if err := members[thread][0].add(ctx, conn, thread, id); err != nil {
				return nil, err
			}
			b.threads = append(b.threads, thread)
		}
		all.list = append(all.list, b)
	}
	return all, nil
}

// add makes somebody a member over REST.
func (c *soakClient) add(ctx context.Context, conn server.Connection, id string, who common.Identifier) error {
	client, err := c.rest(conn)
	if err != nil {
		return err
	}
	thread, err := client.NewThreadClient(id)
	if err != nil {
		return err
	}
	added, err := thread.AddParticipants(ctx, []restchat.Participant{{Identifier: who}}, nil)
	if err == nil && len(added.InvalidParticipants) > 0 {
		err = fmt.Errorf("not added: %v", added.InvalidParticipants)
	}
	return err
}

// start connects all, and goes on to connect them until close.
func (all *browsers) start(ctx context.Context) error {
	ctx, all.stop = context.WithCancel(ctx)
	connected := make(chan struct{}, len(all.list))
	for i, b := range all.list {
		all.done.Go(func() { b.listen(ctx, i, connected) })
	}
	for range all.list {
		select {
		case <-connected:
		case <-ctx.Done():
			return fmt.Errorf("browsers: %w", context.Cause(ctx))
		}
	}
	return nil
}

func (all *browsers) close() {
	if all.stop != nil {
		all.stop()
	}
	all.done.Wait()
	for _, b := range all.list {
		b.client.CloseIdleConnections()
	}
}

// live lets each write, and cuts its connection as chance has it.
func (all *browsers) live(ctx context.Context, seed uint64) error {
	var each sync.WaitGroup
	for i, b := range all.list {
		r := rand.New(rand.NewPCG(seed, uint64(i)+1000)) //nolint:gosec // G115: small
		each.Go(func() {
			for n := range soakMessages {
				b.send(ctx, r.IntN(len(all.world.nodes)), b.threads[r.IntN(len(b.threads))], fmt.Sprintf("%s/%d", b.name, n))
				if r.IntN(8) == 0 {
					b.mu.Lock()
					b.cut()
					b.mu.Unlock()
				}
				<-time.After(time.Duration(r.IntN(100)) * time.Millisecond)
			}
		})
	}
	each.Wait()
	return ctx.Err()
}

// send writes a message, once. Whether one that fails is there, nobody knows.
func (b *soakBrowser) send(ctx context.Context, node int, thread, text string) {
	conn, ok := b.of.world.nodes[node].alive()
	for ; !ok && ctx.Err() == nil; node++ {
		<-time.After(time.Millisecond)
		conn, ok = b.of.world.nodes[node%len(b.of.world.nodes)].alive()
	}
	b.mu.Lock()
	b.tried[thread] = append(b.tried[thread], text)
	b.mu.Unlock()
	target := conn.HTTPEndpoint + acswire.ChatThreadPath(thread) + "/messages?api-version=" + chatVersion
	_, err := b.ask(ctx, http.MethodPost, target, fmt.Sprintf(`{"content":%q}`, text), http.StatusCreated)
	if err == nil {
		b.mu.Lock()
		b.acked[thread] = append(b.acked[thread], text)
		b.mu.Unlock()
	}
}

// ask sends a request once and returns the body of the answer that is wanted.
func (b *soakBrowser) ask(ctx context.Context, method, target, body string, want int) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+b.account.good[0])
	req.Header.Set("X-Skypetoken", b.account.good[0])
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %s", method, target, resp.StatusCode, data)
	}
	return string(data), err
}

// listen has a connection, and another one when it ends.
func (b *soakBrowser) listen(ctx context.Context, node int, connected chan<- struct{}) {
	for n := 0; ctx.Err() == nil; n++ {
		conn, ok := b.of.world.nodes[(node+n)%len(b.of.world.nodes)].alive()
		if ok {
			one, cut := context.WithCancel(ctx)
			b.mu.Lock()
			b.cut = cut
			b.mu.Unlock()
			// It ends in an error always: nothing but the end is to be told here.
			_ = b.connection(one, conn, n, connected)
			cut()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// wire is one connection.
type wire struct {
	b       *soakBrowser
	address string // of the transport
	query   url.Values
	ws      *websocket.Conn // nil: it polls
	packets []string
}

// connection goes through the steps and hears until the connection ends.
func (b *soakBrowser) connection(ctx context.Context, conn server.Connection, n int, connected chan<- struct{}) error {
	place, err := b.ask(ctx, http.MethodPost, conn.HTTPEndpoint+"/v4/a?cor_id=c&con_num=1_1&epid="+fmt.Sprint("epid", n), "", http.StatusOK)
	if err != nil {
		return err
	}
	var at struct{ ConnectParams map[string]string }
	if err := json.Unmarshal([]byte(place), &at); err != nil {
		return err
	}
	w := &wire{b: b, query: url.Values{"v": {"v4"}, "epid": {fmt.Sprint("epid", n)}}}
	for name, value := range at.ConnectParams {
		w.query.Set(name, value)
	}
	hello, err := b.ask(ctx, http.MethodGet, conn.HTTPEndpoint+"/socket.io/1/?"+w.query.Encode(), "", http.StatusOK)
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(hello, ":")
	if _, err := b.ask(ctx, http.MethodPost, conn.HTTPEndpoint+"/v3/registrations", `{"registrationId":"x"}`, http.StatusAccepted); err != nil {
		return err
	}
	w.address = conn.HTTPEndpoint + "/socket.io/1/xhr-polling/" + id
	if !b.polls {
		w.address = conn.HTTPEndpoint + "/socket.io/1/websocket/" + id
		ws, _, err := websocket.Dial(ctx, w.address+"?"+w.query.Encode(), &websocket.DialOptions{HTTPClient: b.client})
		if err != nil {
			return err
		}
		defer func() { _ = ws.CloseNow() }()
		ws.SetReadLimit(1 << 20)
		w.ws = ws
	}
	return w.hear(ctx, connected)
}

// anew begins to keep what a connection is told.
func (b *soakBrowser) anew() hearing {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := hearing{}
	b.heard = append(b.heard, h)
	return h
}

// hear keeps what is told until the connection ends.
func (w *wire) hear(ctx context.Context, connected chan<- struct{}) error {
	heard := w.b.anew()
	for {
		packet, err := w.next(ctx)
		if err != nil {
			return err
		}
		if packet == "0::" {
			return errors.New("the service ended the connection")
		}
		if strings.HasPrefix(packet, `5:::{"name":"trouter.connected"`) {
			// A poll may come to a service that was started anew meanwhile: it says
			// so again, and the application reads what it has missed.
			heard = w.b.anew()
			w.b.ready.Do(func() { connected <- struct{}{} })
		}
		data, ok := strings.CutPrefix(packet, "3:::")
		if !ok {
			continue
		}
		var request struct {
			ID   int
			Body string
		}
		var p pushed
		if err := errors.Join(json.Unmarshal([]byte(data), &request), json.Unmarshal([]byte(request.Body), &p)); err != nil {
			return err
		}
		if p.EventID == 200 {
			w.b.mu.Lock()
			heard[p.GroupID] = append(heard[p.GroupID], p.MessageBody)
			w.b.mu.Unlock()
		}
		if err := w.say(ctx, `3:::{"id":`+strconv.Itoa(request.ID)+`,"status":200,"headers":{},"body":""}`); err != nil {
			return err
		}
	}
}

func (w *wire) next(ctx context.Context) (string, error) {
	if w.ws != nil {
		_, data, err := w.ws.Read(ctx)
		return string(data), err
	}
	for len(w.packets) == 0 {
		body, err := w.b.ask(ctx, http.MethodGet, w.address+"?"+w.query.Encode(), "", http.StatusOK)
		if err != nil {
			return "", err
		}
		w.packets = packetsOf(w.b.of.world.t, body)
	}
	packet := w.packets[0]
	w.packets = w.packets[1:]
	return packet, nil
}

func (w *wire) say(ctx context.Context, packet string) error {
	if w.ws != nil {
		return w.ws.Write(ctx, websocket.MessageText, []byte(packet))
	}
	_, err := w.b.ask(ctx, http.MethodPost, w.address+"?"+w.query.Encode(), packet, http.StatusOK)
	return err
}

// compare holds a thread as the service has it against what was acknowledged and
// what the connections were told.
func (all *browsers) compare(id string, stored []string) error {
	for _, b := range all.list {
		b.mu.Lock()
		defer b.mu.Unlock()
		own := slices.DeleteFunc(slices.Clone(stored), func(text string) bool { return !strings.HasPrefix(text, b.name+"/") })
		if !within(own, b.tried[id]) || !within(b.acked[id], own) {
			return fmt.Errorf("%s: sent %q, acknowledged %q, stored %q", b.name, b.tried[id], b.acked[id], own)
		}
		for _, heard := range b.heard {
			if err := unbroken(heard[id], stored); err != nil {
				return fmt.Errorf("%s (polls: %v): one connection was told %q, stored %q: %w", b.name, b.polls, heard[id], stored, err)
			}
		}
	}
	return nil
}

// within tells whether what is in part is in all, in the same order.
func within(part, all []string) bool {
	for _, text := range all {
		if len(part) > 0 && part[0] == text {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// unbroken refuses what is not a piece of what is stored: a connection begins and
// ends somewhere, and between that each message comes once and in order.
func unbroken(heard, stored []string) error {
	if len(heard) == 0 {
		return nil
	}
	at := slices.Index(stored, heard[0])
	if at < 0 || len(stored) < at+len(heard) || !slices.Equal(heard, stored[at:at+len(heard)]) {
		return errors.New("not in order, or one is missing or there twice")
	}
	return nil
}

// heardEnough refuses a round in which the browsers had no part.
func (all *browsers) heardEnough() error {
	var acked, heard int
	for _, b := range all.list {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, texts := range b.acked {
			acked += len(texts)
		}
		for _, h := range b.heard {
			for _, texts := range h {
				heard += len(texts)
			}
		}
	}
	all.world.t.Logf("browsers: %d messages acknowledged, %d heard", acked, heard)
	if acked == 0 || heard == 0 {
		return fmt.Errorf("browsers: %d messages acknowledged, %d heard", acked, heard)
	}
	return nil
}
