package testkit

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// secretField names the fields whose text is a secret.
var secretField = regexp.MustCompile(`(Token|PrimaryKey|SecondaryKey|ConnectionString)$`)

// hidden is the text that CheckResponsesHideSecrets puts into secret fields.
const hidden = "not-for-a-log"

// CheckResponsesHideSecrets checks that no response of the package in the
// working directory shows a secret when it is printed or logged by itself.
// responses are the zero values of all types named …Response; one that is left
// out fails.
func CheckResponsesHideSecrets(t *testing.T, responses ...any) {
	t.Helper()
	missing := responseTypes(t)
	secrets := 0
	for _, zero := range responses {
		kind := reflect.TypeOf(zero)
		delete(missing, kind.Name())
		made := reflect.New(kind)
		secrets += fillSecrets(made.Elem())
		for _, value := range []any{made.Elem().Interface(), made.Interface()} {
			for how, text := range shown(value) {
				if strings.Contains(text, hidden) {
					t.Errorf("%T, %s: %s", value, how, text)
				}
			}
		}
	}
	for name := range missing {
		t.Errorf("%s is not checked", name)
	}
	t.Logf("%d responses with %d secrets", len(responses), secrets)
}

// shown returns what becomes of a value on the usual ways to show it.
func shown(value any) map[string]string {
	var asJSON, asText bytes.Buffer
	slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("made", "value", value)
	slog.New(slog.NewTextHandler(&asText, nil)).Info("made", "value", value)
	all := map[string]string{"JSON log": asJSON.String(), "text log": asText.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		all[verb] = fmt.Sprintf(verb, value)
	}
	return all
}

// fillSecrets sets everything that can be set: texts that are secrets to
// hidden. It returns how many these are.
func fillSecrets(v reflect.Value) int {
	n := 0
	switch v.Kind() { //nolint:exhaustive // the others hold no text
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		n = fillSecrets(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		n = fillSecrets(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			f, field := v.Field(i), v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			n += fillSecrets(f)
			for f.Kind() == reflect.Pointer {
				f = f.Elem()
			}
			if f.Kind() == reflect.String && secretField.MatchString(field.Name) {
				f.SetString(hidden)
				n++
			}
		}
	}
	return n
}

// responseTypes returns the names of the exported types of the working
// directory's package that are responses.
func responseTypes(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok && !s.Assign.IsValid() && s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Response") {
				found[s.Name.Name] = true
			}
			return true
		})
	}
	return found
}
