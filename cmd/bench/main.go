// Command bench measures calls: how fast they are set up, how late they are
// heard, what they cost. It prints a table and writes bench.json and
// bench.html. It measures; it never passes or fails.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/internal/netem"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// settings are what the command line says.
type settings struct {
	out     string
	runs    int
	seconds float64
	quick   bool
	emulate bool
	json    bool
	parley  string
	// database is what the services of some scenarios keep their data in; empty: SQLite.
	database string
	// alone leaves the systems beside the service out of chat.
	alone bool
	// parts of the chat scenario; empty: all.
	parts []string
	// libraries are those of the bind scenario, NAME=FOLDER or FOLDER each.
	libraries []string
	seed      uint64
	link      linkFlags
}

// linkFlags describe the emulated network.
type linkFlags struct {
	delay, jitter, reorderBy time.Duration
	loss, reorder, duplicate float64
	burst                    string
	rate, queue, mtu         int
}

func (f *linkFlags) quality() (netem.Link, error) {
	q := netem.Link{
		Delay: f.delay, Jitter: f.jitter, Loss: f.loss / 100, Reorder: f.reorder / 100, ReorderBy: f.reorderBy,
		Duplicate: f.duplicate / 100, RateBPS: f.rate * 1000, QueueBytes: f.queue, MTU: f.mtu,
	}
	if f.burst == "" {
		return q, nil
	}
	var share, length float64
	if _, err := fmt.Sscanf(strings.ReplaceAll(f.burst, ":", " "), "%f %f", &share, &length); err != nil {
		return q, fmt.Errorf("--burst: %q is not PERCENT:LENGTH", f.burst)
	}
	if q.Burst = netem.BurstLoss(share/100, length); q.Burst == nil {
		return q, fmt.Errorf("--burst: %q: a share between 0 and 100 and a length of at least 1", f.burst)
	}
	return q, nil
}

// describe says the network in words.
func (f *linkFlags) describe() string {
	out := fmt.Sprintf("%v one way on every leg", f.delay)
	add := func(on bool, format string, args ...any) {
		if on {
			out += ", " + fmt.Sprintf(format, args...)
		}
	}
	add(f.jitter > 0, "jitter %v", f.jitter)
	add(f.loss > 0, "loss %g %%", f.loss)
	add(f.burst != "", "burst loss %s", f.burst)
	add(f.reorder > 0, "reordering %g %%", f.reorder)
	add(f.duplicate > 0, "doubled %g %%", f.duplicate)
	add(f.rate > 0, "%d kbit/s", f.rate)
	add(f.mtu > 0, "MTU %d", f.mtu)
	return out
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s settings
	var all []string
	for _, c := range scenarios() {
		all = append(all, c.name)
	}
	cmd := &cobra.Command{
		Use:   "bench [scenario …]",
		Short: "Measure set-up time, latency, codecs, signaling, memory and the service",
		Long: "Measures calls between two engines and, beside them in the same program, plain\npion to pion. Without names every scenario runs:\n\n" +
			describeScenarios() + "\nNothing passes or fails here: goals stand beside what was measured.",
		Example:       "  bench\n  bench setup latency --runs 50\n  bench setup --delay 80ms --loss 2 --jitter 5ms",
		Args:          cobra.OnlyValidArgs,
		ValidArgs:     all,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench(cmd.Context(), &s, args, stdout, stderr)
		},
	}
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	flags := cmd.Flags()
	flags.StringVar(&s.out, "out", ".", "`folder` for bench.json and bench.html")
	flags.IntVar(&s.runs, "runs", 0, "repetitions `N` of each measurement; 0: as many as the scenario wants")
	flags.Float64Var(&s.seconds, "seconds", 0, "length of measured calls in `seconds`; 0: as long as the scenario wants (60 for memory)")
	flags.BoolVar(&s.quick, "quick", false, "a quick look: few repetitions, short calls")
	flags.BoolVar(&s.emulate, "emulated", false, "run the latency scenario over the emulated network instead of the system's")
	flags.BoolVar(&s.json, "json", false, "print bench.json on standard output instead of the table")
	flags.StringVar(&s.parley, "parley", "", "the parley `program` for the scenarios that run the service as a process; empty: beside this one, or built")
	flags.StringVar(&s.database, "database", "", "`URL` of an empty PostgreSQL database for the rest, revoke and chat scenarios; empty: SQLite")
	flags.BoolVar(&s.alone, "alone", false, "the chat scenario without ejabberd and nats-server")
	flags.StringSliceVar(&s.parts, "parts", nil, "`parts` of the chat scenario, of sends, deliveries, idle and beside; empty: all")
	flags.StringArrayVar(&s.libraries, "library", nil, "a C library for the bind scenario, `NAME=FOLDER` with include and lib, as scripts/bind-c makes it; several take turns; none: scripts/bind-c shared")
	flags.Uint64Var(&s.seed, "seed", 1, "`seed` of the emulated network")
	flags.DurationVar(&s.link.delay, "delay", 50*time.Millisecond, "one-way `delay` of every leg of the emulated network")
	flags.DurationVar(&s.link.jitter, "jitter", 0, "mean further `delay` of each packet")
	flags.Float64Var(&s.link.loss, "loss", 0, "independent loss in `percent`")
	flags.StringVar(&s.link.burst, "burst", "", "burst loss as `PERCENT:LENGTH`, length in packets")
	flags.Float64Var(&s.link.reorder, "reorder", 0, "packets held back so that others overtake, in `percent`")
	flags.DurationVar(&s.link.reorderBy, "reorder-by", 0, "how `long` they are held back; 0: 30 ms")
	flags.Float64Var(&s.link.duplicate, "duplicate", 0, "packets that arrive twice, in `percent`")
	flags.IntVar(&s.link.rate, "rate", 0, "rate limit of every leg in `kbit/s`; 0: none")
	flags.IntVar(&s.link.queue, "queue", 0, "queue in front of the rate limit in `bytes`; 0: 100 ms")
	flags.IntVar(&s.link.mtu, "mtu", 0, "largest packet in `bytes`; 0: 1500")
	return cmd.ExecuteContext(ctx)
}

