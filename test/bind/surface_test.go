//go:build bind

package bind_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const mobilePath = "github.com/parley-rtc/parley/bind/mobile"

// TestCSurface: what bind/mobile has, the C library has, or its README.md lists
// it as left out, with the reason. A function, a method, a field that C code never
// mentions would be missed by nobody but those who need it.
func TestCSurface(t *testing.T) {
	mobile, used := usedByC(t)
	readme, err := os.ReadFile(filepath.Join(bindC, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| (.+) \\|$").FindAllStringSubmatch(string(readme), -1) {
		left[m[1]] = m[2]
	}
	entries := 0
	for _, name := range surface(mobile) {
		entries++
		_, listed := left[name.text]
		switch {
		case used[name.object] && listed:
			t.Errorf("bind/c uses %s, which its README.md lists as left out", name.text)
		case !used[name.object] && !listed:
			t.Errorf("bind/c has nothing for %s, and its README.md gives no reason", name.text)
		}
		delete(left, name.text)
	}
	for name := range left {
		t.Errorf("bind/c/README.md lists %s as left out, which bind/mobile does not have", name)
	}
	if entries < 250 {
		t.Errorf("only %d names were found in bind/mobile", entries)
	}
}

// named is a name of bind/mobile.
type named struct {
	text   string
	object types.Object
}

// surface lists the exported functions, and the methods and fields of the
// exported types. Constants have a test of their own.
func surface(mobile *types.Package) []named {
	var all []named
	add := func(owner string, o types.Object) {
		if o.Exported() {
			all = append(all, named{owner + o.Name(), o})
		}
	}
	scope := mobile.Scope()
	for _, name := range scope.Names() {
		switch o := scope.Lookup(name).(type) {
		case *types.Func:
			add("", o)
		case *types.TypeName:
			if !o.Exported() {
				continue
			}
			if named, ok := o.Type().(*types.Named); ok {
				for m := range named.Methods() {
					add(name+".", m)
				}
			}
			switch under := o.Type().Underlying().(type) {
			case *types.Struct:
				for f := range under.Fields() {
					add(name+".", f)
				}
			case *types.Interface:
				for m := range under.ExplicitMethods() {
					add(name+".", m)
				}
			}
		}
	}
	return all
}

// usedByC type-checks bind/c and tells what of bind/mobile it uses. C's own names
// are looked over, which is enough for this.
func usedByC(t *testing.T) (*types.Package, map[types.Object]bool) {
	t.Helper()
	exports := map[string]string{}
	list := execute(t, exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", mobilePath, "../../bind/c/internal/handle"))
	for line := range strings.Lines(list) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	set := token.NewFileSet()
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	names, err := filepath.Glob(filepath.Join(bindC, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: from, FakeImportC: true, Error: func(error) {}}
	// Its errors are about C.
	_, _ = config.Check("c", set, files, info)
	mobile, err := from.Import(mobilePath)
	if err != nil {
		t.Fatal(err)
	}
	used := map[types.Object]bool{}
	for _, o := range info.Uses {
		used[o] = true
	}
	listens(mobile, info, used)
	return mobile, used
}

// listens counts the methods of listeners as used that a type of bind/c has.
func listens(mobile *types.Package, info *types.Info, used map[types.Object]bool) {
	methods := map[string]bool{}
	for _, o := range info.Defs {
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
			methods[f.Name()] = true
		}
	}
	scope := mobile.Scope()
	for _, name := range scope.Names() {
		listener, ok := scope.Lookup(name).Type().Underlying().(*types.Interface)
		if !ok {
			continue
		}
		for m := range listener.ExplicitMethods() {
			used[m] = used[m] || methods[m.Name()]
		}
	}
}

// TestCConstants holds the numbers of parley.h against those of bind/mobile.
func TestCConstants(t *testing.T) {
	header, err := os.ReadFile(filepath.Join(bindC, "parley.h"))
	if err != nil {
		t.Fatal(err)
	}
	inC := map[string]int64{}
	for _, m := range regexp.MustCompile(`(?m)^  (PARLEY_[A-Z0-9_]+) = (-?\d+)`).FindAllStringSubmatch(string(header), -1) {
		n, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		inC[m[1]] = n
	}
	mobile, _ := usedByC(t)
	scope := mobile.Scope()
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		want, _ := constant.Int64Val(c.Val())
		nameInC := constantInC(name)
		if strings.HasPrefix(name, "ErrorCode") {
			want = -want
		}
		if got, ok := inC[nameInC]; !ok || got != want {
			t.Errorf("%s is %d; %s is %d, %v", name, want, nameInC, got, ok)
		}
		delete(inC, nameInC)
	}
	delete(inC, "PARLEY_OK")
	for name := range inC {
		t.Errorf("parley.h has %s, which bind/mobile does not have", name)
	}
}

// constantInC is the name that a constant of bind/mobile has in C.
func constantInC(name string) string {
	for _, prefix := range [][2]string{
		{"ErrorCode", "ERROR_"},
		{"CallState", "CALL_"},
		{"CallDirection", "CALL_"},
		{"MediaState", "MEDIA_"},
		{"ConnectionState", "CONNECTION_"},
		{"ParticipantState", "PARTICIPANT_"},
		{"ParticipantChange", "CHANGE_"},
		{"VideoCodec", "VIDEO_"},
		{"ChatChange", "CHAT_"},
		{"ChatConnection", "CHAT_"},
		{"MessageType", "MESSAGE_"},
		{"PushKind", "PUSH_"},
		{"PushPlatform", "PUSH_"},
		{"LogLevel", "LOG_"},
	} {
		if rest, ok := strings.CutPrefix(name, prefix[0]); ok {
			return "PARLEY_" + prefix[1] + upperSnake(rest)
		}
	}
	return "PARLEY_" + upperSnake(name)
}

// upperSnake turns EarlyMedia into EARLY_MEDIA and HTML into HTML.
func upperSnake(name string) string {
	if abbreviations := []string{"APNs", "FCM", "VP8", "VP9", "AV1", "H264", "HTML"}; slices.Contains(abbreviations, name) {
		return strings.ToUpper(name)
	}
	return strings.ToUpper(regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "${1}_${2}"))
}
