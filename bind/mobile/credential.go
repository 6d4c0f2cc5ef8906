package mobile

import (
	"context"
	"fmt"
	"sync"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/rest/common"
)

// TokenRefresher gets user access tokens from the application's back end.
// RefreshToken is called on a thread of the library whenever one is needed, not
// twice at a time; it may block. It throws, or returns an error, when there is
// none.
type TokenRefresher interface {
	RefreshToken() (string, error)
}

// Credential gives user access tokens to agents and chat clients. It may be
// given to several of the same user.
type Credential struct {
	refresher slot[TokenRefresher]
	source    common.TokenCredential

	mu      sync.Mutex
	pending *refresh // the call of the application that runs
}

// refresh is one call of the application.
type refresh struct {
	done  chan struct{}
	token string
	err   error
}

// NewCredential makes a credential of one token that is never replaced. A text
// that is no token gives ErrorCodeInvalidArgument.
func NewCredential(token string) (credential *Credential, err error) {
	defer guard(&err)
	source, err := common.NewStaticTokenCredential(token)
	if err != nil {
		return nil, err
	}
	return &Credential{source: source}, nil
}

// NewRefreshingCredential makes a credential that asks for the next token
// before one ends, and when the service refuses one. token is one at hand, or
// empty. The refresher is dropped by Close.
func NewRefreshingCredential(token string, refresher TokenRefresher) (credential *Credential, err error) {
	defer guard(&err)
	if refresher == nil {
		return nil, fmt.Errorf("%w: no refresher", errArgument)
	}
	c := &Credential{}
	c.refresher.set(refresher)
	c.source, err = common.NewUserTokenCredential(common.UserTokenCredentialOptions{Refresh: c.refresh, Initial: token})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Close drops the refresher: from then on there are no new tokens.
func (c *Credential) Close() {
	defer quiet()
	c.refresher.drop()
}

// refresh asks the application. Its code cannot be interrupted: who cannot wait
// any longer goes, and the next one waits for the same call.
func (c *Credential) refresh(ctx context.Context) (string, error) {
	c.mu.Lock()
	r := c.pending
	if r == nil {
		r = &refresh{done: make(chan struct{})}
		c.pending = r
		go c.ask(r)
	}
	c.mu.Unlock()
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// ask is one call of the application.
func (c *Credential) ask(r *refresh) {
	defer close(r.done)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pending = nil
	}()
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("mobile: the refresher panicked: %v", p)
		}
	}()
	refresher, ok := c.refresher.get()
	if !ok {
		r.err = fmt.Errorf("%w: the credential", errClosed)
		return
	}
	r.token, r.err = refresher.RefreshToken()
}

// forEngine returns the credential as the engine takes it.
func (c *Credential) forEngine() engine.TokenCredential {
	return engine.TokenRefresher(func(ctx context.Context) (engine.AccessToken, error) {
		token, err := c.source.GetToken(ctx)
		return engine.AccessToken(token), err
	})
}
