package signaling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// ackDelay is how long an ack may wait for a frame that it can share.
	ackDelay = 50 * time.Millisecond
	// batchBytes is about how many bytes of messages share a frame.
	batchBytes = 64 << 10
	// goodbyeTime is how long a link may take to flush, say goodbye and see
	// the far end close.
	goodbyeTime = time.Second
)

// errGoodbyeSaid ends a connection on which this end has said goodbye.
var errGoodbyeSaid = errors.New("signaling: goodbye said")

// errSilent ends a connection whose far end does not show that it is there.
var errSilent = errors.New("signaling: far end is silent")

// linkConfig is what differs between the two ends of a connection.
type linkConfig struct {
	conn   Conn
	stream *stream
	// attempt is the number of the connection; the service knows it.
	attempt uint32
	// codec is nil for a connection without compression.
	codec    *wire.Codec
	counters *counters
	// pingEvery is when to ask a far end that is silent whether it is there,
	// and pongWithin how long it may take. Zero: do not ask.
	pingEvery, pongWithin time.Duration
	// silentFor is how long the far end may be silent. Zero: any time.
	silentFor time.Duration
	// writeWithin limits each write.
	writeWithin time.Duration
	// admit, if not nil, is asked for each frame, by its size on the wire.
	admit func(bytes int) error
	// control takes the frames' parts that only one of the ends knows.
	control func(ctx context.Context, f *signalpb.Frame) error
	// workers read and write for links that are mostly idle. Nil: goroutines of
	// the link do.
	workers *workers
}

// writer is what the writing side of a link does.
type writer uint8

const (
	// writerIdle has nothing to write, and no goroutine; a timer wakes it.
	writerIdle writer = iota + 1 // 0: run has not begun, nothing is written yet
	// writerBusy has a goroutine, which looks for more before it ends.
	writerBusy
	// writerOver writes no more.
	writerOver
)

// link runs one connection of a session: one goroutine reads, and one writes
// while there is something to write. Where the connection can tell when there is
// something to read, none reads before.
// Fields below are guarded by the stream's lock.
type link struct {
	linkConfig

	// writer is the state of the writing side; writers counts its goroutine.
	writer  writer
	writers sync.WaitGroup
	// begin is what a goroutine of the writer runs.
	begin func()
	// timer wakes an idle writer at due.
	timer *time.Timer
	due   time.Time
	// expiry gets the end of a token that the service took; client only.
	expiry chan time.Time
	// stop ends the link from outside, with the reason.
	stop context.CancelCauseFunc

	// cursor is the number of the next message to send.
	cursor uint64
	// acked is the last ack sent; ackAt is when the next is due, zero for never.
	acked uint64
	ackAt time.Time
	// confirm is sent with the first frame; agent only. expected is what the
	// first frame must confirm, 0 once it has; service only, reader's own.
	confirm, expected uint32
	// extra is merged into the next frame.
	extra *signalpb.Frame
	// goodbye is sent when all else is sent; nil while the link goes on.
	goodbye *signalpb.Goodbye
	// lastSent and lastReceived are when a frame went out and came in.
	lastSent, lastReceived time.Time
	// ping is the number of the last ping, pingAt when it was sent; zero while
	// none is out.
	ping   uint32
	pingAt time.Time
}

func newLink(config linkConfig) *link {
	now := time.Now()
	return &link{linkConfig: config, lastSent: now, lastReceived: now}
}

// prepare returns the context of the link, which ends with the parent's or by
// abort. It must be called before the link is attached.
func (l *link) prepare(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	l.stop = cancel
	return ctx
}

// abort ends the link at once, from any goroutine.
func (l *link) abort(cause error) { l.stop(cause) }

// finish ends the link with a goodbye: at once, or after what is queued.
func (l *link) finish(g *signalpb.Goodbye, now bool) {
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.goodbye != nil {
		return
	}
	l.goodbye = g
	if now {
		l.cursor = s.out.Last() + 1
	}
	l.wakeLocked()
	// A writer that is stuck would never come to say it.
	time.AfterFunc(2*goodbyeTime, func() { l.stop(errGoodbyeSaid) })
}

