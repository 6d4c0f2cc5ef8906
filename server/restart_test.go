package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

func TestRestart_SameFolder_SameService(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	a := first.Connection()
	user, token := newREST(t, first).user()
	ca, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	relay := first.RelayAddr()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, server.Options{DataDir: dir})
	b := second.Connection()
	if a.ARMToken == b.ARMToken {
		t.Error("the resource manager's token outlived the service")
	}
	a.ARMToken, b.ARMToken = "", ""
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("first %+v\nthen %+v", a, b)
	}
	if again, err := os.ReadFile(b.CAFile); err != nil || string(again) != string(ca) {
		t.Errorf("another certificate authority (%v)", err)
	}
	if second.RelayAddr() != relay {
		t.Errorf("relay at %s, then at %s", relay, second.RelayAddr())
	}
	// The token of the first one is good for the second, and the user is there.
	sign(t, second, user, token, "phone")
	if r := newREST(t, second).post(acswire.IssueAccessTokenPath(user), `{"scopes":["voip"]}`); r.StatusCode != http.StatusOK {
		t.Errorf("status %d, %s", r.StatusCode, r.body)
	}
}

// reconcile waits for a new session and tells the service about a call.
func (a *agent) reconcile(id callfsm.CallID, state callfsm.Message) callfsm.Message {
	a.t.Helper()
	for {
		if s := a.expectState(signaling.ClientConnected); s.NewSession {
			break
		}
	}
	state.Kind = callfsm.KindReconcile
	a.sendRaw(signaling.EncodeReconcile([]signaling.ReconcileCall{{ID: id, State: state}}))
	return a.expect(id, callfsm.KindReconciled)
}

func TestRestart_LiveCall_GoesOn(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	ways := []string{"closed", "killed"}
	if testkit.OnPostgreSQL() {
		// The state is not in the folder, whose copy stands for a kill here;
		// TestCrash_KilledUnderLoad kills a process on both databases.
		ways = ways[:1]
	}
	for _, how := range ways {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			first := start(t, server.Options{DataDir: dir})
			p := newPair(t, first, 1)
			id, legs := p.ring()
			p.accept(id, legs)
			for _, a := range []*agent{p.caller, p.devices[0]} {
				a.send(id, callfsm.Message{Kind: callfsm.KindConnected})
			}
			// The second CONNECTED was applied when what follows it arrives.
			p.devices[0].send(id, callfsm.Message{Kind: callfsm.KindMute})
			p.caller.expect(id, callfsm.KindMute)
			if how == "killed" {
				// What a killed process leaves behind is what the folder holds now.
				image := filepath.Join(t.TempDir(), "image")
				if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				dir = image
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := start(t, server.Options{DataDir: dir})
			waitMetric(t, second, "parley_calls_restored_total", 1)
			state := callfsm.Message{State: callfsm.StateConnected, Media: callfsm.MediaAudio}
			if m := p.caller.reconcile(id, state); m.State != callfsm.StateConnected || m.Reason != (callfsm.EndReason{}) {
				t.Errorf("caller: %+v", m)
			}
			state.Leg = legs[0]
			if m := p.devices[0].reconcile(id, state); m.State != callfsm.StateConnected {
				t.Errorf("callee: %+v", m)
			}
			p.caller.send(id, callfsm.Message{Kind: callfsm.KindHold})
			// The mute before the restart is not durable; the callee says it anew.
			for {
				_, m, err := signaling.DecodeCall(p.devices[0].next())
				if err != nil {
					t.Fatal(err)
				}
				if m.Kind == callfsm.KindHold {
					break
				}
			}
			p.caller.send(id, callfsm.Message{Kind: callfsm.KindHangUp})
			p.devices[0].expectEnd(id, 0, 0)
			waitMetric(t, second, "parley_calls", 0)
		})
	}
}

// What a device says in a new session before it reconciled must not end the call.
func TestRestart_SpeaksBeforeItReconciles_TheCallLives(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	p := newPair(t, first, 1)
	id, legs := p.ring()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, server.Options{DataDir: dir})
	waitMetric(t, second, "parley_calls_restored_total", 1)
	device := p.devices[0]
	for !device.expectState(signaling.ClientConnected).NewSession {
	}
	device.send(id, callfsm.Message{Kind: callfsm.KindAccept, Leg: legs[0], Media: callfsm.MediaAudio})
	state := callfsm.Message{Kind: callfsm.KindReconcile, Leg: legs[0], State: callfsm.StateConnecting, Media: callfsm.MediaAudio}
	device.sendRaw(signaling.EncodeReconcile([]signaling.ReconcileCall{{ID: id, State: state}}))
	// The next word is about the call as it goes on, not ENDED.
	device.expect(id, callfsm.KindReconciled)
}

