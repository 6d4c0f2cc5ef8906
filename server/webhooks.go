package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/front"
	"github.com/parley-rtc/parley/server/identity"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/webhook"
)

// Paths of webhooks, for whoever runs the service, with bearer tokens of the
// resource manager; the query's resource names the resource, "local" by default.
// They are no part of ACS's contract.
const (
	// WebhooksPath lists subscriptions (GET), makes one (POST with a
	// NewWebhook) and removes the one of the query's name (DELETE).
	WebhooksPath = "/parley/v1/webhooks"
	// DeadLettersPath lists events that could not be delivered, the oldest first
	// (GET, with the query's limit and after), sends the one of the query's id
	// again (POST) and removes it (DELETE).
	DeadLettersPath = "/parley/v1/dead-letters"
	// webhookValidationPath is visited with the link of a validation, without a
	// token.
	webhookValidationPath = "/parley/v1/webhooks/validate"
)

const (
	deadLetters    = 100
	maxDeadLetters = 1000
)

// NewWebhook is a subscription to make. See webhook.Subscription.
type NewWebhook struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	// Schema is "EventGridSchema" (the default) or "CloudEventSchemaV1_0".
	Schema        string   `json:"schema,omitempty"`
	Types         []string `json:"types,omitempty"`
	SubjectBegins string   `json:"subjectBegins,omitempty"`
	SubjectEnds   string   `json:"subjectEnds,omitempty"`
	Audience      string   `json:"audience,omitempty"`
	// Secret signs events, in base64.
	Secret []byte `json:"secret,omitempty"`
}

// Webhook is a subscription, without its secret.
type Webhook struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	Schema   string `json:"schema"`
	// State is "active", or "validating" until somebody visits the link that the
	// endpoint was sent.
	State         string    `json:"state"`
	Types         []string  `json:"types,omitempty"`
	SubjectBegins string    `json:"subjectBegins,omitempty"`
	SubjectEnds   string    `json:"subjectEnds,omitempty"`
	Audience      string    `json:"audience,omitempty"`
	Created       time.Time `json:"created"`
}

// Webhooks are subscriptions by name.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// DeadLetter is an event that could not be delivered.
type DeadLetter struct {
	ID       string          `json:"id"`
	Event    json.RawMessage `json:"event"`
	Endpoint string          `json:"endpoint"`
	Attempts int             `json:"attempts"`
	// Reason is what came of the last attempt.
	Reason  string    `json:"reason"`
	Created time.Time `json:"created"`
	Died    time.Time `json:"died"`
}

// DeadLetters is a page of them. Next is the query's after for the next page;
// empty on the last one.
type DeadLetters struct {
	DeadLetters []DeadLetter `json:"deadLetters"`
	Next        string       `json:"next,omitempty"`
}

// eventSigner signs events in the service's name.
type eventSigner struct {
	identity *identity.Service
	issuer   string
}

func (e eventSigner) SignEvent(ctx context.Context, audience string, life time.Duration) (string, error) {
	return e.identity.SignEvent(ctx, e.issuer, audience, life)
}

// openWebhooks begins to deliver what waits.
func (s *Server) openWebhooks() error {
	guard, err := webhook.NewGuard(s.onLoopback(), s.options.WebhookTargets)
	if err != nil {
		return err
	}
	root := s.issuer()
	s.webhooks = webhook.Open(webhook.Options{
		Store: s.store, Guard: guard, Signer: eventSigner{s.identity, root}, Origin: hostName(s.hosts.HostOf(s.resources.Default())),
		ValidationURL: func(subscription, code string) string {
			return root + webhookValidationPath + "?" + url.Values{"subscription": {subscription}, "code": {code}}.Encode()
		},
		RootCAs: s.options.WebhookRoots, Alone: s.options.Database == "", Node: s.node, Now: s.options.Now, Logger: s.logger,
	})
	return nil
}

// onLoopback tells whether only programs of this machine reach the service. One
// with a public address or a domain has a proxy before it.
func (s *Server) onLoopback() bool {
	if s.options.PublicIP != "" || s.options.Domain != "" {
		return false
	}
	for _, l := range []net.Listener{s.http, s.https} {
		if l == nil {
			continue
		}
		addr, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil || !addr.Addr().Unmap().IsLoopback() {
			return false
		}
	}
	return true
}

// handleWebhooks serves what receivers of events ask for.
func (s *Server) handleWebhooks(f *front.Front) {
	for _, path := range []string{discoveryPath, callbackDiscoveryPath} {
		f.Handle(http.MethodGet, path, http.HandlerFunc(s.serveDiscovery))
	}
	f.Handle(http.MethodGet, webhookValidationPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		s.webhooks.ServeValidation(w, r, query.Get("subscription"), query.Get("code"))
	}))
}