// report is bench.json.
type report struct {
	Version  string            `json:"version"`
	Began    string            `json:"began"`
	Command  string            `json:"command"`
	Machine  machine           `json:"machine"`
	Settings []figures.Setting `json:"settings"`
	Results  []*figures.Result `json:"results"`
	Failed   map[string]string `json:"failed,omitempty"`
}

func bench(ctx context.Context, s *settings, names []string, stdout, stderr io.Writer) error {
	quality, err := s.link.quality()
	if err != nil {
		return err
	}
	r := &report{
		Version: version, Began: time.Now().UTC().Format(time.RFC3339), Machine: thisMachine(),
		Command: strings.Join(append([]string{"bench"}, os.Args[1:]...), " "),
		Settings: []figures.Setting{
			{Name: "emulated network", Value: s.link.describe()}, {Name: "seed", Value: fmt.Sprint(s.seed)},
		},
		Failed: map[string]string{},
	}
	bars := newBars(stderr)
	for _, c := range scenarios() {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		b := bars.add(c.name)
		begin := time.Now()
		result, err := c.run(ctx, &env{settings: s, quality: quality, step: b.step, steps: b.steps})
		b.end(err)
		if err != nil {
			r.Failed[c.name] = err.Error()
		}
		if result != nil {
			result.Scenario, result.Summary = c.name, c.summary
			result.Seconds = time.Since(begin).Seconds()
			r.Results = append(r.Results, result)
		}
	}
	bars.wait()
	return finish(s, r, stdout)
}

// finish writes the files and prints the table. What was measured is written
// also when a scenario could not run; then the error says which.
func finish(s *settings, r *report, stdout io.Writer) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil { //nolint:gosec // G301: results are for everybody to read
		return fmt.Errorf("results: %w", err)
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	jsonFile, htmlFile := filepath.Join(s.out, "bench.json"), filepath.Join(s.out, "bench.html")
	if err := os.WriteFile(jsonFile, append(data, '\n'), 0o644); err != nil { //nolint:gosec // G306: for everybody to read
		return fmt.Errorf("results: %w", err)
	}
	f, err := os.Create(htmlFile)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if err := errors.Join(r.page().Write(f), f.Close()); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if s.json {
		_, err = stdout.Write(append(data, '\n'))
	} else {
		_, err = fmt.Fprintf(stdout, "%s\n%s\n%s\n", r.table(), jsonFile, htmlFile)
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if len(r.Failed) > 0 {
		var names []string
		for name, why := range r.Failed {
			names = append(names, name+" ("+why+")")
		}
		slices.Sort(names)
		return fmt.Errorf("could not be measured: %s", strings.Join(names, "; "))
	}
	return nil
}
