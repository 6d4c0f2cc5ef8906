package contract_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/contract"
)

// small is a specification with what the real ones do: references within and
// between files, parameters and responses by reference, a type that refers to
// itself, open enums, two routes that differ in an action only.
const small = `{"swagger":"2.0","info":{"title":"t","version":"1"},"produces":["application/json"],
"paths":{
 "/things/{id}":{"get":{"operationId":"Things_Get","parameters":[{"$ref":"#/parameters/id"}],"responses":{
  "200":{"description":"","schema":{"$ref":"#/definitions/Thing"}},"default":{"$ref":"#/responses/failed"}}},
  "delete":{"operationId":"Things_Delete","parameters":[{"$ref":"#/parameters/id"}],"responses":{"204":{"description":""}}}},
 "/things/{id}:stop":{"post":{"operationId":"Things_Stop","parameters":[{"$ref":"#/parameters/id"}],"responses":{"202":{"description":""}}}}},
"parameters":{"id":{"name":"id","in":"path","type":"string","required":true}},
"responses":{"failed":{"description":"","schema":{"$ref":"../../common/1/common.json#/definitions/Failure"}}},
"definitions":{
 "Thing":{"type":"object","required":["name"],"allOf":[{"$ref":"#/definitions/Base"}],"properties":{
  "name":{"type":"string"},"count":{"type":"integer"},"at":{"type":"string","format":"date-time"},
  "kind":{"type":"string","enum":["a","b"]},"state":{"type":"string","enum":["on"],"x-ms-enum":{"name":"S","modelAsString":true}},
  "parts":{"type":"array","items":{"$ref":"#/definitions/Thing"}},"tags":{"type":"object","additionalProperties":{"type":"string"}},
  "any":{"type":"object"}}},
 "Base":{"type":"object","properties":{"base":{"type":"string"}}}}}`

const smallCommon = `{"definitions":{"Failure":{"type":"object","required":["code"],"properties":{"code":{"type":"string"}}}}}`

const smallSurface = `{"operations":[
 {"method":"GET","path":"/things/{id}","responses":{"200":{"body":{"ref":"Thing"}},"default":{"body":{"ref":"Failure"}}}},
 {"method":"DELETE","path":"/things/{id}","responses":{"204":{}}}],
"models":{"Thing":{"properties":{
  "name":{"type":"String","required":true},"count":{"type":"Number"},"at":{"type":"DateTime"},"kind":{"type":"Enum","enum":["a","b"]},
  "state":{"type":"String"},"parts":{"type":"Sequence","items":{"ref":"Thing","type":"Composite"}},
  "tags":{"type":"Dictionary","additionalProperties":{"type":"String"}},"any":{"type":"any"},
  "properties.base":{"type":"String"},"on":{"type":"Boolean"}}},
 "Failure":{"properties":{"code":{"type":"String","required":true}}}}}`

