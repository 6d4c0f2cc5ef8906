package callfsm

import (
	"fmt"
	"strings"
	"time"
)

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

// String returns the name of the state.
func (s CoordinatorState) String() string {
	names := [...]string{"New", "Ringing", "Accepted", "Connected", "Ended"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("CoordinatorState(%d)", uint8(s))
}

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
)

// MaxCoordinatorInputKind is the largest CoordinatorInputKind in use.
const MaxCoordinatorInputKind = CoordinatorTimer

// String returns the name of the kind.
func (k CoordinatorInputKind) String() string {
	names := [...]string{"None", "Message", "LegLost", "LegResumed", "LegGone", "LegForgot", "End", "Timer"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("CoordinatorInput(%d)", uint8(k))
}

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
	// The caller's words of START.
	displayName string
	// legs[0] is the caller.
	legs [MaxLegs + 1]legState
	// winner is the leg that accepted, 0 before.
	winner Leg
	// establishAt is zero while a device keeps the caller in a lobby.
	establishAt time.Time
	reason      EndReason

	// now, out and changed belong to the Step that runs.
	now     time.Time
	out     []CoordinatorEffect
	changed bool
}

// legPhase is how far an end has come.
type legPhase uint8

const (
	legAbsent  legPhase = iota // there is no such leg
	legInvited                 // a device that has not answered INCOMING
	legRinging                 // a device that rings
	legJoined                  // the caller, or the device that accepted
	legGone                    // no longer part of the call
)

// legState is what the service knows about one end.
type legState struct {
	phase legPhase
	// lostAt is when its session was lost; zero while it is there.
	lostAt time.Time
	// connected: it reported that its media path stands.
	connected   bool
	media       Media
	muted, held bool
	// lobby: this device keeps the caller waiting.
	lobby bool
	// requests are the newest requests to start video and share.
	requests [2]uint32
	// restart: it was asked for a new offer while its session was lost.
	restart bool
	// reason is why it is gone.
	reason EndReason
}

// NewCoordinator returns a coordinator in CoordinatorNew; its first input is the
// caller's START.
func NewCoordinator(cfg CoordinatorConfig) *Coordinator {
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	if len(cfg.Devices) > MaxLegs {
		cfg.Devices = cfg.Devices[:MaxLegs]
	}
	c := &Coordinator{cfg: cfg}
	c.legs[CallerLeg].phase = legJoined
	for i := range cfg.Devices {
		c.legs[i+1].phase = legInvited
	}
	return c
}

// State returns the present state.
func (c *Coordinator) State() CoordinatorState { return c.state }

// Reason returns why the call ended; false while it goes on.
func (c *Coordinator) Reason() (EndReason, bool) { return c.reason, c.state == CoordinatorEnded }

// Device returns the device on a leg, as the config gave it, or "".
func (c *Coordinator) Device(leg Leg) string {
	switch {
	case leg == CallerLeg:
		return c.cfg.CallerDevice
	case int(leg) <= len(c.cfg.Devices):
		return c.cfg.Devices[leg-1]
	default:
		return ""
	}
}

// From returns the raw identifier of the caller.
func (c *Coordinator) From() string { return c.cfg.From }

// To returns the raw identifier of the callee.
func (c *Coordinator) To() string { return c.cfg.To }

// Legs returns the number of legs, the caller's included: legs are 0 to Legs()-1.
func (c *Coordinator) Legs() Leg { return Leg(1 + len(c.cfg.Devices)) }

// Winner returns the leg that accepted, if one did.
func (c *Coordinator) Winner() (Leg, bool) { return c.winner, c.winner != 0 }

// Live tells whether the end on leg still takes part in the call.
func (c *Coordinator) Live(leg Leg) bool {
	if c.state == CoordinatorEnded || leg > MaxLegs {
		return false
	}
	switch c.legs[leg].phase {
	case legInvited, legRinging, legJoined:
		return true
	case legAbsent, legGone:
		return false
	}
	return false
}

// RouteLeg returns the leg that a session description or candidates from the
// end on leg from go to, when their message names the leg named: the caller
// names the device, a device names itself (or 0). False when one of the two no
// longer takes part, or when from may not speak for named: then drop it. The
// message that arrives names the device's leg in both directions.
func (c *Coordinator) RouteLeg(from, named Leg) (Leg, bool) {
	to := CallerLeg
	switch {
	case from == CallerLeg:
		to = named
	case named != from && named != CallerLeg:
		return 0, false
	}
	if to == from || !c.Live(from) || !c.Live(to) {
		return 0, false
	}
	return to, true
}

// Deadline returns when the next timer fires, if one runs.
func (c *Coordinator) Deadline() (time.Time, bool) {
	at := c.establishAt
	for leg := range c.Legs() {
		at = earlier(at, c.lostDeadline(leg))
	}
	return at, !at.IsZero()
}

// lostDeadline is when the service gives up a leg without a session.
func (c *Coordinator) lostDeadline(leg Leg) time.Time {
	l := &c.legs[leg]
	if l.lostAt.IsZero() || !c.Live(leg) {
		return time.Time{}
	}
	return l.lostAt.Add(c.cfg.Timeouts.Reconnect)
}

// Step takes one input at the time now and returns what has to be done, in
// order. The error is an *InputError; then nothing has changed. A message from
// a leg that is no longer part of the call crossed its ENDED and is ignored.
// After CoordinatorFinished nothing is emitted.
func (c *Coordinator) Step(now time.Time, in CoordinatorInput) ([]CoordinatorEffect, error) {
	return c.appendStep(nil, now, in)
}

