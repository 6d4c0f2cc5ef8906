package account_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/internal/acswire"
)

const key = "c2VjcmV0" // "secret"

// fake is the identity area as far as the programs use it.
func fake(t *testing.T, answer func(path string, body map[string]any) (int, string)) *account.Service {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !acswire.IsAccessKey(r.Header.Get(acswire.HeaderAuthorization)) {
			t.Error("the request is not signed")
		}
		if r.URL.Query().Get("api-version") != "2025-03-02-preview" || r.Method != http.MethodPost {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		status, text := answer(r.URL.EscapedPath(), body)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	service, err := account.New(account.Connection{Endpoint: s.URL + "/", AccessKey: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Close)
	return service
}

const raw = "8:acs:11111111-1111-1111-1111-111111111111_22222222-2222-2222-2222-222222222222"

func TestUser(t *testing.T) {
	service := fake(t, func(path string, body map[string]any) (int, string) {
		if path != "/identities" || body["customId"] != "alice" {
			t.Errorf("%s %v", path, body)
		}
		return http.StatusCreated, `{"identity":{"id":"` + raw + `"}}`
	})
	for _, name := range []string{"alice", raw} {
		id, err := service.User(t.Context(), name)
		if err != nil || id.RawID() != raw {
			t.Errorf("%s: %v, %v", name, id, err)
		}
	}
}

func TestToken(t *testing.T) {
	service := fake(t, func(path string, body map[string]any) (int, string) {
		if !strings.HasSuffix(path, "/:issueAccessToken") || len(body["scopes"].([]any)) != 1 {
			t.Errorf("%s %v", path, body)
		}
		return http.StatusOK, `{"token":"abc","expiresOn":"2030-01-02T03:04:05.1234567+00:00"}`
	})
	user, err := service.User(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := service.Credential(user).GetToken(t.Context())
	if err != nil || token.Token != "abc" || token.ExpiresOn.Year() != 2030 {
		t.Errorf("%+v, %v", token, err)
	}
}

func TestRefusedAndBroken(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"refused":       {http.StatusForbidden, `{"error":{"code":"Denied","message":"no"}}`, "Denied: no"},
		"no error body": {http.StatusBadGateway, "oops", "502"},
		"no JSON":       {http.StatusCreated, "oops", "answer"},
		"nobody":        {http.StatusCreated, "{}", "nobody"},
		"not a raw id":  {http.StatusCreated, `{"identity":{"id":""}}`, "alice"},
	} {
		t.Run(name, func(t *testing.T) {
			service := fake(t, func(string, map[string]any) (int, string) { return tc.status, tc.body })
			_, err := service.User(t.Context(), "alice")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if refused := errors.Is(err, account.ErrRefused); refused != (tc.status >= 300) {
				t.Errorf("refused: %v", refused)
			}
		})
	}
}

func TestOpen_Mistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "connection.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range map[string]string{
		"no JSON":      "endpoint=…",
		"no key":       `{"endpoint":"https://localhost:1"}`,
		"broken key":   `{"endpoint":"https://localhost:1","accessKey":"%"}`,
		"no authority": `{"endpoint":"https://localhost:1","accessKey":"c2VjcmV0","caFile":"none.pem"}`,
		"no PEM":       `{"endpoint":"https://localhost:1","accessKey":"c2VjcmV0","caFile":"connection.json"}`,
	} {
		if _, err := account.Open(write(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := account.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