func loadSmall(t *testing.T, text string) *contract.Contract {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{"things/2024-01-01/" + name(text): text, "common/1/common.json": smallCommon} {
		path = filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := contract.Load(root, "things", "2024-01-01")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func name(text string) string {
	if strings.HasPrefix(text, `{"swagger"`) {
		return "things.json"
	}
	return "wire-surface.json"
}

func TestCheck(t *testing.T) {
	swagger, surface := loadSmall(t, small), loadSmall(t, smallSurface)
	for name, c := range map[string]struct {
		method, route string
		status        int
		body          string
		want          error
		swaggerOnly   bool
		surfaceOnly   bool
	}{
		"Good":            {body: `{"name":"n","count":1,"at":"2024-01-02T03:04:05Z","kind":"a","tags":{"x":"y"},"any":{"x":1},"parts":[{"name":"m"}]}`},
		"OtherNames":      {route: "/things/{thing}", body: `{"name":"n"}`},
		"OtherCase":       {route: "/Things/{id}", body: `{"name":"n"}`},
		"OpenEnum":        {body: `{"name":"n","state":"off"}`},
		"Missing":         {body: `{"count":1}`, want: contract.ErrMismatch},
		"MissingInside":   {body: `{"name":"n","parts":[{}]}`, want: contract.ErrMismatch},
		"Type":            {body: `{"name":1}`, want: contract.ErrMismatch},
		"TypeOfNumber":    {body: `{"name":"n","count":"1"}`, want: contract.ErrMismatch},
		"TypeInside":      {body: `{"name":"n","tags":{"x":1}}`, want: contract.ErrMismatch},
		"NoList":          {body: `{"name":"n","parts":{}}`, want: contract.ErrMismatch},
		"NoObject":        {body: `{"name":"n","tags":[]}`, want: contract.ErrMismatch},
		"Enum":            {body: `{"name":"n","kind":"c"}`, want: contract.ErrMismatch},
		"Time":            {body: `{"name":"n","at":"yesterday"}`, want: contract.ErrMismatch, swaggerOnly: true},
		"Null":            {body: `{"name":"n","count":null}`, want: contract.ErrMismatch, swaggerOnly: true},
		"Boolean":         {body: `{"name":"n","on":"yes"}`, want: contract.ErrMismatch, surfaceOnly: true},
		"NoJSON":          {body: `{"name":`, want: contract.ErrMismatch},
		"NoBody":          {want: contract.ErrMismatch},
		"Undeclared":      {body: `{"name":"n","n4me":"n"}`, want: contract.ErrUndeclared},
		"UndeclaredBelow": {body: `{"name":"n","parts":[{"name":"m","c0unt":1}]}`, want: contract.ErrUndeclared},
		"Inherited":       {body: `{"name":"n","base":"b"}`, swaggerOnly: true},
		"Flattened":       {body: `{"name":"n","properties":{"base":"b"}}`, surfaceOnly: true},
		"UndeclaredFlat":  {body: `{"name":"n","properties":{"b4se":"b"}}`, want: contract.ErrUndeclared, surfaceOnly: true},
		"Status":          {status: 201, body: `{"name":"n"}`, want: contract.ErrNotSpecified},
		"Error":           {status: 404, body: `{"code":"c"}`},
		"ErrorMismatch":   {status: 404, body: `{}`, want: contract.ErrMismatch},
		"NoContent":       {method: http.MethodDelete, status: 204},
		"ContentInstead":  {method: http.MethodDelete, status: 204, body: `{}`, want: contract.ErrMismatch},
		"Action":          {method: http.MethodPost, route: "/things/{id}:stop", status: 202, swaggerOnly: true},
		"Method":          {method: http.MethodPut, body: `{}`, want: contract.ErrNotSpecified},
		"Route":           {route: "/things", body: `{}`, want: contract.ErrNotSpecified},
	} {
		if c.method == "" {
			c.method = http.MethodGet
		}
		if c.route == "" {
			c.route = "/things/{id}"
		}
		if c.status == 0 {
			c.status = http.StatusOK
		}
		for kind, against := range map[string]*contract.Contract{"swagger": swagger, "surface": surface} {
			if kind == "swagger" && c.surfaceOnly || kind == "surface" && c.swaggerOnly {
				continue
			}
			if err := against.Check(c.method, c.route, c.status, []byte(c.body)); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%s, %s: %v, want %v", name, kind, err, c.want)
			}
		}
	}
	if !swagger.Has("POST", "/things/{x}:stop") || swagger.Has("POST", "/things/{x}") {
		t.Errorf("operations %v", swagger.Operations())
	}
	if want := []string{"DELETE /things/{}", "GET /things/{}", "POST /things/{}:stop"}; !slices.Equal(swagger.Operations(), want) {
		t.Errorf("operations %v", swagger.Operations())
	}
}

func TestLoad_Errors(t *testing.T) {
	for name, text := range map[string]string{
		"NoJSON":    `{`,
		"NoObject":  `[]`,
		"Nowhere":   `{"swagger":"2.0","paths":{"/a":{"get":{"responses":{"200":{"$ref":"#/responses/x"}}}}}}`,
		"NoFile":    `{"swagger":"2.0","paths":{"/a":{"get":{"responses":{"200":{"$ref":"x.json#/responses/x"}}}}}}`,
		"WithinOne": `{"swagger":"2.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`,
	} {
		root := t.TempDir()
		folder := filepath.Join(root, "things", "1")
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "a.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := contract.Load(root, "things", "1"); !errors.Is(err, contract.ErrSpecification) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := contract.Load(t.TempDir(), "things", "1"); !errors.Is(err, contract.ErrSpecification) {
		t.Error(err)
	}
}

func FuzzInline(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := contract.Inline(data)
		if err == nil && doc["definitions"] == nil {
			t.Error("no definitions")
		}
	})
}

func FuzzCheckSurface(f *testing.F) {
	f.Add([]byte(smallSurface), 200, []byte(`{"name":"n","tags":{"x":"y"},"parts":[{"name":"m"}]}`))
	f.Fuzz(func(t *testing.T, data []byte, status int, body []byte) {
		err := contract.CheckSurface(data, http.MethodGet, "/things/{id}", status, body)
		if err != nil && !errors.Is(err, contract.ErrSpecification) && !errors.Is(err, contract.ErrMismatch) &&
			!errors.Is(err, contract.ErrNotSpecified) && !errors.Is(err, contract.ErrUndeclared) {
			t.Error(err)
		}
	})
}
