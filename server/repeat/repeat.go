package repeat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/store"
)

// Errors of claims.
var (
	// ErrOtherRequest says that the id was used for a request that differs.
	ErrOtherRequest = errors.New("repeat: the id belongs to another request")
	// ErrLost says that the claim ran out and somebody else has taken over.
	ErrLost = errors.New("repeat: the claim was lost")
	// ErrNoID says that the id is empty or too long.
	ErrNoID = errors.New("repeat: no id")
)

const (
	// Keep is how long an answer is remembered.
	Keep = 24 * time.Hour
	// lease is how long whoever handles a request may take before another one
	// with the same id tries in its place.
	lease = time.Minute
	// poll is how often a request looks whether another node has finished.
	poll = 100 * time.Millisecond
	// sweepEvery and sweepSize bound what forgetting costs.
	sweepEvery = time.Minute
	sweepSize  = 500
	// MaxID is the longest id.
	MaxID = 128
	// finishTime is how long storing an answer may take when the client is gone.
	finishTime = 10 * time.Second
)

// Store remembers. Its methods may be called from any goroutine.
type Store struct {
	store *store.Store
	now   func() time.Time

	mu     sync.Mutex
	here   map[Key]chan struct{} // claims of this process; closed when they end
	swept  time.Time
	sweeps bool
}

// New returns a Store in a database. now is the clock; nil is time.Now.
func New(st *store.Store, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{store: st, now: now, here: map[Key]chan struct{}{}}
}

// Key names a request.
type Key struct {
	// ResourceID is the resource that the request is for.
	ResourceID guid.GUID
	// Scope is what the id is unique in: an operation, an operation of one
	// user, a recipient.
	Scope string
	// ID is what the client gave.
	ID string
}

// Answer is what is remembered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Claim is a request that is being handled, or the answer of one that was.
type Claim struct {
	store  *Store
	key    Key
	owner  guid.GUID
	answer *Answer

	mu    sync.Mutex
	ended bool
}

// Begin claims a request. fingerprint stands for everything that makes it this
// request and no other; its hash. When the same one is being handled, Begin
// waits for it. The error is ErrOtherRequest for an id that was used with
// another fingerprint, ErrNoID for one that cannot be kept.
func (s *Store) Begin(ctx context.Context, key Key, fingerprint []byte) (*Claim, error) {
	if key.ID == "" || len(key.ID) > MaxID {
		return nil, ErrNoID
	}
	for {
		wait, mine := s.enter(key)
		if !mine {
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, fmt.Errorf("repeat: wait: %w", ctx.Err())
			}
		}
		claim, err := s.claim(ctx, key, fingerprint)
		if err != nil || claim != nil {
			if err != nil || claim.answer != nil {
				s.leave(key)
			}
			return claim, err
		}
		// Another node has it.
		s.leave(key)
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return nil, fmt.Errorf("repeat: wait: %w", ctx.Err())
		}
	}
}

// enter makes the caller the only one of this process that has the key, or
// returns what closes when the other one ends.
func (s *Store) enter(key Key) (wait chan struct{}, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait, ok := s.here[key]; ok {
		return wait, false
	}
	s.here[key] = make(chan struct{})
	return nil, true
}

func (s *Store) leave(key Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.here[key])
	delete(s.here, key)
}

// row is what the table has of a key.
type row struct {
	fingerprint, body []byte
	lease, status     int64
	headers           string
}

