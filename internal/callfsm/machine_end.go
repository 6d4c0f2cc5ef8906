package callfsm

import "time"

// disconnecting: this end ended the call and waits for the service to say so.
func (m *Machine) disconnecting(in Input) error {
	switch in.Kind {
	case InputHangUp, InputReject:
		// Disconnecting --hang up, reject--> Disconnecting: it is under way
		return nil
	case InputTimer:
		// Disconnecting --teardown timer--> Disconnected: nobody confirmed
		if m.due(m.teardownAt) {
			m.finish(m.reason)
		}
		return nil
	case InputSignalingLost, InputSignalingResumed, InputNewEpoch:
		// Disconnecting --signaling …--> Disconnecting, RECONCILE in a new epoch
		m.signaling(in)
		return nil
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed:
		// Disconnecting --transport …--> Disconnecting: it is closed already
		return nil
	case InputMessage:
		return m.disconnectingMessage(in.Message)
	case InputNone, InputStart, InputAccept, InputHold, InputResume, InputMute, InputUnmute, InputModality, InputTones,
		InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) disconnectingMessage(msg Message) error {
	switch msg.Kind {
	case KindEnded:
		// Disconnecting --ENDED--> Disconnected: the service's reason counts
		m.finish(msg.Reason)
		return nil
	case KindReconciled:
		// Disconnecting --RECONCILED--> Disconnected
		return m.reconciled(msg)
	case KindStarted, KindRinging, KindEarlyMedia, KindLobby, KindAccepted, KindConfirmed, KindHold, KindResume,
		KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindRestart, KindOperationOK,
		KindOperationFailed, KindTones:
		// Disconnecting --anything that crossed--> Disconnecting
		return nil
	case KindNone, KindStart, KindIncoming, KindAccept, KindConnected, KindReject, KindHangUp, KindRemove,
		KindTransfer, KindPromote, KindReconcile:
	}
	return m.illegalMessage(msg, "")
}

// disconnected is the last state: nothing is emitted any more.
func (m *Machine) disconnected(in Input) error {
	switch in.Kind {
	case InputMessage:
		return m.disconnectedMessage(in.Message)
	case InputTransportUp, InputTransportLost, InputTransportFailed, InputMediaFailed, InputSignalingLost,
		InputSignalingResumed, InputNewEpoch, InputTimer:
		// Disconnected --anything from below--> Disconnected
		return nil
	case InputNone, InputStart, InputAccept, InputReject, InputHangUp, InputHold, InputResume, InputMute, InputUnmute,
		InputModality, InputTones, InputRemove, InputTransfer, InputPromote, InputEarlyMedia, InputLobby:
	}
	return m.illegal(in, "")
}

func (m *Machine) disconnectedMessage(msg Message) error {
	switch msg.Kind {
	case KindStarted, KindRinging, KindEarlyMedia, KindLobby, KindAccepted, KindConfirmed, KindEnded, KindHold,
		KindResume, KindMute, KindUnmute, KindModality, KindModalityOK, KindModalityRefused, KindRestart,
		KindOperationOK, KindOperationFailed, KindReconciled, KindTones:
		// Disconnected --anything that crossed--> Disconnected
		return nil
	case KindNone, KindStart, KindIncoming, KindAccept, KindConnected, KindReject, KindHangUp, KindRemove,
		KindTransfer, KindPromote, KindReconcile:
	}
	return m.illegalMessage(msg, "")
}

// hangUpReason is the reason of a hang-up or rejection by the app.
func (m *Machine) hangUpReason(in Input) EndReason {
	switch {
	case in.Reason != EndReason{}:
		return in.Reason
	case m.peer != 0 && in.On:
		return ReasonEndedForAll.Reason()
	case m.peer != 0:
		return ReasonNone.Reason()
	case m.cfg.Direction == Incoming:
		return ReasonDeclined.Reason()
	default:
		return ReasonCancelled.Reason()
	}
}

// hangUp ends the call by this end's will and waits for the confirmation.
func (m *Machine) hangUp(reason EndReason) {
	m.reason = explain(reason)
	m.sendEnd()
	m.enter(StateDisconnecting)
	m.clear()
	m.teardownAt = m.now.Add(m.cfg.Timeouts.Teardown)
}

// expire ends the call because a timer fired. There is no confirmation to wait
// for: the other ends have their own timers.
func (m *Machine) expire(reason EndReason) {
	m.reason = explain(reason)
	m.sendEnd()
	m.finish(reason)
}

func (m *Machine) sendEnd() {
	kind := KindHangUp
	if m.cfg.Direction == Incoming && m.peer == 0 {
		kind = KindReject
	}
	m.send(Message{Kind: kind, Reason: wire(m.reason), On: m.reason.Is(ReasonEndedForAll.Reason())})
}

// finish enters Disconnected and lets go of everything.
func (m *Machine) finish(reason EndReason) {
	m.reason = explain(reason)
	m.remote.State = StateDisconnected
	m.clear()
	m.enter(StateDisconnected)
	m.tellRemote()
	m.emit(Effect{Kind: EffectEnded, Reason: m.reason})
}

// clear closes all transports, stops all timers and fails all operations.
func (m *Machine) clear() {
	if m.made != 0 {
		m.emit(Effect{Kind: EffectStopMedia, Leg: AllLegs})
	}
	m.made, m.up, m.failed = 0, 0, 0
	m.establishAt, m.reconnectAt, m.teardownAt = time.Time{}, time.Time{}, time.Time{}
	for _, op := range m.operations {
		m.done(op, false, m.reason)
	}
	m.operations = nil
}
