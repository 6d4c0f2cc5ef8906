package webhook

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// wishes are the types of events that the active subscriptions of each resource
// want, in lower case; none is every type.
type wishes map[guid.GUID][][]string

// Wants tells whether a subscription of a resource may want an event of one of
// the types, without asking the database: what nobody wants need not be made.
// A subscription of this node counts when Subscribe or Validate has returned,
// one of another node within a second.
func (s *Service) Wants(resource guid.GUID, types ...string) bool {
	known := s.wishes.Load()
	if known == nil {
		return true // not read yet: Publish looks
	}
	for _, wanted := range (*known)[resource] {
		if len(wanted) == 0 || slices.ContainsFunc(types, func(t string) bool { return slices.Contains(wanted, strings.ToLower(t)) }) {
			return true
		}
	}
	return false
}

// learn reads what is wanted now.
func (s *Service) learn(ctx context.Context) error {
	s.learning.Lock() // what is read later is kept later
	defer s.learning.Unlock()
	known := wishes{}
	err := s.options.Store.Read(ctx, func(q store.Querier) error {
		active, err := subscriptions(q, "state = 'active'")
		for i := range active {
			n := &active[i]
			types := make([]string, len(n.Types))
			for j, t := range n.Types {
				types[j] = strings.ToLower(t)
			}
			known[n.ResourceID] = append(known[n.ResourceID], types)
		}
		return err
	})
	if err == nil {
		s.wishes.Store(&known)
	}
	return err
}

// relearn reads what is wanted after a change of it that is durable. Until that
// succeeds Publish looks by itself.
func (s *Service) relearn(ctx context.Context) {
	s.wishes.Store(nil)
	s.note(ctx, s.learn(context.WithoutCancel(ctx)))
}
