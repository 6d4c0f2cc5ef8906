package wire_test

import (
	"errors"
	"testing"

	"github.com/parley-rtc/parley/signaling/internal/wire"
)

func TestOutbox(t *testing.T) {
	o := wire.NewOutbox()
	if o.Last() != 0 || o.First() != 1 || o.From(1, 10) != nil {
		t.Error("empty outbox is not empty")
	}
	for i := range 5 {
		if n := o.Add(make([]byte, 10)); n != uint64(i+1) {
			t.Errorf("message %d has number %d", i+1, n)
		}
	}
	if o.Len() != 5 || o.Size() != 50 || o.Last() != 5 {
		t.Errorf("%d messages, %d bytes, last %d", o.Len(), o.Size(), o.Last())
	}
	if got := len(o.From(2, 25)); got != 2 {
		t.Errorf("%d messages in 25 bytes", got)
	}
	if got := len(o.From(5, 1)); got != 1 {
		t.Errorf("%d messages in 1 byte", got)
	}
	if err := o.Ack(6); !errors.Is(err, wire.ErrMalformed) || o.Len() != 5 {
		t.Errorf("ack of 6: %v", err)
	}
	for _, n := range []uint64{3, 2, 0, 3} {
		if err := o.Ack(n); err != nil || o.First() != 4 || o.Len() != 2 || o.Size() != 20 {
			t.Errorf("ack of %d: %v, first %d, %d left", n, err, o.First(), o.Len())
		}
	}
	if err := o.Ack(5); err != nil || o.Len() != 0 || o.Size() != 0 || o.First() != 6 || o.Last() != 5 {
		t.Errorf("ack of all: %v", err)
	}
	if n := o.Add(nil); n != 6 {
		t.Errorf("next number is %d", n)
	}
}

func TestInbox(t *testing.T) {
	var i wire.Inbox
	tests := []struct {
		seq      uint64
		n        int
		repeated int
		bad      bool
		received uint64
	}{
		{seq: 0, n: 1, bad: true},
		{seq: 2, n: 1, bad: true},
		{seq: 1, n: 3, received: 3},
		{seq: 1, n: 2, repeated: 2, received: 3},
		{seq: 2, n: 4, repeated: 2, received: 5},
		{seq: 5, n: 1, repeated: 1, received: 5},
		{seq: 7, n: 1, bad: true, received: 5},
		{seq: 6, n: 0, received: 5},
		{seq: 1<<64 - 1, n: 5, bad: true, received: 5},
	}
	for _, tt := range tests {
		repeated, err := i.Take(tt.seq, tt.n)
		if repeated != tt.repeated || (err != nil) != tt.bad || i.Received != tt.received {
			t.Errorf("take %d at %d: %d repeated, %v, received %d", tt.n, tt.seq, repeated, err, i.Received)
		}
	}
}
