package transport

import "sync"

// mailbox runs what is posted to it in order, one at a time, on a goroutine
// that exists only while there is something to run. A session has one for the
// events that have an order; so no handler ever runs on a goroutine of the
// stack below, which calls back in no particular order.
type mailbox struct {
	mu      sync.Mutex
	queue   []func()
	running bool
	ended   bool
	wait    *sync.WaitGroup
}

// post queues f. After end it does nothing.
func (m *mailbox) post(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	m.add(f)
}

// end drops what waits and queues one last function.
func (m *mailbox) end(last func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	m.ended = true
	m.queue = nil
	m.add(last)
}

func (m *mailbox) add(f func()) {
	m.queue = append(m.queue, f)
	if !m.running {
		m.running = true
		m.wait.Go(m.run)
	}
}

func (m *mailbox) run() {
	for {
		m.mu.Lock()
		if len(m.queue) == 0 {
			m.queue = nil
			m.running = false
			m.mu.Unlock()
			return
		}
		f := m.queue[0]
		m.queue = m.queue[1:]
		m.mu.Unlock()
		f()
	}
}
