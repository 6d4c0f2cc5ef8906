package engine_test

import (
	"context"
	"testing"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/callfsm"
)

// BenchmarkCall sets a whole call up and hangs it up, both ends in this
// process: what it costs beside the network.
func BenchmarkCall(b *testing.B) {
	s := newMiniService(b, callfsm.Timeouts{})
	alice, bob := signIn(b, s.dialer(), "alice"), signIn(b, s.dialer(), "bob")
	to := []engine.Identifier{bob.agent.Identifier()}
	ctx := context.Background()
	for b.Loop() {
		connected := make(chan struct{}, 2)
		events := engine.CallEvents{StateChanged: func(e engine.CallStateChanged) {
			if e.To == engine.CallStateConnected {
				connected <- struct{}{}
			}
		}}
		call, err := alice.agent.StartCall(ctx, to, &engine.StartCallOptions{CallOptions: engine.CallOptions{Events: events}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bob.ringing().Accept(ctx, &engine.AcceptCallOptions{CallOptions: engine.CallOptions{Events: events}}); err != nil {
			b.Fatal(err)
		}
		<-connected
		<-connected
		if err := call.HangUp(ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
}
