package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// opusURL is where the Opus project has its releases.
const opusURL = "https://downloads.xiph.org/releases/opus/opus-%s.tar.gz"

// opus is libopus, told from the archive of its source that it was built from
// (scripts/opus-source): Go's linker knows nothing of it.
func opus(archive string) (part, error) {
	data, err := os.ReadFile(archive)
	if err != nil {
		return part{}, err
	}
	version, text, err := opusLicense(data)
	if err != nil {
		return part{}, fmt.Errorf("%s: %w", archive, err)
	}
	sum := sha256.Sum256(data)
	p := part{
		path: "libopus", version: version, texts: []string{text}, license: classify(text), sha256: hex.EncodeToString(sum[:]),
		purl: "pkg:generic/opus@" + version + "?download_url=" + fmt.Sprintf(opusURL, version),
	}
	if p.license == "" {
		return part{}, fmt.Errorf("%s: its license is none of those that are known here", archive)
	}
	return p, nil
}

// opusLicense finds the version, which is in the name of the folder, and the
// text of the license.
func opusLicense(archive []byte) (version, text string, err error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return "", "", err
	}
	files := tar.NewReader(unzipped)
	for {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return "", "", errors.New("no license in it")
		}
		if err != nil {
			return "", "", err
		}
		folder, name, _ := strings.Cut(head.Name, "/")
		if version, ok := strings.CutPrefix(folder, "opus-"); ok && name == "COPYING" {
			text, err := io.ReadAll(io.LimitReader(files, 1<<20))
			return version, string(text), err
		}
	}
}
