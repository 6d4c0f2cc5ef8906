package trouter

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/guid"
)

// ConfigPath is the path of step 1.
const ConfigPath = "/chat/config/realTimeNotifications"

// Paths of the other steps. That of the connection must be at the root of its host:
// a path before it would be taken for a namespace of socket.io.
const (
	allocationPath    = "/v4/a"
	pushPath          = "/v4/f/"
	handshakePath     = "/socket.io/1/"
	webSocketPath     = "/socket.io/1/websocket/"
	pollingPath       = "/socket.io/1/xhr-polling/"
	registrationsPath = "/v3/registrations"
)

const (
	// endpointLife is what clients are told of an endpoint's life in seconds.
	// They keep it as it is; a connection ends with its token.
	endpointLife = "586000"
	// ticketParameter is the parameter of the URLs that carries the ticket.
	ticketParameter = "ticket"
	// openWithin is how long a ticket opens connections. A client that connects
	// again allocates again.
	openWithin = 5 * time.Minute
	// beginWithin is how long after the handshake its connection may begin.
	beginWithin = 30 * time.Second
	tokenHeader = "X-Skypetoken" //nolint:gosec // a header's name
	maxEndpoint = 100
	maxBody     = 64 << 10
)

// Routes gives the handlers to whoever serves paths, before the first request;
// refuse answers one with an error.
func (s *Service) Routes(refuse func(w http.ResponseWriter, r *http.Request, err *front.Error), handle func(method, pattern string, handler http.Handler)) {
	s.refuse = refuse
	for _, route := range []struct {
		method, pattern string
		handler         http.HandlerFunc
	}{
		{http.MethodGet, ConfigPath, s.config},
		{http.MethodPost, allocationPath, s.allocate},
		{http.MethodGet, handshakePath, s.handshake},
		{http.MethodGet, webSocketPath + "{id}", s.webSocket},
		{http.MethodGet, pollingPath + "{id}", s.poll},
		{http.MethodPost, pollingPath + "{id}", s.polled},
		{http.MethodPost, registrationsPath, s.register},
		{http.MethodDelete, registrationsPath + "/{id}", s.register},
	} {
		handle(route.method, route.pattern, route.handler)
	}
}

// config is step 1: where the other steps are.
func (s *Service) config(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	if _, ok := s.authenticate(w, r, strings.TrimSpace(token)); !ok {
		return
	}
	base := front.BaseURL(r)
	writeJSON(w, map[string]string{"trouterServiceUrl": base, "registrarServiceUrl": base, "cloudType": "public"})
}

// authenticate checks a token that may chat; it has answered when it is none.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request, token string) (*ticket, bool) {
	res := s.options.Resources.ForRequest(r)
	if res == nil {
		s.refuse(w, r, &front.Error{Status: http.StatusNotFound, Code: acswire.CodeNotFound, Message: "There is no such resource."})
		return nil, false
	}
	p, err := s.options.Authenticate(r.Context(), token, res)
	var known *front.Error
	switch {
	case errors.Is(err, front.ErrTokenInvalid), errors.Is(err, front.ErrTokenExpired):
		s.unauthorized(w, r, "The token is not valid, or past its time.")
		return nil, false
	case errors.As(err, &known):
		s.refuse(w, r, known)
		return nil, false
	case err != nil:
		s.failed(w, r, err)
		return nil, false
	case !slices.ContainsFunc([]string{acswire.ScopeChat, acswire.ScopeChatJoin, acswire.ScopeChatJoinLimited}, func(scope string) bool { return slices.Contains(p.Scopes, scope) }):
		s.refuse(w, r, &front.Error{Status: http.StatusForbidden, Code: acswire.CodeForbidden, Message: "The token's scopes do not allow this."})
		return nil, false
	}
	return &ticket{User: p.User, Resource: res.ID.String(), Issued: p.Issued, Expires: p.Expires}, true
}

func (s *Service) unauthorized(w http.ResponseWriter, r *http.Request, message string) {
	s.refuse(w, r, &front.Error{
		Status: http.StatusUnauthorized, Code: acswire.CodeUnauthorized, Message: message, Header: http.Header{"Www-Authenticate": {"Bearer"}},
	})
}

