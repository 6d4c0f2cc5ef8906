package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContents: a program that links a library is told with that library, its
// version and licence, and one with an unknown licence is refused.
func TestContents(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	// This tool itself: it links CycloneDX's library.
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := run([]string{"contents", program}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program + ".cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct {
			Name, Version string
			Licenses      []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(data, &bom); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, c := range bom.Components {
		found[c.Name] = c.Version + " " + c.Licenses[0].License.ID
	}
	if bom.BOMFormat != "CycloneDX" || found["github.com/CycloneDX/cyclonedx-go"] != "v0.12.0 Apache-2.0" ||
		!strings.HasSuffix(found["std"], " BSD-3-Clause") {
		t.Errorf("%s", data)
	}
	texts, err := os.ReadFile(program + ".licenses.txt")
	if err != nil || !strings.Contains(string(texts), "Apache License") || !strings.Contains(string(texts), "The Go Authors") {
		t.Errorf("%.200s, %v", texts, err)
	}
	if classify("All rights reserved. You may look, but not touch.") != "" {
		t.Error("a licence nobody has read is taken")
	}
}

// TestModule: what is laid out is what the Go command downloads.
func TestModule(t *testing.T) {
	repo := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=alice", "-c", "user.email=alice@example.com"}, args...)...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write("go.mod", "module example.com/Soup\n\ngo 1.26\n")
	write("soup.go", "package soup\n\n// Of is what it is made of.\nconst Of = \"onions\"\n")
	git("add", ".")
	git("commit", "-q", "-m", "soup")
	t.Chdir(repo)
	proxy := t.TempDir()
	if err := run([]string{"module", "v0.3.0", proxy}); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"0.3.0", "v0.3", "v2.0.0", "dev"} {
		if err := run([]string{"module", version, t.TempDir()}); err == nil {
			t.Errorf("%s is taken as a version", version)
		}
	}

	user := t.TempDir()
	cmd := exec.Command("go", "mod", "download", "-json", "example.com/Soup@v0.3.0")
	cmd.Dir = user
	cmd.Env = append(os.Environ(), "GOPROXY=file://"+proxy, "GONOSUMDB=*", "GOFLAGS=-mod=mod", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw")
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "v0.3.0.zip") {
		t.Errorf("%s, %v", out, err)
	}

	write("go.mod", "module example.com/Soup\n\ngo 1.26\n\nreplace example.com/onion => ../onion\n")
	if err := run([]string{"module", "v0.3.1", proxy}); err == nil {
		t.Error("a replacement is taken")
	}
}
