package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-rtc/parley/server"
)

func newBackup() *cobra.Command {
	var data, out string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy the data folder of a service, also while it runs",
		Long: `Writes the data folder as a gzipped tar archive: the database as of one moment,
the certificate authority, and what else outlives the process. The service may
run meanwhile; it is not held up.

To restore, unpack the archive into an empty folder and start the service on
it. The archive holds keys: keep it as you keep the folder.

The state of a service that runs on PostgreSQL is not in the folder: back that
database up with PostgreSQL's own tools (docs/operate.md).`,
		Example: `  parley backup --data data --out parley-$(date +%F).tar.gz
  mkdir restored && tar -xzf parley-2026-01-31.tar.gz -C restored && parley serve --data restored`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return backup(cmd, data, out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&data, "data", "parley-data", "data `folder` of the service")
	flags.StringVar(&out, "out", "", "`file` to write; it must not exist")
	return cmd
}

func backup(cmd *cobra.Command, data, out string) (err error) {
	if out == "" {
		return usagef("--out says where the backup goes")
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return usagef("--out: %s is there already", out)
	}
	// Under its name only when it is whole.
	f, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".*")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	files, err := server.Backup(cmd.Context(), data, f)
	without := errors.Is(err, server.ErrNoDatabase)
	if without {
		err = nil
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err = os.Rename(f.Name(), out); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if without {
		fmt.Fprintf(cmd.ErrOrStderr(), "parley: there is no database in %s: the state of this service is in PostgreSQL; back that up as well.\n", data)
	}
	if wantsJSON(cmd) {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"file": out, "contents": files, "database": !without})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s: %s. It holds keys.\n", out, strings.Join(files, ", "))
	return nil
}
