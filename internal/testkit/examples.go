package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Example is an exchange as a specification of ACS shows it.
type Example struct {
	// Version is the version of the specification, File the example's path under
	// the folder of the specifications.
	Version, File string
	// OperationID, Method and Path are those of the operation; Path has {name}
	// where a value stands.
	OperationID, Method, Path string
	// Parameters are all of the example's, by name.
	Parameters map[string]json.RawMessage
	// Body is the parameter that travels as body; nil when there is none.
	Body json.RawMessage
	// Responses are by status, in ascending order; "default" is left out.
	Responses []ExampleResponse
}

// ExampleResponse is one of an example's answers.
type ExampleResponse struct {
	Status int `json:"-"`
	// Headers are texts or, some, numbers.
	Headers map[string]any `json:"headers"`
	// Body is nil when there is none.
	Body json.RawMessage `json:"body"`
}

// Text returns a parameter that is a text.
func (e *Example) Text(name string) string {
	var s string
	_ = json.Unmarshal(e.Parameters[name], &s)
	return s
}

// Examples returns every example of the specifications of an area, and those of
// its operations that have none are no concern of it. Without the specifications
// the test ends as Missing has it.
func Examples(t testing.TB, area string) []Example {
	t.Helper()
	root := Specifications()
	if root == "" {
		Missing(t, "the specifications of ACS are not there (PARLEY_SHARED)")
	}
	files, err := filepath.Glob(filepath.Join(root, area, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Example
	for _, file := range files {
		var spec swagger
		readJSON(t, file, &spec)
		for path, operations := range spec.Paths {
			for method, raw := range operations {
				var operation swaggerOperation
				if json.Unmarshal(raw, &operation) != nil {
					continue // the parameters that a path's operations share
				}
				for _, ref := range operation.Examples {
					if e, ok := example(t, root, file, ref.Ref, spec.bodyOf(operation)); ok {
						e.OperationID, e.Method, e.Path = operation.ID, strings.ToUpper(method), path
						all = append(all, e)
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Example) int { return strings.Compare(a.File, b.File) })
	return all
}

// swagger is what is read of a specification.
type swagger struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Parameters map[string]swaggerParameter           `json:"parameters"`
}

type swaggerParameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

type swaggerOperation struct {
	ID         string                      `json:"operationId"`
	Parameters []swaggerParameter          `json:"parameters"`
	Examples   map[string]swaggerParameter `json:"x-ms-examples"`
}

// bodyOf returns the name of the parameter that is the body.
func (s *swagger) bodyOf(o swaggerOperation) string {
	for _, p := range o.Parameters {
		if name, ok := strings.CutPrefix(p.Ref, "#/parameters/"); ok {
			p = s.Parameters[name]
		}
		if p.In == "body" {
			return p.Name
		}
	}
	return ""
}

// example reads a file of an example. The newest specifications name examples
// that were not published: those are left out.
func example(t testing.TB, root, spec, ref, body string) (Example, bool) {
	t.Helper()
	path := filepath.Join(filepath.Dir(spec), filepath.FromSlash(ref))
	name, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		return Example{}, false
	}
	var content struct {
		Parameters map[string]json.RawMessage `json:"parameters"`
		Responses  map[string]ExampleResponse `json:"responses"`
	}
	readJSON(t, path, &content)
	e := Example{Version: filepath.Base(filepath.Dir(spec)), File: filepath.ToSlash(name), Parameters: content.Parameters, Body: content.Parameters[body]}
	for status, response := range content.Responses {
		if _, err := fmt.Sscanf(status, "%d", &response.Status); err == nil {
			e.Responses = append(e.Responses, response)
		}
	}
	slices.SortFunc(e.Responses, func(a, b ExampleResponse) int { return a.Status - b.Status })
	return e, true
}

func readJSON(t testing.TB, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// SameJSON fails the test when two documents do not say the same.
func SameJSON(t testing.TB, what string, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Errorf("%s: %q: %v", what, got, err)
		return
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Errorf("%s: %q: %v", what, want, err)
		return
	}
	a, errGot := json.Marshal(g)
	b, errWant := json.Marshal(w)
	if errGot != nil || errWant != nil || string(a) != string(b) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, a, b)
	}
}
