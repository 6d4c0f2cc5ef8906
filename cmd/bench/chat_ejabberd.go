package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"

	_ "modernc.org/sqlite" // makes the file of ejabberd's archive

	"github.com/parley-rtc/parley/cmd/bench/internal/xmpp"
)

// The names of the systems beside the service.
const (
	ejabberdSQLite = "ejabberd, SQLite"
	ejabberdMnesia = "ejabberd, Mnesia"
	natsDurable    = "JetStream"
	natsCore       = "NATS"
)

const (
	xmppDomain   = "localhost"
	xmppRooms    = "conference.localhost"
	xmppPassword = "no secret"
)

// ejabberd is the distribution's, on free ports of this machine alone, with
// its archive on, run from a folder of its own without Erlang's distribution:
// no epmd is started and none is needed.
type ejabberd struct {
	rival
	durable     bool
	libraries   string // ERL_LIBS
	schema      string // of the archive in SQLite
	client      *http.Client
	plain, tls  string // addresses of its listeners
	api         string
	certificate *certificate
	users       atomic.Int64 // registered so far
	rooms       atomic.Int64
}

// startEjabberd starts one with its archive in SQLite or in Mnesia.
func startEjabberd(ctx context.Context, durable bool) (_ *ejabberd, err error) {
	s := &ejabberd{durable: durable, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: openers}, Timeout: callTime}}
	s.clean = s.client.CloseIdleConnections
	if err := s.find(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "parley-bench-ejabberd-"); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if s.certificate, err = newCertificate(s.folder); err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// find looks where the Debian packages keep things.
func (s *ejabberd) find() error {
	if _, err := exec.LookPath("erl"); err != nil {
		return fmt.Errorf("%w: install ejabberd (scripts/setup bench)", errNotHere)
	}
	found, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")
	if err != nil || len(found) == 0 {
		return fmt.Errorf("%w: install ejabberd (scripts/setup bench)", errNotHere)
	}
	s.libraries = filepath.Dir(filepath.Dir(filepath.Dir(found[0])))
	if !s.durable {
		return nil
	}
	driver, err := filepath.Glob("/usr/lib/erlang/lib/*sqlite3-*/ebin/sqlite3.app")
	s.schema = filepath.Join(filepath.Dir(filepath.Dir(found[0])), "priv/sql/lite.sql")
	if _, none := os.Stat(s.schema); err != nil || none != nil || len(driver) == 0 {
		return fmt.Errorf("%w: install erlang-p1-sqlite3 (scripts/setup bench)", errNotHere)
	}
	return nil
}

func (s *ejabberd) name() string {
	if s.durable {
		return ejabberdSQLite
	}
	return ejabberdMnesia
}

// freePort returns a port that was free a moment ago; ejabberd takes no other.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// configure writes the configuration: no limits of rate, and nothing that a
// conversation does not need, so that nothing is slower than it must be.
func (s *ejabberd) configure(data string) (string, error) {
	var ports [3]int
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return "", err
		}
	}
	address := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	s.plain, s.tls, s.api = address(ports[0]), address(ports[1]), "http://"+address(ports[2])+"/api/"
	type object = map[string]any
	listener := func(port int, module string, more object) object {
		more["port"], more["ip"], more["module"] = port, "127.0.0.1", module
		return more
	}
	archive := object{"default": "always", "assume_mam_usage": true}
	config := object{
		"hosts": []string{xmppDomain}, "loglevel": "warning", "log_rotate_count": 0,
		"certfiles": []string{s.certificate.both}, "auth_password_format": "plain",
		"listen": []object{
			listener(ports[0], "ejabberd_c2s", object{"access": "all", "shaper": "none", "backlog": 1024}),
			listener(ports[1], "ejabberd_c2s", object{"access": "all", "shaper": "none", "backlog": 1024, "tls": true}),
			listener(ports[2], "ejabberd_http", object{"request_handlers": object{"/api": "mod_http_api"}}),
		},
		"api_permissions": object{"loopback": object{"who": object{"ip": "127.0.0.1/8"}, "what": "*"}},
		"modules": object{
			"mod_admin_extra": object{}, "mod_disco": object{}, "mod_http_api": object{}, "mod_mam": archive,
			"mod_ping": object{}, "mod_roster": object{},
			"mod_muc": object{
				"access_create": "all", "access_mam": "all", "max_users": 4 * manyMembers,
				"default_room_options": object{"mam": true, "max_users": 4 * manyMembers},
			},
		},
	}
	if s.durable {
		archive["db_type"] = "sql"
		config["sql_type"], config["sql_database"] = "sqlite", filepath.Join(data, "archive.db")
	}
	text, err := json.Marshal(config) // JSON is YAML
	if err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	file := filepath.Join(data, "ejabberd.yml")
	return file, os.WriteFile(file, text, 0o600)
}

