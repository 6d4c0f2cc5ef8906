package push

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

const (
	// maxText is how many bytes of a text are sent: Apple takes four kilobytes
	// with everything, and what is escaped grows.
	maxText = 400
	maxName = 100
)

// job is one message to tell of: to all while user is empty, else to one device.
type job struct {
	id            string
	resource      guid.GUID
	thread        string
	message       int64
	user, device  string
	attempts      int
	next, expires int64
}

func insertJob(tx *store.Tx, j *job) error {
	_, err := tx.Exec(`INSERT INTO push_jobs (id, resource_id, thread_id, message_id, user_id, device_id, attempts, next_at, leased_until, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, $8)`,
		guid.New().String(), j.resource[:], j.thread, j.message, j.user, j.device, j.next, j.expires)
	return err
}

// round begins what is due, as much at a time as there are workers. It reports
// whether to look again at once.
func (s *Service) round(ctx context.Context) (more bool, err error) {
	free := workers - s.busy.Load()
	if free <= 0 {
		return false, nil // the one that ends first wakes us
	}
	now := s.options.Now().UnixMilli()
	// Most of the time there is nothing to do: look before writing.
	err = s.options.Store.Read(ctx, func(q store.Querier) error {
		var one int
		return q.QueryRow("SELECT 1 FROM push_jobs WHERE next_at <= $1 AND leased_until < $1 LIMIT 1", now).Scan(&one)
	})
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var jobs []job
	err = s.options.Store.Write(ctx, func(tx *store.Tx) (err error) {
		jobs, err = lend(tx, now, free)
		return err
	})
	if err != nil {
		return false, err
	}
	for i := range jobs {
		s.busy.Add(1)
		if !s.begin(func(ctx context.Context) {
			defer s.look()
			defer s.busy.Add(-1)
			s.do(ctx, &jobs[i])
		}) {
			return false, nil // closed: the leases end
		}
	}
	return len(jobs) > 0, nil
}

