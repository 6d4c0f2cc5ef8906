package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/account"
)

const module = "github.com/parley-rtc/parley"

// program finds or builds one of our programs: where the command line says,
// beside this one, or built from source. The result is removed by cleanup.
func program(ctx context.Context, name, given, pkg string) (path string, cleanup func(), err error) {
	if given != "" {
		return given, func() {}, nil
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, func() {}, nil
		}
	}
	folder, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("build: %w", err)
	}
	path = filepath.Join(folder, name)
	args := []string{"build", "-o", path}
	if tags := buildTags(); tags != "" {
		args = append(args, "-tags", tags)
	}
	out, err := exec.CommandContext(ctx, "go", append(args, pkg)...).CombinedOutput() //nolint:gosec // G204: our own packages
	if err != nil {
		remove(folder)
		return "", nil, fmt.Errorf("build %s (run bench in the source tree): %w\n%s", pkg, err, out)
	}
	return path, func() { remove(folder) }, nil
}

// buildTags are those that this program was built with.
func buildTags() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			return s.Value
		}
	}
	return ""
}

// remove removes a folder of ours; one that stays behind does no harm.
func remove(folder string) { _ = os.RemoveAll(folder) }

// process is one of our programs running.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	began time.Time
}

func start(ctx context.Context, path string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // G204: our own programs
	cmd.Stderr = os.Stderr
	return launch(cmd)
}

// launch starts a program of ours or of others; one that writes to a file says
// no lines.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan string, 64)}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if p.cmd.Stdout != nil {
		close(p.lines)
		p.began = time.Now()
		if err := p.cmd.Start(); err != nil {
			return nil, fmt.Errorf("start: %w", err)
		}
		return p, nil
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p, nil
}

// line waits until the process prints a line that begins so.
func (p *process) line(ctx context.Context, prefix string) (string, error) {
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("%s ended before it said %q", filepath.Base(p.cmd.Path), prefix)
			}
			if strings.HasPrefix(l, prefix) {
				return l, nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not say %q: %w", filepath.Base(p.cmd.Path), prefix, ctx.Err())
		}
	}
}

// stop asks the process to end, by the end of its input and with a signal if
// one is given, and waits for it.
func (p *process) stop(signals ...os.Signal) error {
	_ = p.stdin.Close()
	for _, s := range signals {
		_ = p.cmd.Process.Signal(s) // it may be gone already
	}
	late := time.AfterFunc(callTime, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for range p.lines {
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}

// resident returns the resident memory in MB (10^6 bytes).
func (p *process) resident() (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0, errors.New("resident memory: unreadable")
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	return float64(pages) * float64(os.Getpagesize()) / 1e6, nil
}

// busy returns the processor time that the process has used.
func (p *process) busy() (time.Duration, error) {
	took := busyOf(strconv.Itoa(p.cmd.Process.Pid), user, system)
	if took < 0 {
		return 0, errors.New("processor time: unreadable")
	}
	return took, nil
}

const (
	// Places of processor times behind the name in /proc/PID/stat (proc(5)): a
	// process's own and those of its children that have ended.
	user, system, childUser, childSystem = 11, 12, 13, 14
	// tick is the unit of these times: USER_HZ is 100.
	tick = 10 * time.Millisecond
)

// busyOf adds processor times of a process; it is negative when they cannot be
// read.
func busyOf(process string, places ...int) time.Duration {
	data, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return -1
	}
	// The name of the program, in parentheses, may hold spaces.
	_, rest, _ := strings.Cut(string(data), ") ")
	return ticks(strings.Fields(rest), places...)
}

// busyOfAll returns the processor time of everything on the machine.
func busyOfAll() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	line, _, _ := strings.Cut(string(data), "\n")
	// cpu, user, nice, system, idle, iowait, irq, softirq (proc(5)).
	return ticks(strings.Fields(line), 1, 2, 3, 6, 7)
}

func ticks(fields []string, places ...int) (sum time.Duration) {
	for _, place := range places {
		if place >= len(fields) {
			return -1
		}
		n, err := strconv.Atoi(fields[place])
		if err != nil {
			return -1
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// serve starts the service as a process and returns when it is ready.
func serve(ctx context.Context, parley, folder string, more ...string) (*process, *account.Connection, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	p, err := start(context.WithoutCancel(ctx), parley, append([]string{"serve", "--data", folder, "--json"}, more...)...)
	if err != nil {
		return nil, nil, 0, err
	}
	text, err := p.line(ctx, "{")
	took := time.Since(p.began)
	if err != nil {
		return nil, nil, 0, errors.Join(err, p.stop(syscall.SIGTERM))
	}
	c := &account.Connection{}
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return nil, nil, 0, errors.Join(fmt.Errorf("service: %w", err), p.stop(syscall.SIGTERM))
	}
	return p, c, took, nil
}