// tokenAccepted passes the end of the token on, the newest only.
func (l *link) tokenAccepted(expires time.Time) {
	select {
	case <-l.expiry:
	default:
	}
	l.expiry <- expires // only the reader calls this
}

// push merges f into the next frame.
func (l *link) push(f *signalpb.Frame) {
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mergeLocked(f)
}

func (l *link) mergeLocked(f *signalpb.Frame) {
	if l.extra == nil {
		l.extra = &signalpb.Frame{}
	}
	// Only the newest of each counts.
	if f.GetPong() != 0 {
		l.extra.Pong = f.GetPong()
	}
	if f.GetTokenUpdate() != nil {
		l.extra.TokenUpdate = f.GetTokenUpdate()
	}
	if f.GetTokenAccepted() != nil {
		l.extra.TokenAccepted = f.GetTokenAccepted()
	}
	l.wakeLocked()
}

// ackDueLocked notes that there is something to acknowledge.
func (l *link) ackDueLocked(now time.Time) {
	if !l.ackAt.IsZero() {
		return
	}
	l.ackAt = now.Add(ackDelay)
	if l.writer == writerIdle && l.ackAt.Before(l.due) {
		l.armLocked(now, ackDelay)
	}
}

// awaiter is a Conn that knows when there is something to read.
type awaiter interface {
	// await reports false when a Read is to be made now. Else it reports true,
	// and calls f on another goroutine once a Read would return, at once when
	// ctx is over.
	await(ctx context.Context, f func()) bool
	// interrupt ends an await, and with it the connection; without one it does
	// nothing. It is to be called when the context of await is over.
	interrupt()
}

// run reads and writes until the connection ends, closes it, and returns why:
// a *GoodbyeError when the far end said goodbye, a *refusal when this end said
// it because of what it read, errGoodbyeSaid when it did so for another reason.
func (l *link) run(ctx context.Context) error {
	ended := make(chan error, 1)
	l.start(ctx, func(err error) { ended <- err })
	return <-ended
}

// start is run for one who does not wait: ended gets what run returns. It may
// return before that or after.
func (l *link) start(ctx context.Context, ended func(error)) {
	l.startWriter(ctx)
	waits, canWait := l.conn.(awaiter)
	forget := func() bool { return true }
	if canWait {
		forget = context.AfterFunc(ctx, waits.interrupt)
	}
	var read func()
	again := func() { l.workers.run(read) }
	read = func() {
		for {
			if err := l.readFrame(ctx); err != nil {
				forget()
				ended(l.over(ctx, err))
				return
			}
			if canWait && waits.await(ctx, again) {
				return
			}
		}
	}
	read()
}

// over ends the link after the reader's error and returns why it ended.
func (l *link) over(ctx context.Context, err error) error {
	if r := refusalOf(err); r != nil {
		err = r
		l.finish(goodbyeFrame(&r.GoodbyeError), true)
		for {
			// Reads on, so that the far end's close is noticed.
			if _, err := l.conn.Read(ctx); err != nil {
				break
			}
		}
	}
	l.stop(err)
	l.endWriter()
	err = l.reason(ctx, err)
	_ = l.conn.Close(closeCode(err), "") // it is over either way
	return err
}

// reason chooses what tells most about the end of the link.
func (l *link) reason(ctx context.Context, err error) error {
	l.stream.mu.Lock()
	said := l.goodbye != nil
	l.stream.mu.Unlock()
	switch {
	case errors.As(err, new(*refusal)), errors.As(err, new(*GoodbyeError)):
		return err
	case said:
		return errGoodbyeSaid
	default:
		return context.Cause(ctx) // the first error of reader, writer or abort
	}
}

// closeCode is the WebSocket close code that fits the end of a link. Zero
// closes without a handshake: there is nobody to shake hands with.
func closeCode(err error) int {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return int(r.Code)
	case errors.As(err, new(*GoodbyeError)), errors.Is(err, errGoodbyeSaid):
		return int(CodeNormal)
	default:
		return 0
	}
}

func (l *link) readFrame(ctx context.Context) error {
	if err := l.stream.room(ctx); err != nil {
		return err
	}
	data, err := l.conn.Read(ctx)
	if err != nil {
		return fmt.Errorf("signaling: read: %w", err)
	}
	if l.admit != nil {
		if err := l.admit(len(data)); err != nil {
			return err
		}
	}
	f, plain, err := l.codec.Decode(data)
	if err != nil {
		return err
	}
	l.counters.received(len(data), plain)
	return l.handle(ctx, f)
}

