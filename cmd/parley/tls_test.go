package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificate makes a certificate with a serial number.
func writeCertificate(t *testing.T, cert, key string, serial int64, at time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"parley.example"}, NotAfter: at.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateFiles_AreReadAgainWhenRenewed(t *testing.T) {
	dir := t.TempDir()
	f := &certificateFiles{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	now := time.Now()
	serial := func() int64 {
		t.Helper()
		c, err := x509.ParseCertificate(f.get().Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return c.SerialNumber.Int64()
	}
	writeCertificate(t, f.cert, f.key, 1, now)
	if err := f.read(); err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, f.cert, f.key, 2, now.Add(time.Second))
	if got := serial(); got != 1 {
		t.Errorf("looked again at once: %d", got)
	}
	f.looked = time.Time{}
	if got := serial(); got != 2 {
		t.Errorf("after the renewal: %d", got)
	}
	// Half a renewal leaves the one before.
	old, err := os.ReadFile(f.key)
	if err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, f.cert, f.key, 3, now.Add(2*time.Second))
	fresh, err := os.ReadFile(f.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		key  []byte
		want int64
	}{{old, 2}, {bytes.TrimSpace(fresh), 3}} {
		if err := os.WriteFile(f.key, step.key, 0o600); err != nil {
			t.Fatal(err)
		}
		f.looked = time.Time{}
		if got := serial(); got != step.want {
			t.Errorf("serial %d, want %d", got, step.want)
		}
	}
	if config, err := givenCertificate(f.cert, f.key); err != nil || config.GetCertificate == nil {
		t.Error(err)
	}
	if _, err := givenCertificate(filepath.Join(dir, "none"), f.key); err == nil {
		t.Error("a file that is not there was taken")
	}
}
