package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/cmd/internal/demo"
)

func newDemo() *cobra.Command {
	var seconds float64
	var options demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Let two engines call each other, and hear the result",
		Long: `Starts the service in this process, signs two engines in over real sockets and
places a call. Speech and video flow both ways; a data message crosses; one side
mutes, the other holds; then they hang up.

Into the output folder go what each side heard (heard-by-callee.wav,
heard-by-caller.wav), what the callee saw (seen-by-callee.ivf), and a report
(report.html, report.json). The exit code is 0 only if what was said is what was
heard and every video frame after the first key frame arrived.`,
		Example: `  parley demo
  parley demo --seconds 30 --audio talk.wav --video clip.ivf --out results
  parley demo --json > report.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options.Talk = time.Duration(seconds * float64(time.Second))
			return runDemo(cmd, options)
		},
	}
	flags := cmd.Flags()
	flags.Float64Var(&seconds, "seconds", 12, fmt.Sprintf("length of the conversation in `seconds`, at least %g", demo.Shortest.Seconds()))
	flags.StringVar(&options.Audio, "audio", "", "Ogg/Opus or WAV `file` that both sides say; empty: two recorded voices")
	flags.StringVar(&options.Video, "video", "", "IVF `file` that both sides show; empty: a test picture")
	flags.StringVar(&options.Out, "out", "demo-out", "`folder` for what was heard and seen and for the report")
	return cmd
}

func runDemo(cmd *cobra.Command, options demo.Options) error {
	if options.Talk < demo.Shortest {
		return usagef("--seconds: a demonstration takes at least %g", demo.Shortest.Seconds())
	}
	logger, err := newLogger(cmd, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		out = cmd.ErrOrStderr()
	}
	p := &progress{out: out, live: isTerminal(out)}
	options.Logger, options.Version = logger, version
	options.Step, options.Live = p.step, p.line
	fmt.Fprintln(out, "Two Parley engines call each other over a service in this process.")
	report, err := demo.Run(cmd.Context(), options)
	p.clear()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if wantsJSON(cmd) {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		if err := e.Encode(report); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	conclude(out, options.Out, report)
	if !report.OK {
		return errFailed
	}
	return nil
}

// conclude prints the table, the verdict and where the files are.
func conclude(out io.Writer, folder string, r *demo.Report) {
	fmt.Fprintf(out, "\n%s\n", r.Table())
	for _, c := range r.Checks {
		if !c.OK {
			fmt.Fprintf(out, "  ✗ %s: %s, wanted %s\n", c.Name, c.Value, c.Wanted)
		}
	}
	if r.OK {
		fmt.Fprintln(out, "✓ What was said is what was heard, and every video frame arrived.")
	} else {
		fmt.Fprintln(out, "✗ What was heard or seen is not what was said or shown.")
	}
	fmt.Fprintln(out)
	for _, line := range []struct{ file, text string }{
		{demo.HeardByCallee, "what the callee heard"},
		{demo.HeardByCaller, "what the caller heard"},
		{demo.SeenByCallee, "what the callee saw"},
		{demo.ReportHTML, "the report, for a browser"},
		{demo.ReportJSON, "the same for programs"},
	} {
		fmt.Fprintf(out, "  %-40s %s\n", filepath.Join(folder, line.file), line.text)
	}
}

// progress shows steps as lines and, on a terminal, a line that changes. The
// two come from different goroutines.
type progress struct {
	out  io.Writer
	live bool
	mu   sync.Mutex
	open bool
}

func (p *progress) step(at time.Duration, text string) {
	p.clear()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "  %6.2f s  %s\n", at.Seconds(), text)
}

func (p *progress) line(at time.Duration, text string) {
	if !p.live {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "\r\x1b[K  %6.2f s  %s", at.Seconds(), text)
	p.open = true
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.open = false
	}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
