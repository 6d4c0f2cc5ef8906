package contract

import (
	"encoding/json"
)

// Inline inlines a document that lies alone in its folder.
func Inline(data []byte) (map[string]any, error) {
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	in := newInliner("/nowhere")
	in.files["/nowhere/a/1/a.json"] = doc
	return in.document("/nowhere/a/1/a.json")
}

// CheckSurface holds a body against a list of members.
func CheckSurface(data []byte, method, route string, status int, body []byte) error {
	s, err := parseSurface(data)
	if err != nil {
		return err
	}
	return s.check(method, route, status, body)
}
