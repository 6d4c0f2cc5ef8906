// Sdpcorpus writes the corpus that the compression dictionary of signaling is
// trained on: descriptions and candidates as sessions of package transport
// make them. The random parts differ from one to the next, which is what
// training needs; run it again when the descriptions change.
//
//	go run ./internal/tools/sdpcorpus > signaling/internal/training/corpus/descriptions.txt
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/packet"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/transport"
)

// variant is one way in which ends are made.
type variant struct {
	audio, video []packet.Codec
	count        int
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	if err := write(out); err != nil {
		fmt.Fprintln(os.Stderr, "sdpcorpus:", err)
		os.Exit(1)
	}
}

func write(out *bufio.Writer) error {
	audio, video := media.AudioCodecs(), media.VideoCodecs()
	// As a build without an Opus encoder offers.
	plain := slices.Clone(audio)
	if i := slices.IndexFunc(plain, isOpus); i == 0 {
		plain = append(plain[1:len(plain)-2:len(plain)-2], append([]packet.Codec{plain[0]}, plain[len(plain)-2:]...)...)
	}
	for _, v := range []variant{
		{audio: audio, video: video, count: 10},
		{audio: audio, video: video[:2], count: 3},
		{audio: plain, video: video, count: 3},
		{audio: audio, count: 2},
	} {
		for range v.count {
			if err := pair(out, v); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func isOpus(c packet.Codec) bool { return c.Name == "opus" }

// pair writes what two ends say to each other.
func pair(out io.Writer, v variant) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	candidates := make(chan transport.CandidateBatch, 100)
	options := func() *transport.Options {
		return &transport.Options{
			AudioCodecs: v.audio, VideoCodecs: v.video,
			Events: transport.Events{Candidates: func(b transport.CandidateBatch) { candidates <- b }},
		}
	}
	a, err := transport.New(options())
	if err != nil {
		return fmt.Errorf("new session: %w", err)
	}
	defer a.Close()
	b, err := transport.New(options())
	if err != nil {
		return fmt.Errorf("new session: %w", err)
	}
	defer b.Close()
	offer, err := a.Offer(ctx)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	answer, err := b.Answer(ctx, offer)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	entry(out, "offer", offer.SDP)
	entry(out, "answer", answer.SDP)
	for {
		select {
		case batch := <-candidates:
			if len(batch.Candidates) > 0 {
				entry(out, "candidates", strings.Join(batch.Candidates, "\n")+"\n")
			}
			if batch.End {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("candidates: %w", ctx.Err())
		}
	}
}

func entry(out io.Writer, kind, text string) {
	fmt.Fprintf(out, "--- %s\n%s", kind, strings.ReplaceAll(text, "\r\n", "\n"))
}
