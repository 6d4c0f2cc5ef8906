package core_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/rest/core"
)

const testKey = "c2VjcmV0LWtleQ==" // "secret-key"

func key(t testing.TB) *core.KeyCredential {
	t.Helper()
	k, err := core.NewKeyCredential(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verify checks an access-key signature as a service does, on what arrived.
func verify(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	auth, err := acswire.ParseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		t.Errorf("authorization %q: %v", r.Header.Get("Authorization"), err)
		return
	}
	if r.Header.Get("x-ms-content-sha256") != acswire.ContentHash(body) {
		t.Error("the hash is not that of the body")
	}
	text := acswire.StringToSign(r.Method, r.RequestURI, []string{r.Header.Get("x-ms-date"), r.Host, r.Header.Get("x-ms-content-sha256")})
	if !bytes.Equal(acswire.Signature([]byte("secret-key"), text), auth.Signature) {
		t.Errorf("the signature does not fit %q", text)
	}
	// What a verifier makes of the query by decoding and encoding it is what was sent.
	if form, ok := acswire.FormEncodeQuery(r.RequestURI); !ok || form != r.RequestURI {
		t.Errorf("sent %q, in form encoding %q", r.RequestURI, form)
	}
}

func TestKeyPolicy_RealServer(t *testing.T) {
	var sent []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verify(t, r, body)
		sent = append(sent, r.Method+" "+r.RequestURI+" "+string(body))
		if len(sent) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	for _, allowed := range []bool{true, false} {
		c, err := core.NewClient(core.ClientConfig{
			Endpoint: srv.URL + "/", APIVersion: "2025-06-30",
			Credential: core.NewKeyPolicy(key(t), &core.KeyPolicyOptions{AllowPlainHTTP: allowed}),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		path, err := core.Path("/phoneNumbers/{number}/:do", "+1 (425)/ü:@_*~")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Call(t.Context(), core.Call{
			Method: http.MethodPost, Path: path, Query: url.Values{"locality": {"Seattle Ü ~*"}, "a": {"1", "2"}}, Body: map[string]int{"x": 1},
		})
		if allowed != (err == nil) || (!allowed && !errors.Is(err, core.ErrPlainHTTP)) {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
	want := `POST /phoneNumbers/%2B1%20%28425%29%2F%C3%BC%3A%40_%2A~/:do?a=1&a=2&api-version=2025-06-30&locality=Seattle+%C3%9C+%7E* {"x":1}`
	if len(sent) != 2 || sent[0] != want || sent[1] != want {
		t.Errorf("sent %q\nwant %q twice", sent, want)
	}
}

func TestKeyCredential(t *testing.T) {
	k := key(t)
	if err := k.Update("!"); !errors.Is(err, core.ErrInvalidKey) {
		t.Errorf("Update = %v", err)
	}
	if err := k.Update("bmV3"); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "token", core.AccessToken{Token: "geheim"})
	if k.String() != "REDACTED" || k.GoString() != "REDACTED" || strings.Contains(out.String(), "geheim") ||
		core.AccessToken.String(core.AccessToken{Token: "geheim"}) != "REDACTED" || core.AccessToken.GoString(core.AccessToken{}) != "REDACTED" {
		t.Errorf("shown: %s", out.String())
	}
	c := newClientWith(t, core.NewKeyPolicy(nil, nil), nil)
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no credential: %v", err)
	}
	c = newClientWith(t, core.NewKeyPolicy(&core.KeyCredential{}, nil), nil)
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("zero credential: %v", err)
	}
}

func newClientWith(t testing.TB, credential core.Policy, transport core.Transporter) *core.Client {
	t.Helper()
	if transport == nil {
		transport = transportFunc(func(*http.Request) (*http.Response, error) {
			t.Error("a request was sent")
			return answer(200, ""), nil
		})
	}
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example", Credential: credential}, &core.ClientOptions{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPipeline_PoliciesAndHeaders(t *testing.T) {
	var calls, perTry int
	var ids, agents []string
	count := func(n *int) core.Policy {
		return core.PolicyFunc(func(req *core.Request) (*http.Response, error) {
			*n++
			if req.Raw().Header.Get("X-Once") != "" {
				t.Error("a header of another try is still there")
			}
			if n == &perTry {
				req.Raw().Header.Set("X-Once", "1")
			}
			return req.Next()
		})
	}
	c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		ids = append(ids, req.Header.Get("x-ms-client-request-id"))
		agents = append(agents, req.Header.Get("User-Agent"))
		if req.Header.Get("Accept") != "application/json" || req.Header.Get("X-Extra") != "e" {
			t.Errorf("headers %v", req.Header)
		}
		if len(ids) < 3 {
			return answer(500, "", "Retry-After", "0"), nil
		}
		return answer(200, ""), nil
	}), core.ClientOptions{
		APIVersion: "2023-10-01", Telemetry: core.TelemetryOptions{ApplicationID: "My App\r\n with a name that is too long"},
		PerCallPolicies: []core.Policy{count(&calls)}, PerRetryPolicies: []core.Policy{count(&perTry)},
	})
	if c.APIVersion() != "2023-10-01" || c.Endpoint() != "https://contoso.example" {
		t.Errorf("%s %s", c.APIVersion(), c.Endpoint())
	}
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/x", Header: http.Header{"x-extra": {"e"}}}); err != nil {
		t.Fatal(err)
	}
	if calls != 1 || perTry != 3 || len(ids) != 3 || ids[0] != ids[2] || len(ids[0]) != 36 || ids[0][14] != '4' {
		t.Errorf("%d calls, %d tries, ids %v", calls, perTry, ids)
	}
	if a := agents[0]; !strings.HasPrefix(a, "My/App/with/a/name/that/ parley-go-test/v1 (go1.") || agents[2] != a {
		t.Errorf("agents %q", agents)
	}
}

