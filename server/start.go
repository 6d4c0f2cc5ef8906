package server

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/bus"
	"github.com/parley-rtc/parley/server/calls"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/localca"
	"github.com/parley-rtc/parley/server/store"
	"github.com/parley-rtc/parley/server/turn"
	"github.com/parley-rtc/parley/signaling"
)

const (
	relaySecretSize = 32
	busNameSize     = 8
)

// start brings up all parts, those that wait for the disk beside each other.
func (s *Server) start() error {
	var err error
	if s.folder, err = openFolder(s.options.DataDir); err != nil {
		return err
	}
	if s.options.Database != "" {
		if s.node, err = s.folder.node(); err != nil {
			return err
		}
	}
	last := s.folder.lastPorts()
	if s.http, err = s.options.listenTCP(s.options.HTTPAddr, last.HTTP); err != nil {
		return err
	}
	if s.https, err = s.options.listenTCP(s.options.HTTPSAddr, last.HTTPS); err != nil {
		return err
	}
	var tlsConfig *tls.Config
	var caFile string
	if err := s.openBearers(); err != nil {
		return err
	}
	err = together(
		func() (err error) { tlsConfig, caFile, err = s.certificates(); return err },
		s.openBus,
		func() error { return s.openStore(last.TURN) },
	)
	if err != nil {
		return err
	}
	for _, open := range []func() error{
		s.openLimits,
		s.openWebhooks,
		s.openPush, // threads and calls wake phones
		s.openChat,
		s.openCalls,
		s.openRealTime,
		s.startPush,
	} {
		if err := open(); err != nil {
			return err
		}
	}
	s.recheckSessions()
	s.openManager()
	if err := s.serve(tlsConfig); err != nil {
		return err
	}
	now := ports{HTTP: portOf(s.http), HTTPS: portOf(s.https)}
	if s.relay != nil {
		now.TURN = int(s.relay.server.Addr().Port())
	}
	if err := s.folder.keepPorts(now); err != nil {
		return err
	}
	return s.publish(caFile)
}

// together runs the functions beside each other and waits for all.
func together(fs ...func() error) error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// certificates returns the TLS configuration of https, and the authority's
// file if it is the service's own.
func (s *Server) certificates() (*tls.Config, string, error) {
	if s.options.TLSConfig != nil {
		return s.options.TLSConfig.Clone(), "", nil
	}
	authority, err := localca.Open(s.folder.path, s.options.Now)
	if err != nil {
		return nil, "", err
	}
	// Nobody asks before the hosts are known.
	config, err := authority.ConfigFor(s.options.names(s.https), func(name string) bool { return s.hosts.knows(name) })
	return config, authority.File(), err
}

// openBus opens the bus within the process. That of a cluster waits for the
// database, which says what its messages are called.
func (s *Server) openBus() (err error) {
	if s.options.NATS == "" {
		s.bus, err = bus.Open(s.base, bus.Options{Logger: s.logger})
	}
	return err
}

// openCluster opens the bus between the nodes that share a database.
func (s *Server) openCluster() error {
	if s.options.NATS == "" {
		return nil
	}
	name, err := s.store.Secret(s.base, "bus", busNameSize)
	if err != nil {
		return err
	}
	s.bus, err = bus.Open(s.base, bus.Options{
		URL: s.options.NATS, Credentials: s.options.NATSCredentials, TLS: s.options.NATSTLS,
		Prefix: "parley." + hex.EncodeToString(name), Logger: s.logger,
	})
	return err
}

// openStore opens the database and what begins with reading it. What the first
// start writes shares its disk flushes.
func (s *Server) openStore(lastTURN int) error {
	var err error
	s.store, err = store.Open(s.base, store.Options{
		URL: s.options.Database, Path: s.folder.file(databaseFile), Logger: s.logger,
	})
	if err != nil {
		return err
	}
	if err := s.openCluster(); err != nil {
		return err
	}
	return together(
		s.openResources,
		s.openIdentity,
		func() error { return s.openRelay(lastTURN) },
	)
}

func (s *Server) openIdentity() (err error) {
	s.identity, err = identity.Open(s.base, identity.Options{
		Store: s.store, Now: s.options.Now, Algorithm: s.options.TokenAlgorithm, Logger: s.logger, Revoked: s.endSessions,
		Exchanger: exchanger{s.bearers}, Cloud: s.cloud, Deleted: s.userDeleted,
		Alone: s.options.Database == "",
	})
	return err
}

// endSessions closes what a user has open, on every node: the tokens are void.
func (s *Server) endSessions(user string) {
	if err := s.calls.EndSessions(user, signaling.CodeTokenInvalid); err != nil {
		s.logger.Error("sessions of a user whose tokens were revoked", "error", err)
	}
	if err := s.trouter.EndUser(user); err != nil {
		s.logger.Error("real-time connections of a user whose tokens were revoked", "error", err)
	}
}

