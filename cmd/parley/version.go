package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/media"
)

// build is what `parley version` tells.
type build struct {
	Version string   `json:"version"`
	Commit  string   `json:"commit,omitempty"`
	Dirty   bool     `json:"modified,omitempty"`
	Go      string   `json:"go"`
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Audio   []string `json:"audioCodecs"`
	Video   []string `json:"videoCodecs"`
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version, and which codecs this build carries",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			if wantsJSON(cmd) {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(b)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "parley %s (%s, %s/%s)\naudio codecs: %s\nvideo codecs: %s\n",
				b.Version, b.Go, b.OS, b.Arch, list(b.Audio), list(b.Video))
			return nil
		},
	}
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Dirty = s.Value == "true"
			}
		}
	}
	for _, c := range media.AudioCodecs() {
		b.Audio = append(b.Audio, c.Name)
	}
	for _, c := range media.VideoCodecs() {
		b.Video = append(b.Video, c.Name)
	}
	return b
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	out := names[0]
	for _, n := range names[1:] {
		out += ", " + n
	}
	return out
}

// noArguments refuses arguments that are no flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument %q, only flags", cmd.CommandPath(), args[0])
	}
	return nil
}

// exactly refuses any other number of arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("usage: %s", cmd.UseLine())
		}
		return nil
	}
}
