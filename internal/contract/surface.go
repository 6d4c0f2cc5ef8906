package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// surface is what is known of a version from a published client: operations and
// the members of models, without their formats.
type surface struct {
	Operations []struct {
		Method    string `json:"method"`
		Path      string `json:"path"`
		Responses map[string]struct {
			Body kind `json:"body"`
		} `json:"responses"`
	} `json:"operations"`
	Models map[string]struct {
		// Properties have dots in their names where an object lies between.
		Properties map[string]struct {
			kind

			Required bool `json:"required"`
		} `json:"properties"`
	} `json:"models"`
}

// kind is the type of a value.
type kind struct {
	Type  string `json:"type"`
	Ref   string `json:"ref"`
	Items *kind  `json:"items"`
}

func loadSurface(file string) (*surface, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	s := &surface{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSpecification, file, err)
	}
	return s, nil
}

func (s *surface) check(method, route string, status int, body []byte) error {
	for _, o := range s.Operations {
		if o.Method != method || !same(o.Path, route) {
			continue
		}
		response, ok := o.Responses[strconv.Itoa(status)]
		if !ok && status < 400 {
			return fmt.Errorf("%w: status %d of %s %s", ErrNotSpecified, status, method, route)
		}
		if !ok {
			response = o.Responses["default"]
		}
		if len(body) == 0 || response.Body == (kind{}) {
			return nil
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return fmt.Errorf("%w: %s %s %d: %w", ErrMismatch, method, route, status, err)
		}
		if err := s.value(response.Body, value, "$"); err != nil {
			return fmt.Errorf("%s %s %d: %w", method, route, status, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %s %s", ErrNotSpecified, method, route)
}

// value checks the type of a value and, of an object, those of its members.
func (s *surface) value(k kind, value any, at string) error {
	var ok bool
	switch k.Type {
	case "String", "DateTime", "Uuid", "Enum", "ByteArray", "TimeSpan":
		_, ok = value.(string)
	case "Boolean":
		_, ok = value.(bool)
	case "Number":
		_, ok = value.(float64)
	case "Sequence":
		var list []any
		if list, ok = value.([]any); ok && k.Items != nil {
			for i, item := range list {
				if err := s.value(*k.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return err
				}
			}
		}
	default: // an object, or of any type
		if k.Ref == "" {
			return nil
		}
		var object map[string]any
		if object, ok = value.(map[string]any); ok {
			return s.members(k.Ref, object, at)
		}
	}
	if !ok {
		return fmt.Errorf("%w: %s is no %s", ErrMismatch, at, k.Type)
	}
	return nil
}

func (s *surface) members(name string, object map[string]any, at string) error {
	for wire, p := range s.Models[name].Properties {
		member, has := descend(object, strings.Split(wire, "."))
		if !has || member == nil {
			if p.Required {
				return fmt.Errorf("%w: %s has no %s", ErrMismatch, at, wire)
			}
			continue
		}
		if err := s.value(p.kind, member, at+"."+wire); err != nil {
			return err
		}
	}
	return nil
}

func descend(object map[string]any, path []string) (any, bool) {
	value, ok := object[path[0]]
	if len(path) == 1 || !ok {
		return value, ok
	}
	inner, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	return descend(inner, path[1:])
}
