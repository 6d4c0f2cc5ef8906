// Package localca is the certificate authority that a service without given
// certificates makes for itself: clients that insist on https trust one file,
// ca.pem, in the data folder. Keys are ECDSA on P-256, made in under a
// millisecond.
package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/atomicfile"
)

const (
	certFile = "ca.pem"
	keyFile  = "ca-key.pem"

	authorityLife = 10 * 365 * 24 * time.Hour
	// Some clients refuse server certificates that live for over 398 days.
	leafLife = 90 * 24 * time.Hour
	// Clocks of clients may be behind.
	backdate = time.Hour
)

// Authority signs certificates. Its methods may be called from any goroutine.
type Authority struct {
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

// Open reads the authority of a folder, or makes it at the first start. now is
// the clock; nil is time.Now.
func Open(dir string, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	a := &Authority{file: filepath.Join(dir, certFile), now: now}
	var err error
	if a.key, err = loadKey(filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("localca: key: %w", err)
	}
	der, err := loadPEM(a.file, "CERTIFICATE")
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.key == nil:
		if a.key, err = makeKey(filepath.Join(dir, keyFile)); err != nil {
			return nil, fmt.Errorf("localca: make key: %w", err)
		}
		fallthrough
	case errors.Is(err, fs.ErrNotExist):
		// Also after a start that was cut short between the two files.
		if der, err = a.selfSign(); err != nil {
			return nil, fmt.Errorf("localca: make certificate: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("localca: certificate: %w", err)
	case a.key == nil:
		return nil, fmt.Errorf("localca: %s is there but %s is not: restore it, or remove both to begin anew", certFile, keyFile)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("localca: certificate: %w", err)
	}
	if !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, fmt.Errorf("localca: %s and %s do not belong together", certFile, keyFile)
	}
	return a, nil
}

// File returns the path of the PEM file that clients trust.
func (a *Authority) File() string { return a.file }

// Pool returns a pool with this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Config returns a server configuration whose certificate is for the names, DNS
// names or IP addresses. The certificate is made now and again before it ends.
func (a *Authority) Config(names []string) (*tls.Config, error) {
	l := &leaf{authority: a, names: names}
	if _, err := l.get(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.get() },
	}, nil
}

// maxMinted bounds the certificates kept for names that clients asked for.
const maxMinted = 1024

// ConfigFor is Config with further certificates, each for the one name that a
// client asks for and that allow takes. Others get that of the names.
func (a *Authority) ConfigFor(names []string, allow func(name string) bool) (*tls.Config, error) {
	config, err := a.Config(names)
	if err != nil {
		return nil, err
	}
	base := config.GetCertificate
	var mu sync.Mutex
	minted := map[string]*leaf{}
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := strings.ToLower(hello.ServerName)
		if name == "" || slices.Contains(names, name) || !allow(name) {
			return base(hello)
		}
		mu.Lock()
		l := minted[name]
		if l == nil {
			if len(minted) >= maxMinted {
				clear(minted)
			}
			l = &leaf{authority: a, names: []string{name}}
			minted[name] = l
		}
		mu.Unlock()
		return l.get()
	}
	return config, nil
}

// leaf is the present certificate for some names.
type leaf struct {
	authority *Authority
	names     []string

	mu      sync.Mutex
	current *tls.Certificate
}

func (l *leaf) get() (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil && l.authority.now().Before(l.current.Leaf.NotAfter.Add(-leafLife/3)) {
		return l.current, nil
	}
	fresh, err := l.authority.issue(l.names)
	if err != nil {
		return nil, fmt.Errorf("localca: issue: %w", err)
	}
	l.current = fresh
	return fresh, nil
}

// issue signs a certificate with a key of its own, which is never stored.
func (a *Authority) issue(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := a.template(leafLife)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{Organization: []string{"Parley"}, CommonName: names[0]}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: parsed}, nil
}

func (a *Authority) selfSign() ([]byte, error) {
	template, err := a.template(authorityLife)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{Organization: []string{"Parley"}, CommonName: "Parley local authority"}
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return der, atomicfile.Write(a.file, block, 0o644)
}

func (a *Authority) template(life time.Duration) (*x509.Certificate, error) {
	// RFC 5280 4.1.2.2: unique, positive, at most 20 octets.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := a.now()
	return &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
	}, nil
}

// loadKey returns nil when there is no key.
func loadKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := loadPEM(path, "PRIVATE KEY")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an ECDSA key", path)
	}
	return key, nil
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, atomicfile.Write(path, block, 0o600)
}

func loadPEM(path, kind string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s has no %s block", path, kind)
	}
	return block.Bytes, nil
}
