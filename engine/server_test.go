package engine_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server"
)

// TestService_WholeCall is a call over real sockets: sign-in, ringing, audio,
// video, data, hold, mute, hang-up.
func TestService_WholeCall(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	alice, bob := s.signIn("alice"), s.signIn("bob")
	aliceEar, bobEar, bobEye := newEar(700), newEar(440), newEye()
	a, b := connect(alice, bob,
		func(o *engine.StartCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 440}), aliceEar
			o.Video = engine.NewLocalVideoTrack(film(t, nil))
		},
		func(o *engine.AcceptCallOptions) {
			o.Audio, o.AudioSink = engine.NewLocalAudioTrack(&toneSource{frequency: 700}), bobEar
			o.VideoSink = bobEye
		})
	aliceEar.hears(t)
	bobEar.hears(t)
	bobEye.sees(t, 10)
	if name := b.Participants()[0].DisplayName(); name != "Alice" {
		t.Errorf("the caller is called %q", name)
	}
	if id := a.Participants()[0].Identifier(); id != bob.agent.Identifier() {
		t.Errorf("the callee is %v", id)
	}
	sender, err := b.NewDataSender(nil)
	if err != nil {
		t.Fatal(err)
	}
	bob.do("send data", func(ctx context.Context) error { return sender.Send(ctx, randomBytes(engine.MaxDataMessageSize, 1)) })
	alice.wait("data 1 Reliable #1 32768 bytes")
	alice.do("hold", a.Hold)
	bob.wait("state RemoteHold")
	alice.do("resume", a.Resume)
	bob.waitCount("state Connected", 2)
	bobEar.hears(t)
	alice.do("mute", a.Mute)
	bob.wait("participant muted true")
	alice.hangUp(a)
	bob.wait("ended 0/0")
}

// TestService_SeveralDevices: the devices of one user, one of them in this process.
func TestService_SeveralDevices(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	alice := s.signIn("alice", s.inProcess)
	desk, phone := s.signInAs("bob", "desk"), s.signInAs("bob", "phone", s.inProcess)
	a := alice.call("bob")
	atDesk, atPhone := desk.ringing(), phone.ringing()
	phone.accept(atPhone)
	desk.wait("incoming ended 487/10003")
	alice.wait("state Connected")
	_, err := atDesk.Accept(context.Background(), nil)
	wantCallError(t, err, 487, 10003)
	alice.hangUp(a)
	phone.wait("ended 0/0")
}

// TestService_Restarted: the service is killed during a call and starts again
// on the same folder and ports. The call does not notice, and can be controlled
// again afterwards.
func TestService_Restarted(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	alice, bob := s.signIn("alice"), s.signIn("bob")
	ear := newEar(440)
	a, b := connect(alice, bob, func(o *engine.StartCallOptions) {
		o.Audio = engine.NewLocalAudioTrack(&toneSource{frequency: 440})
	}, func(o *engine.AcceptCallOptions) { o.AudioSink = ear })
	ear.hears(t)
	if err := s.srv.Close(); err != nil {
		t.Fatal(err)
	}
	alice.wait("agent Connected → Reconnecting")
	bob.wait("agent Connected → Reconnecting")
	ear.hears(t)
	alice.do("mute while the service is gone", a.Mute)
	s.start()
	alice.wait("agent Reconnecting → Connected")
	bob.wait("agent Reconnecting → Connected")
	bob.wait("participant muted true")
	alice.do("unmute", a.Unmute)
	ear.hears(t)
	if a.State() != engine.CallStateConnected || b.State() != engine.CallStateConnected {
		t.Fatalf("states %v and %v", a.State(), b.State())
	}
	bob.do("hold", b.Hold)
	alice.wait("state RemoteHold")
	bob.hangUp(b)
	alice.wait("ended 0/0")
	// And new ones can be placed.
	c, _ := connect(alice, bob, nil, nil)
	alice.hangUp(c)
}

// TestService_RestartedWhileRinging: the call is taken afterwards. The relay is
// off: with it, path finding waits for the relay's answers about addresses that
// the killed service took with it.
func TestService_RestartedWhileRinging(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t, func(o *server.Options) { o.TURNAddr = "off" })
	alice, bob := s.signIn("alice"), s.signIn("bob")
	a := alice.call("bob")
	i := bob.ringing()
	alice.wait("state Ringing")
	if err := s.srv.Close(); err != nil {
		t.Fatal(err)
	}
	alice.wait("agent Connected → Reconnecting")
	bob.wait("agent Connected → Reconnecting")
	s.start()
	bob.accept(i)
	alice.wait("state Connected")
	bob.wait("state Connected")
	alice.hangUp(a)
	bob.wait("ended 0/0")
}

// TestService_Tokens: the credential is asked whenever a
// connection is made, and a foreign token is refused.
func TestService_Tokens(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	s := newRealService(t)
	_, token := s.token("alice")
	var asked atomic.Int32
	s.signIn("alice", func(o *setup) {
		o.cred = engine.TokenRefresher(func(context.Context) (engine.AccessToken, error) {
			asked.Add(1)
			return engine.AccessToken{Token: token}, nil
		})
	})
	if asked.Load() != 1 {
		t.Errorf("the credential was asked %d times", asked.Load())
	}
	client, err := engine.New(&engine.Options{Dialer: s.srv.Dialer()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, foreign := range map[string]string{"empty": "", "text": "abc", "cut": token[:len(token)-4], "other signature": token[:len(token)-4] + "AAAA"} {
		if _, err := client.NewCallAgent(context.Background(), engine.NewStaticTokenCredential(foreign), nil); err == nil {
			t.Errorf("%s: a foreign token was taken", name)
		} else if !isUnauthorized(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
