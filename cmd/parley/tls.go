package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookAgain is how often, at most, the files of a certificate are looked at.
const lookAgain = 10 * time.Second

// certificateFiles is a certificate that others renew while the service runs.
type certificateFiles struct {
	cert, key string

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // of both files, the later
	current *tls.Certificate
}

// givenCertificate returns the configuration of https with the files of the
// flags; nil without them.
func givenCertificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil //nolint:nilnil // no files is a choice
	}
	if cert == "" || key == "" {
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	files := &certificateFiles{cert: cert, key: key}
	if err := files.read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return files.get(), nil },
	}, nil
}

// get returns the certificate. A renewal that cannot be read, or only half,
// leaves the one before it.
func (f *certificateFiles) get() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= lookAgain {
		_ = f.readLocked()
	}
	return f.current
}

func (f *certificateFiles) read() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readLocked()
}

func (f *certificateFiles) readLocked() error {
	f.looked = time.Now()
	var changed time.Time
	for _, path := range []string{f.cert, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if f.current != nil && changed.Equal(f.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	f.current, f.changed = &pair, changed
	return nil
}

// givenAuthorities trusts the authorities of a file; nil without one.
func givenAuthorities(path string) (*tls.Config, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no file is a choice
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, usagef("--nats-ca: %s holds no certificate", path)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}
