package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-rtc/parley/rest/core"
)

// script is a service: for each "METHOD target" the answers in turn, the last
// one again and again.
type script struct {
	t       *testing.T
	answers map[string][]*reply
	asked   []string
}

type reply struct {
	status  int
	body    string
	headers []string
}

func (s *script) Do(req *http.Request) (*http.Response, error) {
	target := req.Method + " " + req.URL.RequestURI()
	s.asked = append(s.asked, target)
	all := s.answers[target]
	if len(all) == 0 {
		s.t.Errorf("request for %s", target)
		return answer(404, ""), nil
	}
	if len(all) > 1 {
		s.answers[target] = all[1:]
	}
	resp := answer(all[0].status, all[0].body, all[0].headers...)
	resp.Request = req
	return resp, nil
}

type thing struct {
	Name string `json:"name"`
}

func begin(t *testing.T, s *script, method string, options *core.PollerOptions[thing]) (*core.Client, *core.Poller[thing], error) {
	t.Helper()
	s.t = t
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example"}, &core.ClientOptions{Transport: s, Retry: core.RetryOptions{MaxRetries: -1}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Call(t.Context(), core.Call{Method: method, Path: "/start", Success: []int{200, 201, 202, 204}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := core.NewPoller(c, resp, options)
	return c, p, err
}

