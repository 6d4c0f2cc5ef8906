package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/signaling"
)

// TestDoor_Limits starts the service with each kind of limits.
func TestDoor_Limits(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	file := filepath.Join(t.TempDir(), "limits.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("limits: [{name: new users, operations: [CommunicationIdentity_Create], allow: [{requests: 3, per: 1h}]}]")
	r := newREST(t, start(t, server.Options{Limits: file}))
	for i := range 5 {
		a := r.post("/identities", "")
		if i < 3 {
			if a.StatusCode != http.StatusCreated {
				t.Errorf("%d: %d %s", i, a.StatusCode, a.body)
			}
			continue
		}
		a.wants(t, "over the limit", http.StatusTooManyRequests, "TooManyRequests")
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 3600 {
			t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
		}
	}
	if a := newREST(t, start(t, server.Options{Limits: "acs"})).post("/identities", ""); a.StatusCode != http.StatusCreated {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	write("limits: [{operations: [Nothing], allow: [{requests: 3, per: 1h}]}]")
	for _, bad := range []string{file, file + "x"} {
		if _, err := server.New(server.Options{DataDir: t.TempDir(), Limits: bad}); err == nil || !strings.Contains(err.Error(), "limits") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestDoor_Preflight asks every route of every area, and paths of no area,
// before authentication and with no api-version.
func TestDoor_Preflight(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	paths := []string{"/", "/nothing", "/healthz", "/metrics", signaling.Path}
	for _, area := range acswire.Areas() {
		for _, o := range acswire.Operations(area) {
			paths = append(paths, strings.NewReplacer("{", "", "}", "").Replace(o.Route))
		}
	}
	for _, path := range paths {
		req, err := http.NewRequest(http.MethodOptions, r.conn.Endpoint+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://app.example")
		req.Header.Set("Access-Control-Request-Method", "PATCH")
		req.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-ms-client-request-id,x-ms-useragent")
		a := r.do(req)
		if h := a.Header; a.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "x-ms-useragent") ||
			h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, a.StatusCode, h)
		}
	}
	// A page reads what it was answered, refusals too.
	for _, target := range []string{createTarget, "/identities", "/nothing"} {
		req := r.request(http.MethodPost, target, "")
		req.Header.Set("Origin", "https://app.example")
		h := r.do(req).Header
		if exposed := h.Get("Access-Control-Expose-Headers"); h.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(exposed, "Operation-Location") || !strings.Contains(exposed, "X-Ms-Request-Id") {
			t.Errorf("%s: %v", target, h)
		}
	}
}

// TestDoor_Versions asks for users in every version that there is.
func TestDoor_Versions(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	r := newREST(t, start(t, server.Options{}))
	var notice []string
	for _, v := range acswire.Versions(acswire.AreaIdentity) {
		if v.State == acswire.VersionDeprecated {
			notice = append(notice, v.Version.String())
		}
	}
	if len(notice) == 0 {
		t.Fatal("no version was given notice")
	}
	for _, v := range acswire.Versions(acswire.AreaIdentity) {
		a := r.do(r.request(http.MethodPost, "/identities?api-version="+v.Version.String(), ""))
		want := http.StatusCreated
		if v.Contract.String() == "2020-07-20-preview2" {
			want = http.StatusOK
		}
		if a.StatusCode != want || a.Header.Get("api-supported-versions") == "" {
			t.Errorf("%s: %d %s %v", v.Version, a.StatusCode, a.body, a.Header)
		}
		if got := a.Header.Get("api-deprecated-versions"); got != strings.Join(notice, ", ") {
			t.Errorf("%s: api-deprecated-versions: %q, want %q", v.Version, got, notice)
		}
		deprecated := v.State == acswire.VersionDeprecated
		if (a.Header.Get("Deprecation") != "") != deprecated || (a.Header.Get("Sunset") != "") != deprecated {
			t.Errorf("%s: deprecation %q, sunset %q", v.Version, a.Header.Get("Deprecation"), a.Header.Get("Sunset"))
		}
	}
	for version, code := range map[string]string{
		"2019-01-01": "UnsupportedApiVersion", "2099-01-01": "UnsupportedApiVersion", "2020-07-20-preview1": "UnsupportedApiVersion",
		"": "ApiVersionUnspecified", "v1": "InvalidApiVersion", "2023-02-30": "InvalidApiVersion", "2023-10-01%00": "InvalidApiVersion",
	} {
		a := r.do(r.request(http.MethodPost, "/identities?api-version="+version, ""))
		a.wants(t, version, http.StatusBadRequest, code)
	}
}
