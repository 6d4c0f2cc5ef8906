package callfsm

import (
	"reflect"
	"slices"
	"time"
)

// AppendStep is Step into a buffer that the caller uses again.
func (m *Machine) AppendStep(out []Effect, now time.Time, in Input) ([]Effect, error) {
	return m.appendStep(out, now, in)
}

// AppendStep is Step into a buffer that the caller uses again.
func (c *Coordinator) AppendStep(out []CoordinatorEffect, now time.Time, in CoordinatorInput) ([]CoordinatorEffect, error) {
	return c.appendStep(out, now, in)
}

// Clone returns an independent copy.
func (m *Machine) Clone() *Machine {
	c := *m
	c.operations = slices.Clone(m.operations)
	return &c
}

// Same tells whether nothing differs, but for the marks of the last Step.
func (m *Machine) Same(o *Machine) bool {
	a, b := *m, *o
	a.now, b.now = time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}

// Clone returns an independent copy.
func (c *Coordinator) Clone() *Coordinator {
	d := *c
	return &d
}

// Same tells whether nothing differs, but for the marks of the last Step.
func (c *Coordinator) Same(o *Coordinator) bool {
	a, b := *c, *o
	a.now, b.now = time.Time{}, time.Time{}
	a.changed, b.changed = false, false
	return reflect.DeepEqual(a, b)
}

// LobbyLeg returns the device that keeps the caller in a lobby, or 0.
func (c *Coordinator) LobbyLeg() Leg { return c.lobbyLeg() }
