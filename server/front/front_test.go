package front_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

type resources struct{ r *resource.Resource }

func (r resources) ForRequest(req *http.Request) *resource.Resource {
	if req.Host == "nobody.example" {
		return nil
	}
	return r.r
}

type observer struct{ seen []string }

func (o *observer) ObserveRequest(route, method string, status int, _ time.Duration) {
	o.seen = append(o.seen, method+" "+route+" "+http.StatusText(status))
}

var local = &resource.Resource{ID: guid.New(), Name: "local", PrimaryKey: []byte("one"), SecondaryKey: []byte("two")}

func call(t *testing.T, f *front.Front, req *http.Request, key, body string) *httptest.ResponseRecorder {
	t.Helper()
	if key != "" {
		if err := acswire.Sign(req, []byte(key), []byte(body), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, req)
	return w
}

// route is an operation of a test.
type route struct {
	method, path string
	auth         acswire.Auth
	handle       front.Handler
}

// open returns a front with an area of the routes.
func open(t testing.TB, options front.Options, routes ...route) *front.Front {
	t.Helper()
	options.Resources = resources{local}
	area := front.Area{Area: acswire.AreaIdentity, Handlers: map[string]front.Handler{}}
	for _, r := range routes {
		if r.auth == 0 {
			r.auth = acswire.AuthService
		}
		id := r.method + r.path
		area.Operations = append(area.Operations, acswire.Operation{Area: area.Area, ID: id, Method: r.method, Route: r.path, Auth: r.auth})
		area.Handlers[id] = r.handle
	}
	f, err := front.New(options, area)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sign signs a request whose body has the hash.
func sign(t testing.TB, req *http.Request, key, hash []byte) {
	t.Helper()
	date, sum := time.Now().UTC().Format(http.TimeFormat), base64.StdEncoding.EncodeToString(hash)
	req.Header.Set("x-ms-date", date)
	req.Header.Set("x-ms-content-sha256", sum)
	text := acswire.StringToSign(req.Method, req.RequestURI, []string{date, req.Host, sum})
	req.RequestURI = strings.TrimPrefix(req.RequestURI, "http://res.example")
	text = strings.Replace(text, "http://res.example", "", 1)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+
		base64.StdEncoding.EncodeToString(acswire.Signature(key, text)))
}

func request(method, target, body string) *http.Request {
	return httptest.NewRequest(method, "http://res.example"+target, strings.NewReader(body))
}

func TestFront_PathValues(t *testing.T) {
	got := ""
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		got = r.Param("id")
		return &front.Response{Status: http.StatusNoContent}, nil
	}
	f := open(t, front.Options{},
		route{method: http.MethodPost, path: "/things/{id}/:do", handle: handle},
		route{method: http.MethodPost, path: "/things/{id}:do", handle: handle},
		route{method: http.MethodPost, path: "/things/{id}", handle: handle},
	)
	for path, want := range map[string]string{
		"/things/8%3Aacs%3Aa_b/:do":     "8:acs:a_b",
		"/things/8:acs:a_b/:do":         "8:acs:a_b",
		"/things/a%2Fb/:do":             "a/b",
		"/things/%2B1425":               "+1425",
		"/things/a%2525":                "a%25", // decoded once
		"/things/a%20b":                 "a b",
		"/things/19%3Ax%40thread.v2:do": "19:x@thread.v2",
		"/things/%FF":                   "", // not UTF-8
		"/things/a%00":                  "", // no text of PostgreSQL's
	} {
		got = "not called"
		if w := call(t, f, request(http.MethodPost, path+"?api-version=2023-10-01", ""), "one", ""); w.Code != http.StatusNoContent || got != want {
			t.Errorf("%s: status %d, value %q, want %q", path, w.Code, got, want)
		}
	}
}

