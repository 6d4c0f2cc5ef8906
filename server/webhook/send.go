package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-rtc/parley/server/store"
)

const (
	userAgent = "Parley"
	// maxAnswer is how much of an answer is read, so that the connection can be
	// used again.
	maxAnswer = 4 << 10
	// maxRetryAfter bounds what an endpoint may ask for.
	maxRetryAfter = 12 * time.Hour
)

// ReasonExpired is why a delivery is dead that was not tried within its life.
const ReasonExpired = "expired"

// outcome is what came of an attempt.
type outcome struct {
	delivered bool
	// final tells that trying again is no use.
	final  bool
	reason string
	// after is how long the endpoint asked to wait.
	after time.Duration
}

// deliver makes one attempt and writes down what came of it.
func (s *Service) deliver(ctx context.Context, d *delivery) {
	defer s.leave(d)
	secret, err := s.secretOf(ctx, d)
	switch {
	case store.IsNotFound(err):
		s.note(ctx, s.settle(ctx, "DELETE FROM webhook_deliveries WHERE id = $1 AND attempts = $2", d.id, int64(d.attempts)))
		return
	case err != nil:
		s.note(ctx, err)
		s.release(ctx, d)
		return
	}
	o := s.attempt(ctx, d, secret)
	if ctx.Err() != nil && !o.delivered {
		s.release(ctx, d)
		return
	}
	if o.delivered {
		s.delivered.Add(1)
		// The answer has come: that is written down also when the service closes.
		s.note(ctx, s.settle(context.WithoutCancel(ctx), "DELETE FROM webhook_deliveries WHERE id = $1 AND attempts = $2", d.id, int64(d.attempts)))
		return
	}
	s.failed.Add(1)
	now := s.options.Now()
	next := now.Add(max(wait(d.attempts), o.after)).UnixMilli()
	if o.final || d.attempts >= maxAttempts || next >= d.expires {
		s.dead.Add(1)
		s.options.Logger.Warn("an event is a dead letter", "delivery", d.id, "resource_id", d.event.ResourceID, "type", d.event.Type,
			"attempts", d.attempts, "reason", o.reason)
		s.note(ctx, s.settle(ctx, `UPDATE webhook_deliveries SET state = 'dead', dead_at = $1, leased_until = 0, reason = $2 WHERE id = $3 AND attempts = $4`,
			now.UnixMilli(), o.reason, d.id, int64(d.attempts)))
		return
	}
	s.note(ctx, s.settle(ctx, `UPDATE webhook_deliveries SET next_at = $1, leased_until = 0, reason = $2 WHERE id = $3 AND attempts = $4`,
		next, o.reason, d.id, int64(d.attempts)))
}

// settle runs one statement. The attempts in its condition keep a node whose
// lease ran out from undoing what the next one has found.
func (s *Service) settle(ctx context.Context, statement string, args ...any) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(statement, args...)
		return err
	})
}

// release gives back a delivery that was not tried to its end.
func (s *Service) release(ctx context.Context, d *delivery) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	s.note(ctx, s.settle(ctx, "UPDATE webhook_deliveries SET leased_until = 0 WHERE id = $1 AND attempts = $2", d.id, int64(d.attempts)))
}

// secretOf reads the secret of a delivery's subscription; none for a callback.
func (s *Service) secretOf(ctx context.Context, d *delivery) (secret []byte, err error) {
	if d.subscription == "" {
		return nil, nil
	}
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		return q.QueryRow("SELECT secret FROM webhook_subscriptions WHERE id = $1", d.subscription).Scan(&secret)
	})
	return secret, err
}

// attempt sends the event.
func (s *Service) attempt(ctx context.Context, d *delivery, secret []byte) outcome {
	body, contentType, err := envelope(&d.event, d.schema)
	if err != nil {
		return outcome{final: true, reason: "the event cannot be written"}
	}
	// The operator may have changed what is allowed.
	if err := s.options.Guard.Check(d.endpoint); err != nil {
		return outcome{final: true, reason: "the endpoint is not allowed"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint, bytes.NewReader(body))
	if err != nil {
		return outcome{final: true, reason: "the endpoint is no URL"}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", contentType)
	if d.schema == SchemaEventGrid {
		req.Header.Set(headerGridType, "Notification")
		req.Header.Set(headerGridData, d.event.DataVersion)
		req.Header.Set(headerGridMetadata, metadataVersion)
	}
	if d.schema != SchemaCallback {
		req.Header.Set(headerGridCount, strconv.Itoa(d.attempts-1))
	}
	if s.options.Signer != nil && d.audience != "" {
		token, err := s.options.Signer.SignEvent(ctx, d.audience, tokenLife)
		if err != nil {
			s.note(ctx, err)
			return outcome{reason: "the event could not be signed"}
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if len(secret) > 0 {
		now := s.options.Now()
		req.Header.Set(HeaderID, d.event.ID)
		req.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
		req.Header.Set(HeaderSignature, Signature(secret, d.event.ID, now, body))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return outcome{final: errors.Is(err, ErrTarget), reason: reasonOf(err)}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // what it says does not matter
	return s.judge(resp)
}

// judge says what an answer means.
func (s *Service) judge(resp *http.Response) outcome {
	o := outcome{reason: "answered " + strconv.Itoa(resp.StatusCode)}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusNoContent:
		o.delivered = true
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusGone, http.StatusRequestEntityTooLarge:
		o.final = true
	}
	text := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		o.after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		o.after = at.Sub(s.options.Now())
	}
	o.after = max(0, min(o.after, maxRetryAfter))
	return o
}

// schedule is how long to wait after the first, second, … attempt; the last
// holds for all further ones.
func schedule() []time.Duration {
	return []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
}

// wait is how long to wait after an attempt: a little longer than the schedule
// says, so that what failed together does not come together.
func wait(attempts int) time.Duration {
	steps := schedule()
	step := steps[min(max(attempts, 1), len(steps))-1]
	return step + time.Duration(rand.Int64N(int64(step)/10))
}

// reasonOf says what went wrong, in words of ours: what a resolver or a network
// says may tell of things inside.
func reasonOf(err error) string {
	var timeout net.Error
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrTarget):
		return "its address is not public"
	case errors.As(err, &certificate):
		return "its certificate is not good"
	case errors.As(err, &name):
		return "its name is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return "no connection"
}
