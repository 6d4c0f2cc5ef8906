//go:build unix

package testkit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// lifeline runs a program that ends when the line is cut or when this process
// is gone, however it ended. It has a process group of its own: Ctrl-C is for
// the test, which then takes the program with it.
const lifeline = `
remove=$1 signal=$2; shift 2
"$@" </dev/null & pid=$!
trap "" INT TERM
read -r order
kill -"${order:-$signal}" "$pid" 2>/dev/null
wait "$pid"
[ -z "$remove" ] || rm -rf "$remove"
`

// process is a program on a lifeline.
type process struct {
	cmd  *exec.Cmd
	line io.WriteCloser
}

// command is a program run as an account.
func command(account *account, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: account.credential()}
	cmd.Dir = "/" // the account may have no right to be here
	return cmd
}

// launch says how a program runs.
type launch struct {
	account *account
	// log is the file for what it prints.
	log string
	// signal ends it when nobody says another one.
	signal string
	// remove is a folder that goes when the program has ended; empty: none.
	remove string
}

// run starts a program on a lifeline.
func run(l launch, program string, args ...string) (*process, error) {
	cmd := command(l.account, "/bin/sh", append([]string{"-c", lifeline, "lifeline", l.remove, l.signal, program}, args...)...)
	out, err := os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	p := &process{cmd: cmd}
	if p.line, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return p, nil
}

// end sends the program a signal, "KILL", "QUIT" and so on, and waits for its end.
func (p *process) end(signal string) error {
	if _, err := io.WriteString(p.line, signal+"\n"); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if err := p.line.Close(); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	_ = p.cmd.Wait() // how it ended is what the signal says
	return nil
}

// account is whom a program runs as; nil is this process's own.
type account struct{ uid, gid uint32 }

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own makes the account the owner of a file or folder.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// unprivileged returns the account for programs that refuse to be root: that
// of the name if this process is root, else nil.
func unprivileged(name string) (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nil is an account: our own
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return &account{uint32(uid), uint32(gid)}, nil
}

// lockFile waits for the lock of a file and returns what gives it back.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
