package server_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// within is what the contract gives news to reach every node.
const newsWithin = time.Second

// cluster starts nodes that share a database and a bus.
func cluster(t *testing.T, n int) []*server.Server {
	t.Helper()
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 2)
	nodes := make([]*server.Server, n)
	for i := range nodes {
		nodes[i] = start(t, server.Options{Database: database, NATS: nats.URLs[i%len(nats.URLs)]})
	}
	return nodes
}

func TestCluster_NodesAreOneService(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	nodes := cluster(t, 2)
	a, b := newClient(nodes[0].Connection()), newClient(nodes[1].Connection())
	defer a.close()
	defer b.close()
	if a.conn.AccessKey != b.conn.AccessKey || a.conn.SubscriptionID != b.conn.SubscriptionID {
		t.Fatal("the nodes have different resources")
	}
	user := &account{customID: "alice"}
	if err := a.create(user); err != nil {
		t.Fatal(err)
	}
	same := &account{customID: "alice"}
	if err := b.create(same); err != nil || same.id != user.id {
		t.Errorf("custom id: %s at one, %s at the other, error %v", user.id, same.id, err)
	}
	token, err := b.issue(user.id)
	if err != nil {
		t.Fatal(err)
	}
	for i, node := range nodes {
		for _, token := range []string{user.good[0], same.good[0], token} {
			if got, err := server.Authenticate(node, token); err != nil || got != user.id {
				t.Errorf("node %d: token of %q: %v", i, got, err)
			}
		}
	}
	// Revoked at one, refused at the other, and its open sessions end.
	agent := sign(t, nodes[1], user.id, token, "phone")
	if err := a.do(http.MethodPost, "/identities/"+user.id+"/:revokeAccessTokens", apiVersion, "", nil); err != nil {
		t.Fatal(err)
	}
	answered := time.Now()
	if _, err := server.Authenticate(nodes[1], token); err == nil {
		t.Error("a revoked token is good at the other node")
	}
	state := agent.expectState(signaling.ClientClosed)
	var goodbye *signaling.GoodbyeError
	if !errors.As(state.Err, &goodbye) {
		t.Errorf("the session ended with %v", state.Err)
	}
	t.Logf("the session at the other node ended %v after the answer (contract: %v)", time.Since(answered), newsWithin)
}

// A resource made at one node is served at the other; a key regenerated at one
// is refused at the other; a resource deleted at one is gone at the other.
func TestCluster_ResourcesAreOneForAll(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 2)
	nodes := make([]*server.Server, 2)
	for i := range nodes {
		nodes[i] = start(t, server.Options{Database: database, NATS: nats.URLs[i], Domain: "chat.example"})
	}
	a := newREST(t, nodes[0])
	keys := a.resource("sales")
	// The other node, asked for the resource by its host.
	b := newREST(t, nodes[1])
	_, port, err := net.SplitHostPort(strings.TrimPrefix(b.conn.Endpoint, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	b.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool(t, b.conn), ServerName: "sales.chat.example"},
		DialContext:     toThisMachine(port), DisableKeepAlives: true,
	}}
	b.conn.Endpoint = "https://sales.chat.example:" + port
	b.conn.AccessKey = *keys.PrimaryKey
	eventually(t, "the resource is not served at the other node", func() error {
		return b.creates(http.StatusCreated)
	})
	path := "/subscriptions/" + a.conn.SubscriptionID + "/resourceGroups/team/providers/Microsoft.Communication/communicationServices/sales"
	var fresh acswire.CommunicationServiceKeys
	answer := a.manage(http.MethodPost, path+"/regenerateKey?api-version=2025-09-01", `{"keyType":"Primary"}`)
	if err := json.Unmarshal(answer.body, &fresh); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("regenerate: %d %s", answer.StatusCode, answer.body)
	}
	took := eventually(t, "the old key is good at the other node", func() error {
		return b.creates(http.StatusUnauthorized)
	})
	b.conn.AccessKey = *fresh.PrimaryKey
	if err := b.creates(http.StatusCreated); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if answer := a.manage(http.MethodDelete, path+"?api-version=2025-09-01", ""); answer.StatusCode != http.StatusAccepted {
		t.Fatalf("delete: %d %s", answer.StatusCode, answer.body)
	}
	gone := eventually(t, "the deleted resource is served at the other node", func() error {
		if b.creates(http.StatusCreated) == nil {
			return errors.New("a user was made")
		}
		return nil
	})
	t.Logf("refused at the other node: the old key after %v, the deleted resource after %v (contract: %v)", took, gone, newsWithin)
}

