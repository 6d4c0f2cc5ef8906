package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// Errors of an answer.
var (
	// ErrNotSpecified says that the specification does not have the operation
	// or the status.
	ErrNotSpecified = errors.New("contract: not in the specification")
	// ErrMismatch says that an answer is not as the specification has it.
	ErrMismatch = errors.New("contract: the answer does not match the specification")
	// ErrUndeclared says that an answer matches, but has members that the
	// specification does not know.
	ErrUndeclared = errors.New("contract: members that the specification does not have")
)

// Contract is one version of an area as ACS published it.
type Contract struct {
	Area, Version string

	// operations has those of the Swagger files by key.
	operations map[string]*openapi3.Operation
	surface    *surface
	examples   []Example
}

// Example is an example of an operation, in a file beside the specification.
type Example struct {
	Method, Route, File string
}

// Examples returns the examples of all operations.
func (c *Contract) Examples() []Example { return c.examples }

// Load reads the specification of a version. root is the folder of all of them.
func Load(root, area, version string) (*Contract, error) {
	folder := filepath.Join(root, area, version)
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%w: nothing in %s/%s", ErrSpecification, area, version)
	}
	c := &Contract{Area: area, Version: version, operations: map[string]*openapi3.Operation{}}
	for _, file := range files {
		if filepath.Base(file) == "wire-surface.json" {
			if c.surface, err = loadSurface(file); err != nil {
				return nil, err
			}
			continue
		}
		doc, err := convert(root, file)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", area, version, err)
		}
		for route, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				c.operations[Key(method, route)] = operation
			}
		}
		examples, err := examplesOf(file)
		if err != nil {
			return nil, err
		}
		c.examples = append(c.examples, examples...)
	}
	return c, nil
}

// Versions returns the versions of an area that have a specification.
func Versions(root, area string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, area))
	if err == nil && !filepath.IsLocal(area) {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	var versions []string
	for _, e := range entries {
		if e.IsDir() {
			versions = append(versions, e.Name())
		}
	}
	return versions, nil
}

// convert makes OpenAPI 3 of a Swagger 2.0 file.
func convert(root, file string) (*openapi3.T, error) {
	doc, err := newInliner(root).document(file)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	var v2 openapi2.T
	if err := json.Unmarshal(data, &v2); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSpecification, filepath.Base(file), err)
	}
	v3, err := openapi2conv.ToV3(&v2)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSpecification, filepath.Base(file), err)
	}
	if err := openapi3.NewLoader().ResolveRefsIn(v3, nil); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSpecification, filepath.Base(file), err)
	}
	return v3, nil
}

// examplesOf lists the examples that a Swagger file names.
func examplesOf(file string) ([]Example, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpecification, err)
	}
	var examples []Example
	for route, methods := range doc.Paths {
		for method, raw := range methods {
			var operation struct {
				Examples map[string]struct {
					Ref string `json:"$ref"`
				} `json:"x-ms-examples"`
			}
			if json.Unmarshal(raw, &operation) != nil {
				continue // parameters of all methods
			}
			for _, e := range operation.Examples {
				examples = append(examples, Example{strings.ToUpper(method), route, filepath.FromSlash(e.Ref)})
			}
		}
	}
	return examples, nil
}

// Operations returns what the contract has, as "METHOD /route" in small letters
// and without the names of values.
func (c *Contract) Operations() []string {
	list := slices.Collect(maps.Keys(c.operations))
	if c.surface != nil {
		for _, o := range c.surface.Operations {
			list = append(list, Key(o.Method, o.Path))
		}
	}
	slices.Sort(list)
	return list
}

// Has tells whether the contract has an operation, whatever the names of the
// route's values.
func (c *Contract) Has(method, route string) bool {
	_, found := slices.BinarySearch(c.Operations(), Key(method, route))
	return found
}

