package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the schema up to date. A database that is so already costs
// one small query; goose is not started for it. It closes conn.
func migrate(ctx context.Context, db *sql.DB, conn *sql.Conn) error {
	newest, err := newestMigration()
	if err != nil {
		return err
	}
	current, err := currentMigration(ctx, conn)
	if closeErr := conn.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if current == newest {
		return nil
	}
	if current > newest {
		return fmt.Errorf("%w (schema %d, this program knows %d)", ErrNewer, current, newest)
	}
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
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

func currentMigration(ctx context.Context, conn *sql.Conn) (int64, error) {
	var name string
	err := conn.QueryRowContext(ctx, "SELECT name FROM sqlite_master WHERE name = 'goose_db_version'").Scan(&name)
	if IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var version sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied <> 0").Scan(&version)
	return version.Int64, err
}
