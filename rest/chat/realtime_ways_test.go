package chat_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/rest/chat"
)

// TestRealtime_WithThreadClient: what was sent over the connection is edited,
// and the thread changed, over REST, some of it twice as after a lost answer;
// the user's own connection tells each change once.
func TestRealtime_WithThreadClient(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	s := startService(t)
	alice, bob, carol := s.person(""), s.person(""), s.person("")
	l := s.listen(alice, nil)
	id, thread, _ := s.talk(alice, bob)
	ctx := t.Context()
	sent, err := l.SendMessage(ctx, id, "nein", nil)
	if err != nil {
		t.Fatal(err)
	}
	hear(l, func(e received) bool { return *e.Message.ID == sent.ID })
	for _, step := range []struct {
		times int
		call  func() error
		want  string
	}{
		{1, func() error {
			_, err := thread.UpdateProperties(ctx, &chat.ThreadClientUpdatePropertiesOptions{Topic: new("Supper")})
			return err
		}, "topic Supper"},
		{2, func() error {
			_, err := thread.AddParticipants(ctx, []chat.Participant{{Identifier: carol}}, nil)
			return err
		}, "added " + carol.RawID()},
		{2, func() error {
			_, err := thread.RemoveParticipant(ctx, carol, nil)
			return err
		}, "removed " + carol.RawID()},
		{1, func() error {
			_, err := thread.UpdateMessage(ctx, sent.ID, &chat.ThreadClientUpdateMessageOptions{Content: new("nine")})
			return err
		}, "edited " + sent.ID + " nine"},
		{2, func() error {
			_, err := thread.DeleteMessage(ctx, sent.ID, nil)
			return err
		}, "deleted " + sent.ID},
		{1, func() error {
			_, err := l.SendMessage(ctx, id, "after", nil)
			return err
		}, "says after"},
	} {
		for range step.times {
			if err := step.call(); err != nil {
				t.Fatal(step.want, err)
			}
		}
		if got := l.told(); got != step.want {
			t.Fatalf("heard %q, not %q", got, step.want)
		}
	}
}

// told says in words what happened next in a thread.
func (l *listener) told() string {
	l.t.Helper()
	for {
		switch e := hear[any](l, nil).(type) {
		case chat.ThreadState:
		case received:
			return "says " + *e.Message.Content.Message
		case updated:
			return "topic " + *e.Thread.Topic
		case came:
			return "added " + raw(e.Participants[0].Identifier)
		case went:
			return "removed " + raw(e.Participants[0].Identifier)
		case edited:
			return "edited " + *e.Message.ID + " " + *e.Message.Content.Message
		case deleted:
			return "deleted " + *e.Message.ID
		default:
			return fmt.Sprintf("%+v", e)
		}
	}
}

// TestRealtime_StartsAnew: programs that end at any moment and go on from their
// position hear every message once and in order.
func TestRealtime_StartsAnew(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := startService(t)
	alice, bob := s.person(""), s.person("")
	id, _, _ := s.talk(alice, bob)
	writer := s.listen(alice, nil)
	const messages, programs = 120, 8
	var want []string
	for i := range messages {
		want = append(want, fmt.Sprint(i))
		if _, err := writer.SendMessage(t.Context(), id, want[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for p := range programs {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(p), 1)) //nolint:gosec // G115: small
			var heard []string
			for position := (chat.Position{}); len(heard) < messages; {
				upTo := make(chan struct{}, messages)
				l := s.realtime(bob, &chat.RealtimeOptions{Position: position, DeviceID: fmt.Sprint("program ", p), Events: chat.RealtimeEvents{
					MessageReceived: func(e chat.MessageEvent) {
						heard = append(heard, *e.Message.Content.Message)
						upTo <- struct{}{}
					},
				}})
				ended := make(chan error, 1)
				go func() { ended <- l.Start(t.Context()) }()
				for range 1 + dice.IntN(messages/6) {
					if len(upTo) == messages {
						break
					}
					select {
					case <-upTo:
						continue
					case err := <-ended:
						ended <- err
					}
					break
				}
				l.Close()
				<-ended
				if err := l.Shutdown(t.Context()); err != nil {
					t.Error(err)
					return
				}
				position = l.Position()
			}
			if !slices.Equal(heard, want) {
				t.Errorf("heard %d of %d: %q", len(heard), len(want), heard)
			}
		})
	}
	all.Wait()
}
