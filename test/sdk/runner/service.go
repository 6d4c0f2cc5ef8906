package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/server"
)

const (
	startLimit = time.Minute
	startPause = 50 * time.Millisecond
	stopLimit  = 30 * time.Second
)

// service is a `parley serve` of our own.
type service struct {
	folder     string
	command    *exec.Cmd
	output     *os.File
	ended      chan error
	stopped    bool
	connection server.Connection
}

// record is the file that the service writes what it answered to.
func (s *service) record() string { return filepath.Join(s.folder, "record.ndjson") }

func (s *service) log() string { return filepath.Join(s.folder, "log") }

func (s *service) name() string { return filepath.Base(s.folder) }

func startService(ctx context.Context, program, folder string, args ...string) (*service, error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	s := &service{folder: folder, ended: make(chan error, 1)}
	data := filepath.Join(folder, "data")
	args = append([]string{"serve", "--data", data, "--turn", "off"}, args...)
	// Not ended with the context: it is told to stop, and how it stops counts.
	s.command = exec.Command(program, args...)
	s.command.Env = append(os.Environ(), "PARLEY_RECORD="+s.record())
	var err error
	if s.output, err = os.Create(s.log()); err != nil {
		return nil, err
	}
	// The summary on standard output shows the connection string on purpose.
	s.command.Stderr = s.output
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(err, s.output.Close())
	}
	go func() { s.ended <- s.command.Wait() }()
	if err := s.await(ctx, filepath.Join(data, "connection.json")); err != nil {
		text, _ := os.ReadFile(s.log())
		return nil, fmt.Errorf("%s does not start: %w\n%s", s.name(), err, text)
	}
	return s, nil
}

// await waits for connection.json, which is written when everything answers.
func (s *service) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(startPause)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			return json.Unmarshal(text, &s.connection)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		select {
		case err := <-s.ended:
			s.stopped = true
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.command.Process.Kill())
		case <-tick.C:
		}
	}
}

// stop ends it in good order, once.
func (s *service) stop() error {
	if s.stopped {
		return nil
	}
	s.stopped = true
	defer s.output.Close()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		if err != nil {
			return fmt.Errorf("%s: SIGTERM: %w", s.name(), err)
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("%s does not stop on SIGTERM", s.name()), s.command.Process.Kill())
	}
}
