package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/internal/acswire"
)

// restUsers is how many users the requests go round.
const restUsers = 256

// rest measures the REST API beside a bare handler that makes one durable
// insert and signs one token: both as processes, both over plain http with the
// same client, alternating.
func rest(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	rounds := e.times(5, 2)
	length := e.length(3*time.Second, 500*time.Millisecond)
	connections := []int{1, 16, 128}
	e.steps(rounds * (4*len(connections) + 2))
	r.Set("rounds", "%d of %v for each number of connections, the service and the bare handler in turn", rounds, length)
	r.Set("per core", "requests per second of the server's own processor time")
	r.Set("half load", "requests due at fixed times, half as many per second as 16 connections reached; timed from when due")
	kept := "SQLite in the data folder"
	if e.database != "" {
		kept = "PostgreSQL, both in one database, whose processes' time counts for neither"
	}
	r.Set("database", "%s", kept)
	r.Set("users", "%d; each token is issued after its user's row was written durably", restUsers)
	pair, err := startRest(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pair.close()) }()
	for _, n := range connections {
		for range rounds {
			if err := pair.both(ctx, e, r, "issue", n, length); err != nil {
				return r, err
			}
		}
	}
	if err := pair.half(ctx, e, r, rounds, length); err != nil {
		return r, err
	}
	for _, n := range connections {
		for range rounds {
			if err := pair.both(ctx, e, r, "read", n, length); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// restPair is the service and the yardstick.
type restPair struct {
	clean        []func()
	processes    []*process
	parley, bare map[string]*target
	folder       string
}

func (p *restPair) close() error {
	var errs []error
	for i, process := range p.processes {
		if i == 0 {
			errs = append(errs, process.stop(syscall.SIGTERM))
		} else {
			errs = append(errs, process.stop())
		}
	}
	for _, f := range p.clean {
		f()
	}
	return errors.Join(errs...)
}

func startRest(ctx context.Context, e *env) (_ *restPair, err error) {
	p := &restPair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.folder, err = os.MkdirTemp("", "parley-bench-data-"); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	p.clean = append(p.clean, func() { remove(p.folder) })
	parley, clean, err := program(ctx, "parley", e.parley, module+"/cmd/parley")
	if err != nil {
		return nil, err
	}
	p.clean = append(p.clean, clean)
	bare, clean, err := program(ctx, "barehandler", "", module+"/cmd/bench/barehandler")
	if err != nil {
		return nil, err
	}
	p.clean = append(p.clean, clean)
	var more []string
	if e.database != "" {
		more = []string{"--database", e.database}
	}
	service, connection, _, err := serve(ctx, parley, p.folder, more...)
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, service)
	yardstick, err := start(ctx, bare, append([]string{"--data", p.folder}, more...)...)
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, yardstick)
	line, err := yardstick.line(ctx, "listening ")
	if err != nil {
		return nil, err
	}
	var endpoint, id string
	if _, err := fmt.Sscanf(line, "listening %s %s", &endpoint, &id); err != nil {
		return nil, fmt.Errorf("bare handler: %w", err)
	}
	if p.parley, err = restTargets(ctx, service, connection); err != nil {
		return nil, err
	}
	key := []byte("the bare handler looks at no signature")
	p.bare = map[string]*target{
		"issue": {process: yardstick, want: http.StatusOK, request: signed(endpoint, key, http.MethodPost, issueBody(), func(int) string { return "/tokens" })},
		"read":  {process: yardstick, want: http.StatusOK, request: signed(endpoint, key, http.MethodGet, nil, func(int) string { return "/users/" + id })},
	}
	return p, nil
}

