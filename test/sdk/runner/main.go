// Command runner runs the official Azure SDKs, unmodified, against a service
// that it starts. Each suite (test/sdk/js, python, java, go) gets the
// connection string and the CA, prints a line for each check and a count at
// the end; what the packages exercised is read from the service's own record
// and held against test/sdk/exercised.json.
//
// scripts/test-sdk installs the packages and calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.parley, "parley", "bin/parley", "the program to test")
	flag.StringVar(&o.folder, "folder", "test/sdk", "folder of the suites")
	flag.StringVar(&o.only, "only", "", "suites to run, separated by commas; empty: all")
	flag.BoolVar(&o.update, "update", false, "write exercised.json instead of checking it")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "test-sdk: FAILED:", err)
		stop()
		os.Exit(1)
	}
	fmt.Println("test-sdk: all suites passed")
}

type options struct {
	parley, folder, only string
	update               bool
}

// errSuites says that some suites did not pass; their own lines say why.
var errSuites = errors.New("suites did not pass")

func run(ctx context.Context, o options) (err error) {
	for _, path := range []*string{&o.parley, &o.folder} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	scratch, err := os.MkdirTemp("", "parley-sdk-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	b, err := newBench(ctx, o, scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	suites, err := chosen(o.only)
	if err != nil {
		return err
	}
	var failed []string
	var reports []suiteReport
	for _, s := range suites {
		report, err := s.run(ctx, b)
		if err != nil {
			fmt.Printf("%s: %v\n", s.name, err)
			failed = append(failed, s.name)
			continue
		}
		reports = append(reports, report)
	}
	if err := b.stopServices(); err != nil {
		return err
	}
	if err := b.silent(); err != nil {
		return err
	}
	if err := holdAgainstSpecifications(b.service.record()); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%w: %s", errSuites, strings.Join(failed, ", "))
	}
	return settle(o, b, reports)
}
