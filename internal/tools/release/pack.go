package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// entry is a file, a folder or a link that is packed.
type entry struct {
	// name is with slashes, path where it lies, link what a link names.
	name, path, link string
	folder, program  bool
	size             int64
}

// mode is 0644 or 0755: what the umask of a machine has made of a file is not
// its own.
func (e *entry) mode() fs.FileMode {
	switch {
	case e.link != "":
		return 0o777
	case e.folder, e.program:
		return 0o755
	}
	return 0o644
}

// packer takes entries into an archive.
type packer interface {
	add(e *entry) (io.Writer, error)
	close() error
}

// pack puts what lies under root/name, with names from root on, into a
// .tar.gz or .zip: the same files give the same archive on every system, which
// the tar and zip of Linux and macOS do not agree on.
func pack(archive string, when time.Time, root, name string) (err error) {
	entries, err := list(root, name)
	if err != nil {
		return err
	}
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var p packer
	switch {
	case strings.HasSuffix(archive, ".tar.gz"):
		zipped, err := gzip.NewWriterLevel(file, gzip.BestCompression)
		if err != nil {
			return err
		}
		p = &tarPacker{when, tar.NewWriter(zipped), zipped}
	case strings.HasSuffix(archive, ".zip"):
		p = &zipPacker{when.UTC(), zip.NewWriter(file)}
	default:
		return fmt.Errorf("pack: %s is neither .tar.gz nor .zip", archive)
	}
	for _, e := range entries {
		if err := put(p, e); err != nil {
			return fmt.Errorf("pack: %s: %w", e.path, err)
		}
	}
	return p.close()
}

// list finds all entries, in the order of their names.
func list(root, name string) ([]*entry, error) {
	var entries []*entry
	err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil || relative == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := &entry{name: filepath.ToSlash(relative), path: path, folder: d.IsDir(), program: info.Mode()&0o111 != 0}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			if e.link, err = os.Readlink(path); err != nil {
				return err
			}
		case d.Type().IsRegular():
			e.size = info.Size()
		case !d.IsDir():
			return fmt.Errorf("%s is no file", path)
		}
		entries = append(entries, e)
		return nil
	})
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("nothing in %s", filepath.Join(root, name))
	}
	return entries, err
}

// put adds an entry with what is in it.
func put(p packer, e *entry) error {
	w, err := p.add(e)
	if err != nil || e.folder {
		return err
	}
	if e.link != "" {
		// A tar has the link in its head, and takes no content.
		if w == nil {
			return nil
		}
		_, err = io.WriteString(w, e.link)
		return err
	}
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}

type tarPacker struct {
	when   time.Time
	tar    *tar.Writer
	zipped io.Closer
}

func (p *tarPacker) add(e *entry) (io.Writer, error) {
	head := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: e.size, Mode: int64(e.mode()), ModTime: p.when}
	switch {
	case e.folder:
		head.Typeflag, head.Name = tar.TypeDir, e.name+"/"
	case e.link != "":
		head.Typeflag, head.Linkname = tar.TypeSymlink, e.link
		return nil, p.tar.WriteHeader(head)
	}
	return p.tar, p.tar.WriteHeader(head)
}

func (p *tarPacker) close() error { return errors.Join(p.tar.Close(), p.zipped.Close()) }

type zipPacker struct {
	when time.Time
	zip  *zip.Writer
}

func (p *zipPacker) add(e *entry) (io.Writer, error) {
	head := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: p.when}
	mode := e.mode()
	switch {
	case e.folder:
		head.Name, head.Method, mode = e.name+"/", zip.Store, mode|fs.ModeDir
	case e.link != "":
		mode |= fs.ModeSymlink
	}
	head.SetMode(mode)
	return p.zip.CreateHeader(head)
}

func (p *zipPacker) close() error { return p.zip.Close() }

// writeSums writes the checksums of all files of a folder into its SHA256SUMS,
// as `sha256sum -c` reads them, and returns them.
func writeSums(folder string) (string, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	const sums = "SHA256SUMS"
	var all strings.Builder
	for _, f := range files {
		if f.Name() == sums || f.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%x  %s\n", sha256.Sum256(data), f.Name())
	}
	return all.String(), os.WriteFile(filepath.Join(folder, sums), []byte(all.String()), 0o644)
}
