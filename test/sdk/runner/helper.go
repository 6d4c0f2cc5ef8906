package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/identity"
	"github.com/parley-rtc/parley/signaling"
)

const (
	maxHelperBody = 1 << 20
	signInLimit   = 20 * time.Second
	// endLimit is how long an open connection may outlive its user's tokens
	// before the check fails. It bounds a hang; the speed is what `bench
	// revoke` measures (docs/performance.md).
	endLimit = 10 * time.Second
)

// helper does for the suites what the packages cannot: it signs agents in with
// tokens, makes tokens of the trusted issuer, and asks with Parley's own
// client.
type helper struct {
	bench  *bench
	url    string
	server *http.Server

	mu     sync.Mutex
	agents map[string]*agent
}

// agent is a signed-in one.
type agent struct {
	client *signaling.Client
	closed chan struct{}
	once   sync.Once
	reason string
}

func newHelper(b *bench) (*helper, error) {
	h := &helper{bench: b, agents: map[string]*agent{}}
	mux := http.NewServeMux()
	mux.Handle("POST /token", handle(h.token))
	mux.Handle("POST /agent/open", handle(h.open))
	mux.Handle("POST /agent/ended", handle(h.ended))
	mux.Handle("POST /foreign", handle(h.foreign))
	mux.Handle("POST /assign", handle(h.assign))
	mux.Handle("POST /user", handle(h.user))
	mux.Handle("POST /secret", handle(h.secret))
	var err error
	h.server, h.url, err = serve(mux)
	return h, err
}

func (h *helper) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	errs := []error{h.server.Close()}
	for _, a := range h.agents {
		errs = append(errs, a.client.Close())
	}
	return errors.Join(errs...)
}

// handle makes a handler of a function over JSON.
func handle[In, Out any](f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		text, err := io.ReadAll(io.LimitReader(r.Body, maxHelperBody))
		if err == nil {
			err = json.Unmarshal(text, &in)
		}
		var out Out
		if err == nil {
			out, err = f(r.Context(), in)
		}
		if err != nil {
			reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		reply(w, http.StatusOK, out)
	})
}

type tokenRequest struct {
	Token string `json:"token"`
}

type tokenAnswer struct {
	Accepted   bool   `json:"accepted"`
	Reason     string `json:"reason"`
	UserID     string `json:"userId"`
	ResourceID string `json:"resourceId"`
}

// token tells whether an agent can sign in with a token.
func (h *helper) token(ctx context.Context, in tokenRequest) (tokenAnswer, error) {
	a, welcome, err := h.signIn(ctx, in.Token)
	var goodbye *signaling.GoodbyeError
	switch {
	case errors.As(err, &goodbye):
		return tokenAnswer{Reason: goodbye.Error()}, nil
	case err != nil:
		return tokenAnswer{}, err
	}
	return tokenAnswer{Accepted: true, UserID: welcome.UserID, ResourceID: welcome.ResourceID}, a.client.Close()
}

// secret remembers a token that a suite uses by itself.
func (h *helper) secret(_ context.Context, in tokenRequest) (nothing, error) {
	h.bench.secret(in.Token)
	return nothing{}, nil
}

func (h *helper) signIn(ctx context.Context, token string) (*agent, signaling.Welcome, error) {
	h.bench.secret(token)
	a := &agent{closed: make(chan struct{})}
	var err error
	a.client, err = signaling.NewClient(&signaling.ClientOptions{
		Dialer: signaling.NewWebSocketDialer(h.bench.service.connection.Endpoint, &signaling.WebSocketOptions{TLSConfig: h.bench.tls}),
		Token:  func(context.Context) (string, error) { return token, nil },
		StateChanged: func(s signaling.ClientState) {
			// Sent away with its token refused, or cut and refused on its return.
			if s.Phase == signaling.ClientClosed {
				a.once.Do(func() {
					a.reason = fmt.Sprint(s.Err)
					close(a.closed)
				})
			}
		},
	})
	if err != nil {
		return nil, signaling.Welcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, signInLimit)
	defer cancel()
	welcome, err := a.client.Start(ctx)
	if err != nil {
		return nil, signaling.Welcome{}, errors.Join(err, a.client.Close())
	}
	return a, welcome, nil
}

type agentID struct {
	ID string `json:"id"`
}

// open signs an agent in and leaves it so.
func (h *helper) open(ctx context.Context, in tokenRequest) (agentID, error) {
	a, _, err := h.signIn(ctx, in.Token)
	if err != nil {
		return agentID{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	id := strconv.Itoa(len(h.agents) + 1)
	h.agents[id] = a
	return agentID{id}, nil
}

type endedAnswer struct {
	Ended  bool   `json:"ended"`
	Reason string `json:"reason"`
}

// ended tells whether the service has sent an agent away.
func (h *helper) ended(ctx context.Context, in agentID) (endedAnswer, error) {
	h.mu.Lock()
	a := h.agents[in.ID]
	h.mu.Unlock()
	if a == nil {
		return endedAnswer{}, fmt.Errorf("no agent %q", in.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	select {
	case <-a.closed:
		return endedAnswer{Ended: true, Reason: a.reason}, nil
	case <-ctx.Done():
		return endedAnswer{}, nil
	}
}

type foreignRequest struct {
	Kind   string         `json:"kind"`
	Claims map[string]any `json:"claims"`
}

// foreign makes a token of the issuer.
func (h *helper) foreign(_ context.Context, in foreignRequest) (tokenRequest, error) {
	token, err := h.bench.issuer.foreign(in.Kind, in.Claims)
	h.bench.secret(token)
	return tokenRequest{token}, err
}

type nothing struct{}

// assign lets the Teams user use the Teams extension; no package can say so.
func (h *helper) assign(ctx context.Context, _ nothing) (nothing, error) {
	path, err := core.Path("/access/teamsExtension/tenants/{tenantId}/assignments/{objectId}", teamsTenant, teamsUser)
	if err != nil {
		return nothing{}, err
	}
	body := []byte(`{"principalType":"user"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut,
		h.bench.service.connection.Endpoint+path+"?api-version=2025-06-30", bytes.NewReader(body))
	if err != nil {
		return nothing{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	key, err := h.bench.key()
	if err != nil {
		return nothing{}, err
	}
	if err := acswire.Sign(req, key, body, time.Now()); err != nil {
		return nothing{}, err
	}
	resp, err := h.bench.client.Do(req)
	if err != nil {
		return nothing{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nothing{}, fmt.Errorf("PUT of an assignment: %s", resp.Status)
	}
	return nothing{}, nil
}

type userRequest struct {
	ConnectionString string `json:"connectionString"`
}

type userAnswer struct {
	Status int    `json:"status"`
	ID     string `json:"id"`
}

// user makes a user with a connection string, through Parley's own client: for
// packages that manage resources and cannot use them.
func (h *helper) user(ctx context.Context, in userRequest) (userAnswer, error) {
	h.bench.secret(in.ConnectionString)
	client, err := identity.NewClientFromConnectionString(in.ConnectionString, &identity.ClientOptions{ClientOptions: core.ClientOptions{
		Transport: h.bench.client,
		Retry:     core.RetryOptions{MaxRetries: -1}, // a resource that is gone does not answer
	}})
	if err != nil {
		return userAnswer{}, err
	}
	made, err := client.CreateUser(ctx, nil)
	var refused *core.ResponseError
	switch {
	case errors.As(err, &refused):
		return userAnswer{Status: refused.StatusCode}, nil
	case err != nil:
		return userAnswer{}, err
	}
	return userAnswer{Status: http.StatusCreated, ID: *made.ID}, nil
}
