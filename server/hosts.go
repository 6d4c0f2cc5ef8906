package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

const (
	httpsPort = "443"
	// doorClosing is how long requests to a resource that is gone may take.
	doorClosing = 5 * time.Second
)

var errNoPort = errors.New("no free port for the resource")

// doorKey is the key of a context's value: the id of the resource whose own
// listener a request came in on.
type doorKey struct{}

// hosts tells by where a request came to which resource it is for. With a
// domain each resource has a host name of its own under it. Without one each
// but the default resource has a listener of its own, a door: "localhost" is
// the only name that every program on a laptop finds.
type hosts struct {
	resources *resource.Directory
	options   *Options
	domain    string          // lower case; empty without
	port      string          // what clients put behind host names: empty or ":8443"
	local     string          // host and port of the default resource without a domain
	base      context.Context //nolint:containedctx // the life of the service, handed to its http servers
	// serve answers on the listener of a resource.
	serve func(l net.Listener, base context.Context) *http.Server

	mu     sync.Mutex
	doors  map[guid.GUID]*door
	shut   bool
	closed sync.WaitGroup
}

// door is a resource's own listener.
type door struct {
	port   int
	server *http.Server
}

// newHosts reads the options of an https listener that is open.
func newHosts(o *Options, https net.Listener, resources *resource.Directory) (*hosts, error) {
	h := &hosts{resources: resources, options: o, doors: map[guid.GUID]*door{}}
	h.local = withoutDefault(net.JoinHostPort(o.hostFor(https), strconv.Itoa(portOf(https))))
	if o.Domain == "" {
		return h, nil
	}
	name, port, err := splitDomain(o.Domain)
	if err != nil {
		return nil, err
	}
	if port == "" {
		port = strconv.Itoa(portOf(https))
	}
	h.domain = name
	if port != httpsPort {
		h.port = ":" + port
	}
	return h, nil
}

// splitDomain reads "example.org" or "example.org:443".
func splitDomain(domain string) (name, port string, err error) {
	name = domain
	if strings.Contains(domain, ":") {
		if name, port, err = net.SplitHostPort(domain); err != nil {
			return "", "", fmt.Errorf("domain: %w", err)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "", fmt.Errorf("domain: %q is no port", port)
		}
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !isDomain(name) {
		return "", "", fmt.Errorf("domain: %q is no name of a host", domain)
	}
	return name, port, nil
}

// isDomain tells whether a lower-case text is a host name (RFC 1123 2.1), with
// '_' as names of resources have it.
func isDomain(name string) bool {
	if name == "" || len(name) > 253 || net.ParseIP(name) != nil {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func withoutDefault(host string) string { return strings.TrimSuffix(host, ":"+httpsPort) }

// ForRequest returns the resource that a request is for; nil when there is none
// or it is not served.
func (h *hosts) ForRequest(r *http.Request) *resource.Resource {
	var found *resource.Resource
	if id, ok := r.Context().Value(doorKey{}).(guid.GUID); ok {
		found = h.resources.ByID(id)
	} else if name, ok := h.nameOf(r.Host); ok {
		found = h.resources.ByName(name)
	} else {
		found = h.resources.Default()
	}
	if found == nil || !found.Active() {
		return nil
	}
	return found
}

// nameOf returns the name of the resource whose host name this is. It reports
// false for a host outside the domain: localhost, an address, the domain itself.
func (h *hosts) nameOf(host string) (string, bool) {
	if h.domain == "" {
		return "", false
	}
	// Some clients send "host:port:port".
	host, _, _ = strings.Cut(host, ":")
	return strings.CutSuffix(strings.TrimSuffix(strings.ToLower(host), "."), "."+h.domain)
}

// knows tells whether a certificate may be made for a name that a client asks
// for: that of the domain, or of a resource.
func (h *hosts) knows(name string) bool {
	if h.domain != "" && name == h.domain {
		return true
	}
	resource, ok := h.nameOf(name)
	return ok && h.resources.ByName(resource) != nil
}

// HostOf returns the host of a resource, with its port unless that is 443.
func (h *hosts) HostOf(r *resource.Resource) string {
	switch {
	case h.domain != "":
		return resource.Fold(r.Name) + "." + h.domain + h.port
	case r.Name == resource.DefaultName:
		return h.local
	}
	host, _, err := net.SplitHostPort(h.local)
	if err != nil {
		host = h.local
	}
	port := r.Port
	h.mu.Lock()
	defer h.mu.Unlock()
	// Another node, or another program, may have taken the port that was written
	// down.
	if d := h.doors[r.ID]; d != nil {
		port = d.port
	}
	return withoutDefault(net.JoinHostPort(host, strconv.Itoa(port)))
}

// Open serves a resource and returns the port of its own; 0 when it needs none.
func (h *hosts) Open(r *resource.Resource) (int, error) {
	if h.domain != "" || r.Name == resource.DefaultName {
		return 0, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.doors[r.ID]; d != nil {
		return d.port, nil
	}
	if h.shut {
		return 0, net.ErrClosed
	}
	l, err := h.listen(r.Port)
	if err != nil {
		return 0, err
	}
	d := &door{port: portOf(l), server: h.serve(l, context.WithValue(h.base, doorKey{}, r.ID))}
	h.doors[r.ID] = d
	return d.port, nil
}

// listen opens the port that a resource had, or another one.
func (h *hosts) listen(last int) (net.Listener, error) {
	host, _, err := net.SplitHostPort(h.options.HTTPSAddr)
	if err != nil {
		return nil, err
	}
	try := func(port int) (net.Listener, error) {
		return h.options.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if last != 0 {
		if l, err := try(last); err == nil {
			return l, nil
		}
	}
	ports := h.options.ResourcePorts
	if ports == (PortRange{}) {
		return try(0)
	}
	for port := ports.First; port <= ports.Last; port++ {
		if l, err := try(port); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%w from %d to %d", errNoPort, ports.First, ports.Last)
}

// follow opens the doors of resources that have come, as after a start or from
// another node, and closes those of resources that are gone.
func (h *hosts) follow() error {
	var errs []error
	for _, r := range h.resources.All() {
		if !r.Active() {
			continue
		}
		port, err := h.Open(r)
		if err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("resource %s is not served: %w", r.Name, err))
		}
		if port != r.Port && r.Port != 0 && h.domain == "" {
			h.options.Logger.Warn("the port of a resource is taken: it has another one", "resource", r, "port", port, "before", r.Port)
		}
	}
	for _, server := range h.gone() {
		h.closed.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), doorClosing)
			defer cancel()
			if server.Shutdown(ctx) != nil {
				_ = server.Close() // what still runs is cut
			}
		})
	}
	return errors.Join(errs...)
}

// gone takes away the doors of resources that are not served any more.
func (h *hosts) gone() []*http.Server {
	h.mu.Lock()
	defer h.mu.Unlock()
	var servers []*http.Server
	for id, d := range h.doors {
		r := h.resources.ByID(id)
		// One that is being created is served in a moment.
		if r != nil && r.State != resource.StateDeleting && r.State != resource.StateFailed {
			continue
		}
		delete(h.doors, id)
		servers = append(servers, d.server)
	}
	return servers
}

// servers returns those of all doors; afterwards no more is opened.
func (h *hosts) servers() []*http.Server {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = true
	servers := make([]*http.Server, 0, len(h.doors))
	for _, d := range h.doors {
		servers = append(servers, d.server)
	}
	return servers
}
