package front

import (
	"slices"
	"strings"
)

// foldRoute notes the fixed segments of a route that is matched whatever the
// case of its letters.
func (f *Front) foldRoute(route string) {
	for i, text := range strings.Split(strings.TrimPrefix(route, "/"), "/") {
		if strings.HasPrefix(text, "{") {
			continue
		}
		f.folded[strings.ToLower(text)] = text
		if i == 0 && !slices.Contains(f.firsts, text) {
			f.firsts = append(f.firsts, text)
		}
	}
}

// foldable tells whether a path is one of the resource manager's. Most are not,
// and find out cheaply.
func (f *Front) foldable(path string) bool {
	for _, first := range f.firsts {
		if n := len(first) + 1; len(path) > n && path[n] == '/' && strings.EqualFold(path[1:n], first) {
			return true
		}
	}
	return false
}

// fold writes the fixed segments of a path of the resource manager as its
// routes have them: its paths are the same in upper and lower case, and its
// clients do not agree. A value that looks like such a segment changes its case
// with them, which no name in the resource manager minds. Other paths are
// returned as they are.
func (f *Front) fold(path string) string {
	if !f.foldable(path) {
		return path
	}
	parts := strings.Split(path, "/")
	for i, text := range parts {
		if fixed, ok := f.folded[strings.ToLower(text)]; ok {
			parts[i] = fixed
		}
	}
	return strings.Join(parts, "/")
}
