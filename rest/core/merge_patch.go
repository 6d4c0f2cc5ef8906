package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ContentTypeMergePatch is the media type of a MergePatch.
const ContentTypeMergePatch = "application/merge-patch+json"

// ErrInvalidMergePatch says that a MergePatch cannot be written.
var ErrInvalidMergePatch = errors.New("core: invalid merge patch")

// MergePatch is the body of a PATCH that changes some members of a resource
// and removes others (RFC 7396). A Call whose Body is one is sent with its
// media type. A field that is nil is neither: the members that go away are
// named apart, because in a model an absent member and one that is to be null
// look the same.
type MergePatch struct {
	// Set is what changes: a model, or a map. Nil: nothing.
	Set any
	// Remove names members to remove, as JSON pointers (RFC 6901): "/topic",
	// "/metadata/color". Objects on the way to them are made.
	Remove []string
}

// MarshalJSON writes what changes, and null for what goes away. The error wraps
// ErrInvalidMergePatch.
func (p MergePatch) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(p.Set)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(data, []byte("null")) {
		data = []byte("{}")
	}
	if len(p.Remove) == 0 && data[0] == '{' {
		return data, nil
	}
	tree, err := object(data, "")
	if err != nil {
		return nil, err
	}
	for _, pointer := range p.Remove {
		if err := remove(tree, pointer); err != nil {
			return nil, err
		}
	}
	return json.Marshal(tree)
}

// object reads one level of a document: what is not touched keeps its bytes.
func object(data []byte, at string) (map[string]any, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, fmt.Errorf("%w: %q is not an object", ErrInvalidMergePatch, at)
	}
	tree := make(map[string]any, len(members))
	for name, value := range members {
		tree[name] = value
	}
	return tree, nil
}

// remove sets the member that a pointer names to null.
func remove(tree map[string]any, pointer string) error {
	path, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return fmt.Errorf("%w: %q does not start with a slash", ErrInvalidMergePatch, pointer)
	}
	names := strings.Split(path, "/")
	for i, name := range names {
		// RFC 6901 4: ~1 first, so that ~01 stays ~1.
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		if i == len(names)-1 {
			tree[name] = nil
			return nil
		}
		next, err := child(tree[name], pointer)
		if err != nil {
			return err
		}
		tree[name] = next
		tree = next
	}
	return nil
}

// child returns a member as an object that can be changed.
func child(value any, pointer string) (map[string]any, error) {
	switch value := value.(type) {
	case map[string]any:
		return value, nil
	case json.RawMessage:
		return object(value, pointer)
	default:
		return map[string]any{}, nil
	}
}
