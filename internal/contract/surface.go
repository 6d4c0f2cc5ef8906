package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

// surface is what is known of a version from a published client: operations and
// the members of models, without their formats.
type surface struct {
	Operations []struct {
		Method    string  `json:"method"`
		Path      string  `json:"path"`
		Query     []named `json:"query"`
		Headers   []named `json:"headers"`
		Body      kind    `json:"body"`
		Responses map[string]struct {
			Body kind `json:"body"`
		} `json:"responses"`
	} `json:"operations"`
	Models map[string]struct {
		// Properties have dots in their names where an object lies between.
		Properties map[string]property `json:"properties"`
		// Discriminator is the member that tells kinds of a model apart; they
		// have members of their own.
		Discriminator string `json:"discriminator"`
	} `json:"models"`
}

type named struct {
	Name string `json:"name"`
}

type property struct {
	kind

	Required bool `json:"required"`
}

// kind is the type of a value.
type kind struct {
	Type  string `json:"type"`
	Ref   string `json:"ref"`
	Items *kind  `json:"items"`
	// AdditionalProperties are those of a dictionary.
	AdditionalProperties *kind    `json:"additionalProperties"`
	Enum                 []string `json:"enum"`
}

func loadSurface(file string) (*surface, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	s, err := parseSurface(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, file)
	}
	return s, nil
}

func parseSurface(data []byte) (*surface, error) {
	s := &surface{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	return s, nil
}

func (s *surface) check(method, route string, status int, body []byte) error {
	for _, o := range s.Operations {
		if Key(o.Method, o.Path) != Key(method, route) {
			continue
		}
		response, ok := o.Responses[strconv.Itoa(status)]
		if !ok && status < 400 {
			return fmt.Errorf("%w: status %d of %s %s", ErrNotSpecified, status, method, route)
		}
		if !ok {
			response = o.Responses["default"]
		}
		if err := s.body(response.Body, status, body); err != nil {
			return fmt.Errorf("%s %s %d: %w", method, route, status, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %s %s", ErrNotSpecified, method, route)
}

func (s *surface) body(k kind, status int, body []byte) error {
	switch {
	case k.Type == "" && k.Ref == "":
		if status < 400 && len(body) > 0 {
			return fmt.Errorf("%w: a body: %.200s", ErrMismatch, body)
		}
		return nil
	case len(body) == 0 && status == http.StatusAccepted:
		// A client's list has what the end of a long operation answers.
		return nil
	case len(body) == 0:
		return fmt.Errorf("%w: no body", ErrMismatch)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if err := s.value(k, value, "$"); err != nil {
		return err
	}
	if extra := s.undeclared(k, value, ""); len(extra) > 0 {
		return fmt.Errorf("%w: %s", ErrUndeclared, strings.Join(extra, ", "))
	}
	return nil
}

// value checks the type of a value and, of an object, those of its members.
func (s *surface) value(k kind, value any, at string) error {
	var ok bool
	switch k.Type {
	case "Enum":
		var text string
		text, ok = value.(string)
		ok = ok && (len(k.Enum) == 0 || slices.Contains(k.Enum, text))
	case "String", "DateTime", "Uuid", "ByteArray", "TimeSpan":
		_, ok = value.(string)
	case "Boolean":
		_, ok = value.(bool)
	case "Number":
		_, ok = value.(float64)
	case "Sequence", "Dictionary":
		return s.collection(k, value, at)
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

// collection checks a list or a dictionary.
func (s *surface) collection(k kind, value any, at string) error {
	switch v := value.(type) {
	case []any:
		if k.Type != "Sequence" {
			break
		}
		for i, item := range v {
			if k.Items == nil {
				continue
			}
			if err := s.value(*k.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if k.Type != "Dictionary" {
			break
		}
		for name, item := range v {
			if k.AdditionalProperties == nil || item == nil {
				continue
			}
			if err := s.value(*k.AdditionalProperties, item, at+"."+name); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%w: %s is no %s", ErrMismatch, at, k.Type)
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

// undeclared returns the members of a value that its model does not have.
func (s *surface) undeclared(k kind, value any, at string) (extra []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if k.Items != nil {
				extra = append(extra, s.undeclared(*k.Items, item, at)...)
			}
		}
	case map[string]any:
		if model, ok := s.Models[k.Ref]; ok && model.Discriminator == "" && len(model.Properties) > 0 {
			extra = s.unknown(model.Properties, v, at, "")
		}
	}
	slices.Sort(extra)
	return slices.Compact(extra)
}

// unknown returns the members of an object that a model does not have. prefix
// is the way from the model to the object.
func (s *surface) unknown(properties map[string]property, object map[string]any, at, prefix string) (extra []string) {
	for name, member := range object {
		wire := prefix + name
		if p, ok := properties[wire]; ok {
			extra = append(extra, s.undeclared(p.kind, member, at+"."+name)...)
			continue
		}
		inner, isObject := member.(map[string]any)
		between := false
		for other := range properties {
			between = between || strings.HasPrefix(other, wire+".")
		}
		if isObject && between {
			extra = append(extra, s.unknown(properties, inner, at+"."+name, wire+".")...)
			continue
		}
		extra = append(extra, at+"."+name)
	}
	return extra
}
