package common_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/core"
)

// issuer gives the tokens of a user; it notes what they were asked for.
type issuer struct {
	mu    sync.Mutex
	token string
	err   error
	asked [][]string
}

func (i *issuer) GetToken(_ context.Context, options core.TokenRequestOptions) (core.AccessToken, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, options.Scopes)
	return core.AccessToken{Token: i.token}, i.err
}

// exchanger answers exchanges with tokens e1, e2, … that live for an hour, and
// notes the requests.
type exchanger struct {
	mu     sync.Mutex
	sent   []string
	status int
	body   string // instead of a token
}

func (e *exchanger) Do(req *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	e.sent = append(e.sent, req.Method+" "+req.URL.RequestURI()+" "+req.Header.Get("Authorization")+" "+string(body))
	answer := fmt.Sprintf(`{"identity":{"id":"8:acs:r_u"},"accessToken":{"token":"e%d","expiresOn":%q}}`,
		len(e.sent), time.Now().Add(time.Hour).Format("2006-01-02T15:04:05.0000000-07:00"))
	if e.body != "" {
		answer = e.body
	}
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func newEntra(t *testing.T, from *issuer, at *exchanger, scopes ...string) *common.EntraTokenCredential {
	t.Helper()
	c, err := common.NewEntraTokenCredential("https://contoso.example/", from, &common.EntraTokenCredentialOptions{
		Scopes: scopes, ClientOptions: core.ClientOptions{Transport: at, Retry: core.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(from.asked)+len(at.sent) > 0 {
		t.Error("the constructor asks")
	}
	return c
}

// TestEntraTokenCredential_Exchange tells which exchange it is by the scopes.
func TestEntraTokenCredential_Exchange(t *testing.T) {
	const entra = "POST /access/entra/:exchangeAccessToken?api-version=2025-03-02-preview Bearer alice {}"
	const teams = "POST /access/teamsExtension/:exchangeAccessToken?api-version=2025-06-30 Bearer alice {}"
	for _, tt := range []struct {
		name   string
		scopes []string
		want   string // empty: refused
	}{
		{"nothing said", nil, entra},
		{"Entra", []string{"https://communication.azure.com/clients/VoIP", "https://communication.azure.com/clients/Chat"}, entra},
		{"Teams", []string{"https://auth.msft.communication.azure.com/TeamsExtension.ManageCalls"}, teams},
		{"Teams, sovereign", []string{"https://auth.msft.communication.azure.us/TeamsExtension.ManageCalls"}, teams},
		{"Teams, both", []string{"https://auth.msft.communication.azure.us/a", "https://auth.msft.communication.azure.com/b"}, teams},
		{"mixed", []string{common.DefaultEntraScope, common.DefaultTeamsExtensionScope}, ""},
		{"another", []string{"https://graph.example/.default"}, ""},
		{"of the service", []string{"https://communication.azure.com//.default"}, ""},
		{"empty", []string{""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, at := &issuer{token: "alice"}, &exchanger{}
			if tt.want == "" {
				_, err := common.NewEntraTokenCredential("https://contoso.example", from, &common.EntraTokenCredentialOptions{Scopes: tt.scopes})
				if !errors.Is(err, core.ErrInvalidParameter) {
					t.Errorf("%v", err)
				}
				return
			}
			c := newEntra(t, from, at, tt.scopes...)
			for range 2 {
				if token, err := c.GetToken(t.Context()); err != nil || token.Token != "e1" || time.Until(token.ExpiresOn) > time.Hour {
					t.Fatalf("%v, %v", token, err)
				}
			}
			want := tt.scopes
			if want == nil {
				want = []string{"https://communication.azure.com/clients/.default"}
			}
			if len(at.sent) != 1 || at.sent[0] != tt.want || !reflect.DeepEqual(from.asked[0], want) {
				t.Errorf("sent %q, asked for %q", at.sent, from.asked)
			}
		})
	}
}

func TestEntraTokenCredential_Life(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, at := &issuer{token: "alice"}, &exchanger{}
		c := newEntra(t, from, at)
		get := func(want string) {
			t.Helper()
			if token, err := c.GetToken(t.Context()); err != nil || token.Token != want {
				t.Errorf("%v (%s), want %s", err, token.Token, want)
			}
		}
		c.Forget("e0") // There is none.
		get("e1")
		time.Sleep(49 * time.Minute)
		get("e1")
		time.Sleep(time.Minute) // 10 minutes before the end
		get("e2")
		// Another user signs in: what was got for the first one is not shown again.
		from.token = "bob"
		get("e3")
		if last := at.sent[len(at.sent)-1]; !strings.Contains(last, " Bearer bob ") {
			t.Errorf("sent %s", last)
		}
		from.token = "alice"
		get("e4")
		// The service refused it.
		c.Forget("e3")
		get("e4")
		c.Forget("e4")
		get("e5")
		// The exchange is out of order: the token at hand is given while it holds.
		at.status = http.StatusServiceUnavailable
		time.Sleep(55 * time.Minute)
		get("e5")
		time.Sleep(5 * time.Minute)
		if _, err := c.GetToken(t.Context()); err == nil {
			t.Error("no error after the end")
		}
	})
}

func TestEntraTokenCredential_Refusals(t *testing.T) {
	from, at := &issuer{token: "alice"}, &exchanger{}
	c := newEntra(t, from, at)
	at.status, at.body = http.StatusUnauthorized, `{"error":{"code":"InvalidAccessToken","message":"m"}}`
	_, err := c.GetToken(t.Context())
	var refused *core.ResponseError
	if !errors.As(err, &refused) || refused.ErrorCode != "InvalidAccessToken" || strings.Contains(err.Error(), "alice") {
		t.Errorf("%v", err)
	}
	at.status = http.StatusOK
	for _, body := range []string{
		`{}`, `null`, `{"accessToken":{}}`, `{"accessToken":{"token":"t"}}`, `{"accessToken":{"token":"","expiresOn":"2026-11-21T00:00:00Z"}}`,
		`{"accessToken":{"token":"geheim","expiresOn":"soon"}}`,
	} {
		at.body = body
		if _, err := c.GetToken(t.Context()); !errors.Is(err, common.ErrInvalidToken) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", body, err)
		}
	}
	at.body = `{"accessToken":{"token":"t","expiresOn":"2020-11-21T00:00:00Z"}}`
	if _, err := c.GetToken(t.Context()); !errors.Is(err, core.ErrTokenExpired) {
		t.Errorf("%v", err)
	}
	n := len(at.sent)
	from.token = ""
	if _, err := c.GetToken(t.Context()); !errors.Is(err, core.ErrNoToken) {
		t.Errorf("%v", err)
	}
	from.err = io.ErrUnexpectedEOF
	if _, err := c.GetToken(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	if len(at.sent) != n {
		t.Error("something was sent")
	}
	if _, err := common.NewEntraTokenCredential("https://contoso.example", nil, nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("%v", err)
	}
	if _, err := common.NewEntraTokenCredential("https://contoso.example/path", from, nil); !errors.Is(err, core.ErrInvalidEndpoint) {
		t.Errorf("%v", err)
	}
	plain, err := common.NewEntraTokenCredential("http://contoso.example", &issuer{token: "alice"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.GetToken(t.Context()); !errors.Is(err, core.ErrPlainHTTP) {
		t.Errorf("%v", err)
	}
}

// TestEntraTokenCredential_OneExchangeAtATime: many ask, one exchange is made.
func TestEntraTokenCredential_OneExchangeAtATime(t *testing.T) {
	from, at := &issuer{token: "alice"}, &exchanger{}
	c := newEntra(t, from, at)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if token, err := c.GetToken(t.Context()); err != nil || token.Token != "e1" {
				t.Errorf("%s, %v", token.Token, err)
			}
		})
	}
	all.Wait()
	if len(at.sent) != 1 {
		t.Errorf("%d exchanges", len(at.sent))
	}
}

// FuzzEntraAnswer: whatever a service answers, the result is a token with an
// end in the future or an error.
func FuzzEntraAnswer(f *testing.F) {
	for _, s := range []string{
		`{"identity":{"id":"8:acs:r_u"},"accessToken":{"token":"t","expiresOn":"2923-10-10T21:39:39.3244584+00:00"}}`,
		`{"accessToken":{"token":"t","expiresOn":"2020-10-10T21:39:39Z"}}`, `{"accessToken":{"token":7}}`, `{"accessToken":null}`, `[]`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		c := newEntra(t, &issuer{token: "alice"}, &exchanger{body: body})
		token, err := c.GetToken(t.Context())
		if err == nil && (token.Token == "" || !token.ExpiresOn.After(time.Now())) {
			t.Errorf("%q: %s until %v", body, token.Token, token.ExpiresOn)
		}
	})
}
