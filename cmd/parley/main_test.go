package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary behave as the program itself, so that the
// tests of processes run the code that was built for them, race detector and
// all.
const asProgram = "PARLEY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// process is the program running.
type process struct {
	*exec.Cmd
	t      *testing.T
	stdout *buffer
	output *buffer // both stdout and stderr
	ended  chan error
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	lock chan struct{}
	b    bytes.Buffer
}

func newBuffer() *buffer { return &buffer{lock: make(chan struct{}, 1)} }

func (b *buffer) Write(p []byte) (int, error) {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	return b.b.String()
}

func startProgram(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...), t: t, stdout: newBuffer(), output: newBuffer(), ended: make(chan error, 1)}
	p.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	p.Stdout, p.Stderr = io.MultiWriter(p.stdout, p.output), p.output
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		if t.Failed() {
			t.Logf("parley %s:\n%s", strings.Join(args, " "), p.output)
		}
	})
	return p
}

// wait returns the exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return 0
	case <-time.After(limit):
		p.t.Fatalf("parley %v did not end", p.Args[1:])
		return -1
	}
}

// says waits until the output holds the text.
func (p *process) says(text string, limit time.Duration) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); !strings.Contains(p.output.String(), text); {
		select {
		case err := <-p.ended:
			p.t.Fatalf("it ended (%v) before it said %q", err, text)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it does not say %q", text)
		}
	}
}

// runHere runs the program within the test.
func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestUsage_MistakesAreExplained(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases := map[string]struct {
		args []string
		want string
	}{
		"unknown flag":          {[]string{"demo", "--loud"}, "unknown flag: --loud"},
		"argument":              {[]string{"demo", "now"}, `no argument "now"`},
		"too short":             {[]string{"demo", "--seconds", "1"}, "at least 5"},
		"not a number":          {[]string{"demo", "--seconds", "long"}, "invalid argument"},
		"log level":             {[]string{"demo", "--log", "loud"}, "debug, info"},
		"call without service":  {[]string{"call", "--as", "a", "--to", "b"}, "--connection"},
		"call without self":     {[]string{"call", "--connection", "c", "--to", "b"}, "--as"},
		"call without other":    {[]string{"call", "--connection", "c", "--as", "a"}, "either --to USER"},
		"call both ways":        {[]string{"call", "--connection", "c", "--as", "a", "--to", "b", "--answer"}, "either --to USER"},
		"certificate, no key":   {[]string{"serve", "--data", dir, "--tls-cert", "x"}, "go together"},
		"NATS authorities":      {[]string{"serve", "--data", dir, "--nats-ca", write("empty", "")}, "holds no certificate"},
		"issuer":                {[]string{"serve", "--data", dir, "--oidc", "issuer=https://a.example"}, "use=service"},
		"issuer's setting":      {[]string{"serve", "--data", dir, "--config", write("issuer", "oidc: [\"color=red\"]")}, `"color"`},
		"no configuration":      {[]string{"version", "--config", filepath.Join(dir, "none")}, "no configuration file"},
		"broken configuration":  {[]string{"version", "--config", write("broken", "a: [")}, "configuration"},
		"unknown configuration": {[]string{"version", "--config", write("unknown", "publicip: 1.2.3.4")}, `no flag is named "publicip"`},
		"nested configuration":  {[]string{"version", "--config", write("nested", "data: {a: b}")}, "plain value"},
		"wrong configuration":   {[]string{"demo", "--config", write("wrong", "seconds: soon")}, "seconds"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runHere(t, tc.args...)
			if code != exitUsage || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, %q", code, stderr)
			}
		})
	}
}

func TestConfig_FlagThenEnvironmentThenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte("public-ip: 192.0.2.1\nturn: \"off\"\nseconds: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	value := func(args ...string) string {
		root := newRoot()
		cmd, flags, err := root.Find(append(args, "--config", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(flags); err != nil {
			t.Fatal(err)
		}
		if err := configure(cmd); err != nil {
			t.Fatal(err)
		}
		ip, err := cmd.Flags().GetString("public-ip")
		if err != nil {
			t.Fatal(err)
		}
		return ip
	}
	if got := value("serve"); got != "192.0.2.1" {
		t.Errorf("file: %q", got)
	}
	t.Setenv("PARLEY_PUBLIC_IP", "192.0.2.2")
	if got := value("serve"); got != "192.0.2.2" {
		t.Errorf("environment: %q", got)
	}
	if got := value("serve", "--public-ip", "192.0.2.3"); got != "192.0.2.3" {
		t.Errorf("flag: %q", got)
	}
}

// TestConfig_Lists: a list is the same flag several times where it may be given
// so, and its items with commas where it may not.
func TestConfig_Lists(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.yaml")
	text := "oidc:\n  - issuer=https://a.example;use=service\n  - issuer=https://b.example;use=management\nnats: [nats://a, nats://b]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRoot()
	cmd, flags, err := root.Find([]string{"serve", "--config", file})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	if err := configure(cmd); err != nil {
		t.Fatal(err)
	}
	issuers, err := cmd.Flags().GetStringArray("oidc")
	if err != nil || len(issuers) != 2 || issuers[1] != "issuer=https://b.example;use=management" {
		t.Errorf("%q, %v", issuers, err)
	}
	if nats, err := cmd.Flags().GetString("nats"); err != nil || nats != "nats://a,nats://b" {
		t.Errorf("%q, %v", nats, err)
	}
}

func TestHelpVersionCompletion(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"serve", "--help"}, {"demo", "--help"}, {"call", "--help"}, {"completion", "bash"}, {"--version"}} {
		code, stdout, stderr := runHere(t, args...)
		if code != 0 || len(stdout) < 10 {
			t.Errorf("%v: exit %d, %q %q", args, code, stdout, stderr)
		}
	}
	_, stdout, _ := runHere(t, "version", "--json")
	var b build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || b.Version == "" || len(b.Audio) == 0 || len(b.Video) == 0 {
		t.Errorf("%v: %q", err, stdout)
	}
}
