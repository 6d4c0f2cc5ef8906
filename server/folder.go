package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-rtc/parley/server/atomicfile"
	"github.com/parley-rtc/parley/server/guid"
)

// Names of what a service keeps in its data folder, beside the certificate
// authority.
const (
	connectionFile = "connection.json"
	databaseFile   = "parley.db"
	lockFile       = "lock"
	portsFile      = "ports.json"
	nodeFile       = "node"
)

// folder is the data folder while this service uses it.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes the folder when it does not exist and takes its lock, which
// ends with the process however it ends.
func openFolder(path string) (*folder, error) {
	if path == "" {
		return nil, errors.New("no data folder given")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Keys are in here.
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockExclusive(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrInUse, err), lock.Close())
	}
	f := &folder{path: path, lock: lock}
	// Whoever waits for the file must not find that of the service before.
	if err := f.removeConnection(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

func (f *folder) writeConnection(c *Connection) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Replace(f.file(connectionFile), append(data, '\n'), 0o600)
}

func (f *folder) removeConnection() error {
	if err := os.Remove(f.file(connectionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// close gives the folder back.
func (f *folder) close() error { return f.lock.Close() }

// ports are those that the last service on the folder listened on.
type ports struct {
	HTTP  int `json:"http"`
	HTTPS int `json:"https"`
	TURN  int `json:"turn"`
}

// lastPorts returns zeros when there was no service or its file is not whole.
func (f *folder) lastPorts() ports {
	var p ports
	data, err := os.ReadFile(f.file(portsFile))
	if err != nil || json.Unmarshal(data, &p) != nil {
		return ports{}
	}
	return p
}

func (f *folder) keepPorts(p ports) error {
	if p == f.lastPorts() {
		return nil
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.Replace(f.file(portsFile), data, 0o600)
}

// node returns the name of the service on this folder among those that share a
// database, made once.
func (f *folder) node() (string, error) {
	data, err := os.ReadFile(f.file(nodeFile))
	if err == nil {
		if id, err := guid.Parse(strings.TrimSpace(string(data))); err == nil {
			return id.String(), nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := guid.New().String()
	return id, atomicfile.Replace(f.file(nodeFile), []byte(id+"\n"), 0o600)
}
