package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// part is what is linked in, with its license: a module, or a library of C.
type part struct {
	path, version, sum string
	license            string // an identifier of SPDX
	texts              []string
	// purl and sha256 are those of what is no module.
	purl, sha256 string
}

// contents is what a file is made of.
type contents struct {
	// file is what it is told beside, version its own.
	file, version string
	parts         []part
	// tags are the build's, between commas.
	tags string
}

// ofFile tells what a file built by Go is made of, read from the file itself:
// what the linker took, not what go.mod names.
func ofFile(file string) (*contents, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &contents{file: file, version: info.Main.Version, parts: []part{standard(info.GoVersion)}}
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			c.tags = s.Value
		}
	}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		c.parts = append(c.parts, part{path: dep.Path, version: dep.Version, sum: dep.Sum})
	}
	return c, nil
}

// ofPackages tells what a file is made of that cannot be asked itself, as an
// archive of objects cannot: the modules of all packages that are built for it.
// target is OS/ARCH.
func ofPackages(file, version, target, tags string, packages []string) (*contents, error) {
	system, processor, ok := strings.Cut(target, "/")
	if !ok || len(packages) == 0 {
		return nil, fmt.Errorf("contents: %q is no OS/ARCH, or no packages", target)
	}
	const format = `{{with .Module}}{{if not .Main}}{{with .Replace}}{{.Path}} {{.Version}} {{.Sum}}{{else}}{{.Path}} {{.Version}} {{.Sum}}{{end}}{{end}}{{end}}`
	cmd := exec.Command("go", append([]string{"list", "-deps", "-tags", tags, "-f", format}, packages...)...) //nolint:gosec // G204: the caller is scripts/release
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %s%w", errText(err), err)
	}
	goVersion, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOVERSION: %s%w", errText(err), err)
	}
	c := &contents{file: file, version: version, tags: tags, parts: []part{standard(strings.TrimSpace(string(goVersion)))}}
	lines := strings.Split(string(out), "\n")
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		if line == "" {
			continue
		}
		p := part{}
		// A module without a sum has two words.
		if n, err := fmt.Sscan(line, &p.path, &p.version, &p.sum); n < 2 {
			return nil, fmt.Errorf("go list: %q: %w", line, err)
		}
		c.parts = append(c.parts, p)
	}
	return c, nil
}

// add takes libopus, of which archive is the source; without one it must not be inside.
func (c *contents) add(archive string) error {
	if archive == "" {
		// The tag of media/opus that links it in.
		if slices.Contains(strings.Split(c.tags, ","), "opusstatic") {
			return fmt.Errorf("contents: %s has libopus inside: name its source with -opus", c.file)
		}
		return nil
	}
	library, err := opus(archive)
	if err != nil {
		return err
	}
	c.parts = append(c.parts, library)
	return nil
}

// standard is Go's own library.
func standard(version string) part {
	// The options of the build may stand behind the version.
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "go"), " ")
	return part{path: "std", version: version}
}

// write writes what it is made of beside the file.
func (c *contents) write() error {
	for i := range c.parts {
		if err := c.parts[i].readLicense(); err != nil {
			return err
		}
	}
	if err := c.writeBOM(); err != nil {
		return err
	}
	return writeTexts(c.file+".licenses.txt", c.parts)
}

func (p *part) readLicense() error {
	if p.license != "" {
		return nil
	}
	folder := ""
	if p.path == "std" {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return fmt.Errorf("go env GOROOT: %s%w", errText(err), err)
		}
		folder = strings.TrimSpace(string(out))
	} else {
		out, err := exec.Command("go", "mod", "download", "-json", p.path+"@"+p.version).Output()
		var answer struct{ Dir, Error string }
		if jsonErr := json.Unmarshal(out, &answer); jsonErr != nil || answer.Dir == "" {
			return fmt.Errorf("%s %s is not to be had: %s", p.path, p.version, answer.Error+errText(err))
		}
		folder = answer.Dir
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, func(s string) bool { return strings.HasPrefix(name, s) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		p.texts = append(p.texts, string(text))
		if p.license == "" {
			p.license = classify(string(text))
		}
	}
	// The licenses of what is linked into other people's apps are known, or nothing is released.
	if p.license == "" {
		return fmt.Errorf("%s %s: its license is none of those that are known here (classify in contents.go): read it first", p.path, p.version)
	}
	return nil
}

func errText(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

// classify names the license of a text by the sentences that only it has, and
// is empty for one that it does not know.
func classify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License") && has("2.0"):
		return "MPL-2.0"
	case has("Permission is hereby granted, free of charge, to any person obtaining a copy"):
		return "MIT"
	case has("Redistribution and use in source and binary forms") && (has("Neither the name") || has("may be used to endorse")):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission to use, copy, modify, and/or distribute this software for any purpose") ||
		has("Permission to use, copy, modify, and distribute this software for any purpose"):
		return "ISC"
	case has("This is free and unencumbered software released into the public domain"):
		return "Unlicense"
	case has("CC0 1.0 Universal"):
		return "CC0-1.0"
	}
	return ""
}

func (c *contents) writeBOM() error {
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: "main", Type: cyclonedx.ComponentTypeApplication, Name: filepath.Base(c.file),
		Version: c.version, Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
	}}
	components, refs := []cyclonedx.Component{}, []string{}
	for _, p := range c.parts {
		purl := p.purl
		if purl == "" {
			purl = "pkg:golang/" + p.path + "@" + p.version
		}
		component := cyclonedx.Component{
			BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: p.path, Version: p.version, PackageURL: purl,
			Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: p.license}}},
		}
		if p.sum != "" {
			component.Properties = &[]cyclonedx.Property{{Name: "go:sum", Value: p.sum}}
		}
		if p.sha256 != "" {
			component.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: p.sha256}}
		}
		components, refs = append(components, component), append(refs, purl)
	}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: "main", Dependencies: &refs}}
	var b bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&b, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(c.file+".cdx.json", b.Bytes(), 0o644)
}

func writeTexts(path string, parts []part) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, p := range parts {
		if _, err := fmt.Fprintf(f, "%s %s (%s)\n%s\n", p.path, p.version, p.license, strings.Repeat("-", 72)); err != nil {
			return err
		}
		for _, text := range p.texts {
			if _, err := io.WriteString(f, text+"\n\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
