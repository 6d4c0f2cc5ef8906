package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestContents: a program that links a library is told with that library, its
// version and license, and one with an unknown license is refused.
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
	found := components(t, data)
	if found["github.com/CycloneDX/cyclonedx-go"] != "v0.12.0 Apache-2.0" ||
		!strings.HasSuffix(found["std"], " BSD-3-Clause") {
		t.Errorf("%s", data)
	}
	texts, err := os.ReadFile(program + ".licenses.txt")
	if err != nil || !strings.Contains(string(texts), "Apache License") || !strings.Contains(string(texts), "The Go Authors") {
		t.Errorf("%.200s, %v", texts, err)
	}
	if classify("All rights reserved. You may look, but not touch.") != "" {
		t.Error("a license nobody has read is taken")
	}
}

// components reads a CycloneDX file: names with version and license.
func components(t *testing.T, data []byte) map[string]string {
	t.Helper()
	var bom struct {
		BOMFormat  string
		Components []struct {
			Name, Version string
			Licenses      []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(data, &bom); err != nil || bom.BOMFormat != "CycloneDX" {
		t.Fatalf("%v: %s", err, data)
	}
	found := map[string]string{}
	for _, c := range bom.Components {
		found[c.Name] = c.Version + " " + c.Licenses[0].License.ID
	}
	return found
}

// TestContents_Packages: of the packages that a program is built of the same is
// told as of the program itself, and libopus, of which Go knows nothing, beside it.
func TestContents_Packages(t *testing.T) {
	folder := t.TempDir()
	program, source := filepath.Join(folder, "program"), filepath.Join(folder, "opus-1.3.1.tar.gz")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const license = "Redistribution and use in source and binary forms are permitted. Neither the name of the cook may be used."
	opusSource(t, source, "opus-1.3.1/COPYING", license)
	listed := filepath.Join(folder, "listed")
	target := runtime.GOOS + "/" + runtime.GOARCH
	for _, args := range [][]string{
		{"contents", program},
		{"contents", "-opus", source, "-for", target, "-tags", "some,tags", "-version", "v0.3.0", listed, "."},
	} {
		if err := run(args); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := components(t, read(program+".cdx.json"))
	want["libopus"] = "1.3.1 BSD-3-Clause"
	if got := components(t, read(listed+".cdx.json")); !maps.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if texts := string(read(listed + ".licenses.txt")); !strings.Contains(texts, license) || !strings.Contains(texts, "The Go Authors") {
		t.Errorf("%.200s", texts)
	}
	nothing := filepath.Join(folder, "nothing.tar.gz")
	opusSource(t, nothing, "opus-1.3.1/README", license)
	unread := filepath.Join(folder, "unread.tar.gz")
	opusSource(t, unread, "opus-1.3.1/COPYING", "You may look, but not touch.")
	for _, args := range [][]string{
		{"-opus", nothing, program},
		{"-opus", unread, program},
		{"-opus", program, program},
		{"-for", target, listed},
		{"-for", target, "-tags", "some,opusstatic", listed, "."},
		{"-for", "linux", listed, "."},
		{"-for", target, listed, "./missing"},
		{program, listed},
	} {
		if err := run(append([]string{"contents"}, args...)); err == nil {
			t.Errorf("contents %v is taken", args)
		}
	}
}

// TestContents_IOS: what the archive for iOS is made of is told on any machine,
// and what only the service links is not in it.
func TestContents_IOS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ParleyCore")
	t.Chdir("../../..")
	if err := run([]string{"contents", "-for", "ios/arm64", "-version", "v0.3.0", file, "./bind/mobile", "golang.org/x/mobile/bind/objc"}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file + ".cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	found := components(t, data)
	if !strings.HasSuffix(found["github.com/pion/srtp/v3"], " MIT") || !strings.HasSuffix(found["golang.org/x/mobile"], " BSD-3-Clause") {
		t.Errorf("%v", found)
	}
	if found["github.com/nats-io/nats.go"] != "" || found["github.com/parley-rtc/parley"] != "" {
		t.Errorf("%v", found)
	}
}

// opusSource writes an archive with one file.
func opusSource(t *testing.T, archive, name, text string) {
	t.Helper()
	var data bytes.Buffer
	zipped := gzip.NewWriter(&data)
	files := tar.NewWriter(zipped)
	err := files.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644})
	_, writeErr := files.Write([]byte(text))
	if err := errors.Join(err, writeErr, files.Close(), zipped.Close(), os.WriteFile(archive, data.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
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
