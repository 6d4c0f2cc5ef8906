package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/parley-rtc/parley/server/localca"
)

// chatSystem is what chat measures: the service, or a system beside it.
type chatSystem interface {
	// name begins the names of its figures; that of the service is empty.
	name() string
	// server is its process.
	server() *process
	// pair makes a conversation of two members, both connected.
	pair(ctx context.Context) (*conversation, error)
	// room makes one of any number.
	room(ctx context.Context, members int) (*conversation, error)
	// crowd starts the system afresh and returns n idle connections, not open yet.
	crowd(ctx context.Context, n int, secure bool) (crowd, error)
	close() error
}

// crowd are idle connections.
type crowd struct {
	open  func(context.Context) error
	close func() error
}

// each does something n times, several at once.
func each(n int, do func(i int) error) error {
	errs := make([]error, openers)
	var wg sync.WaitGroup
	for w := range openers {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += openers {
				errs[w] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// rival is what the systems beside the service have in common: a process on a
// folder of its own.
type rival struct {
	folder  string
	process *process
	clean   func()
}

func (s *rival) server() *process { return s.process }

func (s *rival) stop() (err error) {
	if s.process != nil {
		err = s.process.stop(syscall.SIGTERM)
		s.process = nil
	}
	return err
}

func (s *rival) close() error {
	err := s.stop()
	remove(s.folder)
	if s.clean != nil {
		s.clean()
	}
	return err
}

// ready tries until the system answers; log tells why it does not.
func (s *rival) ready(ctx context.Context, log string, try func() error) error {
	for limit := time.Now().Add(callTime); ; {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(limit) {
			text, _ := os.ReadFile(log)
			return fmt.Errorf("does not start: %w\n%.500s", err, text)
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// certificate is one for this machine, of an authority like the service's own.
type certificate struct {
	// chain and key are PEM files; both holds both.
	chain, key, both string
	trust            *tls.Config
}

func newCertificate(folder string) (*certificate, error) {
	authority, err := localca.Open(folder, time.Now)
	if err != nil {
		return nil, err
	}
	config, err := authority.Config([]string{"localhost", "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	made, err := config.GetCertificate(nil)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	var chain []byte
	for _, der := range made.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	c := &certificate{
		chain: filepath.Join(folder, "chain.pem"), key: filepath.Join(folder, "key.pem"), both: filepath.Join(folder, "both.pem"),
		trust: &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12},
	}
	for path, data := range map[string][]byte{c.chain: chain, c.key: key, c.both: append(key, chain...)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	return c, nil
}
