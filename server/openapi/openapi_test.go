package openapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/openapi"
)

// TestDocument_Valid: every document is OpenAPI, and has every operation that
// its version is answered with.
func TestDocument_Valid(t *testing.T) {
	for _, a := range acswire.Areas() {
		for _, v := range acswire.Versions(a) {
			name := a.String() + "/" + v.Version.String()
			doc, err := openapi.Document(a.String(), v.Version.String())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := openapi3.NewLoader().LoadFromData(data)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := parsed.Validate(context.Background()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, o := range acswire.Operations(a) {
				item := parsed.Paths.Value(o.Route)
				has := item != nil && item.GetOperation(o.Method) != nil && item.GetOperation(o.Method).OperationID == o.ID
				if has != o.In(v) {
					t.Errorf("%s: %s is there: %v", name, o.ID, has)
				}
			}
		}
	}
	if _, err := openapi.Document("identity", "1999-01-01"); !errors.Is(err, openapi.ErrNotFound) {
		t.Error(err)
	}
}

func TestHandler(t *testing.T) {
	h := openapi.Handler()
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	paths := map[string]string{
		"/openapi": "text/html", "/openapi/page.js": "text/javascript", "/openapi/page.css": "text/css", "/openapi/index.json": "application/json",
	}
	for _, e := range openapi.Index() {
		paths[e.Path] = "application/json"
	}
	for path, kind := range paths {
		w := get(path)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() == 0 || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/openapi/x", "/openapi/../go.mod", "/openapi/identity/1999-01-01.json", "/openapi/page.html/x", "/openapi/a/b/c"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
