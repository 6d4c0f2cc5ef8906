// Package atomicfile writes small files so that a reader, and the next start
// after a crash, sees either the old contents or the new ones, whole.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write puts data into the file at path with the given mode. It is durable when
// Write returns.
func Write(path string, data []byte, mode os.FileMode) error {
	if err := write(path, data, mode, true); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Replace is Write for files that the next start makes anew: readers see whole
// files, but a power cut may take the file away. It costs no disk flush.
func Replace(path string, data []byte, mode os.FileMode) error {
	return write(path, data, mode, false)
}

func write(path string, data []byte, mode os.FileMode, durable bool) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	if err := fill(f, data, mode, durable); err != nil {
		return errors.Join(fmt.Errorf("atomicfile: %w", err), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("atomicfile: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func fill(f *os.File, data []byte, mode os.FileMode, durable bool) error {
	// CreateTemp made it for the owner only, so nobody reads it before this.
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the new name durable. Systems that cannot sync a folder order
// the rename themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	_ = d.Sync()
	if err := d.Close(); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}
