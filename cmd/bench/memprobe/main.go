// Command memprobe is the least program that holds an audio call: it links the
// engine and nothing of the service, so that its resident memory is what the
// engine costs an app. bench runs it; it reads the token from its standard
// input, and ends when that is closed.
package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/parley-rtc/parley/engine"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "memprobe: %v\n", err)
		os.Exit(1)
	}
}

// setupTime limits everything up to the call.
const setupTime = 30 * time.Second

func run() error {
	endpoint := flag.String("endpoint", "", "endpoint of the service")
	ca := flag.String("ca", "", "PEM file of its certificate authority")
	to := flag.String("to", "", "raw id to call; empty: answer one call")
	flag.Parse()
	in := bufio.NewReader(os.Stdin)
	token, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	options := &engine.Options{Endpoint: *endpoint}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return fmt.Errorf("certificate authority: %w", err)
		}
		options.RootCAs = x509.NewCertPool()
		if !options.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("certificate authority: no certificate")
		}
	}
	client, err := engine.New(options)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), setupTime)
	defer cancel()
	call, err := place(ctx, client, strings.TrimSpace(token), *to)
	if err != nil {
		return err
	}
	fmt.Println("in call")
	// The end of the input is the order to hang up.
	_, _ = in.ReadString('\n')
	ctx, cancel = context.WithTimeout(context.Background(), setupTime)
	defer cancel()
	if err := call.HangUp(ctx, nil); err != nil {
		return fmt.Errorf("hang up: %w", err)
	}
	return nil
}

// place calls, or answers the first call that comes, and returns when there is
// sound.
func place(ctx context.Context, client *engine.Client, token, to string) (*engine.Call, error) {
	incoming := make(chan *engine.IncomingCall, 1)
	agent, err := client.NewCallAgent(ctx, engine.NewStaticTokenCredential(token), &engine.CallAgentOptions{
		Events: engine.CallAgentEvents{IncomingCall: func(e engine.IncomingCallReceived) { incoming <- e.Call }},
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	fmt.Println("signed in")
	ear := &ear{heard: make(chan struct{})}
	options := engine.CallOptions{Audio: engine.NewLocalAudioTrack(&voice{}), AudioSink: ear}
	var call *engine.Call
	if to != "" {
		user, err := engine.ParseIdentifier(to)
		if err != nil {
			return nil, fmt.Errorf("to: %w", err)
		}
		call, err = agent.StartCall(ctx, []engine.Identifier{user}, &engine.StartCallOptions{CallOptions: options})
		if err != nil {
			return nil, fmt.Errorf("start: %w", err)
		}
	} else {
		select {
		case i := <-incoming:
			if call, err = i.Accept(ctx, &engine.AcceptCallOptions{CallOptions: options}); err != nil {
				return nil, fmt.Errorf("accept: %w", err)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("no call came: %w", ctx.Err())
		}
	}
	select {
	case <-ear.heard:
		return call, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("nothing was heard: %w", ctx.Err())
	}
}

// voice is a source without a file: a hum with pauses, so that the encoder has
// work.
type voice struct{ at, low int }

// ReadAudio implements engine.AudioSource.
func (v *voice) ReadAudio(frame []int16) error {
	const period, loud, second = 218, 6000, 48000
	for i := range frame {
		saw := (v.at%period)*2*loud/period - loud
		if v.at%(2*second) > second {
			saw = 0
		}
		v.low += (saw - v.low) / 4
		frame[i] = int16(v.low) //nolint:gosec // G115: within loud
		v.at++
	}
	return nil
}

// ear waits for the first sound and forgets the rest.
type ear struct {
	heard chan struct{}
	done  bool
}

// WriteAudio implements engine.AudioSink.
func (e *ear) WriteAudio(frame []int16) error {
	if e.done {
		return nil
	}
	for _, s := range frame {
		if s > 200 || s < -200 {
			e.done = true
			close(e.heard)
			break
		}
	}
	return nil
}
