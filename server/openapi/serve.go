package openapi

import (
	"embed"
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// Path is where the page is.
const Path = "/openapi"

// Handler answers GET requests for Path and what lies under it.
func Handler() http.Handler { return NewHandler() }

func serve(w http.ResponseWriter, r *http.Request, own []Own) {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, Path), "/")
	if name == "index.json" {
		entries := Index()
		for i := range own {
			entries = append(entries, own[i].entry())
		}
		send(w, "application/json", encode(object{"documents": entries}))
		return
	}
	for i := range own {
		if r.URL.Path == own[i].entry().Path {
			send(w, "application/json", encode(own[i].Document()))
			return
		}
	}
	// Made when asked for: few ask, and they would take a megabyte.
	if area, version, ok := strings.Cut(strings.TrimSuffix(name, ".json"), "/"); ok {
		doc, err := Document(area, version)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		send(w, "application/json", encode(doc))
		return
	}
	types := map[string]string{"": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8"}
	kind, ok := types[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if name == "" {
		name = "page.html"
	}
	data, err := pageFiles.ReadFile(path.Join("page", name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	send(w, kind, data)
}

func encode(v any) []byte {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return []byte("{}") // maps of plain values: cannot happen
	}
	return data
}

func send(w http.ResponseWriter, kind string, data []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	// Keys are typed into the page: it runs and asks nothing from elsewhere.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	// A client that is gone notices by itself.
	_, _ = w.Write(data)
}
