package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/ident"
	"github.com/parley-rtc/parley/server/arm"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/operations"
	"github.com/parley-rtc/parley/server/repeat"
	"github.com/parley-rtc/parley/server/resource"
)

// compareEvery is how often a node that shares its database asks it whether
// other nodes have changed resources: the bus may lose a message.
const compareEvery = time.Second

// PortRange is a range of ports, both ends included. The zero value is any free
// port.
type PortRange struct{ First, Last int }

// ErrPortRange says that a text is no range of ports.
var ErrPortRange = errors.New("server: a range of ports is FIRST-LAST")

// ParsePortRange reads "8500-8599" or "8500"; empty is the zero value. Its
// error wraps ErrPortRange.
func ParsePortRange(text string) (PortRange, error) {
	if text == "" {
		return PortRange{}, nil
	}
	low, high, ok := strings.Cut(text, "-")
	if !ok {
		high = low
	}
	first, err := strconv.ParseUint(low, 10, 16)
	if err != nil {
		return PortRange{}, fmt.Errorf("%w: %q", ErrPortRange, text)
	}
	last, err := strconv.ParseUint(high, 10, 16)
	if err != nil || first == 0 || first > last {
		return PortRange{}, fmt.Errorf("%w: %q", ErrPortRange, text)
	}
	return PortRange{int(first), int(last)}, nil
}

// openResources reads the resources.
func (s *Server) openResources() (err error) {
	s.resources, err = resource.Open(s.base, resource.Options{
		Store: s.store, Now: s.options.Now, Cloud: s.options.Cloud, Logger: s.logger,
	})
	if err == nil {
		s.hosts, err = newHosts(&s.options, s.https, s.resources)
	}
	if err == nil {
		s.hosts.base = s.base
	}
	return err
}

// cloud returns the cloud of a resource.
func (s *Server) cloud(id guid.GUID) ident.Cloud {
	if r := s.resources.ByID(id); r != nil {
		return r.Cloud
	}
	return ident.CloudPublic
}

// openManager opens the resource manager and what it needs. The requests of
// areas are served from now on where resources have listeners of their own.
func (s *Server) openManager() {
	s.arm = arm.New(arm.Options{
		Resources: s.resources, Hosts: s.hosts, Logger: s.logger,
		Erasers: []arm.Eraser{
			s.endResource, s.identity.EraseResource, s.calls.EraseResource, s.chat.EraseResource, s.push.EraseResource, s.webhooks.EraseResource,
			repeat.New(s.store, s.options.Now).EraseResource,
		},
	})
}

// runManager begins the work that earlier requests, or those to another node
// that died, have left.
func (s *Server) runManager() error {
	// One resource whose port cannot be had must not keep the others away.
	if err := s.hosts.follow(); err != nil {
		s.logger.Error("resources", "error", err)
	}
	s.operations = operations.Open(operations.Options{
		Store: s.store, Kinds: s.arm.Kinds(), Alone: s.options.Database == "", Node: s.node, Now: s.options.Now, Logger: s.logger,
	})
	s.arm.Use(s.operations)
	var every time.Duration
	if s.options.Database != "" {
		every = compareEvery
	}
	return s.resources.Follow(resourceBus{s.bus}, every, s.resourcesChanged)
}

// resourceBus gives the directory the bus as the interface that it asks for.
type resourceBus struct{ *bus.Bus }

func (b resourceBus) Subscribe(subject string, handler func(subject string, data []byte)) (resource.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

func (b resourceBus) Losses(handler func()) resource.Subscription { return b.Bus.Losses(handler) }

// resourcesChanged is called after this node has seen a change of resources.
func (s *Server) resourcesChanged() {
	if err := s.hosts.follow(); err != nil {
		s.logger.Error("resources", "error", err)
	}
	s.recheck(func(_, resource string, _ time.Time) bool { return !s.serves(resource) })
	if err := s.republish(); err != nil {
		s.logger.Error("connection.json", "error", err)
	}
}

// serves tells whether the resource with an id is served.
func (s *Server) serves(id string) bool {
	parsed, err := guid.Parse(id)
	if err != nil {
		return false
	}
	r := s.resources.ByID(parsed)
	return r != nil && r.Active()
}

// agentKey is the key of a context's value: the id of the resource at whose
// host an agent connects. Agents within the process come without.
type agentKey struct{}

// admits tells whether a token of a resource is good where an agent connects:
// the resource is served, and the host is its own.
func (s *Server) admits(ctx context.Context, id guid.GUID) bool {
	r := s.resources.ByID(id)
	if r == nil || !r.Active() {
		return false
	}
	at, ok := ctx.Value(agentKey{}).(guid.GUID)
	return !ok || at == id
}

// endResource closes what the users of a resource have open on this node; the
// others do so when they hear that the resource is gone.
func (s *Server) endResource(ctx context.Context, _ guid.GUID) error {
	if err := s.resources.Refresh(ctx); err != nil {
		return err
	}
	s.recheck(func(_, resource string, _ time.Time) bool { return !s.serves(resource) })
	return nil
}

// allServers returns the servers of all listeners, those of resources with them.
func (s *Server) allServers() []*http.Server {
	if s.hosts == nil {
		return s.servers
	}
	return append(s.hosts.servers(), s.servers...)
}

// closeManager ends the work of the resource manager and stops following the
// resources.
func (s *Server) closeManager(note func(what string, err error)) {
	if s.operations != nil {
		s.operations.Close()
	}
	if s.resources != nil {
		note("resources", s.resources.Close())
	}
	if s.hosts != nil {
		s.hosts.closed.Wait()
	}
}
