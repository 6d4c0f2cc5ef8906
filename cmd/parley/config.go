package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// environment is what the name of every variable begins with.
const environment = "PARLEY_"

// configure fills the flags that were not given from the environment and from
// the configuration file.
func configure(cmd *cobra.Command) error {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return &usageError{err}
	}
	if path == "" {
		path = os.Getenv(environment + "CONFIG")
	}
	file, err := readConfig(path, cmd.Root())
	if err != nil {
		return err
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || f.Name == "version" || failed != nil {
			return
		}
		name := variable(f.Name)
		if value, ok := os.LookupEnv(name); ok && value != "" {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				failed = usagef("%s: %w", name, err)
			}
			return
		}
		for _, value := range forFlag(f, file[f.Name]) {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				failed = usagef("%s: %s: %w", path, f.Name, err)
			}
		}
	})
	return failed
}

// forFlag returns what to set a flag to, one after the other: a list goes to a
// flag that may be given several times as it is, to any other with commas.
func forFlag(f *pflag.Flag, values []string) []string {
	if len(values) < 2 || f.Value.Type() == "stringArray" {
		return values
	}
	return []string{strings.Join(values, ",")}
}

// variable is the name of a flag in the environment.
func variable(flag string) string {
	return environment + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readConfig reads the file; a key that no command knows is an error, so that
// a slip of the pen does not pass in silence.
func readConfig(path string, root *cobra.Command) (map[string][]string, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("there is no configuration file %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, usagef("configuration %s: %w", path, err)
	}
	known := map[string]bool{}
	for _, c := range append(root.Commands(), root) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	values := make(map[string][]string, len(raw))
	for key, value := range raw {
		if !known[key] {
			return nil, usagef("configuration %s: no flag is named %q", path, key)
		}
		switch v := value.(type) {
		case string, bool, int, float64:
			values[key] = []string{fmt.Sprint(v)}
		case []any:
			for _, p := range v {
				values[key] = append(values[key], fmt.Sprint(p))
			}
		default:
			return nil, usagef("configuration %s: %s wants a plain value", path, key)
		}
	}
	return values, nil
}

// newLogger makes the logger that --log asks for.
func newLogger(cmd *cobra.Command, out io.Writer) (*slog.Logger, error) {
	name, err := cmd.Flags().GetString("log")
	if err != nil {
		return nil, &usageError{err}
	}
	if name == "off" {
		return slog.New(slog.DiscardHandler), nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, usagef("--log: %q is none of debug, info, warn, error, off", name)
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})), nil
}

// wantsJSON tells whether --json was given.
func wantsJSON(cmd *cobra.Command) bool {
	on, err := cmd.Flags().GetBool("json")
	return err == nil && on
}
