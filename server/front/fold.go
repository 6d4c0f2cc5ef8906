package front

import "strings"

// segment is a fixed part of a route as the contract writes it.
type segment struct {
	text  string
	first bool
}

// foldRoute notes the fixed segments of a route that is matched whatever the
// case of its letters.
func (f *Front) foldRoute(route string) {
	for i, text := range strings.Split(strings.TrimPrefix(route, "/"), "/") {
		if strings.HasPrefix(text, "{") {
			continue
		}
		lower := strings.ToLower(text)
		f.folded[lower] = segment{text: text, first: i == 0 || f.folded[lower].first}
	}
}

// fold writes the fixed segments of a path of the resource manager as its
// routes have them: its paths are the same in upper and lower case, and its
// clients do not agree. A value that looks like such a segment changes its case
// with them, which no name in the resource manager minds. Other paths are
// returned as they are.
func (f *Front) fold(path string) string {
	if len(f.folded) == 0 {
		return path
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !f.folded[strings.ToLower(first)].first {
		return path
	}
	parts := strings.Split(path, "/")
	for i, text := range parts {
		if s, ok := f.folded[strings.ToLower(text)]; ok {
			parts[i] = s.text
		}
	}
	return strings.Join(parts, "/")
}
