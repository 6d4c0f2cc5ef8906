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
	"runtime"
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

// chat measures the service's chat, durable sends, deliveries to connected
// members, what idle connections hold in memory and what they cost others, and
// beside it other systems under the same load.
func chat(ctx context.Context, e *env) (*figures.Result, error) {
	ours, all, begin := busyOf("self", user, system, childUser, childSystem), busyOfAll(), time.Now()
	r, err := chatAll(ctx, e)
	// All processes have ended and count as children.
	ours, all = busyOf("self", user, system, childUser, childSystem)-ours, busyOfAll()-all
	if r != nil && all > 0 {
		r.Note("other programs took %.2f of %d cores meanwhile", max(0, all-ours).Seconds()/time.Since(begin).Seconds(), runtime.NumCPU())
	}
	return r, err
}

func chatAll(ctx context.Context, e *env) (_ *figures.Result, err error) {
	c := &chatRun{
		env: e, result: &figures.Result{}, rounds: e.times(5, 2), length: e.length(3*time.Second, 500*time.Millisecond),
		sizes: []int{2, 50, manyMembers}, atOnce: []int{1, 16}, idles: []int{1000, 10000},
		missing: map[string]string{},
	}
	if e.quick {
		c.idles = []int{200}
	}
	if err := c.known(); err != nil {
		return nil, err
	}
	c.describe()
	service, err := startChat(ctx, e)
	if err != nil {
		return nil, err
	}
	c.systems = []chatSystem{service}
	defer func() {
		for _, s := range c.systems {
			err = errors.Join(err, s.close())
		}
	}()
	if !e.alone {
		others, err := c.rivals(ctx)
		c.systems = append(c.systems, others...)
		if err != nil {
			return c.result, err
		}
	}
	for _, part := range c.stages() {
		if !c.wants(part.name) {
			continue
		}
		e.steps(part.steps)
		if err := part.run(ctx); err != nil {
			return c.result, err
		}
	}
	c.compare()
	return c.result, nil
}

// chatBench is the service under load.
type chatBench struct {
	// label is empty, but for a second one beside the first.
	label      string
	more       []string
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
		b.process = nil
	}
	if b.client != nil {
		b.client.CloseIdleConnections()
	}
	for _, f := range b.clean {
		f()
	}
	return err
}

// startChat runs the service with what it needs and more arguments.
func startChat(ctx context.Context, e *env, more ...string) (_ *chatBench, err error) {
	if e.database != "" {
		more = append(more, "--database", e.database)
	}
	b := &chatBench{more: more, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: callTime}}
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
	if b.process, b.connection, _, err = serve(ctx, b.parley, b.folder, b.more...); err != nil {
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
