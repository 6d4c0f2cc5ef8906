package front_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/limits"
	"github.com/parley-rtc/parley/server/resource"
)

const version = "?api-version=2023-10-01"

func ok(context.Context, *front.Request) (*front.Response, error) {
	return &front.Response{Status: http.StatusOK, Body: map[string]string{"a": "b"}}, nil
}

// area returns a front with the operations.
func area(t testing.TB, options front.Options, shape front.ErrorShape, handle front.Handler, operations ...acswire.Operation) (*front.Front, error) {
	t.Helper()
	if options.Resources == nil {
		options.Resources = resources{local}
	}
	a := front.Area{Area: acswire.AreaIdentity, Operations: operations, Handlers: map[string]front.Handler{}, Errors: shape}
	for i := range operations {
		a.Handlers[operations[i].ID] = handle
	}
	return front.New(options, a)
}

func mustArea(t testing.TB, options front.Options, handle front.Handler, operations ...acswire.Operation) *front.Front {
	t.Helper()
	f, err := area(t, options, nil, handle, operations...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFront_TableMustMatchTheHandlers(t *testing.T) {
	one := acswire.Operation{Area: acswire.AreaIdentity, ID: "One", Method: http.MethodGet, Route: "/one", Auth: acswire.AuthNone}
	for name, handlers := range map[string]map[string]front.Handler{
		"no handler":   {},
		"no operation": {"One": ok, "Two": ok},
	} {
		_, err := front.New(front.Options{Resources: resources{local}}, front.Area{Area: acswire.AreaIdentity, Operations: []acswire.Operation{one}, Handlers: handlers})
		if !errors.Is(err, front.ErrTable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := one
	two.Area = acswire.AreaResourceManager
	_, err := front.New(front.Options{Resources: resources{local}},
		front.Area{Area: acswire.AreaIdentity, Operations: []acswire.Operation{one}, Handlers: map[string]front.Handler{"One": ok}},
		front.Area{Area: acswire.AreaResourceManager, Operations: []acswire.Operation{two}, Handlers: map[string]front.Handler{"One": ok}})
	if !errors.Is(err, front.ErrTable) {
		t.Errorf("one place, two areas: %v", err)
	}
}

func TestFront_VersionsChooseTheOperation(t *testing.T) {
	parse := func(s string) acswire.Version {
		v, err := acswire.ParseVersion(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		return &front.Response{Status: http.StatusOK, Body: r.Operation.ID + " " + r.Version.String() + " " + r.Contract.String()}, nil
	}
	f := mustArea(t, front.Options{}, handle,
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Old", Method: http.MethodPost, Route: "/x", Auth: acswire.AuthNone, First: parse("2020-07-20-preview2"), Last: parse("2020-07-20-preview2")},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "New", Method: http.MethodPost, Route: "/x", Auth: acswire.AuthNone, First: parse("2021-03-07")},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Get", Method: http.MethodGet, Route: "/x", Auth: acswire.AuthNone, First: parse("2025-03-02-preview"), Also: []acswire.Version{parse("2021-11-01")}},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Late", Method: http.MethodGet, Route: "/late", Auth: acswire.AuthNone, First: parse("2025-06-30")},
	)
	for _, test := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"POST", "/x?api-version=2020-07-20-preview2", 200, `"Old 2020-07-20-preview2 2020-07-20-preview2"`},
		{"POST", "/x?api-version=2020-12-01", 200, `"Old 2020-12-01 2020-07-20-preview2"`},
		{"POST", "/x?api-version=2021-02-22-preview1", 200, `"New 2021-02-22-preview1 2021-03-07"`},
		{"POST", "/x?api-version=2025-06-30", 200, `"New 2025-06-30 2025-06-30"`},
		{"POST", "/x?api-version=2023-10-01&api-version=2023-10-01", 200, `"New 2023-10-01 2023-10-01"`},
		{"GET", "/x?api-version=2021-11-01", 200, `"Get 2021-11-01 2022-06-01"`},
		{"GET", "/x?api-version=2023-10-01", 405, "MethodNotAllowed"},
		{"GET", "/late?api-version=2023-10-01", 400, "UnsupportedApiVersion"},
		{"GET", "/late?api-version=2025-06-30", 200, `"Late 2025-06-30 2025-06-30"`},
		{"POST", "/x?api-version=2099-01-01", 400, "UnsupportedApiVersion"},
		{"POST", "/x?api-version=2019-01-01", 400, "UnsupportedApiVersion"},
		{"POST", "/x", 400, "ApiVersionUnspecified"},
		{"POST", "/x?api-version=", 400, "ApiVersionUnspecified"},
		{"POST", "/x?api-version=2023-13-01", 400, "InvalidApiVersion"},
		{"POST", "/x?api-version=2023-10-01-beta", 400, "InvalidApiVersion"},
		{"POST", "/x?api-version=2023-10-01&api-version=2021-03-07", 400, "InvalidApiVersion"},
		{"PUT", "/x?api-version=2023-10-01", 405, "MethodNotAllowed"},
	} {
		w := call(t, f, request(test.method, test.target, ""), "", "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.target, w.Code, w.Body, test.status, test.body)
		}
		if test.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: nothing is allowed", test.method, test.target)
		}
		if test.status != 405 && !strings.HasPrefix(w.Header().Get("api-supported-versions"), "2020-07-20-preview2, 2021-03-07, 2021-10-31-preview") {
			t.Errorf("%s %s: versions %q", test.method, test.target, w.Header().Get("api-supported-versions"))
		}
	}
	// RFC 9745 and RFC 8594, for versions that were given notice only.
	h := call(t, f, request("POST", "/x?api-version=2021-02-22-preview1", ""), "", "").Header()
	if h.Get("Deprecation") != "@1795219200" || h.Get("Sunset") != "Sat, 01 Dec 2029 00:00:00 GMT" {
		t.Errorf("deprecation %q, sunset %q", h.Get("Deprecation"), h.Get("Sunset"))
	}
	if h := call(t, f, request("POST", "/x?api-version=2021-03-07", ""), "", "").Header(); h.Get("Deprecation") != "" || h.Get("Sunset") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestFront_CORS(t *testing.T) {
	f := open(t, front.Options{}, route{method: http.MethodPost, path: "/x", handle: ok})
	f.Handle(http.MethodGet, "/outside", http.NotFoundHandler())
	for _, path := range []string{"/x", "/x" + version, "/nothing", "/outside", "/x?api-version=bad"} {
		req := request(http.MethodOptions, path, "")
		req.Header.Set("Origin", "https://app.example")
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "authorization, x-ms-date,x-ms-content-sha256")
		w := call(t, f, req, "", "")
		h := w.Header()
		if w.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") ||
			h.Get("Access-Control-Allow-Headers") != "authorization, x-ms-date,x-ms-content-sha256" || h.Get("Access-Control-Max-Age") == "" ||
			h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s: %d %v", path, w.Code, h)
		}
	}
	// Answers and refusals alike may be read.
	for _, target := range []string{"/x" + version, "/nothing", "/x"} {
		req := request(http.MethodPost, target, "")
		req.Header.Set("Origin", "null")
		h := call(t, f, req, "", "").Header()
		for _, name := range []string{"Operation-Location", "Location", "Retry-After", "X-Ms-Request-Id", "X-Ms-Error-Code", "X-Ms-Client-Request-Id"} {
			if !strings.Contains(h.Get("Access-Control-Expose-Headers"), name) {
				t.Errorf("%s: %s is not exposed by %q", target, name, h.Get("Access-Control-Expose-Headers"))
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", target, h)
		}
	}
	if h := call(t, f, request(http.MethodPost, "/x", ""), "", "").Header(); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("no page asked: %v", h)
	}
	// A list that is none comes not back.
	req := request(http.MethodOptions, "/x", "")
	req.Header = http.Header{"Origin": {"x"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"a\x7f<script>"}}
	if h := call(t, f, req, "", "").Header(); h.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("headers %v", h)
	}
	// OPTIONS that is no preflight is a method like others.
	if w := call(t, f, request(http.MethodOptions, "/x", ""), "", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d", w.Code)
	}
}

