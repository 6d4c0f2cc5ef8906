package store

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the files as they are written: for SQLite.
func migrations() (fs.FS, error) { return fs.Sub(migrationFiles, "migrations") }

// postgresMigrations returns the files with the types that PostgreSQL has for
// those of SQLite. Texts compare and sort by their bytes on both, whatever the
// order is that the database was made with.
func postgresMigrations() (fs.FS, error) {
	files, err := migrations()
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	types := regexp.MustCompile(`\b(BLOB|TEXT)\b`)
	var archive bytes.Buffer // a file system in memory
	w := zip.NewWriter(&archive)
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		text = types.ReplaceAllFunc(text, func(word []byte) []byte {
			if string(word) == "BLOB" {
				return []byte("BYTEA")
			}
			return []byte(`TEXT COLLATE "C"`)
		})
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, files fs.FS) error {
	provider, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// migrationsDue tells whether the schema is older than this program. A newer
// one is an error. The query names the table of versions if there is one.
func migrationsDue(ctx context.Context, conn *sql.Conn, table string) (bool, error) {
	newest, err := newestMigration()
	if err != nil {
		return false, err
	}
	current, err := currentMigration(ctx, conn, table)
	if err != nil {
		return false, err
	}
	if current > newest {
		return false, fmt.Errorf("%w (schema %d, this program knows %d)", ErrNewer, current, newest)
	}
	return current < newest, nil
}

func newestMigration() (int64, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, f := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(f, "migrations/"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", f, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

func currentMigration(ctx context.Context, conn *sql.Conn, table string) (int64, error) {
	var name string
	err := conn.QueryRowContext(ctx, table).Scan(&name)
	if IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var version sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&version)
	return version.Int64, err
}