// archive makes the file of the archive in SQLite with the tables of the
// package. Write-ahead logging stays with the file: one write to the disk for
// each commit, as the service does it, where ejabberd alone would take more.
func (s *ejabberd) archive(ctx context.Context, path string) error {
	tables, err := os.ReadFile(s.schema)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	if err == nil {
		_, err = db.ExecContext(ctx, string(tables))
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// start runs ejabberd on an empty folder.
func (s *ejabberd) start(ctx context.Context) error {
	data, err := os.MkdirTemp(s.folder, "data-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	config, err := s.configure(data)
	if err != nil {
		return err
	}
	if s.durable {
		if err := s.archive(ctx, filepath.Join(data, "archive.db")); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer log.Close()
	// As ejabberdctl starts it, but for the node's name. Schedulers that find no
	// work sleep at once: their turning would count as work.
	cmd := exec.CommandContext(ctx, "erl", "-noinput", "+K", "true", "+P", "250000", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
		"-mnesia", "dir", fmt.Sprintf("%q", data), "-s", "ejabberd")
	cmd.Dir = data
	cmd.Env = append(os.Environ(), "ERL_LIBS="+s.libraries, "ERL_MAX_PORTS=32000", "HOME="+data, "ERL_CRASH_DUMP_BYTES=0",
		"EJABBERD_CONFIG_PATH="+config, "EJABBERD_LOG_PATH="+filepath.Join(data, "ejabberd.log"))
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = launch(cmd); err != nil {
		return err
	}
	s.client.CloseIdleConnections() // of the one before it
	s.users.Store(0)
	return s.ready(ctx, log.Name(), func() error { return s.register(ctx, 1) })
}

// register makes n more users.
func (s *ejabberd) register(ctx context.Context, n int) error {
	first := int(s.users.Load())
	err := each(n, func(i int) error {
		body, err := json.Marshal(map[string]string{"user": xmppUser(first + i), "host": xmppDomain, "password": xmppPassword})
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api+"register", bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := s.client.Do(req)
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		defer res.Body.Close()
		said, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("register: %s %.300s %w", res.Status, said, err)
		}
		return nil
	})
	if err == nil {
		s.users.Add(int64(n))
	}
	return err
}

func xmppUser(n int) string { return fmt.Sprint("user-", n) }

// connect signs a user in.
func (s *ejabberd) connect(ctx context.Context, user int, secure bool, heard func(xmpp.Message)) (*xmpp.Client, error) {
	address, trust := s.plain, (*tls.Config)(nil)
	if secure {
		address, trust = s.tls, s.certificate.trust
	}
	return xmpp.Dial(ctx, &xmpp.Options{
		Address: address, TLS: trust, Domain: xmppDomain, User: xmppUser(user), Password: xmppPassword, Resource: "bench", Heard: heard,
	})
}

// members registers and connects new users; a message that the archive did not
// take is trouble.
func (s *ejabberd) members(ctx context.Context, n int, t *tally) ([]*xmpp.Client, error) {
	first := int(s.users.Load())
	if err := s.register(ctx, n); err != nil {
		return nil, err
	}
	heard := func(m xmpp.Message) {
		if !m.Archived {
			t.accepted(fmt.Errorf("ejabberd: a message that is in no archive: %.100s", m.Body))
		}
		t.heard(m.Body)
	}
	all := make([]*xmpp.Client, 0, n)
	for i := range n {
		c, err := s.connect(ctx, first+i, false, heard)
		if err != nil {
			return nil, errors.Join(err, hangUp(all))
		}
		all = append(all, c)
	}
	return all, nil
}

func hangUp(all []*xmpp.Client) error {
	errs := make([]error, 0, len(all))
	for _, c := range all {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// pair lets two users write to each other (RFC 6121 5); the archives of both
// keep each message.
func (s *ejabberd) pair(ctx context.Context) (*conversation, error) {
	t := newTally(1, 0)
	two, err := s.members(ctx, 2, t)
	if err != nil {
		return nil, err
	}
	return &conversation{
		tally: t, close: func() error { return hangUp(two) },
		say:  func(n int, text string) error { return two[n%2].Say(two[(n+1)%2].JID(), xmpp.Chat, text) },
		kept: func(ctx context.Context) (int, error) { return two[0].Archived(ctx, "") },
	}, nil
}

// room is one of XEP-0045; its archive keeps each message once.
func (s *ejabberd) room(ctx context.Context, members int) (*conversation, error) {
	t := newTally(members, 0)
	all, err := s.members(ctx, members, t)
	if err != nil {
		return nil, err
	}
	room := fmt.Sprintf("room-%d@%s", s.rooms.Add(1), xmppRooms)
	for i, c := range all {
		if err := c.Join(ctx, room, xmppUser(i)); err != nil {
			return nil, errors.Join(err, hangUp(all))
		}
	}
	return &conversation{
		tally: t, close: func() error { return hangUp(all) },
		say:  func(n int, text string) error { return all[n%len(all)].Say(room, xmpp.Groupchat, text) },
		kept: func(ctx context.Context) (int, error) { return all[0].Archived(ctx, room) },
	}, nil
}

// crowd starts ejabberd afresh with n users, who will each be available on one
// connection.
func (s *ejabberd) crowd(ctx context.Context, n int, secure bool) (crowd, error) {
	if err := s.stop(); err != nil {
		return crowd{}, err
	}
	if err := s.start(ctx); err != nil {
		return crowd{}, err
	}
	first := int(s.users.Load())
	if err := s.register(ctx, n); err != nil {
		return crowd{}, err
	}
	all := make([]*xmpp.Client, n)
	return crowd{
		open: func(ctx context.Context) error {
			return each(n, func(i int) (err error) {
				all[i], err = s.connect(ctx, first+i, secure, nil)
				return err
			})
		},
		close: func() error { return hangUp(all) },
	}, nil
}
