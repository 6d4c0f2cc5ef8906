package chat

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/parley-rtc/parley/rest/common"
)

type noToken struct{}

func (noToken) GetToken(context.Context) (common.AccessToken, error) {
	return common.AccessToken{}, nil
}

// TestRealtime_DropsTheRest: an event that is dropped because of Close is not
// followed by one that is handled, which would move Position past it.
func TestRealtime_DropsTheRest(t *testing.T) {
	r, err := NewRealtime("https://localhost", noToken{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	close(r.closed)
	var handled atomic.Int64
	for range 64 {
		r.post(func() { handled.Add(1) })
	}
	if err := r.events.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := handled.Load(); n != 0 {
		t.Errorf("%d of 64 events were handled after the end", n)
	}
}
