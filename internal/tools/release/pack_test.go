package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// lay makes what is packed in the tests, with times and rights of its own.
func lay(t *testing.T, when time.Time, file, program fs.FileMode) string {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "soup-1")
	path := filepath.Join(folder, "bin", "soup")
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o700),
		os.WriteFile(path, []byte("#!/bin/sh\necho soup\n"), program),
		os.WriteFile(filepath.Join(folder, "README.md"), bytes.Repeat([]byte("onions "), 1000), file),
		os.Symlink("bin/soup", filepath.Join(folder, "soup")),
		os.Chtimes(path, when, when),
	); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestPack: the same files give the same archive, whenever and with whatever
// umask they were made, and other programs unpack it.
func TestPack(t *testing.T) {
	one := lay(t, time.Unix(1e9, 0), 0o600, 0o700)
	other := lay(t, time.Unix(1.1e9, 0), 0o644, 0o755)
	for _, kind := range []string{"tar.gz", "zip"} {
		archives := make([][]byte, 2)
		path := ""
		for i, root := range []string{one, other} {
			path = filepath.Join(t.TempDir(), "soup."+kind)
			if err := run([]string{"pack", path, "1200000000", root, "soup-1"}); err != nil {
				t.Fatal(err)
			}
			var err error
			if archives[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(archives[0], archives[1]) {
			t.Errorf("%s: two archives of the same files differ", kind)
		}
		into := t.TempDir()
		if kind == "zip" {
			unzip(t, path, into)
		} else if out, err := exec.Command("tar", "-xzf", path, "-C", into).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
		out, err := exec.Command(filepath.Join(into, "soup-1", "soup")).CombinedOutput()
		if err != nil || string(out) != "soup\n" {
			t.Errorf("%s: %v: %s", kind, err, out)
		}
		readme, err := os.Stat(filepath.Join(into, "soup-1", "README.md"))
		if err != nil || readme.Size() != 7000 || readme.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", kind, readme, err)
		}
	}
	for name, args := range map[string][]string{
		"nothing":      {filepath.Join(t.TempDir(), "a.zip"), "0", one, "stew"},
		"another kind": {filepath.Join(t.TempDir(), "a.rar"), "0", one, "soup-1"},
		"no time":      {filepath.Join(t.TempDir(), "a.zip"), "now", one, "soup-1"},
	} {
		if err := run(append([]string{"pack"}, args...)); err == nil {
			t.Errorf("%s is packed", name)
		}
	}
}

// unzip unpacks with Go's own reader: not every machine has another.
func unzip(t *testing.T, path, into string) {
	t.Helper()
	files, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	for _, f := range files.File {
		name := filepath.Join(into, filepath.FromSlash(f.Name))
		if f.Mode().IsDir() {
			err = os.MkdirAll(name, f.Mode().Perm())
		} else {
			data, readErr := fs.ReadFile(files, f.Name)
			if f.Mode()&fs.ModeSymlink != 0 {
				r, openErr := f.Open()
				if openErr != nil {
					t.Fatal(openErr)
				}
				var link bytes.Buffer
				_, readErr = link.ReadFrom(r)
				err = errors.Join(readErr, r.Close(), os.Symlink(link.String(), name))
			} else {
				err = errors.Join(readErr, os.WriteFile(name, data, f.Mode().Perm()))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSums: what is written is what sha256sum checks.
func TestSums(t *testing.T) {
	root := lay(t, time.Unix(1e9, 0), 0o600, 0o700)
	folder := filepath.Join(root, "soup-1")
	for range 2 { // the second time, its own file is there
		if err := run([]string{"sums", folder}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sha256sum", "-c", "SHA256SUMS")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "README.md: OK\nsoup: OK\n" {
		t.Errorf("%v: %s", err, out)
	}
}