// resourceOf returns the resource that the query names.
func (s *Server) resourceOf(r *http.Request) (*resource.Resource, error) {
	name := r.URL.Query().Get("resource")
	if name == "" {
		return s.resources.Default(), nil
	}
	found, err := s.resources.Find(r.Context(), name)
	if errors.Is(err, resource.ErrNotFound) || err == nil && !found.Active() {
		return nil, notFound("There is no resource of that name.")
	}
	return found, err
}

func (s *Server) serveWebhooks(w http.ResponseWriter, r *http.Request) error {
	of, err := s.resourceOf(r)
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodPost:
		return s.subscribe(w, r, of)
	case http.MethodDelete:
		err := s.webhooks.Unsubscribe(r.Context(), of.ID, r.URL.Query().Get("name"))
		if errors.Is(err, webhook.ErrNotFound) {
			return notFound("The resource has no webhook of that name.")
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
	list, err := s.webhooks.Subscriptions(r.Context(), of.ID)
	if err != nil {
		return err
	}
	answer := Webhooks{Webhooks: []Webhook{}}
	for i := range list {
		answer.Webhooks = append(answer.Webhooks, webhookOf(&list[i]))
	}
	return answerJSON(w, http.StatusOK, answer)
}

func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, of *resource.Resource) error {
	var asked NewWebhook
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return badRequest("The body is not a webhook: JSON with name, endpoint, schema, types, subjectBegins, subjectEnds, audience, secret.")
	}
	if asked.Schema == "" {
		asked.Schema = string(webhook.SchemaEventGrid)
	}
	made, err := s.webhooks.Subscribe(r.Context(), webhook.Subscription{
		ResourceID: of.ID, Name: asked.Name, Source: of.Path(), Endpoint: asked.Endpoint, Schema: webhook.Schema(asked.Schema),
		Types: asked.Types, SubjectBegins: asked.SubjectBegins, SubjectEnds: asked.SubjectEnds, Audience: asked.Audience, Secret: asked.Secret,
	})
	if errors.Is(err, webhook.ErrSubscription) || errors.Is(err, webhook.ErrTarget) || errors.Is(err, webhook.ErrValidation) {
		return badRequest(strings.TrimPrefix(err.Error(), "webhook: "))
	}
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusCreated, webhookOf(&made))
}

func webhookOf(n *webhook.Subscription) Webhook {
	return Webhook{
		Name: n.Name, Endpoint: n.Endpoint, Schema: string(n.Schema), State: string(n.State), Types: n.Types,
		SubjectBegins: n.SubjectBegins, SubjectEnds: n.SubjectEnds, Audience: n.Audience, Created: n.Created,
	}
}

func (s *Server) serveDeadLetters(w http.ResponseWriter, r *http.Request) error {
	of, err := s.resourceOf(r)
	if err != nil {
		return err
	}
	change := map[string]func(context.Context, *resource.Resource, string) error{
		http.MethodPost: func(ctx context.Context, of *resource.Resource, id string) error {
			return s.webhooks.Redeliver(ctx, of.ID, id)
		},
		http.MethodDelete: func(ctx context.Context, of *resource.Resource, id string) error {
			return s.webhooks.Discard(ctx, of.ID, id)
		},
	}[r.Method]
	if change == nil {
		return s.listDeadLetters(w, r, of)
	}
	err = change(r.Context(), of, r.URL.Query().Get("id"))
	if errors.Is(err, webhook.ErrNotFound) {
		return notFound("The resource has no dead letter with that id, or its webhook is gone.")
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *Server) listDeadLetters(w http.ResponseWriter, r *http.Request, of *resource.Resource) error {
	query := r.URL.Query()
	limit := deadLetters
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxDeadLetters {
			return badRequest("limit is 1 to " + strconv.Itoa(maxDeadLetters) + ".")
		}
		limit = n
	}
	after, err := parseCursor(query.Get("after"))
	if err != nil {
		return badRequest("after is the next of the page before.")
	}
	list, err := s.webhooks.DeadLetters(r.Context(), of.ID, after, limit)
	if err != nil {
		return err
	}
	answer := DeadLetters{DeadLetters: []DeadLetter{}}
	for i := range list {
		d := &list[i]
		event, err := json.Marshal(&d.Event)
		if err != nil {
			return err
		}
		answer.DeadLetters = append(answer.DeadLetters, DeadLetter{
			ID: d.ID, Event: event, Endpoint: d.Endpoint, Attempts: d.Attempts, Reason: d.Reason, Created: d.Created, Died: d.Died,
		})
		if i == limit-1 {
			answer.Next = formatCursor(d.Cursor())
		}
	}
	return answerJSON(w, http.StatusOK, answer)
}

func formatCursor(c webhook.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.At.UnixMilli(), 10) + " " + c.ID))
}

func parseCursor(text string) (c webhook.Cursor, err error) {
	if text == "" {
		return c, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, err
	}
	at, id, _ := strings.Cut(string(data), " ")
	ms, err := strconv.ParseInt(at, 10, 64)
	return webhook.Cursor{At: time.UnixMilli(ms), ID: id}, err
}
