package main

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/cmd/internal/tap"
	"github.com/parley-rtc/parley/internal/netem"
)

// trace keeps what the emulated network saw of one call.
type trace struct {
	mu     sync.Mutex
	events []seen
}

// seen is one event of interest.
type seen struct {
	at       time.Time
	op       netem.Operation
	packet   uint64
	from, to string
	stream   bool
	media    bool
	key      tap.Key
}

func (t *trace) add(e netem.Event) {
	s := seen{
		at: e.Time, op: e.Op, packet: e.Packet, from: e.FromHost, to: e.ToHost,
		stream: e.Protocol == netem.TCP && len(e.Payload) > 0,
	}
	if e.Protocol == netem.UDP {
		s.key, _, s.media = tap.Parse(e.Payload)
	}
	if !s.stream && !s.media {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, s)
}

func (t *trace) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = t.events[:0]
}

// way is how the first audio came.
type way struct {
	sent, arrived time.Time
	// legs counts the links crossed one after the other between accept and the
	// arrival, those of signaling and those that were waited for included.
	legs int
}

// firstAudio finds the first media packet that reached a side after accept, and
// walks back from it to the accept.
func (t *trace) firstAudio(m *moments, hears int, delay time.Duration) (way, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := []string{lab.Caller, lab.Callee}
	ear, mouth := names[hears], names[1-hears]
	last := slices.IndexFunc(t.events, func(s seen) bool {
		return s.media && s.op == netem.Arrived && s.to == ear && s.at.After(m.accepted)
	})
	if last < 0 {
		return way{}, false
	}
	sent, legs, ok := t.walk(last, mouth)
	if !ok {
		return way{}, false
	}
	w := way{arrived: t.events[last].at, sent: t.events[sent].at, legs: legs}
	cause := m.accepted
	if mouth != lab.Callee {
		// The caller begins when it hears of the accept.
		told, legs, found := t.told(sent, m)
		if !found {
			return way{}, false
		}
		cause = told
		w.legs += legs
	}
	if delay > 0 {
		// What was waited for beyond a frame: a path that was not there yet.
		w.legs += int((w.sent.Sub(cause) + delay/2) / delay)
	}
	return w, true
}

// walk goes back from the arrival of a media packet to its sending at the
// mouth, over the relays between, and counts the legs.
func (t *trace) walk(arrival int, mouth string) (sent, legs int, ok bool) {
	key := t.events[arrival].key
	for {
		i, ok := t.sending(arrival)
		if !ok {
			return 0, 0, false
		}
		if t.events[i].from != t.events[i].to {
			legs++
		}
		if t.events[i].from == mouth {
			return i, legs, true
		}
		arrival, ok = t.before(i, func(s *seen) bool {
			return s.media && s.op == netem.Arrived && s.key == key && s.to == t.events[i].from
		})
		if !ok {
			return 0, 0, false
		}
	}
}

// told finds how the caller heard of the accept: the callee's first message
// after it, and the first that the service then sends on.
func (t *trace) told(i int, m *moments) (at time.Time, legs int, ok bool) {
	at = m.accepted
	for _, hop := range []struct{ from, to string }{{lab.Callee, serviceHost}, {serviceHost, lab.Caller}} {
		ok = false
		for n := range i {
			s := &t.events[n]
			if s.stream && s.op == netem.Sent && s.from == hop.from && s.to == hop.to && !s.at.Before(at) {
				arrived, found := t.arrival(n, i)
				if found {
					at, ok = arrived, true
					legs++
				}
				break
			}
		}
		if !ok {
			return at, legs, false
		}
	}
	return at, legs, true
}

// arrival returns when the packet sent at event n arrived, if that was before
// event limit.
func (t *trace) arrival(n, limit int) (time.Time, bool) {
	for k := n + 1; k < limit; k++ {
		if s := &t.events[k]; s.op == netem.Arrived && s.packet == t.events[n].packet {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// sending returns the sending of the packet that event i is about.
func (t *trace) sending(i int) (int, bool) {
	id := t.events[i].packet
	return t.before(i, func(s *seen) bool { return s.op == netem.Sent && s.packet == id })
}

// before returns the newest event before i that fits.
func (t *trace) before(i int, fits func(*seen) bool) (int, bool) {
	for i--; i >= 0; i-- {
		if fits(&t.events[i]) {
			return i, true
		}
	}
	return 0, false
}
