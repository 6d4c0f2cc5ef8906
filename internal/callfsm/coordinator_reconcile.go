package callfsm

// reconcileCaller brings a caller up to date while devices ring: what was under
// way to it in the lost session may be lost.
func (c *Coordinator) reconcileCaller(msg Message) {
	l := &c.legs[CallerLeg]
	c.returned(CallerLeg)
	if msg.State == StateDisconnecting {
		c.end(msg.Reason)
		return
	}
	l.media, l.muted = msg.Media, msg.On
	c.toLeg(CallerLeg, Message{Kind: KindReconciled, State: StateRinging})
	for leg := Leg(1); leg < c.Legs(); leg++ {
		if c.legs[leg].phase == legRinging {
			// On: said again, this device's offer may be lost.
			c.toLeg(CallerLeg, Message{Kind: KindRinging, Leg: leg, On: true})
		}
	}
	if leg := c.lobbyLeg(); leg != 0 {
		c.toLeg(CallerLeg, Message{Kind: KindLobby, Leg: leg, On: true})
	}
}

// reconcileDevice takes up what a device reports while the call rings: its
// RINGING, ACCEPT or REJECT may be lost.
func (c *Coordinator) reconcileDevice(leg Leg, msg Message) {
	l := &c.legs[leg]
	restart := c.returned(leg)
	if msg.State == StateDisconnecting {
		c.leave(leg, msg.Reason)
		return
	}
	c.toLeg(leg, Message{Kind: KindReconciled, Leg: leg, State: StateRinging})
	if restart {
		c.toLeg(leg, Message{Kind: KindRestart, Leg: leg, On: true})
	}
	if msg.State == StateRinging {
		if l.phase == legInvited {
			c.progress(leg, KindRinging)
		}
		return
	}
	c.accept(leg, msg.Media, msg.On)
}

// reconcilePeer takes up what one of the two ends of an accepted call says
// about itself, tells the other end what is new in that, and answers with what
// is known about the other end.
func (c *Coordinator) reconcilePeer(leg Leg, msg Message) {
	l := &c.legs[leg]
	restart := c.returned(leg)
	if msg.State == StateDisconnecting {
		c.end(msg.Reason)
		return
	}
	held := msg.State == StateLocalHold || msg.State == StateBothHold
	if l.held != held || l.muted != msg.On || l.media != msg.Media {
		c.persist()
	}
	c.tellChange(leg, l.held, held, KindHold, KindResume)
	c.tellChange(leg, l.muted, msg.On, KindMute, KindUnmute)
	for _, media := range [...]Media{MediaVideo, MediaShare} {
		if on := msg.Media.Has(media); on != l.media.Has(media) {
			c.relay(leg, Message{Kind: KindModality, Media: media, On: on})
		}
	}
	l.held, l.muted, l.media = held, msg.On, msg.Media
	if msg.State.Established() {
		c.connectedLeg(l)
	}
	other := &c.legs[c.other(leg)]
	state := StateConnected
	switch {
	case held && other.held:
		state = StateBothHold
	case held:
		state = StateLocalHold
	case other.held:
		state = StateRemoteHold
	}
	c.toLeg(leg, Message{Kind: KindReconciled, Leg: c.winner, State: state, Media: other.media, On: other.muted})
	if restart {
		c.toLeg(leg, Message{Kind: KindRestart, Leg: leg, On: true})
	}
}

// returned notes that a leg has a session again, a new one, and tells whether
// it was asked for a new offer meanwhile.
func (c *Coordinator) returned(leg Leg) bool {
	restart := c.legs[leg].restart
	c.lost(CoordinatorInput{Kind: CoordinatorLegResumed, Leg: leg})
	return restart
}

func (c *Coordinator) tellChange(leg Leg, was, is bool, on, off MessageKind) {
	switch {
	case is && !was:
		c.relay(leg, Message{Kind: on})
	case was && !is:
		c.relay(leg, Message{Kind: off})
	}
}
