package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used up to a moment; memory in MB (10^6 bytes).
type usage struct {
	at                               time.Time
	busy                             time.Duration
	resident, anonymous, files, most float64
	threads                          int
	woken, wokenMain                 int // threads that slept and were woken: all but the first, and the first
}

// usage looks at the process (proc(5)).
func (p *process) usage() (*usage, error) {
	folder := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	u := &usage{at: time.Now()}
	var err error
	if u.busy, err = p.busy(); err != nil {
		return nil, err
	}
	status, err := statusOf(folder)
	if err != nil {
		return nil, err
	}
	const kB = 1024 / 1e6
	u.resident, u.most = float64(status["VmRSS"])*kB, float64(status["VmHWM"])*kB
	u.anonymous, u.files = float64(status["RssAnon"])*kB, float64(status["RssFile"])*kB
	u.threads = status["Threads"]
	tasks, err := filepath.Glob(filepath.Join(folder, "task", "*"))
	if err != nil {
		return nil, fmt.Errorf("threads: %w", err)
	}
	for _, task := range tasks {
		of, err := statusOf(task)
		if err != nil {
			continue // it has ended meanwhile
		}
		if filepath.Base(task) == strconv.Itoa(p.cmd.Process.Pid) {
			u.wokenMain = of["voluntary_ctxt_switches"]
			continue
		}
		u.woken += of["voluntary_ctxt_switches"]
	}
	return u, nil
}

// statusOf reads the numbers of a status file.
func statusOf(folder string) (map[string]int, error) {
	data, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return parseStatus(string(data)), nil
}

func parseStatus(text string) map[string]int {
	numbers := map[string]int{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			if n, err := strconv.Atoi(fields[0]); err == nil {
				numbers[name] = n
			}
		}
	}
	return numbers
}
