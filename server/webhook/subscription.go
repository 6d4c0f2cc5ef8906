package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// ErrSubscription says that a subscription cannot be made as it is.
var ErrSubscription = errors.New("webhook: subscription")

// SubscriptionState is where a subscription stands.
type SubscriptionState string

// States of a subscription.
const (
	// StateValidating waits for its endpoint to agree.
	StateValidating SubscriptionState = "validating"
	// StateActive gets events.
	StateActive SubscriptionState = "active"
)

const (
	maxName   = 64
	maxSecret = 1 << 10

	alphanumerics = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// Subscription is who wants events of a resource.
type Subscription struct {
	// ID is drawn by Subscribe.
	ID         string
	ResourceID guid.GUID
	// Name is unique within the resource: letters, digits and hyphens.
	Name string
	// Source is the path of the resource, for the validation event.
	Source string
	// Endpoint is where events go.
	Endpoint string
	Schema   Schema
	// Types are the types of events wanted; none is every type.
	Types []string
	// SubjectBegins and SubjectEnds are what the subjects of wanted events have
	// in common, in any case; empty is any.
	SubjectBegins, SubjectEnds string
	// Audience is that of the tokens that come with events; empty sends none.
	Audience string
	// Secret signs the events; none does not. It is never given out again.
	Secret  []byte
	State   SubscriptionState
	Created time.Time
}

// check says what is wrong.
func (n *Subscription) check(g *Guard) error {
	isOther := func(r rune) bool { return r != '-' && !strings.ContainsRune(alphanumerics, r) }
	if n.Name == "" || len(n.Name) > maxName || strings.ContainsFunc(n.Name, isOther) {
		return fmt.Errorf("%w: a name has 1 to %d letters, digits and hyphens", ErrSubscription, maxName)
	}
	if n.Schema != SchemaEventGrid && n.Schema != SchemaCloudEvents {
		return fmt.Errorf("%w: the schema is %s or %s", ErrSubscription, SchemaEventGrid, SchemaCloudEvents)
	}
	if len(n.Secret) > maxSecret {
		return fmt.Errorf("%w: the secret is longer than %d bytes", ErrSubscription, maxSecret)
	}
	for _, text := range append([]string{n.SubjectBegins, n.SubjectEnds, n.Audience, n.Source}, n.Types...) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%w: a text is not UTF-8, or holds U+0000", ErrSubscription)
		}
	}
	return g.Check(n.Endpoint)
}

// wants tells whether an event is wanted.
func (n *Subscription) wants(e *Event) bool {
	subject := strings.ToLower(e.Subject)
	return (len(n.Types) == 0 || slices.ContainsFunc(n.Types, func(t string) bool { return strings.EqualFold(t, e.Type) })) &&
		strings.HasPrefix(subject, strings.ToLower(n.SubjectBegins)) && strings.HasSuffix(subject, strings.ToLower(n.SubjectEnds))
}

// Subscribe asks the endpoint whether it wants events, and makes the
// subscription when it says so. When it leaves that to somebody's visit, the
// state of the result is StateValidating: it becomes active by Validate within
// ten minutes, or is forgotten. A subscription of the same name is replaced at
// the moment at which the new one becomes active. The error wraps
// ErrSubscription, ErrTarget or ErrValidation.
func (s *Service) Subscribe(ctx context.Context, n Subscription) (Subscription, error) {
	if err := n.check(s.options.Guard); err != nil {
		return n, err
	}
	now := s.options.Now()
	n.ID, n.State, n.Created = guid.New().String(), StateValidating, now.UTC().Truncate(time.Millisecond)
	if n.Secret == nil {
		n.Secret = []byte{}
	}
	types, err := json.Marshal(n.Types)
	if err != nil {
		return n, err
	}
	code := newCode()
	err = s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO webhook_subscriptions (id, resource_id, name, endpoint, event_schema, event_types, subject_begins, subject_ends,
			audience, secret, state, validation_code, validate_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			n.ID, n.ResourceID.String(), n.Name, n.Endpoint, string(n.Schema), string(types), n.SubjectBegins, n.SubjectEnds,
			n.Audience, n.Secret, string(StateValidating), code, now.Add(validateTime).UnixMilli(), now.UnixMilli())
		return err
	})
	if err != nil {
		return n, err
	}
	agreed, err := s.ask(ctx, &n, code)
	if err == nil && agreed {
		err = s.Validate(ctx, n.ID, code)
		if errors.Is(err, ErrNotFound) {
			err = nil // somebody visited the link meanwhile
		}
		n.State = StateActive
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
		defer cancel()
		return n, errors.Join(err, s.options.Store.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec("DELETE FROM webhook_subscriptions WHERE id = $1 AND state = 'validating'", n.ID)
			return err
		}))
	}
	n.Secret = nil
	return n, nil
}

