package openapi

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// schemas makes JSON Schemas of models, each under its own name, as a contract
// has them.
type schemas struct {
	components object
	contract   acswire.Version
}

func newSchemas(contract acswire.Version) *schemas { return &schemas{object{}, contract} }

// of returns the schema of a model.
func (s *schemas) of(model any) object { return s.typ(reflect.TypeOf(model)) }

func (s *schemas) typ(t reflect.Type) object {
	if t == reflect.TypeFor[json.RawMessage]() {
		return object{}
	}
	if t == reflect.TypeFor[[]byte]() {
		return object{"type": "string", "format": "binary"}
	}
	kind := t.Kind()
	switch {
	case kind == reflect.Pointer:
		return s.typ(t.Elem())
	case kind == reflect.Bool:
		return object{"type": "boolean"}
	case kind == reflect.String:
		return object{"type": "string"}
	case kind == reflect.Float32, kind == reflect.Float64:
		return object{"type": "number"}
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return object{"type": "integer"}
	case kind == reflect.Slice, kind == reflect.Array:
		return object{"type": "array", "items": s.typ(t.Elem())}
	case kind == reflect.Map:
		return object{"type": "object", "additionalProperties": s.typ(t.Elem())}
	case kind == reflect.Struct:
		return s.model(t)
	default:
		return object{}
	}
}

// model is a struct: a component, referred to.
func (s *schemas) model(t reflect.Type) object {
	name := t.Name()
	if name == "" {
		return s.members(t)
	}
	if s.components[name] == nil {
		s.components[name] = object{} // for one that refers to itself
		s.components[name] = s.members(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) members(t reflect.Type) object {
	properties := object{}
	var required []string
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() || s.later(f.Tag.Get("since")) || s.earlier(f.Tag.Get("until")) {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = s.typ(f.Type)
		// A member that is always there: neither a pointer nor left out when empty.
		if f.Type.Kind() != reflect.Pointer && !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// later tells whether a member came after the contract. A tag that is no version
// is found by the test that compares documents with specifications.
func (s *schemas) later(since string) bool {
	first, err := acswire.ParseVersion(since)
	return err == nil && s.contract != (acswire.Version{}) && s.contract.Compare(first) < 0
}

// earlier tells whether the last contract with a member was before this one.
func (s *schemas) earlier(until string) bool {
	last, err := acswire.ParseVersion(until)
	return err == nil && s.contract != (acswire.Version{}) && s.contract.Compare(last) > 0
}
