package openapi

import (
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Sample returns a JSON text of a model's form in a contract, to fill in.
func Sample(model any, contract acswire.Version) string {
	s := newSchemas(contract)
	return string(encode(s.sample(s.of(model), 0)))
}

const maxSample = 4

func (s *schemas) sample(schema object, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = s.components[ref[strings.LastIndexByte(ref, '/')+1:]].(object)
	}
	if depth > maxSample {
		return nil
	}
	switch schema["type"] {
	case "object":
		out := object{}
		properties, _ := schema["properties"].(object)
		for name, member := range properties {
			if m, ok := member.(object); ok {
				out[name] = s.sample(m, depth+1)
			}
		}
		return out
	case "array":
		return []any{}
	case "string":
		return ""
	case "boolean":
		return false
	default:
		return nil
	}
}
