package chat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fileOutboxStore keeps messages in a file of lines: one for each message put
// and one for each deleted. What is deleted goes when the file is written anew.
type fileOutboxStore struct {
	path string
	file *os.File
	size int64
	// live are the messages by id, order the ids as they were put; dead counts
	// the lines that are of no use any more.
	live  map[string]OutboxMessage
	order []string
	dead  int
}

// outboxLine is one line of the file.
type outboxLine struct {
	Put    *OutboxMessage `json:"put,omitempty"`
	Delete string         `json:"delete,omitempty"`
}

const (
	// compactAfter is from how many useless lines on the file is written anew.
	compactAfter = 256
	outboxMode   = 0o600
)

// NewFileOutboxStore opens a file that keeps the messages of one Outbox, making
// it when it is not there. Only one process may use a file at a time. The file
// holds what was written, readable for its owner alone.
func NewFileOutboxStore(path string) (OutboxStore, error) {
	s := &fileOutboxStore{path: path, live: map[string]OutboxMessage{}}
	if err := s.open(); err != nil {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
		}
		return nil, fmt.Errorf("chat: outbox: %w", err)
	}
	return s, nil
}

// open reads the file. A last line that is not whole was being written when the
// process died: nobody was told that it is kept. Zero bytes are what some file
// systems leave of a write that was cut by a loss of power; JSON has none, and
// what follows them was not durable either, or they would be.
func (s *fileOutboxStore) open() error {
	var err error
	if s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, outboxMode); err != nil {
		return err
	}
	reader := bufio.NewReader(s.file)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if bytes.IndexByte(line, 0) >= 0 {
			break
		}
		var l outboxLine
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("%s, after %d bytes: %w", filepath.Base(s.path), s.size, err)
		}
		s.apply(l)
		s.size += int64(len(line))
	}
	if err := s.file.Truncate(s.size); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(s.path))
}

func (s *fileOutboxStore) apply(l outboxLine) {
	switch {
	case l.Put != nil:
		if _, known := s.live[l.Put.ClientID]; !known {
			s.order = append(s.order, l.Put.ClientID)
		} else {
			s.dead++
		}
		s.live[l.Put.ClientID] = *l.Put
	case l.Delete != "":
		if _, known := s.live[l.Delete]; known {
			delete(s.live, l.Delete)
			s.dead++ // that which put it
		}
		s.dead++
	}
}

// Load returns the messages.
func (s *fileOutboxStore) Load() ([]OutboxMessage, error) {
	list := make([]OutboxMessage, 0, len(s.live))
	left := s.order[:0]
	for _, id := range s.order {
		if m, ok := s.live[id]; ok {
			list = append(list, m)
			left = append(left, id)
		}
	}
	s.order = left
	return list, nil
}

// Put keeps a message.
func (s *fileOutboxStore) Put(m OutboxMessage) error { return s.write(outboxLine{Put: &m}, true) }

// Delete forgets a message. A deletion that is lost with the power only means
// that the message is sent again under its id, so nothing is waited for.
func (s *fileOutboxStore) Delete(clientID string) error {
	if _, known := s.live[clientID]; !known {
		return nil
	}
	if err := s.write(outboxLine{Delete: clientID}, false); err != nil {
		return err
	}
	if s.dead < compactAfter || s.dead < len(s.live) {
		return nil
	}
	return s.compact()
}

func (s *fileOutboxStore) write(l outboxLine, durable bool) error {
	if s.file == nil {
		return ErrClosed
	}
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	_, err = s.file.WriteAt(data, s.size)
	if err == nil && durable {
		err = s.file.Sync()
	}
	if err != nil {
		// Nothing of it may be found later: its sender was told that it failed.
		return errors.Join(err, s.file.Truncate(s.size))
	}
	s.size += int64(len(data))
	s.apply(l)
	return nil
}

// compact writes the file anew with what is of use.
func (s *fileOutboxStore) compact() error {
	list, err := s.Load()
	if err != nil {
		return err
	}
	var data bytes.Buffer
	for i := range list {
		line, err := json.Marshal(outboxLine{Put: &list[i]})
		if err != nil {
			return err
		}
		data.Write(append(line, '\n'))
	}
	if err := writeDurably(s.path+".new", data.Bytes()); err != nil {
		return errors.Join(err, os.Remove(s.path+".new"))
	}
	// Some systems replace no file that is open.
	err = s.file.Close()
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err == nil {
		// From here on it is the new file, whatever fails: the next line goes
		// behind its end, without a hole before it.
		s.size, s.dead = int64(data.Len()), 0
		err = syncFolder(filepath.Dir(s.path))
	}
	var reopened error
	s.file, reopened = os.OpenFile(s.path, os.O_RDWR, outboxMode)
	if reopened != nil {
		s.file = nil
	}
	return errors.Join(err, reopened)
}

func writeDurably(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, outboxMode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder makes a name in a folder durable. Where folders cannot be synced
// it is the system's matter.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return errors.Join(err, folder.Close())
}

// Close closes the file.
func (s *fileOutboxStore) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
