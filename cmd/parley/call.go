package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/cmd/internal/account"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/media"
)

type callFlags struct {
	connection, as, to, audio, record, video, recordVideo, dtmf string
	answer, loop                                                bool
	seconds                                                     float64
}

// Times of the softphone.
const (
	signInTime = 15 * time.Second
	hangUpTime = 6 * time.Second
	// tail is how long a call stays after the last word, so that it is heard.
	tail = 700 * time.Millisecond
)

func newCall() *cobra.Command {
	var f callFlags
	cmd := &cobra.Command{
		Use:   "call",
		Short: "Call somebody, or answer, from a terminal",
		Long: `A softphone for the command line: it signs in as a user, calls another one or
answers one call, says a file and records what it hears.

A user is a friendly name, the same user every time (alice), or a raw id
(8:acs:…). The caller hangs up when its file has ended, or after --seconds; one
that answers stays until the caller hangs up. Ctrl-C hangs up.`,
		Example: `  parley call --connection data/connection.json --as bob --answer --record bob.wav
  parley call --connection data/connection.json --as alice --to bob --audio speech.ogg --record alice.wav`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCall(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.connection, "connection", "", "connection.json of the service: a `file`")
	flags.StringVar(&f.as, "as", "", "`user` to sign in as")
	flags.StringVar(&f.to, "to", "", "`user` to call")
	flags.BoolVar(&f.answer, "answer", false, "wait for a call and answer it")
	flags.StringVar(&f.audio, "audio", "", "Ogg/Opus or WAV `file` to say; empty: silence")
	flags.StringVar(&f.record, "record", "", "WAV `file` for what is heard (48 kHz mono)")
	flags.StringVar(&f.video, "video", "", "IVF or H.264 `file` to show")
	flags.StringVar(&f.recordVideo, "record-video", "", "IVF `file` for what is seen")
	flags.StringVar(&f.dtmf, "dtmf", "", "`tones` to send once connected: 0-9, A-D, * and #")
	flags.BoolVar(&f.loop, "loop", false, "say the file again and again")
	flags.Float64Var(&f.seconds, "seconds", 0, "hang up that many `seconds` after the call is connected; 0: when the file has ended")
	return cmd
}

func (f *callFlags) check() error {
	switch {
	case f.connection == "":
		return usagef("--connection: say where the service's connection.json is")
	case f.as == "":
		return usagef("--as: say who you are")
	case f.answer == (f.to != ""):
		return usagef("say either --to USER to call, or --answer to be called")
	default:
		return nil
	}
}

// phone is the softphone during its one call.
type phone struct {
	flags   callFlags
	out     io.Writer
	json    bool
	service *account.Service
	agent   *engine.CallAgent
	began   time.Time

	mu       sync.Mutex // guards printing
	incoming chan *engine.IncomingCall
	spoken   chan struct{} // closed when the file has ended
	spokeOut sync.Once
	up       chan struct{} // closed when the call is connected
	upOnce   sync.Once
	closers  []io.Closer
}

func runCall(cmd *cobra.Command, f callFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	logger, err := newLogger(cmd, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	p := &phone{
		flags: f, out: cmd.OutOrStdout(), json: wantsJSON(cmd), began: time.Now(),
		incoming: make(chan *engine.IncomingCall, 1), spoken: make(chan struct{}), up: make(chan struct{}),
	}
	options, err := p.media()
	defer func() {
		for _, c := range p.closers {
			err = errors.Join(err, c.Close())
		}
	}()
	if err != nil {
		return err
	}
	client, err := p.signIn(cmd.Context(), logger)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), hangUpTime)
		defer cancel()
		err = errors.Join(err, client.Shutdown(ctx))
		p.service.Close()
	}()
	call, err := p.connect(cmd.Context(), options)
	if err != nil {
		return err
	}
	return p.talk(cmd.Context(), call)
}

