package callfsm

import "time"

// none is the state before anything happened.
func (m *Machine) none(in Input) error {
	switch in.Kind {
	case InputStart:
		// None --start--> Connecting, START (RFC 3261 13.2.1)
		if m.cfg.Direction != Outgoing {
			return m.illegal(in, "an incoming call is accepted")
		}
		m.sendStart()
		m.remote.State = StateConnecting
		m.establishAt = m.now.Add(m.establishment())
		m.enter(StateConnecting)
		return nil
	case InputHangUp:
		// None --hang up--> Disconnected: nobody knows of the call yet
		if m.cfg.Direction != Outgoing {
			return m.illegal(in, "there is no call yet")
		}
		m.finish(m.hangUpReason(in))
		return nil
	case InputSignalingLost, InputSignalingResumed:
		// None --signaling lost, resumed--> None
		m.lost = in.Kind == InputSignalingLost
		return nil
	case InputNewEpoch:
		// None --new epoch--> None: there is nothing to reconcile
		m.lost = false
		return nil
	case InputTimer:
		// None --timer--> None: no timer runs
		return nil
	case InputMessage:
		return m.noneMessage(in.Message)
	case InputNone, InputAccept, InputReject, InputHold, InputResume, InputMute, InputUnmute, InputModality,
		InputTones, InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby,
		InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
	}
	return m.illegal(in, "")
}

func (m *Machine) noneMessage(msg Message) error {
	if msg.Kind != KindIncoming {
		return m.illegalMessage(msg, "")
	}
	// None --INCOMING--> Ringing, RINGING
	if m.cfg.Direction != Incoming {
		return m.illegalMessage(msg, "the call is outgoing")
	}
	if msg.Leg < 1 || msg.Leg > MaxLegs {
		return m.illegalMessage(msg, "no such leg")
	}
	m.leg = msg.Leg
	m.cfg.From, m.cfg.To = msg.From, msg.To
	m.remote = Remote{ID: msg.From, DisplayName: msg.DisplayName, Media: msg.Media, State: StateConnecting}
	m.establishAt = m.now.Add(m.establishment())
	m.send(Message{Kind: KindRinging})
	m.enter(StateRinging)
	m.startMedia(m.leg)
	return nil
}

func (m *Machine) sendStart() {
	m.send(Message{
		Kind: KindStart, From: m.cfg.From, To: m.cfg.To, DisplayName: m.cfg.DisplayName, Media: m.media, On: m.muted,
	})
}

