package server

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

// Backup writes a data folder as a gzipped tar archive, whose contents,
// unpacked into an empty folder, are a data folder again: the database as of
// one moment, the certificate authority, what else outlives the process. The
// service may run meanwhile. It returns the names of the files.
//
// A folder whose service keeps its state in PostgreSQL has no database of its
// own: then ErrNoDatabase comes back with what was written.
func Backup(ctx context.Context, dataDir string, out io.Writer) (names []string, err error) {
	if names, err = backup(ctx, dataDir, out); err != nil && !errors.Is(err, ErrNoDatabase) {
		return nil, fmt.Errorf("server: backup: %w", err)
	}
	return names, err
}

// ErrNoDatabase says that a data folder has no database: the state of its
// service is in PostgreSQL.
var ErrNoDatabase = errors.New("server: the data folder has no database")

func backup(ctx context.Context, dataDir string, out io.Writer) ([]string, error) {
	zipped := gzip.NewWriter(out)
	archive := &archive{w: tar.NewWriter(zipped)}
	err := archive.addFolder(dataDir)
	if err != nil {
		return nil, err
	}
	missing := archive.addDatabase(ctx, filepath.Join(dataDir, databaseFile))
	if missing != nil && !errors.Is(missing, ErrNoDatabase) {
		return nil, missing
	}
	if len(archive.names) == 0 {
		return nil, fmt.Errorf("%s is no data folder", dataDir)
	}
	if err := errors.Join(archive.w.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return archive.names, missing
}

// archive is a tar file in the making.
type archive struct {
	w     *tar.Writer
	names []string
}

// addFolder adds all that outlives the process but the database.
func (a *archive) addFolder(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch base := entry.Name(); {
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular(), strings.HasPrefix(base, "."): // half-written
			return nil
		case name == lockFile, name == connectionFile, strings.HasPrefix(name, databaseFile):
			return nil
		}
		err = a.add(filepath.ToSlash(name), path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // replaced or removed meanwhile
		}
		return err
	})
}

// addDatabase adds a copy of the database as of one moment.
func (a *archive) addDatabase(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ErrNoDatabase
	}
	folder, err := os.MkdirTemp("", "parley-backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	copied := filepath.Join(folder, databaseFile)
	if err := store.Backup(ctx, path, copied); err != nil {
		return err
	}
	return a.add(databaseFile, copied)
}

func (a *archive) add(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime().Truncate(time.Second), Format: tar.FormatPAX}
	if err := a.w.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.CopyN(a.w, f, info.Size()); err != nil {
		return err
	}
	a.names = append(a.names, name)
	return nil
}
