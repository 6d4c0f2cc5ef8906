package testkit_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-rtc/parley/internal/testkit"
)

func TestNATSCluster_CarriesBetweenServers(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	c := testkit.NATSCluster(t, 3)
	connect := func(i int) *nats.Conn {
		t.Helper()
		conn, err := nats.Connect(c.URLs[i])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	a, b := connect(0), connect(2)
	sub, err := b.SubscribeSync("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	// The routes may not know of the subscription yet.
	for got := false; !got; {
		if err := a.Publish("x", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		_, err := sub.NextMsg(50 * time.Millisecond)
		got = err == nil
	}
	before := c.URLs[1]
	c.Kill(t, 1)
	c.Start(t, 1)
	if c.URLs[1] != before {
		t.Errorf("moved from %s to %s", before, c.URLs[1])
	}
	connect(1)
}
