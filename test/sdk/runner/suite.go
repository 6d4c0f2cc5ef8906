package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// suite is the checks of one language.
type suite struct {
	name string
	// prepare makes what the program needs besides the configuration.
	prepare func(*bench, context.Context) error
	command func(*bench) (program string, args, env []string)
}

// suiteReport is what a suite that passed says of itself.
type suiteReport struct {
	name   string
	passed int
}

// suiteLimit bounds a hang.
const suiteLimit = 5 * time.Minute

// countLine is the last line of every suite.
var countLine = regexp.MustCompile(`^suite: (\d+) passed, (\d+) failed$`)

func suites() []suite {
	return []suite{
		{name: "js", command: func(b *bench) (string, []string, []string) {
			return "node", []string{"main.mjs"}, []string{"NODE_EXTRA_CA_CERTS=" + b.authorities()}
		}},
		{name: "browser", command: func(b *bench) (string, []string, []string) {
			return "node", []string{"main.mjs"}, []string{"NODE_EXTRA_CA_CERTS=" + b.authorities()}
		}},
		{name: "python", command: func(b *bench) (string, []string, []string) {
			return filepath.Join(b.options.folder, "python", ".venv", "bin", "python"), []string{"-B", "main.py"},
				[]string{"REQUESTS_CA_BUNDLE=" + b.authorities(), "SSL_CERT_FILE=" + b.authorities()}
		}},
		{name: "java", prepare: (*bench).makeTrustStore, command: func(b *bench) (string, []string, []string) {
			return "java", []string{
				"-Djavax.net.ssl.trustStore=" + b.trustStore(), "-Djavax.net.ssl.trustStorePassword=" + trustStorePassword,
				"-cp", filepath.Join("target", "classes") + string(os.PathListSeparator) + filepath.Join("target", "dependency", "*"), "Suite",
			}, nil
		}},
		{name: "go", command: func(b *bench) (string, []string, []string) {
			return filepath.Join(b.options.folder, "go", "suite"), nil, []string{"SSL_CERT_FILE=" + b.authorities()}
		}},
		{name: "postman", command: func(b *bench) (string, []string, []string) {
			return "node", []string{"main.mjs"}, []string{"PARLEY_COLLECTION=" + filepath.Join(b.options.folder, "postman", "collection.json")}
		}},
	}
}

// chosen returns the suites that a list of names names.
func chosen(list string) ([]suite, error) {
	all := suites()
	if list == "" {
		return all, nil
	}
	var picked []suite
	for _, name := range strings.Split(list, ",") {
		found := false
		for _, s := range all {
			if s.name == name {
				picked, found = append(picked, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no suite %q", name)
		}
	}
	return picked, nil
}

// run runs a suite and reads its count.
func (s suite) run(ctx context.Context, b *bench) (suiteReport, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, suiteLimit)
	defer cancel()
	if s.prepare != nil {
		if err := s.prepare(b, ctx); err != nil {
			return suiteReport{}, err
		}
	}
	program, args, env := s.command(b)
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = filepath.Join(b.options.folder, s.name)
	command.Env = append(os.Environ(), append(env, "PARLEY_SDK="+b.configPath())...)
	var output bytes.Buffer
	command.Stdout = io.MultiWriter(&output, &prefixed{name: s.name, to: os.Stdout})
	command.Stderr = &prefixed{name: s.name, to: os.Stderr}
	runErr := command.Run()
	report, err := s.read(&output)
	if err := errors.Join(runErr, err); err != nil {
		return suiteReport{}, err
	}
	fmt.Printf("%s: %d checks passed in %.1f s\n", s.name, report.passed, time.Since(began).Seconds())
	return report, nil
}

// read holds the count at the end against the lines before it: a suite that
// ends early has none.
func (s suite) read(output io.Reader) (suiteReport, error) {
	report := suiteReport{name: s.name}
	lines := bufio.NewScanner(output)
	passed, counted := 0, false
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "ok ") {
			passed++
		}
		found := countLine.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		counted = true
		ok, err := strconv.Atoi(found[1])
		if err != nil {
			return report, err
		}
		if found[2] != "0" {
			return report, fmt.Errorf("%s checks failed", found[2])
		}
		report.passed = ok
	}
	switch {
	case lines.Err() != nil:
		return report, lines.Err()
	case !counted:
		return report, errors.New("the suite did not come to its end")
	case passed != report.passed || passed == 0:
		return report, fmt.Errorf("the suite counts %d checks and shows %d", report.passed, passed)
	}
	return report, nil
}

// prefixed writes whole lines with the suite's name before them.
type prefixed struct {
	name string
	to   io.Writer
	rest []byte
}

// Write implements io.Writer.
func (p *prefixed) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		line, rest, found := bytes.Cut(p.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		if _, err := fmt.Fprintf(p.to, "%s: %s\n", p.name, line); err != nil {
			return 0, err
		}
		p.rest = rest
	}
}

const trustStorePassword = "changeit" // no secret: the file holds certificates only

// makeTrustStore puts the authorities where a Java program looks for them.
func (b *bench) makeTrustStore(ctx context.Context) error {
	for _, s := range []*service{b.service, b.limited} {
		out, err := exec.CommandContext(ctx, "keytool", "-importcert", "-noprompt", "-storetype", "PKCS12", "-storepass", trustStorePassword,
			"-keystore", b.trustStore(), "-alias", s.name(), "-file", s.connection.CAFile).CombinedOutput()
		if err != nil {
			return fmt.Errorf("keytool: %w: %s", err, out)
		}
	}
	return nil
}
