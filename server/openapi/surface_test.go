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
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/openapi"
)

var update = flag.Bool("update", false, "record additions to the REST surface")

// surface is what a client may rely on, without the words about it: operations
// by id, members by their way from the top.
type surface map[string]operationSurface

type operationSurface struct {
	Method, Route string
	Auth          []string                   `json:",omitempty"`
	Parameters    map[string]string          `json:",omitempty"`
	Request       map[string]string          `json:",omitempty"`
	Responses     map[string]responseSurface `json:",omitempty"`
}

type responseSurface struct {
	Headers []string          `json:",omitempty"`
	Members map[string]string `json:",omitempty"`
}

// required ends the type of what must be there.
const required = ", required"

// TestSurface: a contract that was published loses nothing, changes nothing and
// asks for nothing more (docs/stability.md). Additions are recorded with -update.
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
		area, version := filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".json")
		if _, err := openapi.Document(area, version); err != nil {
			t.Errorf("%s is served no more", path)
		}
	}
}

func checkSurface(t *testing.T, area, version string) {
	t.Helper()
	now := surfaceOf(parse(t, area, version))
	path := filepath.Join("testdata", "surface", area, version+".json")
	data, err := os.ReadFile(path)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || !*update) {
		t.Fatalf("%v (recorded with -update)", err)
	}
	before := surface{}
	if err == nil {
		if err := json.Unmarshal(data, &before); err != nil {
			t.Fatal(err)
		}
	}
	for _, problem := range broken(before, now) {
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

func surfaceOf(doc *openapi3.T) surface {
	out := surface{}
	for route, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			s := operationSurface{Method: method, Route: route, Parameters: map[string]string{}, Responses: map[string]responseSurface{}}
			if o.Security != nil {
				for _, way := range *o.Security {
					s.Auth = append(s.Auth, slices.Sorted(maps.Keys(way))...)
				}
			}
			for _, p := range o.Parameters {
				s.Parameters[p.Value.In+" "+p.Value.Name] = describe(p.Value.Schema.Value, p.Value.Required)
			}
			if o.RequestBody != nil {
				s.Request = map[string]string{}
				for kind, media := range o.RequestBody.Value.Content {
					s.Request[kind] = describe(&openapi3.Schema{Type: &openapi3.Types{"body"}}, o.RequestBody.Value.Required)
					flatten(s.Request, media.Schema, "", nil)
				}
			}
			for status, r := range o.Responses.Map() {
				response := responseSurface{Headers: slices.Sorted(maps.Keys(r.Value.Headers)), Members: map[string]string{}}
				for _, media := range r.Value.Content {
					flatten(response.Members, media.Schema, "", nil)
				}
				s.Responses[status] = response
			}
			out[o.OperationID] = s
		}
	}
	return out
}

// flatten lists the members of a schema. within are the models that it lies in:
// one that has members of its own type is listed once.
func flatten(out map[string]string, ref *openapi3.SchemaRef, at string, within []string) {
	if ref == nil || ref.Value == nil || slices.Contains(within, ref.Ref) {
		return
	}
	if ref.Ref != "" {
		within = append(slices.Clone(within), ref.Ref)
	}
	flatten(out, ref.Value.Items, at+"[]", within)
	flatten(out, ref.Value.AdditionalProperties.Schema, at+"{}", within)
	for name, member := range ref.Value.Properties {
		way := strings.TrimPrefix(at+"."+name, ".")
		out[way] = describe(member.Value, slices.Contains(ref.Value.Required, name))
		flatten(out, member, way, within)
	}
}

func describe(schema *openapi3.Schema, must bool) string {
	text := "any"
	if schema.Type != nil {
		text = strings.Join(*schema.Type, " or ")
	}
	if schema.Format != "" {
		text += " " + schema.Format
	}
	if len(schema.Enum) > 0 {
		text += fmt.Sprint(" ", schema.Enum)
	}
	if must {
		text += required
	}
	return text
}

// broken says what a client that worked before would miss now, or would have to
// send.
func broken(before, now surface) (problems []string) {
	for _, id := range slices.Sorted(maps.Keys(before)) {
		b, n := before[id], now[id]
		say := func(format string, values ...any) {
			problems = append(problems, id+": "+fmt.Sprintf(format, values...))
		}
		if n.Method != b.Method || n.Route != b.Route {
			say("%s %s is gone", b.Method, b.Route)
			continue
		}
		for _, way := range b.Auth {
			if !slices.Contains(n.Auth, way) {
				say("%s is taken no more", way)
			}
		}
		taken(say, "parameter", b.Parameters, n.Parameters)
		taken(say, "request", b.Request, n.Request)
		for status, was := range b.Responses {
			is, ok := n.Responses[status]
			if !ok {
				say("status %s is gone", status)
				continue
			}
			given(say, status, &was, &is)
		}
		// Clients fail on a success that they do not know. What was not offered
		// had none.
		offered := slices.ContainsFunc(slices.Collect(maps.Keys(b.Responses)), success)
		for status := range n.Responses {
			if _, ok := b.Responses[status]; !ok && offered && success(status) {
				say("status %s is new", status)
			}
		}
	}
	return problems
}