// creates tells whether the answer to a request for a user has a status; a
// resource that is not served may have no certificate either.
func (r *rest) creates(status int) error {
	r.t.Helper()
	resp, err := r.client.Do(r.request(http.MethodPost, "/identities?api-version="+apiVersion, "{}"))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		return fmt.Errorf("status %d instead of %d", resp.StatusCode, status)
	}
	return nil
}

// eventually tries until it succeeds, at most for longer than the slowest
// machine excuses, and returns how long it took.
func eventually(t *testing.T, otherwise string, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := try()
		took := time.Since(began)
		if err == nil {
			return took
		}
		if took > 30*time.Second {
			t.Fatalf("%s: %v", otherwise, err)
		}
		<-time.After(time.Millisecond)
	}
}

// Nodes that start at the same time on an empty database make one service.
func TestCluster_FirstStartsAtOnce(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 1)
	nodes := make([]*server.Server, 3)
	var wg sync.WaitGroup
	for i := range nodes {
		dir := t.TempDir()
		wg.Go(func() {
			var err error
			if nodes[i], err = server.New(server.Options{DataDir: dir, Database: database, NATS: nats.URL}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, node := range nodes {
		if node != nil {
			defer node.Close()
		}
	}
	if t.Failed() {
		return
	}
	for i, node := range nodes {
		if node.Connection().AccessKey != nodes[0].Connection().AccessKey {
			t.Fatal("the nodes have different resources")
		}
		user, token, err := server.NewUser(node)
		if err != nil {
			t.Fatal(err)
		}
		for j, other := range nodes {
			if got, err := server.Authenticate(other, token); err != nil || got != user {
				t.Errorf("token of node %d at node %d: %q, %v", i, j, got, err)
			}
		}
	}
}

// A revocation of which a node hears nothing reaches it when the bus is back.
func TestCluster_BusWasAway_RevocationIsNotMissed(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	database, one, other := testkit.PostgreSQL(t), testkit.NATSCluster(t, 1), testkit.NATSCluster(t, 1)
	a := start(t, server.Options{Database: database, NATS: one.URL})
	// On a bus of its own: what the first node says never arrives.
	b := start(t, server.Options{Database: database, NATS: other.URL})
	c := newClient(a.Connection())
	defer c.close()
	revoked, kept := &account{}, &account{}
	for _, u := range []*account{revoked, kept} {
		if err := c.create(u); err != nil {
			t.Fatal(err)
		}
	}
	void := sign(t, b, revoked.id, revoked.good[0], "phone")
	good := sign(t, b, kept.id, kept.good[0], "phone")
	if err := c.do(http.MethodPost, "/identities/"+revoked.id+"/:revokeAccessTokens", apiVersion, "", nil); err != nil {
		t.Fatal(err)
	}
	other.Kill(t, 0)
	other.Start(t, 0)
	void.expectState(signaling.ClientClosed)
	waitMetric(t, b, "parley_sessions", 1)
	if len(good.states) > 1 { // the first one says that it is connected
		t.Error("the session of another user changed, too")
	}
}

// A node that restarts takes up its own calls, not those of its neighbor.
func TestCluster_NodeRestarts_TakesUpItsOwnCalls(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	database, nats := testkit.PostgreSQL(t), testkit.NATSCluster(t, 1)
	options := func() server.Options {
		return server.Options{Database: database, NATS: nats.URL, DataDir: t.TempDir()}
	}
	left, right := options(), options()
	first := start(t, left)
	p := newPair(t, first, 1)
	id, legs := p.ring()
	p.accept(id, legs)
	neighbor := start(t, right)
	waitMetric(t, neighbor, "parley_calls_restored_total", 0)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, left)
	waitMetric(t, again, "parley_calls_restored_total", 1)
	if m := p.caller.reconcile(id, callfsm.Message{State: callfsm.StateConnected}); m.State == callfsm.StateDisconnected {
		t.Errorf("the call ended with the restart: %+v", m)
	}
}
