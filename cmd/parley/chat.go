package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/server"
)

// exportTime limits an export as a whole.
const exportTime = time.Hour

func newChat() *cobra.Command {
	var f resourceFlags
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "See, export and erase the threads of a resource",
		Long:  `Shows, exports and erases what is in the threads of a resource, at a service that runs.`,
		Args:  noArguments,
	}
	f.addTo(cmd)
	cmd.AddCommand(f.threads(), f.export(), f.erase())
	return cmd
}

func (f *resourceFlags) threads() *cobra.Command {
	var limit int
	var user, after string
	cmd := &cobra.Command{
		Use: "threads", Short: "Show threads in the order of their ids", Args: noArguments,
		Example: "  parley chat threads --user 8:acs:…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}, "user": {user}, "after": {after}}
			data, err := f.ask(cmd, http.MethodGet, server.ChatThreadsPath, query, nil)
			if err != nil {
				return err
			}
			return show(cmd, data, func(out io.Writer, answer server.ChatThreads) error {
				t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "ID\tCREATED\tLAST MESSAGE\tDELETED\tTOPIC")
				for i := range answer.Threads {
					n := &answer.Threads[i]
					deleted := ""
					if n.DeletedOn != nil {
						deleted = n.DeletedOn.Local().Format(time.DateTime)
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%q\n", n.ID, n.CreatedOn.Local().Format(time.DateTime), n.LastMessageReceivedOn.Local().Format(time.DateTime), deleted, n.Topic)
				}
				if answer.Next != "" {
					fmt.Fprintf(t, "\nMore: --after %s\n", answer.Next)
				}
				return t.Flush()
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&user, "user", "", "raw `id` of a member; empty: threads of all")
	flags.IntVar(&limit, "limit", 100, "how `many`, 1 to 1000")
	flags.StringVar(&after, "after", "", "the `place` that the page before ended with")
	return cmd
}

func (f *resourceFlags) export() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "export THREAD", Short: "Write a thread with all that is in it as lines of JSON", Args: exactly(1),
		Long: `Writes a thread, its members, its messages from the oldest on, and how far its
members have read, each as a line of JSON.`,
		Example: "  parley chat export 19:…@thread.v2 --out thread.jsonl",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			out := cmd.OutOrStdout()
			if file != "" {
				// What was said is nobody's business but the operator's.
				made, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
				if err != nil {
					return fmt.Errorf("export: %w", err)
				}
				defer func() { err = errors.Join(err, made.Close()) }()
				out = made
			}
			query := url.Values{"thread": args}
			if f.resource != "" {
				query.Set("resource", f.resource)
			}
			return streamService(cmd.Context(), f.connection, server.ChatExportPath+"?"+query.Encode(), out)
		},
	}
	cmd.Flags().StringVar(&file, "out", "", "`file` to write; empty: standard output")
	return cmd
}

// streamService writes the lines that the service answers, and fails when the
// last one, which tells that all have come, is not among them.
func streamService(ctx context.Context, file, path string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	end := &lastLine{}
	err := converse(ctx, file, http.MethodGet, path, nil, func(answer io.Reader) error {
		_, err := io.Copy(io.MultiWriter(out, end), answer)
		return err
	})
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(end.line, []byte(`{"end":`)) {
		return errors.New("export: it was cut short; try again")
	}
	return nil
}

// lastLine keeps the last line of what is written, as far as it matters.
type lastLine struct {
	line []byte
	over bool // the line is complete: the next byte begins another
}

// Write takes some bytes.
func (l *lastLine) Write(data []byte) (int, error) {
	const enough = 64
	for _, b := range data {
		if l.over {
			l.line, l.over = l.line[:0], false
		}
		if b == '\n' {
			l.over = true
		} else if len(l.line) < enough {
			l.line = append(l.line, b)
		}
	}
	return len(data), nil
}

func (f *resourceFlags) erase() *cobra.Command {
	var e server.Erasure
	var yes bool
	cmd := &cobra.Command{
		Use: "erase", Short: "Take out what a user wrote, a message, or a thread", Args: noArguments,
		Long: `Takes content out of threads for good: all that a user wrote (--user), or wrote in
one thread (--user --thread), one message (--thread --message), or a whole thread
(--thread). Members are told as of any deletion. With what a user wrote go the
topics that the user gave and the user's display name and metadata as a member.
What stays: raw ids, the metadata of threads, names that the user gave to others,
the ids that programs gave to messages, what webhooks, backups and exports have.`,
		Example: `  parley chat erase --user 8:acs:… --yes
  parley chat erase --thread 19:…@thread.v2 --message 1782345678901 --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return usagef("this cannot be undone; say --yes")
			}
			data, err := f.ask(cmd, http.MethodPost, server.ChatErasePath, url.Values{}, e)
			if err != nil {
				return err
			}
			return show(cmd, data, func(out io.Writer, done server.Erased) error {
				_, err := fmt.Fprintf(out, "Erased: messages %d, threads %d.\n", done.Messages, done.Threads)
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&e.User, "user", "", "raw `id` of who wrote it")
	flags.StringVar(&e.Thread, "thread", "", "`id` of the thread")
	flags.StringVar(&e.Message, "message", "", "`id` of the message")
	flags.BoolVar(&yes, "yes", false, "do it")
	return cmd
}
