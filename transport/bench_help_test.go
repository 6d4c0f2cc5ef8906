package transport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
	"testing"

	"github.com/parley-rtc/parley/transport"
	"github.com/pion/webrtc/v4"
)

var plainShared = sync.OnceValues(func() (*webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return webrtc.GenerateCertificate(key)
})

func plainCertificate(t testing.TB) webrtc.Certificate {
	t.Helper()
	c, err := plainShared()
	if err != nil {
		t.Fatal(err)
	}
	return *c
}

// benchPair connects two sessions on loopback without a test's bookkeeping.
func benchPair(b *testing.B) (*transport.Session, *transport.Session) {
	b.Helper()
	certificate, err := shared()
	if err != nil {
		b.Fatal(err)
	}
	var peers [2]*transport.Session
	up := make(chan struct{}, 4)
	for i := range peers {
		peers[i], err = transport.New(&transport.Options{
			AudioCodecs: audioCodecs(), Certificate: certificate,
			Events: transport.Events{
				Candidates: func(c transport.CandidateBatch) { _ = peers[1-i].AddCandidates(c) },
				StateChanged: func(s transport.State) {
					if s == transport.StateConnected {
						up <- struct{}{}
					}
				},
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	offer, err := peers[0].Offer(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	answer, err := peers[1].Answer(context.Background(), offer)
	if err != nil {
		b.Fatal(err)
	}
	if err := peers[0].SetAnswer(answer); err != nil {
		b.Fatal(err)
	}
	<-up
	<-up
	return peers[0], peers[1]
}
