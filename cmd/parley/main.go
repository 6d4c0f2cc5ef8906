// Command parley runs the service, places calls from the command line, and
// demonstrates the whole in one go.
//
// Every flag has the same name in the environment (PARLEY_PUBLIC_IP for
// --public-ip) and in a YAML file (--config FILE, or PARLEY_CONFIG); a flag
// wins over the environment, the environment over the file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// Exit codes of the program.
const (
	exitFailed = 1 // it was tried and did not work
	exitUsage  = 2 // the command line or the configuration is wrong
)

// errFailed ends the program with exitFailed after its reason was shown.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: its parts are given so that tests can run it. The
// end of ctx asks it to stop in good order.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "parley: %v\nparley: see `parley help`.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "parley: %v\n", err)
		return exitFailed
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "parley",
		Short: "Real-time communications: the service, a softphone, a demonstration",
		Long: `Parley is an open, embeddable real-time communications engine with a service
that you host yourself. This program is the service and two ways to try it.

  parley demo                     two engines call each other; hear the result
  parley serve --data DIR         run the service
  parley call …                   call, or answer, from a terminal
  parley backup …                 copy a service, also while it runs
  parley keys …                   see and rotate the keys that sign tokens

Every flag can also be set in the environment (PARLEY_PUBLIC_IP for
--public-ip) or in a YAML file (--config FILE, with public-ip: …). A flag wins
over the environment, the environment over the file.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return configure(cmd)
		},
	}
	root.SetVersionTemplate("parley {{.Version}}\n")
	root.PersistentFlags().String("config", "", "YAML `file` with values for flags, by their names")
	root.PersistentFlags().Bool("json", false, "print the result as JSON on standard output, all else on standard error")
	root.PersistentFlags().String("log", "warn", "least `level` of log lines on standard error: debug, info, warn, error, off")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newServe(), newBackup(), newKeys(), newWebhooks(), newChat(), newDemo(), newCall(), newVersion())
	return root
}

// usageError is a mistake in how the program was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }
