package core_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/parley-rtc/parley/rest/core"
)

type patched struct {
	Topic    *string            `json:"topic,omitempty"`
	Metadata map[string]*string `json:"metadata,omitempty"`
}

func TestMergePatch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		patch core.MergePatch
		want  string // empty: refused
	}{
		{"nothing", core.MergePatch{}, `{}`},
		{"set", core.MergePatch{Set: patched{Topic: new("t")}}, `{"topic":"t"}`},
		{"keeps bytes", core.MergePatch{Set: json.RawMessage(`{"z":1.50,"a":{"c":1e3}}`), Remove: []string{"/b"}}, `{"a":{"c":1e3},"b":null,"z":1.50}`},
		{"remove", core.MergePatch{Remove: []string{"/topic"}}, `{"topic":null}`},
		{"remove in a map", core.MergePatch{Set: patched{Metadata: map[string]*string{"a": new("1")}}, Remove: []string{"/metadata/b"}}, `{"metadata":{"a":"1","b":null}}`},
		{"a map has null by itself", core.MergePatch{Set: patched{Metadata: map[string]*string{"a": nil}}}, `{"metadata":{"a":null}}`},
		{"objects on the way", core.MergePatch{Remove: []string{"/a/b/c", "/a/b/d", "/a/e"}}, `{"a":{"b":{"c":null,"d":null},"e":null}}`},
		{"set and removed", core.MergePatch{Set: patched{Topic: new("t")}, Remove: []string{"/topic"}}, `{"topic":null}`},
		{"under a removed one", core.MergePatch{Remove: []string{"/a", "/a/b"}}, `{"a":{"b":null}}`},
		{"escapes", core.MergePatch{Remove: []string{"/a~1b/m~0n/~01"}}, `{"a/b":{"m~n":{"~1":null}}}`},
		{"no name", core.MergePatch{Remove: []string{"/"}}, `{"":null}`},
		{"no slash", core.MergePatch{Remove: []string{"topic"}}, ""},
		{"empty", core.MergePatch{Remove: []string{""}}, ""},
		{"through a text", core.MergePatch{Set: patched{Topic: new("t")}, Remove: []string{"/topic/x"}}, ""},
		{"a list", core.MergePatch{Set: []int{1}}, ""},
		{"a text", core.MergePatch{Set: "x", Remove: []string{"/a"}}, ""},
		{"not JSON", core.MergePatch{Set: func() {}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := json.Marshal(tt.patch)
			if (err != nil) != (tt.want == "") || (err == nil && string(data) != tt.want) {
				t.Errorf("%s, %v; want %s", data, err, tt.want)
			}
			if err != nil && tt.name != "not JSON" && !errors.Is(err, core.ErrInvalidMergePatch) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestMergePatch_ContentType(t *testing.T) {
	for _, tt := range []struct {
		call core.Call
		want string
	}{
		{core.Call{Body: core.MergePatch{}}, "application/merge-patch+json"},
		{core.Call{Body: core.MergePatch{}, ContentType: "application/json"}, "application/json"},
		{core.Call{Body: patched{}, ContentType: core.ContentTypeMergePatch}, "application/merge-patch+json"},
		{core.Call{Body: patched{}}, "application/json"},
	} {
		c := newClientWith(t, nil, transportFunc(func(req *http.Request) (*http.Response, error) {
			if body, err := io.ReadAll(req.Body); err != nil || string(body) != "{}" || req.Header.Get("Content-Type") != tt.want {
				t.Errorf("%s: %s, %v", req.Header.Get("Content-Type"), body, err)
			}
			return answer(200, ""), nil
		}))
		tt.call.Method, tt.call.Path = http.MethodPatch, "/"
		if _, err := c.Call(t.Context(), tt.call); err != nil {
			t.Error(err)
		}
	}
}

// apply is the algorithm of RFC 7396 2.
func apply(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range change {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = apply(object[name], value)
		}
	}
	return object
}

// FuzzMergePatch: what a patch removes is not there any more once a service
// has applied it, and the patch without it changes the rest the same way.
func FuzzMergePatch(f *testing.F) {
	f.Add(`{"topic":"t","metadata":{"a":"1"}}`, "/topic")
	f.Add(`{"metadata":{"a":"1"}}`, "/metadata/a")
	f.Add(`{"a":{"b":[1]}}`, "/a/b/c")
	f.Add(`[]`, "/a~1b")
	f.Add(`{}`, "x")
	f.Fuzz(func(t *testing.T, set, pointer string) {
		if !json.Valid([]byte(set)) {
			return
		}
		data, err := json.Marshal(core.MergePatch{Set: json.RawMessage(set), Remove: []string{pointer}})
		if err != nil {
			if !errors.Is(err, core.ErrInvalidMergePatch) {
				t.Fatalf("%q %q: %v", set, pointer, err)
			}
			return
		}
		// Removing twice is removing once.
		again, err := json.Marshal(core.MergePatch{Set: json.RawMessage(data), Remove: []string{pointer}})
		if err != nil || !reflect.DeepEqual(parsed(t, data), parsed(t, again)) {
			t.Fatalf("%q %q: %s, then %s, %v", set, pointer, data, again, err)
		}
		target := apply(map[string]any{}, parsed(t, data))
		if !reflect.DeepEqual(target, apply(apply(map[string]any{}, parsed(t, data)), parsed(t, data))) {
			t.Fatalf("%q %q: %s applied twice is something else", set, pointer, data)
		}
	})
}

func parsed(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}