func (s *Server) openRelay(lastPort int) error {
	if s.options.TURNAddr == off {
		return nil
	}
	secret, err := s.store.Secret(s.base, "turn", relaySecretSize)
	if err != nil {
		return err
	}
	options := turn.Options{
		Addr: s.options.TURNAddr, Secret: secret, AllowedPeers: s.options.AllowedPeers,
		AllocationsPerUser: s.options.AllocationsPerUser, ListenPacket: s.options.ListenPacket,
		Now: s.options.Now, Logger: s.logger,
	}
	if s.options.PublicIP != "" {
		if options.PublicIP, err = netip.ParseAddr(s.options.PublicIP); err != nil {
			return err
		}
	}
	if again, ok := withPort(options.Addr, lastPort); ok {
		first := options
		first.Addr = again
		if server, err := turn.Listen(first); err == nil {
			s.relay = newRelay(server)
			return nil
		}
	}
	server, err := turn.Listen(options)
	if err != nil {
		return err
	}
	s.relay = newRelay(server)
	return nil
}

func (s *Server) openCalls() error {
	options := calls.Options{
		Authenticate: s.authenticateAgent, Store: s.store, Bus: busAdapter{s.bus}, Node: s.node,
		MayCall: func(p signaling.Principal) bool {
			return slices.Contains(strings.Split(p.Scopes, ","), acswire.ScopeVoIP)
		},
		Timeouts: s.options.Timeouts, Retention: s.options.Retention, Logger: s.logger, Now: s.options.Now, Chat: s.links,
	}
	if s.relay != nil {
		options.Relay = s.relay
	}
	if s.options.Push.APNs != nil || s.options.Push.FCM != nil {
		options.Wake, options.WakeTime = s.wakeCallee, s.options.Push.RingTime
	}
	var err error
	s.calls, err = calls.Open(s.base, options)
	return err
}

// busAdapter gives calls the bus as the interface that it asks for.
type busAdapter struct{ *bus.Bus }

func (b busAdapter) Subscribe(subject string, handler func(subject string, data []byte)) (calls.Subscription, error) {
	return b.Bus.Subscribe(subject, handler)
}

// authenticateAgent checks the token of an agent that connects for calls.
func (s *Server) authenticateAgent(ctx context.Context, token string) (signaling.Principal, error) {
	claims, err := s.identity.Authenticate(ctx, token)
	switch {
	case errors.Is(err, identity.ErrTokenExpired):
		return signaling.Principal{}, signaling.ErrTokenExpired
	case errors.Is(err, identity.ErrTokenInvalid):
		return signaling.Principal{}, signaling.ErrUnauthorized
	case err != nil:
		return signaling.Principal{}, err
	case !s.admits(ctx, claims.ResourceID):
		return signaling.Principal{}, fmt.Errorf("%w: the token is of another resource", signaling.ErrUnauthorized)
	case !claims.MayCall() && !mayChat(claims.Scopes):
		return signaling.Principal{}, fmt.Errorf("%w: the token has no scope for calls or chat", signaling.ErrUnauthorized)
	}
	return signaling.Principal{
		UserID: claims.RawID(), ResourceID: claims.ResourceID.String(), Scopes: strings.Join(claims.Scopes, ","), Issued: claims.IssuedAt, Expires: claims.Expires,
	}, nil
}

// publish writes connection.json: from here on the service may be used.
func (s *Server) publish(caFile string) error {
	token, err := s.operator.Token()
	if err != nil {
		return err
	}
	s.told.Lock()
	defer s.told.Unlock()
	local := s.resources.Default()
	key := base64.StdEncoding.EncodeToString(local.PrimaryKey)
	endpoint := s.options.endpoint("https", s.https)
	s.connection = Connection{
		Endpoint:         endpoint,
		HTTPEndpoint:     s.options.endpoint("http", s.http),
		AccessKey:        key,
		ConnectionString: "endpoint=" + endpoint + "/;accesskey=" + key,
		CAFile:           caFile,
		ARMEndpoint:      endpoint,
		ARMToken:         token,
		SubscriptionID:   local.SubscriptionID.String(),
		PhoneNumbers:     []string{},
		PID:              os.Getpid(),
	}
	return s.folder.writeConnection(&s.connection)
}

// republish writes connection.json again when the key in it is another one now.
func (s *Server) republish() error {
	s.told.Lock()
	defer s.told.Unlock()
	local := s.resources.Default()
	if local == nil || s.connection.AccessKey == "" {
		return nil // gone, or not published yet
	}
	key := base64.StdEncoding.EncodeToString(local.PrimaryKey)
	if key == s.connection.AccessKey {
		return nil
	}
	s.connection.AccessKey = key
	s.connection.ConnectionString = "endpoint=" + s.connection.Endpoint + "/;accesskey=" + key
	return s.folder.writeConnection(&s.connection)
}
