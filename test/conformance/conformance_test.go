// Package conformance_test replays recorded sessions of the real service
// against ours. The recordings and their replayer are not part of the
// repository: PARLEY_SHARED names the folder, ../shared beside the repository
// when it is not set.
package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

const (
	startLimit = time.Minute
	startPause = 50 * time.Millisecond
	stopLimit  = 30 * time.Second
)

// areas are those whose sessions must pass: all that the service has.
var areas = []string{"identity", "arm", "chat"}

// replayer returns the path of the program that replays the sessions.
func replayer(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("PARLEY_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(shared, "conformance", "replay.py")
	if _, err := os.Stat(path); err != nil {
		testkit.Missing(t, "no recorded sessions: PARLEY_SHARED does not name them")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		testkit.Missing(t, "python3 is not installed")
	}
	return path
}

// TestRecordedSessions_PassOnBothDatabases replays every session of the areas
// that are built.
func TestRecordedSessions_PassOnBothDatabases(t *testing.T) {
	path := replayer(t)
	program := testkit.Program(t, "cmd/parley")
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := start(t, program, url)
		for _, area := range areas {
			t.Run(area, func(t *testing.T) { replay(t, path, area, c) })
		}
	})
}

// start runs the service as a process until the test ends; it must stop in
// good order.
func start(t *testing.T, program, database string) server.Connection {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "--data", data, "--turn", "off"}
	if database != "" {
		args = append(args, "--database", database)
	}
	var log strings.Builder
	record := filepath.Join(t.TempDir(), "record.ndjson")
	cmd := exec.Command(program, args...)
	cmd.Stderr, cmd.Env = &log, append(os.Environ(), "PARLEY_RECORD="+record)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var c server.Connection
	t.Cleanup(func() {
		if err := stop(cmd, ended); err != nil {
			t.Errorf("stop: %v", err)
		}
		checkRecord(t, record)
		if testkit.HasSecret(log.String(), c.AccessKey, c.ARMToken) {
			t.Error("a secret is in the log")
		}
		if t.Failed() {
			t.Logf("log of the service:\n%s", &log)
		}
	})
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(startPause) {
		text, err := os.ReadFile(filepath.Join(data, "connection.json"))
		if errors.Is(err, os.ErrNotExist) {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("the service ended: %v", err)
			default:
				continue
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Fatal("the service does not start")
	return server.Connection{}
}

// checkRecord holds what the service answered against the specifications.
func checkRecord(t *testing.T, path string) {
	t.Helper()
	record, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer record.Close()
	testkit.CheckContract(t, record)
}

func stop(cmd *exec.Cmd, ended chan error) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopLimit):
		return errors.Join(errors.New("no end on SIGTERM"), cmd.Process.Kill())
	}
}

// report is what the replayer writes.
type report struct {
	Summary struct {
		Passed, Failed, Skipped int
	}
	Sessions []struct {
		Session, Result, Reason string
		Diffs                   []struct {
			Step           any
			Kind, At, Text string
		}
	}
}

// replay replays the sessions of an area, each a test of its own.
func replay(t *testing.T, path, area string, c server.Connection) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	out, runErr := exec.Command("python3", path,
		"--endpoint", c.HTTPEndpoint, "--access-key", c.AccessKey, "--area", area, "--json", file,
		"--arm-endpoint", c.HTTPEndpoint, "--var", "arm_token="+c.ARMToken, "--var", "subscription_id="+c.SubscriptionID,
		"--var", "resource_group=conformance", "--var", "service_name=conformance").CombinedOutput()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the replayer wrote no report: %v\n%s", errors.Join(runErr, err), out)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Sessions {
		t.Run(filepath.Base(s.Session), func(t *testing.T) {
			if s.Result == "PASS" {
				return
			}
			for _, d := range s.Diffs {
				t.Errorf("step %v: %s %s: %s", d.Step, d.Kind, d.At, d.Text)
			}
			t.Error(strings.TrimSpace(fmt.Sprint(s.Result, " ", s.Reason)))
		})
	}
	if runErr != nil || r.Summary.Passed == 0 || r.Summary.Passed != len(r.Sessions) {
		t.Errorf("%d of %d sessions passed (%v)", r.Summary.Passed, len(r.Sessions), runErr)
	}
}
