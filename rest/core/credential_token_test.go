package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/core"
)

// issuer gives tokens t1, t2, … that live for life.
type issuer struct {
	life   time.Duration
	err    error
	scopes []string
	n      int
}

func (i *issuer) GetToken(_ context.Context, options core.TokenRequestOptions) (core.AccessToken, error) {
	i.n++
	i.scopes = options.Scopes
	if i.err != nil {
		return core.AccessToken{}, i.err
	}
	return core.AccessToken{Token: fmt.Sprintf("t%d", i.n), ExpiresOn: time.Now().Add(i.life)}, nil
}

func TestBearer_KeepsRenewsForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{life: time.Hour}
		var sent []string
		status := 200
		c := newClientWith(t, core.NewBearerPolicy(from, []string{"https://communication.azure.com//.default"}, nil),
			transportFunc(func(req *http.Request) (*http.Response, error) {
				sent = append(sent, req.Header.Get("Authorization"))
				return answer(status, ""), nil
			}))
		send := func(want string) {
			t.Helper()
			_, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"})
			if got := sent[len(sent)-1]; got != "Bearer "+want || (err == nil) != (status == 200) {
				t.Errorf("sent %q, %v; want %s", got, err, want)
			}
		}
		send("t1")
		time.Sleep(54 * time.Minute)
		send("t1")
		time.Sleep(time.Minute) // 5 minutes before the end
		send("t2")
		// A new one cannot be had: the old one is sent while it holds, and the
		// issuer is left alone for a while.
		from.err = io.ErrUnexpectedEOF
		time.Sleep(56 * time.Minute)
		asked := from.n
		send("t2")
		send("t2")
		if from.n != asked+1 {
			t.Errorf("asked %d times", from.n-asked)
		}
		time.Sleep(30 * time.Second)
		send("t2")
		if from.n != asked+2 {
			t.Errorf("asked %d times", from.n-asked)
		}
		time.Sleep(5 * time.Minute)
		before := len(sent)
		if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, io.ErrUnexpectedEOF) || len(sent) != before {
			t.Errorf("%v", err)
		}
		from.err = nil
		n := from.n
		status = 401
		send(fmt.Sprintf("t%d", n+1))
		status = 200
		send(fmt.Sprintf("t%d", n+2))
		if !slices.Equal(from.scopes, []string{"https://communication.azure.com//.default"}) {
			t.Errorf("scopes %v", from.scopes)
		}
	})
}