// Validate makes a subscription active: its endpoint has agreed, or somebody
// has visited the link. The error is ErrNotFound.
func (s *Service) Validate(ctx context.Context, subscription, code string) error {
	if code == "" {
		return ErrNotFound
	}
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		var resource, name, endpoint, schema, audience string
		err := tx.QueryRow(`UPDATE webhook_subscriptions SET state = 'active', validation_code = '', validate_until = 0
			WHERE id = $1 AND validation_code = $2 AND state = 'validating' AND validate_until > $3 RETURNING resource_id, name, endpoint, event_schema, audience`,
			subscription, code, s.options.Now().UnixMilli()).Scan(&resource, &name, &endpoint, &schema, &audience)
		if err != nil {
			return err
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			return err
		}
		// What waits for the one that it replaces, or failed there, is its own now;
		// whatever was wrong there, this one is tried at once.
		_, err = tx.Exec(`UPDATE webhook_deliveries SET subscription_id = $1, endpoint = $2, host = $3, event_schema = $4, audience = $5,
			next_at = CASE state WHEN 'waiting' THEN $8 ELSE next_at END
			WHERE subscription_id IN (SELECT id FROM webhook_subscriptions WHERE resource_id = $6 AND name = $7 AND id <> $1)`,
			subscription, endpoint, u.Host, schema, audience, resource, name, s.options.Now().UnixMilli())
		if err != nil {
			return err
		}
		return drop(tx, "resource_id = $1 AND name = $2 AND state = 'active' AND id <> $3", resource, name, subscription)
	})
	if store.IsNotFound(err) {
		return ErrNotFound
	}
	s.relearn(ctx)
	s.Wake()
	return err
}

// drop removes subscriptions and what waits for them. Dead letters stay.
func drop(tx *store.Tx, where string, args ...any) error {
	_, err := tx.Exec(`DELETE FROM webhook_deliveries WHERE state = 'waiting' AND subscription_id IN
		(SELECT id FROM webhook_subscriptions WHERE `+where+")", args...)
	if err != nil {
		return err
	}
	_, err = tx.Exec("DELETE FROM webhook_subscriptions WHERE "+where, args...)
	return err
}

// Unsubscribe removes the subscription of a name and what waits for it. The
// error is ErrNotFound when there is none.
func (s *Service) Unsubscribe(ctx context.Context, resource guid.GUID, name string) error {
	err := s.options.Store.Write(ctx, func(tx *store.Tx) error {
		var one int
		err := tx.QueryRow("SELECT 1 FROM webhook_subscriptions WHERE resource_id = $1 AND name = $2 LIMIT 1", resource.String(), name).Scan(&one)
		if err != nil {
			return err
		}
		return drop(tx, "resource_id = $1 AND name = $2", resource.String(), name)
	})
	if store.IsNotFound(err) {
		return ErrNotFound
	}
	s.relearn(ctx)
	return err
}

// Subscriptions returns those of a resource by name, without their secrets.
func (s *Service) Subscriptions(ctx context.Context, resource guid.GUID) (list []Subscription, err error) {
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		list, err = subscriptions(q, "resource_id = $1 ORDER BY name, created_at, id", resource.String())
		return err
	})
	return list, err
}

// subscriptions reads those for which a condition holds.
func subscriptions(q store.Querier, where string, args ...any) ([]Subscription, error) {
	rows, err := q.Query(`SELECT id, resource_id, name, endpoint, event_schema, event_types, subject_begins, subject_ends, audience, state, created_at
		FROM webhook_subscriptions WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Subscription{}
	for rows.Next() {
		var n Subscription
		var resource, types string
		var created int64
		err := rows.Scan(&n.ID, &resource, &n.Name, &n.Endpoint, &n.Schema, &types, &n.SubjectBegins, &n.SubjectEnds, &n.Audience, &n.State, &created)
		if err != nil {
			return nil, err
		}
		if n.ResourceID, err = guid.Parse(resource); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(types), &n.Types); err != nil {
			return nil, err
		}
		n.Created = time.UnixMilli(created).UTC()
		list = append(list, n)
	}
	return list, rows.Err()
}