func success(status string) bool { return status < "4" }

func taken(say func(string, ...any), what string, before, now map[string]string) {
	for name, was := range before {
		if is, ok := now[name]; !ok {
			say("%s %s is gone", what, name)
		} else if is != was && is+required != was {
			say("%s %s was %s and is %s", what, name, was, is)
		}
	}
	for name, is := range now {
		if _, ok := before[name]; ok || !strings.HasSuffix(is, required) {
			continue
		}
		// What a new optional object must have is nobody's concern yet.
		parent := name[:max(strings.LastIndexByte(name, '.'), 0)]
		if _, ok := before[strings.TrimRight(parent, "[]{}")]; ok || parent == "" {
			say("%s %s is new and required", what, name)
		}
	}
}

func given(say func(string, ...any), status string, before, now *responseSurface) {
	for _, name := range before.Headers {
		if !slices.Contains(now.Headers, name) {
			say("%s header %s is gone", status, name)
		}
	}
	for name, was := range before.Members {
		if is, ok := now.Members[name]; !ok {
			say("%s %s is gone", status, name)
		} else if is != was && is != was+required {
			say("%s %s was %s and is %s", status, name, was, is)
		}
	}
}

func TestBroken(t *testing.T) {
	base := func() surface {
		return surface{"A": {
			Method: "GET", Route: "/a", Auth: []string{"accessKey"},
			Parameters: map[string]string{"query x": "string", "query y": "string, required"},
			Request:    map[string]string{"o": "object", "o.m": "string", "r": "string, required"},
			Responses:  map[string]responseSurface{"200": {Headers: []string{"ETag"}, Members: map[string]string{"a": "string", "b": "object, required"}}},
		}}
	}
	for name, c := range map[string]struct {
		change func(o *operationSurface)
		want   int
	}{
		"Same":                 {func(*operationSurface) {}, 0},
		"Gone":                 {func(o *operationSurface) { *o = operationSurface{} }, 1},
		"Route":                {func(o *operationSurface) { o.Route = "/b" }, 1},
		"Auth":                 {func(o *operationSurface) { o.Auth = []string{"bearer"} }, 1},
		"MoreAuth":             {func(o *operationSurface) { o.Auth = []string{"accessKey", "bearer"} }, 0},
		"ParameterGone":        {func(o *operationSurface) { delete(o.Parameters, "query x") }, 1},
		"ParameterType":        {func(o *operationSurface) { o.Parameters["query x"] = "integer" }, 1},
		"ParameterMust":        {func(o *operationSurface) { o.Parameters["query x"] = "string, required" }, 1},
		"ParameterMay":         {func(o *operationSurface) { o.Parameters["query y"] = "string" }, 0},
		"MoreParameters":       {func(o *operationSurface) { o.Parameters["query z"] = "string" }, 0},
		"MoreMust":             {func(o *operationSurface) { o.Parameters["query z"] = "string, required" }, 1},
		"RequestMemberGone":    {func(o *operationSurface) { delete(o.Request, "o.m") }, 1},
		"RequestMemberMay":     {func(o *operationSurface) { o.Request["r"] = "string" }, 0},
		"RequestMemberMust":    {func(o *operationSurface) { o.Request["o.n"] = "string, required" }, 1},
		"NewObjectHasMust":     {func(o *operationSurface) { o.Request["p"] = "object"; o.Request["p.n"] = "string, required" }, 0},
		"ResponseMemberGone":   {func(o *operationSurface) { delete(o.Responses["200"].Members, "a") }, 1},
		"ResponseMemberType":   {func(o *operationSurface) { o.Responses["200"].Members["a"] = "integer" }, 1},
		"ResponseMemberMay":    {func(o *operationSurface) { o.Responses["200"].Members["b"] = "object" }, 1},
		"ResponseMemberAlways": {func(o *operationSurface) { o.Responses["200"].Members["a"] = "string, required" }, 0},
		"MoreResponseMembers":  {func(o *operationSurface) { o.Responses["200"].Members["c"] = "string, required" }, 0},
		"HeaderGone":           {func(o *operationSurface) { o.Responses["200"] = responseSurface{Members: o.Responses["200"].Members} }, 1},
		"StatusGone":           {func(o *operationSurface) { delete(o.Responses, "200") }, 1},
		"AnotherSuccess":       {func(o *operationSurface) { o.Responses["202"] = responseSurface{} }, 1},
		"AnotherError":         {func(o *operationSurface) { o.Responses["409"] = responseSurface{} }, 0},
	} {
		now := base()
		o := now["A"]
		c.change(&o)
		now["A"] = o
		if got := broken(base(), now); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	more := base()
	more["B"] = operationSurface{Method: "GET", Route: "/b"}
	if got := broken(base(), more); len(got) != 0 {
		t.Errorf("another operation: %v", got)
	}
}
