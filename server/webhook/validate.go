package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/guid"
)

// ErrValidation says that an endpoint did not agree to get events.
var ErrValidation = errors.New("webhook: the endpoint did not agree")

const (
	// validateTime is how long the link of a validation is good, as Event Grid's.
	validateTime   = 10 * time.Minute
	maxValidation  = 16 << 10
	validationType = "Microsoft.EventGrid.SubscriptionValidationEvent"

	headerGridType     = "Aeg-Event-Type"
	headerGridName     = "Aeg-Subscription-Name"
	headerGridCount    = "Aeg-Delivery-Count"
	headerGridData     = "Aeg-Data-Version"
	headerGridMetadata = "Aeg-Metadata-Version"

	headerOrigin   = "Webhook-Request-Origin"
	headerCallback = "Webhook-Request-Callback"
	headerAllowed  = "Webhook-Allowed-Origin"
)

func newCode() string { return rand.Text() }

// ask asks an endpoint whether it wants the events of a subscription. It
// reports false when it leaves that to the link.
func (s *Service) ask(ctx context.Context, n *Subscription, code string) (bool, error) {
	link := ""
	if s.options.ValidationURL != nil {
		link = s.options.ValidationURL(n.ID, code)
	}
	if n.Schema == SchemaEventGrid {
		return s.askGrid(ctx, n, code, link)
	}
	return s.askCloud(ctx, n, link)
}

// askGrid sends a code that the endpoint repeats.
func (s *Service) askGrid(ctx context.Context, n *Subscription, code, link string) (bool, error) {
	data := struct {
		Code string `json:"validationCode"`
		URL  string `json:"validationUrl,omitempty"`
	}{code, link}
	raw, err := json.Marshal(data)
	if err != nil {
		return false, err
	}
	e := Event{ID: guid.New().String(), Source: n.Source, Type: validationType, Time: s.options.Now().UTC(), Data: raw, DataVersion: "2"}
	body, contentType, err := envelope(&e, SchemaEventGrid)
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, ErrTarget
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set(headerGridType, "SubscriptionValidation")
	req.Header.Set(headerGridName, strings.ToUpper(n.Name))
	said, err := s.converse(req)
	if err != nil {
		return false, err
	}
	var answer struct {
		Response string `json:"validationResponse"`
	}
	if err := json.Unmarshal(said.body, &answer); err != nil {
		answer.Response = "" // it is no JSON: the link is left
	}
	switch {
	case said.status == http.StatusOK && answer.Response == code:
		return true, nil
	case (said.status == http.StatusOK || said.status == http.StatusAccepted) && answer.Response == "" && link != "":
		return false, nil
	}
	return false, fmt.Errorf("%w: it answered %d without the code", ErrValidation, said.status)
}

// askCloud asks for leave to send from our origin (HTTP 1.1 Web Hooks for Event
// Delivery 4).
func (s *Service) askCloud(ctx context.Context, n *Subscription, link string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, n.Endpoint, nil)
	if err != nil {
		return false, ErrTarget
	}
	req.Header.Set(headerOrigin, s.options.Origin)
	if link != "" {
		req.Header.Set(headerCallback, link)
	}
	said, err := s.converse(req)
	if err != nil {
		return false, err
	}
	allowed := said.header.Values(headerAllowed)
	mine := func(v string) bool {
		v = strings.TrimSpace(v)
		return v == "*" || strings.EqualFold(v, s.options.Origin)
	}
	switch {
	case said.status/100 == 2 && slices.ContainsFunc(strings.Split(strings.Join(allowed, ","), ","), mine):
		return true, nil
	case said.status/100 == 2 && len(allowed) == 0 && link != "":
		return false, nil
	}
	return false, fmt.Errorf("%w: it answered %d and does not allow the origin %s", ErrValidation, said.status, s.options.Origin)
}

// said is what an endpoint said to a validation.
type said struct {
	status int
	header http.Header
	body   []byte
}

// converse sends a request of a validation and reads the answer.
func (s *Service) converse(req *http.Request) (said, error) {
	req.Header.Set("User-Agent", userAgent)
	resp, err := s.client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(resp.Body, maxValidation)); err == nil {
			return said{resp.StatusCode, resp.Header, body}, nil
		}
	}
	switch {
	case req.Context().Err() != nil:
		return said{}, req.Context().Err()
	case errors.Is(err, ErrTarget):
		return said{}, errAddress
	}
	return said{}, fmt.Errorf("%w: %s", ErrValidation, reasonOf(err))
}

// ServeValidation answers the visit of a link with the subscription and its
// code. A browser that only looks at a page before somebody clicks must not
// agree in his place, but Event Grid's own link is a GET: so is this.
func (s *Service) ServeValidation(w http.ResponseWriter, r *http.Request, subscription, code string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	text, status := "The subscription gets events from now on.\n", http.StatusOK
	switch err := s.Validate(r.Context(), subscription, code); {
	case errors.Is(err, ErrNotFound):
		text, status = "The link is not good any more, or never was.\n", http.StatusNotFound
	case err != nil:
		text, status = "That did not work. Try again.\n", http.StatusServiceUnavailable
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // whoever is gone notices by himself
}