// claim writes the key into the table, or reads the answer that is there. It
// returns nil when another node has it.
func (s *Store) claim(ctx context.Context, key Key, fingerprint []byte) (*Claim, error) {
	claim := &Claim{store: s, key: key, owner: guid.New()}
	now := s.now()
	sweep := s.timeToSweep(now)
	var old row
	var taken bool
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		old, taken = row{}, false
		if sweep {
			if err := forget(tx, now); err != nil {
				return err
			}
		}
		err := tx.QueryRow(`INSERT INTO repeats (resource_id, scope, request_id, fingerprint, owner, lease_until, status, headers, body, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, '', $7, $8)
			ON CONFLICT (resource_id, scope, request_id) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,
				lease_until = excluded.lease_until, status = 0, headers = '', body = excluded.body, expires_at = excluded.expires_at
			WHERE repeats.expires_at <= $9 OR (repeats.lease_until > 0 AND repeats.lease_until <= $9 AND repeats.fingerprint = excluded.fingerprint)
			RETURNING status`,
			key.ResourceID[:], key.Scope, key.ID, fingerprint, claim.owner[:], now.Add(lease).UnixMilli(), []byte{},
			now.Add(Keep).UnixMilli(), now.UnixMilli()).Scan(&old.status)
		if err == nil {
			taken = true
			return nil
		}
		if !store.IsNotFound(err) {
			return err
		}
		return tx.QueryRow(`SELECT fingerprint, lease_until, status, headers, body FROM repeats
			WHERE resource_id = $1 AND scope = $2 AND request_id = $3`, key.ResourceID[:], key.Scope, key.ID).
			Scan(&old.fingerprint, &old.lease, &old.status, &old.headers, &old.body)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("repeat: begin: %w", err)
	case taken:
		return claim, nil
	case !bytes.Equal(old.fingerprint, fingerprint):
		return nil, ErrOtherRequest
	case old.lease > 0:
		return nil, nil //nolint:nilnil // nil is documented: wait
	}
	claim.ended = true
	claim.answer = &Answer{Status: int(old.status), Body: old.body}
	if err := json.Unmarshal([]byte(old.headers), &claim.answer.Header); err != nil {
		return nil, fmt.Errorf("repeat: begin: %w", err)
	}
	return claim, nil
}

func (s *Store) timeToSweep(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sweeps && now.Sub(s.swept) < sweepEvery {
		return false
	}
	s.sweeps, s.swept = true, now
	return true
}

// forget deletes some of what is past its time.
func forget(tx *store.Tx, now time.Time) error {
	_, err := tx.Exec(`DELETE FROM repeats WHERE (resource_id, scope, request_id) IN
		(SELECT resource_id, scope, request_id FROM repeats WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, now.UnixMilli(), sweepSize)
	return err
}

// Answer returns the remembered answer; nil when the request is to be handled.
func (c *Claim) Answer() *Answer { return c.answer }

// FinishTx stores the answer in a transaction of the caller's, beside what the
// request has changed: both take effect or none. The error is ErrLost when the
// claim was taken over. The transaction may run several times. After it was
// committed the caller calls Done.
func (c *Claim) FinishTx(tx *store.Tx, answer Answer) error {
	headers, err := json.Marshal(answer.Header)
	if err != nil {
		return fmt.Errorf("repeat: finish: %w", err)
	}
	body := answer.Body
	if body == nil {
		body = []byte{}
	}
	done, err := tx.Exec(`UPDATE repeats SET lease_until = 0, status = $1, headers = $2, body = $3
		WHERE resource_id = $4 AND scope = $5 AND request_id = $6 AND owner = $7`,
		answer.Status, string(headers), body, c.key.ResourceID[:], c.key.Scope, c.key.ID, c.owner[:])
	if err != nil {
		return fmt.Errorf("repeat: finish: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrLost, err)
	}
	return nil
}

// Finish stores the answer in a transaction of its own. Between the request's
// own and this one lies a moment in which a crash forgets the answer, so
// FinishTx is the better choice.
func (c *Claim) Finish(ctx context.Context, answer Answer) error {
	defer c.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	return c.store.store.Write(ctx, func(tx *store.Tx) error { return c.FinishTx(tx, answer) })
}

// Abandon gives the request up: it had no effect, and the next one with the
// same key is handled as if it were the first.
func (c *Claim) Abandon(ctx context.Context) error {
	if c.isOver() {
		return nil
	}
	defer c.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	return c.store.store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM repeats WHERE resource_id = $1 AND scope = $2 AND request_id = $3 AND owner = $4 AND lease_until > 0`,
			c.key.ResourceID[:], c.key.Scope, c.key.ID, c.owner[:])
		return err
	})
}

func (c *Claim) isOver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Done lets those go on who wait for this claim. It is idempotent; Finish and
// Abandon call it.
func (c *Claim) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		c.store.leave(c.key)
	}
}
