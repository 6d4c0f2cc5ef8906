package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/readiness"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/signaling"
)

const (
	maxHeader     = 64 << 10
	healthTimeout = 2 * time.Second
)

// serve answers on the listeners.
func (s *Server) serve(tlsConfig *tls.Config) error {
	door, err := s.handler()
	if err != nil {
		return err
	}
	handler := s.gated(door)
	s.hosts.serve = func(l net.Listener, base context.Context) *http.Server {
		return s.serveOn(l, base, handler, tlsConfig)
	}
	// No handler runs before everything is there.
	if err := s.runManager(); err != nil {
		return err
	}
	if s.http != nil {
		s.servers = append(s.servers, s.serveOn(s.http, s.base, handler, nil))
	}
	s.servers = append(s.servers, s.serveOn(s.https, s.base, handler, tlsConfig))
	return nil
}

// serveOn serves on a listener until the server that it returns is closed. What
// its requests need to know of the listener is in base.
func (s *Server) serveOn(l net.Listener, base context.Context, handler http.Handler, tlsConfig *tls.Config) *http.Server { //nolint:revive // base is no call's context
	timeouts := s.options.RequestTimeouts.orDefaults()
	h := &http.Server{
		Handler:           handler,
		TLSConfig:         tlsConfig.Clone(), // each server writes into its own
		ReadHeaderTimeout: timeouts.Header,
		ReadTimeout:       timeouts.Read,
		WriteTimeout:      timeouts.Write,
		IdleTimeout:       timeouts.Idle,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		// Broken handshakes and the like are the client's business.
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	s.serving.Go(func() {
		// Both return ErrServerClosed in the end; a listener that fails earlier
		// is one that was closed.
		if tlsConfig != nil {
			// So that agents can be waited for with little memory.
			_ = h.ServeTLS(readiness.Listener(l), "", "")
		} else {
			_ = h.Serve(l)
		}
	})
	return h
}

// gated turns requests away while the service drains, and lets Close wait for
// those that run: the http server does not wait for connections that were
// taken from it.
func (s *Server) gated(next *front.Front) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			next.Refuse(w, r, &front.Error{
				Status: http.StatusServiceUnavailable, Code: acswire.CodeServiceUnavailable,
				Message: "The service is being stopped. Try again.", Header: http.Header{acswire.HeaderRetryAfter: {"1"}},
			})
			return
		}
		s.inFlight.Add(1)
		defer func() {
			s.inFlight.Add(-1)
			s.serving.Done()
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) enter() bool {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.draining {
		return false
	}
	s.serving.Add(1)
	return true
}

// drain closes the gate.
func (s *Server) drain() {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.draining = true
}

// handler returns the routes of all areas.
func (s *Server) handler() (*front.Front, error) {
	s.observe()
	options, err := s.frontOptions()
	if err != nil {
		return nil, err
	}
	f, err := front.New(options, s.identity.Area(), s.arm.Area(), s.chat.Area())
	if err != nil {
		return nil, err
	}
	f.Handle(http.MethodGet, signaling.Path, http.HandlerFunc(s.serveAgent))
	f.Handle(http.MethodGet, "/healthz", http.HandlerFunc(s.healthz))
	// The gate answers for it while the service drains.
	f.Handle(http.MethodGet, "/readyz", http.HandlerFunc(s.healthz))
	f.Handle(http.MethodGet, identity.JWKSPath, http.HandlerFunc(s.identity.ServeJWKS))
	s.handleOwn(f)
	s.handleWebhooks(f)
	s.handleRealTime(f)
	f.Handle(http.MethodGet, "/metrics", s.metrics.Handler())
	return f, nil
}

// publicHost is what clients sign as their host when a proxy on the public
// address sends another one.
func (s *Server) publicHost() string {
	if s.options.PublicIP == "" {
		return ""
	}
	return net.JoinHostPort(s.options.PublicIP, strconv.Itoa(portOf(s.https)))
}