func (s *Service) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil && !errors.Is(err, errClosing) {
		s.options.Logger.Error("real-time connection", "error", err)
	}
	if errors.Is(err, errClosing) {
		s.refuse(w, r, &front.Error{Status: http.StatusServiceUnavailable, Code: acswire.CodeServiceUnavailable, Message: "The service is being stopped. Try again."})
		return
	}
	s.refuse(w, r, &front.Error{Status: http.StatusInternalServerError, Code: acswire.CodeInternalError, Message: "The service has failed. Try again."})
}

// allocate is step 2: an endpoint for a client instance.
func (s *Service) allocate(w http.ResponseWriter, r *http.Request) {
	t, ok := s.authenticate(w, r, r.Header.Get(tokenHeader))
	if !ok {
		return
	}
	t.ID, t.Endpoint, t.OpenBy = guid.New().String(), r.URL.Query().Get("epid"), s.options.Now().Add(openWithin)
	if t.Endpoint == "" || len(t.Endpoint) > maxEndpoint || strings.ContainsAny(t.Endpoint, " \n") {
		t.Endpoint = t.ID
	}
	sealed, err := s.seal(t)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	base := front.BaseURL(r)
	surl := base + pushPath + t.ID + "/"
	writeJSON(w, map[string]any{
		"socketio": base + "/", "surl": surl, "url": surl, "ttl": endpointLife, "id": t.ID, "ccid": t.ID, "curlb": base,
		"connectparams": map[string]string{ticketParameter: sealed},
	})
}

// register is step 6. There is nothing to keep: whoever is connected is told.
func (s *Service) register(w http.ResponseWriter, r *http.Request) {
	// A body that is not read would cost the connection.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	if _, ok := s.authenticate(w, r, r.Header.Get(tokenHeader)); !ok {
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// ticketOf reads the ticket of a URL. What it allows is for this resource and
// while the token is good; it has answered when there is none.
func (s *Service) ticketOf(w http.ResponseWriter, r *http.Request) (*ticket, bool) {
	t, err := s.unseal(r.URL.Query().Get(ticketParameter))
	if err != nil {
		s.unauthorized(w, r, "The connection's parameters are not valid.")
		return nil, false
	}
	res := s.options.Resources.ForRequest(r)
	if res == nil || res.ID.String() != t.Resource || !s.options.Now().Before(t.Expires) {
		s.unauthorized(w, r, "The connection's parameters are not valid any more.")
		return nil, false
	}
	return t, true
}

// handshake is step 3: the id of a connection, how long either end may be
// silent, and the transports.
func (s *Service) handshake(w http.ResponseWriter, r *http.Request) {
	t, ok := s.ticketOf(w, r)
	if !ok {
		return
	}
	now := s.options.Now()
	if !now.Before(t.OpenBy) {
		s.unauthorized(w, r, "The endpoint was allocated too long ago.")
		return
	}
	// A connection of polls is this node's, wherever they come.
	id := guid.New().String() + "." + strconv.FormatInt(now.Unix(), 36) + "." + s.node
	_ = writeText(w, []byte(id+":180:180:websocket,xhr-polling")) // nobody reads it
}

// mayBegin tells whether a connection may begin whose handshake gave this id.
func (s *Service) mayBegin(t *ticket, id string) bool {
	_, text, _ := strings.Cut(id, ".")
	text, _, _ = strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(text, 36, 64)
	now := s.options.Now()
	return err == nil && now.Before(t.OpenBy) && now.Sub(time.Unix(seconds, 0)) < beginWithin
}

func writeJSON(w http.ResponseWriter, body any) {
	h := w.Header()
	h.Set("Content-Type", acswire.ContentTypeJSON)
	h.Set("Cache-Control", "no-store")
	// A client that is gone notices by itself.
	_ = json.NewEncoder(w).Encode(body)
}

func writeText(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, err := w.Write(body)
	return err
}
