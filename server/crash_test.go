package server_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

const (
	crashQuick, crashSoak = 3, 200
	crashWorkers          = 8
)

// TestCrash_KilledUnderLoad kills `parley serve` with SIGKILL at random moments
// under REST load, again and again on the same data, and looks after each time
// for all that it had answered with success.
func TestCrash_KilledUnderLoad(t *testing.T) {
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		testkit.CheckLeaks(t, time.Hour)
		w := &crash{t: t, program: testkit.Program(t, "cmd/parley"), options: server.Options{DataDir: t.TempDir(), Database: database}}
		testkit.Repeat(t, crashQuick, crashSoak, w.round)
		if err := w.check(nil, true); err != nil {
			t.Error(err)
		}
		t.Logf("%d answers with success were looked for, %d users", w.answers.Load(), len(w.accounts))
	})
}

// crash is a service that is killed, and what it had answered.
type crash struct {
	t        *testing.T
	program  string
	options  server.Options
	answers  atomic.Int64
	accounts []*account
	services []*service // used by one goroutine at a time
}

// account is a user and what is known for certain about it.
type account struct {
	id       string
	customID string
	scope    string   // of its first token; empty: voip
	good     []string // tokens that must be valid
	void     []string // tokens that must not be
	gone     bool     // deleted
	doubt    bool     // a revocation or a deletion was not answered
}

// round is one life and death of the process.
func (w *crash) round(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 1))
	p, err := startService(w.program, w.options)
	if err != nil {
		return err
	}
	if seed%8 == 7 { // before or while it starts
		<-time.After(time.Duration(r.Int64N(int64(40 * time.Millisecond))))
		p.kill()
		return w.check(nil, false)
	}
	conn, err := p.ready()
	if err != nil {
		p.kill()
		return err
	}
	fresh := make([][]*account, crashWorkers)
	var load sync.WaitGroup
	began := make(chan struct{}, crashWorkers+1)
	load.Go(func() {
		w.manage(rand.New(rand.NewPCG(seed, 1000)), conn, sync.OnceFunc(func() { began <- struct{}{} }))
	})
	for i := range crashWorkers {
		own := rand.New(rand.NewPCG(seed, uint64(i)+2)) //nolint:gosec // G115: small
		load.Go(func() { fresh[i] = w.work(own, conn, func() { began <- struct{}{} }) })
	}
	for range crashWorkers + 1 {
		<-began
	}
	<-time.After(time.Duration(r.Int64N(int64(150 * time.Millisecond))))
	p.kill()
	load.Wait()
	var all []*account
	for _, accounts := range fresh {
		all = append(all, accounts...)
	}
	return w.check(all, false)
}

// work makes, uses, revokes and deletes users of its own until the service is
// gone. began is called after the first answer, or the first failure.
func (w *crash) work(r *rand.Rand, conn server.Connection, began func()) (accounts []*account) {
	c := newClient(conn)
	defer c.close()
	first := sync.OnceFunc(began)
	defer first()
	for n := 0; ; n++ {
		var err error
		if len(accounts) == 0 || r.IntN(3) == 0 {
			a := &account{}
			if r.IntN(4) == 0 {
				a.customID = fmt.Sprintf("%p %d", &accounts, r.Uint64())
			}
			if err = c.create(a); err == nil {
				accounts = append(accounts, a)
			}
		} else {
			err = c.touch(r, accounts[r.IntN(len(accounts))])
		}
		if err != nil {
			if _, refused := errors.AsType[*refusal](err); refused {
				w.t.Error(err)
			}
			return accounts
		}
		w.answers.Add(1)
		first()
	}
}

