package contract

import (
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Shape is what an operation takes and gives, flat: members by their way from
// the top, "a.b" for b of a, "a[].b" for that of the items of a list, "a{}" for
// the values of a dictionary; their types as OpenAPI has them.
type Shape struct {
	// Parameters are those of query and header, as "query name", without those
	// that every request has.
	Parameters []string
	// Request and Responses have the members of the bodies, the latter by status.
	Request   map[string]string
	Responses map[string]map[string]string
	// Clients tells that it is known from a client only, which lists statuses
	// that its service never has.
	Clients bool
}

// maxWay bounds the members of types that have members of their own type.
const maxWay = 6

// ShapeOf returns the shape of an operation of OpenAPI 3.
func ShapeOf(o *openapi3.Operation) Shape {
	s := Shape{Request: map[string]string{}, Responses: map[string]map[string]string{}}
	for _, p := range o.Parameters {
		s.add(p.Value.In, p.Value.Name)
	}
	slices.Sort(s.Parameters)
	if o.RequestBody != nil {
		for _, media := range o.RequestBody.Value.Content {
			flatten(s.Request, media.Schema, "", 0)
		}
	}
	for status, r := range o.Responses.Map() {
		way := map[string]string{}
		for _, media := range r.Value.Content {
			flatten(way, media.Schema, "", 0)
		}
		s.Responses[status] = way
	}
	return s
}

func (s *Shape) add(in, name string) {
	name = in + " " + strings.ToLower(name)
	switch name {
	case "query api-version", "header accept", "header content-type":
		return
	}
	if in != "path" {
		s.Parameters = append(s.Parameters, name)
	}
}

func flatten(out map[string]string, ref *openapi3.SchemaRef, at string, depth int) {
	if ref == nil || ref.Value == nil || depth > maxWay {
		return
	}
	schema := ref.Value
	if schema.Items != nil {
		flatten(out, schema.Items, at+"[]", depth+1)
	}
	if more := schema.AdditionalProperties.Schema; more != nil {
		flatten(out, more, at+"{}", depth+1)
	}
	for _, part := range schema.AllOf {
		flatten(out, part, at, depth)
	}
	for name, member := range schema.Properties {
		way := strings.TrimPrefix(at+"."+name, ".")
		out[way] = typeOf(member.Value)
		flatten(out, member, way, depth+1)
	}
}

func typeOf(schema *openapi3.Schema) string {
	if schema.Type != nil && len(*schema.Type) == 1 {
		return (*schema.Type)[0]
	}
	for _, part := range schema.AllOf {
		if t := typeOf(part.Value); t != "" {
			return t
		}
	}
	if len(schema.Properties) > 0 {
		return "object"
	}
	return ""
}

// Shape returns the shape of an operation as specified.
func (c *Contract) Shape(method, route string) (Shape, bool) {
	if o := c.operations[Key(method, route)]; o != nil {
		return ShapeOf(o), true
	}
	if c.surface != nil {
		return c.surface.shape(method, route)
	}
	return Shape{}, false
}

func (s *surface) shape(method, route string) (Shape, bool) {
	for _, o := range s.Operations {
		if Key(o.Method, o.Path) != Key(method, route) {
			continue
		}
		out := Shape{Request: map[string]string{}, Responses: map[string]map[string]string{}, Clients: true}
		for _, p := range o.Query {
			out.add("query", p.Name)
		}
		for _, p := range o.Headers {
			out.add("header", p.Name)
		}
		slices.Sort(out.Parameters)
		s.flatten(out.Request, o.Body, "", 0)
		for status, r := range o.Responses {
			way := map[string]string{}
			s.flatten(way, r.Body, "", 0)
			out.Responses[status] = way
		}
		return out, true
	}
	return Shape{}, false
}

func (s *surface) flatten(out map[string]string, k kind, at string, depth int) {
	if depth > maxWay {
		return
	}
	if k.Items != nil {
		s.flatten(out, *k.Items, at+"[]", depth+1)
	}
	if k.AdditionalProperties != nil {
		s.flatten(out, *k.AdditionalProperties, at+"{}", depth+1)
	}
	for wire, p := range s.Models[k.Ref].Properties {
		way := strings.TrimPrefix(at, ".")
		for _, part := range strings.Split(wire, ".") {
			if way != "" && out[way] == "" && !strings.HasSuffix(way, "]") && !strings.HasSuffix(way, "}") {
				out[way] = "object"
			}
			way = strings.TrimPrefix(way+"."+part, ".")
		}
		out[way] = p.openAPI()
		s.flatten(out, p.kind, way, depth+1)
	}
}

func (k *kind) openAPI() string {
	switch k.Type {
	case "Boolean":
		return "boolean"
	case "Number":
		return "number"
	case "Sequence":
		return "array"
	case "Composite", "Dictionary":
		return "object"
	case "":
		return ""
	default:
		return "string"
	}
}

// Differences says how one shape differs from another, each as a line: with
// "lacks" what it has not, with "adds" what it has more.
func (s *Shape) Differences(want *Shape) []string {
	set := func(names []string) map[string]string {
		out := map[string]string{}
		for _, name := range names {
			out[name] = ""
		}
		return out
	}
	list := differences("parameter", set(s.Parameters), set(want.Parameters))
	list = append(list, differences("request", s.Request, want.Request)...)
	for status := range want.Responses {
		if _, ok := s.Responses[status]; !ok && good(status) && !want.Clients {
			list = append(list, "lacks status "+status)
		}
	}
	for status, have := range s.Responses {
		if !good(status) {
			continue
		}
		if other, ok := want.Responses[status]; ok {
			list = append(list, differences(status, have, other)...)
		} else {
			list = append(list, "adds status "+status)
		}
	}
	slices.Sort(list)
	return list
}

func differences(what string, have, want map[string]string) (list []string) {
	for way, t := range want {
		got, ok := have[way]
		switch {
		case !ok:
			list = append(list, "lacks "+what+" "+way)
		case got == t, got == "", t == "", got == "integer" && t == "number":
		default:
			list = append(list, what+" "+way+" is "+got+", not "+t)
		}
	}
	for way := range have {
		if _, ok := want[way]; !ok {
			list = append(list, "adds "+what+" "+way)
		}
	}
	return list
}

// good tells whether a status is a success: errors are compared elsewhere.
func good(status string) bool {
	code, err := strconv.Atoi(status)
	return err == nil && code < 400
}
