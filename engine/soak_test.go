package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
	"github.com/parley-rtc/parley/internal/testkit"
)

// TestSoakCall_RandomOperations lets both sides of a call do random things at
// once, while their connections to the service are cut and their sessions lost
// at random; then both come to rest and must agree.
func TestSoakCall_RandomOperations(t *testing.T) {
	testkit.CheckLeaks(t, time.Hour)
	testkit.Repeat(t, 4, 500, func(seed uint64) error { return randomCall(t, seed) })
}

// randomEnd is one side of a random call.
type randomEnd struct {
	*device
	cut    *cutDialer
	call   *engine.Call
	camera *engine.LocalVideoTrack
	random *rand.Rand
	sender *engine.DataSender
	forget func()
}

func randomCall(t *testing.T, seed uint64) error {
	s := newMiniService(t, callfsm.Timeouts{})
	defer s.close()
	var ends [2]*randomEnd
	for i, name := range []string{"alice", "bob"} {
		cut := &cutDialer{Dialer: s.dialer()}
		ends[i] = &randomEnd{
			// A request whose answer went with a lost session times out.
			device: signIn(t, nil, name, withDialer(cut), func(o *setup) {
				o.options.Timeouts.Modality = 300 * time.Millisecond
			}),
			cut:    cut,
			camera: engine.NewLocalVideoTrack(film(t, nil)),
			random: rand.New(rand.NewPCG(seed, uint64(i))),
			forget: func() { s.forget(user(name)) },
		}
	}
	alice, bob := ends[0], ends[1]
	voice := engine.NewLocalAudioTrack(&toneSource{frequency: 440})
	alice.call, bob.call = connect(alice.device, bob.device,
		func(o *engine.StartCallOptions) { o.Audio, o.AudioSink, o.VideoSink = voice, newEar(440), newEye() },
		func(o *engine.AcceptCallOptions) { o.Audio, o.AudioSink, o.VideoSink = voice, newEar(440), newEye() })
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for _, e := range ends {
		var err error
		if e.sender, err = e.call.NewDataSender(nil); err != nil {
			return err
		}
		for range 2 {
			// Each goroutine throws its own dice, derived from the seed.
			dice := rand.New(rand.NewPCG(e.random.Uint64(), e.random.Uint64()))
			wg.Go(func() { errs <- e.actAtRandom(ctx, dice) })
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	if err := rest(ctx, alice, bob); err != nil {
		return fmt.Errorf("%w\nalice:\n%v\nbob:\n%v", err, alice.log.all(), bob.log.all())
	}
	if err := alice.call.HangUp(ctx, nil); err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	select {
	case <-bob.call.Done():
	case <-ctx.Done():
		return errors.New("the other side goes on after the hang-up")
	}
	for _, e := range ends {
		if err := e.client.Shutdown(ctx); err != nil {
			return err
		}
	}
	return nil
}

// actAtRandom does random things. Errors that tell of the state, or that
// another goroutine was faster, are part of the game.
func (e *randomEnd) actAtRandom(ctx context.Context, dice *rand.Rand) error {
	for range 12 {
		err := e.actOnce(ctx, dice)
		var refused *engine.CallError
		switch {
		case err == nil, errors.As(err, &refused), errors.Is(err, engine.ErrInvalidState),
			errors.Is(err, engine.ErrTrackInUse), errors.Is(err, engine.ErrNoSuchTrack):
		default:
			return fmt.Errorf("%s: %w", e.name, err)
		}
		select {
		case <-time.After(time.Duration(dice.IntN(8)) * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (e *randomEnd) actOnce(ctx context.Context, dice *rand.Rand) error {
	c := e.call
	switch dice.IntN(14) {
	case 0:
		return c.Hold(ctx)
	case 1:
		return c.Resume(ctx)
	case 2:
		return c.Mute(ctx)
	case 3:
		return c.Unmute(ctx)
	case 4:
		return c.MuteIncoming(ctx)
	case 5:
		return c.UnmuteIncoming(ctx)
	case 6, 7:
		return c.AddTrack(ctx, e.camera)
	case 8:
		return c.RemoveTrack(ctx, e.camera)
	case 9:
		return c.SendDTMF(ctx, "5")
	case 10:
		return e.sender.Send(ctx, randomBytes(dice.IntN(2000), 1))
	case 11:
		e.cut.cut(false)
	case 12:
		e.agent.NetworkChanged()
	case 13:
		e.forget()
	}
	return nil
}

// rest brings both ends back to plain talking and checks that they agree.
func rest(ctx context.Context, ends ...*randomEnd) error {
	for _, e := range ends {
		for _, f := range []func(context.Context) error{e.call.Resume, e.call.Unmute, e.call.UnmuteIncoming} {
			if err := f(ctx); err != nil {
				return fmt.Errorf("%s: rest: %w", e.name, err)
			}
		}
		var unconfirmed *engine.CallError
		err := e.call.RemoveTrack(ctx, e.camera)
		if err != nil && !errors.Is(err, engine.ErrNoSuchTrack) && !errors.As(err, &unconfirmed) {
			return fmt.Errorf("%s: rest: %w", e.name, err)
		}
	}
	calm := func() error {
		for _, e := range ends {
			p := e.call.Participants()
			switch {
			case e.call.State() != engine.CallStateConnected:
				return fmt.Errorf("%s is %v", e.name, e.call.State())
			case len(p) != 1 || p[0].IsMuted() || len(p[0].VideoTracks()) != 0 || p[0].State() != engine.ParticipantStateConnected:
				return fmt.Errorf("%s sees the other side as %v, muted %v, with %d videos",
					e.name, p[0].State(), p[0].IsMuted(), len(p[0].VideoTracks()))
			}
		}
		return nil
	}
	for {
		err := calm()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