func TestBearer_Refuses(t *testing.T) {
	good := &issuer{life: time.Hour}
	c, err := core.NewClient(core.ClientConfig{Endpoint: "http://contoso.example", Credential: core.NewBearerPolicy(good, nil, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, core.ErrPlainHTTP) || good.n != 0 {
		t.Errorf("plain http: %v", err)
	}
	for name, one := range map[string]struct {
		policy core.Policy
		want   error
	}{
		"no credential": {core.NewBearerPolicy(nil, nil, nil), core.ErrInvalidParameter},
		"expired":       {core.NewBearerPolicy(&issuer{life: -time.Second}, nil, nil), core.ErrTokenExpired},
		"no token":      {core.NewTokenPolicy(func(context.Context) (core.AccessToken, error) { return core.AccessToken{}, nil }, nil, nil), core.ErrNoToken},
		"its error":     {core.NewTokenPolicy(func(context.Context) (core.AccessToken, error) { return core.AccessToken{}, io.EOF }, nil, nil), io.EOF},
	} {
		if _, err := newClientWith(t, one.policy, nil).Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, one.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenPolicy_TellsWhatWasRefused(t *testing.T) {
	var refused string
	c, err := core.NewClient(core.ClientConfig{
		Endpoint: "http://contoso.example",
		Credential: core.NewTokenPolicy(func(context.Context) (core.AccessToken, error) { return core.AccessToken{Token: "x"}, nil },
			func(token string) { refused = token }, &core.BearerPolicyOptions{AllowPlainHTTP: true}),
	}, &core.ClientOptions{Transport: transportFunc(func(*http.Request) (*http.Response, error) { return answer(401, ""), nil })})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); err == nil || refused != "x" {
		t.Errorf("refused %q, %v", refused, err)
	}
}

func TestTokenCache_ShortToken_RenewedAfterHalfOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{life: 4 * time.Minute}
		c := core.NewTokenCache(func(ctx context.Context) (core.AccessToken, error) {
			return from.GetToken(ctx, core.TokenRequestOptions{})
		}, nil)
		for i, want := range []string{"t1", "t1", "t2", "t2", "t3"} {
			got, err := c.Token(t.Context())
			if err != nil || got.Token != want {
				t.Errorf("%d: %s, %v; want %s", i, got.Token, err, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTokenCache_SingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		c := core.NewTokenCache(func(context.Context) (core.AccessToken, error) {
			n := asked.Add(1)
			time.Sleep(time.Minute)
			return core.AccessToken{Token: fmt.Sprintf("t%d", n), ExpiresOn: time.Now().Add(time.Hour)}, nil
		}, nil)
		all := func(want string, atMost time.Duration) {
			t.Helper()
			start := time.Now()
			var slow atomic.Int32
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					got, err := c.Token(t.Context())
					if err != nil || (got.Token != want && got.Token != "t1") {
						t.Errorf("%s, %v", got.Token, err)
					}
					if time.Since(start) > atMost {
						slow.Add(1)
					}
				})
			}
			wg.Wait()
			// Who renews waits; while the old token holds nobody else does.
			if slow.Load() > 1 {
				t.Errorf("%d waited more than %v", slow.Load(), atMost)
			}
		}
		all("t1", time.Minute)
		time.Sleep(56 * time.Minute)
		all("t2", 0)
		if n := asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A goroutine whose own context ends must not take the others with it.
func TestTokenCache_LeaderGivesUp_OthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := core.NewTokenCache(func(ctx context.Context) (core.AccessToken, error) {
			select {
			case <-ctx.Done():
				return core.AccessToken{}, ctx.Err()
			case <-time.After(time.Minute):
				return core.AccessToken{Token: "t"}, nil
			}
		}, nil)
		leader, cancelLeader := context.WithTimeout(t.Context(), time.Second)
		defer cancelLeader()
		waiter, cancelWaiter := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancelWaiter()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Token(leader); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("leader: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := c.Token(waiter); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("waiter: %v", err)
			}
		})
		wg.Go(func() {
			if got, err := c.Token(t.Context()); err != nil || got.Token != "t" {
				t.Errorf("%s, %v", got.Token, err)
			}
		})
		wg.Wait()
		// A token without an end is kept for ever; a context that ended gets none.
		time.Sleep(1000 * time.Hour)
		if got, err := c.Token(t.Context()); err != nil || got.Token != "t" {
			t.Errorf("%s, %v", got.Token, err)
		}
		if _, err := c.Token(leader); err == nil {
			t.Error("no error")
		}
		c.Forget("another")
		if got, _ := c.Token(t.Context()); got.Token != "t" {
			t.Error("forgot the wrong one")
		}
	})
}

func TestTokenCache_RefreshPanics_NobodyHangs(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	first := true
	c := core.NewTokenCache(func(context.Context) (core.AccessToken, error) {
		if first {
			first = false
			panic("broken")
		}
		return core.AccessToken{Token: "t"}, nil
	}, nil)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = c.Token(t.Context())
	}()
	if got, err := c.Token(t.Context()); err != nil || got.Token != "t" {
		t.Errorf("%s, %v", got.Token, err)
	}
}

func TestTokenCache_Initial(t *testing.T) {
	c := core.NewTokenCache(func(context.Context) (core.AccessToken, error) {
		return core.AccessToken{}, nil
	}, &core.TokenCacheOptions{Initial: core.AccessToken{Token: "first"}})
	if got, err := c.Token(t.Context()); err != nil || got.Token != "first" {
		t.Errorf("%s, %v", got.Token, err)
	}
	c.Forget("first")
	if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrNoToken) {
		t.Errorf("%v", err)
	}
}
