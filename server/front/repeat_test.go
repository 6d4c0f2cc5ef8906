package front_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/store"
)

// repeatable returns a front with an operation for each way to mark a request.
func repeatable(t *testing.T, handle func(st *store.Store) front.Handler) *front.Front {
	t.Helper()
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	st, err := store.Open(context.Background(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return mustArea(t, front.Options{Repeats: repeat.New(st, nil)}, handle(st),
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Pair", Method: "POST", Route: "/pair", Auth: acswire.AuthService, Repeatability: acswire.RepeatPair},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "ID", Method: "POST", Route: "/id", Auth: acswire.AuthService, Repeatability: acswire.RepeatID},
		acswire.Operation{Area: acswire.AreaIdentity, ID: "Never", Method: "POST", Route: "/never", Auth: acswire.AuthService})
}

func TestFront_Repeatability(t *testing.T) {
	ran := 0
	fail := errors.New("no")
	var answer error
	f := repeatable(t, func(*store.Store) front.Handler {
		return func(context.Context, *front.Request) (*front.Response, error) {
			ran++
			if answer != nil {
				return nil, answer
			}
			return &front.Response{Status: 201, Body: ran, Header: http.Header{"Location": {"/made"}}}, nil
		}
	})
	now, id := time.Now().UTC().Format(http.TimeFormat), guid.New().String()
	fresh := func() string { return guid.New().String() }
	for _, test := range []struct {
		name, path, body, id, first string
		fail                        error
		status                      int
		result                      string
		runs                        bool
	}{
		{"without a mark", "/pair", "", "", "", nil, 201, "", true},
		{"without a mark again", "/pair", "", "", "", nil, 201, "", true},
		{"first", "/pair", "a", id, now, nil, 201, "accepted", true},
		{"second", "/pair", "a", id, now, nil, 201, "accepted", false},
		{"second, sent later", "/pair", "a", id, time.Now().Add(time.Second).UTC().Format(http.TimeFormat), nil, 201, "accepted", false},
		{"another body", "/pair", "b", id, now, nil, 400, "rejected", false},
		{"another operation", "/id", "a", id, "", nil, 201, "", true},
		{"and again", "/id", "a", id, "", nil, 201, "", false},
		{"any text", "/id", "a", "what I call it", "", nil, 201, "", true},
		{"no id", "/pair", "", "", now, nil, 400, "rejected", false},
		{"no time", "/pair", "", fresh(), "", nil, 400, "rejected", false},
		{"no UUID", "/pair", "", "one", now, nil, 400, "rejected", false},
		{"no time at all", "/pair", "", fresh(), "yesterday", nil, 400, "rejected", false},
		{"long ago", "/pair", "", fresh(), time.Now().Add(-25 * time.Hour).UTC().Format(http.TimeFormat), nil, 412, "rejected", false},
		{"operation that does not know it", "/never", "", id, now, nil, 201, "", true},
		{"failed", "/pair", "c", "11111111-1111-1111-1111-111111111111", now, fail, 500, "", true},
		{"refused", "/pair", "c", "11111111-1111-1111-1111-111111111111", now, &front.Error{Status: 409, Code: "Conflict", Message: "No."}, 409, "", true},
		{"done at last", "/pair", "c", "11111111-1111-1111-1111-111111111111", now, nil, 201, "accepted", true},
		{"and not again", "/pair", "c", "11111111-1111-1111-1111-111111111111", now, fail, 201, "accepted", false},
	} {
		req := request("POST", test.path+version, test.body)
		if test.id != "" {
			req.Header.Set("Repeatability-Request-ID", test.id)
		}
		if test.first != "" {
			req.Header.Set("Repeatability-First-Sent", test.first)
		}
		before := ran
		answer = test.fail
		w := call(t, f, req, "one", test.body)
		if w.Code != test.status || w.Header().Get("Repeatability-Result") != test.result || (ran > before) != test.runs {
			t.Errorf("%s: %d %s, result %q, ran %v", test.name, w.Code, w.Body, w.Header().Get("Repeatability-Result"), ran > before)
		}
		if w.Code == 201 && (w.Header().Get("Location") != "/made" || w.Header().Get("x-ms-request-id") == "" || w.Header().Get("Content-Type") != acswire.ContentTypeJSON) {
			t.Errorf("%s: %v", test.name, w.Header())
		}
	}
}

// TestFront_RepeatabilityInTheHandlersTransaction keeps the answer together
// with what the request does.
func TestFront_RepeatabilityInTheHandlersTransaction(t *testing.T) {
	undo := true
	ran := 0
	f := repeatable(t, func(st *store.Store) front.Handler {
		return func(ctx context.Context, r *front.Request) (*front.Response, error) {
			ran++
			response := &front.Response{Status: 200, Body: ran}
			return response, st.Write(ctx, func(tx *store.Tx) error {
				if err := r.Keep(tx, response); err != nil {
					return err
				}
				if undo {
					return errors.New("undone")
				}
				return nil
			})
		}
	})
	send := func() string {
		req := request("POST", "/id"+version, "x")
		req.Header.Set("Repeatability-Request-ID", "one")
		return call(t, f, req, "one", "x").Body.String()
	}
	if got := send(); got == "1" {
		t.Errorf("got %s", got)
	}
	undo = false
	for range 2 {
		if got := send(); got != "2" {
			t.Errorf("got %s", got)
		}
	}
	// Without a mark Keep does nothing.
	if w := call(t, f, request("POST", "/id"+version, "x"), "one", "x"); w.Body.String() != "3" {
		t.Errorf("%s", w.Body)
	}
}