// serveAgent is the WebSocket of one agent.
func (s *Server) serveAgent(w http.ResponseWriter, r *http.Request) {
	res := s.hosts.ForRequest(r)
	if res == nil {
		http.NotFound(w, r)
		return
	}
	conn, err := signaling.AcceptWebSocket(w, r)
	if err != nil {
		s.logger.Debug("agent not accepted", "error", err)
		return
	}
	// This goroutine goes back to the http server, with its stack and buffers.
	s.inFlight.Add(1)
	s.serving.Add(1)
	s.calls.Start(context.WithValue(s.base, agentKey{}, res.ID), conn, func(err error) { //nolint:contextcheck // Close cuts the connection; the request is over already
		if err != nil {
			s.logger.Debug("agent's connection ended", "error", err)
		}
		s.inFlight.Add(-1)
		s.serving.Done()
	})
}

// healthz tells whether the process should go on living.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	err := s.store.Healthy(ctx)
	if err == nil {
		err = s.bus.Healthy()
	}
	if err != nil {
		s.logger.Warn("not healthy", "error", err)
		http.Error(w, "not healthy", http.StatusServiceUnavailable)
		return
	}
	writeText(w, "ok")
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	// A client that is gone notices by itself.
	_, _ = w.Write([]byte(text + "\n"))
}

// observe shows the counters of the areas.
func (s *Server) observe() {
	m := s.metrics
	m.Gauge("http_in_flight", "Requests and agents' connections that are served.", func() float64 { return float64(s.inFlight.Load()) })
	m.Gauge("sessions", "Agents' signaling sessions.", func() float64 { return float64(s.calls.Stats().Sessions) })
	m.Gauge("sessions_suspended", "Sessions that wait for their agent to connect again.", func() float64 { return float64(s.calls.Stats().Suspended) })
	m.Gauge("chat_realtime_connections", "Connections that get the events of threads.", func() float64 { return float64(s.trouter.Connections()) })
	m.Gauge("calls", "Calls at this moment.", func() float64 { return float64(s.calls.Stats().Calls) })
	m.Counter("calls_started_total", "Calls started.", func() float64 { return float64(s.calls.Stats().Started) })
	m.Counter("calls_accepted_total", "Calls accepted.", func() float64 { return float64(s.calls.Stats().Accepted) })
	m.Counter("calls_ended_total", "Calls ended.", func() float64 { return float64(s.calls.Stats().Ended) })
	m.Counter("calls_restored_total", "Calls taken up from the database at the start.", func() float64 { return float64(s.calls.Stats().Restored) })
	m.Counter("relayed_messages_dropped_total", "Descriptions and candidates over the limits.", func() float64 { return float64(s.calls.Stats().Dropped) })
	m.Counter("webhook_events_delivered_total", "Events that their receivers took.", func() float64 { return float64(s.webhooks.Stats().Delivered) })
	m.Counter("webhook_attempts_failed_total", "Attempts to deliver an event that failed.", func() float64 { return float64(s.webhooks.Stats().Failed) })
	m.Counter("webhook_dead_letters_total", "Events that could not be delivered.", func() float64 { return float64(s.webhooks.Stats().Dead) })
	m.Counter("push_sent_total", "Notifications that Apple or Google took.", func() float64 { return float64(s.push.Stats().Sent) })
	m.Counter("push_failed_total", "Notifications that they refused for good.", func() float64 { return float64(s.push.Stats().Failed) })
	m.Counter("push_forgotten_total", "Tokens of devices that are good no more.", func() float64 { return float64(s.push.Stats().Forgotten) })
	if s.relay == nil {
		return
	}
	m.Gauge("turn_allocations", "Relayed addresses at this moment.", func() float64 { return float64(s.relay.server.Stats().Allocations) })
	m.Counter("turn_allocations_total", "Relayed addresses made.", func() float64 { return float64(s.relay.server.Stats().Allocated) })
	m.Counter("turn_sent_bytes_total", "Payload relayed to peers.", func() float64 { return float64(s.relay.server.Stats().BytesSent) })
	m.Counter("turn_received_bytes_total", "Payload received from peers.", func() float64 { return float64(s.relay.server.Stats().BytesReceived) })
	m.Counter("turn_refused_packets_total", "Packets to or from peers that are not allowed.", func() float64 { return float64(s.relay.server.Stats().Refused) })
}
