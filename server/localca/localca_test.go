package localca_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/localca"
)

func names() []string { return []string{"localhost", "127.0.0.1", "::1", "203.0.113.9"} }

// greet makes one TLS connection and returns the server's certificate.
func greet(t *testing.T, config *tls.Config, pool *x509.CertPool, name string, now func() time.Time) (*x509.Certificate, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		tc := tls.Server(conn, config)
		if tc.Handshake() == nil {
			_, _ = io.Copy(io.Discard, tc)
		}
	}()
	defer func() { <-done }()
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name, Time: now})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestOpen_ClientsThatTrustTheFile_Connect(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	dir := t.TempDir()
	ca, err := localca.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.Config(names())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(ca.File())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		t.Fatal("the file holds no certificate")
	}
	for _, name := range names() {
		if _, err := greet(t, config, pool, name, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := greet(t, config, pool, "example.com", nil); err == nil {
		t.Error("the certificate is good for a foreign name")
	}
	info, err := os.Stat(filepath.Join(dir, "ca-key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, error %v", info.Mode(), err)
	}
}

func TestOpen_SecondStart_SameAuthority(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	dir := t.TempDir()
	first, err := localca.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := localca.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := second.Config(names())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := greet(t, config, first.Pool(), "localhost", nil); err != nil {
		t.Error(err)
	}
	foreign, err := localca.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := greet(t, config, foreign.Pool(), "localhost", nil); err == nil {
		t.Error("another authority was trusted")
	}
}

func TestConfig_RenewsBeforeTheEnd(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	at := time.Now()
	now := func() time.Time { return at }
	ca, err := localca.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.Config(names())
	if err != nil {
		t.Fatal(err)
	}
	var last *x509.Certificate
	renewed := 0
	for range 40 { // 400 days
		cert, err := greet(t, config, ca.Pool(), "localhost", now)
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && !cert.Equal(last) {
			renewed++
		}
		last = cert
		at = at.Add(10 * 24 * time.Hour)
	}
	if renewed < 4 || renewed > 8 {
		t.Errorf("renewed %d times in 400 days", renewed)
	}
}

func TestOpen_CutShort_AndBroken(t *testing.T) {
	dir := t.TempDir()
	if _, err := localca.Open(dir, nil); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem")
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if _, err := localca.Open(dir, nil); err != nil {
		t.Errorf("after a start that was cut short: %v", err)
	}
	other := t.TempDir()
	if _, err := localca.Open(other, nil); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"foreign key": foreign, "no PEM": []byte("x"), "empty": {},
		"broken key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
	} {
		if err := os.WriteFile(key, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := localca.Open(dir, nil); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := localca.Open(dir, nil); err == nil {
		t.Error("opened without its key")
	}
	if _, err := localca.Open(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("opened in a folder that is not there")
	}
}

func TestAuthority_ConfigFor_MintsForNamesThatAreAskedFor(t *testing.T) {
	a, err := localca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	config, err := a.ConfigFor([]string{"localhost"}, func(name string) bool { return strings.HasSuffix(name, ".chat.example") })
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		"": "localhost", "localhost": "localhost", "Sales.chat.example": "sales.chat.example", "other.example": "localhost",
	} {
		cert, err := config.GetCertificate(&tls.ClientHelloInfo{ServerName: asked})
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.Leaf.VerifyHostname(want); err != nil {
			t.Errorf("%q: %v", asked, err)
		}
		again, err := config.GetCertificate(&tls.ClientHelloInfo{ServerName: asked})
		if err != nil || again != cert {
			t.Errorf("%q: made again", asked)
		}
	}
}