func TestFront_Queries(t *testing.T) {
	got := ""
	f := open(t, front.Options{}, route{method: http.MethodGet, path: "/x", handle: func(_ context.Context, r *front.Request) (*front.Response, error) {
		got = r.Query().Get("q")
		return &front.Response{Status: http.StatusNoContent}, nil
	}})
	for query, want := range map[string]string{
		"q=a%20b": "a b", "q=%C3%BC": "ü", "q=a+b": "a b", "q=": "", "q=%25": "%",
		"q=%00": "400", "q=%FF": "400", "q=a&q=%ED%A0%80": "400", "%FF=1": "400", "x%00=1": "400",
	} {
		got = "not called"
		w := call(t, f, request(http.MethodGet, "/x?api-version=2023-10-01&"+query, ""), "one", "")
		if w.Code == http.StatusBadRequest {
			got = "400"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestFront_Errors(t *testing.T) {
	var log bytes.Buffer
	seen := &observer{}
	f := open(t, front.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Observer: seen, PublicHost: "public.example"},
		route{method: http.MethodGet, path: "/fails", handle: func(context.Context, *front.Request) (*front.Response, error) {
			return nil, errors.New("the disk is full")
		}},
		route{method: http.MethodGet, path: "/refuses", handle: func(context.Context, *front.Request) (*front.Response, error) {
			return nil, &front.Error{Status: http.StatusConflict, Code: "Conflict", Message: "It is taken.", Target: "name"}
		}},
		route{method: http.MethodGet, path: "/no-json", handle: func(context.Context, *front.Request) (*front.Response, error) {
			return &front.Response{Status: http.StatusOK, Body: func() {}}, nil
		}},
		route{method: http.MethodGet, path: "/ok", handle: func(_ context.Context, r *front.Request) (*front.Response, error) {
			return &front.Response{Status: http.StatusOK, Body: r.Version.String()}, nil
		}})
	const version = "?api-version=2023-10-01"
	w := call(t, f, request(http.MethodGet, "/fails"+version, ""), "one", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") || !strings.Contains(w.Body.String(), `"code":"InternalError"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "the disk is full") {
		t.Errorf("log %s", log.String())
	}
	w = call(t, f, request(http.MethodGet, "/refuses"+version, ""), "two", "")
	if want := `{"error":{"code":"Conflict","message":"It is taken.","target":"name"}}`; w.Code != http.StatusConflict || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = call(t, f, request(http.MethodGet, "/no-json"+version, ""), "one", ""); w.Code != http.StatusInternalServerError {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = call(t, f, request(http.MethodGet, "/ok?api-version=2025-03-02-preview", ""), "one", "")
	if w.Code != http.StatusOK || w.Body.String() != `"2025-03-02-preview"` || !strings.HasPrefix(w.Header().Get("api-supported-versions"), "2020-07-20-preview2, 2021-03-07, ") {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	// Behind a proxy the client signed the public host, or sent the whole URL.
	req := request(http.MethodGet, "/ok"+version, "")
	req.Host = "public.example"
	if err := acswire.Sign(req, []byte("one"), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	req.Host = "inner.example"
	if w = call(t, f, req, "", ""); w.Code != http.StatusOK {
		t.Errorf("public host: %d %s", w.Code, w.Body)
	}
	req = request(http.MethodGet, "/ok"+version, "")
	req.RequestURI = "http://res.example/ok" + version
	if w = call(t, f, req, "one", ""); w.Code != http.StatusOK {
		t.Errorf("absolute form: %d %s", w.Code, w.Body)
	}
	req = request(http.MethodGet, "/ok"+version, "")
	req.Host = "nobody.example"
	if w = call(t, f, req, "one", ""); w.Code != http.StatusNotFound {
		t.Errorf("no resource: %d %s", w.Code, w.Body)
	}
	if len(seen.seen) != 7 || seen.seen[1] != "GET /refuses Conflict" || seen.seen[3] != "GET /ok OK" {
		t.Errorf("observed %q", seen.seen)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("cut off") }

func TestFront_BodyCutOff(t *testing.T) {
	f := open(t, front.Options{}, route{method: http.MethodPost, path: "/x", handle: func(context.Context, *front.Request) (*front.Response, error) {
		t.Error("the handler ran")
		return &front.Response{Status: http.StatusOK}, nil
	}})
	req := httptest.NewRequest(http.MethodPost, "http://res.example/x?api-version=2023-10-01", brokenBody{})
	if w := call(t, f, req, "one", ""); w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// FuzzTarget looks for a request target that panics or gets through with a
// signature of another one.
func FuzzTarget(f *testing.F) {
	handled := false
	fr := open(f, front.Options{}, route{method: http.MethodPost, path: "/identities/{id}/:issueAccessToken", handle: func(_ context.Context, r *front.Request) (*front.Response, error) {
		handled = true
		_ = r.Param("id")
		return &front.Response{Status: http.StatusOK}, nil
	}})
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		req := &http.Request{Method: http.MethodPost, URL: u, RequestURI: target, Host: "h", Header: http.Header{}, Body: http.NoBody}
		signed := req.Clone(t.Context())
		signed.URL = &url.URL{Path: "/other", RawQuery: "api-version=2023-10-01"}
		if err := acswire.Sign(signed, local.PrimaryKey, nil, time.Now()); err != nil {
			t.Fatal(err)
		}
		req.Header = signed.Header
		handled = false
		w := httptest.NewRecorder()
		fr.ServeHTTP(w, req)
		if handled || w.Code < 400 {
			t.Errorf("%q: status %d", target, w.Code)
		}
	})
}