func TestFront_Bearers(t *testing.T) {
	for _, test := range []struct {
		auth          acswire.Auth
		authorization string
		status        int
		code, who     string
	}{
		{acswire.AuthService, "Bearer good", 200, "", "service-subject"},
		{acswire.AuthService, "bearer  good", 200, "", "service-subject"},
		{acswire.AuthService, "Bearer old", 401, "Denied", ""},
		{acswire.AuthService, "Bearer bad", 401, "Denied", ""},
		{acswire.AuthService, "Bearer ", 401, "Denied", ""},
		{acswire.AuthService, "", 401, "Denied", ""},
		{acswire.AuthService, "Basic Z29vZA==", 401, "Denied", ""},
		{acswire.AuthService, "Bearer down", 500, "InternalError", ""},
		{acswire.AuthUser, "Bearer good", 200, "", "8:acs:a_b"},
		{acswire.AuthUser, "Bearer old", 401, "Unauthorized", ""},
		{acswire.AuthUser, "Bearer bad", 401, "Unauthorized", ""},
		{acswire.AuthUser, "HMAC-SHA256 SignedHeaders=x", 401, "Unauthorized", ""},
		{acswire.AuthManagement, "Bearer good", 200, "", "operator"},
		{acswire.AuthManagement, "Bearer old", 401, "ExpiredAuthenticationToken", ""},
		{acswire.AuthManagement, "Bearer bad", 401, "InvalidAuthenticationToken", ""},
		{acswire.AuthManagement, "Bearer unfit", 403, "Forbidden", ""},
		{acswire.AuthManagement, "", 401, "AuthenticationFailed", ""},
		{acswire.AuthExchange, "Bearer anything", 200, "", "anything"},
		{acswire.AuthExchange, "", 401, "Unauthorized", ""},
		{acswire.AuthNone, "", 200, "", ""},
		{acswire.AuthNone, "Bearer bad", 200, "", ""},
	} {
		check := func(token string) error {
			switch token {
			case "good":
				return nil
			case "old":
				return front.ErrTokenExpired
			case "down":
				return errors.New("the issuer does not answer")
			case "unfit":
				return &front.Error{Status: 403, Code: "Forbidden", Message: "Not you."}
			}
			return fmt.Errorf("%w: no such token", front.ErrTokenInvalid)
		}
		options := front.Options{Authenticators: front.Authenticators{
			ServiceBearer: func(_ context.Context, token string, _ *resource.Resource) (front.Subject, error) {
				return front.Subject{Subject: "service-subject"}, check(token)
			},
			Management: func(_ context.Context, token string) (front.Subject, error) {
				return front.Subject{Subject: "operator"}, check(token)
			},
			User: func(_ context.Context, token string, _ *resource.Resource) (front.User, error) {
				return front.User{RawID: "8:acs:a_b"}, check(token)
			},
		}}
		handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
			if (r.Resource == nil) != (test.auth == acswire.AuthManagement) {
				t.Errorf("%s: resource %v", test.authorization, r.Resource)
			}
			return &front.Response{Status: 200, Body: r.Principal.Subject.Subject + r.Principal.User.RawID + r.Bearer}, nil
		}
		f := open(t, options, route{method: "POST", path: "/x", auth: test.auth, handle: handle})
		req := request("POST", "/x"+version, "")
		if test.authorization != "" {
			req.Header.Set("Authorization", test.authorization)
		}
		w := call(t, f, req, "", "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.who) || w.Header().Get("x-ms-error-code") != test.code {
			t.Errorf("%d %q: %d %s, want %d %s", test.auth, test.authorization, w.Code, w.Body, test.status, test.code)
		}
		if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%q: challenge %q", test.authorization, w.Header().Get("WWW-Authenticate"))
		}
		// Without the function that checks them, no token is good.
		if test.auth != acswire.AuthNone && test.auth != acswire.AuthExchange {
			f = open(t, front.Options{}, route{method: "POST", path: "/x", auth: test.auth, handle: handle})
			if w := call(t, f, req, "", ""); w.Code != 401 {
				t.Errorf("unchecked %q: %d %s", test.authorization, w.Code, w.Body)
			}
		}
	}
}

