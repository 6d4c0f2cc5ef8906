package signaling

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-rtc/parley/signaling/internal/wire"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

// The writing side of a link has a goroutine only while there is something to
// write: a connection is idle for most of its life, and each goroutine would
// hold a stack that encoding has made large.

// startWriter lets the writer begin.
func (l *link) startWriter(ctx context.Context) {
	l.stream.mu.Lock()
	defer l.stream.mu.Unlock()
	l.begin = func() { l.writeAll(ctx) }
	l.timer = time.AfterFunc(time.Hour, l.timerFired)
	l.writer = writerIdle
	l.wakeLocked()
}

// endWriter waits for the writer's goroutine; nothing is written after it.
// The link's context must be over.
func (l *link) endWriter() {
	l.stream.mu.Lock()
	l.writer = writerOver
	l.timer.Stop()
	l.stream.mu.Unlock()
	l.writers.Wait()
}

// wakeLocked makes the writer look for work.
func (l *link) wakeLocked() {
	if l.writer != writerIdle {
		return // busy: it looks again before it is idle
	}
	l.writer = writerBusy
	l.writers.Add(1)
	l.workers.run(l.begin)
}

// timerFired looks whether it is time for something: an ack, a ping, the end
// of a far end that is silent.
func (l *link) timerFired() {
	l.stream.mu.Lock()
	defer l.stream.mu.Unlock()
	l.wakeLocked()
}

// armLocked sets the timer of an idle writer.
func (l *link) armLocked(now time.Time, wait time.Duration) {
	l.due = now.Add(wait)
	l.timer.Reset(wait)
}

// writeAll writes until there is nothing to write, or the link is over.
func (l *link) writeAll(ctx context.Context) {
	defer l.writers.Done()
	for {
		f, err := l.next(time.Now())
		if err == nil && f != nil {
			err = l.write(ctx, f)
		}
		switch {
		case err != nil:
			l.stopWriting()
			l.stop(err)
			return
		case f == nil:
			return
		case f.Head.GetGoodbye() != nil:
			l.stopWriting()
			// The far end has time to read it and to close, so that what is under way is
			// not cut off; the reader notices when it does.
			time.AfterFunc(goodbyeTime, func() { l.stop(errGoodbyeSaid) })
			return
		}
	}
}

// stopWriting makes this goroutine the writer's last.
func (l *link) stopWriting() {
	l.stream.mu.Lock()
	defer l.stream.mu.Unlock()
	l.writer = writerOver
}

func (l *link) write(ctx context.Context, f *wire.Frame) error {
	data, plain, err := l.codec.Encode(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.writeWithin)
	defer cancel()
	if err := l.conn.Write(ctx, data); err != nil {
		return fmt.Errorf("signaling: write: %w", err)
	}
	l.counters.sent(len(data), plain)
	return nil
}

// next returns the frame to send now, or nil when there is none: then the writer
// is idle, or over.
func (l *link) next(now time.Time) (f *wire.Frame, err error) {
	s := l.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.writer == writerOver {
		return nil, nil // ended during the write before: not to become idle again
	}
	if s.link != l {
		return nil, errLinkReplaced
	}
	f = &wire.Frame{Head: l.extra}
	l.extra = nil
	f.Seq, f.Messages = l.cursor, s.out.From(l.cursor, batchBytes)
	l.cursor += uint64(len(f.Messages))
	if f.Head == nil {
		f.Head = &signalpb.Frame{}
	}
	f.Head.Confirm, l.confirm = l.confirm, 0
	wait := time.Hour
	if err := l.heartbeatLocked(now, f.Head, &wait); err != nil {
		return nil, err
	}
	l.goodbyeLocked(f.Head)
	empty := len(f.Messages) == 0 && l.plainHead(f.Head)
	if l.ackLocked(now, f.Head, empty, &wait) {
		empty = false
	}
	if empty {
		l.writer = writerIdle
		l.armLocked(now, wait)
		return nil, nil
	}
	l.lastSent = now
	return f, nil
}
