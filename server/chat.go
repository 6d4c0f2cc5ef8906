package server

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/chatlink"
	"github.com/parley-rtc/parley/server/eventgrid"
	"github.com/parley-rtc/parley/server/guid"
)

// openChat opens the threads. What happens in them is told to webhooks.
func (s *Server) openChat() error {
	var err error
	s.chat, err = chat.Open(chat.Options{
		Store: s.store, Bus: chatBus{s.bus}, Alone: s.options.NATS == "", Users: s.identity, Now: s.options.Now, Logger: s.logger,
		Notifier: notifiers{eventgrid.NewChat(eventgrid.Options{Webhooks: s.webhooks, Source: s.sourceOf}), s.push},
	})
	if err != nil {
		return err
	}
	s.links = chatlink.Open(chatlink.Options{Chat: s.chat, Limits: s.limiter, Logger: s.logger})
	return nil
}

// closeChat closes the threads and what carries them.
func (s *Server) closeChat() error {
	if s.links != nil {
		s.links.Close()
	}
	return s.chat.Close()
}

// mayChat tells whether scopes let a user take part in chat.
func mayChat(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool {
		return scope == acswire.ScopeChat || scope == acswire.ScopeChatJoin || scope == acswire.ScopeChatJoinLimited
	})
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
