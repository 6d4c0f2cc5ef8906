package callfsm

import "time"

// fresh is the state before START.
func (c *Coordinator) fresh(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorMessage:
		if in.Message.Kind != KindStart || in.Leg != CallerLeg {
			return c.illegal(in, "the caller's START comes first")
		}
		// New --START--> Ringing, INCOMING to every device (RFC 3261 16.6)
		// New --START--> Ended: 480/10037, no device is signed in
		c.start(in.Message)
		return nil
	case CoordinatorLegLost, CoordinatorLegResumed:
		// New --leg lost, resumed--> New
		c.lost(in)
		return nil
	case CoordinatorLegGone, CoordinatorLegForgot:
		// New --caller gone--> Ended: 487/0
		if in.Leg == CallerLeg {
			c.end(ReasonCancelled.Reason())
		}
		return nil
	case CoordinatorEnd:
		// New --end--> Ended
		c.end(in.Reason)
		return nil
	case CoordinatorTimer:
		// New --timer--> New: no timer runs
		return nil
	case CoordinatorInputNone:
	}
	return c.illegal(in, "")
}

func (c *Coordinator) start(msg Message) {
	c.displayName = msg.DisplayName
	caller := &c.legs[CallerLeg]
	caller.media, caller.muted = msg.Media, msg.On
	if len(c.cfg.Devices) == 0 {
		c.end(ReasonUnreachable.Reason())
		return
	}
	c.state = CoordinatorRinging
	c.establishAt = c.now.Add(establishment(c.cfg.Timeouts, c.cfg.From, c.cfg.To))
	c.persist()
	c.toLeg(CallerLeg, Message{Kind: KindStarted})
	for leg := Leg(1); leg < c.Legs(); leg++ {
		c.invite(leg)
	}
}

func (c *Coordinator) invite(leg Leg) {
	c.toLeg(leg, Message{
		Kind: KindIncoming, Leg: leg, From: c.cfg.From, To: c.cfg.To, DisplayName: c.displayName,
		Media: c.legs[CallerLeg].media,
	})
}

// ringing: the devices have been told.
func (c *Coordinator) ringing(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorMessage:
		return c.ringingMessage(in)
	case CoordinatorLegLost, CoordinatorLegResumed:
		// Ringing --leg lost, resumed--> Ringing
		c.lost(in)
		return nil
	case CoordinatorLegGone:
		// Ringing --caller gone--> Ended: 487/0
		// Ringing --device gone--> Ringing, or Ended if it was the last: 480/10078
		c.leave(in.Leg, ReasonDeviceUnreachable.Reason())
		return nil
	case CoordinatorLegForgot:
		// Ringing --device forgot--> Ringing, INCOMING again if it never rang
		if c.legs[in.Leg].phase == legInvited {
			c.lost(in)
			c.invite(in.Leg)
			return nil
		}
		c.leave(in.Leg, ReasonDeviceUnreachable.Reason())
		return nil
	case CoordinatorEnd:
		// Ringing --end--> Ended
		c.end(in.Reason)
		return nil
	case CoordinatorTimer:
		// Ringing --establishment timer--> Ended: 487/10004, or 408/10057 if nothing rang
		// Ringing --reconnect timer--> Ringing or Ended: 496/7
		c.ringingTimers()
		return nil
	case CoordinatorInputNone:
	}
	return c.illegal(in, "")
}

func (c *Coordinator) ringingMessage(in CoordinatorInput) error {
	if !c.Live(in.Leg) {
		return c.fromGone(in)
	}
	if in.Leg == CallerLeg {
		return c.callerRinging(in)
	}
	switch in.Message.Kind {
	case KindRinging, KindEarlyMedia, KindLobby:
		// Ringing --RINGING, EARLY_MEDIA, LOBBY--> Ringing, relayed to the caller
		c.progress(in.Leg, in.Message.Kind)
		return nil
	case KindAccept:
		// Ringing --ACCEPT--> Accepted, ACCEPTED and CONFIRMED; ENDED 487/10003 to the others
		c.accept(in.Leg, in.Message.Media, in.Message.On)
		return nil
	case KindReject, KindHangUp:
		// Ringing --REJECT--> Ringing, ENDED to this device; or Ended if it was the last
		c.leave(in.Leg, in.Message.Reason)
		return nil
	case KindReconcile:
		// Ringing --RECONCILE--> as if what the device reports had arrived
		c.reconcileDevice(in.Leg, in.Message)
		return nil
	case KindNone, KindStart, KindStarted, KindIncoming, KindAccepted, KindConfirmed, KindConnected, KindEnded, KindHold,
		KindResume, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindRestart, KindRemove,
		KindTransfer, KindPromote, KindOperationOK, KindOperationFailed, KindReconciled, KindTones:
	}
	return c.illegal(in, "from a device")
}

func (c *Coordinator) callerRinging(in CoordinatorInput) error {
	switch in.Message.Kind {
	case KindHangUp:
		// Ringing --HANG_UP of the caller--> Ended
		c.end(in.Message.Reason)
		return nil
	case KindMute, KindUnmute:
		// Ringing --MUTE, UNMUTE of the caller--> Ringing; CONFIRMED will say it
		c.legs[CallerLeg].muted = in.Message.Kind == KindMute
		return nil
	case KindRestart:
		// Ringing --RESTART--> Ringing, relayed to the device
		c.relayRestart(in.Message)
		return nil
	case KindReconcile:
		// Ringing --RECONCILE--> Ringing, RECONCILED and what rings
		c.reconcileCaller(in.Message)
		return nil
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindEnded, KindHold, KindResume, KindModality,
		KindModalityOK, KindModalityRefused, KindRemove, KindTransfer, KindPromote, KindOperationOK,
		KindOperationFailed, KindReconciled, KindTones:
	}
	return c.illegal(in, "from the caller")
}