func TestFront_Limits(t *testing.T) {
	at := time.Now()
	limiter := limits.New([]limits.Rule{{Name: "few", Operations: []string{"POST/x"}, Allow: []limits.Window{{Requests: 2, Per: 1500 * time.Millisecond}}}}, func() time.Time { return at })
	f := open(t, front.Options{Limits: limiter}, route{method: "POST", path: "/x", handle: ok}, route{method: "POST", path: "/free", handle: ok})
	// Who is refused for other reasons does not use the limit up.
	for range 5 {
		if w := call(t, f, request("POST", "/x"+version, ""), "wrong", ""); w.Code != 401 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	for i := range 4 {
		w := call(t, f, request("POST", "/x"+version, ""), "one", "")
		if i < 2 {
			if w.Code != 200 {
				t.Errorf("%d: %d %s", i, w.Code, w.Body)
			}
			continue
		}
		if w.Code != 429 || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `{"error":{"code":"TooManyRequests","message":"`) {
			t.Errorf("%d: %d %s %v", i, w.Code, w.Body, w.Header())
		}
	}
	if w := call(t, f, request("POST", "/free"+version, ""), "one", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	at = at.Add(1500 * time.Millisecond)
	if w := call(t, f, request("POST", "/x"+version, ""), "one", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestFront_PanicsAreAnswered(t *testing.T) {
	var log bytes.Buffer
	seen := &observer{}
	f := open(t, front.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Observer: seen},
		route{method: "POST", path: "/x", handle: func(context.Context, *front.Request) (*front.Response, error) {
			var none []int
			return &front.Response{Status: none[3]}, nil
		}})
	w := call(t, f, request("POST", "/x"+version, ""), "one", "")
	if w.Code != 500 || w.Header().Get("x-ms-error-code") != "InternalError" || strings.Contains(w.Body.String(), "index") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "index out of range") || !strings.Contains(log.String(), w.Header().Get("x-ms-request-id")) || len(seen.seen) != 1 {
		t.Errorf("log %s, seen %v", log.String(), seen.seen)
	}
}

func TestFront_StreamsHeadersAndShapes(t *testing.T) {
	closed := false
	handle := func(_ context.Context, r *front.Request) (*front.Response, error) {
		if r.Query().Get("fail") != "" {
			return nil, &front.Error{
				Status: 422, Code: "Unprocessable", Message: "No.", Details: []acswire.Error{{Code: "a", Message: "b"}},
				Inner: &acswire.Error{Code: "c", Message: "d"}, Header: http.Header{"Retry-After": {"7"}},
			}
		}
		return &front.Response{
			Status: 206, Header: http.Header{"content-type": {"image/png"}, "location": {r.URL("/there")}},
			Stream: &stream{Reader: strings.NewReader("picture"), closed: &closed},
		}, nil
	}
	get := acswire.Operation{Area: acswire.AreaIdentity, ID: "Get", Method: "GET", Route: "/x", Auth: acswire.AuthNone}
	f, err := area(t, front.Options{}, func(e *front.Error, v acswire.ServedVersion) any {
		return map[string]string{"Code": e.Code, "Version": v.Version.String()}
	}, handle, get)
	if err != nil {
		t.Fatal(err)
	}
	w := call(t, f, request("GET", "/x"+version, ""), "", "")
	if w.Code != 206 || w.Body.String() != "picture" || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Location") != "http://res.example/there" || !closed {
		t.Errorf("%d %s %v, closed %v", w.Code, w.Body, w.Header(), closed)
	}
	w = call(t, f, request("GET", "/x"+version+"&fail=1", ""), "", "")
	if w.Body.String() != `{"Code":"Unprocessable","Version":"2023-10-01"}` || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	// The usual form.
	w = call(t, mustArea(t, front.Options{}, handle, get), request("GET", "/x"+version+"&fail=1", ""), "", "")
	if w.Body.String() != `{"error":{"code":"Unprocessable","message":"No.","details":[{"code":"a","message":"b"}],"innererror":{"code":"c","message":"d"}}}` {
		t.Errorf("%s", w.Body)
	}
	// Links name the host without the port that some SDKs double, and https
	// when a proxy says so.
	req := request("GET", "/x"+version, "")
	req.Host = "localhost:8080:8080"
	req.Header.Set("X-Forwarded-Proto", "https")
	if got := call(t, f, req, "", "").Header().Get("Location"); got != "https://localhost:8080/there" {
		t.Errorf("location %s", got)
	}
}

