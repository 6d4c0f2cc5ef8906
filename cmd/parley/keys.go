package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/internal/acswire"
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

// keysTime limits a request.
const keysTime = 30 * time.Second

// keys asks the service and prints the keys.
func keys(cmd *cobra.Command, file, method, query string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), keysTime)
	defer cancel()
	c, client, err := manager(file)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.ARMEndpoint, "/")+server.SigningKeysPath+query, nil)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set(acswire.HeaderAuthorization, "Bearer "+c.ARMToken)
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the service does not answer (is it running?): %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var refused acswire.ErrorResponse
		if json.Unmarshal(data, &refused) == nil && refused.Error.Message != "" {
			return fmt.Errorf("the service refused: %s", refused.Error.Message)
		}
		return fmt.Errorf("the service refused: %s", resp.Status)
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

// manager reads connection.json and returns a client that trusts the service.
func manager(file string) (*server.Connection, *http.Client, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("connection file: %w", err)
	}
	c := &server.Connection{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, nil, fmt.Errorf("connection file %s: %w", file, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, nil, fmt.Errorf("certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, nil, errors.New("the certificate authority's file holds no certificate")
		}
	}
	return c, &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}
