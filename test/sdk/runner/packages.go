package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// release is a package at a version.
type release struct{ name, version string }

// misnamedTable has releases whose User-Agent says the version of an earlier one:
// what they say, and what they are.
var misnamedTable = map[release]string{
	{"@azure/communication-chat", "1.4.0-beta.1"}: "1.4.0-beta.2",
	{"@azure/communication-chat", "1.6.0-beta.4"}: "1.6.0-beta.7",
}

// errNotInstalled says that a User-Agent names what the suites do not install.
var errNotInstalled = errors.New("a User-Agent names a release that no suite installs")

// packages are the releases that the files of the suites fix.
type packages struct {
	installed map[release]bool
	// common is the version of commonPackage.
	common string
}

// version returns the version of a package that is installed, by what its
// User-Agent says.
func (p packages) version(name, said string) (string, error) {
	version := said
	if is, ok := misnamedTable[release{name, said}]; ok {
		version = is
	}
	if !p.installed[release{name, version}] {
		return "", fmt.Errorf("%w: %s %s", errNotInstalled, name, said)
	}
	return version, nil
}

// pinnedTable has the lines that fix a release, in files other than package.json.
var pinnedTable = []struct {
	path    string
	pattern *regexp.Regexp
}{
	{"python/requirements.txt", regexp.MustCompile(`(?m)^([a-z0-9-]+)==(\S+)$`)},
	{"java/pom.xml", regexp.MustCompile(`<groupId>(com\.azure)</groupId>\s*<artifactId>([a-z-]+)</artifactId>\s*<version>([^<]+)</version>`)},
	{"go/go.mod", regexp.MustCompile(`(?m)^\s(github\.com/Azure/azure-sdk-for-go) (v[0-9.]+)`)},
}

// readPackages reads what the suites install.
func readPackages(folder string) (packages, error) {
	p := packages{installed: map[release]bool{}}
	for _, suite := range []string{"js", "browser"} {
		dependencies, err := readDependencies(filepath.Join(folder, suite, "package.json"))
		if err != nil {
			return packages{}, err
		}
		for name, version := range dependencies {
			// Further versions stand under a name of ours: npm:NAME@VERSION.
			if alias, ok := strings.CutPrefix(version, "npm:"); ok {
				at := strings.LastIndexByte(alias, '@')
				name, version = alias[:max(at, 0)], alias[at+1:]
			}
			p.installed[release{name, version}] = true
			if name == commonPackage {
				p.common = version
			}
		}
	}
	for _, file := range pinnedTable {
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(file.path)))
		if err != nil {
			return packages{}, err
		}
		for _, found := range file.pattern.FindAllStringSubmatch(string(text), -1) {
			last := len(found) - 1
			p.installed[release{strings.Join(found[1:last], ":"), found[last]}] = true
		}
	}
	return p, nil
}

func readDependencies(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	err = json.Unmarshal(text, &file)
	return file.Dependencies, err
}
