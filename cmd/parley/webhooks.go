package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/server"
	"github.com/parley-rtc/parley/server/webhook"
)

const secretSize = 32

// resourceFlags say which service and which resource.
type resourceFlags struct{ connection, resource string }

// addTo adds the flags to a command and those below it.
func (f *resourceFlags) addTo(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.connection, "connection", filepath.Join("parley-data", "connection.json"), "connection.json `file` of the service")
	flags.StringVar(&f.resource, "resource", "", "`name` of the resource; empty: the default one")
}

func newWebhooks() *cobra.Command {
	var f resourceFlags
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "See and change who gets the events of a resource",
		Long: `Shows and changes who gets the events of a resource, at a service that runs.
An endpoint gets nothing before it has agreed: by the handshake of Event Grid or
CloudEvents, or by somebody's visit to the link that it was sent. Events that
could not be delivered within a day are kept for a week as dead letters.`,
		Args: noArguments,
	}
	f.addTo(cmd)
	cmd.AddCommand(f.list(), f.add(), f.remove(), f.deadLetters(), f.redeliver())
	return cmd
}

// ask sends a request about the resource; values are the rest of its query.
func (f *resourceFlags) ask(cmd *cobra.Command, method, path string, values url.Values, body any) ([]byte, error) {
	if f.resource != "" {
		values.Set("resource", f.resource)
	}
	return askService(cmd.Context(), f.connection, method, path+"?"+values.Encode(), body)
}

// show prints an answer: as it came with --json, else by pretty.
func show[T any](cmd *cobra.Command, data []byte, pretty func(out io.Writer, answer T) error) error {
	if wantsJSON(cmd) {
		_, err := cmd.OutOrStdout().Write(data)
		return err
	}
	var answer T
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return pretty(cmd.OutOrStdout(), answer)
}

func (f *resourceFlags) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the webhooks", Args: noArguments,
		Example: "  parley webhooks list --connection data/connection.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := f.ask(cmd, http.MethodGet, server.WebhooksPath, url.Values{}, nil)
			if err != nil {
				return err
			}
			return show(cmd, data, func(out io.Writer, answer server.Webhooks) error {
				return printWebhooks(out, answer.Webhooks)
			})
		},
	}
}

func printWebhooks(out io.Writer, list []server.Webhook) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATE\tSCHEMA\tENDPOINT")
	for _, n := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", n.Name, n.State, n.Schema, n.Endpoint)
	}
	return t.Flush()
}

func (f *resourceFlags) add() *cobra.Command {
	var n server.NewWebhook
	var cloudEvents, signed bool
	cmd := &cobra.Command{
		Use: "add NAME ENDPOINT", Short: "Let an endpoint get events", Args: exactly(2),
		Long: `Asks the endpoint whether it wants the events of the resource, and lets it get
them. A webhook of the same name is replaced once the new endpoint has agreed.`,
		Example: `  parley webhooks add crm https://crm.example/events --type Microsoft.Communication.SMSReceived
  parley webhooks add audit https://audit.example/in --cloud-events --signed`,
		RunE: func(cmd *cobra.Command, args []string) error {
			n.Name, n.Endpoint = args[0], args[1]
			if cloudEvents {
				n.Schema = string(webhook.SchemaCloudEvents)
			}
			if signed {
				n.Secret = make([]byte, secretSize)
				if _, err := rand.Read(n.Secret); err != nil {
					return err
				}
			}
			data, err := f.ask(cmd, http.MethodPost, server.WebhooksPath, url.Values{}, n)
			if err != nil {
				return err
			}
			if signed {
				fmt.Fprintf(cmd.ErrOrStderr(), "Secret of the signatures, shown only now:\n  whsec_%s\n", base64.StdEncoding.EncodeToString(n.Secret))
			}
			return show(cmd, data, func(out io.Writer, made server.Webhook) error {
				if made.State != string(webhook.StateActive) {
					fmt.Fprintln(cmd.ErrOrStderr(), "The endpoint did not answer the handshake. Visit the link that it was sent, within ten minutes.")
				}
				return printWebhooks(out, []server.Webhook{made})
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&cloudEvents, "cloud-events", false, "send CloudEvents 1.0 instead of Event Grid's schema")
	flags.StringArrayVar(&n.Types, "type", nil, "`type` of events to send; may be given several times; none: all")
	flags.StringVar(&n.SubjectBegins, "subject-begins", "", "send events whose subject begins with this `text`")
	flags.StringVar(&n.SubjectEnds, "subject-ends", "", "send events whose subject ends with this `text`")
	flags.StringVar(&n.Audience, "audience", "", "send a signed token for this `audience` with each event")
	flags.BoolVar(&signed, "signed", false, "sign events with a new secret (Standard Webhooks), which is printed once")
	return cmd
}

func (f *resourceFlags) remove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a webhook and what waits for it", Args: exactly(1),
		Example: "  parley webhooks remove crm",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := f.ask(cmd, http.MethodDelete, server.WebhooksPath, url.Values{"name": args}, nil)
			return err
		},
	}
}

func (f *resourceFlags) deadLetters() *cobra.Command {
	var limit int
	var after string
	cmd := &cobra.Command{
		Use: "dead-letters", Short: "Show events that could not be delivered, the oldest first", Args: noArguments,
		Example: "  parley webhooks dead-letters --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if after != "" {
				query.Set("after", after)
			}
			data, err := f.ask(cmd, http.MethodGet, server.DeadLettersPath, query, nil)
			if err != nil {
				return err
			}
			return show(cmd, data, func(out io.Writer, answer server.DeadLetters) error {
				t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "ID\tDIED\tATTEMPTS\tREASON\tENDPOINT")
				for i := range answer.DeadLetters {
					d := &answer.DeadLetters[i]
					fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", d.ID, d.Died.Local().Format(time.DateTime), d.Attempts, d.Reason, d.Endpoint)
				}
				if answer.Next != "" {
					fmt.Fprintf(t, "\nMore: --after %s\n", answer.Next)
				}
				return t.Flush()
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how `many`, 1 to 1000")
	cmd.Flags().StringVar(&after, "after", "", "the `place` that the page before ended with")
	return cmd
}

func (f *resourceFlags) redeliver() *cobra.Command {
	return &cobra.Command{
		Use: "redeliver ID", Short: "Try a dead letter again, for another day", Args: exactly(1),
		Example: "  parley webhooks redeliver 0c7f3b1e-…",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := f.ask(cmd, http.MethodPost, server.DeadLettersPath, url.Values{"id": args}, nil)
			return err
		},
	}
}