type stream struct {
	io.Reader
	closed *bool
}

func (s *stream) Close() error {
	*s.closed = true
	return nil
}

func TestFront_Recorder(t *testing.T) {
	var seen []front.Exchange
	f := open(t, front.Options{Recorder: func(x front.Exchange) { seen = append(seen, x) }},
		route{method: "POST", path: "/x", handle: ok})
	call(t, f, request("POST", "/x?api-version=2021-12-12", `{"a":1}`), "one", `{"a":1}`)
	call(t, f, request("POST", "/x?api-version=2019-12-12", ""), "one", "")
	call(t, f, request("POST", "/nothing", ""), "one", "")
	if len(seen) != 3 {
		t.Fatalf("seen %d", len(seen))
	}
	if x := seen[0]; x.Operation.ID != "POST/x" || x.Version.String() != "2021-12-12" || x.Contract.String() != "2021-03-07" ||
		string(x.RequestBody) != `{"a":1}` || x.Status != 200 || string(x.Body) != `{"a":"b"}` || x.Header.Get("Content-Type") == "" {
		t.Errorf("seen %+v", x)
	}
	if x := seen[1]; x.Operation.ID != "" || x.Status != 400 || !x.Version.IsZero() {
		t.Errorf("seen %+v", x)
	}
	if x := seen[2]; x.Operation.ID != "" || x.Status != 404 {
		t.Errorf("seen %+v", x)
	}
}

func TestFront_OtherResources(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	other := &resource.Resource{ID: guid.New(), Name: "other", PrimaryKey: []byte("three"), SecondaryKey: []byte("four")}
	f := open(t, front.Options{}, route{method: "POST", path: "/x", handle: ok})
	// The key of another resource is none here.
	if w := call(t, f, request("POST", "/x"+version, ""), string(other.PrimaryKey), ""); w.Code != 401 || w.Header().Get("x-ms-error-code") != "Denied" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
