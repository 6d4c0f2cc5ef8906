package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// natsServer is the floor: a nats-server, built from the module that go.mod
// names. Core NATS keeps nothing; with JetStream each message is in a file, and
// the file on the disk, before it is answered and delivered.
type natsServer struct {
	rival
	program     string
	durable     bool
	address     string
	made        atomic.Int64 // conversations
	certificate *certificate
	secure      bool
}

const natsStream = "bench"

func startNATS(ctx context.Context, durable bool) (_ *natsServer, err error) {
	s := &natsServer{durable: durable}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.folder, err = os.MkdirTemp("", "parley-bench-nats-"); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s.program, s.clean, err = program(ctx, "nats-server", "", "github.com/nats-io/nats-server/v2")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotHere, err)
	}
	if s.certificate, err = newCertificate(s.folder); err != nil {
		return nil, err
	}
	return s, s.start(ctx, false)
}

func (s *natsServer) name() string {
	if s.durable {
		return natsDurable
	}
	return natsCore
}

// start runs the server on a free port.
func (s *natsServer) start(ctx context.Context, secure bool) error {
	s.secure = secure
	config := fmt.Sprintf("listen: %q\nports_file_dir: %q\nmax_pending: 64MB\n", "127.0.0.1:-1", s.folder)
	if s.durable {
		config += fmt.Sprintf("jetstream { store_dir: %q, sync_interval: always }\n", filepath.Join(s.folder, "data"))
	}
	if secure {
		config += fmt.Sprintf("tls { cert_file: %q, key_file: %q }\n", s.certificate.chain, s.certificate.key)
	}
	file, log := filepath.Join(s.folder, "nats.conf"), filepath.Join(s.folder, "log")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return fmt.Errorf("nats-server: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.program, "-c", file, "-l", log) //nolint:gosec // G204: built above
	cmd.Stdout = os.Stderr
	cmd.Stderr = os.Stderr
	var err error
	if s.process, err = launch(cmd); err != nil {
		return err
	}
	ports := filepath.Join(s.folder, fmt.Sprintf("nats-server_%d.ports", s.process.cmd.Process.Pid))
	err = s.ready(ctx, log, func() error {
		var said struct {
			NATS []string `json:"nats"`
		}
		data, err := os.ReadFile(ports)
		if err == nil {
			err = json.Unmarshal(data, &said)
		}
		if err != nil || len(said.NATS) == 0 {
			return fmt.Errorf("it has not said its address: %w", err)
		}
		s.address = said.NATS[0]
		return nil
	})
	if err != nil || !s.durable {
		return err
	}
	return s.with(func(js nats.JetStreamContext) error {
		_, err := js.AddStream(&nats.StreamConfig{Name: natsStream, Subjects: []string{"room.*"}, Storage: nats.FileStorage})
		return err
	})
}

// with manages JetStream over a connection of its own.
func (s *natsServer) with(do func(nats.JetStreamContext) error) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	js, err := c.JetStream()
	if err == nil {
		err = do(js)
	}
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	return nil
}

func (s *natsServer) connect() (*nats.Conn, error) {
	options := []nats.Option{nats.NoReconnect(), nats.Timeout(callTime)}
	if s.secure {
		options = append(options, nats.Secure(s.certificate.trust))
	}
	c, err := nats.Connect(s.address, options...)
	if err != nil {
		return nil, fmt.Errorf("nats-server: %w", err)
	}
	return c, nil
}

func (s *natsServer) pair(ctx context.Context) (*conversation, error) { return s.room(ctx, 2) }

// room subscribes members to a subject, or to what one consumer delivers.
func (s *natsServer) room(_ context.Context, members int) (*conversation, error) {
	number := s.made.Add(1)
	subject := fmt.Sprintf("room.%d", number)
	heard, answers := subject, 0
	if s.durable {
		heard, answers = fmt.Sprintf("heard.%d", number), 1
	}
	t := newTally(members, answers)
	m := &natsMembers{tally: t, conns: make([]*nats.Conn, 0, members)}
	for range members {
		c, err := s.connect()
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		m.conns = append(m.conns, c)
		if err := m.subscribe(c, heard, s.durable); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	talk := &conversation{tally: t, close: m.close, say: func(n int, text string) error { return m.say(subject, n, text) }}
	if !s.durable {
		return talk, nil
	}
	talk.kept = func(context.Context) (int, error) { return s.kept(subject) }
	err := s.with(func(js nats.JetStreamContext) error {
		_, err := js.AddConsumer(natsStream, &nats.ConsumerConfig{
			DeliverSubject: heard, FilterSubject: subject, AckPolicy: nats.AckNonePolicy, DeliverPolicy: nats.DeliverNewPolicy, MemoryStorage: true,
		})
		return err
	})
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return talk, nil
}

// kept returns how many messages the stream holds for a subject.
func (s *natsServer) kept(subject string) (n int, err error) {
	err = s.with(func(js nats.JetStreamContext) error {
		info, err := js.StreamInfo(natsStream, &nats.StreamInfoRequest{SubjectsFilter: subject})
		if err == nil {
			n = int(info.State.Subjects[subject]) //nolint:gosec // G115: a count of ours
		}
		return err
	})
	return n, err
}

// natsMembers are the connections of the members.
type natsMembers struct {
	tally   *tally
	conns   []*nats.Conn
	inboxes []string
}

func (m *natsMembers) subscribe(c *nats.Conn, subject string, durable bool) error {
	_, err := c.Subscribe(subject, func(msg *nats.Msg) { m.tally.heard(string(msg.Data)) })
	if err == nil && durable {
		inbox := c.NewInbox()
		m.inboxes = append(m.inboxes, inbox)
		_, err = c.Subscribe(inbox, func(msg *nats.Msg) { m.tally.accepted(published(msg.Data)) })
	}
	if err == nil {
		err = c.FlushTimeout(callTime)
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// published reads JetStream's answer to a message.
func published(data []byte) error {
	var answer struct {
		Sequence uint64          `json:"seq"`
		Error    json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Sequence == 0 {
		return fmt.Errorf("JetStream: %s", data)
	}
	return nil
}

// say publishes the n-th message; the client's library writes it at once when
// nothing else waits.
func (m *natsMembers) say(subject string, n int, text string) error {
	from := n % len(m.conns)
	if m.inboxes == nil {
		return m.conns[from].Publish(subject, []byte(text))
	}
	return m.conns[from].PublishRequest(subject, m.inboxes[from], []byte(text))
}

func (m *natsMembers) close() error {
	for _, c := range m.conns {
		c.Close()
	}
	return nil
}

// crowd starts the server afresh and returns what opens idle connections, each
// with a subscription of its own.
func (s *natsServer) crowd(ctx context.Context, n int, secure bool) (crowd, error) {
	if err := s.stop(); err != nil {
		return crowd{}, err
	}
	if err := s.start(ctx, secure); err != nil {
		return crowd{}, err
	}
	conns := make([]*nats.Conn, n)
	return crowd{
		open: func(context.Context) error {
			return each(n, func(i int) (err error) {
				if conns[i], err = s.connect(); err != nil {
					return err
				}
				if _, err = conns[i].Subscribe(fmt.Sprintf("user.%d", i), func(*nats.Msg) {}); err != nil {
					return fmt.Errorf("subscribe: %w", err)
				}
				return conns[i].FlushTimeout(callTime)
			})
		},
		close: func() error {
			for _, c := range conns {
				if c != nil {
					c.Close()
				}
			}
			return nil
		},
	}, nil
}