// connecting: the caller waits for the first sign of a device, or either end
// accepted and waits for the service and the media path.
func (m *Machine) connecting(in Input) error {
	switch in.Kind {
	case InputHangUp:
		// Connecting --hang up--> Disconnecting, HANG_UP (RFC 3261 9.1, 15)
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputTimer:
		// Connecting --establishment timer--> Disconnected: 408/10057
		m.establishmentTimer(ReasonNotEstablished)
		return nil
	case InputMute, InputUnmute:
		// Connecting --mute, unmute--> Connecting, MUTE or UNMUTE
		return m.mute(in)
	case InputTransportUp:
		// Connecting --transport up--> Connected, once the service agreed
		return m.transport(in)
	case InputTransportLost, InputTransportFailed, InputMediaFailed:
		// Connecting --transport lost, failed--> Connecting
		// Connecting --media failed--> Disconnecting, if this leg carries the call
		return m.transport(in)
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// Connecting --signaling …--> Connecting, RECONCILE in a new epoch
		m.signaling(in)
		return nil
	case InputMessage:
		return m.connectingMessage(in.Message)
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputResume, InputModality, InputTones,
		InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) connectingMessage(msg Message) error {
	switch msg.Kind {
	case KindStarted:
		// Connecting --STARTED--> Connecting
		if m.cfg.Direction != Outgoing {
			return m.illegalMessage(msg, "the call is incoming")
		}
		m.started, m.reconciling = true, false
		return nil
	case KindRinging, KindEarlyMedia, KindLobby, KindAccepted:
		// Connecting --RINGING--> Ringing (RFC 3261 13.2.2.1)
		// Connecting --EARLY_MEDIA--> EarlyMedia (RFC 3960)
		// Connecting --LOBBY--> InLobby
		// Connecting --ACCEPTED--> Connected, or Connecting until the media path stands
		return m.progress(msg)
	case KindConfirmed:
		// Connecting --CONFIRMED--> Connected, or Connecting until the media path stands
		if m.cfg.Direction != Incoming {
			return m.illegalMessage(msg, "the call is outgoing")
		}
		m.confirm(msg)
		return nil
	case KindEnded:
		// Connecting --ENDED--> Disconnected
		m.finish(msg.Reason)
		return nil
	case KindReconciled:
		// Connecting --RECONCILED--> what the service knows
		return m.reconciled(msg)
	case KindHold, KindResume, KindMute, KindUnmute, KindModality, KindRestart, KindTones:
		// Connecting --HOLD, …--> Connecting: the other end is connected already
		if m.peer == 0 {
			return m.illegalMessage(msg, "nobody accepted yet")
		}
		return m.earlyTalk(msg)
	case KindNone, KindStart, KindIncoming, KindAccept, KindConnected, KindReject, KindHangUp, KindModalityOK,
		KindModalityRefused, KindRemove, KindTransfer, KindPromote, KindOperationOK, KindOperationFailed,
		KindReconcile:
	}
	return m.illegalMessage(msg, "")
}

// ringing: at the caller a device rings; at a device the app has been told.
func (m *Machine) ringing(in Input) error {
	switch in.Kind {
	case InputAccept:
		// Ringing --accept--> Connecting, ACCEPT (RFC 3261 13.2.2.4)
		return m.accept(in)
	case InputReject:
		// Ringing --reject--> Disconnecting, REJECT (RFC 3261 21.6.2)
		if m.cfg.Direction != Incoming {
			return m.illegal(in, "the call is outgoing")
		}
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputHangUp:
		// Ringing --hang up--> Disconnecting, HANG_UP or REJECT (RFC 3261 9.1)
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputTimer:
		// Ringing --establishment timer--> Disconnected: 487/10004
		// Ringing --reconnect timer--> Disconnected: 496/7 (a device that keeps the caller in a lobby)
		m.establishmentTimer(ReasonNoAnswer)
		return nil
	case InputMute, InputUnmute:
		// Ringing --mute, unmute--> Ringing
		return m.mute(in)
	case InputEarlyMedia, InputLobby:
		// Ringing --early media, lobby--> Ringing, EARLY_MEDIA or LOBBY
		return m.announce(in)
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
		// Ringing --transport …--> Ringing
		// Ringing --media failed--> Disconnecting, REJECT, at a device
		return m.transport(in)
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// Ringing --signaling …--> Ringing, RECONCILE in a new epoch
		m.signaling(in)
		return nil
	case InputMessage:
		return m.ringingMessage(in.Message)
	case InputNone, InputStart, InputHold, InputResume, InputModality, InputTones, InputRemove, InputTransfer,
		InputPromote:
	}
	return m.illegal(in, "")
}

func (m *Machine) ringingMessage(msg Message) error {
	switch msg.Kind {
	case KindRinging, KindEarlyMedia, KindLobby, KindAccepted:
		// Ringing --RINGING--> Ringing: one more device
		// Ringing --EARLY_MEDIA--> EarlyMedia
		// Ringing --LOBBY--> InLobby
		// Ringing --ACCEPTED--> Connected, or Connecting until the media path stands
		return m.progress(msg)
	case KindEnded:
		// Ringing --ENDED--> Disconnected
		m.finish(msg.Reason)
		return nil
	case KindReconciled:
		// Ringing --RECONCILED--> what the service knows
		return m.reconciled(msg)
	case KindRestart:
		// Ringing --RESTART--> Ringing, a new offer
		return m.restart(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindAccept, KindConfirmed, KindConnected, KindReject,
		KindHangUp, KindHold, KindResume, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused,
		KindRemove, KindTransfer, KindPromote, KindOperationOK, KindOperationFailed, KindReconcile, KindTones:
	}
	return m.illegalMessage(msg, "")
}

// earlyMedia: the caller hears something before the call is accepted.
func (m *Machine) earlyMedia(in Input) error {
	switch in.Kind {
	case InputHangUp:
		// EarlyMedia --hang up--> Disconnecting, HANG_UP
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputTimer:
		// EarlyMedia --establishment timer--> Disconnected: 408/10057
		m.establishmentTimer(ReasonNotEstablished)
		return nil
	case InputMute, InputUnmute:
		// EarlyMedia --mute, unmute--> EarlyMedia, MUTE or UNMUTE
		return m.mute(in)
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
		// EarlyMedia --transport …--> EarlyMedia
		return m.transport(in)
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// EarlyMedia --signaling …--> EarlyMedia, RECONCILE in a new epoch
		m.signaling(in)
		return nil
	case InputMessage:
		return m.waitingMessage(in.Message)
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputResume, InputModality, InputTones,
		InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

// inLobby: the caller waits to be admitted, for as long as that takes.
func (m *Machine) inLobby(in Input) error {
	switch in.Kind {
	case InputHangUp:
		// InLobby --hang up--> Disconnecting, HANG_UP
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputTimer:
		// InLobby --reconnect timer--> Disconnected: 496/7
		m.reconnectTimer()
		return nil
	case InputMute, InputUnmute:
		// InLobby --mute, unmute--> InLobby, MUTE or UNMUTE
		return m.mute(in)
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
		// InLobby --transport …--> InLobby
		return m.transport(in)
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// InLobby --signaling …--> InLobby, RECONCILE in a new epoch
		m.signaling(in)
		return nil
	case InputMessage:
		return m.waitingMessage(in.Message)
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputResume, InputModality, InputTones,
		InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

// waitingMessage is what EarlyMedia and InLobby have in common.
func (m *Machine) waitingMessage(msg Message) error {
	switch msg.Kind {
	case KindRinging, KindEarlyMedia, KindLobby, KindAccepted:
		// EarlyMedia, InLobby --RINGING--> the same: one more device
		// EarlyMedia --LOBBY--> InLobby; InLobby --EARLY_MEDIA--> InLobby
		// EarlyMedia, InLobby --ACCEPTED--> Connected, or Connecting until the media path stands
		return m.progress(msg)
	case KindEnded:
		// EarlyMedia, InLobby --ENDED--> Disconnected
		m.finish(msg.Reason)
		return nil
	case KindReconciled:
		// EarlyMedia, InLobby --RECONCILED--> what the service knows
		return m.reconciled(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindAccept, KindConfirmed, KindConnected, KindReject,
		KindHangUp, KindHold, KindResume, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused,
		KindRestart, KindRemove, KindTransfer, KindPromote, KindOperationOK, KindOperationFailed, KindReconcile,
		KindTones:
	}
	return m.illegalMessage(msg, "")
}

// progress takes what a device's leg reports to a caller who is not accepted.
func (m *Machine) progress(msg Message) error {
	if m.cfg.Direction != Outgoing {
		return m.illegalMessage(msg, "the call is incoming")
	}
	if msg.Leg < 1 || msg.Leg > MaxLegs {
		return m.illegalMessage(msg, "no such leg")
	}
	if m.peer != 0 {
		return m.illegalMessage(msg, "a device has accepted already")
	}
	if msg.Kind == KindAccepted {
		m.accepted(msg)
		return nil
	}
	m.reachLeg(msg.Leg, msg.On)
	to, moves := m.state, false
	switch msg.Kind { //nolint:exhaustive // the callers pass no other kind
	case KindRinging:
		to, moves = StateRinging, m.state == StateConnecting
	case KindEarlyMedia:
		to, moves = StateEarlyMedia, m.state == StateConnecting || m.state == StateRinging
	case KindLobby:
		to, moves = StateInLobby, m.state != StateInLobby
	}
	if moves {
		if to == StateInLobby {
			m.establishAt = time.Time{}
		}
		m.remote.State = to
		m.enter(to)
	}
	return nil
}

// reachLeg makes the transport of a device that has become known. When the
// service says so again, after a lost session, the device's offer may be lost.
func (m *Machine) reachLeg(leg Leg, again bool) {
	if m.made.has(leg) || m.broken.has(leg) {
		return
	}
	m.startMedia(leg)
	if again {
		m.askRestart(leg, true)
	}
}

// accepted: a device has taken the caller's call.
func (m *Machine) accepted(msg Message) {
	m.started = true
	if m.broken.has(msg.Leg) {
		m.peer, m.confirmed = msg.Leg, true
		m.hangUp(m.brokenReason)
		return
	}
	m.reachLeg(msg.Leg, msg.Kind == KindAccepted)
	m.peer = msg.Leg
	m.emit(Effect{Kind: EffectMediaAllowed, Leg: m.peer, On: true})
	for leg := Leg(1); leg <= MaxLegs; leg++ {
		if leg != m.peer && m.made.has(leg) {
			m.stopMedia(leg)
		}
	}
	m.remote.Leg = m.peer
	m.remote.State = StateConnecting
	if m.establishAt.IsZero() { // admitted from a lobby
		m.establishAt = m.now.Add(m.establishment())
	}
	if m.failed.has(m.peer) {
		m.renewMedia(m.peer)
	}
	m.confirm(msg)
	if !m.state.Established() && m.state != StateConnecting {
		m.enter(StateConnecting)
	}
}

// accept: the app of a device takes the call.
func (m *Machine) accept(in Input) error {
	if m.cfg.Direction != Incoming {
		return m.illegal(in, "the call is outgoing")
	}
	if in.Media != 0 {
		m.media = in.Media
	}
	m.muted = m.muted || in.On
	m.peer = m.leg
	m.send(Message{Kind: KindAccept, Media: m.media, On: m.muted})
	m.emit(Effect{Kind: EffectMediaAllowed, Leg: m.leg, On: true})
	m.establishAt = m.now.Add(m.establishment())
	m.enter(StateConnecting)
	if m.failed.has(m.leg) {
		m.renewMedia(m.leg)
	}
	return nil
}

// confirm: the service agreed that peer carries the call, and says how the
// other side is.
func (m *Machine) confirm(msg Message) {
	m.confirmed = true
	m.remote.Media, m.remote.Muted = msg.Media, msg.On
	m.tryConnect()
}

// tryConnect enters Connected when the service agreed and the media path stands.
func (m *Machine) tryConnect() {
	if !m.confirmed || !m.up.has(m.peer) || m.state.Established() {
		return
	}
	m.establishAt = time.Time{}
	m.remote.State = StateConnected
	m.enter(StateConnected)
	m.send(Message{Kind: KindConnected})
	if m.remote.Held {
		m.setHold(false, true)
	}
}

// announce: a device that rings plays media or asks the caller to wait.
func (m *Machine) announce(in Input) error {
	if m.cfg.Direction != Incoming {
		return m.illegal(in, "the call is outgoing")
	}
	if in.Kind == InputEarlyMedia {
		m.send(Message{Kind: KindEarlyMedia})
		return nil
	}
	// Whoever keeps a caller waiting may do so for long: no timer.
	m.establishAt = time.Time{}
	m.send(Message{Kind: KindLobby})
	return nil
}

// establishmentTimer ends the call when it was not established in time.
func (m *Machine) establishmentTimer(why ReasonName) {
	if m.due(m.establishAt) {
		m.expire(why.Reason())
		return
	}
	m.reconnectTimer()
}

func (m *Machine) reconnectTimer() {
	if m.due(m.reconnectAt) {
		m.expire(ReasonNetworkLost.Reason())
	}
}