func (l *link) handle(ctx context.Context, f *signalpb.Frame) error {
	if l.expected != 0 && f.GetConfirm() != l.expected {
		// Not the agent that was welcomed: bytes of an earlier connection that
		// came late or twice. They must not count for this session.
		return refuse(CodeSuperseded, "welcome was not confirmed")
	}
	l.expected = 0
	l.noteReceived(f)
	if f.GetAck() != 0 {
		if err := l.stream.acknowledged(l, f.GetAck()); err != nil {
			return err
		}
	}
	if len(f.GetMessages()) > 0 {
		if err := l.stream.received(l, f.GetSeq(), f.GetMessages()); err != nil {
			return err
		}
	}
	if l.control != nil {
		if err := l.control(ctx, f); err != nil {
			return err
		}
	}
	if g := f.GetGoodbye(); g != nil {
		return goodbyeError(g)
	}
	return nil
}

func (l *link) noteReceived(f *signalpb.Frame) {
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	l.lastReceived = time.Now()
	if f.GetPing() != 0 {
		l.mergeLocked(&signalpb.Frame{Pong: f.GetPing()})
	}
	if f.GetPong() != 0 && f.GetPong() == l.ping && !l.pingAt.IsZero() {
		l.counters.roundTrip.Store(int64(l.lastReceived.Sub(l.pingAt)))
		l.pingAt = time.Time{}
		l.wakeLocked() // the next ping may be due before the timer, which waits for this answer
	}
}

// plainHead tells whether a frame's head says nothing.
func (l *link) plainHead(f *signalpb.Frame) bool {
	return f.GetConfirm() == 0 && f.GetPing() == 0 && f.GetPong() == 0 && f.GetGoodbye() == nil &&
		f.GetTokenUpdate() == nil && f.GetTokenAccepted() == nil
}

// goodbyeLocked adds the goodbye once all messages are sent.
func (l *link) goodbyeLocked(f *signalpb.Frame) {
	if l.goodbye != nil && l.cursor > l.stream.out.Last() {
		f.Goodbye = l.goodbye
	}
}

// ackLocked adds the ack when it is due or can share a frame.
func (l *link) ackLocked(now time.Time, f *signalpb.Frame, empty bool, wait *time.Duration) bool {
	if l.ackAt.IsZero() {
		return false
	}
	if empty && now.Before(l.ackAt) {
		*wait = min(*wait, l.ackAt.Sub(now))
		return false
	}
	l.ackAt = time.Time{}
	if l.stream.in.Applied <= l.acked {
		return false
	}
	l.acked = l.stream.in.Applied
	f.Ack = l.acked
	return true
}

// heartbeatLocked adds a ping when it is time for one and fails when the far
// end is silent for too long.
func (l *link) heartbeatLocked(now time.Time, f *signalpb.Frame, wait *time.Duration) error {
	if l.silentFor > 0 {
		left := l.lastReceived.Add(l.silentFor).Sub(now)
		if left <= 0 {
			return errSilent
		}
		*wait = min(*wait, left)
	}
	if l.pingEvery <= 0 {
		return nil
	}
	if !l.pingAt.IsZero() {
		// Other frames show that this direction is slow, not dead; but for how
		// long the other one can be dead is limited.
		deadline := l.pingAt.Add(3 * l.pongWithin)
		if heard := latest(l.pingAt, l.lastReceived).Add(l.pongWithin); heard.Before(deadline) {
			deadline = heard
		}
		left := deadline.Sub(now)
		if left <= 0 {
			return errSilent
		}
		*wait = min(*wait, left)
		return nil
	}
	// Asked when either direction is idle: the far end wants to hear, too.
	oldest := l.lastReceived
	if l.lastSent.Before(oldest) {
		oldest = l.lastSent
	}
	if left := oldest.Add(l.pingEvery).Sub(now); left > 0 {
		*wait = min(*wait, left)
		return nil
	}
	l.ping++
	if l.ping == 0 {
		l.ping = 1
	}
	l.pingAt = now
	f.Ping = l.ping
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
