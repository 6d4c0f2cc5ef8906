package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
)

type page struct {
	Value    []int   `json:"value"`
	NextLink *string `json:"nextLink"`
}

func pager(c *core.Client) *core.Pager[page] {
	return core.NewPager(core.LinkPages(c,
		func(ctx context.Context) (*core.Request, error) {
			return c.NewRequest(ctx, http.MethodGet, "/things", nil)
		},
		func(p page) *string { return p.NextLink }))
}

func TestPager_Links_RealServer(t *testing.T) {
	srv := httptest.NewServer(nil)
	defer srv.Close()
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verify(t, r, nil)
		switch r.RequestURI {
		case "/things?api-version=2025-06-30":
			fmt.Fprintf(w, `{"value":[1,2],"nextLink":"%s/things?api-version=x&skip=2"}`, srv.URL)
		case "/things?api-version=x&skip=2":
			fmt.Fprint(w, `{"value":[],"nextLink":"things?skip=4"}`)
		case "/things?skip=4":
			fmt.Fprint(w, `{"value":[3],"nextLink":""}`)
		default:
			t.Errorf("request for %s", r.RequestURI)
		}
	})
	c, err := core.NewClient(core.ClientConfig{
		Endpoint: srv.URL, APIVersion: "2025-06-30", Credential: core.NewKeyPolicy(key(t), &core.KeyPolicyOptions{AllowPlainHTTP: true}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	p := pager(c)
	for p.More() {
		one, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, one.Value...)
	}
	if !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
	if _, err := p.NextPage(t.Context()); !errors.Is(err, core.ErrNoMorePages) {
		t.Errorf("after the end: %v", err)
	}
	pages := 0
	for one, err := range pager(c).Pages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if pages++; len(one.Value) == 0 {
			break
		}
	}
	if pages != 2 {
		t.Errorf("%d pages", pages)
	}
}

func TestPager_ErrorEndsIt(t *testing.T) {
	for name, second := range map[string]string{
		"foreign link": `{"nextLink":"https://evil.example/"}`, "no JSON": `{`,
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			p := pager(newClientWith(t, nil, transportFunc(func(*http.Request) (*http.Response, error) {
				n++
				return answer(200, second), nil
			})))
			var err error
			pages := 0
			for _, err = range p.Pages(t.Context()) {
				pages++
			}
			if err == nil || p.More() || n != 1 || pages > 2 {
				t.Fatalf("%v after %d pages and %d requests", err, pages, n)
			}
			if _, again := p.NextPage(t.Context()); again == nil || again.Error() != err.Error() {
				t.Errorf("%v, then %v", err, again)
			}
		})
	}
	p := pager(newClientWith(t, nil, transportFunc(func(*http.Request) (*http.Response, error) { return answer(404, ""), nil })))
	var refused *core.ResponseError
	if _, err := p.NextPage(t.Context()); !errors.As(err, &refused) || p.More() {
		t.Errorf("%v", err)
	}
	bad := core.NewPager(core.LinkPages(nil, func(context.Context) (*core.Request, error) { return nil, io.EOF }, func(page) *string { return nil }))
	if _, err := bad.NextPage(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
