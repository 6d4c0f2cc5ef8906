package server

import (
	"time"

	"github.com/parley-rtc/parley/server/turn"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// relayLifetime is how long the credentials of an agent are good for new
// allocations; the service sends fresh ones at half of it.
const relayLifetime = 12 * time.Hour

// relay gives agents the address and credentials of the embedded relay.
type relay struct {
	server *turn.Server
	urls   []string
}

func newRelay(server *turn.Server) *relay {
	addr := server.Addr().String()
	return &relay{server: server, urls: []string{"stun:" + addr, "turn:" + addr + "?transport=udp"}}
}

// RelayServers returns the relay with credentials for a user.
func (r *relay) RelayServers(user string) *signaling.RelayServers {
	creds := r.server.Credentials(user, relayLifetime)
	return &signaling.RelayServers{
		Servers:    []*signalpb.RelayServers_Server{{Urls: r.urls, Username: creds.Username, Credential: creds.Password}},
		TtlSeconds: uint32(relayLifetime / time.Second),
	}
}

// Lifetime returns how long credentials are good for.
func (r *relay) Lifetime() time.Duration { return relayLifetime }
