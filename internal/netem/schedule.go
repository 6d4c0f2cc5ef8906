package netem

import (
	"container/heap"
	"time"
)

// event is something that happens later, under the network's lock.
type event struct {
	due   time.Time
	order uint64
	fn    func()
}

// eventQueue is a heap by time, then by the order of scheduling.
type eventQueue []event

// Len implements heap.Interface.
func (q eventQueue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q eventQueue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].order < q[j].order
}

// Swap implements heap.Interface.
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *eventQueue) Push(x any) {
	if e, ok := x.(event); ok {
		*q = append(*q, e)
	}
}

// Pop implements heap.Interface.
func (q *eventQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return last
}

// atLocked runs fn under the lock when the time has come.
func (n *Network) atLocked(due time.Time, fn func()) {
	if n.closed {
		return
	}
	if !n.running {
		n.running = true
		go n.run()
	}
	n.queued++
	heap.Push(&n.queue, event{due: due, order: n.queued, fn: fn})
	if n.queue[0].order == n.queued {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// run is the network's one goroutine. One scheduler, not a timer for each
// packet: two timers due at the same moment fire in no order.
func (n *Network) run() {
	defer close(n.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := n.runDue()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-n.wake:
		case <-n.stop:
			return
		}
	}
}

func (n *Network) runDue() (wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.queue) > 0 {
		if wait := time.Until(n.queue[0].due); wait > 0 {
			return wait
		}
		if e, ok := heap.Pop(&n.queue).(event); ok {
			e.fn()
		}
	}
	return time.Hour
}