func (c *Coordinator) appendStep(out []CoordinatorEffect, now time.Time, in CoordinatorInput) ([]CoordinatorEffect, error) {
	// The place of CoordinatorPersist, which comes first.
	first := len(out)
	c.now, c.changed = now, false
	c.out = append(out, CoordinatorEffect{Kind: CoordinatorPersist})
	err := c.dispatch(in)
	out, c.out = c.out, nil
	if err != nil {
		return nil, err
	}
	if !c.changed {
		out = append(out[:first], out[first+1:]...)
	}
	return out, nil
}

func (c *Coordinator) dispatch(in CoordinatorInput) error {
	if in.Kind != CoordinatorEnd && in.Kind != CoordinatorTimer && (in.Leg > MaxLegs || c.legs[in.Leg].phase == legAbsent) {
		return c.illegal(in, "no such leg")
	}
	if in.Kind == CoordinatorMessage {
		if why := unfit(in.Leg, in.Message); why != "" {
			return c.illegal(in, why)
		}
		in.Message.DisplayName = trim(in.Message.DisplayName)
		in.Message.Reason.Message = trim(in.Message.Reason.Message)
	}
	switch c.state {
	case CoordinatorNew:
		return c.fresh(in)
	case CoordinatorRinging:
		return c.ringing(in)
	case CoordinatorAccepted:
		return c.accepted(in)
	case CoordinatorConnected:
		return c.connected(in)
	case CoordinatorEnded:
		return c.ended(in)
	}
	return c.illegal(in, "unknown state")
}

// What an end may make the service pass on.
const (
	maxText  = 256
	maxTones = 128
)

// unfit tells why an end may not send a message in any state, or "".
func unfit(leg Leg, msg Message) string {
	switch {
	case !fromEnd(msg.Kind), msg.Kind == KindStart && leg != CallerLeg:
		return "ends do not send this"
	case msg.Kind == KindTones && len(msg.Tones) > maxTones:
		return "too many tones"
	default:
		return ""
	}
}

// trim cuts a text that an end chose to a length that the other end can bear.
func trim(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// fromEnd tells whether ends send this kind of message to the service.
func fromEnd(k MessageKind) bool {
	switch k {
	case KindStart, KindRinging, KindEarlyMedia, KindLobby, KindAccept, KindConnected, KindReject, KindHangUp, KindHold,
		KindResume, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindRestart, KindRemove,
		KindTransfer, KindPromote, KindReconcile, KindTones:
		return true
	case KindNone, KindStarted, KindIncoming, KindAccepted, KindConfirmed, KindEnded, KindOperationOK,
		KindOperationFailed, KindReconciled:
	}
	return false
}

func (c *Coordinator) illegal(in CoordinatorInput, why string) error {
	name := in.Kind.String()
	if in.Kind == CoordinatorMessage {
		name = in.Message.Kind.String()
	}
	return &InputError{State: c.state.String(), Input: name, Why: why}
}

func (c *Coordinator) toLeg(leg Leg, msg Message) {
	c.out = append(c.out, CoordinatorEffect{Kind: CoordinatorToLeg, Leg: leg, Message: msg})
}

// persist asks for the Snapshot to be written before this Step's effects.
func (c *Coordinator) persist() { c.changed = true }

// end finishes the call for everybody who still takes part.
func (c *Coordinator) end(reason EndReason) {
	c.reason = explain(reason)
	c.persist()
	for leg := range c.Legs() {
		if !c.Live(leg) || c.state == CoordinatorNew && leg != CallerLeg {
			continue // who is out, and devices that were not told
		}
		why := c.reason
		if c.legs[leg].reason != (EndReason{}) {
			why = c.legs[leg].reason // it left, and that ended the call
		}
		c.toLeg(leg, Message{Kind: KindEnded, Leg: leg, Reason: wire(why)})
	}
	c.state = CoordinatorEnded
	c.establishAt = time.Time{}
	c.out = append(c.out, CoordinatorEffect{Kind: CoordinatorFinished, Reason: c.reason})
}

// LateReply answers a message that an end sent about a call that is over (with
// the reason that CoordinatorFinished gave) or that the service does not know
// (pass ReasonUnknownCall.Reason()). False when the message needs no answer. It
// is not for a call that goes on: what a device of that call sends in a new
// session before its RECONCILE is dropped, since RECONCILE makes it good.
func LateReply(msg Message, reason EndReason) (Message, bool) {
	switch msg.Kind {
	case KindReconcile:
		return Message{Kind: KindReconciled, Leg: msg.Leg, State: StateDisconnected, Reason: wire(reason)}, true
	case KindStart, KindAccept:
		return Message{Kind: KindEnded, Leg: msg.Leg, Reason: wire(reason)}, true
	case KindNone, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccepted,
		KindConfirmed, KindConnected, KindReject, KindHangUp, KindEnded, KindHold, KindResume, KindMute, KindUnmute,
		KindModality, KindModalityOK, KindModalityRefused, KindRestart, KindRemove, KindTransfer, KindPromote,
		KindOperationOK, KindOperationFailed, KindReconciled, KindTones:
		// An ENDED is on its way to who sent this, or a RECONCILE of who sent this.
	}
	return Message{}, false
}
