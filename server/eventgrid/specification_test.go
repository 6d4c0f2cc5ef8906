package eventgrid_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
)

// specification is that of ACS's events.
type specification struct {
	t           *testing.T
	folder      string
	definitions map[string]definition
}

type definition struct {
	AllOf      []property
	Properties map[string]property
}

type property struct {
	Ref    string `json:"$ref"`
	Type   string
	Format string
	Items  *property
}

func loadSpecification(t *testing.T) *specification {
	t.Helper()
	root := testkit.Specifications()
	if root == "" {
		testkit.Missing(t, "no specifications at PARLEY_SHARED")
	}
	s := &specification{t: t, folder: filepath.Join(root, "eventgrid", "2018-01-01")}
	var file struct{ Definitions map[string]definition }
	s.load(filepath.Join(s.folder, "AzureCommunicationServices.json"), &file)
	s.definitions = file.Definitions
	return s
}

func (s *specification) load(file string, v any) {
	s.t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// examples are the published ones of chat by type.
func (s *specification) examples(folder string) map[string]*received {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.folder, "examples", folder, "chat_*.json"))
	if err != nil || len(files) != 16 {
		s.t.Fatalf("%d examples: %v", len(files), err)
	}
	list := map[string]*received{}
	for _, file := range files {
		e := &received{}
		s.load(file, e)
		list[e.kind()] = e
	}
	return list
}

// properties are those of a definition with all that it is made of.
func (s *specification) properties(name string) map[string]property {
	d, ok := s.definitions[name]
	if !ok {
		s.t.Fatalf("no definition %s", name)
	}
	all := maps.Clone(d.Properties)
	if all == nil {
		all = map[string]property{}
	}
	for _, part := range d.AllOf {
		maps.Copy(all, s.properties(strings.TrimPrefix(part.Ref, "#/definitions/")))
	}
	return all
}

// definitionOf is the schema's name of the data of a type.
func definitionOf(kind string) string {
	name := strings.TrimPrefix(kind, "Microsoft.Communication.")
	// The schema has other names for these two.
	name = strings.Replace(name, "ChatThreadParticipantAdded", "ChatParticipantAddedToThread", 1)
	name = strings.Replace(name, "ChatThreadParticipantRemoved", "ChatParticipantRemovedFromThread", 1)
	return "Acs" + name + "EventData"
}

// check holds an event against its schema and its example.
func (s *specification) check(e, example *received) {
	s.t.Helper()
	if example == nil {
		s.t.Errorf("%s is no type of chat", e.kind())
		return
	}
	properties := s.properties(definitionOf(e.kind()))
	for name, p := range properties {
		if value, ok := e.Data[name]; !ok {
			s.t.Errorf("%s has no %s", e.kind(), name)
		} else if !p.is(value) {
			s.t.Errorf("%s of %s is %s, no %s %s", name, e.kind(), value, p.Type, p.Format)
		}
	}
	ours, theirs := shape(e.Data), shape(example.Data)
	for name := range ours {
		if _, ok := properties[name]; !ok && !theirs[name] && !strings.Contains(name, ".") {
			s.t.Errorf("%s has %s, which neither schema nor example have", e.kind(), name)
		}
	}
	for name := range theirs {
		if !ours[name] && !strings.HasPrefix(name, "metadata.") {
			s.t.Errorf("%s has no %s, as the example has", e.kind(), name)
		}
	}
	got, want := strings.Split(e.Subject, "/"), strings.Split(example.Subject, "/")
	if len(got) != len(want) {
		s.t.Errorf("subject %s, as %s", e.Subject, example.Subject)
		return
	}
	for i := 0; i < len(want); i += 2 {
		if got[i] != want[i] {
			s.t.Errorf("subject %s, as %s", e.Subject, example.Subject)
		}
	}
}

// is tells whether a value is of the kind of a property.
func (p property) is(value json.RawMessage) bool {
	var text string
	var number int64
	switch {
	case p.Format == "date-time":
		if json.Unmarshal(value, &text) != nil {
			return false
		}
		_, err := time.Parse(time.RFC3339Nano, text)
		return err == nil
	case p.Type == "string":
		return json.Unmarshal(value, &text) == nil
	case p.Type == "integer":
		return json.Unmarshal(value, &number) == nil
	case p.Type == "array":
		return value[0] == '['
	default:
		return value[0] == '{'
	}
}

// shape are the paths of all members; those of an array are its first item's.
func shape(data map[string]json.RawMessage) map[string]bool {
	paths := map[string]bool{}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				paths[prefix+name] = true
				walk(prefix+name+".", member)
			}
		case []any:
			if len(v) > 0 {
				walk(prefix, v[0])
			}
		}
	}
	whole := map[string]any{}
	for name, raw := range data {
		var value any
		_ = json.Unmarshal(raw, &value)
		whole[name] = value
	}
	walk("", whole)
	return paths
}
