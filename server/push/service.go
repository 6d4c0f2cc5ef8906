package push

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

const (
	// messageLife is how long a message is tried, and how long the platform tries.
	messageLife = time.Hour
	// lease is how long nobody else tries a job that a node is at.
	lease     = 2 * time.Minute
	scanEvery = time.Second
	workers   = 16
	jobTime   = time.Minute
)

// Threads is what push asks of the threads.
type Threads interface {
	// Told returns a message with the raw ids of the members who may see it; an
	// error of chat.KindNotFound when it is not there, or was deleted.
	Told(ctx context.Context, resource guid.GUID, thread string, message int64) (chat.Message, []string, error)
}

// Options configure the service. Store is required.
type Options struct {
	Store *store.Store
	// Senders are those of the platforms; without any, nothing is ever sent.
	Senders map[Platform]Sender
	// Content tells that the beginning of a text is sent, not only who wrote it.
	Content bool
	// Alone says that no other node uses the store.
	Alone bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger hears of what an operator can mend; nil is silent. Neither tokens nor
	// texts reach it.
	Logger *slog.Logger
}

// Stats are counts since the start of this node.
type Stats struct{ Sent, Failed, Forgotten int64 }

// Service wakes devices. Its methods may be called from any goroutine.
type Service struct {
	options Options
	threads Threads
	present func(ctx context.Context, users []string) map[string]bool
	wake    chan struct{}
	cancel  context.CancelFunc
	life    context.Context //nolint:containedctx // that of what calls start here
	running sync.WaitGroup

	sent, failed, forgotten, busy atomic.Int64

	// resources are those with devices; nil: not read yet.
	resources atomic.Pointer[map[guid.GUID]bool]
	learning  sync.Mutex

	closing sync.Mutex
	closed  bool // under closing; then nothing new runs
}

// Open makes the service. Start it, and Close it when done.
func Open(options Options) *Service {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{options: options, wake: make(chan struct{}, 1), cancel: cancel, life: ctx}
}

// Start begins to tell of messages. present returns those of users who have a
// connection, on any node. Call it once.
func (s *Service) Start(threads Threads, present func(ctx context.Context, users []string) map[string]bool) {
	s.threads, s.present = threads, present
	s.begin(s.work)
}

// Close stops sending; what was under way is sent again by the next start or
// another node. It is idempotent.
func (s *Service) Close() {
	s.closing.Lock()
	s.closed = true
	s.closing.Unlock()
	s.cancel()
	s.running.Wait()
	for _, sender := range s.options.Senders {
		if c, ok := sender.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

// Stats returns the counts.
func (s *Service) Stats() Stats {
	return Stats{Sent: s.sent.Load(), Failed: s.failed.Load(), Forgotten: s.forgotten.Load()}
}

// begin runs f beside others until it ends; Close waits for it. It reports
// false when the service is closed.
func (s *Service) begin(f func(ctx context.Context)) bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return false
	}
	s.running.Go(func() { f(s.life) })
	return true
}

// learn reads which resources have devices.
func (s *Service) learn(ctx context.Context) error {
	s.learning.Lock() // what is read later is kept later
	defer s.learning.Unlock()
	known := map[guid.GUID]bool{}
	err := s.options.Store.Read(ctx, func(q store.Querier) error {
		rows, err := q.Query("SELECT DISTINCT resource_id FROM push_devices")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			if err := rows.Scan(&id); err != nil {
				return err
			}
			if len(id) == len(guid.GUID{}) {
				known[guid.GUID(id)] = true
			}
		}
		return rows.Err()
	})
	if err == nil {
		s.resources.Store(&known)
	}
	return err
}

// relearn reads it again after a change that is durable.
func (s *Service) relearn(ctx context.Context) {
	s.resources.Store(nil)
	s.note(ctx, s.learn(context.WithoutCancel(ctx)))
}

// wanted tells whether a resource may have devices.
func (s *Service) wanted(resource guid.GUID) bool {
	if len(s.options.Senders) == 0 {
		return false
	}
	known := s.resources.Load()
	return known == nil || (*known)[resource]
}

// Known tells whether this node knows that a resource has devices. One that was
// registered at another node is known within a second.
func (s *Service) Known(resource guid.GUID) bool {
	known := s.resources.Load()
	return known != nil && (*known)[resource]
}

func (s *Service) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.options.Logger.Warn("push", "error", err)
	}
}

// work sends until the service closes.
func (s *Service) work(ctx context.Context) {
	if len(s.options.Senders) == 0 {
		return
	}
	if s.options.Alone {
		s.note(ctx, s.free(ctx))
	}
	s.note(ctx, s.learn(ctx))
	scan := time.NewTicker(scanEvery)
	defer scan.Stop()
	for ctx.Err() == nil {
		more, err := s.round(ctx)
		s.note(ctx, err)
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-scan.C:
			if !s.options.Alone || s.resources.Load() == nil {
				s.note(ctx, s.learn(ctx))
			}
		}
	}
}

// free takes away the leases of an earlier start.
func (s *Service) free(ctx context.Context) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE push_jobs SET leased_until = 0 WHERE leased_until > 0")
		return err
	})
}

// Notify writes down that a message may have to be told. It is a chat.Notifier's.
func (s *Service) Notify(tx *store.Tx, n *chat.Notice) error {
	e := n.Event
	if e.Kind != chat.EventMessageReceived || !s.wanted(n.Resource) {
		return nil
	}
	now := s.options.Now()
	return insertJob(tx, &job{
		resource: n.Resource, thread: e.Thread, message: e.Message.ID, next: now.UnixMilli(), expires: now.Add(messageLife).UnixMilli(),
	})
}

// Committed lets the service look for what was written down.
func (s *Service) Committed(e *chat.Event) {
	if e.Kind != chat.EventMessageReceived {
		return
	}
	s.look()
}

// look wakes what looks for jobs.
func (s *Service) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

var _ chat.Notifier = (*Service)(nil)
