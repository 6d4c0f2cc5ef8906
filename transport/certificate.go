package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/pion/webrtc/v4"
)

// certificateLife is long enough for any process; the fingerprint in the
// description, not the date, is what the other side checks (RFC 8122 5).
const certificateLife = 365 * 24 * time.Hour

// Certificate is the key pair with which this end shows in the DTLS handshake
// that it is the one that its description announced. One certificate can serve
// any number of sessions at once; sessions that share one can be linked by
// whoever sees their descriptions.
type Certificate struct {
	certificate webrtc.Certificate
	expires     time.Time
}

// NewCertificate makes a certificate with a new ECDSA P-256 key, good for a year.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("transport: make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, fmt.Errorf("transport: make a serial number: %w", err)
	}
	now := time.Now()
	certificate, err := webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "parley"},
		Issuer:       pkix.Name{CommonName: "parley"},
		// Clocks of two ends differ.
		NotBefore: now.Add(-24 * time.Hour),
		NotAfter:  now.Add(certificateLife),
	})
	if err != nil {
		return nil, fmt.Errorf("transport: make a certificate: %w", err)
	}
	return &Certificate{certificate: *certificate, expires: now.Add(certificateLife)}, nil
}

// Expires returns when New stops taking the certificate.
func (c *Certificate) Expires() time.Time { return c.expires }
