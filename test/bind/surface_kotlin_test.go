//go:build bind

package bind_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestKotlinSurface: what gobind makes for Java the Kotlin layer uses, or its
// README.md lists it as left out, with the reason. Fields count as used when they
// are read or written: those of options are written, those of events are read.
func TestKotlinSurface(t *testing.T) {
	used := usedByKotlin(t)
	readme, err := os.ReadFile(filepath.Join(root, "bind", "android", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`\\w+\\.\\w+`.*?) \\| .+ \\|$").FindAllStringSubmatch(string(readme), -1) {
		for _, name := range regexp.MustCompile("`(\\w+\\.\\w+)`").FindAllStringSubmatch(row[1], -1) {
			left[name[1]] = true
		}
	}
	entries := javaSurface(t)
	for name := range entries {
		switch {
		case used[name] && left[name]:
			t.Errorf("the layer uses %s, which bind/android/README.md lists as left out", name)
		case !used[name] && !left[name]:
			t.Errorf("the layer has nothing for %s, and bind/android/README.md gives no reason", name)
		}
		delete(left, name)
	}
	for name := range left {
		t.Errorf("bind/android/README.md lists %s as left out, which the generated classes do not have", name)
	}
	if len(entries) < 300 {
		t.Errorf("only %d names were found in the listing", len(entries))
	}
}

// javaSurface lists the members of the generated classes as Class.member. A field
// has the name of its property; constructors have a function beside them.
func javaSurface(t *testing.T) map[string]bool {
	t.Helper()
	listing, err := os.ReadFile(filepath.Join(root, "bind", "testdata", "api-java.txt"))
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`public final native \S+ [gs]et(\w+)\(`)
	constant := regexp.MustCompile(`public static final \w+ (\w+) =`)
	method := regexp.MustCompile(`(\w+)\(`)
	names := map[string]bool{}
	for line := range strings.Lines(string(listing)) {
		class, declaration, _ := strings.Cut(line, ": ")
		if strings.HasPrefix(declaration, "public "+class+"(") {
			continue
		}
		for _, kind := range []*regexp.Regexp{field, constant, method} {
			if m := kind.FindStringSubmatch(declaration); m != nil {
				names[class+"."+m[1]] = true
				break
			}
		}
	}
	return names
}

// usedByKotlin tells what of the generated classes the layer's compiled classes
// use. The compiler has put the numbers of constants in their place: those are
// looked for in the sources.
func usedByKotlin(t *testing.T) map[string]bool {
	t.Helper()
	j := newJVM(t)
	layer := filepath.Join(j.folder, "kotlin", "io", "github", "parleyrtc")
	var classes []string
	for _, folder := range []string{layer, filepath.Join(layer, "android")} {
		found, err := filepath.Glob(filepath.Join(folder, "*.class"))
		if err != nil || len(found) == 0 {
			t.Fatalf("the layer's classes: %v %v", found, err)
		}
		classes = append(classes, found...)
	}
	said := execute(t, exec.CommandContext(t.Context(), "javap", append([]string{"-p", "-v"}, classes...)...))
	used := map[string]bool{}
	call := regexp.MustCompile(`= Methodref .*// io/github/parleyrtc/mobile/(\w+)\.(?:"<(init)>"|((?:[gs]et)?(\w+))):`)
	for _, m := range call.FindAllStringSubmatch(said, -1) {
		if m[2] != "" {
			used["Mobile.new"+m[1]] = true
			continue
		}
		used[m[1]+"."+m[3]] = true
		used[m[1]+"."+m[4]] = true
	}
	// A class has all the methods of an interface that it implements, and a lambda its one.
	implemented := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\S.* implements (.*)$`).FindAllStringSubmatch(said, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			implemented[strings.TrimPrefix(strings.TrimSpace(name), "io.github.parleyrtc.mobile.")] = true
		}
	}
	for _, m := range regexp.MustCompile(`= InvokeDynamic .*\)Lio/github/parleyrtc/mobile/(\w+);`).FindAllStringSubmatch(said, -1) {
		implemented[m[1]] = true
	}
	for name := range javaSurface(t) {
		if class, _, _ := strings.Cut(name, "."); implemented[class] {
			used[name] = true
		}
	}
	for _, m := range regexp.MustCompile(`\b(Mobile\.[A-Z]\w+)`).FindAllStringSubmatch(layerSources(t), -1) {
		used[m[1]] = true
	}
	return used
}

// layerSources are the layer's sources without their comments, one after the other.
func layerSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "bind/android/parley/src/main/kotlin"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		source, err := os.ReadFile(path)
		all.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`).ReplaceAllString(all.String(), "")
}
