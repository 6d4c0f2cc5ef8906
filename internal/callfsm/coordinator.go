package callfsm

import (
	"errors"
	"time"
)

// ErrSnapshot reports a snapshot that RestoreCoordinator cannot read.
var ErrSnapshot = errors.New("callfsm: unreadable snapshot")

// CoordinatorState is the service's view of a call.
type CoordinatorState uint8

// The states of a Coordinator.
const (
	CoordinatorNew       CoordinatorState = iota // made, START not taken yet
	CoordinatorRinging                           // devices ring
	CoordinatorAccepted                          // one device accepted, not both ends are connected yet
	CoordinatorConnected                         // both ends are connected
	CoordinatorEnded                             // over
)

// CoordinatorInputKind says what happened to a Coordinator.
type CoordinatorInputKind uint8

// The inputs of a Coordinator. Beside each: the fields that count.
const (
	CoordinatorInputNone CoordinatorInputKind = iota // not an input
	// CoordinatorMessage is a Message from the end on Leg. The caller's START is the first.
	CoordinatorMessage
	// CoordinatorLegLost: the session of Leg is suspended; it may be resumed.
	CoordinatorLegLost
	// CoordinatorLegResumed: the session of Leg is back and nothing was lost.
	CoordinatorLegResumed
	// CoordinatorLegGone: the end on Leg is gone for good: it signed out, or its
	// session was not resumed within the retention.
	CoordinatorLegGone
	// CoordinatorLegForgot: the device on Leg reconciled in a new session and did
	// not name this call. If it never heard of the call, it is offered again.
	CoordinatorLegForgot
	// CoordinatorEnd: the service ends the call with Reason (drain, removed user, automation).
	CoordinatorEnd
	// CoordinatorTimer: a Deadline has passed.
	CoordinatorTimer
	coordinatorInputCount
)

// CoordinatorInput is one thing that happened to a Coordinator.
type CoordinatorInput struct {
	Kind    CoordinatorInputKind
	Leg     Leg
	Message Message
	Reason  EndReason
}

// CoordinatorEffectKind says what the owner of a Coordinator has to do.
type CoordinatorEffectKind uint8

// The effects of a Coordinator. Beside each: the fields that count.
const (
	CoordinatorEffectNone CoordinatorEffectKind = iota // not an effect
	// CoordinatorPersist: write Snapshot() durably before carrying out the effects
	// that follow. It is always the first effect of a Step.
	CoordinatorPersist
	// CoordinatorToLeg: send Message to the end on Leg. If that leg has no session
	// now (its old one is lost for good and it has not reconciled yet), drop it:
	// RECONCILED brings it up to date.
	CoordinatorToLeg
	// CoordinatorFinished: the call is over with Reason; always the last effect of
	// all. Keep the reason for a while, to answer late RECONCILEs (see LateReply).
	CoordinatorFinished
)

// CoordinatorEffect is one thing that the owner of a Coordinator has to do.
type CoordinatorEffect struct {
	Kind    CoordinatorEffectKind
	Leg     Leg
	Message Message
	Reason  EndReason
}

// CoordinatorConfig describes a call to the service. It is read once.
type CoordinatorConfig struct {
	// From and To are the raw identifiers of the caller and the callee.
	From, To string
	// CallerDevice is the caller's device: leg 0. The coordinator only keeps it.
	CallerDevice string
	// Devices are the callee's devices that are signed in: they become the legs 1,
	// 2, …; what is more than MaxLegs is left out. None ends the call with
	// ReasonUnreachable.
	Devices []string
	// Timeouts overrides values of DefaultTimeouts; zero fields keep them.
	Timeouts Timeouts
}

// Coordinator is the service's side of one call. It is not safe for concurrent
// use: its owner calls it from one goroutine or under one lock.
type Coordinator struct {
	cfg   CoordinatorConfig
	state CoordinatorState
}

// NewCoordinator returns a coordinator in CoordinatorNew; its first input is the
// caller's START.
func NewCoordinator(cfg CoordinatorConfig) *Coordinator {
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	return &Coordinator{cfg: cfg}
}

// RestoreCoordinator makes a coordinator from a Snapshot after the service
// started again at now. All legs count as lost until they reconcile. The
// error wraps ErrSnapshot.
func RestoreCoordinator(now time.Time, snapshot []byte, timeouts Timeouts) (*Coordinator, error) {
	_, _, _ = now, snapshot, timeouts
	return nil, ErrSnapshot
}

// Snapshot returns what RestoreCoordinator needs, in a compact binary form.
func (c *Coordinator) Snapshot() []byte { return nil }

// State returns the present state.
func (c *Coordinator) State() CoordinatorState { return c.state }

// Reason returns why the call ended; false while it goes on.
func (c *Coordinator) Reason() (EndReason, bool) { return EndReason{}, false }

// Device returns the device on a leg, as the config gave it.
func (c *Coordinator) Device(leg Leg) string { _ = leg; return "" }

// Legs returns the number of legs, the caller's included.
func (c *Coordinator) Legs() int { return 0 }

// Winner returns the leg that accepted, if one did.
func (c *Coordinator) Winner() (Leg, bool) { return 0, false }

// Live tells whether the end on leg still takes part in the call.
func (c *Coordinator) Live(leg Leg) bool { _ = leg; return false }

// RouteLeg returns the leg that a session description or candidates from the
// end on leg from go to, when their message names the leg named: the caller
// names the device, a device names itself (or 0). False when one of the two no
// longer takes part, or when from may not speak for named: then drop it.
func (c *Coordinator) RouteLeg(from, named Leg) (Leg, bool) { _, _ = from, named; return 0, false }

// Deadline returns when the next timer fires, if one runs.
func (c *Coordinator) Deadline() (time.Time, bool) { return time.Time{}, false }

// Step takes one input at the time now and returns what has to be done, in
// order. The error wraps ErrIllegal; then nothing has changed.
func (c *Coordinator) Step(now time.Time, in CoordinatorInput) ([]CoordinatorEffect, error) {
	_, _ = now, in
	return nil, ErrIllegal
}

// LateReply answers a message that an end sent about a call that is over (with
// the reason that EffectFinished gave) or that the service does not know (pass
// ReasonUnknownCall.Reason()). False when the message needs no answer.
func LateReply(msg Message, reason EndReason) (Message, bool) {
	_, _ = msg, reason
	return Message{}, false
}
