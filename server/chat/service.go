package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Bus is what chat needs of the message bus.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handler func(subject string, data []byte)) (Subscription, error)
}

// Subscription is a running subscription of a Bus.
type Subscription interface {
	Close() error
}

// Users knows which users there are.
type Users interface {
	// Existing returns those of the raw ids that are users of the resource.
	Existing(ctx context.Context, resource guid.GUID, users []string) (map[string]bool, error)
}

// Options configure the service of chat. Store, Bus and Users are required.
type Options struct {
	Store *store.Store
	Bus   Bus
	Users Users
	// Alone says that the bus leads to no other node: events are handed out
	// without it.
	Alone bool
	// Notifier tells others what happens in threads; nil is nobody.
	Notifier Notifier
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger hears of failures; nil is silent. Nothing that was written in a
	// thread reaches it.
	Logger *slog.Logger
	// Housekeeping is how often threads past their retention are looked for.
	// Zero: every minute.
	Housekeeping time.Duration
}

// Service keeps the threads. Its methods may be called from any goroutine.
type Service struct {
	options Options
	hub     *Hub
	cancel  context.CancelFunc
	running sync.WaitGroup
	scaling sync.Mutex // over pictures that are unpacked
}

const defaultHousekeeping = time.Minute

// Open starts the service. Close it when done.
func Open(options Options) (*Service, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Housekeeping == 0 {
		options.Housekeeping = defaultHousekeeping
	}
	s := &Service{options: options}
	var err error
	if s.hub, err = newHub(s); err != nil {
		return nil, fmt.Errorf("chat: open: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Go(func() { s.keepHouse(ctx) })
	return s, nil
}

// Hub hands out events.
func (s *Service) Hub() *Hub { return s.hub }

// Close ends the service. It is idempotent.
func (s *Service) Close() error {
	s.cancel()
	s.running.Wait()
	return s.hub.close()
}

// keepHouse deletes threads whose retention is over.
func (s *Service) keepHouse(ctx context.Context) {
	tick := time.NewTicker(s.options.Housekeeping)
	defer tick.Stop()
	for {
		if err := s.Expire(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Error("threads past their retention", "error", err)
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Error("images that are gone", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// write runs f in a transaction. Whoever asked may go away meanwhile: what became
// true is told to the others all the same.
func (s *Service) write(ctx context.Context, f func(tx *store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	return s.options.Store.Write(context.WithoutCancel(ctx), f)
}

func (s *Service) now() time.Time { return s.options.Now() }

// stamp is a moment as the database has it.
func (s *Service) stamp() int64 { return s.now().UnixMilli() }

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return "" // maps and structs of strings: cannot happen
	}
	if string(data) == "null" {
		return ""
	}
	return string(data)
}

func decode(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// checkText refuses what databases do not take in a text. JSON with it does not
// come this far, other bodies do.
func checkText(texts ...string) error {
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			return refuse(KindInvalid, "A text has the character U+0000, which is not allowed.")
		}
	}
	return nil
}

// checkMetadata bounds metadata.
func checkMetadata(metadata map[string]string) error {
	size := 0
	for name, value := range metadata {
		if name == "" {
			return refuse(KindInvalid, "A metadata name is empty.")
		}
		if err := checkText(name, value); err != nil {
			return err
		}
		size += len(name) + len(value)
	}
	if size > MaxMetadata {
		return refuse(KindTooLarge, "The metadata is larger than %d bytes.", MaxMetadata)
	}
	return nil
}

// patchMetadata merges a patch: an empty or absent value deletes a name, as
// ACS does.
func patchMetadata(old map[string]string, patch map[string]*string) (map[string]string, error) {
	merged := make(map[string]string, len(old)+len(patch))
	for name, value := range old {
		merged[name] = value
	}
	for name, value := range patch {
		if value == nil || *value == "" {
			delete(merged, name)
			continue
		}
		merged[name] = *value
	}
	return merged, checkMetadata(merged)
}

// clean leaves out names without a value.
func clean(metadata map[string]string) map[string]string {
	merged := make(map[string]string, len(metadata))
	for name, value := range metadata {
		if value != "" {
			merged[name] = value
		}
	}
	return merged
}