// say tells the user what happens: a line of text, or of JSON.
func (p *phone) say(event, text string, values ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Since(p.began).Seconds()
	if !p.json {
		fmt.Fprintf(p.out, "%7.2f s  %s\n", at, text)
		return
	}
	line := map[string]any{"event": event, "at": at}
	for i := 0; i+1 < len(values); i += 2 {
		line[fmt.Sprint(values[i])] = values[i+1]
	}
	_ = json.NewEncoder(p.out).Encode(line) // a closed output is no reason to drop the call
}

func (p *phone) signIn(ctx context.Context, logger *slog.Logger) (*engine.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	var err error
	if p.service, err = account.Open(p.flags.connection); err != nil {
		return nil, err
	}
	user, err := p.service.User(ctx, p.flags.as)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", p.flags.as, err)
	}
	client, err := engine.New(&engine.Options{
		Endpoint: p.service.Endpoint(), RootCAs: p.service.RootCAs(), Logger: logger, UserAgent: "parley-call/" + version,
	})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	name := p.flags.as
	if account.IsRawID(name) {
		name = ""
	}
	p.agent, err = client.NewCallAgent(ctx, p.service.Credential(user), &engine.CallAgentOptions{
		DisplayName: name,
		Events: engine.CallAgentEvents{
			IncomingCall: func(e engine.IncomingCallReceived) {
				select {
				case p.incoming <- e.Call:
				default:
					// One call at a time: others hear that this one is busy.
					_ = e.Call.Reject(context.Background(), &engine.RejectCallOptions{Busy: true})
				}
			},
			ConnectionStateChanged: func(e engine.AgentConnectionStateChanged) {
				p.say("connection", "connection to the service: "+e.To.String(), "state", e.To.String())
			},
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sign in: %w", err), client.Close())
	}
	p.say("signedIn", "signed in as "+p.flags.as, "user", user.RawID())
	return client, nil
}

// media opens the files.
func (p *phone) media() (engine.CallOptions, error) {
	options := engine.CallOptions{Events: p.events()}
	if p.flags.audio != "" {
		f, err := media.OpenAudioFile(p.flags.audio, &media.AudioFileOptions{Loop: p.flags.loop})
		if err != nil {
			return options, fmt.Errorf("audio: %w", err)
		}
		p.closers = append(p.closers, f)
		options.Audio = engine.NewLocalAudioTrack(f)
	} else {
		// A phone without a voice still sends, so that the path stays open.
		options.Audio = engine.NewLocalAudioTrack(nil)
	}
	if p.flags.video != "" {
		f, err := media.OpenVideoFile(p.flags.video, nil)
		if err != nil {
			return options, fmt.Errorf("video: %w", err)
		}
		p.closers = append(p.closers, f)
		options.Video = engine.NewLocalVideoTrack(f)
	}
	if p.flags.record != "" {
		w, err := media.NewWAVSink(p.flags.record)
		if err != nil {
			return options, fmt.Errorf("recording: %w", err)
		}
		p.closers = append(p.closers, w)
		options.AudioSink = w
	}
	if p.flags.recordVideo != "" {
		w, err := media.NewIVFSink(p.flags.recordVideo)
		if err != nil {
			return options, fmt.Errorf("recording: %w", err)
		}
		p.closers = append(p.closers, w)
		options.VideoSink = w
	}
	return options, nil
}

func (p *phone) events() engine.CallEvents {
	return engine.CallEvents{
		StateChanged: func(e engine.CallStateChanged) {
			p.say("state", "call is "+e.To.String(), "call", e.Call.ID().String(), "state", e.To.String(),
				"code", e.Reason.Code, "subcode", e.Reason.Subcode)
			if e.To == engine.CallStateConnected {
				p.upOnce.Do(func() { close(p.up) })
			}
		},
		ParticipantMutedChanged: func(e engine.ParticipantMutedChanged) {
			text := "the other side unmuted"
			if e.Muted {
				text = "the other side muted"
			}
			p.say("participantMuted", text, "muted", e.Muted)
		},
		DTMFReceived: func(e engine.DTMFReceived) { p.say("tone", "tone "+string(e.Tone), "tone", string(e.Tone)) },
		DataReceived: func(e engine.DataReceived) {
			p.say("data", fmt.Sprintf("data: %q", e.Data), "data", e.Data)
		},
		TrackEnded: func(e engine.LocalTrackEnded) {
			if e.Track.Kind() == engine.TrackKindAudio {
				p.spokeOut.Do(func() { close(p.spoken) })
			}
		},
	}
}

// connect calls, or waits for a call and takes it.
func (p *phone) connect(ctx context.Context, options engine.CallOptions) (*engine.Call, error) {
	if !p.flags.answer {
		to, err := p.service.User(ctx, p.flags.to)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", p.flags.to, err)
		}
		p.say("calling", "calling "+p.flags.to, "to", to.RawID())
		call, err := p.agent.StartCall(ctx, []engine.Identifier{to}, &engine.StartCallOptions{CallOptions: options})
		return call, explain(err)
	}
	p.say("waiting", "waiting for a call")
	select {
	case incoming := <-p.incoming:
		who := incoming.CallerDisplayName()
		if who == "" {
			who = incoming.Caller().RawID()
		}
		p.say("incoming", who+" calls", "from", incoming.Caller().RawID(), "name", incoming.CallerDisplayName())
		call, err := incoming.Accept(ctx, &engine.AcceptCallOptions{CallOptions: options})
		return call, explain(err)
	case <-ctx.Done():
		return nil, errors.New("stopped before a call came")
	}
}

