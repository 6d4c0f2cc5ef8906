package server

import (
	"context"
	"fmt"

	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/eventgrid"
	"github.com/parley-rtc/parley/server/guid"
)

// openChat opens the threads. What happens in them is told to webhooks.
func (s *Server) openChat() error {
	var err error
	s.chat, err = chat.Open(chat.Options{
		Store: s.store, Bus: chatBus{s.bus}, Users: s.identity, Now: s.options.Now, Logger: s.logger,
		Notifier: notifiers{eventgrid.NewChat(eventgrid.Options{Webhooks: s.webhooks, Source: s.sourceOf}), s.push},
	})
	if err != nil {
		return err
	}
	return s.startPush()
}

// chatBus gives chat the bus as the interface that it asks for.
type chatBus struct{ *bus.Bus }

func (b chatBus) Subscribe(subject string, handler func(subject string, data []byte)) (chat.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// sourceOf returns the path of a resource in the resource manager, for events.
func (s *Server) sourceOf(id guid.GUID) (string, bool) {
	r := s.resources.ByID(id)
	if r == nil {
		return "", false
	}
	return r.Path(), true
}

// userDeleted takes a user who is gone out of all that he was in.
func (s *Server) userDeleted(ctx context.Context, resource guid.GUID, user string) error {
	if err := s.chat.RemoveUser(ctx, resource, user); err != nil {
		return fmt.Errorf("threads of a deleted user: %w", err)
	}
	if err := s.push.RemoveUser(ctx, user); err != nil {
		return fmt.Errorf("devices of a deleted user: %w", err)
	}
	return nil
}