func TestPoller_Patterns(t *testing.T) {
	const running, done = `{"status":"running"}`, `{"status":"Succeeded","name":"from the operation"}`
	for _, tt := range []struct {
		name, method string
		final        core.FinalState
		answers      map[string][]*reply
		want         string // the name of the result
		took         time.Duration
		asked        []string // after the first request
	}{
		{
			"Operation-Location with resourceLocation", "POST", "", map[string][]*reply{
				"POST /start": {{202, "", []string{"Operation-Location", "/op?x=1", "Location", "/not-this"}}},
				"GET /op?x=1": {{200, `{"status":"notStarted"}`, nil}, {200, running, nil}, {200, `{"status":"succeeded","resourceLocation":"/r"}`, nil}},
				"GET /r":      {{200, `{"name":"r"}`, nil}},
			}, "r", 6 * time.Second, []string{"GET /op?x=1", "GET /op?x=1", "GET /op?x=1", "GET /r"},
		},
		{
			"Operation-Location with Location", "POST", "", map[string][]*reply{
				"POST /start": {{202, "", []string{"Operation-Location", "https://contoso.example/op", "Location", "/l"}}},
				"GET /op":     {{200, done, nil}},
				"GET /l":      {{200, `{"name":"l"}`, nil}},
			}, "l", 2 * time.Second, []string{"GET /op", "GET /l"},
		},
		{
			"Operation-Location after PATCH", "PATCH", "", map[string][]*reply{
				"PATCH /start": {{202, "", []string{"Operation-Location", "/op"}}},
				"GET /op":      {{200, done, nil}},
				"GET /start":   {{200, `{"name":"patched"}`, nil}},
			}, "patched", 2 * time.Second, []string{"GET /op", "GET /start"},
		},
		{
			"Operation-Location, result in the operation", "POST", "", map[string][]*reply{
				"POST /start": {{202, `{"id":"x","status":"Running"}`, []string{"Operation-Location", "/op", "retry-after", "30"}}},
				"GET /op":     {{200, running, []string{"Retry-After", "5"}}, {200, done, nil}},
			}, "from the operation", 35 * time.Second, []string{"GET /op", "GET /op"},
		},
		{
			"Operation-Location moves", "POST", core.FinalStateOperation, map[string][]*reply{
				"POST /start": {{202, "", []string{"Operation-Location", "/op", "Location", "/l"}}},
				"GET /op":     {{200, running, []string{"Operation-Location", "/op2"}}},
				"GET /op2":    {{200, done, nil}},
			}, "from the operation", 4 * time.Second, []string{"GET /op", "GET /op2"},
		},
		{
			"Operation-Location without content", "DELETE", "", map[string][]*reply{
				"DELETE /start": {{202, "", []string{"Operation-Location", "/op"}}},
				"GET /op":       {{204, "", nil}},
			}, "", 2 * time.Second, []string{"GET /op"},
		},
		{
			"Azure-AsyncOperation after PUT", "PUT", "", map[string][]*reply{
				"PUT /start": {{201, `{"name":"early"}`, []string{"Azure-AsyncOperation", "https://contoso.example:443/op", "Location", "/l"}}},
				"GET /op":    {{200, `{"status":"Moving"}`, nil}, {200, done, nil}},
				"GET /start": {{200, `{"name":"late"}`, nil}},
			}, "late", 4 * time.Second, []string{"GET /op", "GET /op", "GET /start"},
		},
		{
			"Azure-AsyncOperation after POST, by Location", "POST", core.FinalStateLocation, map[string][]*reply{
				"POST /start": {{202, "", []string{"Azure-AsyncOperation", "/op", "Location", "/l"}}},
				"GET /op":     {{200, done, nil}},
				"GET /l":      {{200, `{"name":"l"}`, nil}},
			}, "l", 2 * time.Second, []string{"GET /op", "GET /l"},
		},
		{
			"Azure-AsyncOperation after DELETE", "DELETE", "", map[string][]*reply{
				"DELETE /start": {{202, "", []string{"Azure-AsyncOperation", "/op", "Location", "/l"}}},
				"GET /op":       {{200, `{"status":"Succeeded"}`, nil}},
			}, "", 2 * time.Second, []string{"GET /op"},
		},
		{
			"by the original URL", "POST", core.FinalStateOriginal, map[string][]*reply{
				"POST /start": {{202, "", []string{"Operation-Location", "/op"}}},
				"GET /op":     {{200, done, nil}},
				"GET /start":  {{200, `{"name":"original"}`, nil}},
			}, "original", 2 * time.Second, []string{"GET /op", "GET /start"},
		},
		{
			"Location", "DELETE", "", map[string][]*reply{
				"DELETE /start": {{202, "", []string{"Location", "/l"}}},
				"GET /l":        {{202, "", nil}, {202, "", []string{"Location", "/l2", "Retry-After", "1"}}},
				"GET /l2":       {{204, "", nil}},
			}, "", 5 * time.Second, []string{"GET /l", "GET /l", "GET /l2"},
		},
		{
			"Location with a result", "POST", "", map[string][]*reply{
				"POST /start": {{202, "", []string{"Location", "/l"}}},
				"GET /l":      {{200, `{"name":"l"}`, nil}},
			}, "l", 2 * time.Second, []string{"GET /l"},
		},
		{
			"provisioning state", "PUT", "", map[string][]*reply{
				"PUT /start": {{201, `{"properties":{"provisioningState":"Creating"}}`, nil}},
				"GET /start": {{200, `{"properties":{"provisioningState":"Updating"}}`, nil}, {200, `{"name":"p","properties":{"provisioningState":"Succeeded"}}`, nil}},
			}, "p", 4 * time.Second, []string{"GET /start", "GET /start"},
		},
		{
			"made, and nothing said about being ready", "PUT", "", map[string][]*reply{
				"PUT /start": {{201, `{"name":"early"}`, nil}},
				"GET /start": {{200, `{"name":"late"}`, nil}},
			}, "late", 2 * time.Second, []string{"GET /start"},
		},
		{
			"Azure-AsyncOperation that is accepted with a body", "DELETE", "", map[string][]*reply{
				"DELETE /start": {{202, "", []string{"Azure-AsyncOperation", "/op", "Location", "/op"}}},
				"GET /op":       {{202, `{"status":"Deleting","properties":null}`, []string{"Location", "/op", "Retry-After", "1"}}, {200, `{"status":"Completed"}`, nil}},
			}, "", 3 * time.Second, []string{"GET /op", "GET /op"},
		},
		{"done at once, PUT", "PUT", "", map[string][]*reply{"PUT /start": {{200, `{"name":"now"}`, nil}}}, "now", 0, nil},
		{"done at once, POST", "POST", "", map[string][]*reply{"POST /start": {{201, `{"name":"now"}`, []string{"Location", "/elsewhere"}}}}, "now", 0, nil},
		{"done at once, DELETE", "DELETE", "", map[string][]*reply{"DELETE /start": {{204, "", nil}}}, "", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, resumed := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					s := &script{answers: map[string][]*reply{}}
					for k, v := range tt.answers {
						s.answers[k] = slices.Clone(v)
					}
					options := &core.PollerOptions[thing]{Operation: "test.Begin", FinalState: tt.final}
					c, p, err := begin(t, s, tt.method, options)
					if err != nil {
						t.Fatal(err)
					}
					took := tt.took
					if resumed && !p.Done() {
						token, err := p.ResumeToken()
						if err != nil {
							t.Fatal(err)
						}
						if p, err = core.NewPollerFromResumeToken(c, token, options); err != nil {
							t.Fatal(err)
						}
						took = -1 // It looks at once.
					}
					start := time.Now()
					got, err := p.PollUntilDone(t.Context(), nil)
					if err != nil || got.Name != tt.want || !p.Done() {
						t.Errorf("result %+v, %v", got, err)
					}
					if took >= 0 && time.Since(start) != took {
						t.Errorf("took %v, want %v", time.Since(start), took)
					}
					if !slices.Equal(s.asked[1:], tt.asked) {
						t.Errorf("asked %q, want %q", s.asked[1:], tt.asked)
					}
					if again, err := p.Result(t.Context()); err != nil || again != got || len(s.asked) != len(tt.asked)+1 {
						t.Errorf("result again %+v, %v", again, err)
					}
					if _, err := p.ResumeToken(); err == nil {
						t.Error("a resume token of an operation that is done")
					}
					if resp, err := p.Poll(t.Context()); err != nil || resp == nil {
						t.Errorf("poll again: %v", err)
					}
				})
			}
		})
	}
}

