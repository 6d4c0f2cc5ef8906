package fake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
	"github.com/parley-rtc/parley/rest/core/fake"
)

type server struct {
	handle func(r *fake.Request) (*fake.Response, error)
	sent   int
}

func (s *server) Do(req *http.Request) (*http.Response, error) {
	s.sent++
	return fake.Serve(req, []fake.Route{
		{Method: http.MethodGet, Pattern: "/none"},
		{Method: http.MethodPost, Pattern: "/things/{id}/:do", Handle: s.handle},
	})
}

func client(t *testing.T, s *server) *core.Client {
	t.Helper()
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://fake"}, &core.ClientOptions{
		Transport: s, Retry: core.RetryOptions{RetryDelay: -1, MaxRetries: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServe(t *testing.T) {
	s := &server{handle: func(r *fake.Request) (*fake.Response, error) {
		var in map[string]string
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		if r.Raw.Method != http.MethodPost {
			t.Error(r.Raw.Method)
		}
		return &fake.Response{Status: 201, Header: http.Header{"location": {"/x"}}, Body: map[string]string{"id": r.Param("id"), "in": in["a"]}}, nil
	}}
	var got map[string]string
	resp, err := client(t, s).Call(t.Context(), core.Call{
		Method: "POST", Path: "/things/8%3Aacs%2Fx/:do", Body: map[string]string{"a": "b"}, Success: []int{201}, Into: &got,
	})
	if err != nil || got["id"] != "8:acs/x" || got["in"] != "b" || resp.Header.Get("Location") != "/x" || resp.Status != "201 Created" {
		t.Errorf("%v, %v", got, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fake/things/1/:do", strings.NewReader("{"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := s.Do(req); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("broken body: %v", err)
	}
	s.handle = func(r *fake.Request) (*fake.Response, error) { return nil, r.Decode(nil) }
	if resp, err := client(t, s).Call(t.Context(), core.Call{Method: "POST", Path: "/things/1/:do"}); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("no body: %v", err)
	}
	s.handle = func(*fake.Request) (*fake.Response, error) { return &fake.Response{Body: func() {}}, nil }
	if _, err := client(t, s).Call(t.Context(), core.Call{Method: "POST", Path: "/things/1/:do"}); err == nil {
		t.Error("an answer that cannot be written")
	}
}

func TestServe_NotFaked(t *testing.T) {
	for _, path := range []string{"/none", "/other", "/things//:do", "/things/%zz/:do"} {
		s := &server{}
		c := client(t, s)
		_, err := c.Call(t.Context(), core.Call{Method: "GET", Path: path})
		if path == "/things/%zz/:do" {
			if err == nil {
				t.Error("no error")
			}
			continue
		}
		if !errors.Is(err, fake.ErrNotFaked) || s.sent != 1 {
			t.Errorf("%s: %v after %d requests", path, err, s.sent)
		}
	}
}

func TestServe_Refusals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		sent   int
	}{
		{"refused", &core.ResponseError{
			StatusCode: 404, ErrorCode: "NotFound", Message: "m", Target: "t",
			Details: []core.ErrorDetail{{Code: "d"}}, InnerError: &core.ErrorDetail{Code: "i"},
		}, 404, 1},
		{"repeated", &core.ResponseError{
			StatusCode: 503, ErrorCode: "NotFound", Message: "m", Target: "t",
			Details: []core.ErrorDetail{{Code: "d"}}, InnerError: &core.ErrorDetail{Code: "i"},
		}, 503, 3},
		{"no status", &core.ResponseError{
			ErrorCode: "NotFound", Message: "m", Target: "t",
			Details: []core.ErrorDetail{{Code: "d"}}, InnerError: &core.ErrorDetail{Code: "i"},
			RawResponse: &http.Response{Header: http.Header{"Retry-After": {"0"}}},
		}, 500, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{handle: func(*fake.Request) (*fake.Response, error) { return nil, tt.err }}
			_, err := client(t, s).Call(t.Context(), core.Call{Method: "POST", Path: "/things/1/:do"})
			var e *core.ResponseError
			if !errors.As(err, &e) || e.StatusCode != tt.status || e.ErrorCode != "NotFound" || e.Message != "m" || e.Target != "t" ||
				len(e.Details) != 1 || e.Details[0].Code != "d" || e.InnerError.Code != "i" || s.sent != tt.sent {
				t.Errorf("%v after %d requests", err, s.sent)
			}
		})
	}
	s := &server{handle: func(*fake.Request) (*fake.Response, error) { return nil, io.ErrUnexpectedEOF }}
	if _, err := client(t, s).Call(t.Context(), core.Call{Method: "POST", Path: "/things/1/:do"}); !errors.Is(err, io.ErrUnexpectedEOF) || s.sent != 3 {
		t.Errorf("%v after %d requests", err, s.sent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, s).Call(ctx, core.Call{Method: "POST", Path: "/things/1/:do"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
