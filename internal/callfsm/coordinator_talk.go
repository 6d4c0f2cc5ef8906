package callfsm

import "time"

// accepted: a device has the call, not both ends are connected yet.
func (c *Coordinator) accepted(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorMessage:
		// Accepted --CONNECTED of the second end--> Connected
		return c.talkMessage(in)
	case CoordinatorLegLost, CoordinatorLegResumed, CoordinatorLegGone, CoordinatorLegForgot, CoordinatorEnd:
		return c.talk(in)
	case CoordinatorTimer:
		// Accepted --establishment timer--> Ended: 408/10057
		// Accepted --reconnect timer--> Ended: 496/7
		if !c.establishAt.IsZero() && !c.now.Before(c.establishAt) {
			c.end(ReasonNotEstablished.Reason())
			return nil
		}
		c.lostTimers()
		return nil
	case CoordinatorInputNone:
	}
	return c.illegal(in, "")
}

// connected: both ends are connected.
func (c *Coordinator) connected(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorMessage:
		// Connected --message--> Connected, relayed
		return c.talkMessage(in)
	case CoordinatorLegLost, CoordinatorLegResumed, CoordinatorLegGone, CoordinatorLegForgot, CoordinatorEnd:
		return c.talk(in)
	case CoordinatorTimer:
		// Connected --reconnect timer--> Ended: 496/7
		c.lostTimers()
		return nil
	case CoordinatorInputNone:
	}
	return c.illegal(in, "")
}

// ended is the last state: nothing is emitted any more. Who asks late gets
// LateReply from the owner.
func (c *Coordinator) ended(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorMessage, CoordinatorLegLost, CoordinatorLegResumed, CoordinatorLegGone, CoordinatorLegForgot,
		CoordinatorEnd, CoordinatorTimer:
		// Ended --anything--> Ended
		return nil
	case CoordinatorInputNone:
	}
	return c.illegal(in, "")
}

// talk is what Accepted and Connected have in common.
func (c *Coordinator) talk(in CoordinatorInput) error {
	switch in.Kind {
	case CoordinatorLegLost, CoordinatorLegResumed:
		// Accepted, Connected --leg lost, resumed--> the same; the reconnect timer runs while it is lost
		c.lost(in)
		return nil
	case CoordinatorLegGone, CoordinatorLegForgot:
		// Accepted, Connected --leg gone--> Ended: 0/4521, if it took part
		if c.Live(in.Leg) {
			c.end(ReasonAbruptExit.Reason())
		}
		return nil
	case CoordinatorEnd:
		// Accepted, Connected --end--> Ended
		c.end(in.Reason)
		return nil
	case CoordinatorInputNone, CoordinatorMessage, CoordinatorTimer:
	}
	return c.illegal(in, "")
}

func (c *Coordinator) talkMessage(in CoordinatorInput) error {
	msg, l := in.Message, &c.legs[in.Leg]
	if !c.Live(in.Leg) {
		return c.fromGone(in)
	}
	switch msg.Kind {
	case KindConnected:
		// Accepted --CONNECTED--> Connected, with the second end's
		if l.connected {
			return c.illegal(in, "it said so before")
		}
		c.connectedLeg(l)
		return nil
	case KindHangUp:
		// Accepted, Connected --HANG_UP--> Ended
		c.end(msg.Reason)
		return nil
	case KindHold, KindResume, KindMute, KindUnmute:
		// Accepted, Connected --HOLD, …--> the same, relayed
		if c.note(l, msg) {
			c.relay(in.Leg, msg)
		}
		return nil
	case KindTones:
		// Accepted, Connected --TONES--> the same, relayed
		c.relay(in.Leg, msg)
		return nil
	case KindModality, KindModalityOK, KindModalityRefused:
		// Accepted, Connected --MODALITY, its answer--> the same, relayed
		c.noteModality(in.Leg, msg)
		c.relay(in.Leg, msg)
		return nil
	case KindRestart:
		// Accepted, Connected --RESTART--> the same, relayed to the device
		if in.Leg != CallerLeg {
			return c.illegal(in, "a device makes the offers itself")
		}
		c.relayRestart(msg)
		return nil
	case KindRemove, KindTransfer, KindPromote:
		// Accepted, Connected --REMOVE of the other end--> Ended: 0/5300
		// Accepted, Connected --TRANSFER, PROMOTE--> the same, OPERATION_FAILED 501/0
		c.operation(in.Leg, msg)
		return nil
	case KindReconcile:
		// Accepted, Connected --RECONCILE--> the same, RECONCILED
		c.reconcilePeer(in.Leg, msg)
		return nil
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindReject, KindEnded, KindOperationOK, KindOperationFailed, KindReconciled:
	}
	return c.illegal(in, "")
}

