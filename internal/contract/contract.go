package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
)

// Contract is one version of an area as ACS published it.
type Contract struct {
	Area, Version string

	docs     []*openapi3.T
	surface  *surface
	examples []Example
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
	c := &Contract{Area: area, Version: version}
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
		c.docs = append(c.docs, doc)
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
	doc, err := inline(root, file)
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

// Operations returns what the contract has, as "METHOD /route".
func (c *Contract) Operations() []string {
	var list []string
	for _, doc := range c.docs {
		for route, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				list = append(list, method+" "+route)
			}
		}
	}
	if c.surface != nil {
		for _, o := range c.surface.Operations {
			list = append(list, o.Method+" "+o.Path)
		}
	}
	return list
}

// Check says whether an answer to an operation is as specified. The error is
// ErrNotSpecified, ErrMismatch or nil.
func (c *Contract) Check(method, route string, status int, body []byte) error {
	for _, doc := range c.docs {
		if operation := find(doc, method, route); operation != nil {
			return check(operation, status, body)
		}
	}
	if c.surface != nil {
		return c.surface.check(method, route, status, body)
	}
	return fmt.Errorf("%w: %s %s in %s/%s", ErrNotSpecified, method, route, c.Area, c.Version)
}

// find matches routes whatever the names of their values.
func find(doc *openapi3.T, method, route string) *openapi3.Operation {
	for path, item := range doc.Paths.Map() {
		if same(path, route) {
			return item.GetOperation(method)
		}
	}
	return nil
}

func same(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		value := strings.HasPrefix(as[i], "{") && strings.HasPrefix(bs[i], "{")
		if !value && as[i] != bs[i] {
			return false
		}
	}
	return true
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
	return nil
}