// explain makes an end code readable.
func explain(err error) error {
	var refused *engine.CallError
	if errors.As(err, &refused) {
		return fmt.Errorf("the call failed: %s (%d/%d)", refused.Message, refused.Code, refused.Subcode)
	}
	return err
}

// talk stays in the call until it is over or it is time to hang up.
func (p *phone) talk(ctx context.Context, call *engine.Call) error {
	var enough <-chan time.Time
	spoken := p.spoken
	if p.flags.answer || p.flags.seconds > 0 || p.flags.audio == "" {
		spoken = nil
	}
	up := p.up
	for {
		select {
		case <-up:
			up = nil
			if p.flags.seconds > 0 {
				enough = time.After(time.Duration(p.flags.seconds * float64(time.Second)))
			}
			if p.flags.dtmf != "" {
				if err := call.SendDTMF(ctx, p.flags.dtmf); err != nil {
					return fmt.Errorf("tones: %w", err)
				}
			}
		case <-spoken:
			spoken, enough = nil, time.After(tail)
		case <-enough:
			return p.hangUp(ctx, call)
		case <-ctx.Done():
			return p.hangUp(ctx, call)
		case <-call.Done():
			return p.ended(call)
		}
	}
}

func (p *phone) hangUp(ctx context.Context, call *engine.Call) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTime)
	defer cancel()
	if err := call.HangUp(ctx, nil); err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	return p.ended(call)
}

// ended is an error unless the call ended the ordinary way.
func (p *phone) ended(call *engine.Call) error {
	r := call.EndReason()
	s := call.Stats()
	heard := 0.0
	for _, in := range s.InboundRTP {
		if in.Kind == engine.TrackKindAudio {
			heard += float64(in.TotalSamplesReceived-min(in.TotalSamplesReceived, in.ConcealedSamples)) / media.AudioSampleRate
		}
	}
	p.say("ended", fmt.Sprintf("the call is over (%d/%d), %.1f s of audio received", r.Code, r.Subcode, heard),
		"code", r.Code, "subcode", r.Subcode, "message", r.Message, "audioSeconds", heard, "stats", s)
	if r.Code != 0 {
		return fmt.Errorf("the call ended: %s (%d/%d)", r.Message, r.Code, r.Subcode)
	}
	return nil
}