// fromGone takes what a device sends that no longer takes part: it crossed the
// ENDED to it, or its session was lost with that ENDED.
func (c *Coordinator) fromGone(in CoordinatorInput) error {
	switch in.Message.Kind {
	case KindReconcile:
		// Any --RECONCILE of a device that is out--> the same, RECONCILED
		c.toLeg(in.Leg, Message{
			Kind: KindReconciled, Leg: in.Leg, State: StateDisconnected, Reason: c.legs[in.Leg].reason,
		})
		return nil
	case KindRinging, KindEarlyMedia, KindLobby, KindAccept, KindReject, KindHangUp, KindMute, KindUnmute:
		// Any --what crossed, of a device that is out--> the same
		return nil
	case KindNone, KindStart, KindStarted, KindIncoming, KindAccepted, KindConfirmed, KindConnected, KindEnded, KindHold,
		KindResume, KindModality, KindModalityOK, KindModalityRefused, KindRestart, KindRemove, KindTransfer,
		KindPromote, KindOperationOK, KindOperationFailed, KindReconciled, KindTones:
	}
	return c.illegal(in, "from a device that never took part")
}

// other returns the leg at the other end of an accepted call.
func (c *Coordinator) other(leg Leg) Leg {
	if leg == CallerLeg {
		return c.winner
	}
	return CallerLeg
}

func (c *Coordinator) relay(from Leg, msg Message) {
	msg.Leg, msg.From, msg.To, msg.DisplayName = from, "", "", ""
	if msg.Kind != KindTones {
		msg.Tones = ""
	}
	c.toLeg(c.other(from), msg)
}

func (c *Coordinator) connectedLeg(l *legState) {
	l.connected = true
	if c.state == CoordinatorConnected || !c.legs[CallerLeg].connected || !c.legs[c.winner].connected {
		return
	}
	c.state = CoordinatorConnected
	c.establishAt = time.Time{}
	c.persist()
}

// note keeps what an end says about itself, for the other's RECONCILED, and
// tells whether that is new. It is persisted: a restart of the service must not
// make the ends flap.
func (c *Coordinator) note(l *legState, msg Message) bool {
	was := *l
	switch msg.Kind { //nolint:exhaustive // the callers pass no other kind
	case KindHold, KindResume:
		l.held = msg.Kind == KindHold
	case KindMute, KindUnmute:
		l.muted = msg.Kind == KindMute
	}
	if *l == was {
		return false
	}
	c.persist()
	return true
}

// noteModality keeps what an end sends. It counts from the request on; a
// refusal takes it back unless a newer request has been made since.
func (c *Coordinator) noteModality(leg Leg, msg Message) {
	i, ok := requestIndex(msg.Media)
	if !ok || msg.Kind == KindModalityOK {
		return
	}
	on := msg.On
	if msg.Kind == KindModalityRefused {
		leg, on = c.other(leg), false
		if c.legs[leg].requests[i] != msg.Request {
			return
		}
	}
	l := &c.legs[leg]
	l.requests[i] = msg.Request
	if media := l.media.With(msg.Media, on); media != l.media {
		l.media = media
		c.persist()
	}
}

func requestIndex(m Media) (int, bool) {
	switch m {
	case MediaVideo:
		return 0, true
	case MediaShare:
		return 1, true
	case MediaAudio:
		return 0, false
	default:
		return 0, false
	}
}

// operation answers what a one-to-one call can do: remove the other end.
func (c *Coordinator) operation(leg Leg, msg Message) {
	other := c.cfg.To
	if leg != CallerLeg {
		other = c.cfg.From
	}
	answer := Message{Kind: KindOperationFailed, Leg: leg, Request: msg.Request}
	switch {
	case msg.Kind != KindRemove:
		answer.Reason = wire(ReasonOperationRefused.Reason())
	case msg.To != other:
		answer.Reason = wire(ReasonNotFound.Reason())
	default:
		answer.Kind = KindOperationOK
	}
	c.toLeg(leg, answer)
	if answer.Kind == KindOperationOK {
		c.end(ReasonRemoved.Reason())
	}
}
