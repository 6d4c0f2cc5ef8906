// Command postman writes a Postman collection (format 2.1) of the REST API: the
// newest version of each area, with a script that signs requests with the
// access key in the variables.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
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
	fmt.Printf("%s: import it into Postman, then set endpoint, accessKey, bearer (armToken) and subscriptionId from connection.json\n", *out)
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
	folders, last := []any{}, []any{}
	for _, a := range acswire.Areas() {
		versions := acswire.Versions(a)
		newest := versions[len(versions)-1]
		items := []any{}
		for _, o := range acswire.Operations(a) {
			switch {
			case !o.In(newest):
			case o.Method == http.MethodDelete || o.ID == acswire.OpIdentityRevokeAccessTokens || o.ID == acswire.OpChatRemoveParticipant:
				last = append([]any{item(&o, newest)}, last...) // what was made last goes first
			default:
				items = append(items, item(&o, newest))
			}
		}
		folders = append(folders, object{"name": a.String() + " " + newest.Version.String(), "item": items})
	}
	// So the whole collection can be run from top to bottom.
	folders = append(folders, object{"name": "what ends or removes", "item": last})
	return object{
		"info": object{
			"name": "Parley", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
			"description": "The REST API of a Parley service. Operations that take an access key are signed by the collection's script.",
		},
		"item": folders,
		"variable": []any{
			object{"key": "endpoint", "value": "https://localhost:8443", "description": "Without a slash at the end."},
			object{"key": "accessKey", "value": "", "type": "secret"},
			object{"key": "bearer", "value": "", "type": "secret", "description": "armToken of connection.json."},
			object{"key": "subscriptionId", "value": "", "description": "subscriptionId of connection.json."},
			object{"key": "foreignToken", "value": "", "type": "secret", "description": "The token of another issuer, to exchange."},
			object{"key": "user", "value": "", "description": "Set by the request that creates a user."},
			object{"key": "userToken", "value": "", "type": "secret", "description": "Set by the requests that issue a token."},
			object{"key": "thread", "value": "", "description": "Set by the request that creates a thread."},
			object{"key": "message", "value": "", "description": "Set by the request that sends a message."},
		},
		"event": []any{event("prerequest", signScript), event("test", keepScript)},
	}
}

func event(listen, script string) object {
	return object{"listen": listen, "script": object{"type": "text/javascript", "exec": strings.Split(script, "\n")}}
}

func item(o *acswire.Operation, v acswire.ServedVersion) object {
	query := []any{object{"key": acswire.QueryAPIVersion, "value": v.Version.String()}}
	headers, variables := []any{}, []any{}
	for _, p := range o.Parameters {
		switch p.In {
		case acswire.InPath:
			variables = append(variables, object{"key": p.Name, "value": pathValue(o.Area, p.Name), "description": p.Description})
		case acswire.InQuery:
			query = append(query, object{"key": p.Name, "value": "", "disabled": !p.Required, "description": p.Description})
		case acswire.InHeader:
			headers = append(headers, object{"key": p.Name, "value": "", "disabled": !p.Required, "description": p.Description})
		}
	}
	for _, part := range strings.Split(o.Route, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			// Postman takes it for a value: then its value is the text itself.
			variables = append(variables, object{"key": name, "value": part, "description": "Fixed: leave it as it is."})
		}
	}
	request := object{
		"method": o.Method, "description": o.Summary + " " + o.Note, "header": headers,
		"url": object{"raw": "{{endpoint}}" + colons(o.Route), "host": []string{"{{endpoint}}"}, "path": segments(o.Route), "query": query, "variable": variables},
	}
	if token := bearer(o.Auth); token != "" {
		request["auth"] = object{"type": "bearer", "bearer": []any{object{"key": "token", "value": token, "type": "string"}}}
	}
	if o.Request != nil {
		headers = append(headers, object{"key": acswire.HeaderContentType, "value": "application/json"})
		request["header"] = headers
		request["body"] = object{"mode": "raw", "raw": body(o.Request, v.Contract), "options": object{"raw": object{"language": "json"}}}
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
		}
	}
	return slices.Clip(parts)
}

