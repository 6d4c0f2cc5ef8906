package signaling

import (
	"context"
	"sync"
)

// serial runs functions one at a time in the order of push, on a goroutine
// that lives only while there is something to run: most sessions are idle.
type serial struct {
	// workers run the functions; nil: goroutines of their own do.
	workers *workers

	mu      sync.Mutex
	queue   []func()
	running bool
	idle    chan struct{} // closed while nothing runs; nil before the first push
}

// push queues f. It never blocks.
func (s *serial) push(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, f)
	if s.running {
		return
	}
	s.running = true
	s.idle = make(chan struct{})
	s.workers.run(s.run)
}

func (s *serial) run() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.running = false
			s.queue = nil
			close(s.idle)
			s.mu.Unlock()
			return
		}
		f := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.mu.Unlock()
		f()
	}
}

// wait returns when nothing is queued and nothing runs. Do not call it from a
// function that was pushed.
func (s *serial) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		running, idle := s.running, s.idle
		s.mu.Unlock()
		if !running {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
