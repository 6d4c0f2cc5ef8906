package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes the state of the SQLite database in the file path, as of one
// moment, to the new file to. It may run while a service uses the database, in
// this process or another one, and does not hold it up. What the service
// answered before the backup began is in it.
func Backup(ctx context.Context, path, to string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if _, err := os.Stat(path); err != nil { // or it would be made
		return fmt.Errorf("store: backup: %w", err)
	}
	// It holds keys; SQLite takes an empty file for a new one.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	db, err := openSQLiteFile(path, 1)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return check(ctx, to)
}

// check reads a database from one end to the other.
func check(ctx context.Context, path string) (err error) {
	db, err := openSQLiteFile(path, 1, "query_only(1)")
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var result string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&result); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("store: backup: the copy is damaged: %s", result)
	}
	return nil
}
