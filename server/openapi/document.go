package openapi

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
)

// ErrNotFound says that there is no such document.
var ErrNotFound = errors.New("openapi: no such document")

// object is a JSON object; encoding/json writes its members in order.
type object = map[string]any

// Document returns the OpenAPI 3 document of a version of an area. The error is
// ErrNotFound.
func Document(area, version string) (map[string]any, error) {
	for _, a := range acswire.Areas() {
		if a.String() != area {
			continue
		}
		for _, v := range acswire.Versions(a) {
			if v.Version.String() == version {
				return document(a, v), nil
			}
		}
	}
	return nil, ErrNotFound
}

func document(a acswire.Area, v acswire.ServedVersion) object {
	s := newSchemas(v.Contract)
	paths := object{}
	for _, o := range acswire.Operations(a) {
		if !o.In(v) {
			continue
		}
		route := o.Route
		item, ok := paths[route].(object)
		if !ok {
			item = object{}
			paths[route] = item
		}
		item[strings.ToLower(o.Method)] = operation(&o, v, s)
	}
	info := object{
		"title": "Parley: " + a.String(), "version": v.Version.String(), "description": about(v),
		"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
	}
	return object{
		"openapi": "3.1.0", "info": info, "paths": paths,
		"servers":    []any{object{"url": "/"}},
		"components": object{"schemas": s.components, "securitySchemes": security()},
	}
}

func about(v acswire.ServedVersion) string {
	text := "State: " + v.State.String() + "."
	if v.Contract != v.Version {
		text += " Answered as " + v.Contract.String() + "."
	}
	if !v.Sunset.IsZero() {
		text += " Ends on " + v.Sunset.Format("2006-01-02") + "."
	}
	return text
}

func security() object {
	return object{
		"accessKey": object{
			"type": "apiKey", "in": "header", "name": "Authorization",
			"description": "HMAC-SHA256 over method, path with query, date, host and the body's hash, with an access key of the resource.",
		},
		"bearer": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
	}
}

func operation(o *acswire.Operation, v acswire.ServedVersion, s *schemas) object {
	out := object{
		"operationId": o.ID, "summary": o.Summary, "tags": []string{strings.SplitN(o.ID, "_", 2)[0]},
		"parameters": parameters(o, v), "responses": responses(o, s),
	}
	switch o.Auth {
	case acswire.AuthService:
		out["security"] = []any{object{"accessKey": []string{}}, object{"bearer": []string{}}}
	case acswire.AuthUser, acswire.AuthExchange, acswire.AuthManagement:
		out["security"] = []any{object{"bearer": []string{}}}
	case acswire.AuthNone:
		out["security"] = []any{}
	}
	if o.Note != "" {
		out["description"] = o.Note
	}
	if o.LongRunning {
		out["x-ms-long-running-operation"] = true
	}
	if o.Paged {
		out["x-ms-pageable"] = object{"nextLinkName": "nextLink"}
	}
	if v.State == acswire.VersionDeprecated {
		out["deprecated"] = true
	}
	if o.Request != nil {
		types := o.RequestTypes
		if len(types) == 0 {
			types = []string{"application/json"}
		}
		content := object{}
		for _, t := range types {
			content[t] = object{"schema": s.of(o.Request)}
		}
		out["requestBody"] = object{"required": !o.RequestOptional, "content": content}
	}
	return out
}

func parameters(o *acswire.Operation, v acswire.ServedVersion) []any {
	list := []any{object{
		"name": acswire.QueryAPIVersion, "in": "query", "required": true, "description": "The version of the API.",
		"schema": object{"type": "string", "default": v.Version.String()},
	}}
	for _, p := range o.Parameters {
		schema := object{"type": "string"}
		switch p.Kind {
		case acswire.KindInteger:
			schema = object{"type": "integer"}
		case acswire.KindBoolean:
			schema = object{"type": "boolean"}
		case acswire.KindDateTime:
			schema["format"] = "date-time"
		case acswire.KindUUID:
			schema["format"] = "uuid"
		case acswire.KindString, acswire.KindHTTPTime:
		}
		if len(p.Values) > 0 {
			schema["enum"] = p.Values
		}
		in := "query"
		switch p.In {
		case acswire.InPath:
			in = "path"
		case acswire.InHeader:
			in = "header"
		case acswire.InQuery:
		}
		list = append(list, object{"name": p.Name, "in": in, "required": p.Required, "description": p.Description, "schema": schema})
	}
	return list
}

func responses(o *acswire.Operation, s *schemas) object {
	out := object{}
	for _, r := range o.Responses {
		response := object{"description": r.Description}
		if r.Body != nil {
			types := o.ResponseTypes
			if len(types) == 0 {
				types = []string{"application/json"}
			}
			content := object{}
			for _, t := range types {
				content[t] = object{"schema": s.of(r.Body)}
			}
			response["content"] = content
		}
		if len(r.Headers) > 0 {
			headers := object{}
			for _, name := range r.Headers {
				headers[name] = object{"schema": object{"type": "string"}}
			}
			response["headers"] = headers
		}
		out[strconv.Itoa(r.Status)] = response
	}
	out["default"] = object{
		"description": "What went wrong.",
		"headers":     object{"x-ms-error-code": object{"schema": object{"type": "string"}}},
		"content":     object{"application/json": object{"schema": s.of(acswire.ErrorModel(o.Area, s.contract))}},
	}
	return out
}

// Entry is a document that there is.
type Entry struct {
	Area    string `json:"area"`
	Version string `json:"version"`
	State   string `json:"state"`
	Path    string `json:"path"`
}

// Index returns the documents, area by area, the newest version first.
func Index() []Entry {
	var entries []Entry
	for _, a := range acswire.Areas() {
		versions := slices.Clone(acswire.Versions(a))
		slices.Reverse(versions)
		for _, v := range versions {
			name := v.Version.String()
			entries = append(entries, Entry{a.String(), name, v.State.String(), "/openapi/" + a.String() + "/" + name + ".json"})
		}
	}
	return entries
}
