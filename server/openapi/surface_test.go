package openapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/openapi"
)

var update = flag.Bool("update", false, "record additions to the REST surface")

// TestSurface: a contract that was published loses nothing and changes nothing
// (docs/stability.md). Additions are recorded with -update.
func TestSurface(t *testing.T) {
	for _, a := range acswire.Areas() {
		for _, v := range acswire.Versions(a) {
			if v.Contract != v.Version {
				continue
			}
			t.Run(a.String()+"/"+v.Version.String(), func(t *testing.T) { checkSurface(t, a.String(), v.Version.String()) })
		}
	}
	// A version is not forgotten either.
	recorded, err := filepath.Glob("testdata/surface/*/*.json")
	if err != nil || len(recorded) == 0 {
		t.Fatalf("nothing recorded: %v", err)
	}
	for _, path := range recorded {
		area, version := filepath.Base(filepath.Dir(path)), filepath.Base(path)
		if _, err := openapi.Document(area, version[:len(version)-len(".json")]); err != nil {
			t.Errorf("%s is served no more", path)
		}
	}
}

func checkSurface(t *testing.T, area, version string) {
	t.Helper()
	now := surface(t, area, version)
	path := filepath.Join("testdata", "surface", area, version+".json")
	data, err := os.ReadFile(path)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || !*update) {
		t.Fatalf("%v (recorded with -update)", err)
	}
	var before any
	if err == nil {
		if err := json.Unmarshal(data, &before); err != nil {
			t.Fatal(err)
		}
	}
	for _, problem := range missing("", before, now) {
		t.Errorf("breaking: %s", problem)
	}
	fresh, err := json.MarshalIndent(now, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	fresh = append(fresh, '\n')
	switch {
	case bytes.Equal(fresh, data):
	case !*update:
		t.Error("there is something new: record it with go test ./server/openapi -run TestSurface -update")
	case !t.Failed():
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fresh, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// surface is what a client may rely on: operations with their parameters,
// statuses and members, without the words about them.
func surface(t *testing.T, area, version string) any {
	t.Helper()
	doc, err := openapi.Document(area, version)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	components, _ := value["components"].(map[string]any)
	return bare(map[string]any{"paths": value["paths"], "schemas": components["schemas"]})
}

// bare leaves out what is for people.
func bare(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
		// Parameters are told apart by name, not by place.
		named := map[string]any{}
		for _, item := range v {
			if m, ok := item.(map[string]any); ok && m["name"] != nil {
				named[fmt.Sprintf("%v %v", m["in"], m["name"])] = m
			}
		}
		if len(named) == len(v) && len(v) > 0 {
			return named
		}
	case map[string]any:
		for _, name := range []string{"summary", "description", "tags"} {
			if _, text := v[name].(string); text || name == "tags" {
				delete(v, name)
			}
		}
		for name := range v {
			v[name] = bare(v[name])
		}
	}
	return value
}

// missing says what was there before and is not there now.
func missing(at string, before, now any) (problems []string) {
	switch b := before.(type) {
	case map[string]any:
		n, ok := now.(map[string]any)
		if !ok {
			return []string{at + " is gone"}
		}
		for _, name := range slices.Sorted(maps.Keys(b)) {
			if _, ok := n[name]; !ok {
				problems = append(problems, at+"/"+name+" is gone")
				continue
			}
			problems = append(problems, missing(at+"/"+name, b[name], n[name])...)
		}
	case []any:
		n, ok := now.([]any)
		if !ok {
			return []string{at + " is gone"}
		}
		for _, item := range b {
			if !slices.ContainsFunc(n, func(other any) bool { return reflect.DeepEqual(item, other) }) {
				problems = append(problems, fmt.Sprintf("%s has no %v any more", at, item))
			}
		}
	case nil:
	default:
		if !reflect.DeepEqual(before, now) {
			problems = append(problems, fmt.Sprintf("%s was %v and is %v", at, before, now))
		}
	}
	return problems
}

func TestMissing(t *testing.T) {
	before := map[string]any{"a": "string", "b": []any{"x"}, "c": map[string]any{"d": true}}
	for name, c := range map[string]struct {
		now  any
		want int
	}{
		"Same":     {map[string]any{"a": "string", "b": []any{"x"}, "c": map[string]any{"d": true}}, 0},
		"More":     {map[string]any{"a": "string", "b": []any{"y", "x"}, "c": map[string]any{"d": true, "e": 1}, "f": 1}, 0},
		"Gone":     {map[string]any{"a": "string", "c": map[string]any{}}, 2},
		"Type":     {map[string]any{"a": "integer", "b": []any{"x"}, "c": map[string]any{"d": true}}, 1},
		"Value":    {map[string]any{"a": "string", "b": []any{"z"}, "c": map[string]any{"d": true}}, 1},
		"Required": {map[string]any{"a": "string", "b": []any{"x"}, "c": map[string]any{"d": false}}, 1},
	} {
		if got := missing("", before, c.now); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
