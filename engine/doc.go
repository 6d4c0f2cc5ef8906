// Package engine is Parley's calling engine: it signs a device in, places and
// takes calls between two users, and carries audio, video and data.
//
// # Overview
//
// A [Client] is made once. [Client.NewCallAgent] signs a user in and gives a
// [CallAgent], which receives calls and places them with [CallAgent.StartCall].
// Somebody else's call comes as an [IncomingCall] in the agent's events; its
// Accept gives the [Call]. What is sent comes from tracks ([LocalAudioTrack],
// [LocalVideoTrack]) over sources of package media, what is received goes to
// sinks. Video stays encoded: an application whose decoder begins anew, or has met
// an error, asks for a key frame with [RemoteVideoTrack.RequestKeyFrame].
//
// The smallest program that calls somebody and plays what it hears into a file:
//
//	client, err := engine.New(&engine.Options{Endpoint: "https://localhost:8443"})
//	…
//	agent, err := client.NewCallAgent(ctx, engine.NewStaticTokenCredential(token), nil)
//	…
//	call, err := agent.StartCall(ctx, []engine.Identifier{bob}, &engine.StartCallOptions{
//		CallOptions: engine.CallOptions{
//			Audio:     engine.NewLocalAudioTrack(microphone),
//			AudioSink: recording,
//		},
//	})
//	…
//	<-call.Done()
//	err = client.Shutdown(ctx)
//
// The examples below are whole programs.
//
// # Lifecycle
//
// A call goes through the states of [CallState]: the caller's through
// Connecting and Ringing to Connected, the callee's from Accept through
// Connecting to Connected, both to Disconnected in the end, with an
// [EndReason] whose code and subcode are those of Azure Communication Services.
// Hold and Resume switch between Connected and the holds. An agent has at most
// one call that is not on hold: starting, accepting or resuming a call puts the
// other one on hold.
//
// A call outlives the connection to the service, a restart of the service and a
// change of the network; when it does not come back within two minutes it ends
// with 496/7.
//
// [Client.Shutdown] and [CallAgent.Shutdown] hang up, deliver what is queued
// and wait; the Close methods end everything at once.
//
// # Events
//
// Handlers are given with the options that create an object, so no event can be
// missed. All handlers of one agent and its calls run one after another on one
// goroutine. A handler may call any method, Close included; while it blocks,
// later events wait and the calls go on. Events that repeat (speaking,
// statistics) are coalesced while they wait: a slow handler sees the newest.
//
// # Threads
//
// Every method may be called from any goroutine. Methods with a context may
// wait for the service or the other side; those without never block. The
// context counts for that method alone: once it has returned, canceling the
// context changes nothing.
//
// Sources and sinks are called from the engine's media goroutines, one call at
// a time for each, until [Call.Released].
//
// # Privacy
//
// While a call rings, both sides see only addresses of the service's relay;
// host and public addresses are shown once it is accepted, and media then moves
// to the direct path. No media is sent before the call is accepted. See
// [StartCallOptions] and [CallAgentOptions] for ShareAddressEarly, and
// [Options] for RelayOnly.
//
// # Errors
//
// Errors that a program can act on are variables such as [ErrInvalidState];
// test with errors.Is. A call or operation that was refused or failed gives a
// [*CallError] with the code and subcode; test with errors.As.
package engine
