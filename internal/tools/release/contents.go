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

// part is a module that is linked in, with its licence.
type part struct {
	path, version, sum string
	license            string // an identifier of SPDX
	texts              []string
}

// writeContents tells what a file built by Go is made of, read from the file
// itself: what the linker took, not what go.mod names.
func writeContents(file string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return err
	}
	parts := []part{{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		parts = append(parts, part{path: dep.Path, version: dep.Version, sum: dep.Sum})
	}
	for i := range parts {
		if err := parts[i].readLicense(); err != nil {
			return err
		}
	}
	if err := writeBOM(file, info.Main.Version, parts); err != nil {
		return err
	}
	return writeTexts(file+".licenses.txt", parts)
}

func (p *part) readLicense() error {
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
	// The licences of what is linked into other people's apps are known, or nothing is released.
	if p.license == "" {
		return fmt.Errorf("%s %s: its licence is none of those that are known here (classify in contents.go): read it first", p.path, p.version)
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

// classify names the licence of a text by the sentences that only it has, and
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

func writeBOM(file, version string, parts []part) error {
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: "main", Type: cyclonedx.ComponentTypeApplication, Name: filepath.Base(file),
		Version: version, Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
	}}
	components, refs := []cyclonedx.Component{}, []string{}
	for _, p := range parts {
		purl := "pkg:golang/" + p.path + "@" + p.version
		c := cyclonedx.Component{
			BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: p.path, Version: p.version, PackageURL: purl,
			Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: p.license}}},
		}
		if p.sum != "" {
			c.Properties = &[]cyclonedx.Property{{Name: "go:sum", Value: p.sum}}
		}
		components, refs = append(components, c), append(refs, purl)
	}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: "main", Dependencies: &refs}}
	var b bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&b, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(file+".cdx.json", b.Bytes(), 0o644)
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
