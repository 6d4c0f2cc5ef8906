package openapi

import (
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// Own is an API of the service itself, beside the areas of ACS: its operations
// take no version, and their models are those of today.
type Own struct {
	// Name and Version are those of the document: /openapi/NAME/VERSION.json.
	Name, Version string
	Operations    []acswire.Operation
	// AnswerTypes are the media types of answers that are no JSON, by the
	// operation's id.
	AnswerTypes map[string]string
}

// Document returns the OpenAPI 3 document.
func (n *Own) Document() map[string]any {
	stable := acswire.ServedVersion{State: acswire.VersionStable}
	s := newSchemas(acswire.Version{}) // the zero version has every member
	paths := object{}
	for i := range n.Operations {
		o := &n.Operations[i]
		item, ok := paths[o.Route].(object)
		if !ok {
			item = object{}
			paths[o.Route] = item
		}
		made := operation(o, stable, s)
		// They have no version to ask for.
		made["parameters"] = parameters(o, stable)[1:]
		if kind := n.AnswerTypes[o.ID]; kind != "" {
			made["responses"] = responsesAs(o, s, kind)
		}
		item[strings.ToLower(o.Method)] = made
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Parley: the service's own API", "version": n.Version, "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "For whoever runs the service. It is no part of the contract of ACS.",
		},
		"paths": paths, "servers": []any{object{"url": "/"}},
		"components": object{"schemas": s.components, "securitySchemes": security()},
	}
}

// responsesAs are the answers with bodies of another media type than JSON.
func responsesAs(o *acswire.Operation, s *schemas, kind string) object {
	out := responses(o, s)
	for status, response := range out {
		r, ok := response.(object)
		if !ok || status == "default" {
			continue
		}
		if content, ok := r["content"].(object); ok {
			r["content"] = object{kind: content["application/json"]}
		}
	}
	return out
}

func (n *Own) entry() Entry {
	return Entry{n.Name, n.Version, acswire.VersionStable.String(), Path + "/" + n.Name + "/" + n.Version + ".json"}
}

// NewHandler is Handler with further documents, after those of ACS's areas.
func NewHandler(own ...Own) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, own) })
}
