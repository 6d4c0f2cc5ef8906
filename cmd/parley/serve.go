package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/oidc"
)

// drainTime is how long a stop may take: the contract says ten seconds in all.
const drainTime = 9 * time.Second

type serveFlags struct {
	data, http, https, turn, publicIP, database, nats, limits string
	natsCredentials, natsCA, tlsCert, tlsKey                  string
	tokenAlgorithm                                            string
	domain, resourcePorts                                     string
	oidc, webhookTargets                                      []string
	push                                                      pushFlags
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Runs the service until it is told to stop (Ctrl-C or SIGTERM); it then drains
and ends within ten seconds.

Everything it keeps lives in the data folder: the database, its certificate
authority, and connection.json, which tells clients how to reach it. The folder
alone is enough to start; a second start on the same folder goes on where the
first ended.

Several nodes share their state through --database and hear of each other
through --nats; each has a data folder of its own (docs/operate.md).

An address is HOST:PORT; port 0 takes a free port, "off" does without.`,
		Example: `  parley serve --data data
  parley serve --data data --http 127.0.0.1:8080 --https 0.0.0.0:8443 --public-ip 203.0.113.7
  PARLEY_DATA=data parley serve
  parley serve --data node1 --database postgres://parley@db/parley --nats nats://bus1,nats://bus2
  parley serve --config parley.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", "parley-data", "`folder` of everything that outlives the process")
	flags.StringVar(&f.http, "http", "127.0.0.1:0", "`address` of plain http, for tools; \"off\" does without")
	flags.StringVar(&f.https, "https", "127.0.0.1:0", "`address` of https")
	flags.StringVar(&f.turn, "turn", "127.0.0.1:0", "UDP `address` of the media relay; \"off\" does without")
	flags.StringVar(&f.publicIP, "public-ip", "", "`address` at which others reach this machine, when it is not the one listened on")
	flags.StringVar(&f.database, "database", "", "`URL` of a PostgreSQL database; empty: SQLite in the data folder")
	flags.StringVar(&f.nats, "nats", "", "`URL` of a NATS cluster; empty: embedded")
	flags.StringVar(&f.natsCredentials, "nats-credentials", "", "`file` with a user's JWT and key for the NATS cluster")
	flags.StringVar(&f.natsCA, "nats-ca", "", "PEM `file` of the authorities of the NATS servers; empty: the system's")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM `file` of the certificate of https, with its chain; empty: one of the folder's own authority")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM `file` of its private key")
	flags.StringVar(&f.tokenAlgorithm, "token-algorithm", string(identity.AlgorithmES256), "`algorithm` that signs user access tokens: ES256, or RS256 as ACS's own")
	flags.StringArrayVar(&f.oidc, "oidc", nil, "an issuer of bearer tokens to trust, as `issuer=URL;use=service|management|exchange;audience=…` (docs/operate.md); may be given several times")
	flags.StringVar(&f.limits, "limits", "off", "`limits` of requests: off, acs for what ACS publishes, or a YAML file")
	flags.StringVar(&f.domain, "domain", "", "`domain` under which every resource has a host name, NAME.DOMAIN[:PORT]; empty: a port each")
	flags.StringVar(&f.resourcePorts, "resource-ports", "", "`ports` for resources without a domain, FIRST-LAST; empty: any free ones")
	flags.StringArrayVar(&f.webhookTargets, "webhook-target", nil, "a `host` (*.NAME for those below), address or prefix that events may be sent to although it is not public; may be given several times")
	f.push.addTo(flags)
	return cmd
}

func serve(cmd *cobra.Command, f serveFlags) error {
	logger, err := newLogger(cmd, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	options := server.Options{
		DataDir: f.data, HTTPAddr: f.http, HTTPSAddr: f.https, TURNAddr: f.turn,
		PublicIP: f.publicIP, Logger: logger, Limits: f.limits,
		Domain: f.domain, WebhookTargets: f.webhookTargets,
		Database: f.database, NATS: f.nats, NATSCredentials: f.natsCredentials,
	}
	if options.Push, err = f.push.options(); err != nil {
		return err
	}
	if options.TLSConfig, err = givenCertificate(f.tlsCert, f.tlsKey); err != nil {
		return err
	}
	if options.NATSTLS, err = givenAuthorities(f.natsCA); err != nil {
		return err
	}
	if path := os.Getenv(environment + "RECORD"); path != "" {
		// For tests: every exchange without its secrets (internal/contract).
		recording, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		defer recording.Close()
		options.Record = recording
	}
	if options.ResourcePorts, err = server.ParsePortRange(f.resourcePorts); err != nil {
		return usagef("--resource-ports: %w", err)
	}
	if options.TokenAlgorithm, err = identity.ParseAlgorithm(f.tokenAlgorithm); err != nil {
		return &usageError{err}
	}
	for _, text := range f.oidc {
		issuers, err := oidc.ParseIssuers(text)
		if err != nil {
			return usagef("--oidc: %w", err)
		}
		options.OIDC = append(options.OIDC, issuers...)
	}
	srv, err := server.New(options)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer srv.Close()
	if wantsJSON(cmd) {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(srv.Connection()); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	} else {
		welcome(cmd.OutOrStdout(), f.data, srv.Connection())
	}
	defer pace(roomyHeap, busyAfter)()
	trim(cmd.Context(), trimEvery)
	return drain(cmd, srv)
}

// drain stops the service in good order.
func drain(cmd *cobra.Command, srv *server.Server) error {
	if !wantsJSON(cmd) {
		fmt.Fprintln(cmd.OutOrStdout(), "\nStopping: telling agents, finishing requests …")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), drainTime)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		// What was answered with success is kept either way; a cut drain is no
		// failed run.
		fmt.Fprintf(cmd.ErrOrStderr(), "parley: the drain was cut short: %v\n", err)
	}
	if !wantsJSON(cmd) {
		fmt.Fprintln(cmd.OutOrStdout(), "Stopped.")
	}
	return nil
}

// welcome prints what connection.json holds, for people.
func welcome(out io.Writer, data string, c server.Connection) {
	file := filepath.Join(data, "connection.json")
	var b strings.Builder
	fmt.Fprintf(&b, "Parley %s is ready.\n\n", version)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-18s %s\n", name, value)
		}
	}
	row("https", c.Endpoint)
	row("http", c.HTTPEndpoint)
	row("authority", c.CAFile)
	row("phone numbers", strings.Join(c.PhoneNumbers, ", "))
	row("all of it", file)
	fmt.Fprintf(&b, "\nConnection string for SDKs (a secret):\n  %s\n", c.ConnectionString)
	fmt.Fprintf(&b, `
Two terminals can talk:
  parley call --connection %[1]s --as bob --answer --record bob.wav
  parley call --connection %[1]s --as alice --to bob --audio speech.ogg --record alice.wav

Ctrl-C stops.
`, file)
	fmt.Fprint(out, b.String())
}
