// Command postman writes a Postman collection (format 2.1) of the REST API: the
// newest version of each area, with a script that signs requests with the
// access key in the variables.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/openapi"
)

func main() {
	out := flag.String("out", "out/parley.postman_collection.json", "`file` to write")
	flag.Parse()
	if err := write(*out); err != nil {
		fmt.Fprintf(os.Stderr, "postman: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("%s: import it into Postman, then set endpoint, accessKey and bearer from connection.json\n", *out)
}

type object = map[string]any

func write(path string) error {
	data, err := json.MarshalIndent(collection(), "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // G301: for everybody to read
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644) //nolint:gosec // G306: for everybody to read
}

func collection() object {
	folders := []any{}
	for _, a := range acswire.Areas() {
		versions := acswire.Versions(a)
		newest := versions[len(versions)-1]
		items := []any{}
		for _, o := range acswire.Operations(a) {
			if o.In(newest) {
				items = append(items, item(&o, newest))
			}
		}
		folders = append(folders, object{"name": a.String() + " " + newest.Version.String(), "item": items})
	}
	return object{
		"info": object{
			"name": "Parley", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
			"description": "The REST API of a Parley service. Operations that take an access key are signed by the collection's script.",
		},
		"item": folders,
		"variable": []any{
			object{"key": "endpoint", "value": "https://localhost:8443"},
			object{"key": "accessKey", "value": "", "type": "secret"},
			object{"key": "bearer", "value": "", "type": "secret"},
		},
		"event": []any{object{"listen": "prerequest", "script": object{"type": "text/javascript", "exec": strings.Split(script, "\n")}}},
	}
}

func item(o *acswire.Operation, v acswire.ServedVersion) object {
	query := []any{object{"key": acswire.QueryAPIVersion, "value": v.Version.String()}}
	headers, variables := []any{}, []any{}
	for _, p := range o.Parameters {
		switch p.In {
		case acswire.InPath:
			variables = append(variables, object{"key": p.Name, "value": "", "description": p.Description})
		case acswire.InQuery:
			query = append(query, object{"key": p.Name, "value": "", "disabled": !p.Required, "description": p.Description})
		case acswire.InHeader:
			headers = append(headers, object{"key": p.Name, "value": "", "disabled": !p.Required, "description": p.Description})
		}
	}
	request := object{
		"method": o.Method, "description": o.Summary + " " + o.Note, "header": headers,
		"url": object{"raw": "{{endpoint}}" + colons(o.Route), "host": []string{"{{endpoint}}"}, "path": segments(o.Route), "query": query, "variable": variables},
	}
	if o.Auth != acswire.AuthService {
		request["auth"] = object{"type": "bearer", "bearer": []any{object{"key": "token", "value": "{{bearer}}", "type": "string"}}}
	}
	if o.Request != nil {
		headers = append(headers, object{"key": acswire.HeaderContentType, "value": "application/json"})
		request["header"] = headers
		request["body"] = object{"mode": "raw", "raw": openapi.Sample(o.Request, v.Contract), "options": object{"raw": object{"language": "json"}}}
	}
	return object{"name": o.Summary, "request": request}
}

// colons writes the values of a route as Postman does.
func colons(route string) string { return "/" + strings.Join(segments(route), "/") }

func segments(route string) []string {
	parts := strings.Split(strings.TrimPrefix(route, "/"), "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = ":" + strings.Trim(p, "{}")
		} else if strings.HasPrefix(p, ":") {
			parts[i] = "%3A" + p[1:] // a colon at the beginning would be a value
		}
	}
	return slices.Clip(parts)
}

// script signs what takes an access key (acs-rest 1.3).
const script = `// Signs the request with the access key unless it carries a bearer token.
const key = pm.variables.get('accessKey');
if (key && !(pm.request.auth && pm.request.auth.type === 'bearer')) {
  const url = new (require('url').URL)(pm.variables.replaceIn(pm.request.url.toString()));
  const body = pm.request.body && pm.request.body.raw ? pm.variables.replaceIn(pm.request.body.raw) : '';
  const hash = CryptoJS.enc.Base64.stringify(CryptoJS.SHA256(body));
  const date = new Date().toUTCString();
  const text = pm.request.method + '\n' + url.pathname + url.search + '\n' + date + ';' + url.host + ';' + hash;
  const signature = CryptoJS.enc.Base64.stringify(CryptoJS.HmacSHA256(text, CryptoJS.enc.Base64.parse(key)));
  pm.request.headers.upsert({ key: 'x-ms-date', value: date });
  pm.request.headers.upsert({ key: 'x-ms-content-sha256', value: hash });
  pm.request.headers.upsert({ key: 'Authorization', value: 'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=' + signature });
}`