func TestRestart_NobodyComesBack_TheCallEnds(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	p := newPair(t, first, 1)
	id, legs := p.ring()
	p.accept(id, legs)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	p.devices[0].client.Close()
	second := start(t, server.Options{DataDir: dir, Timeouts: callfsm.Timeouts{Reconnect: 2 * time.Second, Establishment: 2 * time.Second}})
	if m := p.caller.reconcile(id, callfsm.Message{State: callfsm.StateConnected}); m.State != callfsm.StateConnected {
		t.Errorf("caller: %+v", m)
	}
	_, m, err := signaling.DecodeCall(p.caller.next())
	if err != nil || m.Kind != callfsm.KindEnded {
		t.Errorf("heard %v %v (%v)", m.Kind, m.Reason, err)
	}
	waitMetric(t, second, "parley_calls", 0)
	// It stays ended, also for one that comes late, and over another restart.
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := start(t, server.Options{DataDir: dir})
	if m := p.caller.reconcile(id, callfsm.Message{State: callfsm.StateConnected}); m.State != callfsm.StateDisconnected {
		t.Errorf("after the end: %+v", m)
	}
	waitMetric(t, third, "parley_calls_restored_total", 0)
}

func TestRestart_UnknownCall_IsEnded(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	p := newPair(t, first, 0)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, server.Options{DataDir: dir})
	m := p.caller.reconcile(callfsm.NewCallID(), callfsm.Message{State: callfsm.StateConnected})
	if m.State != callfsm.StateDisconnected || m.Reason.Code != 481 {
		t.Errorf("%+v", m)
	}
}

func TestShutdown_Drains(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	dir := t.TempDir()
	first := start(t, server.Options{DataDir: dir})
	p := newPair(t, first, 1)
	id, legs := p.ring()
	p.accept(id, legs)
	began := time.Now()
	if err := first.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	s := p.caller.expectState(signaling.ClientReconnecting)
	if s.Err == nil || !strings.Contains(s.Err.Error(), "3000") {
		t.Errorf("told %v", s.Err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("close after shutdown: %v", err)
	}
	start(t, server.Options{DataDir: dir})
	if m := p.caller.reconcile(id, callfsm.Message{State: callfsm.StateConnecting}); m.State == callfsm.StateDisconnected {
		t.Errorf("the call ended with the service: %+v", m)
	}
}

// TestServiceProcess is no test: TestKill runs it as a process of its own.
func TestServiceProcess(t *testing.T) {
	dir := os.Getenv("PARLEY_TEST_SERVICE")
	if dir == "" {
		t.Skip("runs only as the process of another test")
	}
	srv, err := server.New(server.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready", srv.Connection().Endpoint)
	select {}
}

func TestKill_NothingAnsweredIsLost(t *testing.T) {
	testkit.CheckLeaks(t, 5*time.Minute)
	testkit.Repeat(t, 2, 50, func(seed uint64) error { return killOnce(t, seed) })
}

// killOnce kills a service under load and looks for what it had answered.
func killOnce(t *testing.T, seed uint64) error {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServiceProcess$")
	cmd.Env = append(os.Environ(), "PARLEY_TEST_SERVICE="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ready ") {
			break
		}
	}
	var conn server.Connection
	data, err := os.ReadFile(filepath.Join(dir, "connection.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &conn); err != nil {
		return err
	}
	var mu sync.Mutex
	answered := map[string]string{} // user by token
	var count atomic.Int64
	var load sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for range 8 {
		load.Go(func() {
			for {
				user, token, err := createUser(client, conn)
				if err != nil {
					return // killed
				}
				mu.Lock()
				answered[token] = user
				mu.Unlock()
				count.Add(1)
			}
		})
	}
	for target := int64(20 + seed%7*30); count.Load() < target; {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	_ = cmd.Wait() // it was killed
	load.Wait()
	srv, err := server.New(server.Options{DataDir: dir})
	if err != nil {
		return err
	}
	defer srv.Close()
	for token, user := range answered {
		if got, err := server.Authenticate(srv, token); err != nil || got != user {
			return fmt.Errorf("%d users were answered; one is %q instead of %q: %w", len(answered), got, user, err)
		}
	}
	return nil
}

func createUser(client *http.Client, conn server.Connection) (user, token string, err error) {
	const body = `{"createTokenWithScopes":["voip"]}`
	req, err := http.NewRequest(http.MethodPost, conn.HTTPEndpoint+"/identities?api-version="+apiVersion, strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	key, err := decodeKey(conn.AccessKey)
	if err != nil {
		return "", "", err
	}
	if err := acswire.Sign(req, key, []byte(body), time.Now()); err != nil {
		return "", "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	var made acswire.CreateIdentityResponse
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		return "", "", err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return *made.Identity.ID, *made.AccessToken.Token, nil
}

func TestShutdown_LetsRequestsFinish(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	srv := start(t, server.Options{})
	r := newREST(t, srv)
	endpoint := srv.Connection().HTTPEndpoint
	host := strings.TrimPrefix(endpoint, "http://")
	request := signed{
		method: "POST", target: "/identities?api-version=" + apiVersion, host: host, dateHeader: "x-ms-date",
		date: time.Now().UTC().Format(http.TimeFormat), key: r.key(), body: `{"createTokenWithScopes":["voip"]}`,
	}
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n%s",
		request.method, request.target, host, len(request.body), request.headers(), request.body[:10])
	waitMetric(t, srv, "parley_http_in_flight", 2) // this one, and the one that asks
	done := make(chan error)
	go func() { done <- srv.Shutdown(context.Background()) }()
	for { // until nothing new is taken
		resp, err := http.Get(endpoint + "/readyz")
		if err != nil {
			break
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			break
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if _, err := conn.Write([]byte(request.body[10:])); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("status %d", resp.StatusCode)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