func (c *Coordinator) progress(leg Leg, kind MessageKind) {
	l := &c.legs[leg]
	if l.phase == legInvited {
		// Persisted, so that a device that rang is never invited a second time: its
		// user may have declined, and the caller has a transport for it.
		l.phase = legRinging
		c.persist()
	}
	if kind == KindLobby && !l.lobby {
		l.lobby, c.establishAt = true, time.Time{}
		c.persist()
	}
	c.toLeg(CallerLeg, Message{Kind: kind, Leg: leg})
}

func (c *Coordinator) relayRestart(msg Message) {
	if to, ok := c.RouteLeg(CallerLeg, msg.Leg); ok {
		// What is sent into a session that is lost for good is lost with it.
		c.legs[to].restart = !c.legs[to].lostAt.IsZero()
		c.toLeg(to, Message{Kind: KindRestart, Leg: to, On: msg.On})
	}
}

// accept: the first device that accepts has the call.
func (c *Coordinator) accept(leg Leg, media Media, muted bool) {
	c.winner = leg
	c.state = CoordinatorAccepted
	if c.establishAt.IsZero() { // admitted from a lobby
		c.establishAt = c.now.Add(establishment(c.cfg.Timeouts, c.cfg.From, c.cfg.To))
	}
	l, caller := &c.legs[leg], &c.legs[CallerLeg]
	l.phase, l.media, l.muted = legJoined, media, muted
	elsewhere := wire(ReasonAnsweredElsewhere.Reason())
	c.persist()
	c.toLeg(CallerLeg, Message{Kind: KindAccepted, Leg: leg, Media: media, On: muted})
	c.toLeg(leg, Message{Kind: KindConfirmed, Leg: leg, Media: caller.media, On: caller.muted})
	for other := Leg(1); other < c.Legs(); other++ {
		c.legs[other].lobby = false
		if other != leg && c.Live(other) {
			c.legs[other].phase, c.legs[other].reason = legGone, elsewhere
			c.toLeg(other, Message{Kind: KindEnded, Leg: other, Reason: elsewhere})
		}
	}
}

// leave takes a leg out of a call that rings. The last device's leaving, and
// the caller's, ends the call.
func (c *Coordinator) leave(leg Leg, reason EndReason) {
	if leg == CallerLeg {
		c.end(ReasonCancelled.Reason())
		return
	}
	if c.legs[leg].phase == legGone {
		return
	}
	reason = wire(reason)
	c.legs[leg].reason = reason
	last := true
	for other := Leg(1); other < c.Legs(); other++ {
		last = last && (other == leg || !c.Live(other))
	}
	if last {
		c.end(c.verdict(reason))
		return
	}
	c.legs[leg].phase = legGone
	if c.establishAt.IsZero() && c.lobbyLeg() == 0 {
		// The lobby is left; the others ring on, with a timer again.
		c.establishAt = c.now.Add(establishment(c.cfg.Timeouts, c.cfg.From, c.cfg.To))
	}
	c.persist()
	c.toLeg(leg, Message{Kind: KindEnded, Leg: leg, Reason: reason})
}

// lobbyLeg returns a device that keeps the caller waiting, or 0.
func (c *Coordinator) lobbyLeg() Leg {
	for leg := Leg(1); leg < c.Legs(); leg++ {
		if c.legs[leg].lobby && c.Live(leg) {
			return leg
		}
	}
	return 0
}

// verdict is why a call ended that no device took: a decline counts more than
// what happened last (RFC 3261 16.7 step 6).
func (c *Coordinator) verdict(last EndReason) EndReason {
	for leg := Leg(1); leg < c.Legs(); leg++ {
		if r := c.legs[leg].reason; r.Is(ReasonDeclined.Reason()) {
			return r
		}
	}
	return last
}

func (c *Coordinator) ringingTimers() {
	if !c.establishAt.IsZero() && !c.now.Before(c.establishAt) {
		why := ReasonNotEstablished
		for leg := Leg(1); leg < c.Legs(); leg++ {
			if c.legs[leg].phase == legRinging {
				why = ReasonNoAnswer
			}
		}
		c.end(why.Reason())
		return
	}
	c.lostTimers()
}

// lost notes whether the session of a leg is there.
func (c *Coordinator) lost(in CoordinatorInput) {
	l := &c.legs[in.Leg]
	switch {
	case in.Kind != CoordinatorLegLost:
		l.lostAt, l.restart = time.Time{}, false
	case l.lostAt.IsZero():
		l.lostAt = c.now
	}
}

// lostTimers gives up the legs that have been without a session for too long.
func (c *Coordinator) lostTimers() {
	for leg := range c.Legs() {
		at := c.lostDeadline(leg)
		if at.IsZero() || c.now.Before(at) {
			continue
		}
		if c.state == CoordinatorRinging && leg != CallerLeg {
			c.leave(leg, ReasonNetworkLost.Reason())
			continue
		}
		c.end(ReasonNetworkLost.Reason())
	}
}
