package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/media"
)

// The smallest program that calls somebody: it says what is in a file, writes
// what it hears into another one, and hangs up after a while.
func Example() {
	call := func(ctx context.Context, token string, to engine.Identifier) error {
		client, err := engine.New(&engine.Options{Endpoint: "https://localhost:8443"})
		if err != nil {
			return err
		}
		defer client.Close()
		agent, err := client.NewCallAgent(ctx, engine.NewStaticTokenCredential(token), nil)
		if err != nil {
			return err
		}
		speech, err := media.OpenAudioFile("speech.ogg", nil)
		if err != nil {
			return err
		}
		defer speech.Close()
		heard, err := media.NewWAVSink("heard.wav")
		if err != nil {
			return err
		}
		defer heard.Close()
		call, err := agent.StartCall(ctx, []engine.Identifier{to}, &engine.StartCallOptions{
			CallOptions: engine.CallOptions{Audio: engine.NewLocalAudioTrack(speech), AudioSink: heard},
		})
		if err != nil {
			return err
		}
		select {
		case <-call.Done():
			log.Print("the other side ended it: ", call.EndReason())
		case <-time.After(10 * time.Second):
		}
		return client.Shutdown(ctx)
	}
	bob, err := engine.ParseIdentifier("8:acs:2f1c_7ab3")
	if err != nil {
		log.Fatal(err)
	}
	if err := call(context.Background(), "the access token", bob); err != nil {
		log.Print(err)
	}
}

// A device that takes every call. Handlers come with the options, so no call
// can be missed; Accept may be called in the handler itself.
func ExampleClient_NewCallAgent() {
	answer := func(ctx context.Context, client *engine.Client, cred engine.TokenCredential, track *engine.LocalAudioTrack) error {
		_, err := client.NewCallAgent(ctx, cred, &engine.CallAgentOptions{
			DisplayName: "Bob",
			Events: engine.CallAgentEvents{
				IncomingCall: func(e engine.IncomingCallReceived) {
					_, err := e.Call.Accept(ctx, &engine.AcceptCallOptions{CallOptions: engine.CallOptions{
						Audio: track,
						Events: engine.CallEvents{
							StateChanged: func(e engine.CallStateChanged) { log.Print(e.Call.ID(), " is ", e.To) },
						},
					}})
					if err != nil {
						log.Print("not taken: ", err)
					}
				},
				IncomingCallEnded: func(e engine.IncomingCallEnded) { log.Print("missed: ", e.Reason) },
			},
		})
		return err
	}
	_ = answer // a program would call it with its own client and credential
}

// A credential that fetches a token from the app's own server.
func ExampleTokenRefresher() {
	var cred engine.TokenCredential = engine.TokenRefresher(func(ctx context.Context) (engine.AccessToken, error) {
		// Ask the app's server, which asks the identity service.
		return engine.AccessToken{Token: "eyJ…", ExpiresOn: time.Now().Add(time.Hour)}, ctx.Err()
	})
	token, err := cred.GetToken(context.Background())
	fmt.Println(token.Token, err)
	// Output: eyJ… <nil>
}

// Data messages beside the call: here lossy ones, as a game or a pointer would
// send them.
func ExampleCall_NewDataSender() {
	point := func(ctx context.Context, call *engine.Call, x, y byte) error {
		sender, err := call.NewDataSender(&engine.DataSenderOptions{ChannelID: 7, Reliability: engine.DataLossy})
		if err != nil {
			return err
		}
		defer sender.Close()
		return sender.Send(ctx, []byte{x, y})
	}
	_ = point // a program would call it during a call
}
