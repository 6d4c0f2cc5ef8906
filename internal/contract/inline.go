package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrSpecification says that a specification cannot be read.
var ErrSpecification = errors.New("contract: specification")

// inliner makes one document of a specification and of what it refers to in
// other files.
type inliner struct {
	root        string         // folder of all specifications
	files       map[string]any // read ones, by path
	definitions map[string]any // those of the document that is made
	names       map[string]string
	depth       int
	nodes       int
}

func newInliner(root string) *inliner {
	return &inliner{root: root, files: map[string]any{}, definitions: map[string]any{}, names: map[string]string{}}
}

// document reads a specification whose references all stay within it.
func (in *inliner) document(path string) (map[string]any, error) {
	doc, err := in.read(path)
	if err != nil {
		return nil, err
	}
	top, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: %s is no object", ErrSpecification, path)
	}
	out := map[string]any{}
	for key, value := range top {
		switch key {
		case "definitions", "parameters", "responses":
			// Taken in where they are referred to.
		default:
			if out[key], err = in.walk(path, value); err != nil {
				return nil, err
			}
		}
	}
	out["definitions"] = in.definitions
	return out, nil
}

func (in *inliner) read(path string) (any, error) {
	if doc, ok := in.files[path]; ok {
		return doc, nil
	}
	if within, err := filepath.Rel(in.root, path); err != nil || !filepath.IsLocal(within) {
		return nil, fmt.Errorf("%w: %s is none of them", ErrSpecification, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSpecification, path, err)
	}
	in.files[path] = doc
	return doc, nil
}

// Bounds of documents that refer to themselves without end.
const (
	maxDepth = 200
	maxNodes = 1 << 20
)

func (in *inliner) walk(path string, value any) (any, error) {
	in.depth++
	in.nodes++
	defer func() { in.depth-- }()
	if in.depth > maxDepth || in.nodes > maxNodes {
		return nil, fmt.Errorf("%w: %s is nested too deeply", ErrSpecification, path)
	}
	switch v := value.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			walked, err := in.walk(path, item)
			if err != nil {
				return nil, err
			}
			out = append(out, walked)
		}
		return out, nil
	case map[string]any:
		return in.object(path, v)
	default:
		return value, nil
	}
}

func (in *inliner) object(path string, v map[string]any) (any, error) {
	if ref, ok := v["$ref"].(string); ok {
		return in.refer(path, ref)
	}
	out := make(map[string]any, len(v))
	for key, item := range v {
		// An enum that is modeled as a string may have further values.
		if key == "enum" && open(v) {
			continue
		}
		// Examples are no part of the contract, and refer to files of their own.
		if key == "x-ms-examples" || key == "example" || key == "examples" {
			continue
		}
		walked, err := in.walk(path, item)
		if err != nil {
			return nil, err
		}
		out[key] = walked
	}
	return out, nil
}

func open(schema map[string]any) bool {
	about, _ := schema["x-ms-enum"].(map[string]any)
	extensible, _ := about["modelAsString"].(bool)
	return extensible
}

// refer resolves a reference: definitions become those of the document that is
// made, anything else is put in its place.
func (in *inliner) refer(path, ref string) (any, error) {
	file, pointer, _ := strings.Cut(ref, "#")
	target := path
	if file != "" {
		target = in.locate(path, file)
	}
	doc, err := in.read(target)
	if err != nil {
		return nil, err
	}
	found, err := follow(doc, pointer)
	if err != nil {
		return nil, fmt.Errorf("%w: %s in %s", err, ref, path)
	}
	name, ok := strings.CutPrefix(pointer, "/definitions/")
	if !ok {
		return in.walk(target, found)
	}
	key := target + "#" + name
	if known, ok := in.names[key]; ok {
		return map[string]any{"$ref": "#/definitions/" + known}, nil
	}
	unique := clean(name)
	for n := 2; in.definitions[unique] != nil; n++ {
		unique = fmt.Sprintf("%s_%d", clean(name), n)
	}
	in.names[key] = unique
	in.definitions[unique] = map[string]any{} // for those that refer to themselves
	walked, err := in.walk(target, found)
	if err != nil {
		return nil, err
	}
	in.definitions[unique] = walked
	return map[string]any{"$ref": "#/definitions/" + unique}, nil
}

var (
	unnamed    = regexp.MustCompile(`[^A-Za-z0-9._-]`)
	commonFile = regexp.MustCompile(`Common/(?:stable|preview)/([^/]+)/common\.json$`)
)

func clean(name string) string { return unnamed.ReplaceAllString(name, "_") }

// locate finds the file that a reference of the original repository means.
func (in *inliner) locate(path, file string) string {
	if i := strings.Index(file, "common-types/"); i >= 0 {
		return filepath.Join(in.root, filepath.FromSlash(file[i:]))
	}
	if m := commonFile.FindStringSubmatch(file); m != nil {
		return filepath.Join(in.root, "common", m[1], "common.json")
	}
	return filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
}

// follow walks a JSON pointer (RFC 6901).
func follow(doc any, pointer string) (any, error) {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		object, ok := doc.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%w: reference leads nowhere", ErrSpecification)
		}
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		if doc, ok = object[part]; !ok {
			return nil, fmt.Errorf("%w: reference leads nowhere", ErrSpecification)
		}
	}
	return doc, nil
}