// restTargets makes the users and returns the service's operations.
func restTargets(ctx context.Context, service *process, c *account.Connection) (map[string]*target, error) {
	key, err := base64.StdEncoding.DecodeString(c.AccessKey)
	if err != nil {
		return nil, fmt.Errorf("access key: %w", err)
	}
	endpoint := strings.TrimSuffix(c.HTTPEndpoint, "/")
	owner, err := account.New(account.Connection{Endpoint: endpoint, AccessKey: c.AccessKey}, nil)
	if err != nil {
		return nil, err
	}
	defer owner.Close()
	users := make([]string, restUsers)
	for i := range users {
		user, err := owner.User(ctx, fmt.Sprintf("user-%d", i))
		if err != nil {
			return nil, err
		}
		users[i] = user.RawID()
	}
	version := "?" + acswire.QueryAPIVersion + "="
	return map[string]*target{
		"issue": {process: service, want: http.StatusOK, request: signed(endpoint, key, http.MethodPost, issueBody(), func(n int) string {
			return acswire.IssueAccessTokenPath(users[n%len(users)]) + version + "2023-10-01"
		})},
		"read": {process: service, want: http.StatusOK, request: signed(endpoint, key, http.MethodGet, nil, func(n int) string {
			path := strings.TrimSuffix(acswire.IssueAccessTokenPath(users[n%len(users)]), "/:issueAccessToken")
			return path + version + acswire.VersionCustomID().String()
		})},
	}, nil
}

func issueBody() []byte {
	body, err := json.Marshal(acswire.IssueAccessTokenRequest{Scopes: []string{acswire.ScopeChat, acswire.ScopeVoIP}})
	if err != nil {
		return nil // a struct of strings: cannot happen
	}
	return body
}

// signed makes signed requests; the bare handler gets them too, so that the
// client costs the same.
func signed(endpoint string, key []byte, method string, body []byte, path func(n int) string) func(context.Context, int) (*http.Request, error) {
	return func(ctx context.Context, n int) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, method, endpoint+path(n), bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}
		if body != nil {
			req.Header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
		}
		if err := acswire.Sign(req, key, body, time.Now()); err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}
		return req, nil
	}
}

// both runs one round on each of the two.
func (p *restPair) both(ctx context.Context, e *env, r *figures.Result, what string, connections int, length time.Duration) error {
	name := func(who, figure string) string {
		return fmt.Sprintf("%s %s: %s, %s", who, what, plural(connections), figure)
	}
	per := "Requests per second and core: " + what
	rate := "Requests per second: " + what
	took := fmt.Sprintf("Time of a request, %s: p50 and p99 of each round", what)
	for _, who := range []string{"bare", "parley"} {
		t := p.bare[what]
		var goals []figures.Goal
		if who == "parley" {
			t = p.parley[what]
			goals = append(goals, figures.Goal{Quantile: figures.Median, Must: 0.6, Aim: 0.8, Times: name("bare", "per core"), AtLeast: true})
		}
		l, err := t.press(ctx, connections, length, 0)
		if err != nil {
			return fmt.Errorf("%s %s: %w", who, what, err)
		}
		r.Metric(name(who, "per core"), per, "/s", goals...).Add(l.perCore())
		r.Metric(name(who, "rate"), rate, "/s").Add(l.rate())
		r.Metric(name(who, "p50"), took, "ms").Add(l.at(0.5))
		r.Metric(name(who, "p99"), took, "ms").Add(l.at(0.99))
		for _, figure := range []string{"per core", "rate", "p50", "p99"} {
			r.Find(name(who, figure)).Baseline = who == "bare"
		}
		e.step()
	}
	return nil
}

func plural(connections int) string {
	if connections == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", connections)
}

// half measures at half of the rate that 16 connections reached.
func (p *restPair) half(ctx context.Context, e *env, r *figures.Result, rounds int, length time.Duration) error {
	const group = "Time of a token at 16 connections and half load: p50 and p99 of each round"
	for range rounds {
		for _, who := range []string{"bare", "parley"} {
			t := p.bare["issue"]
			var goals []figures.Goal
			if who == "parley" {
				t = p.parley["issue"]
				goals = append(goals, figures.Goal{Quantile: figures.Median, Must: 20, Aim: 20})
			}
			full := r.Find(who + " issue: 16 connections, rate").At(figures.Median)
			l, err := t.press(ctx, 16, length, full/2)
			if err != nil {
				return fmt.Errorf("%s at half load: %w", who, err)
			}
			r.Metric(who+" issue: half load, p50", group, "ms").Add(l.at(0.5))
			r.Metric(who+" issue: half load, p99", group, "ms", goals...).Add(l.at(0.99))
			for _, figure := range []string{"p50", "p99"} {
				r.Find(who + " issue: half load, " + figure).Baseline = who == "bare"
			}
			e.step()
		}
	}
	return nil
}
