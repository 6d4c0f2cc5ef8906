package push

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// Call is one that waits for a device of somebody.
type Call struct {
	ID, From, To, DisplayName string

	Resource guid.GUID
	Video    bool
	// Life is how long it waits.
	Life time.Duration
}

const callAttempts = 4

// Ring wakes the devices of a call's callee and reports whether there are any.
// It does not wait for the platforms.
func (s *Service) Ring(ctx context.Context, call Call) (bool, error) {
	if !s.wanted(call.Resource) {
		return false, nil
	}
	list, err := s.Devices(ctx, call.To)
	if err != nil || len(list) == 0 {
		return false, err
	}
	n := Notification{
		Kind: KindCall, Title: cut(call.DisplayName, maxName), Body: "Incoming call", Group: call.ID, Life: call.Life,
		Data: map[string]string{
			"callId": call.ID, "from": call.From, "displayName": cut(call.DisplayName, maxName), "video": strconv.FormatBool(call.Video),
		},
	}
	rung := false
	for i := range list {
		d := &list[i]
		if d.Token != "" || d.VoIPToken != "" {
			rung = s.begin(func(ctx context.Context) { s.ring(ctx, call.To, d, n) }) || rung
		}
	}
	return rung, nil
}

// ring tries to reach one device as long as the call waits.
func (s *Service) ring(ctx context.Context, user string, d *Device, n Notification) {
	ctx, cancel := context.WithTimeout(ctx, n.Life)
	defer cancel()
	for attempt := range callAttempts {
		later, err := s.send(ctx, user, d, n)
		s.note(ctx, err)
		if later == nil || err != nil {
			return
		}
		const first = 500 * time.Millisecond
		timer := time.NewTimer(max(first<<attempt, later.After))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	s.failed.Add(1)
	s.note(ctx, errors.New("push: a call was not told to a device"))
}
