package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/server"
)

func newKeys() *cobra.Command {
	var connection string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "See and rotate the keys that sign user access tokens",
		Long: `Shows and rotates the keys that sign user access tokens, at a service that
runs. A new key is published ten minutes before it signs, so that every node and
every program that verifies tokens has it by then; the key before it is known
until its last token has ended. Access keys are another thing: those are
regenerated through the resource manager.`,
		Args: noArguments,
	}
	cmd.PersistentFlags().StringVar(&connection, "connection", filepath.Join("parley-data", "connection.json"), "connection.json `file` of the service")
	list := &cobra.Command{
		Use: "list", Short: "Show the keys", Args: noArguments,
		Example: "  parley keys list --connection data/connection.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return keys(cmd, connection, http.MethodGet, "")
		},
	}
	var now bool
	rotate := &cobra.Command{
		Use: "rotate", Short: "Make a new key", Args: noArguments,
		Example: "  parley keys rotate --connection data/connection.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := ""
			if now {
				query = "?now=true"
			}
			return keys(cmd, connection, http.MethodPost, query)
		},
	}
	rotate.Flags().BoolVar(&now, "now", false, "let it sign at once: after a key was stolen; whoever has not seen it yet refuses its tokens for a while")
	cmd.AddCommand(list, rotate)
	return cmd
}

// keys asks the service and prints the keys.
func keys(cmd *cobra.Command, file, method, query string) error {
	data, err := askService(cmd.Context(), file, method, server.SigningKeysPath+query, nil)
	if err != nil {
		return err
	}
	if wantsJSON(cmd) {
		_, err := cmd.OutOrStdout().Write(data)
		return err
	}
	var list server.SigningKeys
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return printKeys(cmd.OutOrStdout(), list)
}

func printKeys(out io.Writer, list server.SigningKeys) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tALGORITHM\tSTATE\tSIGNS FROM\tKNOWN UNTIL")
	for _, k := range list.Keys {
		until := "–"
		if k.Retires != nil {
			until = k.Retires.Local().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Algorithm, k.State, k.Activates.Local().Format(time.DateTime), until)
	}
	return t.Flush()
}
