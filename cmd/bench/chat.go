package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	chatVersion = "2025-03-15"
	// chatPairs are the threads of two that messages go round.
	chatPairs = 64
	// chatText is a message as people write them.
	chatText = "So where should we get lunch from today?"
)

// chat measures the service's chat: durable sends, deliveries to connected
// members, and what idle connections hold in memory.
func chat(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	rounds := e.times(5, 2)
	length := e.length(3*time.Second, 500*time.Millisecond)
	counts := []int{1000, 10000}
	if e.quick {
		counts = []int{200}
	}
	connections := []int{1, 16}
	sizes := []int{2, 50, manyMembers}
	e.steps(rounds*len(connections) + 2*len(counts) + rounds*(len(sizes)+1))
	r.Set("sends", "%d rounds of %v for each number of connections, messages of %d bytes into %d threads of two, over REST", rounds, length, len(chatText), chatPairs)
	r.Set("per core", "messages, or deliveries, per second of the service's own processor time")
	r.Set("deliveries", "every member connected over Parley's signaling; the members send in turn")
	b, err := startChat(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	send, err := b.sends(ctx)
	if err != nil {
		return r, err
	}
	for _, n := range connections {
		for range rounds {
			if err := b.send(ctx, e, r, send, n, length); err != nil {
				return r, err
			}
		}
	}
	for _, n := range sizes {
		for range rounds {
			if err := b.deliver(ctx, e, r, n, length); err != nil {
				return r, fmt.Errorf("%d members: %w", n, err)
			}
		}
	}
	for _, n := range counts {
		for _, secure := range []bool{false, true} {
			if err := b.idle(ctx, e, r, n, secure); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// chatBench is the service under load.
type chatBench struct {
	env        *env
	parley     string
	folder     string
	clean      []func()
	process    *process
	connection *account.Connection
	key        []byte
	client     *http.Client
}

func (b *chatBench) close() error {
	var err error
	if b.process != nil {
		err = b.process.stop(syscall.SIGTERM)
	}
	if b.client != nil {
		b.client.CloseIdleConnections()
	}
	for _, f := range b.clean {
		f()
	}
	return err
}

func startChat(ctx context.Context, e *env) (_ *chatBench, err error) {
	b := &chatBench{env: e, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: callTime}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.folder, err = os.MkdirTemp("", "parley-bench-data-"); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	b.clean = append(b.clean, func() { remove(b.folder) })
	parley, clean, err := program(ctx, "parley", e.parley, module+"/cmd/parley")
	if err != nil {
		return nil, err
	}
	b.parley, b.clean = parley, append(b.clean, clean)
	return b, b.start(ctx)
}

// start runs the service; its data stay.
func (b *chatBench) start(ctx context.Context) (err error) {
	var more []string
	if b.env.database != "" {
		more = []string{"--database", b.env.database}
	}
	if b.process, b.connection, _, err = serve(ctx, b.parley, b.folder, more...); err != nil {
		return err
	}
	b.key, err = base64.StdEncoding.DecodeString(b.connection.AccessKey)
	if err != nil {
		return fmt.Errorf("access key: %w", err)
	}
	return nil
}

// restart ends the service and begins it anew, so that its memory is that of a
// fresh one.
func (b *chatBench) restart(ctx context.Context) error {
	b.client.CloseIdleConnections()
	if err := b.process.stop(syscall.SIGTERM); err != nil {
		return err
	}
	return b.start(ctx)
}

// chatUser is a user with a token.
type chatUser struct{ id, token string }

// user makes one.
func (b *chatBench) user(ctx context.Context) (u chatUser, err error) {
	body, err := json.Marshal(acswire.CreateIdentityRequest{CreateTokenWithScopes: []string{acswire.ScopeChat, acswire.ScopeVoIP}})
	if err != nil {
		return u, fmt.Errorf("user: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.endpoint()+acswire.RouteIdentities+"?api-version=2023-10-01", bytes.NewReader(body))
	if err != nil {
		return u, fmt.Errorf("user: %w", err)
	}
	req.Header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	if err := acswire.Sign(req, b.key, body, time.Now()); err != nil {
		return u, fmt.Errorf("user: %w", err)
	}
	var made acswire.CreateIdentityResponse
	if err := b.answer(req, &made); err != nil {
		return u, err
	}
	return chatUser{*made.Identity.ID, *made.AccessToken.Token}, nil
}

// thread makes a thread of users; the first is its owner.
func (b *chatBench) thread(ctx context.Context, users []chatUser) (string, error) {
	request := acswire.CreateChatThreadRequest{Topic: new("bench")}
	for i := range users {
		request.Participants = append(request.Participants, acswire.ChatParticipant{
			CommunicationIdentifier: &acswire.IdentifierModel{CommunicationUser: &acswire.CommunicationUserModel{ID: &users[i].id}},
		})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("thread: %w", err)
	}
	req, err := b.request(ctx, users[0].token, acswire.RouteChatThreads, body)
	if err != nil {
		return "", err
	}
	var made acswire.CreateChatThreadResult
	if err := b.answer(req, &made); err != nil {
		return "", err
	}
	return *made.ChatThread.ID, nil
}

// join adds users to a thread.
func (b *chatBench) join(ctx context.Context, thread string, owner chatUser, users []chatUser) error {
	if len(users) == 0 {
		return nil
	}
	request := acswire.AddChatParticipantsRequest{}
	for i := range users {
		request.Participants = append(request.Participants, acswire.ChatParticipant{
			CommunicationIdentifier: &acswire.IdentifierModel{CommunicationUser: &acswire.CommunicationUserModel{ID: &users[i].id}},
		})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("participants: %w", err)
	}
	req, err := b.request(ctx, owner.token, acswire.ChatThreadPath(thread)+"/participants/:add", body)
	if err != nil {
		return err
	}
	var answer acswire.AddChatParticipantsResult
	return b.answer(req, &answer)
}

func (b *chatBench) endpoint() string { return strings.TrimSuffix(b.connection.HTTPEndpoint, "/") }

// request is a POST of a user.
func (b *chatBench) request(ctx context.Context, token, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.endpoint()+path+"?"+acswire.QueryAPIVersion+"="+chatVersion, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set(acswire.HeaderContentType, acswire.ContentTypeJSON)
	req.Header.Set(acswire.HeaderAuthorization, "Bearer "+token)
	return req, nil
}

func (b *chatBench) answer(req *http.Request, v any) error {
	res, err := b.client.Do(req)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s %s: %s: %.300s", req.Method, req.URL.Path, res.Status, body)
	}
	return json.Unmarshal(body, v)
}

// sends makes the threads and returns what sends into them.
func (b *chatBench) sends(ctx context.Context) (*target, error) {
	type pair struct {
		path  string
		users []chatUser
	}
	pairs := make([]pair, chatPairs)
	for i := range pairs {
		for range 2 {
			u, err := b.user(ctx)
			if err != nil {
				return nil, err
			}
			pairs[i].users = append(pairs[i].users, u)
		}
		id, err := b.thread(ctx, pairs[i].users)
		if err != nil {
			return nil, err
		}
		pairs[i].path = acswire.ChatThreadPath(id) + "/messages"
	}
	body, err := json.Marshal(acswire.SendChatMessageRequest{Content: new(chatText)})
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return &target{process: b.process, want: http.StatusCreated, request: func(ctx context.Context, n int) (*http.Request, error) {
		p := &pairs[n%len(pairs)]
		return b.request(ctx, p.users[n/len(pairs)%2].token, p.path, body)
	}}, nil
}

// send is one round of sends.
func (b *chatBench) send(ctx context.Context, e *env, r *figures.Result, t *target, connections int, length time.Duration) error {
	l, err := t.press(ctx, connections, length, 0)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	name := func(figure string) string { return "send: " + plural(connections) + ", " + figure }
	r.Metric(name("per core"), "Durable sends per second and core", "/s", figures.Goal{Quantile: figures.Median, Must: 2000, Aim: 5000, AtLeast: true}).Add(l.perCore())
	r.Metric(name("rate"), "Durable sends per second", "/s").Add(l.rate())
	const group = "Time of a send: p50 and p99 of each round"
	r.Metric(name("p50"), group, "ms").Add(l.at(0.5))
	r.Metric(name("p99"), group, "ms").Add(l.at(0.99))
	e.step()
	return nil
}
