package callfsm

// transport takes what happens to a leg's transport, in every state before
// Disconnecting. Transports that were closed may still report: that is ignored.
func (m *Machine) transport(in Input) error {
	if in.Leg < 1 || in.Leg > MaxLegs {
		return m.illegal(in, "no such leg")
	}
	if !m.made.has(in.Leg) {
		return nil
	}
	switch in.Kind { //nolint:exhaustive // the callers pass no other kind
	case InputTransportUp:
		m.up.set(in.Leg, true)
		m.failed.set(in.Leg, false)
		m.unsure.set(in.Leg, false)
		m.tryConnect()
	case InputTransportLost:
		m.up.set(in.Leg, false)
	case InputTransportFailed:
		m.up.set(in.Leg, false)
		m.failed.set(in.Leg, true)
		// While it rings only relayed paths are tried; a failure then is mended at
		// the accept, when all addresses are shown.
		if in.Leg == m.peer {
			m.renewMedia(in.Leg)
		}
	case InputMediaFailed:
		m.mediaFailed(in)
	}
	return nil
}

func (m *Machine) mediaFailed(in Input) {
	reason := in.Reason
	if reason == (EndReason{}) {
		reason = ReasonMediaSetup.Reason()
	}
	if in.Leg == m.peer || m.cfg.Direction == Incoming {
		m.hangUp(reason)
		return
	}
	// Another device may still answer.
	m.broken.set(in.Leg, true)
	m.brokenReason = reason
	m.stopMedia(in.Leg)
}

func (m *Machine) startMedia(leg Leg) {
	m.made.set(leg, true)
	m.emit(Effect{Kind: EffectStartMedia, Leg: leg})
}

func (m *Machine) stopMedia(leg Leg) {
	m.made.set(leg, false)
	m.up.set(leg, false)
	m.failed.set(leg, false)
	m.emit(Effect{Kind: EffectStopMedia, Leg: leg})
}

// renewMedia gets a new offer for a leg: the device makes it, the caller asks.
func (m *Machine) renewMedia(leg Leg) {
	if m.cfg.Direction == Incoming {
		m.emit(Effect{Kind: EffectRestartMedia, Leg: leg, On: m.unsure.has(leg)})
		return
	}
	m.askRestart(leg, m.unsure.has(leg))
}

func (m *Machine) askRestart(leg Leg, lost bool) {
	m.emit(Effect{Kind: EffectSend, Message: Message{Kind: KindRestart, Leg: leg, On: lost}})
}

// restart: the caller asks this device for a new offer.
func (m *Machine) restart(msg Message) error {
	if m.cfg.Direction != Incoming {
		return m.illegalMessage(msg, "the caller makes no offers")
	}
	m.emit(Effect{Kind: EffectRestartMedia, Leg: m.leg, On: msg.On})
	return nil
}

// signaling takes what happens to the connection to the service.
func (m *Machine) signaling(in Input) {
	switch in.Kind { //nolint:exhaustive // the callers pass no other kind
	case InputSignalingLost:
		m.lost = true
	case InputSignalingResumed:
		m.lost = false
	case InputNewEpoch:
		m.lost, m.reconciling, m.unsure = false, true, ^legSet(0)
		m.send(Message{
			Kind: KindReconcile, State: m.state, Media: m.media, On: m.muted, Reason: wire(m.reason),
		})
	}
}

// reconciled takes the service's answer to RECONCILE.
func (m *Machine) reconciled(msg Message) error {
	if msg.State == StateDisconnected {
		m.reconciledEnd(msg)
		return nil
	}
	if m.state == StateDisconnecting {
		return nil
	}
	accepted := msg.State.Established()
	if accepted && m.peer == 0 && (m.cfg.Direction == Incoming || msg.Leg < 1 || msg.Leg > MaxLegs) {
		return m.illegalMessage(msg, "this end has not accepted")
	}
	m.started, m.reconciling = true, false
	if accepted {
		m.reconciledPeer(msg)
	}
	if m.state != StateDisconnecting {
		m.renewMissing()
	}
	return nil
}

// reconciledEnd: the call is over, or never reached the service.
func (m *Machine) reconciledEnd(msg Message) {
	unknown := msg.Reason.Is(ReasonUnknownCall.Reason())
	switch {
	case unknown && m.state == StateConnecting && m.cfg.Direction == Outgoing && !m.started:
		// Connecting --RECONCILED, unknown--> Connecting: START was lost, say it again
		m.reconciling = false
		m.sendStart()
	case unknown && m.state == StateDisconnecting:
		m.finish(m.reason)
	default:
		m.finish(msg.Reason)
	}
}

// reconciledPeer brings what is known about the other side up to date, and
// asks again what may be lost.
func (m *Machine) reconciledPeer(msg Message) {
	switch {
	case m.peer == 0:
		m.accepted(msg)
	case m.state.Established():
		m.remote.Media, m.remote.Muted = msg.Media, msg.On
	default:
		m.confirm(msg)
	}
	if m.state == StateDisconnecting {
		return
	}
	m.remoteHolds(msg.State == StateRemoteHold || msg.State == StateBothHold)
	for _, op := range m.operations {
		// Asking twice for the same media is harmless; the other operations have
		// their timers.
		if op.kind == InputModality {
			m.sendOperation(op, "")
		}
	}
}

// renewMissing gets new offers for the legs whose path does not stand: what was
// under way for them may be lost.
func (m *Machine) renewMissing() {
	for leg := Leg(1); leg <= MaxLegs; leg++ {
		wanted := m.peer == 0 || leg == m.peer
		if wanted && m.made.has(leg) && !m.up.has(leg) {
			m.renewMedia(leg)
		}
	}
}
