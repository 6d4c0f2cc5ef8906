//go:build !unix

package testkit

import (
	"errors"
	"os/exec"
)

var errNotHere = errors.New("programs for tests are started on Unix only")

type launch struct {
	account             *account
	log, signal, remove string
}

type process struct{}

func command(_ *account, program string, args ...string) *exec.Cmd {
	return exec.Command(program, args...)
}

func run(launch, string, ...string) (*process, error) { return nil, errNotHere }

func (p *process) end(string) error { return errNotHere }

type account struct{}

func (a *account) own(string) error { return nil }

func unprivileged(string) (*account, error) { return nil, errNotHere }

// lockFile does not lock: no two test binaries build at the same time.
func lockFile(string) (unlock func(), err error) { return func() {}, nil }
