package main

import (
	"os"
	"os/exec"
	"testing"
)

func TestParseStatus(t *testing.T) {
	got := parseStatus("Name:\tprobe: 1\nVmHWM:\t   20480 kB\nVmRSS:\t  10240 kB\nThreads:\t7\nState:\tS (sleeping)\nvoluntary_ctxt_switches:\t42\n\n")
	for name, want := range map[string]int{"VmHWM": 20480, "VmRSS": 10240, "Threads": 7, "voluntary_ctxt_switches": 42} {
		if got[name] != want {
			t.Errorf("%s: %d, want %d", name, got[name], want)
		}
	}
	if len(got) != 4 {
		t.Errorf("more than numbers: %v", got)
	}
}

// TestUsage looks at the test's own process.
func TestUsage(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc: bench bind needs Linux")
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: &exec.Cmd{Process: self}}
	before, err := p.usage()
	if err != nil {
		t.Fatal(err)
	}
	for busy := before.busy; busy == before.busy; {
		if busy, err = p.busy(); err != nil {
			t.Fatal(err)
		}
	}
	after, err := p.usage()
	if err != nil {
		t.Fatal(err)
	}
	if before.resident < 1 || before.most < before.resident || before.threads < 1 {
		t.Errorf("memory: %+v", before)
	}
	if after.busy <= before.busy || !after.at.After(before.at) || after.woken+after.wokenMain < before.woken+before.wokenMain {
		t.Errorf("%+v, then %+v", before, after)
	}
	if _, err := (&process{cmd: &exec.Cmd{Process: &os.Process{Pid: -1}}}).usage(); err == nil {
		t.Error("a process that is none has used something")
	}
}