func TestPipeline_SameRequestTwice(t *testing.T) {
	var ids []string
	c := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		ids = append(ids, req.Header.Get("x-ms-client-request-id")+req.Header.Get("User-Agent"))
		return answer(200, ""), nil
	}), core.ClientOptions{Telemetry: core.TelemetryOptions{Disabled: true}})
	req, err := c.NewRequest(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Raw().Header.Set("User-Agent", "mine")
	for range 2 {
		if _, err := c.Do(req); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] || !strings.HasSuffix(ids[0], "mine") {
		t.Errorf("ids %v", ids)
	}
	if _, err := core.NewPipeline(core.PipelineConfig{}, nil).Do(nil); !errors.Is(err, core.ErrInvalidParameter) {
		t.Errorf("no request: %v", err)
	}
	if _, err := req.Next(); !errors.Is(err, core.ErrNoTransport) {
		t.Errorf("no transport: %v", err)
	}
}

func TestClient_BadInput(t *testing.T) {
	c := newClientWith(t, nil, nil)
	for name, call := range map[string]core.Call{
		"relative path": {Method: "GET", Path: "x"},
		"bad method":    {Method: "GE T", Path: "/x"},
		"bad escape":    {Method: "GET", Path: "/%zz"},
		"bad body":      {Method: "POST", Path: "/x", Body: func() {}},
	} {
		if _, err := c.Call(t.Context(), call); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, target := range []string{"", "/x", "ftp://h/x", "https:///x", "https://h\x00/"} {
		if _, err := core.NewRequest(t.Context(), "GET", target); err == nil {
			t.Errorf("%q: no error", target)
		}
	}
	for _, endpoint := range []string{
		"", "contoso", "ftp://h", "https://", "https://h/sub", "https://h/?q", "https://h?", "https://h#f", "https://u:p@h", "http://[::1", "https://h:x",
	} {
		if _, err := core.NewClient(core.ClientConfig{Endpoint: endpoint}, nil); !errors.Is(err, core.ErrInvalidEndpoint) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestPath(t *testing.T) {
	for _, tt := range []struct {
		route  string
		values []string
		want   string
	}{
		{"/identities", nil, "/identities"},
		{"/identities/{id}/:issueAccessToken", []string{"8:acs:r_u"}, "/identities/8%3Aacs%3Ar_u/:issueAccessToken"},
		{"/a/{x}/b/{y}", []string{"{y}", "%2F"}, "/a/%7By%7D/b/%252F"},
		{"/a/{x}", nil, ""},
		{"/a/{x}", []string{""}, ""},
		{"/a/{x}", []string{"."}, ""},
		{"/a/{x}", []string{".."}, ""},
		{"/a/{x}", []string{"1", "2"}, ""},
	} {
		got, err := core.Path(tt.route, tt.values...)
		if got != tt.want || (tt.want == "") != errors.Is(err, core.ErrInvalidParameter) {
			t.Errorf("Path(%q, %q) = %q, %v", tt.route, tt.values, got, err)
		}
	}
}

func TestClient_AnswerThatIsNotJSON(t *testing.T) {
	c := newClientWith(t, nil, transportFunc(func(*http.Request) (*http.Response, error) { return answer(200, "<html>"), nil }))
	var v map[string]any
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/", Into: &v}); err == nil {
		t.Error("no error")
	}
	// An answer of a transport that fills in next to nothing.
	c = newClientWith(t, nil, transportFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent}, nil
	}))
	resp, err := c.Call(t.Context(), core.Call{Method: "DELETE", Path: "/", Success: []int{204}})
	if err != nil || resp.Request == nil {
		t.Errorf("%v", err)
	}
	if data, err := core.Payload(&http.Response{}); data != nil || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) { e.n += int64(len(p)); return len(p), nil }

