package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// writeModule lays the committed tree at HEAD into dir as the protocol of
// GOPROXY has it (https://go.dev/ref/mod#goproxy-protocol): what somebody's
// `go get` of the tag brings, with all the checks that a proxy makes of it.
func writeModule(version, dir string) error {
	goMod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	parsed, err := modfile.Parse("go.mod", goMod, nil)
	if err != nil {
		return err
	}
	// A replacement is not seen by those who depend on us: they would get another program.
	if len(parsed.Replace) > 0 {
		return fmt.Errorf("go.mod replaces %s: a user's build would not", parsed.Replace[0].Old.Path)
	}
	m := module.Version{Path: parsed.Module.Mod.Path, Version: version}
	if err := module.Check(m.Path, m.Version); err != nil {
		return fmt.Errorf("%s is no version of this module: %w", version, err)
	}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	tree, err := committed()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }()
	archive, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.CreateFromDir(archive, m, tree); err != nil {
		_ = archive.Close()
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if _, err := zip.CheckZip(m, archive.Name()); err != nil {
		return err
	}
	for name, text := range map[string]string{
		version + ".info": fmt.Sprintf("{\"Version\":%q}\n", version),
		version + ".mod":  string(goMod),
		"list":            version + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// committed lays what is committed at HEAD into a folder of its own: what lies
// about in the tree is not in the module.
func committed() (string, error) {
	tree, err := os.MkdirTemp("", "release")
	if err != nil {
		return "", err
	}
	archive := filepath.Join(tree, "tree.tar")
	for _, command := range [][]string{
		{"git", "archive", "--format=tar", "--output", archive, "HEAD"},
		{"tar", "-xf", archive, "-C", tree},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil { //nolint:gosec // G204: the commands stand above
			return "", errors.Join(fmt.Errorf("%s: %s: %w", command[0], out, err), os.RemoveAll(tree))
		}
	}
	return tree, os.Remove(archive)
}
