package chatlink

import (
	"context"
	"errors"
	"time"

	"github.com/parley-rtc/parley/server/chat"
	"github.com/parley-rtc/parley/signaling"
	"github.com/parley-rtc/parley/signaling/signalpb"
)

const (
	// pageSize is how many changes are read at a time.
	pageSize = 32
	// pace is how many bytes may wait for an agent before more is read for it.
	// What happens meanwhile has the rest of the session's queue.
	pace = 256 << 10
)

// follow brings the agent up to date and ends when nothing is behind.
func (l *link) follow(ctx context.Context) {
	for {
		next, ok := l.next()
		if !ok {
			return
		}
		err := l.step(ctx, next)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		l.service.logger.Warn("threads of a session", "error", err)
		l.again(next)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// next says what is to be done: a thread that is behind, or none to look at all.
func (l *link) next() (next task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed || l.places == nil:
		l.following = false
		return task{}, false
	case l.compare:
		l.compare = false
		return task{}, true
	case len(l.behind) > 0:
		next = l.behind[0]
		l.behind = l.behind[1:]
		return next, true
	}
	if l.greeting {
		l.greeting = false
		l.tellLocked(syncedMessage(&signalpb.ChatSynced{}))
	}
	l.behind = nil
	l.following = false
	return task{}, false
}

// again puts back what failed.
func (l *link) again(t task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.thread == "" {
		l.compare = true
	} else if l.places != nil {
		l.behind = append(l.behind, t)
	}
}

func (l *link) step(ctx context.Context, t task) error {
	if t.thread == "" {
		return l.compareAll(ctx)
	}
	return l.catchUp(ctx, t)
}

// compareAll looks at all threads of the user.
func (l *link) compareAll(ctx context.Context) error {
	list, err := l.service.chat.Standings(ctx, l.caller())
	if refused := (*chat.Error)(nil); errors.As(err, &refused) {
		l.refused(refused)
		return nil
	}
	if err != nil {
		return err
	}
	for _, st := range l.sort(list) {
		if err := l.session.WaitBelow(ctx, pace); err != nil {
			return err
		}
		if err := l.introduce(ctx, &st, st.Change); err != nil {
			return err
		}
	}
	return nil
}

// sort puts the threads that are behind on the list and returns those that are
// told from now on.
func (l *link) sort(list []chat.Standing) (fresh []chat.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil {
		return nil
	}
	there := make(map[string]bool, len(list))
	for _, st := range list {
		there[st.Thread] = true
		p := l.places[st.Thread]
		switch {
		case p == nil && l.greeting && !l.resume:
			fresh = append(fresh, st)
		case p == nil:
			l.markLocked(st.Thread, nil, st.Change)
		default:
			if p.unseen {
				// A database that was restored knows less than the agent.
				p.told = min(p.told, st.Change)
			}
			l.lookedLocked(st.Thread, p, st.Change)
		}
	}
	for thread, p := range l.places {
		if !there[thread] {
			l.lookedLocked(thread, p, p.told+1) // reading it will tell that it is gone
		}
	}
	return fresh
}

// lookedLocked notes the last change of a thread in the database.
func (l *link) lookedLocked(thread string, p *place, change int64) {
	if p.unseen {
		p.unseen, p.behind = false, false
		change = max(change, p.wanted)
	}
	if change > p.told {
		l.markLocked(thread, p, change)
	}
}

// refused ends the subscription of somebody who may not chat.
func (l *link) refused(err *chat.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places, l.behind, l.greeting = nil, nil, false
	l.tellLocked(syncedMessage(&signalpb.ChatSynced{Code: codeOf(err), Message: err.Message}))
}

// introduce tells where a thread stands that the agent does not know, as of a
// change, and follows it from there.
func (l *link) introduce(ctx context.Context, st *chat.Standing, change int64) error {
	read, unread, err := l.service.chat.Unread(ctx, l.caller(), st.Thread, change)
	if refused := (*chat.Error)(nil); errors.As(err, &refused) {
		return nil // left at this moment
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil || l.places[st.Thread] != nil {
		return nil
	}
	l.places[st.Thread] = &place{told: change, wanted: change}
	l.tellLocked(threadMessage(standingOf(st, change, read, unread)))
	return nil
}

// begin returns the place of a thread that is to be read. It is nil for one
// that does not concern the agent.
func (l *link) begin(ctx context.Context, t task) (*place, error) {
	thread := t.thread
	if p, known := l.reading(t); known {
		return p, nil
	}
	st, err := l.service.chat.Standing(ctx, l.caller(), thread)
	if refused := (*chat.Error)(nil); errors.As(err, &refused) {
		return nil, nil //nolint:nilnil // left, and the agent never knew it
	}
	if err != nil {
		return nil, err
	}
	if err := l.introduce(ctx, &st, st.Added-1); err != nil {
		return nil, err
	}
	p, _ := l.reading(t)
	return p, nil
}

// reading marks a thread as one that is told from the database. The place is
// nil when the agent knows the change already.
func (l *link) reading(t task) (p *place, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, known = l.places[t.thread]
	if !known || !p.behind && p.told >= t.change {
		return nil, known
	}
	p.behind = true
	return p, true
}

// catchUp tells what happened in a thread since the agent heard of it last.
func (l *link) catchUp(ctx context.Context, t task) error {
	thread := t.thread
	p, err := l.begin(ctx, t)
	if p == nil || err != nil {
		return err
	}
	for {
		told := l.told(p)
		events, upTo, more, err := l.service.chat.Changes(ctx, l.caller(), thread, told, pageSize)
		if refused := (*chat.Error)(nil); errors.As(err, &refused) {
			l.gone(thread, p)
			return nil
		}
		if err != nil {
			return err
		}
		for i := range events {
			if err := l.session.WaitBelow(ctx, pace); err != nil {
				return err
			}
			if !l.page(thread, p, max(told, events[i].Change), eventMessage(&events[i])) {
				return nil
			}
		}
		if !l.page(thread, p, upTo, nil) {
			return nil
		}
		if more {
			continue
		}
		if done, err := l.arrived(ctx, thread, p, upTo > told); done || err != nil {
			return err
		}
	}
}

func (l *link) told(p *place) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.told
}

// page tells one event that was read, nil for the end of a page. It reports
// false when the thread is none of this subscription any more.
func (l *link) page(thread string, p *place, change int64, m *signaling.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places[thread] != p {
		return false
	}
	if m != nil {
		l.tellLocked(m)
	}
	p.told = max(p.told, change)
	return true
}

// arrived tells where the thread stands now. It reports false when more has
// happened meanwhile; without progress that was of no concern.
func (l *link) arrived(ctx context.Context, thread string, p *place, progress bool) (bool, error) {
	caller, told := l.caller(), l.told(p)
	st, err := l.service.chat.Standing(ctx, caller, thread)
	var read int64
	var unread int
	if err == nil {
		read, unread, err = l.service.chat.Unread(ctx, caller, thread, told)
	}
	if refused := (*chat.Error)(nil); errors.As(err, &refused) {
		l.gone(thread, p)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places[thread] != p {
		return true, nil
	}
	l.tellLocked(threadMessage(standingOf(&st, told, read, unread)))
	if p.wanted > p.told && progress {
		return false, nil
	}
	p.behind = false
	return true, nil
}

func (l *link) gone(thread string, p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places[thread] == p {
		l.goneLocked(thread)
	}
}