func TestClient_HugeAnswer(t *testing.T) {
	tries, body := 0, &endless{}
	c := newClientWith(t, nil, transportFunc(func(*http.Request) (*http.Response, error) {
		tries++
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}, nil
	}))
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); !errors.Is(err, core.ErrBodyTooLarge) || tries != 1 || body.n > 256<<20 {
		t.Errorf("%v after %d tries and %d bytes", err, tries, body.n)
	}
}

func TestClient_FollowsNoRedirect(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer srv.Close()
	c, err := core.NewClient(core.ClientConfig{Endpoint: srv.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Call(t.Context(), core.Call{Method: "GET", Path: "/"})
	var refused *core.ResponseError
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusFound || n != 1 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestFollow(t *testing.T) {
	c := newClientWith(t, nil, nil)
	for link, want := range map[string]string{
		"/a?b=c":                               "https://contoso.example/a?b=c",
		"a/b":                                  "https://contoso.example/a/b",
		"":                                     "https://contoso.example/",
		"https://contoso.example/x%2Fy?z=%20":  "https://contoso.example/x%2Fy?z=%20",
		"https://CONTOSO.example:443/x":        "https://contoso.example/x",
		"http://contoso.example/x":             "",
		"https://contoso.example:8443/x":       "",
		"https://evil.example/x":               "",
		"//evil.example/x":                     "",
		"https://contoso.example@evil.example": "",
		"https://u@contoso.example/x":          "",
		"https:opaque":                         "",
		"javascript:alert(1)":                  "",
		"%zz":                                  "",
	} {
		req, err := c.Follow(t.Context(), link)
		if want == "" {
			if !errors.Is(err, core.ErrForeignLink) {
				t.Errorf("%q: %v", link, err)
			}
			continue
		}
		if err != nil || req.Raw().URL.String() != want {
			t.Errorf("%q: %v, %v", link, req, err)
		}
	}
}

func TestLogging_Redacts(t *testing.T) {
	var out bytes.Buffer
	fail := false
	c, err := core.NewClient(core.ClientConfig{Endpoint: "https://contoso.example", APIVersion: "2025-06-30", Credential: core.NewKeyPolicy(key(t), nil)}, &core.ClientOptions{
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			if fail {
				return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: io.ErrUnexpectedEOF}
			}
			return answer(200, `"body-geheim"`, "X-Ms-Request-Id", "r-1", "Set-Cookie", "geheim", "X-Mine", "shown"), nil
		}),
		Retry: core.RetryOptions{MaxRetries: -1},
		Logging: core.LoggingOptions{
			Logger:         slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
			AllowedHeaders: []string{"x-mine"}, AllowedQueryParameters: []string{"Top"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = c.Call(t.Context(), core.Call{
			Method: "POST", Path: "/phoneNumbers/%2B14255550123/x/4%3Ageheim/14255550124", Body: "geheim",
			Query: url.Values{"top": {"7"}, "token": {"geheim"}},
		})
		fail = true
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "4255550123") {
		t.Errorf("error %v", err)
	}
	log := out.String()
	for _, secret := range []string{"geheim", "4255550123", "14255550124", "Signature="} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %q:\n%s", secret, log)
		}
	}
	for _, shown := range []string{
		"rest: request", "rest: response", "rest: no response", "top=7", "api-version=2025-06-30", "r-1", "shown", "headers.Authorization=REDACTED",
		"/phoneNumbers/REDACTED/x/REDACTED/REDACTED", "status=200", "level=WARN", "try=1",
	} {
		if !strings.Contains(log, shown) {
			t.Errorf("the log does not show %q:\n%s", shown, log)
		}
	}
}

func TestLogging_OnlyFailuresAboveDebug(t *testing.T) {
	var out bytes.Buffer
	c := newClient(t, transportFunc(func(*http.Request) (*http.Response, error) { return answer(200, ""), nil }),
		core.ClientOptions{Logging: core.LoggingOptions{Logger: slog.New(slog.NewTextHandler(&out, nil))}})
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); err != nil || out.Len() != 0 {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestParseConnectionString(t *testing.T) {
	for _, tt := range []struct {
		name, in, endpoint string
		err                error
	}{
		{"plain", "endpoint=https://contoso.communication.azure.com;accesskey=" + testKey, "https://contoso.communication.azure.com", nil},
		{"slash", "endpoint=https://contoso.example/;accesskey=" + testKey, "https://contoso.example", nil},
		{"semicolon", "endpoint=https://contoso.example;accesskey=" + testKey + ";", "https://contoso.example", nil},
		{"case", "EndPoint=https://contoso.example;AccessKey=" + testKey, "https://contoso.example", nil},
		{"port and http", "endpoint=http://localhost:8080/;accesskey=" + testKey, "http://localhost:8080", nil},
		{"spaces around", "  endpoint=https://h;accesskey=" + testKey + "\n", "https://h", nil},
		{"short key", "endpoint=https://h;accesskey=YQ==", "https://h", nil},
		{"no padding", "endpoint=https://h;accesskey=YQ", "https://h", nil},
		{"URL alphabet", "endpoint=https://h;accesskey=-_-_", "https://h", nil},
		{"IPv6", "endpoint=https://[::1]:8443;accesskey=" + testKey, "https://[::1]:8443", nil},
		{"empty", "", "", core.ErrInvalidConnectionString},
		{"key first", "accesskey=" + testKey + ";endpoint=https://h", "", core.ErrInvalidConnectionString},
		{"no key", "endpoint=https://h", "", core.ErrInvalidConnectionString},
		{"empty key", "endpoint=https://h;accesskey=", "", core.ErrInvalidConnectionString},
		{"empty endpoint", "endpoint=;accesskey=" + testKey, "", core.ErrInvalidConnectionString},
		{"something between", "endpoint=https://h;x=y;accesskey=" + testKey, "", core.ErrInvalidConnectionString},
		{"something behind", "endpoint=https://h;accesskey=" + testKey + ";x=y", "", core.ErrInvalidConnectionString},
		{"something before", "x=y;endpoint=https://h;accesskey=" + testKey, "", core.ErrInvalidConnectionString},
		{"path", "endpoint=https://h/sub/path/;accesskey=" + testKey, "", core.ErrInvalidEndpoint},
		{"query", "endpoint=https://h/?a=b;accesskey=" + testKey, "", core.ErrInvalidEndpoint},
		{"no scheme", "endpoint=h;accesskey=" + testKey, "", core.ErrInvalidEndpoint},
		{"password", "endpoint=https://u:geheim@h;accesskey=" + testKey, "", core.ErrInvalidEndpoint},
		{"no URL", "endpoint=https://h:geheim;accesskey=" + testKey, "", core.ErrInvalidEndpoint},
		{"no base64", "endpoint=https://h;accesskey=geheim!", "", core.ErrInvalidKey},
		{"only padding", "endpoint=https://h;accesskey====", "", core.ErrInvalidKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := core.ParseConnectionString(tt.in)
			if !errors.Is(err, tt.err) || got.Endpoint != tt.endpoint || (tt.err == nil) != (got.Credential != nil) {
				t.Errorf("%+v, %v", got, err)
			}
			if err != nil && (!errors.Is(err, core.ErrInvalidConnectionString) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), testKey)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzParseConnectionString(f *testing.F) {
	for _, s := range []string{
		"endpoint=https://h;accesskey=YQ==", "ENDPOINT=http://h:1/;ACCESSKEY=YQ;", "accesskey=YQ==;endpoint=https://h",
		"endpoint=https://h/x;accesskey=YQ==", "endpoint=;accesskey=", "endpoint=https://[::1];accesskey=-_-_", "", "=;=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := core.ParseConnectionString(s)
		if err != nil {
			if !errors.Is(err, core.ErrInvalidConnectionString) || got.Credential != nil {
				t.Fatalf("%q: %+v, %v", s, got, err)
			}
			return
		}
		again, err := core.ParseConnectionString("endpoint=" + got.Endpoint + ";accesskey=" + base64.StdEncoding.EncodeToString([]byte("k")))
		if err != nil || again.Endpoint != got.Endpoint {
			t.Fatalf("%q: endpoint %q, then %q, %v", s, got.Endpoint, again.Endpoint, err)
		}
		if _, err := core.NewRequest(context.Background(), "GET", got.Endpoint+"/x"); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func TestSign_DateOfEachTry(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 3, 30, 0, time.UTC)
	var dates []string
	c := newClientWith(t, core.NewKeyPolicy(key(t), &core.KeyPolicyOptions{Now: func() time.Time { now = now.Add(time.Minute); return now }}),
		transportFunc(func(req *http.Request) (*http.Response, error) {
			dates = append(dates, req.Header.Get("x-ms-date"))
			return answer(503, "", "Retry-After", "0"), nil
		}))
	if _, err := c.Call(t.Context(), core.Call{Method: "GET", Path: "/"}); err == nil {
		t.Error("no error")
	}
	if len(dates) != 4 || dates[0] != "Sat, 21 Nov 2026 00:04:30 GMT" || dates[3] != "Sat, 21 Nov 2026 00:07:30 GMT" {
		t.Errorf("dates %v", dates)
	}
}