// check starts the service again, in this process, and looks for everything
// that was answered, in this round and in those before it. With settled nothing
// may be under way any more.
func (w *crash) check(fresh []*account, settled bool) error {
	srv, err := server.New(w.options)
	if err != nil {
		return fmt.Errorf("start after the kill: %w", err)
	}
	defer srv.Close()
	if err := w.checkServices(srv, settled); err != nil {
		return err
	}
	c := newClient(srv.Connection())
	defer c.close()
	// Of those before, some: all of them would take ever longer.
	w.accounts = append(w.accounts, fresh...)
	old := len(w.accounts) - len(fresh)
	for i := range w.accounts {
		if i < old && (i+old)%17 != 0 {
			continue
		}
		if err := w.checkAccount(srv, c, w.accounts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *crash) checkAccount(srv *server.Server, c *client, a *account) error {
	for _, token := range a.good {
		user, err := server.Authenticate(srv, token)
		switch {
		case a.doubt: // it took effect or not
		case a.gone && err == nil:
			return fmt.Errorf("user %s was deleted; a token of it is good", a.id)
		case !a.gone && (err != nil || user != a.id):
			return fmt.Errorf("user %s: its token gives %q: %w", a.id, user, err)
		}
	}
	for _, token := range a.void {
		if _, err := server.Authenticate(srv, token); err == nil {
			return fmt.Errorf("user %s: a revoked token is good", a.id)
		}
	}
	if a.doubt {
		return nil
	}
	// Nothing is stuck: the user can be used as if nothing had happened.
	_, err := c.issue(a.id)
	refused, _ := errors.AsType[*refusal](err)
	switch {
	case a.gone && refused == nil:
		return fmt.Errorf("user %s was deleted; a token of it is not refused: %w", a.id, err)
	case !a.gone && err != nil:
		return fmt.Errorf("user %s: %w", a.id, err)
	}
	if a.customID != "" && !a.gone {
		again := &account{customID: a.customID}
		if err := c.create(again); err != nil || again.id != a.id {
			return fmt.Errorf("custom id of %s gives %s: %w", a.id, again.id, err)
		}
	}
	return nil
}

// serviceProcess is a `parley serve`.
type serviceProcess struct {
	cmd *exec.Cmd
	out io.ReadCloser
}

func startService(program string, options server.Options) (*serviceProcess, error) {
	args := []string{"serve", "--json", "--log", "error", "--data", options.DataDir}
	if options.Database != "" {
		args = append(args, "--database", options.Database)
	}
	if options.NATS != "" {
		args = append(args, "--nats", options.NATS)
	}
	p := &serviceProcess{cmd: exec.Command(program, args...)} //nolint:gosec // G204: our own program
	p.cmd.Stderr = os.Stderr
	var err error
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// ready waits until the service says how to reach it.
func (p *serviceProcess) ready() (conn server.Connection, err error) {
	lines := bufio.NewScanner(p.out)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return conn, fmt.Errorf("the service did not start: %w", lines.Err())
	}
	return conn, json.Unmarshal(lines.Bytes(), &conn)
}

func (p *serviceProcess) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// client speaks to the REST API as the back end of an app does.
type client struct {
	conn server.Connection
	http *http.Client
}

func newClient(conn server.Connection) *client {
	return &client{conn, &http.Client{Transport: &http.Transport{}}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// refusal is an answer without success.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.text) }

func (c *client) do(method, path, version, body string, answer any) error {
	req, err := http.NewRequestWithContext(context.Background(), method, c.conn.HTTPEndpoint+path+"?api-version="+version, strings.NewReader(body))
	if err != nil {
		return err
	}
	key, err := decodeKey(c.conn.AccessKey)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if err := acswire.Sign(req, key, []byte(body), time.Now()); err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return &refusal{resp.StatusCode, string(data)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

// create makes the user of an account with its first token.
func (c *client) create(a *account) error {
	body := fmt.Sprintf(`{"createTokenWithScopes":[%q]}`, cmp.Or(a.scope, "voip"))
	if a.customID != "" {
		body = fmt.Sprintf(`{"createTokenWithScopes":["voip"],"customId":%q}`, a.customID)
	}
	var made acswire.CreateIdentityResponse
	if err := c.do(http.MethodPost, "/identities", acswire.VersionCustomID().String(), body, &made); err != nil {
		return err
	}
	a.id = *made.Identity.ID
	a.good = append(a.good, *made.AccessToken.Token)
	return nil
}

func (c *client) issue(user string) (string, error) {
	var made acswire.AccessToken
	if err := c.do(http.MethodPost, "/identities/"+url.PathEscape(user)+"/:issueAccessToken", apiVersion, `{"scopes":["voip"]}`, &made); err != nil {
		return "", err
	}
	return *made.Token, nil
}

// touch does something to a user and keeps what was answered.
func (c *client) touch(r *rand.Rand, a *account) error {
	if a.gone {
		return nil
	}
	path := "/identities/" + url.PathEscape(a.id)
	switch r.IntN(6) {
	case 0:
		a.doubt = true
		if err := c.do(http.MethodPost, path+"/:revokeAccessTokens", apiVersion, "", nil); err != nil {
			return err
		}
		a.doubt = false
		a.good, a.void = nil, append(a.void, a.good...)
	case 1:
		a.doubt = true
		if err := c.do(http.MethodDelete, path, apiVersion, "", nil); err != nil {
			return err
		}
		a.doubt, a.gone = false, true
	default:
		token, err := c.issue(a.id)
		if err != nil {
			return err
		}
		a.good = append(a.good, token)
	}
	return nil
}
