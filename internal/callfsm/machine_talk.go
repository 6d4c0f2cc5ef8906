package callfsm

// connected: media flows.
func (m *Machine) connected(in Input) error {
	switch in.Kind {
	case InputHold:
		// Connected --hold--> LocalHold, HOLD (RFC 3264 8.4)
		m.send(Message{Kind: KindHold})
		m.setHold(true, false)
		return nil
	case InputMessage:
		return m.connectedMessage(in.Message)
	case InputHangUp, InputMute, InputUnmute, InputModality, InputTones, InputRemove, InputTransfer, InputPromote,
		InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed, InputSignalingLost,
		InputSignalingResumed, InputNewEpoch, InputTimer:
		return m.talk(in)
	case InputNone, InputStart, InputAccept, InputReject, InputResume, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) connectedMessage(msg Message) error {
	switch msg.Kind {
	case KindHold:
		// Connected --HOLD--> RemoteHold
		m.setHold(false, true)
		return nil
	case KindEnded, KindReconciled, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindTones,
		KindRestart, KindOperationOK, KindOperationFailed:
		return m.talkMessage(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindRemove, KindTransfer, KindPromote,
		KindReconcile, KindResume:
	}
	return m.illegalMessage(msg, "")
}

// localHold: this end holds the call.
func (m *Machine) localHold(in Input) error {
	switch in.Kind {
	case InputResume:
		// LocalHold --resume--> Connected, RESUME
		m.send(Message{Kind: KindResume})
		m.setHold(false, false)
		return nil
	case InputMessage:
		return m.localHoldMessage(in.Message)
	case InputHangUp, InputMute, InputUnmute, InputModality, InputTones, InputRemove, InputTransfer, InputPromote,
		InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed, InputSignalingLost,
		InputSignalingResumed, InputNewEpoch, InputTimer:
		return m.talk(in)
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) localHoldMessage(msg Message) error {
	switch msg.Kind {
	case KindHold:
		// LocalHold --HOLD--> BothHold
		m.setHold(true, true)
		return nil
	case KindEnded, KindReconciled, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindTones,
		KindRestart, KindOperationOK, KindOperationFailed:
		return m.talkMessage(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindRemove, KindTransfer, KindPromote,
		KindReconcile, KindResume:
	}
	return m.illegalMessage(msg, "")
}

// remoteHold: the other end holds the call.
func (m *Machine) remoteHold(in Input) error {
	switch in.Kind {
	case InputHold:
		// RemoteHold --hold--> BothHold, HOLD
		m.send(Message{Kind: KindHold})
		m.setHold(true, true)
		return nil
	case InputMessage:
		return m.remoteHoldMessage(in.Message)
	case InputHangUp, InputMute, InputUnmute, InputModality, InputTones, InputRemove, InputTransfer, InputPromote,
		InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed, InputSignalingLost,
		InputSignalingResumed, InputNewEpoch, InputTimer:
		return m.talk(in)
	case InputNone, InputStart, InputAccept, InputReject, InputResume, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) remoteHoldMessage(msg Message) error {
	switch msg.Kind {
	case KindResume:
		// RemoteHold --RESUME--> Connected
		m.setHold(false, false)
		return nil
	case KindEnded, KindReconciled, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindTones,
		KindRestart, KindOperationOK, KindOperationFailed:
		return m.talkMessage(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindRemove, KindTransfer, KindPromote,
		KindReconcile, KindHold:
	}
	return m.illegalMessage(msg, "")
}

// bothHold: both ends hold the call; each has to resume.
func (m *Machine) bothHold(in Input) error {
	switch in.Kind {
	case InputResume:
		// BothHold --resume--> RemoteHold, RESUME
		m.send(Message{Kind: KindResume})
		m.setHold(false, true)
		return nil
	case InputMessage:
		return m.bothHoldMessage(in.Message)
	case InputHangUp, InputMute, InputUnmute, InputModality, InputTones, InputRemove, InputTransfer, InputPromote,
		InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed, InputSignalingLost,
		InputSignalingResumed, InputNewEpoch, InputTimer:
		return m.talk(in)
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) bothHoldMessage(msg Message) error {
	switch msg.Kind {
	case KindResume:
		// BothHold --RESUME--> LocalHold
		m.setHold(true, false)
		return nil
	case KindEnded, KindReconciled, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindTones,
		KindRestart, KindOperationOK, KindOperationFailed:
		return m.talkMessage(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindRemove, KindTransfer, KindPromote,
		KindReconcile, KindHold:
	}
	return m.illegalMessage(msg, "")
}

// talk is what Connected and the three holds have in common.
func (m *Machine) talk(in Input) error {
	switch in.Kind {
	case InputHangUp:
		// Connected, holds --hang up--> Disconnecting, HANG_UP (RFC 3261 15)
		m.hangUp(m.hangUpReason(in))
		return nil
	case InputMute, InputUnmute:
		// Connected, holds --mute, unmute--> the same, MUTE or UNMUTE
		return m.mute(in)
	case InputTones:
		// Connected, holds --tones--> the same, TONES
		if in.Tones == "" {
			return m.illegal(in, "no tones")
		}
		m.send(Message{Kind: KindTones, Tones: in.Tones})
		return nil
	case InputModality, InputRemove, InputTransfer, InputPromote:
		// Connected, holds --operation--> the same, its request
		return m.begin(in)
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
		// Connected, holds --transport …--> the same; the reconnect timer runs while it is away
		// Connected, holds --media failed--> Disconnecting, HANG_UP
		return m.transport(in)
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// Connected, holds --signaling …--> the same; the reconnect timer runs while it is away
		m.signaling(in)
		return nil
	case InputTimer:
		// Connected, holds --reconnect timer--> Disconnected: 496/7
		// Connected, holds --operation's timer--> the same; the operation failed
		m.operationTimers()
		m.reconnectTimer()
		return nil
	case InputNone, InputStart, InputAccept, InputReject, InputHold, InputResume, InputEarlyMedia, InputLobby,
		InputMessage:
	}
	return m.illegal(in, "")
}

func (m *Machine) talkMessage(msg Message) error {
	switch msg.Kind {
	case KindEnded:
		// Connected, holds --ENDED--> Disconnected
		m.finish(msg.Reason)
		return nil
	case KindReconciled:
		// Connected, holds --RECONCILED--> what the service knows
		return m.reconciled(msg)
	case KindMute, KindUnmute:
		// Connected, holds --MUTE, UNMUTE--> the same
		m.remote.Muted = msg.Kind == KindMute
		return nil
	case KindModality:
		// Connected, holds --MODALITY--> the same, MODALITY_OK or MODALITY_REFUSED
		m.modality(msg)
		return nil
	case KindModalityOK, KindModalityRefused, KindOperationOK, KindOperationFailed:
		// Connected, holds --answer--> the same; the operation is done
		m.answered(msg)
		return nil
	case KindTones:
		// Connected, holds --TONES--> the same
		m.emit(Effect{Kind: EffectTones, Tones: msg.Tones})
		return nil
	case KindRestart:
		// Connected, holds --RESTART--> the same, a new offer
		return m.restart(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindHold, KindResume, KindRemove,
		KindTransfer, KindPromote, KindReconcile:
	}
	return m.illegalMessage(msg, "")
}

// earlyTalk takes what the other end says when it is connected before this one.
func (m *Machine) earlyTalk(msg Message) error {
	switch msg.Kind {
	case KindHold, KindResume:
		m.remoteHolds(msg.Kind == KindHold)
		return nil
	case KindMute, KindUnmute, KindModality, KindRestart, KindTones:
		return m.talkMessage(msg)
	case KindNone, KindStart, KindStarted, KindIncoming, KindRinging, KindEarlyMedia, KindLobby, KindAccept,
		KindAccepted, KindConfirmed, KindConnected, KindReject, KindHangUp, KindEnded, KindModalityOK,
		KindModalityRefused, KindRemove, KindTransfer, KindPromote, KindOperationOK, KindOperationFailed,
		KindReconcile, KindReconciled:
	}
	return m.illegalMessage(msg, "")
}

// remoteHolds records whether the other side holds the call. It may do so before
// this end is connected: then the state follows with Connected.
func (m *Machine) remoteHolds(held bool) {
	if m.state.Established() {
		m.setHold(m.state == StateLocalHold || m.state == StateBothHold, held)
		return
	}
	if held != m.remote.Held {
		m.remote.Held = held
		m.emit(Effect{Kind: EffectMediaAllowed, Leg: m.peer, On: !held})
	}
}

// setHold enters the established state that fits who holds the call, and stops
// or allows media.
func (m *Machine) setHold(local, remote bool) {
	to := StateConnected
	switch {
	case local && remote:
		to = StateBothHold
	case local:
		to = StateLocalHold
	case remote:
		to = StateRemoteHold
	}
	m.remote.Held = remote
	m.remote.State = StateConnected
	if remote {
		m.remote.State = StateRemoteHold
	}
	if to == m.state {
		return
	}
	if (to == StateConnected) != (m.state == StateConnected) {
		m.emit(Effect{Kind: EffectMediaAllowed, Leg: m.peer, On: to == StateConnected})
	}
	m.enter(to)
}

// mute records whether this end is muted and tells it to the other side. A
// device that has not accepted says it in its ACCEPT.
func (m *Machine) mute(in Input) error {
	muted := in.Kind == InputMute
	if muted == m.muted {
		return nil
	}
	m.muted = muted
	if m.cfg.Direction == Incoming && m.peer == 0 {
		return nil
	}
	kind := KindUnmute
	if muted {
		kind = KindMute
	}
	m.send(Message{Kind: kind})
	return nil
}