func TestPoller_Fails(t *testing.T) {
	for name, body := range map[string]string{
		"failed":    `{"status":"failed","error":{"code":"NoNumbers","message":"none left"}}`,
		"canceled":  `{"status":"Canceled","error":{"code":"NoNumbers","message":"none left"}}`,
		"cancelled": `{"status":"cancelled","error":{"code":"NoNumbers","message":"none left"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, p, err := begin(t, &script{answers: map[string][]*reply{
				"POST /start": {{202, "", []string{"Operation-Location", "/op", "Location", "/l"}}}, "GET /op": {{200, body, nil}},
			}}, "POST", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Result(t.Context()); !errors.Is(err, core.ErrNotDone) {
				t.Errorf("result too early: %v", err)
			}
			if _, err := p.Poll(t.Context()); err != nil || !p.Done() {
				t.Errorf("poll: %v", err)
			}
			for range 2 {
				_, err = p.Result(t.Context())
				var failed *core.ResponseError
				if !errors.As(err, &failed) || failed.ErrorCode != "NoNumbers" || failed.Message != "none left" {
					t.Errorf("result: %v", err)
				}
			}
		})
	}
}

func TestPoller_LocationFails(t *testing.T) {
	for _, tt := range []struct {
		status int
		ends   bool
	}{{404, true}, {409, true}, {400, true}, {401, false}, {403, false}, {408, false}, {429, false}, {500, false}} {
		s := &script{answers: map[string][]*reply{
			"DELETE /start": {{202, "", []string{"Location", "/op"}}},
			"GET /op":       {{tt.status, `{"error":{"code":"C","message":"m"}}`, nil}, {204, "", nil}},
		}}
		_, p, err := begin(t, s, "DELETE", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.PollUntilDone(t.Context(), &core.PollUntilDoneOptions{Frequency: time.Nanosecond})
		if !core.HasCode(err, "C") || p.Done() != tt.ends {
			t.Errorf("%d: %v, done %v", tt.status, err, p.Done())
		}
		if _, err := p.PollUntilDone(t.Context(), &core.PollUntilDoneOptions{Frequency: time.Nanosecond}); (err == nil) == tt.ends {
			t.Errorf("%d, later: %v", tt.status, err)
		}
	}
}

// TestPoller_VersionOfLinks: a link to an operation may lack the api-version.
func TestPoller_VersionOfLinks(t *testing.T) {
	s := &script{t: t, answers: map[string][]*reply{
		"POST /start?api-version=v1": {{202, "", []string{"Operation-Location", "/op?x=1", "Location", "/l?api-version=v0"}}},
		"GET /op?x=1&api-version=v1": {{200, `{"status":"running"}`, []string{"Operation-Location", "/op2"}}},
		"GET /op2?api-version=v1":    {{200, `{"status":"completed"}`, nil}},
		"GET /l?api-version=v0":      {{200, `{"name":"l"}`, nil}},
	}}
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example", APIVersion: "v1"}, &core.ClientOptions{Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Call(t.Context(), core.Call{Method: "POST", Path: "/start"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := core.NewPoller[thing](c, resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.PollUntilDone(t.Context(), &core.PollUntilDoneOptions{Frequency: time.Nanosecond}); err != nil || got.Name != "l" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPoller_AnswersThatTellNothing(t *testing.T) {
	first := func(link string) map[string][]*reply {
		return map[string][]*reply{"POST /start": {{202, "", []string{"Operation-Location", link}}}}
	}
	for name, one := range map[string]struct {
		op   reply
		want error
	}{
		"no JSON":           {reply{200, "<html>", nil}, core.ErrInvalidOperation},
		"no status":         {reply{200, "{}", nil}, core.ErrInvalidOperation},
		"foreign resource":  {reply{200, `{"status":"succeeded","resourceLocation":"https://evil.example/"}`, nil}, core.ErrForeignLink},
		"foreign operation": {reply{200, `{"status":"running"}`, []string{"Operation-Location", "//evil.example/"}}, core.ErrForeignLink},
		"foreign location":  {reply{200, `{"status":"running"}`, []string{"Location", "http://contoso.example/"}}, core.ErrForeignLink},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: first("/op")}
			s.answers["GET /op"] = []*reply{&one.op, {200, `{"status":"succeeded","name":"after all"}`, nil}}
			_, p, err := begin(t, s, "POST", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Poll(t.Context()); !errors.Is(err, one.want) || p.Done() {
				t.Fatalf("poll: %v, done %v", err, p.Done())
			}
			// A look that failed leaves the poller as it was.
			if _, err := p.Poll(t.Context()); err != nil || !p.Done() {
				t.Errorf("poll: %v", err)
			}
		})
	}
	for _, headers := range [][]string{{"Operation-Location", "https://evil.example/"}, {"Location", "https://evil.example/"}} {
		s := &script{answers: map[string][]*reply{"POST /start": {{202, "", headers}}}}
		if _, _, err := begin(t, s, "POST", nil); !errors.Is(err, core.ErrForeignLink) {
			t.Errorf("%v: %v", headers, err)
		}
	}
	if _, err := core.NewPoller[thing](nil, nil, nil); !errors.Is(err, core.ErrInvalidOperation) {
		t.Errorf("no answer: %v", err)
	}
	s := &script{answers: first("/gone")}
	s.answers["GET /gone"] = []*reply{{404, "", nil}}
	_, p, err := begin(t, s, "POST", nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *core.ResponseError
	if _, err := p.PollUntilDone(t.Context(), &core.PollUntilDoneOptions{Frequency: time.Nanosecond}); !errors.As(err, &refused) || p.Done() {
		t.Errorf("gone: %v", err)
	}
}

func TestPoller_ContextEndsThePollingOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, err := begin(t, &script{answers: map[string][]*reply{
			"POST /start": {{202, "", []string{"Operation-Location", "/op"}}},
			"GET /op":     {{200, `{"status":"running"}`, nil}, {200, `{"status":"succeeded","name":"n"}`, nil}},
		}}, "POST", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := p.PollUntilDone(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || p.Done() {
			t.Fatalf("%v", err)
		}
		start := time.Now()
		got, err := p.PollUntilDone(t.Context(), &core.PollUntilDoneOptions{Frequency: time.Minute})
		if err != nil || got.Name != "n" || time.Since(start) != time.Minute {
			t.Errorf("%+v, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestPoller_OwnResult(t *testing.T) {
	fails := true
	_, p, err := begin(t, &script{answers: map[string][]*reply{"POST /start": {{201, "text", nil}}}}, "POST", &core.PollerOptions[thing]{
		Result: func(resp *http.Response) (thing, error) {
			if fails {
				return thing{}, io.EOF
			}
			data, err := core.Payload(resp)
			return thing{Name: string(data)}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Result(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	fails = false
	if got, err := p.Result(t.Context()); err != nil || got.Name != "text" {
		t.Errorf("%+v, %v", got, err)
	}
}

const goodToken = `{"version":1,"operation":"o","pattern":"operation","method":"POST","original":"/start","poll":"/op","status":"running"}`

func TestResumeToken_Invalid(t *testing.T) {
	c := newClientWith(t, nil, nil)
	options := &core.PollerOptions[thing]{Operation: "o"}
	if _, err := core.NewPollerFromResumeToken(c, goodToken, options); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty":             "",
		"no JSON":           "token",
		"too long":          `"` + strings.Repeat("a", 64<<10) + `"`,
		"version":           strings.Replace(goodToken, `:1`, `:2`, 1),
		"another operation": strings.Replace(goodToken, `"o"`, `"p"`, 1),
		"pattern":           strings.Replace(goodToken, `"operation",`, `"magic",`, 1),
		"done":              strings.Replace(goodToken, `running`, `Succeeded`, 1),
		"no status":         strings.Replace(goodToken, `running`, ``, 1),
		"no place to look":  strings.Replace(goodToken, `/op`, ``, 1),
		"another host":      strings.Replace(goodToken, `/op`, `https://evil.example/op`, 1),
		"another host, too": strings.Replace(goodToken, `/op`, `//evil.example/op`, 1),
		"no path":           strings.Replace(goodToken, `/op`, `op`, 1),
		"final state":       strings.Replace(goodToken, `{`, `{"finalState":"x",`, 1),
	} {
		if _, err := core.NewPollerFromResumeToken(c, token, options); !errors.Is(err, core.ErrInvalidResumeToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := core.NewPollerFromResumeToken[thing](c, goodToken, nil); !errors.Is(err, core.ErrInvalidResumeToken) {
		t.Errorf("no operation: %v", err)
	}
}

func FuzzResumeToken(f *testing.F) {
	for _, s := range []string{goodToken, strings.Replace(goodToken, "/op", "//h/op", 1), strings.Replace(goodToken, "/op", "/%2e%2e//x?y#z", 1), "{}", "", "null"} {
		f.Add(s)
	}
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example"}, &core.ClientOptions{
		Retry: core.RetryOptions{MaxRetries: -1},
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host != "contoso.example" || req.URL.Scheme != "https" {
				return nil, fmt.Errorf("sent to %s", req.URL)
			}
			return answer(404, ""), nil
		}),
	})
	if err != nil {
		f.Fatal(err)
	}
	options := &core.PollerOptions[thing]{Operation: "o"}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := core.NewPollerFromResumeToken(c, token, options)
		if err != nil {
			if !errors.Is(err, core.ErrInvalidResumeToken) {
				t.Fatal(err)
			}
			return
		}
		// Whatever the token says, only the client's host is asked.
		var refused *core.ResponseError
		if _, err := p.Poll(t.Context()); !errors.As(err, &refused) {
			if err != nil || !p.Done() { // Not found is the end of one that is followed by its Location.
				t.Fatalf("%q: %v", token, err)
			}
			if _, err := p.Result(t.Context()); !errors.As(err, &refused) {
				t.Fatalf("%q: %v", token, err)
			}
			return
		}
		again, err := p.ResumeToken()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.NewPollerFromResumeToken(c, again, options); err != nil {
			t.Fatalf("%q, then %q: %v", token, again, err)
		}
	})
}

func TestPossibleFinalStateValues(t *testing.T) {
	if all := core.PossibleFinalStateValues(); len(all) != 4 || !slices.Contains(all, core.FinalStateAuto) {
		t.Errorf("%v", all)
	}
}
