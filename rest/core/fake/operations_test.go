package fake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

func houses(t *testing.T, h *Houses) *core.Client {
	t.Helper()
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://fake", APIVersion: "2025-09-01"}, &core.ClientOptions{
		Transport: h, Retry: core.RetryOptions{MaxRetries: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func build(t *testing.T, c *core.Client) (Room, error) {
	t.Helper()
	resp, err := c.Call(t.Context(), core.Call{Method: http.MethodPut, Path: "/rooms/x"})
	if err != nil {
		return Room{}, err
	}
	p, err := core.NewPoller[Room](c, resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.PollUntilDone(t.Context(), nil)
}

func TestOperations_Failures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"with a code", &core.ResponseError{StatusCode: 422, ErrorCode: "C", Message: "m"}, 422, "C"},
		{"without a status", &core.ResponseError{ErrorCode: "C"}, 409, "C"},
		{"that would be repeated", &core.ResponseError{StatusCode: 503, ErrorCode: "C"}, 409, "C"},
		{"any", io.EOF, 409, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build(t, houses(t, &Houses{BeginBuild: func(context.Context, string) (fake.Operation[Room], error) {
				return fake.Operation[Room]{Polls: 1, Failure: tt.err}, nil
			}}))
			var failed *core.ResponseError
			if !errors.As(err, &failed) || failed.StatusCode != tt.status || failed.ErrorCode != tt.code {
				t.Errorf("%v", err)
			}
		})
	}
	_, err := build(t, houses(t, &Houses{BeginBuild: func(context.Context, string) (fake.Operation[Room], error) {
		return fake.Operation[Room]{}, &core.ResponseError{StatusCode: 400, ErrorCode: "AtOnce"}
	}}))
	if !core.HasCode(err, "AtOnce") {
		t.Errorf("%v", err)
	}
	for _, id := range []string{"0", "-1", "x"} {
		if _, err := houses(t, &Houses{}).Call(t.Context(), core.Call{Method: http.MethodGet, Path: "/fake/operations/" + id}); !core.HasCode(err, "NotFound") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestOperations_ManyAtOnce(t *testing.T) {
	c := houses(t, &Houses{BeginBuild: func(_ context.Context, name string) (fake.Operation[Room], error) {
		return fake.Operation[Room]{Polls: 3, Result: Room{Name: name}}, nil
	}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if room, err := build(t, c); err != nil || room.Name != "x" {
				t.Errorf("%v, %v", room, err)
			}
		})
	}
	all.Wait()
}

func TestServePages(t *testing.T) {
	stale := "https://elsewhere.example/"
	for _, tt := range []struct {
		name  string
		pages fake.Pages[RoomList]
		want  int
		err   bool
	}{
		{"none", fake.Pages[RoomList]{}, 1, false},
		{"one, its link is replaced", fake.Pages[RoomList]{Pages: []RoomList{{NextLink: &stale}}}, 1, false},
		{"three", fake.Pages[RoomList]{Pages: make([]RoomList, 3)}, 3, false},
		{"a failure at once", fake.Pages[RoomList]{Failure: &core.ResponseError{StatusCode: 403, ErrorCode: "C"}}, 0, true},
		{"a failure behind two", fake.Pages[RoomList]{Pages: make([]RoomList, 2), Failure: &core.ResponseError{StatusCode: 403, ErrorCode: "C"}}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := houses(t, &Houses{NewListPager: func() fake.Pages[RoomList] { return tt.pages }})
			n := 0
			p := core.NewPager(core.LinkPages(c,
				func(ctx context.Context) (*core.Request, error) {
					return c.NewRequest(ctx, http.MethodGet, "/rooms", nil)
				},
				func(page RoomList) *string { return page.NextLink }))
			for _, err := range p.Pages(t.Context()) {
				if err == nil {
					n++
				} else if !tt.err || !core.HasCode(err, "C") {
					t.Errorf("%v", err)
				}
			}
			if n != tt.want {
				t.Errorf("%d pages, want %d", n, tt.want)
			}
		})
	}
	c := houses(t, &Houses{NewListPager: func() fake.Pages[RoomList] { return fake.Pages[RoomList]{Pages: make([]RoomList, 2)} }})
	for _, page := range []string{"-1", "3", "x"} {
		if _, err := c.Call(t.Context(), core.Call{Method: http.MethodGet, Path: "/rooms", Query: map[string][]string{"fake-page": {page}}}); !core.HasCode(err, "BadRequest") {
			t.Errorf("%s: %v", page, err)
		}
	}
}
