// Package handle keeps Go objects under numbers that C programs hold. A number
// is never used again: what was released is told from what never was.
package handle

import (
	"errors"
	"math"
	"sync"
)

// Handle is the number of an object. Zero is none.
type Handle uint64

// Errors of numbers that stand for nothing.
var (
	// ErrInvalid is a number that was never given out, or an object of another kind.
	ErrInvalid = errors.New("handle: not an object of this kind")
	// ErrReleased is the number of an object that was released.
	ErrReleased = errors.New("handle: the object was released")
)

// slot is a place for an object. Its generation is that of the object it holds
// or, when it is free, of the next one.
type slot struct {
	object     any // nil: free
	generation uint32
	parent     Handle
	children   map[Handle]struct{}
}

// Table keeps objects. The zero value is ready. Its methods may be called from
// any goroutine; none blocks.
type Table struct {
	mu    sync.RWMutex
	slots []slot
	free  []uint32
	count int
}

func split(h Handle) (index, generation uint32) { return uint32(h), uint32(h >> 32) }

// look returns the slot of an object. The lock is held.
func (t *Table) look(h Handle) (*slot, error) {
	index, generation := split(h)
	if generation == 0 || int(index) >= len(t.slots) {
		return nil, ErrInvalid
	}
	s := &t.slots[index]
	switch {
	case generation < s.generation:
		return nil, ErrReleased
	case generation > s.generation || s.object == nil:
		return nil, ErrInvalid
	default:
		return s, nil
	}
}

// New keeps an object, which must not be nil. It is released with its parent,
// zero for none; a parent that was released gives ErrReleased.
func (t *Table) New(object any, parent Handle) (Handle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if object == nil {
		return 0, ErrInvalid
	}
	if parent != 0 {
		if _, err := t.look(parent); err != nil {
			return 0, err
		}
	}
	if len(t.free) == 0 {
		t.slots = append(t.slots, slot{generation: 1})
		t.free = append(t.free, uint32(len(t.slots)-1))
	}
	index := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	s := &t.slots[index]
	s.object, s.parent = object, parent
	h := Handle(s.generation)<<32 | Handle(index)
	if parent != 0 {
		p, _ := t.look(parent) // it is there, see above
		if p.children == nil {
			p.children = map[Handle]struct{}{}
		}
		p.children[h] = struct{}{}
	}
	t.count++
	return h, nil
}

// Get returns an object of kind T, ErrReleased or ErrInvalid.
func Get[T any](t *Table, h Handle) (T, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, err := t.look(h)
	if err != nil {
		var none T
		return none, err
	}
	object, ok := s.object.(T)
	if !ok {
		return object, ErrInvalid
	}
	return object, nil
}

// Release forgets an object and its descendants and returns them, children
// before their parents.
func (t *Table) Release(h Handle) ([]any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.look(h)
	if err != nil {
		return nil, err
	}
	if parent, err := t.look(s.parent); err == nil {
		delete(parent.children, h)
	}
	return t.release(h, nil), nil
}

func (t *Table) release(h Handle, released []any) []any {
	index, _ := split(h)
	s := &t.slots[index]
	for child := range s.children {
		released = t.release(child, released)
	}
	released = append(released, s.object)
	s.object, s.parent, s.children = nil, 0, nil
	t.count--
	if s.generation < math.MaxUint32 {
		s.generation++
		t.free = append(t.free, index)
	}
	return released
}

// Len returns how many objects there are.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.count
}

// Parent returns the parent of an object, zero for none and for what is no object.
func (t *Table) Parent(h Handle) Handle {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, err := t.look(h)
	if err != nil {
		return 0
	}
	return s.parent
}
