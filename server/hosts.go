package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
)

// doorKey is the key of a context's value: the id of the resource whose own
// listener a request came in on.
type doorKey struct{}

// hosts tells by where a request came to which resource it is for. A resource
// has a host name of its own under the domain; without a domain each but the
// default one has a port of its own.
type hosts struct {
	resources *resource.Directory
	domain    string // lower case; empty without
}

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
	name, ok := strings.CutSuffix(strings.TrimSuffix(strings.ToLower(host), "."), "."+h.domain)
	return name, ok
}

// withDoor marks what comes in on a resource's own listener.
func withDoor(ctx context.Context, id guid.GUID) context.Context {
	return context.WithValue(ctx, doorKey{}, id)
}
