package main

import (
	"fmt"
	"os"
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
	archive, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.CreateFromVCS(archive, m, ".", "HEAD", ""); err != nil {
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