// bearer returns what stands in the Authorization header; empty for an access key.
func bearer(auth acswire.Auth) string {
	switch auth {
	case acswire.AuthUser:
		return "{{userToken}}"
	case acswire.AuthExchange:
		return "{{foreignToken}}"
	case acswire.AuthManagement:
		return "{{bearer}}"
	case acswire.AuthNone, acswire.AuthService:
	}
	return ""
}

// pathValue is what a value of a path begins with.
func pathValue(area acswire.Area, name string) string {
	switch {
	case area == acswire.AreaIdentity && name == "id":
		return "{{user}}"
	case name == "chatThreadId":
		return "{{thread}}"
	case name == "chatMessageId":
		return "{{message}}"
	case name == "subscriptionId":
		return "{{subscriptionId}}"
	case name == "resourceGroupName":
		return "group"
	case area == acswire.AreaResourceManager && strings.HasSuffix(name, "Name"), name == "location":
		return "postman"
	}
	return ""
}

// body is a request's body to begin with: what it must have, with values that
// are taken. The other members are in the documentation.
func body(model any, contract acswire.Version) string {
	var sample any
	if err := json.Unmarshal([]byte(openapi.Sample(model, contract)), &sample); err != nil {
		return "{}"
	}
	sample = filled("", sample)
	if sample == nil {
		sample = object{}
	}
	data, err := json.MarshalIndent(sample, "", "  ")
	if err != nil {
		return "{}"
	}
	return string(data)
}

// filled puts examples where a sample has none, and leaves out what stays empty.
func filled(name string, sample any) any {
	if v, ok := examples()[name]; ok {
		return v
	}
	members, ok := sample.(object)
	if !ok {
		return nil
	}
	out := object{}
	for key, member := range members {
		if v := filled(key, member); v != nil {
			out[key] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// examples are values by the names of members.
func examples() object {
	return object{
		"scopes": []string{"chat", "voip"}, "createTokenWithScopes": []string{"chat", "voip"}, "expiresInMinutes": 60,
		"location": "global", "dataLocation": "Europe", "keyType": "primary", "tags": object{"made": "by hand"},
		"participants": []object{{"communicationIdentifier": object{"communicationUser": object{"id": "{{user}}"}}}},
		"topic":        "Hello", "content": "Hello", "chatMessageId": "{{message}}", "senderDisplayName": "alice",
	}
}

// signScript signs what takes an access key (acs-rest 1.3).
const signScript = `// Signs the request with the access key unless it carries a bearer token.
const key = pm.variables.get('accessKey');
if (key && !(pm.request.auth && pm.request.auth.type === 'bearer')) {
  const host = pm.variables.get('endpoint').replace(/^https?:\/\//, '');
  const target = pm.variables.replaceIn(pm.request.url.getPathWithQuery());
  const body = pm.request.body && pm.request.body.raw ? pm.variables.replaceIn(pm.request.body.raw) : '';
  const hash = CryptoJS.enc.Base64.stringify(CryptoJS.SHA256(body));
  const date = new Date().toUTCString();
  const text = pm.request.method + '\n' + target + '\n' + date + ';' + host + ';' + hash;
  const signature = CryptoJS.enc.Base64.stringify(CryptoJS.HmacSHA256(text, CryptoJS.enc.Base64.parse(key)));
  pm.request.headers.upsert({ key: 'x-ms-date', value: date });
  pm.request.headers.upsert({ key: 'x-ms-content-sha256', value: hash });
  pm.request.headers.upsert({ key: 'Authorization', value: 'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=' + signature });
}`

// keepScript keeps what later requests want.
const keepScript = `// Keeps what later requests want: the user, its token, the thread, the message.
let answer = {};
try { answer = pm.response.json(); } catch (e) { /* no body */ }
const keep = (name, value) => { if (value) pm.collectionVariables.set(name, value); };
keep('user', answer.identity && answer.identity.id);
keep('userToken', answer.token || (answer.accessToken && answer.accessToken.token));
keep('thread', answer.chatThread && answer.chatThread.id);
if (pm.response.code === 201 && /\/messages$/.test(pm.request.url.getPath())) keep('message', answer.id);`