// Route returns the route, without the names of its values, that an escaped path
// takes; empty when the contract has none.
func (c *Contract) Route(method, path string) string {
	best := ""
	for _, known := range c.Operations() {
		verb, route, _ := strings.Cut(known, " ")
		pattern := "(?i)^" + strings.ReplaceAll(regexp.QuoteMeta(route), `\{\}`, `[^/]+`) + "$"
		// The one with the most written out: /a/{}:stop before /a/{}.
		if matched, err := regexp.MatchString(pattern, path); err == nil && matched && verb == method && len(route) > len(best) {
			best = route
		}
	}
	return best
}

// Check says whether an answer to an operation is as specified. The error is
// ErrNotSpecified, ErrMismatch, ErrUndeclared or nil.
func (c *Contract) Check(method, route string, status int, body []byte) error {
	if operation := c.operations[Key(method, route)]; operation != nil {
		return check(operation, status, body)
	}
	if c.surface != nil {
		return c.surface.check(method, route, status, body)
	}
	return fmt.Errorf("%w: %s %s in %s/%s", ErrNotSpecified, method, route, c.Area, c.Version)
}

var values = regexp.MustCompile(`\{[^{}]*\}`)

// Key tells operations apart whatever the names of their values, and whatever
// the case: the resource manager's paths come in any.
func Key(method, route string) string {
	return strings.ToUpper(method) + " " + strings.ToLower(values.ReplaceAllString(route, "{}"))
}

func check(operation *openapi3.Operation, status int, body []byte) error {
	response := operation.Responses.Value(strconv.Itoa(status))
	if response == nil {
		if status < 400 {
			return fmt.Errorf("%w: status %d of %s", ErrNotSpecified, status, operation.OperationID)
		}
		if response = operation.Responses.Default(); response == nil {
			// Chat and the oldest versions declare no form of their errors.
			return nil
		}
	}
	media := response.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		if status < 400 && len(body) > 0 {
			return fmt.Errorf("%w: %s %d has a body: %.200s", ErrMismatch, operation.OperationID, status, body)
		}
		return nil
	}
	if media.Schema.Value.Format == "binary" {
		return nil // a stream, which recordings leave out
	}
	if len(body) == 0 {
		return fmt.Errorf("%w: %s %d has no body", ErrMismatch, operation.OperationID, status)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%w: %s %d: %w", ErrMismatch, operation.OperationID, status, err)
	}
	err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsResponse(), openapi3.EnableFormatValidation())
	if err != nil {
		return fmt.Errorf("%w: %s %d: %w", ErrMismatch, operation.OperationID, status, err)
	}
	if extra := undeclared(media.Schema.Value, value, ""); len(extra) > 0 {
		return fmt.Errorf("%w: %s %d: %s", ErrUndeclared, operation.OperationID, status, strings.Join(extra, ", "))
	}
	return nil
}

// undeclared returns the members of a value that its schema does not have: a
// name that is written wrong is one, and a client would never see it.
func undeclared(schema *openapi3.Schema, value any, at string) (extra []string) {
	switch v := value.(type) {
	case []any:
		if schema.Items == nil {
			return nil
		}
		for _, item := range v {
			extra = append(extra, undeclared(schema.Items.Value, item, at)...)
		}
	case map[string]any:
		declared, open := members(schema)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if member := declared[name]; member != nil {
				extra = append(extra, undeclared(member, v[name], at+"."+name)...)
			} else if !open {
				extra = append(extra, at+"."+name)
			}
		}
	}
	slices.Sort(extra)
	return slices.Compact(extra)
}

// members returns the members that an object may have. It is open when it may
// have any.
func members(schema *openapi3.Schema) (declared map[string]*openapi3.Schema, open bool) {
	declared = map[string]*openapi3.Schema{}
	open = schema.AdditionalProperties.Schema != nil || schema.AdditionalProperties.Has != nil && *schema.AdditionalProperties.Has
	for name, member := range schema.Properties {
		declared[name] = member.Value
	}
	for _, part := range schema.AllOf {
		inner, more := members(part.Value)
		maps.Copy(declared, inner)
		open = open || more && len(inner) > 0
	}
	// An object without members says nothing about them.
	return declared, open || len(declared) == 0 || schema.Discriminator != nil
}
