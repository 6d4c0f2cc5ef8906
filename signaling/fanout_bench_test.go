package signaling_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-rtc/parley/signaling"
)

// BenchmarkFanOut sends one message to many sessions over WebSockets and waits
// until all have it; cpu-ns/msg is what both ends take for each of them.
func BenchmarkFanOut(b *testing.B) {
	const clients = 250
	opened := make(chan *signaling.Session, clients)
	a, err := signaling.NewAcceptor(&signaling.AcceptorOptions{
		Authenticate: func(_ context.Context, token string) (signaling.Principal, error) {
			return signaling.Principal{UserID: token, ResourceID: "r"}, nil
		},
		Opened: func(s *signaling.Session) { opened <- s },
	})
	if err != nil {
		b.Fatal(err)
	}
	endpoint, roots := serveWebSockets(b, a)
	var got sync.WaitGroup
	for i := range clients {
		c, err := signaling.NewClient(&signaling.ClientOptions{
			Dialer: signaling.NewWebSocketDialer(endpoint, &signaling.WebSocketOptions{
				TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
			}),
			Token:   func(context.Context) (string, error) { return fmt.Sprint("8:acs:", i), nil },
			Handler: func(*signaling.Message) error { got.Done(); return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		defer c.Close()
	}
	sessions := make([]*signaling.Session, clients)
	for i := range sessions {
		sessions[i] = <-opened
	}
	began := cpu()
	for b.Loop() {
		got.Add(clients)
		for _, s := range sessions {
			if err := s.Send(text("soup and salad, every day of the week")); err != nil {
				b.Fatal(err)
			}
		}
		got.Wait()
	}
	b.ReportMetric(float64(cpu()-began)/float64(b.N*clients), "cpu-ns/msg")
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