// lend leases jobs that are due and drops those past their life.
func lend(tx *store.Tx, now, free int64) ([]job, error) {
	if _, err := tx.Exec("DELETE FROM push_jobs WHERE next_at <= $1 AND expires_at <= $1", now); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`UPDATE push_jobs SET leased_until = $1, attempts = attempts + 1 WHERE id IN
		(SELECT id FROM push_jobs WHERE next_at <= $2 AND leased_until < $2 ORDER BY next_at LIMIT $3)
		RETURNING id, resource_id, thread_id, message_id, user_id, device_id, attempts, expires_at`, now+lease.Milliseconds(), now, free)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []job
	for rows.Next() {
		var j job
		var resource []byte
		if err := rows.Scan(&j.id, &resource, &j.thread, &j.message, &j.user, &j.device, &j.attempts, &j.expires); err != nil {
			return nil, err
		}
		j.resource = guid.GUID(resource)
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// do does a job and writes down what came of it.
func (s *Service) do(ctx context.Context, j *job) {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	message, members, err := s.threads.Told(ctx, j.resource, j.thread, j.message)
	if refused := (*chat.Error)(nil); errors.As(err, &refused) {
		s.note(ctx, s.settle(ctx, j, nil)) // deleted, or its thread is: nothing to tell
		return
	}
	if err != nil {
		s.note(ctx, err) // its lease ends
		return
	}
	if j.user == "" {
		s.note(ctx, s.spread(ctx, j, &message, members))
		return
	}
	if !slices.Contains(members, j.user) {
		s.note(ctx, s.settle(ctx, j, nil)) // removed since the last attempt
		return
	}
	s.note(ctx, s.tell(ctx, j, &message))
}

// settle removes a job and adds others in its place.
func (s *Service) settle(ctx context.Context, j *job, next []job) error {
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		// The attempts keep a node whose lease has ended out of it.
		done, err := tx.Exec("DELETE FROM push_jobs WHERE id = $1 AND attempts = $2", j.id, j.attempts)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		for i := range next {
			if err := insertJob(tx, &next[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// spread makes a job for each device of each member who is not there.
func (s *Service) spread(ctx context.Context, j *job, message *chat.Message, members []string) error {
	present := s.present(ctx, members)
	now := s.options.Now().UnixMilli()
	var next []job
	for _, user := range members {
		if user == message.Sender || present[user] {
			continue
		}
		list, err := s.Devices(ctx, user)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Token != "" {
				next = append(next, job{
					resource: j.resource, thread: j.thread, message: j.message, user: user, device: list[i].ID, next: now, expires: j.expires,
				})
			}
		}
	}
	return s.settle(ctx, j, next)
}

// tell sends to one device.
func (s *Service) tell(ctx context.Context, j *job, message *chat.Message) error {
	var found []Device
	err := s.options.Store.Read(ctx, func(q store.Querier) (err error) {
		found, err = devices(q, "user_id = $1 AND device_id = $2", j.user, j.device)
		return err
	})
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Token == "" {
		return s.settle(ctx, j, nil)
	}
	later, err := s.send(ctx, j.user, &found[0], s.chatNotification(j.thread, message))
	if err != nil || later == nil {
		return errors.Join(err, s.settle(ctx, j, nil))
	}
	next := s.options.Now().Add(max(wait(j.attempts), later.After)).UnixMilli()
	return s.options.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE push_jobs SET next_at = $1, leased_until = 0 WHERE id = $2 AND attempts = $3", next, j.id, j.attempts)
		return err
	})
}

// wait is how long to wait after attempts that failed: from two seconds on,
// doubling to ten minutes, each a little longer than that.
func wait(attempts int) time.Duration {
	const first, longest, doublings = 2 * time.Second, 10 * time.Minute, 9
	d := min(first<<min(attempts-1, doublings), longest)
	return d + rand.N(d/4+1) //nolint:gosec // spreads load, guards nothing
}

// send hands a notification for a device to its platform. later is set when it
// may be tried again; what is no use any more is noted, and nobody's error.
func (s *Service) send(ctx context.Context, user string, d *Device, n Notification) (later *LaterError, err error) {
	sender := s.options.Senders[d.Platform]
	if sender == nil {
		return nil, nil //nolint:nilnil // the operator has taken the platform away
	}
	n.Token, n.Sandbox, n.VoIP = d.Token, d.Sandbox, n.Kind == KindCall && d.VoIPToken != ""
	if n.VoIP {
		n.Token = d.VoIPToken
	}
	err = sender.Send(ctx, &n)
	switch {
	case err == nil:
		s.sent.Add(1)
		return nil, nil //nolint:nilnil // done
	case errors.Is(err, ErrGone):
		return nil, s.forget(ctx, user, d, n.VoIP)
	case errors.As(err, &later):
		s.options.Logger.Info("a push is tried again", "platform", d.Platform, "reason", later.Reason)
		return later, nil
	}
	s.failed.Add(1)
	return nil, fmt.Errorf("to %s: %w", d.Platform, err)
}

// chatNotification tells of a message.
func (s *Service) chatNotification(thread string, m *chat.Message) Notification {
	n := Notification{
		Kind: KindChat, Title: cut(m.SenderName, maxName), Body: "New message", Group: thread, Life: messageLife,
		Data: map[string]string{"threadId": thread, "messageId": strconv.FormatInt(m.ID, 10), "senderId": m.Sender},
	}
	if n.Title != "" {
		n.Data["senderDisplayName"] = n.Title
	}
	if s.options.Content {
		if text := cut(m.Text(), maxText); text != "" {
			n.Body, n.Data["text"] = text, text
		}
	}
	return n
}

// cut shortens a text at a character, and leaves out what nobody can see: it
// would take six times its size.
func cut(text string, size int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text))
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size] + "…"
}
